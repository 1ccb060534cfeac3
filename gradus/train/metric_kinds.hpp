// Metrics by name, and lists of them as a field: for recipes and the reference of keys. Not for users.
#pragma once

#include "gradus/base/named.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/train/metrics.hpp"

namespace gradus::metrics {

struct MetricKind {
  std::string_view name{}, alias{}, text{};
  Array (*function)(const Array& output, const Array& target) = nullptr;  ///< by which it is known again; null: by its name only
  Metric (*make)() = nullptr;
};
const Named<MetricKind>& metric_kinds();

}  // namespace gradus::metrics

namespace gradus {
/// A list of names.
template <>
struct FieldType<std::vector<metrics::Metric>> {
  static std::string expected(const FieldNote&, const std::vector<metrics::Metric>&) { return "a list of texts"; }
  static Datum write(const std::vector<metrics::Metric>& value, FieldWriting&);
  static bool read(std::vector<metrics::Metric>& value, const Datum& given, const FieldNote& note, FieldReading& reading);
};
}  // namespace gradus
