#include "gradus/transform/compile.hpp"

#include "gradus/array/buffer.hpp"
#include "gradus/graph/host_input.hpp"
#include "gradus/graph/mode.hpp"
#include "gradus/nn/module.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/transform/grad.hpp"
#include "gradus/transform/vmap.hpp"
#include "support.hpp"

namespace gradus {

using namespace core;
namespace {

struct Line {
  Array w, b;
  Array forward(const Array& x) const { return x * w + b; }
  GRADUS_PARTS(w, b)
};
struct Scale {
  double factor = 1;
  Parameter gain{};
  State calls{};
  Array forward(const Array& x) const {
    const Array& g = gain({x.shape(-1)}, [](const Shape& shape) { return ones(shape, float64); });
    calls.set(calls({}, [](const Shape& shape) { return zeros(shape, float64); }) + 1);
    return x * g * factor;
  }
  GRADUS_PARTS(factor, gain, calls)
};

TEST(Compile, RecordsOnceForEachSignature) {
  int calls = 0;
  const auto f = compile([&](const Array& x) {
    ++calls;
    return 2 * x + 1;
  });
  const int first = [&] {
    f(samples({3}));
    return calls;
  }();
  expect_close(f(samples({3}, 1)), 2 * samples({3}, 1) + 1);
  EXPECT_EQ(calls, first);
  EXPECT_EQ(f.recordings(), 1);
  f(samples({4}));
  f(samples({3}).astype(float32));
  EXPECT_EQ(f.recordings(), 3);
  expect_close(f(samples({4})), 2 * samples({4}) + 1);
  EXPECT_EQ(f.recordings(), 3);
}

TEST(Compile, NumbersAreInputs) {
  const auto f = compile([](const Array& x, const Array& rate) { return x * rate; });
  expect_close(f(samples({3}), 0.5), samples({3}) * 0.5);
  expect_close(f(samples({3}), 0.25), samples({3}) * 0.25);
  EXPECT_EQ(f.recordings(), 1);
}

TEST(Compile, ReturnsTheFormOfTheFunction) {
  const auto f = compile([](const std::vector<Array>& v) { return std::pair{v[0], std::array{v[1] * 2, zeros({2}) + 1}}; });
  const std::vector<Array> v{samples({2}), samples({3})};
  const auto [same, others] = f(v);
  expect_close(same, v[0]);
  expect_close(others[0], v[1] * 2);
  expect_values(others[1], {1, 1});
}

TEST(Compile, TrainsPlainArrays) {
  const Array x = samples({20, 1}), y = 3 * x + 2;
  Line line{zeros({1}, float64), zeros({1}, float64)};
  auto step = compile(
      [&](const Array& x, const Array& y) {
        auto [value, grads] =
            value_and_grad<0>([](const auto& m, const Array& x, const Array& y) { return mean(square(m(x) - y)); })(line, x, y);
        line.w -= 0.5 * grads["w"];
        line.b -= 0.5 * grads["b"];
        return value;
      },
      line);
  const double first = step(x, y).item();
  double last = first;
  reset_counters();
  for (int i = 0; i < 500; ++i) last = step(x, y).item();
  EXPECT_LT(last, 1e-12);
  EXPECT_NEAR(line.w.item(), 3, 1e-6);
  EXPECT_EQ(step.recordings(), 1);
  EXPECT_LE(counters().plans_made, 1);
}

TEST(Compile, LooseArraysAreStateToo) {
  Array count = zeros({}, float64);
  auto tick = compile([&](const Array& x) {
    count += 1;
    return x + count;
  }, count);
  tick(0.0);
  EXPECT_EQ(tick(10.0).item(), 12);
  EXPECT_EQ(count.item(), 2);
}

TEST(Compile, BuildsParametersAndWritesStateOnceACall) {
  Scale scale;
  auto f = compile([&](const Array& x) { return scale(x); }, scale);
  const Array x = samples({3});
  expect_close(f(x), x);
  EXPECT_EQ(scale.calls.get().item(), 1);
  scale.gain.set(2 * ones({3}, float64));
  expect_close(f(x), 2 * x);
  EXPECT_EQ(scale.calls.get().item(), 2);
  EXPECT_EQ(f.recordings(), 1);
  scale.factor = 10;  // a hyper-parameter is part of the signature
  expect_close(f(x), 20 * x);
  EXPECT_EQ(f.recordings(), 2);
}

TEST(Compile, TheModeIsPartOfTheSignature) {
  const auto f = compile([](const Array& x) { return is_training() ? x : 2 * x; });
  expect_close(f(samples({2})), 2 * samples({2}));
  set_mode_flags(kTrainingFlag);
  expect_close(f(samples({2})), samples({2}));
  set_mode_flags(0);
  EXPECT_EQ(f.recordings(), 2);
}

TEST(Compile, DrawsAnewInEachCall) {
  const auto f = compile([](const Array& x) { return x + random::normal({2}) + 0 * random::normal({2}); });
  const std::vector<float> a = f(zeros({2})).to_vector<float>(), b = f(zeros({2})).to_vector<float>();
  EXPECT_NE(a, b);
  EXPECT_EQ(f.recordings(), 1);
  random::seed(3);
  const std::vector<float> c = f(zeros({2})).to_vector<float>();
  random::seed(3);
  EXPECT_EQ(f(zeros({2})).to_vector<float>(), c);
}

TEST(Compile, NumbersOfTheHostAreAskedBeforeEachRun) {
  double rate = 1;
  const auto f = compile([&](const Array& x) { return x * host_numbers(1, [&] { return std::vector<double>{rate}; })[0]; });
  EXPECT_EQ(f(array(3.0, float64)).item(), 3);
  rate = 2;
  EXPECT_EQ(f(array(3.0, float64)).item(), 6);
  EXPECT_EQ(f.recordings(), 1);
}

TEST(Compile, InsideOtherTransformsItIsTheFunction) {
  const auto f = compile([](const Array& x) { return sum(x * x * x); });
  const Array x = samples({3});
  f(x);
  expect_close(grad(f)(x), 3 * x * x);
  expect_close(vmap(f)(samples({2, 3})), sum(samples({2, 3}) * samples({2, 3}) * samples({2, 3}), 1));
  const auto g = compile([&](const Array& x) { return grad(f)(x); });
  expect_close(g(x), 3 * x * x);
}

TEST(Compile, CapturedArraysAreConstants) {
  Array c = samples({3}) * 2;
  const auto f = compile([&](const Array& x) { return x + c; });
  expect_close(f(samples({3})), 3 * samples({3}));
  c = zeros({3});
  expect_close(f(samples({3}, 1)), samples({3}, 1) + 2 * samples({3}));
}

TEST(Compile, Errors) {
  const Array x = samples({3});
  EXPECT_EQ(message_of([&] { compile([](const Array& x) { return x.item() > 0 ? x : -x; })(array({1.0})); }),
            "compile: the value of an array (1,) was asked for (item, data, printing, eval); inside compile arrays have no values yet");
  const auto shares = compile([&](const Array& y) { return x * y; });
  EXPECT_EQ(message_of([&] { shares(x); }),
            "compile: the function captures an array (3,) that is also an argument or part of the state; inside it would keep its present "
            "value, so use the "
            "argument");
  Scale scale;
  scale(x);
  const auto undeclared = compile([&](const Array& y) { return scale(y); });
  EXPECT_EQ(message_of([&] { undeclared(x); }),
            "compile: the function uses a variable that is not in its state; name the module or optimizer that holds it: compile(function, "
            "model, "
            "optimizer)\n  in: Scale");
  EXPECT_EQ(message_of([&] { compile([](const Array& x) { return x; })(Array()); }),
            "compile: an argument is an empty Array; give it a value first");
}

TEST(Compile, AFailureLeavesTheStateAsItWas) {
  Line line{samples({300}), zeros({300}, float64)};
  auto step = compile([&](const Array& x) {
    line.w -= sum(expand_dims(x, 1) * line.w * 0.1, 0);
    return sum(line.w);
  }, line);
  const Array x = samples({50});
  step(x);
  const std::vector<double> before = line.w.to_vector<double>();
  fail_allocation_after(1);
  EXPECT_THROW(step(x), Error);
  fail_allocation_after(0);
  EXPECT_EQ(line.w.to_vector<double>(), before);
  step(x);
  EXPECT_NE(line.w.to_vector<double>(), before);
}

struct Two {
  Parameter a{full({3}, 1.0)}, b{full({3}, 1.0)};
  Array forward(const Array& x) const { return x * a + b; }
  GRADUS_PARTS(a, b)
};

TEST(Compile, AParameterThatIsFrozenOrThawedMeansANewRecording) {
  Two model;
  const auto step = compile([&](const Array& x) {
    const auto grads = grad([&](const Two& m) { return sum(m(x)); })(model);
    for (const auto& [path, change] : grads) {
      const Parameter& parameter = path == "a" ? model.a : model.b;
      parameter.set(parameter.get() - change);
    }
    return sum(model(x));
  }, model);
  const Array x = full({3}, 2.0);
  step(x);
  expect_values(model.a.get(), {-1, -1, -1});
  expect_values(model.b.get(), {0, 0, 0});
  model.a.set_trainable(false);
  step(x);
  EXPECT_EQ(step.recordings(), 2);
  expect_values(model.a.get(), {-1, -1, -1});
  expect_values(model.b.get(), {-1, -1, -1});
  model.a.set_trainable(true);
  step(x);
  EXPECT_EQ(step.recordings(), 2);
  expect_values(model.a.get(), {-3, -3, -3});
}

struct Scaled {
  Array w = full({2}, 3.0, float64);
  double factor = 1;
  GRADUS_PARTS(w, factor)
};

TEST(Compile, NumbersInsideArgumentsMeanANewRecording) {
  const auto of_model = compile([](const Scaled& m, const Array& x) { return m.w * x * m.factor; });
  const auto of_pair = compile([](const std::pair<Array, double>& p) { return p.first * p.second; });
  const Array x = full({2}, 2.0, float64);
  Scaled model;
  for (const double factor : {1.0, 5.0, 1.0}) {
    model.factor = factor;
    expect_values(of_model(model, x), {6 * factor, 6 * factor});
    expect_values(of_pair(std::pair{x, factor}), {2 * factor, 2 * factor});
  }
  EXPECT_EQ(of_model.recordings(), 2);
  EXPECT_EQ(of_pair.recordings(), 2);
}

TEST(Compile, ListsOfOtherLengthsMeanANewRecording) {
  const auto f = compile([](const std::vector<Array>& a, const std::vector<Array>& b) {
    Array total = zeros({2}, float64);
    for (const Array& x : a) total = total + x;
    for (const Array& x : b) total = total * x;
    return total;
  });
  const Array x = array({2.0, 3.0}, {2}), y = array({5.0, 7.0}, {2}), z = array({11.0, 13.0}, {2});
  expect_values(f(std::vector{x}, std::vector{y, z}), {110, 273});
  expect_values(f(std::vector{x, y}, std::vector{z}), {77, 130});
}

}  // namespace
}  // namespace gradus
