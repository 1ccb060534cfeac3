// The doctor's look at targets: labels against outputs, the loss against the task and the last activation, metrics.
#include <algorithm>
#include <cmath>
#include <map>

#include "gradus/base/text.hpp"
#include "gradus/metrics/metric_kinds.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/train/doctor_parts.hpp"
#include "gradus/train/fit.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr int64_t kIgnored = -100, kMostClasses = 1000;
constexpr double kImbalance = 20;
constexpr std::string_view kSparse = "sparse_categorical_crossentropy", kCategorical = "categorical_crossentropy",
                           kBinary = "binary_crossentropy";

std::string loss_remedy(std::string_view name) { return concat(".loss = loss::", name, " (recipe: loss.name = \"", name, "\")"); }

Finding wrong_loss(const TargetCheck& check, std::string what, std::string why, std::string remedy) {
  return {.where = "loss",
          .what = concat(check.loss.name(), " ", what),
          .why = std::move(why),
          .remedy = std::move(remedy),
          .severity = Severity::serious,
          .kind = "wrong loss"};
}

// The last size of the output; 0 where it is not known.
int64_t outputs_of(const ModelView& view) { return view.is_known && view.output.rank() > 0 ? view.output.shape(-1) : 0; }

const loss::LossKind* kind_of(const loss::Loss& loss) { return loss::loss_kinds().find(loss.name()); }

bool holds_fractions(const Array& y) { return y.dtype().is_float() && any(y != floor(y)).item<bool>(); }

// A row of zeros with a single one, for each sample.
bool is_one_hot(const Array& y) {
  return y.rank() == 2 && y.shape(1) > 1 && all((y == 0) | (y == 1)).item<bool>() && all(sum(y.astype(float32), -1) == 1).item<bool>();
}

std::string numbers_of(const Array& y) { return concat("y ", y.shape(), " of ", y.dtype()); }

}  // namespace

bool find_wrong_loss(const TargetCheck& check, std::vector<Finding>& findings) {
  const loss::LossKind* kind = kind_of(check.loss);
  const Array& y = check.named.set.y;
  if (!kind || y.size() == 0 || kind->name == "ctc") return true;
  const int64_t outputs = outputs_of(check.view);
  const bool are_labels = has_labels(check.named.set);
  const size_t before = findings.size();
  if (kind->aim == loss::Aim::numbers && are_labels && outputs > 1 && kind->name != "hinge" && kind->name != "squared_hinge") {
    findings.push_back(wrong_loss(check, concat("on integer labels, with ", outputs, " outputs a sample"),
                                  "it would draw every output to the number of the class: classes are no quantities",
                                  loss_remedy(kSparse)));
  } else if (kind->aim == loss::Aim::numbers && are_labels && check.named.set.class_names.size() > 2 && outputs == 1) {
    findings.push_back(wrong_loss(check, concat("on labels of ", check.named.set.class_names.size(), " classes, with 1 output"),
                                  "class 2 would be twice class 1: classes are no quantities",
                                  concat(loss_remedy(kSparse), ", and ", check.named.set.class_names.size(), " outputs: nn::Dense(",
                                         check.named.set.class_names.size(), ")")));
  } else if (kind->name == kSparse && outputs > 1 && y.rank() == check.view.output.rank() && y.shape(-1) == outputs && is_one_hot(y)) {
    findings.push_back(wrong_loss(check, concat("on one-hot rows, ", numbers_of(y)), "it takes one label a sample, an integer from 0",
                                  concat(loss_remedy(kCategorical), ", or labels: argmax(y, -1)")));
  } else if (kind->name == kSparse && y.dtype().is_float()) {
    const bool are_fractions = holds_fractions(y);
    findings.push_back(wrong_loss(check, concat("on a target of numbers, ", numbers_of(y), are_fractions ? "" : ", which are whole"),
                                  "it takes labels of classes, integers from 0",
                                  are_fractions ? loss_remedy("mean_squared_error") : "y.astype(int64), if they are labels of classes"));
  } else if ((kind->name == kCategorical || kind->name == "kl_divergence") && are_labels && outputs > 1) {
    findings.push_back(wrong_loss(check, concat("on labels, ", numbers_of(y), ", with ", outputs, " outputs a sample"),
                                  "it takes a row of probabilities a sample, one-hot for instance", loss_remedy(kSparse)));
  } else if (kind->aim == loss::Aim::answers && kind->name == kBinary && y.dtype().is_float() && holds_fractions(y) &&
             (min(y).item() < 0 || max(y).item() > 1)) {
    findings.push_back(wrong_loss(check, concat("on numbers from ", short_number(min(y).item()), " to ", short_number(max(y).item())),
                                  "it takes probabilities, from 0 to 1", loss_remedy("mean_squared_error")));
  } else if (kind->name == kSparse && outputs == 1) {
    findings.push_back(wrong_loss(check, "on a model with 1 output",
                                  "it takes a logit for each class; of one alone the probability is always 1",
                                  concat(loss_remedy(kBinary), " for two classes, or nn::Dense(classes) as the last layer")));
  }
  return findings.size() == before;
}

