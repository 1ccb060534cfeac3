// The evaluator's promises: what is kept, what is reused, what a failure leaves behind.
#include <gtest/gtest.h>

#include <cmath>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/pending.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/plan/settings.hpp"

namespace gradus {

using namespace core;
namespace {

using Floats = std::vector<float>;

TEST(Evaluate, AChainIsOneKernel) {
  const Array a = array({1.0, 2.0, 3.0}), b = array({4.0, 5.0, 6.0});
  reset_counters();
  const Array c = (a * b + a) * 0.5 + b;
  EXPECT_EQ(c.to_vector<float>(), (Floats{6.5f, 11, 16.5f}));
  EXPECT_EQ(counters().kernels_run, 1);
}

TEST(Evaluate, AnEqualGraphFindsItsPlanWhateverItsNumbers) {
  const Array x = array({1.0, 2.0});
  (x * 3 + 1).eval();
  reset_counters();
  EXPECT_EQ((x * 5 + 2).to_vector<float>(), (Floats{7, 12}));
  EXPECT_EQ(counters().plans_made, 0);
  EXPECT_EQ(counters().plan_hits, 1);
}

TEST(Evaluate, SquareAndProductOfTwoArraysHaveDifferentPlans) {
  const Array a = array({2.0, 3.0}), b = array({5.0, 7.0});
  EXPECT_EQ((a * a).to_vector<float>(), (Floats{4, 9}));
  EXPECT_EQ((a * b).to_vector<float>(), (Floats{10, 21}));
}

TEST(Evaluate, AHeldIntermediateIsComputedOnce) {
  const Array a = full({4, 4}, 2.0), b = full({4, 4}, 3.0);
  const Array product = matmul(a, b);
  const Array loss = sum(product);
  reset_counters();
  EXPECT_EQ(loss.item(), 384);
  EXPECT_EQ(product.to_vector<float>()[0], 24);
  EXPECT_EQ(counters().products_run, 1);
}

TEST(Evaluate, AValueThatFeedsAPendingArrayIsKept) {
  const Array a = full({4, 4}, 2.0);
  Array product = matmul(a, a);
  const Array loss = sum(product);
  const Array later = product * 2;
  product = Array();
  reset_counters();
  loss.item();
  later.eval();
  EXPECT_EQ(counters().products_run, 1);
}

TEST(Evaluate, ALoopOfUpdatesMakesFewPlansAndWorksInPlace) {
  Array w = full({64, 64}, 1.0).eval();
  (w * 0.5).eval();
  reset_counters();
  for (int i = 0; i < 100; ++i) {
    w -= 0.01 * w;
    w.eval();
  }
  EXPECT_LE(counters().plans_made, 2);
  EXPECT_GE(counters().in_place_updates, 98);
}

TEST(Evaluate, ACopyOfAHandleKeepsItsValueWhenTheOtherIsUpdated) {
  Array w = full({8}, 1.0).eval();
  const Array before = w;
  w -= 0.5;
  w.eval();
  EXPECT_EQ(before.to_vector<float>()[0], 1.0f);
  EXPECT_EQ(w.to_vector<float>()[0], 0.5f);
}

TEST(Evaluate, AViewKeepsItsValueWhenItsSourceIsUpdated) {
  Array w = full({8}, 1.0).eval();
  w = w + 0;
  w.eval();
  const Array part = w[slice(0, 4)];
  w -= 0.5;
  w.eval();
  EXPECT_EQ(part.to_vector<float>()[3], 1.0f);
}

TEST(Evaluate, SlicesOfAComputedArrayShareOnePlan) {
  const Array x = arange(64, float32).eval();
  sum(x[slice(0, 8)] * 2).item();
  reset_counters();
  for (int i = 1; i < 8; ++i) EXPECT_EQ(sum(x[slice(8 * i, 8 * (i + 1))] * 2).item(), 2 * (8 * 8 * i + 28));
  EXPECT_EQ(counters().plans_made, 0);
}

TEST(Evaluate, OpByOpGivesTheSameBits) {
  const Array a = linspace(-3, 3, 1000), b = linspace(0.1, 5, 1000);
  const auto graph = [&] { return sum(tanh(a * b + a) * 0.5 + exp(-square(b)) / (a + 4)); };
  const double planned = graph().item();
  set_op_by_op(true);
  const double plain = graph().item();
  set_op_by_op(false);
  EXPECT_EQ(planned, plain);
}

TEST(Evaluate, TheFirstNanIsNamed) {
  set_check_nan(true);
  const Array x = array({1.0, -1.0});
  try {
    sum(log(x) + 1).item();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.place(), "log");
  }
  set_check_nan(false);
}

TEST(Evaluate, ARefusedAllocationLeavesEverythingPendingAndEvaluable) {
  const Array x = full({1000}, 2.0);
  const Array y = exp(x) + matmul(reshape(x, {1, 1000}), reshape(x, {1000, 1}));
  for (int64_t at = 1;; ++at) {
    fail_allocation_after(at);
    try {
      y.eval();
      fail_allocation_after(0);
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), Error::Kind::memory);
    }
    ASSERT_LT(at, 20);
  }
  EXPECT_NEAR(y.to_vector<float>()[0], std::exp(2.0) + 4000, 1e-2);
}

