// Sums of arrays that are zero outside a part, and the gradients that are made of them.
#include "gradus/ops/part_sums.hpp"

#include <gtest/gtest.h>

#include "gradus/gradus.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/plan/settings.hpp"

namespace {

using namespace gradus;
using namespace gradus::core;
using Values = std::vector<float>;

Values values(const Array& x) { return x.astype(float32).to_vector<float>(); }
int64_t count_of(const Array& root, std::string_view op) {
  int64_t count = 0;
  for (const Node* node : ancestors({&root, 1})) count += node->op().name == op;
  return count;
}

// The gradient of f, unevaluated.
template <class F>
Array gradient(const F& f, const Array& x) {
  auto [y, pullback] = vjp(f, x);
  return pullback(ones(y.shape(), y.dtype()));
}

TEST(PartSums, the_gradient_of_many_slices_is_one_buffer_written_once) {
  const auto f = [](const Array& x) {
    Array h = zeros(3);
    for (const Array& part : unstack(x)) h = tanh(part + h);
    return sum(h);
  };
  const Array x = random::uniform(random::key(1), {50, 3}).eval(), dx = gradient(f, x);
  EXPECT_EQ(count_of(dx, "sum_windows"), 1);
  EXPECT_EQ(count_of(dx, "slice_update"), 0);
}

TEST(PartSums, a_slice_of_a_slice_is_recorded_as_one) {
  const Array x = array({0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0}) * 1,
              part = x[slice(1, 9, 2)][slice({}, {}, -1)][slice(0, 3, 2)];
  EXPECT_EQ(count_of(part, "slice"), 1);
  EXPECT_EQ(values(part), (Values{7, 3}));
  EXPECT_EQ(values((x * 1)[slice(2, 8)][slice(3, 3)]), Values{});
  const Array rows = (reshape(x, {5, 2}) * 1)[slice(4, {}, -2)];
  EXPECT_EQ(values(rows[1]), (Values{4, 5}));
}

TEST(PartSums, windows_that_meet_a_long_one_behind_a_short_one_are_added) {
  const Array x = zeros({4, 12});
  const auto f = [](const Array& a) {
    return sum(a[{slice(), slice(0, 10)}] * 1) + sum(a[{slice(), slice(1, 3)}] * 2) + sum(a[{slice(), slice(5, 7)}] * 4) +
           sum(a[{slice(), slice(9, 12)}] * 8);
  };
  const Values row{1, 3, 3, 1, 1, 5, 5, 1, 1, 9, 8, 8};
  Values want;
  for (int i = 0; i < 4; ++i) want.insert(want.end(), row.begin(), row.end());
  const Array dx = gradient(f, x);
  EXPECT_EQ(count_of(dx, "sum_windows"), 1);
  EXPECT_EQ(values(dx), want);
  const auto g = [](const Array& a) {
    return sum(a[slice(0, 10)] * 1) + sum(a[slice(1, 3)] * 2) + sum(a[slice(5, 7)] * 4) + sum(a[slice(9, 12)] * 8);
  };
  EXPECT_EQ(values(gradient(g, zeros({12}))), row);
}

TEST(PartSums, windows_that_are_apart_on_one_axis_each_but_not_all_are_added) {
  // The first lies beside the second and over the third; the third begins behind the second.
  const auto f = [](const Array& a) {
    return sum(a[{slice(0, 10), slice(0, 2)}] * 1) + sum(a[{slice(1, 3), slice(2, 4)}] * 2) + sum(a[{slice(5, 7), slice(1, 3)}] * 4);
  };
  Values want(40);
  for (int i = 0; i < 10; ++i) {
    for (int j = 0; j < 4; ++j)
      want[static_cast<size_t>(4 * i + j)] =
          static_cast<float>((j < 2) + 2 * (i >= 1 && i < 3 && j >= 2) + 4 * (i >= 5 && i < 7 && j >= 1 && j < 3));
  }
  const Array dx = gradient(f, zeros({10, 4}));
  EXPECT_EQ(count_of(dx, "sum_windows"), 1);
  EXPECT_EQ(values(dx), want);
}

TEST(PartSums, overlapping_windows_of_16_bits_are_rounded_once) {
  for (const DType dtype : {float16, bfloat16}) {
    const Array x = zeros({3}, dtype);
    // 2048 + 1 + 1 + ... in float16, 256 + 1 + ... in bfloat16: each step alone would be rounded away.
    const double large = dtype == float16 ? 2048 : 256;
    const auto f = [&](const Array& a) {
      Array total = a[slice(0, 2)] * Array(large).astype(dtype);
      for (int i = 0; i < 8; ++i) total = total + a[slice(0, 2)] * 1 + 0 * a[slice(1, 3)];
      return total;
    };
    EXPECT_EQ(values(gradient(f, x))[0], static_cast<float>(large + 8));
  }
}

TEST(PartSums, rows_of_many_lookups_in_16_bits_are_rounded_once) {
  const auto f = [](const Array& table) {
    Array total = take(table, array({1}), 0) * Array(2048.0).astype(float16);
    for (int i = 0; i < 8; ++i) total = total + take(table, array({1}), 0);
    return total;
  };
  EXPECT_EQ(values(gradient(f, zeros({3, 1}, float16))), (Values{0, 2056, 0}));
}

TEST(PartSums, few_rows_of_a_large_table_in_16_bits_are_added_as_in_a_copy_of_it) {
  const Array rows = random::normal(random::key(1), {40, 3}).astype(float16), index = random::integers(random::key(2), {40}, 0, 7);
  const Array small = random::normal(random::key(3), {7, 3}).astype(float16), large = concatenate({small, zeros({3000, 3}, float16)});
  EXPECT_TRUE(array_equal(index_add(large, index, rows, 0)[slice(0, 7)], index_add(small, index, rows, 0)));
  const Array at = random::integers(random::key(4), {40, 3}, 0, 7);
  EXPECT_TRUE(array_equal(scatter_add(large, at, rows, 0)[slice(0, 7)], scatter_add(small, at, rows, 0)));
}

TEST(PartSums, lookups_on_different_axes_and_by_different_ways_are_summed) {
  const Array x = reshape(arange(12), {3, 4}).astype(float32);
  const auto f = [](const Array& a) {
    const Array corner = dynamic_slice(a, array({1, 1}), {2, 2}) + dynamic_slice(a, array({1, 2}), {2, 2});
    return sum(take(a, array({0, 0}), 0)) + sum(take(a, array({3}), 1)) * 10 + sum(a[{array({2, 0}), array({1, -4})}]) * 100 +
           sum(take_along_axis(a, array({{1, 0, 2, 2}}), 0)) * 1000 + sum(corner) * 10000 + sum(a[slice(1, 2)]) * 0.5 + sum(a) * 0.25 +
           sum(take(a, array({1}, int32), 0)) * 0.125;
  };
  const Array dx = gradient(f, x);
  Array dense = zeros({3, 4});
  dense.add(ellipsis, 0.25);
  for (int i = 0; i < 2; ++i) dense.add(0, 1.0);
  dense.add({slice(), 3}, 10.0);
  dense.add({2, 1}, 100.0);
  dense.add({0, 0}, 100.0);
  for (const auto& [row, column] : {std::pair{1, 0}, {0, 1}, {2, 2}, {2, 3}}) dense.add({row, column}, 1000.0);
  dense.add({slice(1, 3), slice(1, 3)}, 10000.0);
  dense.add({slice(1, 3), slice(2, 4)}, 10000.0);
  dense.add(1, 0.625);
  EXPECT_EQ(values(dx), values(dense));
}

TEST(PartSums, derivatives_of_order_two_and_forward_mode_go_through_sums_of_parts) {
  const auto f = [](const Array& x) {
    Array h = zeros(2);
    for (int64_t t = 0; t + 2 <= 6; ++t) h = h * x[slice(t, t + 2)] + x[slice(t, t + 2)];
    return sum(h * take(x, array({0, 0}), 0));
  };
  const Array x = random::uniform(random::key(5), {6}).astype(float64).eval();
  EXPECT_TRUE(allclose(hessian(f)(x), jacobian(grad(f))(x), {.relative = 1e-12, .absolute = 1e-12}));
  const auto g = [&](const Array& a) { return grad(f)(a); };
  const Array direction = random::uniform(random::key(6), {6}).astype(float64).eval();
  EXPECT_TRUE(allclose(jvp(g, x, direction).second, matmul(hessian(f)(x), direction), {.relative = 1e-12, .absolute = 1e-12}));
}

TEST(PartSums, planned_and_op_by_op_give_the_same_bits_in_every_dtype) {
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    const Array x = random::normal(random::key(7), {9, 4}).astype(dtype).eval();
    const auto f = [](const Array& a) {
      Array h = a[0] * a[1];
      for (int64_t t = 0; t < 7; ++t) h = tanh(sum(a[slice(t, t + 2)], 0) + h * take(a, array({t, int64_t{2}}), 0)[1]);
      Array y = a * 2;
      y.set(3, h);
      y.add(slice(2, 5), h);
      return y;
    };
    const Array planned = gradient(f, x).eval();
    set_op_by_op(true);
    const Array one_by_one = gradient(f, x).eval();
    set_op_by_op(false);
    EXPECT_TRUE(array_equal(planned, one_by_one)) << to_text(dtype);
  }
}

TEST(PartSums, a_part_of_an_array_is_added_to_in_place) {
  const auto moved = [](int64_t size) {
    reset_counters();
    Array y = ones({size, 8}) * 2;
    for (int64_t t = 0; t < 16; ++t) y.add(t, 1.0);
    y.eval();
    return counters().bytes_moved;
  };
  // The array is written once, whatever is added to it: doubling its size adds that writing and reading only.
  EXPECT_LE(moved(4096), moved(2048) + 4 * 2048 * 8 * 4);
}

TEST(PartSums, integers_and_bools_are_added_as_before) {
  Array x = array({1, 2, 3}, int64), flags = zeros({3}, bool_);
  x.add(slice(1, 3), array({10, 20}, int64));
  EXPECT_EQ(values(x), (Values{1, 12, 23}));
  flags.add(1, array(true));
  EXPECT_EQ(values(flags), (Values{0, 1, 0}));
}

}  // namespace
