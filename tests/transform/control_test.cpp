#include "gradus/transform/control.hpp"

#include "gradus/ops/cumulative.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/transform/check.hpp"
#include "gradus/transform/checkpoint.hpp"
#include "gradus/transform/jacobian.hpp"
#include "gradus/transform/vjp.hpp"
#include "gradus/transform/vmap.hpp"
#include "support.hpp"

namespace gradus {
namespace {

const auto accumulate = [](const Array& total, const Array& x) {
  const Array next = total + x;
  return std::pair{next, next};
};

// h <- tanh(w h + x), an unrolled loop as the reference.
Array unrolled(const Array& w, const Array& h, const Array& xs) {
  Array state = h;
  std::vector<Array> out;
  for (int64_t t = 0; t < xs.shape(0); ++t) out.push_back(state = tanh(w * state + xs[t]));
  return sum(stack(out) * 0.3) + sum(square(state));
}
Array scanned(const Array& w, const Array& h, const Array& xs) {
  const auto [last, ys] = scan([&](const Array& h, const Array& x) {
    const Array next = tanh(w * h + x);
    return std::pair{next, next};
  }, h, xs);
  return sum(ys * 0.3) + sum(square(last));
}

TEST(Scan, OfARunningTotal) {
  const Array xs = samples({6, 2});
  const auto [last, all] = scan(accumulate, zeros({2}, float64), xs);
  expect_close(last, sum(xs, 0));
  expect_close(all, cumsum(xs, 0));
}

TEST(Scan, FromTheEnd) {
  const Array xs = samples({6});
  const auto [last, all] = scan(accumulate, zeros({}, float64), xs, {.reverse = true});
  expect_close(last, sum(xs));
  expect_close(all, flip(cumsum(flip(xs), 0)));
}

TEST(Scan, ANumberTakesTheDtypeOfTheLoop) {
  const auto [last, all] = scan(accumulate, Array(0.0), samples({5}));
  EXPECT_EQ(last.dtype(), float64);
  expect_close(last, sum(samples({5})));
  EXPECT_EQ(scan(accumulate, Array(0.0), samples({5}).astype(float16)).first.dtype(), float16);
}

TEST(Scan, HandsFormsThrough) {
  const auto f = [](const std::pair<Array, Array>& carry, const std::vector<Array>& x) {
    return std::tuple{std::pair{carry.first + x[0], carry.second * x[1]}, std::array{x[0], carry.second}};
  };
  const std::vector<Array> xs{samples({4}), samples({4}, 1)};
  const auto [last, ys] = scan(f, std::pair{Array(0.0), Array(1.0)}, xs);
  expect_close(last.first, sum(xs[0]));
  expect_close(last.second, prod(xs[1]));
  expect_close(ys[0], xs[0]);
}

TEST(Scan, OverNothing) {
  const auto [last, ys] = scan(accumulate, samples({2}), zeros({0, 2}, float64));
  expect_close(last, samples({2}));
  EXPECT_EQ(ys.shape(), Shape({0, 2}));
}

TEST(Scan, DifferentiatesLikeTheUnrolledLoop) {
  const Array w = samples({3}), h = samples({3}, 1), xs = samples({5, 3}, 2);
  expect_close(scanned(w, h, xs), unrolled(w, h, xs));
  const auto expected = grad(unrolled)(w, h, xs), found = grad(scanned)(w, h, xs);
  for (const size_t i : {0, 1, 2}) expect_close(found[i], expected[i]);
  expect_close(hessian<0>(scanned)(w, h, xs), hessian<0>(unrolled)(w, h, xs));
  const auto second = [](const auto& f) {
    return [&f](const Array& w, const Array& h, const Array& xs) { return sum(sin(grad<0>(f)(w, h, xs))); };
  };
  const auto expected_second = grad(second(unrolled))(w, h, xs), found_second = grad(second(scanned))(w, h, xs);
  for (const size_t i : {0, 1, 2}) expect_close(found_second[i], expected_second[i]);
  const auto tangents = args(ones_like(w), h, xs * xs);
  expect_close(jvp(scanned, args(w, h, xs), tangents).second, jvp(unrolled, args(w, h, xs), tangents).second);
}

TEST(Scan, DerivativesByElementsCapturesAndCarriesThatPassThrough) {
  const auto running = [](const Array& xs) { return scan(accumulate, zeros({}, float64), xs).second; };
  expect_close(jacobian(running)(samples({4})), tril(ones({4, 4}, float64)));
  // x^4 by a branch within a loop.
  const auto power = [](const Array& x) {
    const auto step = [&](const Array& product, const Array& unused) {
      const auto yes = [](const Array& a, const Array& b) { return a * b; };
      const auto no = [](const Array& a, const Array&) { return a; };
      return std::pair{cond(product > 0, yes, no, product, x), unused};
    };
    return scan(step, ones({}, float64), zeros({4}, float64)).first;
  };
  EXPECT_EQ(grad(power)(array({3.0}, float64)[0]).item(), 108);
  // A carry that no result reads, and one that is the argument shifted on.
  const auto shifted = [](const Array& x) {
    const auto step = [&](const std::vector<Array>& carry, const Array& unused) {
      return std::pair{std::vector<Array>{carry[0] + carry[1], x - 1, carry[1]}, unused};
    };
    return scan(step, std::vector<Array>{x, x, zeros({}, float64)}, zeros({5}, float64)).first[2] * x;
  };
  EXPECT_EQ(grad(shifted)(array({3.0}, float64)[0]).item(), 5);  // (x - 1) x
}

TEST(Scan, PassesTheChecker) {
  const CheckReport report = check_gradients(scanned, samples({2}), samples({2}, 1), samples({3, 2}, 2));
  EXPECT_TRUE(report.passed()) << report.text();
}

TEST(Scan, UnderVmap) {
  const Array w = samples({3}), h = samples({4, 3}, 1), xs = samples({4, 5, 3}, 2);
  const auto each = [&](const auto& f) {
    std::vector<Array> out;
    for (int64_t i = 0; i < 4; ++i) out.push_back(f(w, h[i], xs[i]));
    return stack(out);
  };
  expect_close(vmap(scanned, {whole, 0, 0})(w, h, xs), each(unrolled));
  expect_close(vmap(grad<0>(scanned), {whole, 0, 0})(w, h, xs), each(grad<0>(unrolled)));
  // Only the weights are batched: the carry becomes batched on the way.
  const Array ws = samples({4, 3});
  std::vector<Array> out;
  for (int64_t i = 0; i < 4; ++i) out.push_back(unrolled(ws[i], h[0], xs[0]));
  expect_close(vmap(scanned, {0, whole, whole})(ws, h[0], xs[0]), stack(out));
}

TEST(Scan, DrawsAnewInEachStep) {
  const auto f = [](const Array& c, const Array& x) { return std::pair{c, x + random::normal({})}; };
  const std::vector<float> noise = scan(f, Array(0.0), zeros({3})).second.to_vector<float>();
  EXPECT_NE(noise[0], noise[1]);
  EXPECT_NE(noise[1], noise[2]);
}

TEST(Scan, InsideCheckpoint) {
  const Array w = samples({3}), h = samples({3}, 1), xs = samples({5, 3}, 2);
  const auto f = [&](const Array& w) { return checkpoint([&](const Array& w) { return scanned(w, h, xs); })(w); };
  expect_close(grad(f)(w), grad<0>(unrolled)(w, h, xs));
}

TEST(Scan, ALongLoopMakesFewPlans) {
  const Array w = samples({3}).astype(float32), h = samples({3}, 1).astype(float32);
  const auto run = [&](double scale) {
    return grad<0>(scanned)(w, h, (samples({400, 3}) * scale).astype(float32)).eval().to_vector<float>();
  };
  run(1);
  run(1.05);  // the first run also computes w and h
  reset_counters();
  run(1.1);
  EXPECT_EQ(counters().plans_made, 0);
}

TEST(Scan, Errors) {
  EXPECT_EQ(message_of([] { scan(accumulate, zeros({2}), zeros({5, 3, 2})); }),
            "scan: carry 0 is (2,) float32, the function returns (3, 2) float32 for it; they must be equal");
  EXPECT_EQ(message_of([] { scan(accumulate, zeros({2}), Array(1.0)); }), "scan: xs is (); it needs an axis 0 to loop over");
  EXPECT_EQ(message_of([] {
              scan([](const Array& c, const Array& x) { return x.item() > 0 ? std::pair{c, x} : std::pair{x, c}; }, zeros({}), zeros({3}));
            }),
            "scan: the value of an array () was asked for (item, data, printing, eval); inside scan arrays have no values yet");
}

TEST(Cond, RunsOneBranch) {
  const auto f = [](const Array& x) {
    return cond(
        sum(x) > 0, [](const Array& x) { return x * x; }, [](const Array& x) { return -x; }, x);
  };
  const Array x = array({1.0, 2.0}, float64);
  expect_values(f(x), {1, 4});
  expect_values(f(-x), {1, 2});
  const auto total = [&](const Array& x) { return sum(f(x)); };
  expect_values(grad(total)(x), {2, 4});
  expect_values(grad(total)(-x), {-1, -1});
  expect_values(jvp(f, x, ones_like(x)).second, {2, 4});
  expect_values(hessian(total)(x), {2, 0, 0, 2});
}

TEST(Cond, DifferentiatesByWhatItCaptures) {
  const Array x = samples({3});
  const auto f = [&](const Array& w, bool flag) {
    return sum(cond(Array(flag), [&](const Array& x) { return x * w; }, [&](const Array& x) { return x * w * w * 0.5; }, x));
  };
  const Array w = samples({3}, 1);
  expect_close(grad<0>(f)(w, true), x);
  expect_close(grad<0>(f)(w, false), x * w);
}

TEST(Cond, UnderVmapSelects) {
  const auto f = [](const Array& x) { return cond(x > 0, [](const Array& x) { return x * x; }, [](const Array& x) { return -x; }, x); };
  expect_values(vmap(f)(array({1.0, -2.0, 3.0}, float64)), {1, 2, 9});
  expect_values(vmap(grad(f))(array({1.0, -2.0, 3.0}, float64)), {2, -1, 6});
  const auto shared = [](const Array& p, const Array& x) {
    return cond(p, [](const Array& x) { return x * x; }, [](const Array& x) { return -x; }, x);
  };
  expect_values(vmap(shared, {whole, 0})(Array(true), array({1.0, -2.0}, float64)), {1, 4});
}

TEST(Cond, Errors) {
  const auto same = [](const Array& x) { return x; };
  const auto longer = [](const Array& x) { return concatenate({x, x}); };
  EXPECT_EQ(message_of([&] { cond(Array(true), same, longer, zeros({2})); }),
            "cond: for output 0 one function returns (2,) float32, the other (4,) float32; they must be equal");
  EXPECT_EQ(message_of([&] { cond(zeros({2}), same, same, zeros({2})); }), "cond: the predicate is (2,) float32; it must be a bool scalar");
}

// Newton's iteration for sqrt(a).
const auto newton = [](const Array& a) {
  return while_loop([&](const Array& x) { return abs(x * x - a) > 1e-12; }, [&](const Array& x) { return 0.5 * (x + a / x); },
                    ones_like(a));
};

TEST(WhileLoop, RunsUntilTheConditionFails) {
  EXPECT_NEAR(newton(array(2.0, float64)).item(), std::sqrt(2.0), 1e-12);
  const auto [count, value] = while_loop([](const auto& s) { return s.first < 5; },
                                         [](const auto& s) {
                                           return std::pair{s.first + 1, s.second * 2};
                                         },
                                         std::pair{Array(0), Array(1.0)});
  EXPECT_EQ(count.item<int>(), 5);
  EXPECT_EQ(value.item(), 32);
}

TEST(WhileLoop, ForwardMode) {
  EXPECT_NEAR(jvp(newton, array(2.0, float64), array(1.0, float64)).second.item(), 0.5 / std::sqrt(2.0), 1e-9);
  EXPECT_NE(message_of([] { grad(newton)(array(2.0, float64)); }).find("while_loop: it has no reverse mode"), std::string::npos);
}

TEST(WhileLoop, UnderVmapEachExampleStopsByItself) {
  expect_values(vmap(newton)(array({1.0, 4.0, 9.0}, float64)), {1, 2, 3}, 1e-9);
  const auto halvings = [](const Array& x) {
    return while_loop([](const auto& s) { return s.first > 1; }, [](const auto& s) { return std::pair{s.first / 2, s.second + 1}; },
                      std::pair{x, Array(0)}).second;
  };
  EXPECT_EQ(vmap(halvings)(array({1.0, 8.0, 100.0})).to_vector<int>(), (std::vector<int>{0, 3, 7}));
}

TEST(WhileLoop, DrawsAnewInEachStep) {
  const auto walk = while_loop([](const auto& s) { return s.first < 3; },
                               [](const auto& s) {
                                 return std::pair{s.first + 1, concatenate({s.second[slice(1, {})], expand_dims(random::normal({}), 0)})};
                               },
                               std::pair{Array(0), zeros({3})})
                        .second.template to_vector<float>();
  EXPECT_NE(walk[0], walk[1]);
  EXPECT_NE(walk[1], walk[2]);
}

TEST(Control, ACheckpointMayHoldALoop) {
  const auto squares = [](const Array& sum, const Array& x) { return std::pair{sum + x * x, sum * x}; };
  const auto f = [&](const Array& xs) {
    const auto result = scan(squares, zeros({}, float64), xs);
    return result.first + sum(result.second);
  };
  const Array xs = array({0.0, 1.0, 2.0, 3.0}, float64);
  EXPECT_EQ(f(xs).item(), 31);
  EXPECT_EQ(checkpoint(f)(xs).item(), 31);
  EXPECT_EQ(checkpoint(checkpoint(f))(xs).item(), 31);
  EXPECT_EQ(grad(checkpoint(f))(xs).to_vector<double>(), grad(f)(xs).to_vector<double>());
}

// Only a is asked for; it needs b of the step before, and b needs c.
TEST(Scan, CarriesThatOnlyOtherCarriesReadGoOn) {
  using Three = std::array<Array, 3>;
  const auto f = [](const Three& carry, const Array& x) {
    return std::pair{Three{carry[0] + carry[1], carry[1] + carry[2], carry[2] * 2 + x}, carry[0]};
  };
  const auto run = [&] { return scan(f, Three{zeros({}, float64), zeros({}, float64), ones({}, float64)}, zeros({6}, float64)); };
  const Array last = run().first[0];  // the others are dropped
  double a = 0, b = 0, c = 1;
  std::vector<double> as;
  for (int t = 0; t < 6; ++t) {
    as.push_back(a);
    a += b;
    b += c;
    c *= 2;
  }
  EXPECT_EQ(last.item(), a);
  expect_values(run().second, as);
}

TEST(WhileLoop, TangentsUnderVmapAreThoseOfALoop) {
  const auto f = [](const Array& x, const Array& rate) {
    const auto grow = [&](const std::pair<Array, Array>& carry) { return std::pair{carry.first * rate + 0.1, carry.second + 1}; };
    return while_loop([](const std::pair<Array, Array>& carry) { return carry.first < 5; }, grow, std::pair{x, zeros({}, float64)}).first;
  };
  const Array xs = array({0.5, 1.5, 4.0, 7.0}), ts = array({1.0, -2.0, 0.5, 3.0}), rates = array({1.5, 2.0, 1.25, 3.0}),
              dr = array({0.2, 0.3, -0.4, 0.5});
  const auto one = [&](const Array& x, const Array& t, const Array& r, const Array& d) {
    const auto [y, dy] = jvp(f, args(x, r), args(t, d));
    return std::pair{y, dy};
  };
  const auto [y, dy] = vmap(one)(xs, ts, rates, dr);
  for (int64_t i = 0; i < 4; ++i) {
    double value = xs[i].item(), tangent = ts[i].item();
    const double rate = rates[i].item(), change = dr[i].item();
    while (value < 5) {
      tangent = tangent * rate + value * change;
      value = value * rate + 0.1;
    }
    EXPECT_NEAR(y[i].item(), value, 1e-4);
    EXPECT_NEAR(dy[i].item(), tangent, 1e-4);
    EXPECT_NEAR(one(xs[i], ts[i], rates[i], dr[i]).second.item(), tangent, 1e-4);
  }
  const auto batched = [&](const Array& x, const Array& rate) { return vmap(f)(x, rate); };
  expect_close(jvp(batched, args(xs, rates), args(ts, dr)).second, dy, 1e-5);
  // Shared: the rate is the same for all.
  const auto shared = vmap([&](const Array& x, const Array& t) { return one(x, t, rates[0], dr[0]).second; })(xs, ts);
  for (int64_t i = 0; i < 4; ++i) EXPECT_NEAR(shared[i].item(), one(xs[i], ts[i], rates[0], dr[0]).second.item(), 1e-5);
}

}  // namespace
}  // namespace gradus