TEST(Evaluate, AMillionNodesInAChain) {
  set_pending_bound(0, 0);
  Array x = array({0.0});
  for (int i = 0; i < 1'000'000; ++i) x = x + 1;
  EXPECT_EQ(x.item(), 1e6);
  for (int i = 0; i < 1'000'000; ++i) x = x + 1;
  x = Array();  // destroyed without being computed
  set_pending_bound(20'000, int64_t{2} << 30);
}

TEST(Evaluate, ALoopThatNeverEvaluatesStaysBounded) {
  Array total = array({0.0});
  for (int i = 0; i < 100'000; ++i) total += 1.0;
  EXPECT_EQ(total.item(), 1e5);
}

// Where nobody but the graph holds w: an update may write over it, but not before everything that can fail has run.
Array dying_update(const Array& w) { return w - 0.5 * w; }

TEST(Evaluate, AFailureBehindAnUpdateLeavesTheOldValue) {
  Array w = (zeros({8}) + 1).eval();
  const Array next = dying_update(w), picked = take(array({1.0, 2.0, 3.0}), array({0, 7}));  // recorded last
  w = Array();
  for (int attempt = 0; attempt < 2; ++attempt) EXPECT_THROW(evaluate({next, picked}), Error);
  EXPECT_EQ(next.to_vector<float>(), Floats(8, 0.5f));
}

TEST(Evaluate, AnUpdateThatAFailingOpReadsIsNotInPlace) {
  Array w = (zeros({8}) + 1).eval();
  const Array next = dying_update(w), picked = take(next, array({0, 9}));
  w = Array();
  for (int attempt = 0; attempt < 2; ++attempt) EXPECT_THROW(evaluate({next, picked}), Error);
  EXPECT_EQ(next.to_vector<float>(), Floats(8, 0.5f));
}

TEST(Evaluate, AnUpdateThatMayItselfFailIsNotInPlace) {
  Array w = (zeros({8}) + 1).eval();
  const Array held = index_copy(w, array({0, 9}), array({5.0, 6.0}), 0);
  w = Array();
  for (int attempt = 0; attempt < 2; ++attempt) EXPECT_THROW(held.eval(), Error);
  reset_counters();
  Array table = (zeros({8}) + 1).eval();
  const Array next = index_copy(table, array({0, 7}), array({5.0, 6.0}), 0);
  table = Array();
  EXPECT_EQ(next.to_vector<float>(), (Floats{5, 1, 1, 1, 1, 1, 1, 6}));
  EXPECT_EQ(counters().in_place_updates, 0);
}

TEST(Evaluate, ThePlanUsedLeastRecentlyGoesFirst) {
  const Array x = array({1.0, 2.0, 3.0});
  const auto run = [&](int which) { (which == 0 ? exp(x) : which == 1 ? sin(x) : cos(x)).eval(); };
  const auto plans_made = [&](int which) {
    reset_counters();
    run(which);
    return counters().plans_made;
  };
  clear_plans();
  run(0);
  set_plan_cache_bytes(2 * counters().cached_plan_bytes);  // two plans of this size
  run(1);
  EXPECT_EQ(plans_made(0), 0);  // used again: now 1 is the oldest
  EXPECT_EQ(plans_made(2), 1);
  EXPECT_EQ(counters().cached_plans, 2);
  EXPECT_EQ(plans_made(0), 0);
  EXPECT_EQ(plans_made(1), 1);
  set_plan_cache_bytes(int64_t{256} << 20);
}

TEST(Evaluate, FortyOutputsAreKeptOneByOne) {
  const Array x = array({1.0, 2.0});
  for (int round = 0; round < 2; ++round) {
    for (const size_t held : {size_t{0}, size_t{3}, size_t{39}}) {
      std::vector<Array> outputs = apply_all(barrier_op, std::vector<Array>(40, exp(x)));
      const Array kept = outputs[held], last = outputs[38];
      outputs.clear();
      last.eval();
      EXPECT_EQ(kept.to_vector<float>(), exp(x).to_vector<float>());
    }
  }
}

// ---- programs larger than one can be ----

template <class F>
void expect_same_op_by_op(const F& make) {
  const std::vector<float> planned = make().template to_vector<float>();
  set_op_by_op(true);
  const std::vector<float> plain = make().template to_vector<float>();
  set_op_by_op(false);
  EXPECT_EQ(planned, plain);
}

TEST(LargePrograms, OfNumbersAloneAreCut) {
  expect_same_op_by_op([] {
    Array y = full({4}, 1.0);
    for (int i = 0; i < 60; ++i) y = y + (Array(1.0) / 3.0) * 2.0;
    return y;
  });
  EXPECT_NEAR([] {
    Array y = full({4}, 1.0);
    for (int i = 0; i < 11; ++i) y = y + (Array(1.0) / 3.0) * 2.0;
    return y.to_vector<float>()[0];
  }(), 8.3333333, 1e-5);
}

TEST(LargePrograms, OfOneOpOnThreeLongExpressionsRun) {
  const auto expression = [](double first) {
    Array y = first;
    for (int i = 0; i < 8; ++i) y = where(y < 0.1 * i, Array(0.5) * i, y);
    return y;
  };
  expect_same_op_by_op([&] { return where(expression(0.3) < 2, expression(0.4), expression(0.5)) + full({3}, 1.0); });
  expect_same_op_by_op([&] { return clip(full({3}, 1.0), expression(0.4), expression(5)) * expression(0.5); });
}

TEST(LargePrograms, OfSixtyFourTermsAreCut) {
  std::vector<Array> y;
  for (int t = 0; t < 64; ++t) y.push_back((full({6}, 0.01 * t) + 1).eval());
  const auto sum_of = [&](bool is_held) {
    std::vector<Array> held;
    Array total = 0.0;
    for (int t = 0; t < 64; ++t) {
      held.push_back(square(y[static_cast<size_t>(t)] * (0.1 * t) - 0.5));
      total = total + held.back() / (1.0 + t);
    }
    if (!is_held) held.clear();
    return total.eval();
  };
  expect_same_op_by_op([&] { return sum_of(false); });
  expect_same_op_by_op([&] { return sum_of(true); });
}

TEST(LargePrograms, OfAMixtureOfTwentyComponentsAreCut) {
  const Array x = linspace(-3, 3, 50);
  expect_same_op_by_op([&] {
    Array density = 0.0;
    for (int k = 0; k < 20; ++k) {
      const Array mean = 0.3 * k - 3, deviation = 0.5 + 0.02 * k;
      density = density + exp(-0.5 * square((x - mean) / deviation)) / (deviation * std::sqrt(2 * 3.14159)) * (Array(1.0) / 20);
    }
    return log(density);
  });
}

}  // namespace
}  // namespace gradus
