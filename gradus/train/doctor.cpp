// The doctor as a whole: what is looked at, in which order; and what a model's graph says of it.
#include "gradus/train/doctor.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/data/batches.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/train/doctor_parts.hpp"

namespace gradus::train {

using namespace core;

namespace detail {

namespace {

constexpr int64_t kFewSamples = 32;

// Whether x meets products and nothing that scales it: a norm before them does, and a table of embeddings has no scale.
bool weighs(const Array& x, const std::vector<Node*>& nodes) {
  std::vector<const Node*> same{x.node()};
  bool is_weighed = false;
  for (const Node* node : nodes) {
    const std::string_view op = node->op().name;
    const auto reads = [&](const Edge& edge) { return std::find(same.begin(), same.end(), edge.node) != same.end(); };
    if (!std::any_of(node->inputs().begin(), node->inputs().end(), reads)) continue;
    if (only_reshapes(op)) same.push_back(node);
    is_weighed |=
        op == "matmul" || op == "mixed_matmul" || op == "conv" || op == "lstm" || op == "gru" || op == "simple_rnn" || op == "recurrence";
  }
  return is_weighed;
}

// Whether columns of x are numbers that were measured, not pixels, and not tokens or other ids, whose places in a row say little.
bool has_measurements(const data::Dataset& set, const ModelView& view) {
  if (set.is_from_bytes() || set.tokenizer.exists()) return false;
  return !set.stored_x().exists() || set.stored_x().dtype().is_float() || (view.is_known && view.weighs_input);
}

}  // namespace

bool only_reshapes(std::string_view op) {
  static constexpr std::string_view ops[] = {"reshape", "cast", "astype", "transpose", "broadcast_to", "slice", "contiguous", "identity"};
  return std::find(std::begin(ops), std::end(ops), op) != std::end(ops);
}

Array few_inputs(const data::Dataset& set) {
  if (set.size() == 0) return {};
  const data::Dataset few = data::subset(set, 0, std::min(kFewSamples, set.size()));
  for (const data::Batch& batch : data::batches(few, {.batch_size = kFewSamples, .prefetch = false})) return Array(batch.x).eval();
  return {};
}

ModelView view_of(const ExaminedModel& model, const data::Dataset& set, std::vector<Finding>& findings) {
  ModelView view{.variables = model.variables};
  if (!model.output || set.size() == 0) return view;
  const nn::TrainingMode inference(false);
  const random::GeneratorState generator = random::state();
  std::string error = model.error;
  try {
    const Array x = few_inputs(set);
    if (error.empty()) view.output = model.output(x);
    if (view.output.exists()) {
      const std::vector<Node*> nodes = ancestors(std::vector<Array>{view.output});
      view.weighs_input = weighs(x, nodes);
      const Node* last = view.output.node();
      while (only_reshapes(last->op().name) && !last->inputs().empty()) last = last->inputs()[0].node;
      view.last = last->op().name;
      view.is_known = true;
    }
  } catch (const Error& failed) {
    error = failed.what();
  }
  random::set_state(generator);
  if (!error.empty()) {
    if (const size_t at = error.find("\n  in: "); at != std::string::npos) error.replace(at, 7, ", in ");
    error.resize(std::min(error.find('\n'), error.size()));
    const Shape& shape = set.x.shape();
    const std::span<const int64_t> sample(shape.begin() + std::min<int64_t>(1, shape.rank()), shape.end());
    findings.push_back({.where = "model",
                        .what = concat("it does not take samples of ", Shape(sample), ": ", error),
                        .why = "the model was built, loaded or written for samples of another size",
                        .remedy =
                            "give it the columns that it was built for, or make it anew: the first call of nn::Dense(units) finds the "
                            "width by itself (recipe: a [model] without weights = ...)",
                        .severity = Severity::serious,
                        .kind = "input shape"});
  }
  return view;
}

std::vector<Finding> examine(const ExaminedModel& model, const data::Dataset& train, const ExamineOptions& options) {
  std::vector<Finding> findings;
  if (train.size() == 0) return findings;
  const std::vector<NamedSet> others = [&] {
    std::vector<NamedSet> out;
    if (options.validation.size() > 0) out.push_back({"validation", options.validation});
    if (options.test.size() > 0) out.push_back({"test", options.test});
    return out;
  }();
  find_not_finite(train, "train", findings);
  const bool is_finite = findings.empty();
  for (const NamedSet& each : others) find_not_finite(each.set, each.name, findings);
  const ModelView view = view_of(model, train, findings);
  if (options.loss.exists() && train.has_targets()) {
    const TargetCheck check{{"train", train}, options.loss, view};
    if (find_wrong_loss(check, findings)) {
      find_labels(check, findings);
      for (const NamedSet& each : others) {
        if (each.set.has_targets()) find_labels({each, options.loss, view}, findings);
      }
      find_shapes(check, findings);
    }
    find_last_activation(check, findings);
    find_metrics(check, options.metrics, findings);
  }
  const Features features = features_of(train);
  if (has_measurements(train, view)) {
    find_constants(features, findings);
    find_duplicates(features, findings);
    find_leaks(features, findings);
  }
  find_copies(train, others, features, findings);
  if (is_finite && view.weighs_input) find_scales(train, features, findings);
  // A model that scales what it is given may scale what it gives.
  if (is_finite && view.weighs_input) find_target_scale(train, options.loss, findings);
  if (options.optimizer) find_learning_rate(*options.optimizer, view.variables, findings);
  return findings;
}

}  // namespace detail

std::vector<Finding> examine(const data::Dataset& train, const ExamineOptions& options) {
  return detail::examine(detail::ExaminedModel{}, train, options);
}

std::vector<Finding> examine(const data::Table& train, const std::string& target) {
  train[target];
  std::vector<Finding> findings;
  const detail::Features features = detail::features_of(train, target);
  detail::find_constants(features, findings);
  detail::find_duplicates(features, findings);
  detail::find_leaks(features, findings);
  return findings;
}

}  // namespace gradus::train
