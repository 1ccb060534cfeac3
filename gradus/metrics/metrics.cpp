// Metrics as compositions of plain ops.
#include "gradus/metrics/metrics.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/nn/loss.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/metrics/metric_kinds.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

Shape without_last(const Shape& shape) { return Shape(std::span<const int64_t>(shape.begin(), static_cast<size_t>(shape.rank() - 1))); }

// (..., 1) as (...), if that is `wanted`.
bool fits_labels(const Array& target, const Shape& wanted) {
  return target.shape() == wanted ||
         (target.rank() == wanted.rank() + 1 && target.shape(-1) == 1 && without_last(target.shape()) == wanted);
}

Array labels_of(std::string_view name, const Array& output, const Array& target) {
  const Shape wanted = without_last(output.shape());
  if (!fits_labels(target, wanted))
    fail(name, "output is ", output.shape(), " and target is ", target.shape(), "; target must be ", wanted, " or ", output.shape());
  return target.shape() == wanted ? target : reshape(target, wanted);
}

Array share(const Array& is_right) { return mean(is_right.astype(float32)); }

}  // namespace

Array binary_accuracy(const Array& output, const Array& target) {
  // One answer a sample may be (N,) beside (N, 1).
  const auto is_column_of = [](const Array& column, const Array& flat) {
    return column.rank() == flat.rank() + 1 && column.shape(-1) == 1 && column.size() == flat.size();
  };
  if (output.shape() != target.shape() && !is_column_of(output, target) && !is_column_of(target, output))
    fail("binary_accuracy", "output is ", output.shape(), " and target is ", target.shape(), "; they must be equal");
  const Array t = target.shape() == output.shape() ? target : reshape(target, output.shape());
  return share((output > 0) == (t.dtype().is_bool() ? t : t >= 0.5));
}

Array accuracy(const Array& output, const Array& target) {
  const bool is_binary = output.rank() < 2 || output.shape(-1) == 1;
  if (is_binary) return binary_accuracy(output, target);
  const Array predicted = argmax(output, -1);
  if (target.shape() == output.shape()) return share(predicted == argmax(target, -1));
  return share(predicted == labels_of("accuracy", output, target));
}

namespace {

constexpr int64_t kNoLabel = -100;
Array counted_tokens(const Array&, const Array& target) { return sum((target != kNoLabel).astype(float32)); }

}  // namespace

Array token_accuracy(const Array& output, const Array& target) {
  if (output.rank() < 2) fail("token_accuracy", "output is ", output.shape(), "; it must be (..., classes), a logit for each token");
  const Array labels = labels_of("token_accuracy", output, target), is_right = (argmax(output, -1) == labels) & (labels != kNoLabel);
  return sum(is_right.astype(float32)) / maximum(counted_tokens(output, target), 1);
}

double perplexity(double mean_loss) { return std::exp(mean_loss); }

Array mean_absolute_error(const Array& output, const Array& target) { return loss::mean_absolute_error(output, target); }
Array mean_squared_error(const Array& output, const Array& target) { return loss::mean_squared_error(output, target); }

Metric top_k(int64_t k) {
  if (k < 1) fail("top_k", "k is ", k, "; it must be at least 1");
  Metric metric(concat("top_", k), [k](const Array& output, const Array& target) {
    const int64_t classes = output.rank() > 0 ? output.shape(-1) : 1;
    if (classes < 2) fail(concat("top_", k), "output is ", output.shape(), ", one logit a sample; it takes a logit for each class");
    const Array label = expand_dims(labels_of("top_k", output, target).astype(int64), -1), column = arange(classes),
                is_label = column == label;
    // Rank of the label: how many logits are larger, or equal and before it, as argmax has it. No sorting. A label that is NaN, or none of
    // the classes, comes after all.
    const Array own = sum(where(is_label, output, 0), -1, keepdims);
    const Array is_behind = (output < own) | ((output == own) & (column >= label)), is_ahead = !(is_behind & any(is_label, -1, keepdims));
    return share(sum(is_ahead.astype(int64), -1) < std::min(k, classes));
  });
  metric.kind_ = metric_kinds().find("top_5");
  return metric;
}

namespace {

using Function = Array (*)(const Array&, const Array&);
template <Function kFunction>
Metric make() {
  return kFunction;
}
constexpr MetricKind kKinds[] = {
    {"accuracy", "", "share of examples whose class is right", true, true, false, accuracy, make<accuracy>},
    {"binary_accuracy", "", "share of single yes-or-no answers that are right", false, true, false, binary_accuracy, make<binary_accuracy>},
    {"mean_absolute_error", "mae", "sizes of the errors", false, false, true, mean_absolute_error, make<mean_absolute_error>},
    {"mean_squared_error", "mse", "squares of the errors", false, false, true, mean_squared_error, make<mean_squared_error>},
    {"top_5", "", "share of examples whose class is among the five likeliest; any number may stand for 5", true, false, false, nullptr,
     [] { return top_k(5); }},
    {"token_accuracy", "", "share of tokens that are right, of those whose label is not -100", true, false, false, token_accuracy,
     make<token_accuracy>, counted_tokens},
};

}  // namespace

