// checkpoint and derivatives of one's own.
#include "gradus/transform/custom.hpp"

#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/transform/checkpoint.hpp"
#include "gradus/transform/jacobian.hpp"
#include "gradus/transform/vjp.hpp"
#include "gradus/transform/vmap.hpp"
#include "support.hpp"

namespace gradus {

using namespace core;
namespace {

std::vector<double> bits(const Array& x) { return x.to_vector<double>(); }

const auto block = [](const Array& x) { return tanh(x * sin(x)) * 0.1 + exp(-x * x); };

TEST(Checkpoint, GivesTheSameBits) {
  for (const DType dtype : {float32, float64}) {
    const Array x = samples({5, 7}).astype(dtype);
    const auto direct = [](const Array& x) { return sum(square(block(block(x)))); };
    const auto saved = [](const Array& x) { return sum(square(checkpoint(block)(checkpoint(block)(x)))); };
    EXPECT_EQ(direct(x).item(), saved(x).item());
    EXPECT_EQ(bits(grad(direct)(x)), bits(grad(saved)(x)));
  }
}

TEST(Checkpoint, ReplaysRandomNumbers) {
  const Array x = samples({50}).astype(float32);
  random::seed(7);
  const Array direct = grad([](const Array& x) { return sum(square(x * random::normal({50}))); })(x);
  random::seed(7);
  const Array saved =
      grad([](const Array& x) { return sum(square(checkpoint([](const Array& x) { return x * random::normal({50}); })(x))); })(x);
  EXPECT_EQ(bits(direct), bits(saved));
}

TEST(Checkpoint, DifferentiatesByWhatItCaptures) {
  const Array x = samples({3}), w = samples({3}, 1);
  const auto f = [&](const Array& w) { return sum(checkpoint([&](const Array& x) { return sin(x * w) * 0.1; })(x)); };
  expect_close(grad(f)(w), 0.1 * x * cos(x * w));
}

TEST(Checkpoint, KeepsTheDtypeBesideNumbers) {
  EXPECT_EQ(checkpoint([](const Array& x) { return x * 0.1; })(samples({3}).astype(float16)).dtype(), float16);
  EXPECT_DOUBLE_EQ(checkpoint([](const Array& x) { return x * 0.1; })(array({1.0}, float64)).item(), 0.1);
}

TEST(Checkpoint, ComposesWithOtherTransforms) {
  const auto f = [](const Array& x) { return sum(checkpoint(block)(x)); };
  const auto plain = [](const Array& x) { return sum(block(x)); };
  const Array x = samples({4}), xs = samples({3, 4});
  expect_close(hessian(f)(x), hessian(plain)(x));
  expect_close(grad([&](const Array& x) { return sum(grad(f)(x)); })(x), grad([&](const Array& x) { return sum(grad(plain)(x)); })(x));
  expect_close(vmap(grad(f))(xs), vmap(grad(plain))(xs));
  expect_close(jvp(f, x, x).second, jvp(plain, x, x).second);
}

TEST(Checkpoint, ValuesMayBeReadInside) {
  const auto f = [](const Array& x) { return checkpoint([](const Array& x) { return x.item() > 0 ? x * x : x; })(x); };
  EXPECT_DOUBLE_EQ(grad(f)(array({3.0}, float64)[0]).item(), 6);
}

TEST(StopGradient, IsAConstant) {
  const Array x = samples({3});
  expect_close(grad([](const Array& x) { return sum(x * stop_gradient(x)); })(x), x);
  expect_close(jvp([](const Array& x) { return x * stop_gradient(x); }, x, ones_like(x)).second, x);
}

const auto clipped = custom_vjp([](const Array& x) { return 2 * x; },
                                [](const Array& cotangent, const Array&, const Array&) { return clip(cotangent, -1, 1); });

TEST(CustomVjp, UsesTheRule) {
  const Array x = samples({3});
  expect_close(clipped(x), 2 * x);
  expect_values(grad([](const Array& x) { return sum(5 * clipped(x)); })(x), {1, 1, 1});
}

TEST(CustomVjp, OfSeveralArguments) {
  const auto f = custom_vjp([](const Array& x, const Array& y) { return x * y; },
                            [](const Array& c, const Array& z, const Array& x, const Array&) { return std::array{c * z, c * x}; });
  const Array x = samples({3}), y = samples({3}, 1);
  const auto [dx, dy] = grad([&](const Array& x, const Array& y) { return sum(f(x, y)); })(x, y);
  expect_close(dx, x * y);
  expect_close(dy, x);
}

TEST(CustomVjp, SecondOrderFollowsTheRule) {
  const auto f =
      custom_vjp([](const Array& x) { return sin(x); }, [](const Array& c, const Array&, const Array& x) { return c * x * x * x; });
  EXPECT_NEAR(grad(grad(f))(2.0).item(), 12, 1e-12);
  EXPECT_NEAR(jvp(f, Array(2.0), Array(1.0)).second.item(), 8, 1e-12);  // by transposing the rule
  EXPECT_NEAR(hvp(f, Array(2.0), Array(1.0)).item(), 12, 1e-12);
}

TEST(CustomVjp, OfARuleThatIsNotLinearHasNoForwardMode) {
  EXPECT_EQ(message_of([] { jvp(clipped, samples({3}), samples({3})); }),
            "custom_vjp: its reverse rule is not linear in the cotangent, so forward mode cannot be derived from it; give a forward rule");
}

TEST(CustomVjp, UnderVmap) {
  const auto f = custom_vjp([](const Array& x, const Array& w) { return sum(x * w); },
                            [](const Array& c, const Array&, const Array& x, const Array& w) { return std::array{3 * c * w, c * x}; });
  const Array xs = samples({4, 3}), w = samples({3}, 1);
  expect_close(vmap(f, {0, whole})(xs, w), sum(xs * w, 1));
  expect_close(vmap(grad<0>(f), {0, whole})(xs, w), broadcast_to(3 * w, {4, 3}));
  // The gradient by what all examples share is the sum of theirs.
  expect_close(grad<1>([&](const Array& xs, const Array& w) { return sum(vmap(f, {0, whole})(xs, w)); })(xs, w), sum(xs, 0));
  expect_close(grad<0>([&](const Array& xs, const Array& w) {
                 return sum(vmap(f, {0, whole})(xs, w));
               })(xs, w),
               broadcast_to(3 * w, {4, 3}));
}

TEST(CustomVjp, ChecksTheRule) {
  const auto f = custom_vjp([](const Array& x) { return x; }, [](const Array& c, const Array&, const Array&) { return sum(c); });
  EXPECT_EQ(message_of([&] { f(samples({3})); }),
            "custom_vjp: the rule gives a cotangent () for argument 0 of shape (3,); they must be equal");
}

TEST(CustomJvp, UsesTheRuleInBothModes) {
  const auto f =
      custom_jvp([](const Array& x, const Array& y) { return x * y; },
                 [](const std::array<Array, 2>& t, const Array&, const Array& x, const Array& y) { return 10 * t[0] * y + t[1] * x; });
  const Array x = samples({3}), y = samples({3}, 1);
  expect_close(jvp(f, args(x, y), args(ones_like(x), zeros_like(y))).second, 10 * y);
  const auto [dx, dy] = grad([&](const Array& x, const Array& y) { return sum(f(x, y)); })(x, y);
  expect_close(dx, 10 * y);
  expect_close(dy, x);
  const auto square_of =
      custom_jvp([](const Array& x) { return x * x; }, [](const Array& t, const Array&, const Array& x) { return 2 * t * x; });
  EXPECT_NEAR(grad(grad(square_of))(3.0).item(), 2, 1e-12);
  expect_close(vmap(grad([&](const Array& x) { return sum(square_of(x)); }))(samples({2, 3})), 2 * samples({2, 3}));
}

TEST(Custom, TangentsOfARuleUnderVmapAreThoseOfALoop) {
  // Its rule is no derivative, so that nothing but the rule can give this: t_x y + 3 t_y x^2.
  const auto f = custom_jvp([](const Array& x, const Array& y) { return sum(x) * y; },
                            [](const std::array<Array, 2>& t, const Array&, const Array& x, const Array& y) {
                              return sum(t[0]) * y + 3 * t[1] * sum(square(x));
                            });
  const Array xs = samples({4, 3}), ys = samples({4}, 1), ts = samples({4, 3}, 2), us = samples({4}, 3);
  const auto one = [&](const Array& x, const Array& y, const Array& t, const Array& u) {
    return jvp(f, args(x, y), args(t, u)).second;
  };
  const Array all = vmap(one)(xs, ys, ts, us), shared = vmap([&](const Array&x, const Array&t) { return one(x, ys[1], t, us[1]); })(xs, ts);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(all[i].item(), (sum(ts[i]) * ys[i] + 3 * us[i] * sum(square(xs[i]))).item(), 1e-9);
    EXPECT_NEAR(shared[i].item(), one(xs[i], ys[1], ts[i], us[1]).item(), 1e-9);
  }
  // The other way round: the tangent of the batch, of which one argument may be the same for all.
  expect_close(jvp([&](const Array& x, const Array& y) { return vmap(f)(x, y); }, args(xs, ys), args(ts, us)).second, all);
  const auto with_shared = [&](const Array& x, const Array& y) { return vmap(f, {0, whole})(x, y); };
  expect_close(jvp(with_shared, args(xs, ys[1]), args(ts, us[1])).second, shared);
  const auto with_shared_x = [&](const Array& x, const Array& y) { return vmap(f, {whole, 0})(x, y); };
  const Array by_y = jvp(with_shared_x, args(xs[0], ys), args(ts[0], us)).second;
  for (int64_t i = 0; i < 4; ++i) EXPECT_NEAR(by_y[i].item(), one(xs[0], ys[i], ts[0], us[i]).item(), 1e-9);
  // Reverse mode is the transpose of the rule.
  const Array pulled = vmap([&](const Array& x, const Array& y) { return grad([&](const Array& at) { return f(at, y); })(x); })(xs, ys);
  for (int64_t i = 0; i < 4; ++i) expect_close(pulled[i], full({3}, ys[i].item(), float64));
}

TEST(Custom, ARuleMayCaptureAProductThatIsPending) {
  const Array w = samples({3, 3}), x = samples({3});
  const auto f =
      custom_vjp([](const Array& at) { return at * 2; },
                 [&](const Array& cotangent, const Array&, const Array&) { return cotangent * sum(matmul(w, transpose(w)), 0); });
  expect_close(f(x), 2 * x);  // needs no product
  expect_close(grad([&](const Array& at) { return sum(f(at)); })(x), sum(matmul(w, transpose(w)), 0));
}

}  // namespace
}  // namespace gradus