void find_labels(const TargetCheck& check, std::vector<Finding>& findings) {
  const loss::LossKind* kind = kind_of(check.loss);
  const Array& y = check.named.set.y;
  if (!kind || y.size() == 0) return;
  const std::string where = concat(check.named.name, ".y");
  const auto add = [&](std::string what, std::string why, std::string remedy, const char* name, Severity severity = Severity::serious) {
    findings.push_back({where, std::move(what), std::move(why), std::move(remedy), severity, name});
  };
  if (kind->name == kBinary) {
    const double low = min(y).item(), high = max(y).item();
    if (holds_fractions(y) || (low >= 0 && high <= 1)) return;
    add(concat("targets are whole numbers from ", low, " to ", high),
        "binary_crossentropy takes 0 and 1: others make the loss endless, or senseless",
        low == 1 && high == 2 ? "subtract 1: data::Dataset(x, y - 1)"
        : low == -1           ? "loss::hinge takes -1 and 1, or make them 0 and 1: (y + 1) / 2"
                              : concat(loss_remedy(kSparse), " for more than two classes"),
        low == 1 ? "labels from 1" : "labels out of range");
    return;
  }
  if (kind->name == "hinge" || kind->name == "squared_hinge") {
    if (all((y == 1) | (y == -1)).item<bool>()) return;
    add("targets are not all -1 and 1", concat(kind->name, " multiplies them with the output: of a 0 nothing is learnt"),
        "2 * y - 1, of labels 0 and 1", "labels out of range");
    return;
  }
  const int64_t outputs = outputs_of(check.view);
  if (kind->name != kSparse || !y.dtype().is_integer() || outputs < 2) return;
  const auto high = max(y).item<int64_t>(), low = min(gradus::where(y == kIgnored, max(y), y)).item<int64_t>();
  if (high >= outputs && low == 1 && high == outputs) {
    add(concat("labels go from 1 to ", high, ", and the model has ", outputs, " outputs, for labels 0 to ", outputs - 1),
        concat("label ", high, " has no output, and output 0 is never right"),
        "subtract 1: data::Dataset(x, y - 1) (recipe: data.source = \"table\" counts classes from 0 by itself)", "labels from 1");
  } else if (high >= outputs || low < 0) {
    add(concat("labels go from ", low, " to ", high, ", and the model has ", outputs, " outputs, for labels 0 to ", outputs - 1),
        "a label without an output stops the training",
        concat("nn::Dense(", high + 1, ") as the last layer (recipe: model.layers, units = ", high + 1, ")"), "labels out of range");
  } else if (check.named.name == std::string_view("train") && has_labels(check.named.set) && outputs <= kMostClasses &&
             check.named.set.size() >= 10 * outputs) {
    std::vector<int64_t> counts(static_cast<size_t>(outputs));
    for (const int64_t label : y.to_vector<int64_t>()) {
      if (label >= 0) ++counts[static_cast<size_t>(label)];
    }
    std::vector<std::string> unseen;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] == 0) unseen.push_back(core::to_text(static_cast<int64_t>(i)));
    }
    if (unseen.empty()) return;
    const size_t many = unseen.size();
    if (many > 5) unseen.resize(5);
    const bool is_first_only = many == 1 && counts[0] == 0;
    add(concat("the model has ", outputs, " outputs, and of the labels ", join(unseen), many > 5 ? concat(", ... (", many, ")") : "",
               many == 1 ? " never comes" : " never come"),
        is_first_only ? "labels that count from 1 leave output 0 without a sample" : "such outputs learn only that they are never right",
        is_first_only ? "subtract 1: data::Dataset(x, y - 1), and one output less"
                      : concat("nn::Dense(", high + 1, ") if the rest does not exist; else more samples"),
        is_first_only ? "labels from 1" : "classes never seen", Severity::warning);
  }
}