const Named<MetricKind>& metric_kinds() {
  static constexpr Named<MetricKind> kinds("metric", kKinds);
  return kinds;
}

Metric::Metric(Array (*function)(const Array&, const Array&)) : function_(function) {
  if (!function) fail("metric", "the function is null");
  if (const MetricKind* kind = metric_kinds().find_if([&](const MetricKind& each) { return each.function == function; })) {
    name_ = kind->name;
    kind_ = kind;
  }
}

Array Metric::divisor(const Array& output, const Array& target) const {
  if (divisor_) return divisor_(output, target);
  return kind_ && kind_->divisor ? kind_->divisor(output, target) : Array();
}

Metric Metric::from_name(std::string_view name) {
  if (name.starts_with("top_")) {
    int64_t k = 0;
    const auto [end, error] = std::from_chars(name.data() + 4, name.data() + name.size(), k);
    if (error == std::errc() && end == name.data() + name.size() && k >= 1) return top_k(k);
  }
  return metric_kinds()[name].make();
}

namespace {

bool measures(const MetricKind& metric, loss::Aim aim) {
  const bool which[] = {metric.measures_classes, metric.measures_answers, metric.measures_numbers};
  return which[static_cast<size_t>(aim)];
}

std::string misfit_text(const MetricKind& metric, const loss::LossKind& loss) {
  std::vector<std::string> of_metric, others;
  for (const loss::Aim aim : {loss::Aim::classes, loss::Aim::answers, loss::Aim::numbers}) {
    if (measures(metric, aim)) of_metric.emplace_back(to_text(aim));
  }
  for (const MetricKind& each : metric_kinds()) {
    if (measures(each, loss.aim)) others.emplace_back(each.name);
  }
  return concat("measures ", join(of_metric, " or "), ", and ", loss.name, " trains ", to_text(loss.aim), "; metrics of those are ",
                join(others));
}

// Rows of shares of classes, all 0 but one.
bool are_one_hot(const Array& output, const Array& target) {
  if (target.shape() != output.shape() || target.rank() < 2 || target.shape(-1) < 2) return false;
  if (is_tracing(TraceKind::vmap)) return true;  // no value exists there
  return (all((target == 0) | (target == 1)) & all(sum(target.astype(float32), -1) == 1)).item<bool>();
}

}  // namespace

std::string misfit(const Metric& metric, const loss::Loss& loss) {
  const loss::LossKind* trained = loss::loss_kinds().find(loss.name());
  if (!metric.kind() || !trained || measures(*metric.kind(), trained->aim)) return "";
  return misfit_text(*metric.kind(), *trained);
}

std::string misfit(const Metric& metric, const loss::Loss& loss, const Array& output, const Array& target) {
  const loss::LossKind* trained = loss::loss_kinds().find(loss.name());
  if (!metric.kind() || !trained) return "";
  const bool is_of_classes = metric.kind()->measures_classes, is_row = output.rank() > 1 && output.shape(-1) > 1;
  // Squares of the errors of one-hot rows, and an answer for each class, tell classes too; several labels a sample do not.
  if (trained->aim == loss::Aim::numbers && is_of_classes && are_one_hot(output, target)) return "";
  if (trained->aim == loss::Aim::answers && is_of_classes && is_row) {
    if (are_one_hot(output, target)) return "";
    return concat("measures one class a sample, and the targets ", target.shape(), " of ", loss.name(),
                  " are not one-hot; for several answers a sample there is binary_accuracy");
  }
  return misfit(metric, loss);
}

std::vector<int64_t> confusion_matrix(const Array& output, const Array& labels, int64_t classes) {
  const bool is_binary = output.rank() < 2 || output.shape(-1) == 1;
  const Array predicted = is_binary ? (reshape(output, {-1}) > 0).astype(int64) : argmax(output, -1);
  const std::vector<int64_t> is = labels.to_vector<int64_t>(), said = predicted.to_vector<int64_t>();
  if (is.size() != said.size())
    fail("confusion_matrix", "there are ", said.size(), " outputs and ", is.size(), " labels; they must be equally many");
  std::vector<int64_t> counts(static_cast<size_t>(classes * classes));
  for (size_t i = 0; i < is.size(); ++i) {
    if (is[i] < 0 || is[i] >= classes || said[i] >= classes) {
      fail("confusion_matrix", "example ", i, " has label ", is[i], " and prediction ", said[i], "; both must be below ", classes);
    }
    ++counts[static_cast<size_t>(is[i] * classes + said[i])];
  }
  return counts;
}

}  // namespace gradus::metrics

namespace gradus::core {

Datum FieldType<std::vector<metrics::Metric>>::write(const std::vector<metrics::Metric>& value, FieldWriting&) {
  Datum::List list;
  for (const metrics::Metric& metric : value) list.push_back(metric.name());
  return list;
}
bool FieldType<std::vector<metrics::Metric>>::read(std::vector<metrics::Metric>& value, const Datum& given, const FieldNote& note,
                                                   FieldReading& reading) {
  std::vector<std::string> names;
  if (!FieldType<std::vector<std::string>>::read(names, given, note, reading)) return false;
  value.clear();
  for (const std::string& name : names) value.push_back(metrics::Metric::from_name(name));
  return true;
}

}  // namespace gradus::core
