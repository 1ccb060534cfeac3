// The table of scores of a task.
#include "gradus/metrics/summary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/metrics/baselines.hpp"
#include "gradus/metrics/proportion.hpp"
#include "gradus/metrics/resampling.hpp"
#include "gradus/metrics/set_data.hpp"
#include "gradus/ops/creation.hpp"

namespace gradus::metrics {

using namespace core;

using detail::SetData;

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
// Scores of every class against the rest are sorted class by class: of very many that takes minutes, and says little.
constexpr int64_t kMostRanked = 100;

int64_t width_of(const Array& output) { return output.rank() > 1 ? output.shape(-1) : 1; }

Task task_of(const Array& output, const Array& target, Task asked) {
  if (!output.exists() || !target.exists()) fail("summary", "there is no ", output.exists() ? "target" : "output", "; both are needed");
  if (asked != Task::automatic) return asked;
  if (!target.dtype().is_integer() && !target.dtype().is_bool()) return Task::regression;
  return width_of(output) <= 2 ? Task::binary : Task::multi_class;
}

std::vector<std::string> names_for(Task task) {
  if (task == Task::binary)
    return {"accuracy", "balanced_accuracy", "precision", "recall", "f1", "roc_auc", "pr_auc", "log_loss", "brier", "ece", "mcc"};
  if (task == Task::multi_class)
    return {"accuracy", "balanced_accuracy", "precision_macro", "recall_macro", "f1_macro", "roc_auc", "log_loss", "brier", "ece", "mcc",
            "kappa"};
  return {"mean_absolute_error", "rmse", "r2", "median_absolute_error", "explained_variance", "mape", "max_error"};
}

class Table {
 public:
  Table(const Array& output, const Array& target, const SummaryOptions& options)
      : output_(output), target_(target), options_(options), task_(task_of(output, target, options.task)) {
    detail::check_options("summary", options.bootstrap);
  }

  Summary make() {
    Summary out{.task = task_, .confidence = options_.bootstrap.confidence};
    const SetData data = read(out);
    out.samples = static_cast<int64_t>(data.size());
    const std::vector<double> values = data.values(data.weights());
    for (size_t k = 0; k < values.size(); ++k) {
      const MetricKind& kind = *named_average(data.names()[k]).kind;
      out.rows.push_back({data.names()[k], std::string(kind.text), values[k], kNone, kNone, kind.is_gain, "", {}});
    }
    if (options_.has_intervals) add_intervals(data, out);
    if (options_.train_target.exists()) add_baseline(train_baseline(data, out), out);
    for (const SummaryBaseline& baseline : options_.baselines) {
      out.baselines.push_back(baseline.name.empty() ? "baseline" : baseline.name);
      add_baseline(SetData("summary", data.names(), baseline.output, target_, logits()), out);
    }
    for (const SummaryRow& row : out.rows) {
      if (std::isnan(row.value)) out.notes.push_back(row.name + " is not defined of these samples");
    }
    std::erase_if(out.rows, [](const SummaryRow& row) { return std::isnan(row.value); });
    if (data.is_of_classes()) add_classes(data, out);
    return out;
  }

 private:
  bool has_plain_samples() const { return !options_.bootstrap.classes.weights.exists() && !options_.bootstrap.groups.exists(); }

  SetData read(Summary& out) const {
    std::vector<std::string> names = names_for(task_);
    if (task_ == Task::multi_class && width_of(output_) > kMostRanked) {
      std::erase(names, "roc_auc");
      out.notes.push_back(concat("roc_auc is left out: there are ", width_of(output_), " classes, above ", kMostRanked));
    }
    return SetData("summary", names, output_, target_, options_.bootstrap.classes);
  }

