// Gradients by the parameters of modules.
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/parameter.hpp"
#include "gradus/nn/module.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/transform/checkpoint.hpp"
#include "gradus/transform/grad.hpp"
#include "gradus/transform/vjp.hpp"
#include "gradus/transform/vmap.hpp"
#include "support.hpp"

namespace gradus {

using namespace core;
namespace {

Array small(const Shape& shape) { return samples(shape) * 0.5; }

struct Scale {
  Parameter gain{};
  State calls{};
  Array forward(const Array& x) const {
    const Array& g = gain({x.shape(-1)}, small);
    calls.set(calls({}, [](const Shape& shape) { return zeros(shape, float64); }) + 1);
    return x * g;
  }
  GRADUS_PARTS(gain, calls)
};
struct Pair {
  Scale first{}, second{};
  Array forward(const Array& x) const { return second(first(x)); }
  GRADUS_PARTS(first, second)
};
struct Line {
  Array w, b;
  Array forward(const Array& x) const { return x * w + b; }
  GRADUS_PARTS(w, b)
};

const auto total = [](const auto& m, const Array& x) { return sum(m(x)); };

TEST(ModuleGrad, IsByPath) {
  Pair model;
  const Array x = samples({4, 3});
  const auto [value, grads] = value_and_grad<0>(total)(model, x);
  ASSERT_EQ(grads.size(), 2u);
  const Array g = small({3});
  expect_close(grads["first.gain"], sum(x, 0) * g);
  expect_close(grads["second.gain"], sum(x, 0) * g);
  expect_close(value, sum(x * g * g));
}

TEST(ModuleGrad, BuildsParametersFirstAndCountsStateOnce) {
  Pair model;
  const random::GeneratorState before = random::state();
  value_and_grad<0>(total)(model, samples({4, 3}));
  EXPECT_EQ(model.first.calls.get().item(), 1);
  EXPECT_EQ(random::state().counter, before.counter);
  value_and_grad<0>(total)(model, samples({4, 3}));
  EXPECT_EQ(model.first.calls.get().item(), 2);
}

TEST(ModuleGrad, OfAStructOfArrays) {
  Line line{samples({3}), zeros({3}, float64)};
  const Array x = samples({2, 3});
  const auto [value, grads] = value_and_grad<0>(total)(line, x);
  expect_close(grads["w"], sum(x, 0));
  expect_values(grads["b"], {2, 2, 2});
  expect_close(line.w, samples({3}));
  const Line fixed = line;
  expect_close(grad<0>(total)(fixed, x)["w"], sum(x, 0));
}

TEST(ModuleGrad, ACapturedModelThatIsAlsoTheArgumentIsTheArgument) {
  Line line{samples({3}), zeros({3}, float64)};
  const Array x = samples({2, 3});
  expect_close(grad<0>([&](const auto&, const Array& x) { return sum(line(x)); })(line, x)["w"], sum(x, 0));
}

TEST(ModuleGrad, PutsSlotsBackAfterAnException) {
  Line line{samples({3}), zeros({3}, float64)};
  const Node* before = line.w.node();
  Pair pair;
  pair(samples({3}));
  EXPECT_THROW(grad<0>([](const auto& m, const Array& x) -> Array { m(x); fail("test", "stop"); })(line, samples({3})), Error);
  EXPECT_EQ(line.w.node(), before);
  EXPECT_THROW(grad<0>([](const auto& m, const Array& x) -> Array { m(x); fail("test", "stop"); })(pair, samples({3})), Error);
  EXPECT_EQ(pair.first.calls.get().item(), 1);
  expect_close(grad([](const Array& x) { return sum(x * x); })(samples({3})), 2 * samples({3}));
}

TEST(ModuleGrad, OfNestedTransforms) {
  // d/dw of |d/dx sum(w x + b)|^2 = 2 w
  Line line{samples({3}), zeros({3}, float64)};
  const auto penalty = [](const auto& m, const Array& x) { return sum(square(grad([&](const Array& x) { return sum(m(x)); })(x))); };
  const Gradients grads = grad<0>(penalty)(line, samples({3}));
  expect_close(grads["w"], 2 * line.w);
  expect_values(grads["b"], {0, 0, 0});
}

TEST(ModuleGrad, FrozenParametersHaveNone) {
  Pair model;
  model(samples({2, 3}));
  model.first.gain.set_trainable(false);
  const Gradients grads = grad<0>(total)(model, samples({2, 3}));
  EXPECT_EQ(grads.size(), 1u);
  EXPECT_FALSE(grads.contains("first.gain"));
}

TEST(ModuleGrad, PerExample) {
  Line line{samples({3}), zeros({3}, float64)};
  const Array xs = samples({4, 3});
  const Gradients grads = vmap(grad<0>(total), {whole, 0})(line, xs);
  expect_close(grads["w"], xs);
  EXPECT_EQ(grads["b"].shape(), Shape({4, 3}));
}

TEST(ModuleGrad, EnsembleByVmap) {
  Line lines{samples({4, 3}), samples({4, 3}, 1)};
  const Array x = samples({3}, 2);
  expect_close(vmap([](const auto& m, const Array& x) { return m(x); }, {0, whole})(lines, x), lines.w * x + lines.b);
  EXPECT_EQ(lines.w.shape(), Shape({4, 3}));
}

TEST(ModuleGrad, ForwardMode) {
  Line line{samples({3}), zeros({3}, float64)};
  const Array x = samples({3}, 1);
  const Gradients direction({{"w", samples({3}, 2)}});
  const auto [y, dy] = jvp([](const auto& m, const Array& x) { return m(x); }, args(line, x), args(direction, zeros_like(x)));
  expect_close(dy, x * samples({3}, 2));
}

TEST(ModuleGrad, UnderCheckpointStateIsWrittenOnce) {
  Pair model;
  const Array x = samples({4, 3});
  const auto direct = value_and_grad<0>(total)(model, x);
  const double calls = model.first.calls.get().item();
  const auto again =
      value_and_grad<0>([&](const auto& m, const Array& x) { return sum(checkpoint([&](const Array& x) { return m(x); })(x)); })(model, x);
  EXPECT_EQ(again.first.item(), direct.first.item());
  for (const auto& [path, gradient] : direct.second)
    EXPECT_EQ(gradient.to_vector<double>(), again.second[path].to_vector<double>()) << path;
  EXPECT_EQ(model.first.calls.get().item(), calls + 1);
}

TEST(ModuleGrad, Errors) {
  Line line{samples({3}), zeros({3}, float64)};
  EXPECT_EQ(
      message_of([&] { grad<0>([](const auto&, const Array& x) { return sum(x); })(line, samples({3})); }),
      "grad: the value depends on none of the 2 parameters of argument 0; the function must call the module that it is differentiated by");
  Pair fresh;
  EXPECT_EQ(message_of([&] { grad([&](const Array& x) { return sum(fresh(x)); })(samples({3})); }).substr(0, 80),
            "parameter: a new one of shape (3,) would be made inside a transform; call the mo");
  const auto batched_state = [&](const Array& x) {
    fresh.first.calls.set(sum(x));
    return x;
  };
  fresh(samples({3}));
  EXPECT_EQ(message_of([&] { vmap(batched_state)(samples({2, 3})); }),
            "vmap: a value that differs between examples was assigned to a variable of a module; a variable holds one value");
  EXPECT_EQ(fresh.first.calls.get().item(), 1);
}

TEST(ModuleGrad, CopiesAreModelsOfTheirOwn) {
  Pair model;
  const Array x = samples({3});
  model(x);
  Pair copy = model;
  copy.first.gain.set(zeros({3}, float64));
  expect_close(model.first.gain.get(), small({3}));
}

TEST(ModuleGrad, AHandWrittenLoopMakesFewPlans) {
  const Array x = samples({20, 1}), y = 3 * x + 2;
  Array w = zeros({1}, float64), b = zeros({1}, float64);
  evaluate({x, y, w, b});
  reset_counters();
  const auto objective = [&](const Array& w, const Array& b) { return mean(square(x * w + b - y)); };
  for (int i = 0; i < 1000; ++i) {
    auto [value, grads] = value_and_grad(objective)(w, b);
    w -= 0.5 * grads[0];
    b -= 0.5 * grads[1];
  }
  EXPECT_LE(counters().plans_made, 3);  // before item(), which evaluates the last update: two small plans of its own
  EXPECT_NEAR(w.item(), 3, 1e-6);
  EXPECT_NEAR(b.item(), 2, 1e-6);
}

}  // namespace
}  // namespace gradus
