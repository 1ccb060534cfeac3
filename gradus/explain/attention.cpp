// Attention maps and their rollout.
#include "gradus/explain/attention.hpp"

#include "gradus/base/error.hpp"
#include "gradus/nn/observation.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"

namespace gradus::explain {

using namespace core;

namespace {

constexpr std::string_view kRollout = "attention_rollout", kFusions[] = {"mean", "max", "min"};

Array fused(HeadFusion heads, const Array& weights) {
  return heads == HeadFusion::mean ? mean(weights, 1) : heads == HeadFusion::max ? max(weights, 1) : min(weights, 1);
}

}  // namespace

std::span<const std::string_view> enum_names(HeadFusion) { return kFusions; }

std::vector<AttentionMap> attention_maps(Function model, const Array& x) {
  std::vector<nn::Observation> seen;
  {
    const nn::TrainingMode inference(false);
    const nn::ObservationScope scope(seen);
    model(x);
  }
  std::vector<AttentionMap> maps;
  for (nn::Observation& one : seen) {
    const bool is_cross = one.name == "cross attention";
    if (!is_cross && one.name != "attention") continue;
    one.values.eval();
    maps.push_back({std::move(one.place), is_cross, std::move(one.values)});
  }
  return maps;
}

Array attention_rollout(const std::vector<AttentionMap>& maps, const RolloutOptions& options) {
  if (!(options.residual >= 0 && options.residual <= 1)) fail(kRollout, "residual is ", options.residual, "; it must lie between 0 and 1");
  Array total;
  for (const AttentionMap& map : maps) {
    if (map.is_cross) continue;
    const Array& weights = map.weights;
    if (weights.rank() != 4 || weights.shape(2) != weights.shape(3)) {
      fail(kRollout, map.place, " has weights ", weights.shape(), "; they must be (N, heads, T, T)");
    }
    const Array mixed = options.residual * eye(weights.shape(2), weights.dtype()) + (1 - options.residual) * fused(options.heads, weights);
    const Array sums = sum(mixed, -1, keepdims), layer = mixed / maximum(sums, 1e-12);
    if (total.exists() && total.shape() != layer.shape()) {
      fail(kRollout, map.place, " has weights ", weights.shape(), ", those before it make ", total.shape(), "; all must be of one length");
    }
    total = total.exists() ? matmul(layer, total) : layer;
  }
  if (!total.exists()) fail(kRollout, "there are ", maps.size(), " maps, none of self-attention; there must be one");
  return total.eval();
}

}  // namespace gradus::explain