void find_last_activation(const TargetCheck& check, std::vector<Finding>& findings) {
  const loss::LossKind* kind = kind_of(check.loss);
  const Array& y = check.named.set.y;
  if (!kind || !check.view.is_known || y.size() == 0) return;
  const std::string& last = check.view.last;
  const auto add = [&](std::string what, std::string why, std::string remedy, Severity severity = Severity::serious) {
    findings.push_back({"model", std::move(what), std::move(why), std::move(remedy), severity, "last activation"});
  };
  const std::string leave_out = concat("leave ", last, " out of the last layer, and apply it to predictions: ", last,
                                       "(train::predict(model, x)) (recipe: the last of model.layers without activation)");
  const bool is_of_logits = kind->aim != loss::Aim::numbers && kind->name != "ctc";
  if (is_of_logits && (last == "softmax" || last == "sigmoid")) {
    const bool is_own = (last == "softmax") == (kind->aim == loss::Aim::classes);
    add(concat("it ends with ", last, ", and ", kind->name, " takes logits, what comes before it"),
        is_own ? concat(last, " would be applied twice: gradients fade, and the loss cannot reach 0")
               : "logits of any size are needed to be sure of an answer",
        leave_out);
    return;
  }
  if (is_of_logits && last == "relu") {
    add(concat("it ends with relu, and ", kind->name, " takes logits of both signs"),
        "an output that is 0 for all samples never moves again", leave_out, Severity::warning);
    return;
  }
  if (kind->aim != loss::Aim::numbers || !y.dtype().is_float() || kind->name == "hinge" || kind->name == "squared_hinge") return;
  const double low = min(y).item(), high = max(y).item();
  const bool is_below =
      low < (last == "tanh" ? -1 : 0) && (last == "relu" || last == "sigmoid" || last == "softmax" || last == "tanh" || last == "softplus");
  const bool is_above = high > 1 && (last == "sigmoid" || last == "softmax" || last == "tanh");
  if (!is_below && !is_above) return;
  const char* range = last == "relu" || last == "softplus" ? "at least 0" : last == "tanh" ? "between -1 and 1" : "between 0 and 1";
  add(concat("it ends with ", last, ", whose outputs are ", range, ", and the target goes from ", short_number(low), " to ",
             short_number(high)),
      "it can never give what it is asked for",
      "no activation in the last layer: nn::Dense(1) (recipe: the last of model.layers without activation)");
}

