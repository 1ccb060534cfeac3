// The evaluator's promises: what is kept, what is reused, what a failure leaves behind (CORE.md 1, 2, 4).
#include <gtest/gtest.h>

#include <cmath>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/graph/pending.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/plan/settings.hpp"

namespace gradus {
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

}  // namespace
}  // namespace gradus
