// Loops whose body is planned once: wherever carries lie from step to step, the numbers are those of the loop written out.
#include <functional>
#include <tuple>

#include "gradus/graph/evaluate.hpp"
#include "gradus/ops/conv.hpp"
#include "gradus/ops/equality.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/transform/control.hpp"
#include "gradus/transform/grad.hpp"
#include "support.hpp"

namespace gradus {
namespace {

using Arrays = std::vector<Array>;
using Step = std::function<std::pair<Arrays, Arrays>(const Arrays& carry, const Arrays& x)>;

// Scan beside the same step by step, to the bit; once more op by op.
void expect_like_unrolled(const Step& step, const Arrays& init, const Arrays& xs, bool is_reversed = false) {
  const int64_t length = xs[0].shape(0);
  Arrays carry = init;
  std::vector<Arrays> ys(static_cast<size_t>(length));
  for (int64_t i = 0; i < length; ++i) {
    const int64_t t = is_reversed ? length - 1 - i : i;
    Arrays x;
    for (const Array& each : xs) x.push_back(each[t]);
    auto [next, y] = step(carry, x);
    carry = std::move(next);
    ys[static_cast<size_t>(t)] = std::move(y);
  }
  Arrays stacked;
  for (size_t k = 0; length > 0 && k < ys[0].size(); ++k) {
    Arrays all;
    for (const Arrays& each : ys) all.push_back(each[k]);
    stacked.push_back(stack(all));
  }
  for (const bool op_by_op : {false, true}) {
    set_op_by_op(op_by_op);
    const auto [last, seen] = scan(step, init, xs, {.reverse = is_reversed});
    Arrays found = last;
    found.insert(found.end(), seen.begin(), seen.end());
    evaluate(found);
    set_op_by_op(false);
    for (size_t i = 0; i < last.size(); ++i)
      EXPECT_TRUE(array_equal(last[i], carry[i])) << "carry " << i << "\n" << to_text(last[i]) << to_text(carry[i]);
    for (size_t k = 0; k < stacked.size(); ++k) EXPECT_TRUE(array_equal(seen[k], stacked[k])) << "y " << k;
    // Each by itself: the others are not asked for.
    for (size_t i = 0; i < last.size(); ++i) {
      const Array alone = scan(step, init, xs, {.reverse = is_reversed}).first[i];
      EXPECT_TRUE(array_equal(alone, carry[i])) << "carry " << i << " alone";
    }
    for (size_t k = 0; k < stacked.size(); ++k) {
      const Array alone = scan(step, init, xs, {.reverse = is_reversed}).second[k];
      EXPECT_TRUE(array_equal(alone, stacked[k])) << "y " << k << " alone";
    }
  }
}

Arrays some(size_t count, const Shape& shape) {
  Arrays out;
  for (size_t i = 0; i < count; ++i) out.push_back(samples(shape, static_cast<double>(i)));
  return out;
}

TEST(LoopRun, CarriesThatChangePlaces) {
  for (const int64_t length : {1, 2, 5, 6, 130}) {
    const Arrays xs{samples({length, 3})};
    // Fibonacci's, a swap, and a ring in which one is changed.
    expect_like_unrolled(
        [](const Arrays& c, const Arrays& x) {
          return std::pair{Arrays{c[1], c[0] * 0.5 + c[1] * 0.5}, Arrays{x[0]}};
        },
        some(2, {3}), xs);
    expect_like_unrolled([](const Arrays& c, const Arrays&) { return std::pair{Arrays{c[1], c[0]}, Arrays{}}; }, some(2, {3}), xs);
    expect_like_unrolled(
        [](const Arrays& c, const Arrays& x) {
          return std::pair{Arrays{c[1], c[2], c[0] + x[0]}, Arrays{c[0] - x[0]}};
        },
        some(3, {3}), xs);
    expect_like_unrolled(
        [](const Arrays& c, const Arrays&) {
          return std::pair{Arrays{c[1], c[1], c[1] * 0.5}, Arrays{c[2]}};
        },
        some(3, {3}), xs);
    expect_like_unrolled(
        [](const Arrays& c, const Arrays& x) {
          return std::pair{Arrays{c[0], x[0], x[0] + c[1]}, Arrays{c[1], c[1]}};
        },
        some(3, {3}), xs, true);
  }
}

TEST(LoopRun, CarriesOfSeveralSizesChangePlacesAmongTheirOwn) {
  const Arrays init{samples({3}), samples({2, 2}), samples({3}, 1), samples({2, 2}, 2)};
  expect_like_unrolled(
      [](const Arrays& c, const Arrays& x) {
        return std::pair{Arrays{c[2], c[3] * x[0], c[0] + c[2], c[1]}, Arrays{sum(c[1]) + c[0]}};
      },
      init, {samples({7})});
}

TEST(LoopRun, CarriesThatAreStackedToo) {
  // As they come in, as they go out, both, twice.
  const auto step = [](const Arrays& c, const Arrays& x) {
    const Array a = tanh(c[0] + x[0]), b = c[1] * 0.5;
    return std::pair{Arrays{a, b}, Arrays{c[0], a, b, a, b + a, c[0], c[1] * x[0]}};
  };
  expect_like_unrolled(step, some(2, {4}), {samples({9, 4})});
  expect_like_unrolled(step, some(2, {4}), {samples({9, 4})}, true);
  expect_like_unrolled([](const Arrays& c, const Arrays&) { return std::pair{Arrays{c[0]}, Arrays{c[0]}}; }, some(1, {5}), {samples({3})});
  expect_like_unrolled(
      [](const Arrays& c, const Arrays& x) {
        const Array next = c[0] * 0.5 + x[0];
        return std::pair{Arrays{next, next}, Arrays{next}};
      },
      some(2, {}), {samples({70})});
}

TEST(LoopRun, ResultsThatAreViews) {
  const auto step = [](const Arrays& c, const Arrays& x) {
    const Array next = matmul(c[0], c[0]) * 0.3 + x[0];
    return std::pair{Arrays{transpose(next), transpose(c[1]), flip(c[2], 0)},
                     Arrays{transpose(next), c[0][1], next[{slice(), 0}], transpose(c[0]), reshape(next, {-1}), broadcast_to(x[0], {2, 3}),
                            broadcast_to(next[0], {2, 3})}};
  };
  expect_like_unrolled(step, some(3, {3, 3}), {samples({6})});
}

// Convolutions read packed copies of weights that stay, and only of those.
TEST(LoopRun, WeightsThatStayAndWeightsThatMove) {
  random::seed(1);
  const Shape weights{5, 5, 32, 32};
  const auto drawn = [](const Shape& shape) { return (random::normal(shape) * 0.03).eval(); };
  const Array stays = drawn(weights);
  const Arrays xs{drawn({4, 5, 5, 32, 32})}, init{drawn({2, 8, 8, 32}), drawn(weights)};
  const auto step = [=](const Arrays& c, const Arrays& x) {
    const auto convolved = [&](const Array& w) { return conv2d(c[0], w, {.padding = same}); };
    return std::pair{Arrays{convolved(stays) + convolved(x[0]) + convolved(c[1]), c[1] * 0.9 + x[0]}, Arrays{matmul(c[0], stays[{0, 0}])}};
  };
  expect_like_unrolled(step, init, xs);
  expect_like_unrolled(step, init, xs, true);
}

TEST(LoopRun, WhatIsTheSameInAllSteps) {
  const Array captured = samples({2, 3}), strided = transpose(samples({3, 2}));
  const auto step = [=](const Arrays& c, const Arrays& x) {
    return std::pair{Arrays{c[0] + captured, captured + 0, strided}, Arrays{captured, strided, strided * x[0], x[0], ones({2}), c[1]}};
  };
  expect_like_unrolled(step, {samples({2, 3}, 1), samples({2, 3}, 2), captured}, {samples({4})});
}

TEST(LoopRun, ElementsOfStridedArrays) {
  const Array whole = samples({4, 3, 5});
  const auto step = [](const Arrays& c, const Arrays& x) { return std::pair{Arrays{c[0] + x[0]}, Arrays{x[0], x[1], c[0] * x[0] + x[1]}}; };
  const Arrays xs{transpose(whole, {2, 0, 1}), broadcast_to(samples({4, 3}), {5, 4, 3})};
  expect_like_unrolled(step, some(1, {4, 3}), xs);
  expect_like_unrolled(step, some(1, {4, 3}), {flip(xs[0], 0), xs[1]}, true);
}

TEST(LoopRun, EmptyArraysAndDtypesOfAllSizes) {
  const auto step = [](const Arrays& c, const Arrays& x) {
    return std::pair{Arrays{c[0] + x[0], !c[1], c[2] + 1}, Arrays{c[1], c[0], c[2]}};
  };
  expect_like_unrolled(step, {zeros({0, 2}), array({true, false}), array({7}, uint8)}, {zeros({5, 0, 2})});
  expect_like_unrolled(step, {samples({3}).astype(float16), array({true, false, true}), array({7}, int32)},
                       {samples({5, 3}).astype(float16)});
}

TEST(LoopRun, ACarryThatNobodyElseReadsIsChangedInPlace) {
  const auto grow = [](const Array& c, const Array& x) { return std::pair{c * 0.5 + x, Array(0.0)}; };
  const Array start = ones({10000}).eval(), xs = arange(1000).astype(float32).eval();
  const auto run = [&] { return scan(grow, start, xs).first.eval(); };
  EXPECT_NEAR(run()[1].item(), 1996, 1e-3);  // 999 + 998 / 2 + 997 / 4 + ...
  EXPECT_EQ(max(abs(start - 1)).item(), 0) << "the array given is left alone";
  reset_counters();
  run();
  EXPECT_GE(counters().in_place_updates, 1000);
}

TEST(LoopRun, IsPlannedOnceAndLookedUpOnce) {
  const Array w = samples({3}).astype(float32).eval();
  const auto run = [&](int64_t length, double scale) {
    return scan(
               [&](const Array& h, const Array& x) {
                 return std::pair{tanh(w * h + x), h};
               },
               zeros({3}), (full({length, 3}, scale)).eval())
        .second.eval();
  };
  run(500, 1);
  reset_counters();
  run(500, 2);
  EXPECT_EQ(counters().plans_made, 0);
  EXPECT_LE(counters().plan_hits, 3);
  EXPECT_GE(counters().kernels_run, 500);
}

TEST(LoopRun, AFailureInAStepIsReportedAndLeavesTheArraysAsTheyWere) {
  const Array table = samples({4}), start = samples({4}, 1).eval(), kept = start + 0;
  evaluate({kept});
  const auto pick = [&](const Array& c, const Array& i) {
    const Array next = c + take(table, i, 0);
    return std::pair{next, next};
  };
  const auto run = [&](const std::vector<int64_t>& places) { return scan(pick, start, array(places)).first.eval(); };
  EXPECT_EQ(message_of([&] { run({0, 1, 9, 2}); }), "take: index out of range: element 0 is 9; it must be at most 3");
  EXPECT_TRUE(array_equal(start, kept));
  expect_close(run({0, 1}), start + table[0] + table[1]);
}

TEST(LoopRun, ANanIsFoundInAStep) {
  set_check_nan(true);
  const std::string message = message_of([] {
    scan([](const Array& c, const Array& x) { return std::pair{log(c) + x, c}; }, ones({2}), zeros({4})).first.eval();
  });
  set_check_nan(false);
  EXPECT_EQ(message.substr(0, 4), "log:");
}

TEST(LoopRun, LoopsInsideLoops) {
  const auto inner = [](const Array& c, const Array& x) { return std::pair{c + x, c * x}; };
  const auto outer = [&](const Array& c, const Array& row) {
    const auto [last, ys] = scan(inner, c, row);
    return std::pair{last * 0.5, sum(ys)};
  };
  const Array xs = samples({4, 3});
  const auto f = [&](const Array& xs) {
    const auto [last, ys] = scan(outer, zeros({}, float64), xs);
    return last + sum(ys);
  };
  double c = 0, total = 0;
  const std::vector<double> x = xs.to_vector<double>();
  for (size_t i = 0; i < 4; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      total += c * x[i * 3 + j];
      c += x[i * 3 + j];
    }
    c *= 0.5;
  }
  EXPECT_NEAR(f(xs).item(), c + total, 1e-12);
  const Array slopes = grad(f)(xs), at = reshape(one_hot(array(5), 12), {4, 3}).astype(float64);
  EXPECT_NEAR((slopes[{1, 2}].item()), (f(xs + 1e-6 * at).item() - f(xs - 1e-6 * at).item()) / 2e-6, 1e-8);
}

TEST(LoopRun, WhileLoopsWithConditionsOfAllKinds) {
  using Pair = std::pair<Array, Array>;
  // A flag among the carries, one that goes on as it is, one that takes another's place.
  const auto halved = while_loop([](const Pair& c) { return c.first; },
                                 [](const Pair& c) {
                                   return Pair{c.second > 4, c.second / 2};
                                 },
                                 Pair{Array(true), Array(100.0)});
  EXPECT_EQ(halved.second.item(), 1.5625);
  const auto none = while_loop([](const Pair&) { return Array(false); },
                               [](const Pair& c) {
                                 return Pair{c.second, c.first};
                               },
                               Pair{Array(1.0), Array(2.0)});
  EXPECT_EQ(none.first.item(), 1);
  const Array go = array(true), stop = array(false);
  const auto captured = while_loop([&](const Array&) { return stop & go; }, [](const Array& c) { return c + 1; }, Array(3.0));
  EXPECT_EQ(captured.item(), 3);
  const auto [a, b, n] = while_loop([](const auto& c) { return std::get<2>(c) < 101; },
                                    [](const auto& c) {
                                      return std::tuple{std::get<1>(c), std::get<0>(c), std::get<2>(c) + 1};
                                    },
                                    std::tuple{samples({3}), samples({3}, 1), Array(0)});
  EXPECT_TRUE(array_equal(a, samples({3}, 1)));
  EXPECT_TRUE(array_equal(b, samples({3})));
  EXPECT_EQ(n.item<int>(), 101);
}

}  // namespace
}  // namespace gradus
