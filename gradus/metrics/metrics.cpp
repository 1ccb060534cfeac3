// Metrics as compositions of plain ops.
#include "gradus/metrics/metrics.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/metrics/accumulator.hpp"
#include "gradus/metrics/metric_kinds.hpp"
#include "gradus/metrics/regression.hpp"
#include "gradus/nn/loss.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

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
constexpr MetricKind kMeans[] = {
    {.name = "accuracy",
     .text = "share of examples whose class is right",
     .measures_classes = true,
     .measures_answers = true,
     .is_gain = true,
     .function = accuracy,
     .make = make<accuracy>,
     .set = {.of_counts = [](const ConfusionMatrix& matrix, const Averaging&) { return matrix.accuracy(); }}},
    {.name = "binary_accuracy",
     .text = "share of single yes-or-no answers that are right",
     .measures_answers = true,
     .is_gain = true,
     .function = binary_accuracy,
     .make = make<binary_accuracy>},
    {.name = "mean_absolute_error",
     .alias = "mae",
     .text = "sizes of the errors",
     .measures_numbers = true,
     .function = mean_absolute_error,
     .make = make<mean_absolute_error>,
     .set = {.of_moments = detail::mae_of, .of_numbers_function = mae}},
    {.name = "mean_squared_error",
     .alias = "mse",
     .text = "squares of the errors",
     .measures_numbers = true,
     .function = mean_squared_error,
     .make = make<mean_squared_error>,
     .set = {.of_moments = detail::mse_of, .of_numbers_function = mse}},
    {.name = "top_5",
     .text = "share of examples whose class is among the five likeliest; any number may stand for 5",
     .measures_classes = true,
     .is_gain = true,
     .make = [] { return top_k(5); }},
    {.name = "token_accuracy",
     .text = "share of tokens that are right, of those whose label is not -100",
     .measures_classes = true,
     .is_gain = true,
     .function = token_accuracy,
     .make = make<token_accuracy>,
     .divisor = counted_tokens},
};

}  // namespace

const Named<MetricKind>& metric_kinds() {
  // Never destroyed: objects that outlive statics may still ask.
  static const std::vector<MetricKind>& all = *[] {
    auto* rows = new std::vector<MetricKind>(std::begin(kMeans), std::end(kMeans));
    rows->insert(rows->end(), set_kinds().begin(), set_kinds().end());
    return rows;
  }();
  static const Named<MetricKind> kinds("metric", all);
  return kinds;
}

Metric::Metric(Array (*function)(const Array&, const Array&)) : function_(function) {
  if (!function) fail("metric", "the function is null");
  if (const MetricKind* kind = metric_kinds().find_if([&](const MetricKind& each) { return each.function == function; })) {
    name_ = kind->name;
    kind_ = kind;
  }
}

Metric::Metric(std::string_view name, const MetricKind& kind) : name_(name), kind_(&kind) {
  function_ = [own = *this](const Array& output, const Array& target) -> Array {
    Accumulator score = own.accumulator();
    score.add(output, target);
    return score.value();
  };
}
Metric::Metric(ClassScore score) {
  const MetricKind* kind =
      score ? metric_kinds().find_if([&](const MetricKind& each) { return each.set.of_classes_function == score; }) : nullptr;
  if (!kind)
    fail("metric", score ? "the score is none of the library's" : "the function is null",
         "; one's own is metrics::Metric(\"name\", function)");
  *this = Metric(kind->name, *kind);
}
Metric::Metric(NumberScore score) {
  const MetricKind* kind =
      score ? metric_kinds().find_if([&](const MetricKind& each) { return each.set.of_numbers_function == score; }) : nullptr;
  if (!kind)
    fail("metric", score ? "the score is none of the library's" : "the function is null",
         "; one's own is metrics::Metric(\"name\", function)");
  *this = kind->make ? kind->make() : Metric(kind->name, *kind);
}

bool Metric::is_of_set() const { return kind_ && !kind_->make; }
Accumulator Metric::accumulator() const {
  if (!is_of_set()) fail("metric", name_, " is a mean over batches; only scores of sets are taken up batch by batch");
  return Accumulator(name_, {.ignore = kNoLabel});
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
  const NamedAverage named = named_average(name);
  const MetricKind& kind = named.kind ? *named.kind : metric_kinds()[name];
  return kind.make ? kind.make() : Metric(named.average == Average::automatic ? kind.name : name, kind);
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
