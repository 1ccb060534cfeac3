// Activation maximisation.
#include "gradus/explain/maximise.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "gradus/base/error.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/explain/layers_internal.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/grad.hpp"

namespace gradus::explain {

using namespace core;

namespace {

constexpr std::string_view kOp = "maximise";

// Mean |difference| of neighbours along the axes of x (1, ..., channels) between the first and the last; of tables nothing.
Array total_variation_of(const Array& x) {
  Array total = zeros({}, x.dtype());
  for (int64_t axis = 1; axis + 1 < x.rank(); ++axis) {
    const int64_t size = x.shape(axis);
    if (size < 2) continue;
    const Array rest = take(x, arange(1, size), axis), before = take(x, arange(0, size - 1), axis);
    total = total + mean(abs(rest - before));
  }
  return total;
}

Array start_of(const Shape& sample, const MaximiseOptions& options) {
  std::vector<int64_t> sizes{1};
  sizes.insert(sizes.end(), sample.begin(), sample.end());
  if (options.start.exists()) {
    if (options.start.shape() != sample) fail(kOp, "the start is ", options.start.shape(), ", the sample ", sample, "; they must be equal");
    return reshape(options.start.astype(options.dtype), Shape(sizes));
  }
  const double middle = std::isfinite(options.low) && std::isfinite(options.high) ? (options.low + options.high) / 2 : 0;
  return random::normal(random::key(options.seed), Shape(sizes), middle, 0.1, options.dtype);
}

}  // namespace

Maximised maximise(Function model, const Shape& sample, const MaximiseOptions& options) {
  if (options.steps < 0) fail(kOp, "steps is ", options.steps, "; it must not be negative");
  if (!options.dtype.is_float()) fail(kOp, "the dtype is ", options.dtype, "; it must be a float");
  if (!(options.low <= options.high)) fail(kOp, "low is ", options.low, ", high is ", options.high, "; low must be at most high");
  if (!(options.learning_rate > 0) || !(options.l2 >= 0) || !(options.total_variation >= 0)) {
    fail(kOp, "learning_rate is ", options.learning_rate, ", l2 is ", options.l2, ", total_variation is ", options.total_variation,
         "; the first must be above 0, the others not negative");
  }
  Array x = clip(start_of(sample, options), options.low, options.high).eval();
  std::function<Array(const Array&)> number = [&](const Array& at) { return model(at); };
  Target target = options.target;
  if (!options.layer.empty()) {
    const LayerResult layer = find_layer(layers(model, x), options.layer);
    if (layer.shape.rank() < 2 || options.unit < 0 || options.unit >= layer.shape[layer.shape.rank() - 1]) {
      fail(kOp, "unit ", options.unit, " is asked for, ", layer.place, " gives ", layer.shape, "; it must be one of its last axis");
    }
    number = [&, at_call = layer.number](const Array& at) {
      Array result;
      detail::call_with_shift(model, at, at_call, {}, &result);
      const Array channel = result[{ellipsis, options.unit}];
      return mean(reshape(channel, {channel.shape(0), -1}), 1);
    };
    target = Target();
  }
  const detail::Explained explained(kOp, number, x, target, options.scale, 1);
  detail::check_one_target(explained, target);
  const Array owners = zeros({1}, int64);
  const auto climb = value_and_grad([&](const Array& at) {
    const Array value = sum(explained.numbers(at, owners));
    Array left = value - options.l2 * mean(square(at));
    if (options.total_variation > 0) left = left - options.total_variation * total_variation_of(at);
    return std::tuple(left, value);
  });
  Maximised found;
  Array moment = zeros_like(x), power = zeros_like(x);
  for (int64_t step = 1; step <= options.steps; ++step) {
    auto [terms, slope] = climb(x);
    moment = 0.9 * moment + 0.1 * slope;
    power = 0.999 * power + 0.001 * square(slope);
    const double first = 1 - std::pow(0.9, step), second = 1 - std::pow(0.999, step);
    x = clip(x + options.learning_rate * (moment / first) / (sqrt(power / second) + 1e-8), options.low, options.high);
    evaluate({x, moment, power, std::get<1>(terms)});
    found.values.push_back(std::get<1>(terms).item());
    if (!std::isfinite(found.values.back()))
      fail(kOp, "the explained number is ", found.values.back(), " at step ", step, "; it must stay finite");
  }
  found.value = explained.numbers(x, owners).item();
  found.x = reshape(x, sample).eval();
  return found;
}

}  // namespace gradus::explain
