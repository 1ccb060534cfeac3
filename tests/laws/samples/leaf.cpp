// Samples of the ops of graph/leaf.hpp.
#include "gradus/graph/leaf.hpp"
#include "tests/laws/sample.hpp"

namespace laws {

using namespace gradus::core;

Samples leaf_samples() {
  using namespace gradus;
  const auto same = [](const std::vector<Plain>& x) { return x[0]; };
  return {
      {.op = "data", .call = [](const Arrays&) { return Arrays{array({1.0, 2.0}) + 1}; }, .orders = 0},
      {.op = "scalar", .call = [](const Arrays&) { return Arrays{Array(2) * Array(3.0)}; }, .orders = 0},
      {.op = "placeholder", .call = [](const Arrays&) { return Arrays{make_placeholder({float32, Shape{2}, false})}; }, .orders = 0,
       .has_vmap = false, .is_lowered = false},
      {.op = "identity", .inputs = {uniform({2, 3})}, .call = [](const Arrays& x) { return Arrays{apply(identity_op, {x[0]})}; },
       .reference = same},
      {.op = "stop_gradient", .inputs = {uniform({2, 3})}, .call = [](const Arrays& x) { return Arrays{x[0] * stop_gradient(x[0])}; },
       .reference = [](const std::vector<Plain>& x) { return each(x[0], [](double v) { return v * v; }); }, .is_smooth = false},
      {.op = "barrier", .inputs = {uniform({2, 3}), uniform({4})}, .call = [](const Arrays& x) { return apply_all(barrier_op, x); },
       .reference = same},
  };
}

}  // namespace laws
