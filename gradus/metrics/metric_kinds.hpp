// Metrics by name, and lists of them as a field: for recipes and the reference of keys. Not for users.
#pragma once

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/metrics/class_scores.hpp"
#include "gradus/metrics/metrics.hpp"
#include "gradus/metrics/number_scores.hpp"
#include "gradus/nn/loss_kinds.hpp"

namespace gradus::metrics {

/// How a metric is computed of a whole set: from counts or sums that batches add to, or from outputs and targets that are kept. One of the
/// five is there.
struct SetScore {
  double (*of_counts)(const ConfusionMatrix&, const Averaging&) = nullptr;
  double (*of_sums)(const detail::ProbabilitySums&) = nullptr;
  double (*of_scores)(const detail::ClassData&, detail::Weights, Average) = nullptr;  ///< kept and ranked
  double (*of_moments)(const detail::Moments&) = nullptr;                             ///< of one column
  double (*of_numbers)(const detail::NumberData&, detail::Weights) = nullptr;         ///< kept
  ClassScore of_classes_function = nullptr;                                           ///< the function that programs call
  NumberScore of_numbers_function = nullptr;
  bool needs_every_class = false, takes_average = false;

  bool is_of_classes() const { return of_counts || of_sums || of_scores; }
  bool exists() const { return is_of_classes() || of_moments || of_numbers; }
};

struct MetricKind {
  std::string_view name{}, alias{}, text{};
  bool measures_classes = false, measures_answers = false, measures_numbers = false;
  bool is_gain = false;                                                   ///< the more the better
  Array (*function)(const Array& output, const Array& target) = nullptr;  ///< by which it is known again; null: by its name only
  Metric (*make)() = nullptr;                                             ///< null: of whole sets only
  Array (*divisor)(const Array& output, const Array& target) = nullptr;   ///< null: the examples
  SetScore set{};                                                         ///< nothing: by batches only
};
const core::Named<MetricKind>& metric_kinds();
/// The rows of scores of whole sets (set_kinds.cpp), which metric_kinds() has behind its own.
std::span<const MetricKind> set_kinds();

/// "f1_macro" as the kind f1 with that average; null for names of none.
struct NamedAverage {
  const MetricKind* kind = nullptr;
  Average average = Average::automatic;
};
NamedAverage named_average(std::string_view name);

/// What is wrong with a metric beside a loss, and which metrics fit; "" if nothing is. Of those of one's own nothing is known.
///   accuracy measures classes or yes-or-no answers, and mean_squared_error trains numbers; of them there are mean_absolute_error, ...
std::string misfit(const Metric& metric, const loss::Loss& loss);
/// The same with what output and target are. Reads the target where the kinds do not tell: whether its rows are one-hot.
std::string misfit(const Metric& metric, const loss::Loss& loss, const Array& output, const Array& target);

}  // namespace gradus::metrics

namespace gradus::core {
/// A list of names.
template <>
struct FieldType<std::vector<metrics::Metric>> {
  static std::string expected(const FieldNote&, const std::vector<metrics::Metric>&) { return "a list of texts"; }
  static Datum write(const std::vector<metrics::Metric>& value, FieldWriting&);
  static bool read(std::vector<metrics::Metric>& value, const Datum& given, const FieldNote& note, FieldReading& reading);
};
}  // namespace gradus::core
