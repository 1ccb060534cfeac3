// Columns brought to another distribution: by a power, or by their ranks.
#pragma once

#include <string>
#include <vector>

#include "gradus/preprocess/step.hpp"

namespace gradus::preprocess {

/// yeo_johnson takes all numbers, box_cox positive ones.
enum class PowerMethod : uint8_t { yeo_johnson, box_cox };
std::span<const std::string_view> enum_names(PowerMethod);
/// Options of Power.
struct PowerOptions {
  std::vector<std::string> columns{};
  PowerMethod method = PowerMethod::yeo_johnson;
  bool standardise = true;  ///< to mean 0 and deviation 1 afterwards
  GRADUS_OPTIONS(columns, method, standardise)
};
/// The power that makes each column most like a normal distribution, by maximum likelihood (Box and Cox 1964, Yeo and Johnson 2000;
/// PowerTransformer).
struct Power {
  static constexpr std::string_view kName = "Power";
  PowerOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<double> lambda{}, mean{}, deviation{};
    GRADUS_FIELDS(columns, lambda, mean, deviation)
  } state{};

  explicit Power(PowerOptions given = {}) : options(std::move(given)) {}
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  Array forward(const Array& x) const;
  void check() const;
};

/// What the ranks become: numbers of [0, 1], or those of a standard normal distribution.
enum class RankOutput : uint8_t { uniform, normal };
std::span<const std::string_view> enum_names(RankOutput);
/// Options of Quantile. quantiles: at least 2.
struct QuantileOptions {
  std::vector<std::string> columns{};
  int64_t quantiles = 1000;  ///< that are kept; of fewer rows, as many as rows
  RankOutput output = RankOutput::uniform;
  GRADUS_OPTIONS(columns, quantiles, output)
};
/// Each number as the share of training numbers below it, on straight lines between quantiles (QuantileTransformer, of all rows). Values
/// beyond those of training become 0 or 1; of a normal output -5.2 or 5.2.
struct Quantile {
  static constexpr std::string_view kName = "Quantile";
  QuantileOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<std::vector<double>> quantiles{};
    GRADUS_FIELDS(columns, quantiles)
  } state{};

  explicit Quantile(QuantileOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

}  // namespace gradus::preprocess
