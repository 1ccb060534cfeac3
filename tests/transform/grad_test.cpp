#include "gradus/transform/grad.hpp"

#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/parameter.hpp"
#include "gradus/graph/pending.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/transform/jacobian.hpp"
#include "gradus/transform/vjp.hpp"
#include "support.hpp"

namespace gradus {

using namespace core;
namespace {

const auto cube = [](const Array& x) { return sum(x * x * x); };

TEST(Grad, OfASumOfCubes) {
  const Array x = samples({3});
  expect_close(grad(cube)(x), 3 * x * x);
}

TEST(Grad, KeepsDtypeAndShape) {
  for (const DType dtype : {float32, float64, float16, bfloat16}) {
    const Array g = grad(cube)(samples({2, 3}).astype(dtype));
    EXPECT_EQ(g.dtype(), dtype);
    EXPECT_EQ(g.shape(), Shape({2, 3}));
  }
}

TEST(Grad, OfANumber) { EXPECT_DOUBLE_EQ(grad(cube)(2.0).item(), 12.0); }

TEST(Grad, PicksAFunctionOutOfOverloads) {
  EXPECT_NEAR(grad(tanh)(Array(0.5)).item(), 1 - std::tanh(0.5) * std::tanh(0.5), 1e-12);
  EXPECT_NEAR(value_and_grad(exp)(Array(0.5)).second.item(), std::exp(0.5), 1e-12);
}

TEST(Grad, ComposesToOrderThree) {
  const auto f = [](const Array& x) { return sin(x) * x * x; };
  const double x = 0.7, s = std::sin(x), c = std::cos(x);
  EXPECT_NEAR(grad(f)(x).item(), 2 * x * s + x * x * c, 1e-12);
  EXPECT_NEAR(grad(grad(f))(x).item(), 2 * s + 4 * x * c - x * x * s, 1e-12);
  EXPECT_NEAR(grad(grad(grad(f)))(x).item(), 6 * c - 6 * x * s - x * x * c, 1e-12);
}

TEST(Grad, OfSeveralArguments) {
  const auto f = [](const Array& x, const Array& y, const Array& z) { return sum(x * y + z * z * y); };
  const Array x = samples({2}), y = samples({2}, 1), z = samples({2}, 2);
  const auto [dx, dy, dz] = grad(f)(x, y, z);
  expect_close(dx, y);
  expect_close(dy, x + z * z);
  expect_close(dz, 2 * z * y);
  const auto [first, last] = grad<0, 2>(f)(x, y, z);
  expect_close(first, y);
  expect_close(last, 2 * z * y);
  expect_close(grad<1>(f)(x, y, z), x + z * z);
}

TEST(Grad, OfAVectorOfArrays) {
  const std::vector<Array> parts{samples({2}), samples({2}, 1)};
  const std::vector<Array> g = grad([](const std::vector<Array>& v) { return sum(v[0] * v[1]); })(parts);
  expect_close(g[0], parts[1]);
  expect_close(g[1], parts[0]);
}

TEST(Grad, HandsFurtherResultsThrough) {
  const auto f = [](const Array& x) { return std::tuple{sum(x * x), 2 * x, 7}; };
  const Array x = samples({3});
  const auto [terms, g] = value_and_grad(f)(x);
  const auto& [total, twice, number] = terms;
  expect_close(total, sum(x * x));
  expect_close(twice, 2 * x);
  EXPECT_EQ(number, 7);
  expect_close(g, 2 * x);
}

TEST(Grad, SumsOverBroadcastAxes) {
  const auto f = [](const Array& a, const Array& b) { return sum(a * b); };
  const Array a = samples({2, 3}), b = samples({3});
  const auto [da, db] = grad(f)(a, b);
  expect_close(da, broadcast_to(b, {2, 3}));
  expect_close(db, sum(a, 0));
}

TEST(Grad, CapturedArraysAreConstants) {
  const Array x = samples({3});
  expect_close(grad([&](const Array& y) { return sum(x * y); })(x), x);
}

TEST(Grad, DoesNotConfusePerturbations) {
  // d/dx (x * d/dy (x + y)) = 1
  const auto outer = [](const Array& x) { return x * grad([&](const Array& y) { return x + y; })(1.0); };
  EXPECT_DOUBLE_EQ(grad(outer)(1.0).item(), 1.0);
  EXPECT_DOUBLE_EQ(jvp(outer, Array(1.0), Array(1.0)).second.item(), 1.0);
  const auto mixed = [](const Array& x) { return x * jvp([&](const Array& y) { return x * y; }, Array(3.0), Array(1.0)).second; };
  EXPECT_DOUBLE_EQ(grad(mixed)(5.0).item(), 10.0);
}

TEST(Grad, OfSomethingUnusedIsZero) {
  const auto [dx, dy] = grad([](const Array& x, const Array&) { return sum(x); })(samples({2}), samples({3}));
  expect_values(dx, {1, 1});
  expect_values(dy, {0, 0, 0});
}

TEST(Grad, ValuesMayBeReadInside) {
  const auto f = [](const Array& x) { return x.item() > 0 ? x * x : -x; };
  EXPECT_DOUBLE_EQ(grad(f)(3.0).item(), 6.0);
  EXPECT_DOUBLE_EQ(grad(f)(-3.0).item(), -1.0);
}

TEST(Grad, FloorAndComparisonsHaveSlopeZero) {
  expect_values(grad([](const Array& x) { return sum(floor(x) + x); })(samples({2})), {1, 1});
  expect_values(grad([](const Array& x) { return sum(where(x > 0, x, 0)); })(array({-1.0, 2.0})), {0, 1});
}

TEST(Grad, RefusesWhatHasNoDerivative) {
  EXPECT_EQ(message_of([] { grad(cube)(array({1, 2})); }),
            "grad: argument 0 has dtype int64; only floats have derivatives: choose the arguments by number, for example grad<0>(f)");
  EXPECT_EQ(message_of([] { grad<0>(cube)(array({1, 2})); }), "grad: argument 0 has dtype int64; only floats have derivatives");
  EXPECT_EQ(message_of([] { grad([](const Array& x) { return x; })(samples({3})); }),
            "grad: the function returned an array (3,); it must return a scalar, shape (): take sum or mean of it");
  EXPECT_EQ(message_of([] { grad([](const Array& x) { return sum(x).astype(int32); })(samples({3})); }),
            "grad: the function returned a scalar of dtype int32; it must be a float");
  EXPECT_EQ(message_of([] { grad(cube)(Array()); }), "grad: argument 0 is an empty Array; give it a value first");
}

TEST(Grad, OfAnIntegerArgumentByTheSideIsFine) {
  const Array ids = array({0, 2});
  expect_values(grad<0>([](const Array& x, const Array& ids) { return sum(x * ids.astype(x.dtype())); })(samples({2}), ids), {0, 2});
}

// A slice whose end is not a step from its start: what reads its place again must not read start .. end.
TEST(Grad, OfStridedSlicesThatSelectOneElement) {
  const Array x = zeros({2, 3}, float64), a = array({{1.0, 2.0, 3.0}}, float64), b = array({{100.0, 101.0, 102.0}}, float64);
  expect_values(grad([&](const Array& v) { return sum(v[slice(0, {}, 2)] * a) + sum(v[slice(1, {}, 2)] * b); })(x),
                {1, 2, 3, 100, 101, 102});
  expect_values(grad([&](const Array& v) { return sum(v[slice(-1, {}, -2)] * b) + sum(v[slice(0, {}, -1)] * a); })(x),
                {1, 2, 3, 100, 101, 102});
  expect_values(grad([&](const Array& v) { return sum(v[{slice(), slice(1, 3, 5)}]) * 7; })(x), {0, 7, 0, 0, 7, 0});
}

// What is written over takes no part, of writes to one place the last alone does.
TEST(Grad, OfWrites) {
  const Array x = samples({3, 20, 7}), y = samples({3, 7, 7}, 1), c = samples({3, 7}, 2);
  const auto over = [&](const Array& v, const Array& w) {
    Array z = v;
    z.set({slice(), slice(5, 12)}, w);
    return sum(sum(z, 1) * c);
  };
  Array want = broadcast_to(expand_dims(c, 1), {3, 20, 7});
  want.set({slice(), slice(5, 12)}, 0.0);
  expect_close(grad<0>(over)(x, y), want);
  expect_close(grad<1>(over)(x, y), broadcast_to(expand_dims(c, 1), {3, 7, 7}));
  const Array weights = array({5.0, 6.0, 7.0}, float64);
  for (const Array& places : {array({0, 0, 2}), array({0, -3, 2})}) {
    const auto twice = [&](const Array& v, const Array& w) {
      Array z = v;
      z.set(places, w);
      return sum(z * weights);
    };
    expect_values(grad<0>(twice)(zeros({3}, float64), samples({3})), {0, 6, 0});
    expect_values(grad<1>(twice)(zeros({3}, float64), samples({3})), {0, 5, 7});
  }
}

TEST(Vjp, PullsBackAsOftenAsAsked) {
  const auto f = [](const Array& x, const Array& y) { return std::tuple{x * y, x + y}; };
  const Array x = samples({2}), y = samples({2}, 1);
  const auto [z, pullback] = vjp(f, args(x, y));
  std::get<0>(z).eval();  // the values being computed must not hurt the pullback
  std::get<1>(z).eval();
  for (const double scale : {1.0, 2.0}) {
    const auto [dx, dy] = pullback(std::tuple{scale * ones_like(x), ones_like(x)});
    expect_close(dx, scale * y + 1);
    expect_close(dy, scale * x + 1);
  }
}

TEST(Vjp, OfAVjp) {
  const auto f = [](const Array& x) { return vjp([](const Array& y) { return y * y * y; }, x).second(Array(1.0)); };
  EXPECT_DOUBLE_EQ(vjp(f, Array(2.0)).second(Array(1.0)).item(), 12.0);
}

TEST(Vjp, ChecksTheCotangent) {
  const auto [z, pullback] = vjp([](const Array& x) { return 2 * x; }, samples({2}));
  EXPECT_EQ(message_of([&, &pullback = pullback] { pullback(samples({3})); }),
            "vjp: output 0 is (2,), its cotangent (3,); they must be equal");
}

TEST(Jvp, IsTheDirectionalDerivative) {
  const Array x = samples({3}), v = samples({3}, 5);
  const auto [y, dy] = jvp([](const Array& x) { return x * x; }, x, v);
  expect_close(y, x * x);
  expect_close(dy, 2 * x * v);
  const auto [p, dp] = jvp([](const Array& x, const Array& y) { return x * y; }, args(x, v), args(v, x));
  expect_close(dp, v * v + x * x);
  expect_close(jvp(tanh, x, v).second, v * (1 - square(tanh(x))));
}

TEST(Jvp, ChecksTheTangent) {
  EXPECT_EQ(message_of([] { jvp([](const Array& x) { return x; }, samples({2}), samples({3})); }),
            "jvp: argument 0 is (2,), its tangent (3,); they must be equal");
}

TEST(Jvp, BroadcastsLinearSums) {
  const Array x = samples({3}), c = samples({2, 3});
  const auto [y, dy] = jvp([&](const Array& x) { return c + x - 2 * x; }, x, ones_like(x));
  expect_close(dy, -ones_like(c));
}

TEST(Jvp, OfConcatenation) {
  const Array x = samples({2}), y = samples({3});
  const auto [z, dz] = jvp(
      [](const Array& x, const Array& y) {
        return concatenate({x, y, x});
      },
      args(x, y), args(ones_like(x), zeros_like(y)));
  expect_values(dz, {1, 1, 0, 0, 0, 1, 1});
}

TEST(Hvp, IsHessianTimesVector) {
  const auto f = [](const Array& x) { return sum(x * x * x) + x[0] * x[1]; };
  const Array x = samples({3}), v = samples({3}, 2);
  expect_close(hvp(f, x, v), sum(hessian(f)(x) * v, 1));
}

TEST(Jacobian, ByRowsAndByColumns) {
  const auto f = [](const Array& x) { return stack({x[0] * x[1], x[1] * x[1], x[0] + x[2]}); };
  const Array x = array({2.0, 3.0, 5.0}, float64);
  const std::vector<double> expected{3, 2, 0, 0, 6, 0, 1, 0, 1};
  expect_values(jacobian(f)(x), expected);
  expect_values(jacobian_forward(f)(x), expected);
}

TEST(Jacobian, HasTheShapesOfOutputAndInput) {
  const auto f = [](const Array& x, const Array& y) { return std::tuple{x * y, sum(y)}; };
  const Array x = samples({2, 1}), y = samples({3});
  const auto [product, total] = jacobian(f)(x, y);
  EXPECT_EQ(product[0].shape(), Shape({2, 3, 2, 1}));
  EXPECT_EQ(product[1].shape(), Shape({2, 3, 3}));
  EXPECT_EQ(total[0].shape(), Shape({2, 1}));
  const auto [product_forward, total_forward] = jacobian_forward(f)(x, y);
  for (const int i : {0, 1}) {
    expect_close(product_forward[i], product[i]);
    expect_close(total_forward[i], total[i]);
  }
  expect_values(total[0], {0, 0});
  expect_close(jacobian<1>([](const Array& x, const Array& y) { return x * y; })(x, y), product[1]);
}

TEST(Hessian, OfSmallFunctions) {
  const auto rosenbrock = [](const Array& x) { return square(1 - x[0]) + 100 * square(x[1] - square(x[0])); };
  const Array x = array({0.5, -0.3}, float64);
  expect_values(hessian(rosenbrock)(x), {2 + 1200 * 0.25 + 400 * 0.3, -200, -200, 200}, 1e-9);
  const auto f = [](const Array& x, const Array& y) { return sum(x * x * y); };
  const auto h = hessian(f)(Array(2.0), Array(3.0));
  EXPECT_DOUBLE_EQ(h[0][0].item(), 6.0);
  EXPECT_DOUBLE_EQ(h[0][1].item(), 4.0);
  EXPECT_DOUBLE_EQ(h[1][0].item(), 4.0);
  EXPECT_DOUBLE_EQ(h[1][1].item(), 0.0);
}

TEST(Grad, OfAChainOfAMillionNodes) {
  set_pending_bound(0, 0);
  const auto chain = [](const Array& x) {
    Array y = x;
    for (int i = 0; i < 1'000'000; ++i) y = -y;
    return y;
  };
  const Array g = grad(chain)(array({1.5})[0]);
  EXPECT_EQ(g.item(), 1.0);
  { const Array dropped = chain(array({1.5})[0]); }
  set_pending_bound(20'000, int64_t{2} << 30);
}

TEST(Grad, CostIsLinearInTheGraph) {
  // An inner grad in a long outer trace must not walk the outer part.
  const auto outer = [](const Array& x) {
    Array y = x;
    for (int i = 0; i < 300; ++i) {
      for (int k = 0; k < 100; ++k) y = y + 1e-6;
      y = y + 0 * grad([](const Array& z) { return z * z; })(y);
    }
    return y;
  };
  EXPECT_NEAR(grad(outer)(1.0).item(), 1.0, 1e-12);
}

}  // namespace
}  // namespace gradus