  void add_intervals(const SetData& data, Summary& out) const {
    const detail::Units units("summary", data.size(), options_.bootstrap, data.classes().labels);
    const detail::Values values = [&](const std::vector<double>& counts) {
      std::vector<double> weights(counts);
      for (size_t i = 0; i < weights.size() && !data.weights().empty(); ++i) weights[i] *= data.weights()[i];
      return data.values(weights);
    };
    const auto draws = detail::resampled(units, data.size(), options_.bootstrap, values);
    std::vector<std::vector<double>> left_out(out.rows.size());
    if (options_.bootstrap.kind == BootstrapKind::bca) left_out = detail::jackknife(units, data.size(), values);
    for (size_t k = 0; k < out.rows.size(); ++k) {
      SummaryRow& row = out.rows[k];
      if (row.name == "max_error" || std::isnan(row.value)) continue;  // resamples hold no larger one
      const Interval interval = detail::interval_of(row.value, draws[k], left_out[k], options_.bootstrap);
      row.lower = interval.lower;
      row.upper = interval.upper;
      row.interval = "bootstrap";
    }
    if (data.is_of_classes() && has_plain_samples()) add_wilson(detail::confusion_of(data.classes(), {}), out);
  }

  void add_wilson(const ConfusionMatrix& matrix, Summary& out) const {
    double right = 0;
    for (int64_t k = 0; k < matrix.classes(); ++k) right += matrix.count(k, k);
    for (SummaryRow& row : out.rows) {
      double tries = 0, hits = 0;
      if (row.name == "accuracy") tries = matrix.total(), hits = right;
      if (row.name == "precision" && task_ == Task::binary) tries = matrix.predictions(1), hits = matrix.count(1, 1);
      if (row.name == "recall" && task_ == Task::binary) tries = matrix.truths(1), hits = matrix.count(1, 1);
      if (tries == 0) continue;
      const Bounds bounds = wilson(hits, tries, options_.bootstrap.confidence);
      row.lower = bounds.lower;
      row.upper = bounds.upper;
      row.interval = "Wilson";
    }
  }

  static void add_baseline(const SetData& baseline, Summary& out) {
    const std::vector<double> values = baseline.values(baseline.weights());
    for (size_t k = 0; k < values.size(); ++k) out.rows[k].baselines.push_back(values[k]);
  }
  ClassOptions logits() const {
    ClassOptions read_as = options_.bootstrap.classes;
    read_as.outputs = Outputs::logits;
    return read_as;
  }
  SetData train_baseline(const SetData& data, Summary& out) const {
    ClassOptions read_as = logits();
    if (task_ == Task::regression) {
      const Baseline mean = mean_baseline(options_.train_target);
      out.baselines.push_back(mean.name());
      return SetData("summary", data.names(), mean.outputs(target_.shape(0)), target_, read_as);
    }
    // The samples that count, whatever shape their targets had.
    const Baseline prior = prior_baseline(options_.train_target, data.classes().classes);
    out.baselines.push_back(prior.name());
    const std::vector<int32_t>& labels = data.classes().labels;
    read_as.weights = data.weights().empty() ? Array() : array(data.classes().weights);
    return SetData("summary", data.names(), prior.outputs(static_cast<int64_t>(labels.size())), array(labels), read_as);
  }

  void add_classes(const SetData& data, Summary& out) const {
    const std::vector<ClassRates> rates = detail::confusion_of(data.classes(), data.weights()).per_class();
    for (size_t k = 0; k < rates.size(); ++k)
      out.classes.push_back({k < options_.class_names.size() ? options_.class_names[k] : to_text(static_cast<int64_t>(k)), rates[k]});
  }

  const Array &output_, &target_;
  const SummaryOptions& options_;
  Task task_;
};

}  // namespace

Summary summary(const Array& output, const Array& target, const SummaryOptions& options) { return Table(output, target, options).make(); }

const SummaryRow& Summary::operator[](std::string_view name) const {
  std::vector<std::string> names;
  for (const SummaryRow& row : rows) {
    if (row.name == name) return row;
    names.push_back(row.name);
  }
  fail_unknown_name("summary", "there is no row called", name, names, {});
}

}  // namespace gradus::metrics
