// Scaling of columns of numbers: standardise, to a range, by quartiles, of rows to length one. Missing values stay missing.
#pragma once

#include <string>
#include <vector>

#include "gradus/preprocess/step.hpp"

namespace gradus::preprocess {

/// Options of Standardise. No columns: all that are numeric when it is its turn.
struct StandardiseOptions {
  std::vector<std::string> columns{};
  bool centre = true, scale = true;
  GRADUS_OPTIONS(columns, centre, scale)
};
/// (x - mean) / deviation, of the training rows; the deviation divides by their number, as scikit-learn's StandardScaler does. A column
/// that is constant is only centred.
///
///   preprocess::Pipeline pipeline{preprocess::Standardise()};
struct Standardise {
  static constexpr std::string_view kName = "Standardise";
  StandardiseOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<double> mean{}, deviation{};
    GRADUS_FIELDS(columns, mean, deviation)
  } state{};

  explicit Standardise(StandardiseOptions given = {}) : options(std::move(given)) {}
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  Array forward(const Array& x) const;
  void check() const;
};

/// Options of MinMax. low is below high.
struct MinMaxOptions {
  std::vector<std::string> columns{};
  double low = 0, high = 1;
  bool clip = false;  ///< values beyond those of training become low or high, and are counted
  GRADUS_OPTIONS(columns, low, high, clip)
};
/// From the range of the training rows to low .. high (MinMaxScaler). A constant column becomes low.
struct MinMax {
  static constexpr std::string_view kName = "MinMax";
  MinMaxOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<double> least{}, greatest{};
    GRADUS_FIELDS(columns, least, greatest)
  } state{};

  explicit MinMax(MinMaxOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  Array forward(const Array& x) const;
  void check() const;
};

/// Options of Robust.
struct RobustOptions {
  std::vector<std::string> columns{};
  double low = 0.25, high = 0.75;  ///< shares between whose quantiles the range lies
  GRADUS_OPTIONS(columns, low, high)
};
/// (x - median) / (quantile(high) - quantile(low)): outliers do not move it (RobustScaler).
struct Robust {
  static constexpr std::string_view kName = "Robust";
  RobustOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<double> median{}, range{};
    GRADUS_FIELDS(columns, median, range)
  } state{};

  explicit Robust(RobustOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  Array forward(const Array& x) const;
  void check() const;
};

/// What the length of a row is: the root of the sum of squares, the sum of sizes, the largest size.
enum class RowNorm : uint8_t { l2, l1, max };
std::span<const std::string_view> enum_names(RowNorm);
/// Options of UnitNorm.
struct UnitNormOptions {
  std::vector<std::string> columns{};
  RowNorm norm = RowNorm::l2;
  GRADUS_OPTIONS(columns, norm)
};
/// Each row divided by its length over the columns (Normalizer); a row of zeros stays as it is.
struct UnitNorm {
  static constexpr std::string_view kName = "UnitNorm";
  UnitNormOptions options{};
  struct State {
    std::vector<std::string> columns{};
    GRADUS_FIELDS(columns)
  } state{};

  explicit UnitNorm(UnitNormOptions given = {}) : options(std::move(given)) {}
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  Array forward(const Array& x) const;
  void check() const {}
};

/// By what values are cut: quantiles of the training rows, so many deviations from their mean, or so many quartile ranges beyond the
/// quartiles.
enum class ClipBy : uint8_t { quantiles, deviations, quartiles };
std::span<const std::string_view> enum_names(ClipBy);
/// Options of Clip.
struct ClipOptions {
  std::vector<std::string> columns{};
  ClipBy by = ClipBy::quartiles;
  double amount = 0;  ///< quantiles: the share cut at each end (0.01); deviations: 3; quartiles: 3; 0: that number
  GRADUS_OPTIONS(columns, by, amount)
};
/// Outliers become the nearest value that is none; they are counted.
struct Clip {
  static constexpr std::string_view kName = "Clip";
  ClipOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<double> least{}, greatest{};
    GRADUS_FIELDS(columns, least, greatest)
  } state{};

  explicit Clip(ClipOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  Array forward(const Array& x) const;
  void check() const;
};

}  // namespace gradus::preprocess