void find_shapes(const TargetCheck& check, std::vector<Finding>& findings) {
  const Array& y = check.named.set.y;
  const loss::LossKind* kind = kind_of(check.loss);
  if (!check.view.is_known || y.size() == 0 ||
      (kind && kind->aim == loss::Aim::classes && kind->name != kCategorical && kind->name != "kl_divergence"))
    return;
  const Shape& output = check.view.output.shape();
  const auto sample = [](const Shape& shape) {
    return Shape(std::span<const int64_t>(shape.begin() + std::min<int64_t>(1, shape.rank()), shape.end()));
  };
  const Shape of_output = sample(output), of_target = sample(y.shape());
  const auto count = [](const Shape& shape) { return shape.size(); };
  const bool is_column = count(of_output) == 1 && count(of_target) == 1;
  const bool is_fitted = output.rank() == y.rank() + 1 && output[output.rank() - 1] == 1 && of_output.size() == of_target.size();
  if (output.rank() == 0 || of_output == of_target || (kind && (is_column || is_fitted))) return;
  const std::string shapes = concat("of a sample the model gives ", of_output, ", and the target has ", of_target);
  if (is_column) {
    findings.push_back({.where = "train.y",
                        .what = concat("outputs are ", output, ", their targets (", output[0], of_target.rank() == 0 ? ",)" : ", 1)"),
                        .why = "in a loss of one's own they broadcast to a square, each output against every target",
                        .remedy = "reshape(y, {-1, 1}) for outputs (N, 1), or reshape(output, {-1}) in the loss",
                        .severity = Severity::serious,
                        .kind = "output shape"});
    return;
  }
  if (!kind) return;
  findings.push_back({.where = "model",
                      .what = concat(shapes, "; ", kind->name, " needs the same shape"),
                      .why = "each number of the target is learnt by one output",
                      .remedy = of_target.rank() <= 1 ? concat("nn::Dense(", count(of_target),
                                                               ") as the last layer (recipe: model.layers, units = ", count(of_target), ")")
                                                      : concat("a model that ends in ", of_target, " a sample"),
                      .severity = Severity::serious,
                      .kind = "output shape"});
}

void find_metrics(const TargetCheck& check, const std::vector<metrics::Metric>& all, std::vector<Finding>& findings) {
  const data::Dataset& set = check.named.set;
  bool has_accuracy = false;
  Array few;  // the targets of the outputs that are known
  if (check.view.is_known && check.view.output.rank() > 0 && check.view.output.shape(0) <= set.size())
    few = fitted_target(check.loss, check.view.output, data::subset(set, 0, check.view.output.shape(0)).y);
  for (const metrics::Metric& metric : all) {
    has_accuracy |= metric.name() == "accuracy" || metric.name() == "binary_accuracy";
    const std::string problem =
        few.exists() ? metrics::misfit(metric, check.loss, check.view.output, few) : metrics::misfit(metric, check.loss);
    if (problem.empty()) continue;
    findings.push_back({"metrics", concat(metric.name(), " ", problem), "its number would mean nothing",
                        "one of those metrics (recipe: train.metrics)", Severity::serious, "metric"});
  }
  if (!has_accuracy || !has_labels(set) || set.size() < 100) return;
  std::map<int64_t, int64_t> counts;
  for (const int64_t label : set.y.to_vector<int64_t>()) {
    ++counts[label];
    if (counts.size() > static_cast<size_t>(kMostClasses)) return;
  }
  const auto less = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto [rarest, commonest] = std::minmax_element(counts.begin(), counts.end(), less);
  if (counts.size() < 2 || static_cast<double>(commonest->second) <= kImbalance * static_cast<double>(rarest->second)) return;
  const auto name_of = [&](int64_t label) {
    return label >= 0 && label < static_cast<int64_t>(set.class_names.size())
               ? concat("\"", set.class_names[static_cast<size_t>(label)], "\"")
               : core::to_text(label);
  };
  findings.push_back({.where = "metrics",
                      .what = concat("accuracy, and class ", name_of(commonest->first), " has ", with_commas(commonest->second),
                                     " samples, class ", name_of(rarest->first), " ", with_commas(rarest->second)),
                      .why = concat("always saying ", name_of(commonest->first), " has an accuracy of ",
                                    share_text(static_cast<double>(commonest->second) / static_cast<double>(set.size())),
                                    ": the rare class does not show in it"),
                      .remedy = "metrics::balanced_accuracy or metrics::f1, and .class_weight = train::balanced (recipe: train.metrics = "
                                "[\"balanced_accuracy\"], train.class_weight = \"balanced\")",
                      .severity = Severity::warning,
                      .kind = "imbalance"});
}

}  // namespace gradus::train::detail
