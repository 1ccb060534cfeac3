// What the doctor asks of a model and a set: units that are always zero, saturated ones, parameters out of bounds; the prior's loss.
#include <algorithm>
#include <cmath>
#include <map>

#include "gradus/base/text.hpp"
#include "gradus/data/batches.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/doctor_parts.hpp"
#include "gradus/train/watch.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr double kHuge = 1e4, kSaturatedShare = 0.9, kDeadShare = 0.5;

// The nodes of a model's call on x whose op is one of these.
std::vector<Node*> nodes_of(const Array& output, std::initializer_list<std::string_view> ops) {
  std::vector<Node*> out;
  for (Node* node : ancestors(std::vector<Array>{output})) {
    if (std::find(ops.begin(), ops.end(), node->op().name) != ops.end() && !node->output(0).aval.shape.dims().empty()) out.push_back(node);
  }
  return out;
}

template <class Visit>
void for_outputs(const std::function<Array(const Array&)>& model, const data::Dataset& set, DeadUnitsLook look, const Visit& visit) {
  const nn::TrainingMode inference(false);
  const random::GeneratorState generator = random::state();
  const std::vector<int64_t> positions = sampled_rows(set.size(), look.samples);
  for (const data::Batch& batch : data::batches(data::subset(set, positions), {.batch_size = look.batch_size, .prefetch = false}))
    visit(model(batch.x));
  random::set_state(generator);
}

// The largest of each unit: places of the last axis.
Array largest_of(const Array& y) { return max(reshape(y, {-1, y.shape(-1)}), 0); }

}  // namespace

std::vector<DeadUnits> dead_units(const std::function<Array(const Array&)>& model, const data::Dataset& set, DeadUnitsLook look) {
  std::vector<DeadUnits> layers;
  std::vector<std::vector<bool>> are_alive;
  for_outputs(model, set, look, [&](const Array& output) {
    std::vector<Array> largest;
    std::vector<std::string> paths;
    for (Node* node : nodes_of(output, {"relu"})) {
      const Array y = node->output_arrays()[0];
      if (y.rank() < 2) continue;
      largest.push_back(largest_of(y));
      paths.push_back(node->path());
    }
    gradus::evaluate(largest);
    if (layers.empty()) {
      for (size_t i = 0; i < largest.size(); ++i) {
        layers.push_back({paths[i], 0, largest[i].size()});
        are_alive.emplace_back(static_cast<size_t>(largest[i].size()), false);
      }
    }
    for (size_t i = 0; i < std::min(largest.size(), layers.size()); ++i) {
      const std::vector<float> values = largest[i].to_vector<float>();
      for (size_t unit = 0; unit < std::min(values.size(), are_alive[i].size()); ++unit) {
        if (values[unit] > 0) are_alive[i][unit] = true;
      }
    }
  });
  for (size_t i = 0; i < layers.size(); ++i) layers[i].dead = std::count(are_alive[i].begin(), are_alive[i].end(), false);
  return layers;
}

std::optional<double> prior_loss(const loss::Loss& loss, const data::Dataset& set) {
  const loss::LossKind* kind = loss.exists() ? loss::loss_kinds().find(loss.name()) : nullptr;
  if (!kind || set.weights.exists() || !set.y.exists() || set.y.size() == 0 || loss.is_sum()) return {};
  if (kind->name == "mean_squared_error" && set.y.dtype().is_float()) return mean(var(set.y.astype(float64), 0)).item();
  if (!has_labels(set) || (kind->name != "sparse_categorical_crossentropy" && kind->name != "binary_crossentropy")) return {};
  std::map<int64_t, double> counts;
  for (const int64_t label : set.y.to_vector<int64_t>()) ++counts[label];
  double entropy = 0;
  for (const auto& [label, count] : counts) {
    const double share = count / static_cast<double>(set.y.size());
    entropy -= share * std::log(share);
  }
  return entropy;
}

std::vector<Finding> examine_trained(const ExaminedModel& model, const data::Dataset& set) {
  std::vector<Finding> findings;
  for (const Variable& variable : model.variables) {
    if (!variable.exists() || !variable.get().dtype().is_float() || variable.get().size() == 0) continue;
    const double size = max(abs(variable.get())).item();
    if (std::isfinite(size) && size < kHuge) continue;
    findings.push_back({.where = concat("parameter \"", variable.path, "\""),
                        .what = concat("its largest number is ", short_number(size), " in size"),
                        .why = "training ran away, or inputs or target are on a scale far from 1",
                        .remedy = "train again with scaled data and a smaller learning rate (recipe: {type = \"Standardise\"} in "
                                  "preprocess.steps, optimizer.learning_rate)",
                        .severity = std::isfinite(size) ? Severity::warning : Severity::serious,
                        .kind = "parameters out of bounds"});
  }
  if (has_serious(findings) || set.size() == 0) return findings;
  for (const DeadUnits& layer : dead_units(model.output, set)) {
    if (static_cast<double>(layer.dead) <= kDeadShare * static_cast<double>(layer.units)) continue;
    findings.push_back(
        {.where = layer.path.empty() ? "a relu" : concat("relu in ", layer.path),
         .what = concat(layer.dead, " of ", layer.units, " units are zero for all of ", std::min<int64_t>(512, set.size()), " samples"),
         .why = "they say nothing, and would not learn either",
         .remedy = "a smaller learning rate, and leaky_relu or gelu instead of relu (recipe: activation = \"gelu\")",
         .severity = layer.dead == layer.units ? Severity::serious : Severity::warning,
         .kind = "dead units"});
  }
  std::map<std::string, std::pair<double, double>> saturated;  // by layer: sums and counts
  for_outputs(model.output, set, {.samples = 256}, [&](const Array& output) {
    for (Node* node : nodes_of(output, {"sigmoid", "tanh"})) {
      const Array y = node->output_arrays()[0];
      const Array at_end = node->op().name == std::string_view("tanh") ? abs(y) > 0.99 : (y > 0.99) | (y < 0.01);
      auto& [sum_of, count] = saturated[node->path()];
      sum_of += sum(at_end.astype(float32)).item(), count += static_cast<double>(y.size());
    }
  });
  for (const auto& [path, counted] : saturated) {
    const double share = counted.first / counted.second;
    if (share <= kSaturatedShare) continue;
    findings.push_back({.where = concat("sigmoid or tanh in ", path),
                        .what = concat(share_text(share), " of its outputs lie at their ends"),
                        .why = "there the slope is next to nothing, and the layer hardly learns",
                        .remedy = "scaled inputs, smaller first weights, relu or gelu instead (recipe: activation = \"gelu\")",
                        .severity = Severity::warning,
                        .kind = "saturated units"});
  }
  return findings;
}

}  // namespace gradus::train::detail
