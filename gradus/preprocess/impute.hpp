// Missing values: filled in by one value a column, by neighbours, by regression on the other columns.
#pragma once

#include <string>
#include <vector>

#include "gradus/preprocess/step.hpp"

namespace gradus::preprocess {

/// By what a missing value is filled in: mean, median or mode (the most frequent, of several the least) of the training rows, or a
/// constant.
enum class Fill : uint8_t { mean, median, mode, constant };
std::span<const std::string_view> enum_names(Fill);
inline constexpr Fill median = Fill::median, mode = Fill::mode, constant = Fill::constant;  ///< gradus::mean is a function: Fill::mean

/// Options of Impute. No columns: all numeric ones, and with mode or constant the categorical ones too.
struct ImputeOptions {
  std::vector<std::string> columns{};
  Fill fill = Fill::median;
  double value = 0;              ///< of constant, for numbers
  std::string text = "missing";  ///< of constant, for categories
  bool indicator = false;        ///< one more column, 1 where it was missing, for each that has missing values in training: "age missing"
  GRADUS_OPTIONS(columns, fill, value, text, indicator)
};
/// Fills in missing values (SimpleImputer); infinite numbers count as missing. A column with no value at all in training is filled with the
/// constant.
///
///   preprocess::Impute(preprocess::median)
///   preprocess::Impute(preprocess::constant, {.value = -1, .indicator = true})
struct Impute {
  static constexpr std::string_view kName = "Impute";
  ImputeOptions options{};
  struct State {
    std::vector<std::string> columns{};  ///< the numeric ones
    std::vector<double> values{};
    std::vector<std::string> coded{}, texts{};  ///< the others, and what fills them
    std::vector<std::string> indicated{};
    GRADUS_FIELDS(columns, values, coded, texts, indicated)
  } state{};

  explicit Impute(ImputeOptions given = {}) : options(std::move(given)) {}
  explicit Impute(Fill fill, ImputeOptions given = {}) : options(std::move(given)) { options.fill = fill; }
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

/// Options of MarkMissing.
struct MarkMissingOptions {
  std::vector<std::string> columns{};
  std::vector<double> values{0};
  GRADUS_OPTIONS(columns, values)
};
/// Numbers that stand for missing values, 0 or -999 say, become missing.
struct MarkMissing {
  static constexpr std::string_view kName = "MarkMissing";
  MarkMissingOptions options{};
  struct State {
    std::vector<std::string> columns{};
    GRADUS_FIELDS(columns)
  } state{};

  explicit MarkMissing(MarkMissingOptions given = {}) : options(std::move(given)) {}
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const {}
};

/// How much each neighbour counts.
enum class NeighbourWeight : uint8_t { uniform, distance };
std::span<const std::string_view> enum_names(NeighbourWeight);
/// Options of ImputeNeighbours. Scale first: distances are between the numbers as they are.
struct ImputeNeighboursOptions {
  std::vector<std::string> columns{};
  int64_t neighbours = 5;
  NeighbourWeight weight = NeighbourWeight::uniform;
  int64_t most = 10'000;  ///< training rows that are kept, drawn at random: they go into the model file
  GRADUS_OPTIONS(columns, neighbours, weight, most)
};
/// A missing number becomes the mean of those of the nearest training rows that have it (Troyanskaya et al. 2001; KNNImputer). The distance
/// is over the columns that both rows have, scaled up to all of them; where there is no such neighbour it is the column's mean.
struct ImputeNeighbours {
  static constexpr std::string_view kName = "ImputeNeighbours";
  ImputeNeighboursOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<double> means{}, rows{};  ///< rows: row after row; 1e308 is missing
    GRADUS_FIELDS(columns, means, rows)
  } state{};

  explicit ImputeNeighbours(ImputeNeighboursOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

/// Options of ImputeIterative.
struct ImputeIterativeOptions {
  std::vector<std::string> columns{};
  int64_t rounds = 10;
  double ridge = 1e-3;      ///< of the regressions: what is added to the diagonal, for columns that are standardised
  double tolerance = 1e-3;  ///< it ends where no value changes by more, in the size of the largest number
  GRADUS_OPTIONS(columns, rounds, ridge, tolerance)
};
/// Each column that has missing values is regressed on all others, round after round, from the column with the fewest missing values on
/// (van Buuren and Groothuis-Oudshoorn 2011; IterativeImputer); the regressions of the last round are applied to later rows, as many times.
struct ImputeIterative {
  static constexpr std::string_view kName = "ImputeIterative";
  ImputeIterativeOptions options{};
  struct State {
    std::vector<std::string> columns{};
    std::vector<double> means{};
    std::vector<int64_t> order{};                ///< columns that are regressed, in this order in each round
    std::vector<std::vector<double>> weights{};  ///< of the regressions, one after the other: an intercept, then one weight a column
    int64_t rounds = 0;
    GRADUS_FIELDS(columns, means, order, weights, rounds)
  } state{};

  explicit ImputeIterative(ImputeIterativeOptions given = {});
  void learn(const Frame& frame, const Learning& learning);
  Frame learn_and_apply(const Frame& frame, const Learning& learning, Treatments& treatments);
  Frame apply(const Frame& frame, Treatments& treatments) const;
  void check() const;
};

}  // namespace gradus::preprocess
