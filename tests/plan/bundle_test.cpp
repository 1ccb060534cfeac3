// Neighbours that share a loop: which may, and that nobody overwrites what another still reads.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "gradus/plan/explain.hpp"
#include "tests/plan/op_by_op.hpp"

namespace gradus {
namespace {

Array draw(const Shape& shape, int64_t key) { return random::normal(random::key(key), shape).eval(); }

int64_t loops_of(std::initializer_list<Array> arrays) {
  reset_counters();
  evaluate(arrays);
  return counters().loops_run;
}

// Of other shapes, so that they are no one pass over memory.
TEST(Bundle, PassesThatNeedNothingOfOneAnotherAreOneLoop) {
  const Array x = draw({300, 1000}, 1), y = draw({400, 1000}, 2), z = draw({500, 1000}, 3);
  const Array a = exp(x) + 1, b = tanh(y) * 2, c = sin(z) - 1;
  EXPECT_NE(explain_plan({a, b, c}).find("(3 steps in one loop)"), std::string::npos) << explain_plan({a, b, c});
  EXPECT_EQ(loops_of({a, b, c}), 1);
  const OpByOp plain;
  EXPECT_EQ(a.to_vector<float>(), (exp(x) + 1).to_vector<float>());
  EXPECT_EQ(b.to_vector<float>(), (tanh(y) * 2).to_vector<float>());
  EXPECT_EQ(c.to_vector<float>(), (sin(z) - 1).to_vector<float>());
}

TEST(Bundle, WhatReadsANeighboursResultComesAfterIt) {
  const Array x = draw({300, 1000}, 1);
  const auto make = [&] { return exp(reshape(tanh(x), {1000, 300})) + 1; };
  EXPECT_EQ(make().to_vector<float>(), [&] {
    const OpByOp plain;
    return make().to_vector<float>();
  }());
}

// The sums die in the two passes; one could write over them while the other reads.
TEST(Bundle, NobodyWritesOverWhatANeighbourReads) {
  const Array p = draw({300'000}, 1), y = draw({2, 300'000}, 2);
  const auto make = [&] {
    const Array x = cumsum(p), u = exp(x * 0.001), v = tanh(y + x);
    return concatenate({reshape(u, {1, 300'000}), v}, 0);
  };
  EXPECT_NE(explain_plan({make()}).find("(2 steps in one loop)"), std::string::npos) << explain_plan({make()});
  for (int i = 0; i < 20; ++i) {
    const std::vector<float> planned = make().to_vector<float>();
    const OpByOp plain;
    ASSERT_EQ(planned, make().to_vector<float>());
  }
}

// A parameter is updated in place while a neighbour reads its old value, in another shape.
TEST(Bundle, NobodyUpdatesWhatANeighbourReads) {
  const Array gradient = draw({500, 600}, 2);
  for (int i = 0; i < 20; ++i) {
    Array w = draw({500, 600}, 1);
    const std::vector<float> old = w.to_vector<float>();
    Array twice = reshape(w, {600, 500}) * 2;
    w = w - 0.5 * gradient;
    evaluate({twice, w});
    const std::vector<float> got = twice.to_vector<float>(), moved = w.to_vector<float>(), slope = gradient.to_vector<float>();
    for (size_t k = 0; k < old.size(); ++k) {
      ASSERT_EQ(got[k], old[k] * 2);
      ASSERT_EQ(moved[k], old[k] - 0.5f * slope[k]);
    }
  }
}

// The second update writes over what the first one reads.
TEST(Bundle, UpdatesThatReadOneAnothersParameters) {
  const Array slope = draw({300'000}, 3);
  for (int i = 0; i < 20; ++i) {
    Array a = draw({2, 300'000}, 1), b = draw({300'000}, 2);
    const std::vector<float> old_a = a.to_vector<float>(), old_b = b.to_vector<float>(), moved_by = slope.to_vector<float>();
    a = a - 0.5 * b;
    b = b - 0.25 * slope;
    evaluate({a, b});
    const std::vector<float> new_a = a.to_vector<float>(), new_b = b.to_vector<float>();
    for (size_t k = 0; k < old_a.size(); ++k) ASSERT_EQ(new_a[k], old_a[k] - 0.5f * old_b[k % 300'000]);
    for (size_t k = 0; k < old_b.size(); ++k) ASSERT_EQ(new_b[k], old_b[k] - 0.25f * moved_by[k]);
  }
}

TEST(Bundle, UpdatesOfSeveralParametersAreOneLoopInPlace) {
  Array a = draw({300, 1000}, 1), b = draw({7}, 2), c = draw({500, 1000}, 3);
  const Array slope_a = draw({300, 1000}, 4), slope_b = draw({7}, 5), slope_c = draw({500, 1000}, 6);
  const std::vector<float> old = c.to_vector<float>();
  a = a - 0.5 * slope_a;
  b = b - 0.5 * slope_b;
  c = c - 0.5 * slope_c;
  EXPECT_EQ(loops_of({a, b, c}), 1);
  EXPECT_EQ(counters().in_place_updates, 3);
  EXPECT_EQ(counters().kernels_run, 1);
  EXPECT_EQ(c.to_vector<float>()[123'456], old[123'456] - 0.5f * slope_c.to_vector<float>()[123'456]);
}

}  // namespace
}  // namespace gradus
