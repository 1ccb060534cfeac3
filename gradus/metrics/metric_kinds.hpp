// Metrics by name, and lists of them as a field: for recipes and the reference of keys. Not for users.
#pragma once

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "gradus/metrics/metrics.hpp"

namespace gradus::metrics {

struct MetricKind {
  std::string_view name{}, alias{}, text{};
  bool measures_classes = false, measures_answers = false, measures_numbers = false;
  Array (*function)(const Array& output, const Array& target) = nullptr;  ///< by which it is known again; null: by its name only
  Metric (*make)() = nullptr;
  Array (*divisor)(const Array& output, const Array& target) = nullptr;  ///< null: the examples
};
const core::Named<MetricKind>& metric_kinds();

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
