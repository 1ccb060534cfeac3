#include "gradus/cpu/move/index.hpp"

#include <gtest/gtest.h>

#include "gradus/base/threads.hpp"
#include "gradus/cpu/move/sort.hpp"
#include "tests/cpu/sample.hpp"

namespace gradus {

using namespace core;
namespace {

const DType kAll[] = {uint8, int32, int64, float16, bfloat16, float32, float64};

Sample random_positions(DType dtype, const Shape& shape, int64_t size, unsigned seed) {
  Sample s = sample(dtype, shape);
  std::mt19937 engine(seed);
  for (int64_t i = 0; i < shape.size(); ++i) s.set(i, static_cast<double>(static_cast<int64_t>(engine() % (2 * size)) - size));
  return s;
}
int64_t from_front(double position, int64_t size) { return static_cast<int64_t>(position) + (position < 0 ? size : 0); }

TEST(gather, picks_slices_along_an_axis) {
  for (const DType dtype : kAll) {
    for (const DType index_dtype : {int32, int64}) {
      Sample x = random_sample(dtype, {3, 5, 4}, 1), index = random_positions(index_dtype, {7}, 5, 2), out = sample(dtype, {3, 7, 4});
      EXPECT_TRUE(run_kernel(cpu::gather(x.layout, std::span(&index.layout, 1), {1, 1, true}), {&x, &index, &out}).is_ok);
      for (int64_t i = 0; i < 84; ++i) {
        EXPECT_EQ(out.get(i), x.get(i / 28 * 20 + from_front(index.get(i / 4 % 7), 5) * 4 + i % 4));
      }
    }
  }
}

TEST(gather, picks_elements_by_two_index_arrays) {
  Sample x = random_sample(float32, {5, 6}, 1), rows = random_positions(int64, {70000}, 5, 2),
         columns = random_positions(int64, {70000}, 6, 3), out = sample(float32, {70000});
  const Layout layouts[] = {rows.layout, columns.layout};
  EXPECT_TRUE(run_kernel(cpu::gather(x.layout, layouts, {0, 2, true}), {&x, &rows, &columns, &out}).is_ok);
  for (int64_t i = 0; i < 70000; ++i) ASSERT_EQ(out.get(i), x.get(from_front(rows.get(i), 5) * 6 + from_front(columns.get(i), 6)));
}

TEST(gather, reports_the_first_position_out_of_range) {
  Sample x = sample(float32, {4, 2}), index = sample(int32, {100000}), out = sample(float32, {100000, 2});
  index.set(70000, 4);
  index.set(90000, -5);
  const cpu::Status status = run_kernel(cpu::gather(x.layout, std::span(&index.layout, 1), {0, 1, true}), {&x, &index, &out});
  EXPECT_FALSE(status.is_ok);
  EXPECT_EQ(status.position, 70000);
  EXPECT_EQ(status.value, 4);
  EXPECT_EQ(status.bound, 3);
  index.set(70000, -1);
  index.set(90000, 0);
  EXPECT_TRUE(run_kernel(cpu::gather(x.layout, std::span(&index.layout, 1), {0, 1, true}), {&x, &index, &out}).is_ok);
  EXPECT_FALSE(run_kernel(cpu::gather(x.layout, std::span(&index.layout, 1), {0, 1, false}), {&x, &index, &out}).is_ok);
}

TEST(gather, of_an_empty_axis_accepts_no_position) {
  Sample x = sample(float32, {0, 2}), index = sample(int64, {1}), none = sample(int64, {0}), out = sample(float32, {1, 2});
  EXPECT_FALSE(run_kernel(cpu::gather(x.layout, std::span(&index.layout, 1), {0, 1, true}), {&x, &index, &out}).is_ok);
  EXPECT_TRUE(run_kernel(cpu::gather(x.layout, std::span(&none.layout, 1), {0, 1, true}), {&x, &none, &out}).is_ok);
}

std::vector<double> scattered(const Sample& x, const Sample& source, const Sample& index, int64_t inner, cpu::Scatter mode) {
  std::vector<double> want = x.values();
  const int64_t rows = x.layout.shape[0];
  for (int64_t i = 0; i < source.layout.size(); ++i) {
    double& place = want[static_cast<size_t>(from_front(index.get(i / inner), rows) * inner + i % inner)];
    place = mode == cpu::Scatter::set ? source.get(i) : place + source.get(i);
  }
  return want;
}

TEST(scatter, writes_and_adds_rows) {
  for (const DType dtype : {int32, int64, float32, float64}) {
    for (const int64_t inner : {1, 3, 64}) {
      Sample x = random_sample(dtype, {50, inner}, 1), index = random_positions(int64, {3000}, 50, 2),
             source = random_sample(dtype, {3000, inner}, 3), out = sample(dtype, {50, inner});
      for (const cpu::Scatter mode : {cpu::Scatter::set, cpu::Scatter::add}) {
        EXPECT_TRUE(run_kernel(cpu::scatter(x.layout, std::span(&index.layout, 1), {0, 1, true}, mode), {&x, &source, &index, &out}).is_ok);
        const std::vector<double> want = scattered(x, source, index, inner, mode);
        for (int64_t i = 0; i < out.layout.size(); ++i) {
          ASSERT_TRUE(is_near(out.get(i), want[static_cast<size_t>(i)], dtype == float32 ? 1e-5 : 1e-12, dtype == float32 ? 1e-4 : 1e-10));
        }
      }
    }
  }
}

TEST(scatter, sums_sixteen_bit_floats_in_float) {
  Sample x = sample(bfloat16, {1, 1}), index = sample(int64, {1000}), source = sample(bfloat16, {1000, 1}, 1),
         out = sample(bfloat16, {1, 1});
  run_kernel(cpu::scatter(x.layout, std::span(&index.layout, 1), {0, 1, true}, cpu::Scatter::add), {&x, &source, &index, &out});
  EXPECT_EQ(out.get(0), 1000);
}

TEST(scatter, gives_the_same_bits_for_any_number_of_threads) {
  Sample x = random_sample(float32, {100, 64}, 1), index = random_positions(int64, {5000}, 100, 2),
         source = random_sample(float32, {5000, 64}, 3);
  std::vector<std::vector<double>> results;
  const int before = threads();
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    Sample out = sample(float32, {100, 64});
    run_kernel(cpu::scatter(x.layout, std::span(&index.layout, 1), {0, 1, true}, cpu::Scatter::add), {&x, &source, &index, &out});
    results.push_back(out.values());
  }
  set_threads(before);
  EXPECT_EQ(results[0], results[1]);
  EXPECT_EQ(results[0], results[2]);
}

TEST(scatter, leaves_the_array_alone_when_a_position_is_out_of_range) {
  Sample x = random_sample(float32, {4}, 1), index = sample_from(int64, {2}, {0, 4}), source = sample(float32, {2}, 9);
  const std::vector<double> before = x.values();
  EXPECT_FALSE(
      run_kernel(cpu::scatter(x.layout, std::span(&index.layout, 1), {0, 1, true}, cpu::Scatter::set), {&x, &source, &index, &x}).is_ok);
  EXPECT_EQ(x.values(), before);
}

TEST(gather_along, and_scatter_along_agree_with_plain_loops) {
  const Shape shape{4, 5, 6};
  for (int64_t axis = 0; axis < 3; ++axis) {
    Dims sizes{3, 4, 5};  // smaller than x
    sizes[static_cast<size_t>(axis)] = 9;
    const Shape index_shape(sizes);
    Sample x = random_sample(float64, shape, 1), index = random_positions(int64, index_shape, shape[axis], 2),
           got = sample(float64, index_shape), source = random_sample(float64, index_shape, 3);
    EXPECT_TRUE(run_kernel(cpu::gather_along(x.layout, index.layout, axis), {&x, &index, &got}).is_ok);
    std::vector<double> sums = x.values();
    for (int64_t i = 0; i < index_shape.size(); ++i) {
      int64_t at[] = {i / (sizes[1] * sizes[2]), i / sizes[2] % sizes[1], i % sizes[2]};
      at[axis] = from_front(index.get(i), shape[axis]);
      const int64_t place = (at[0] * 5 + at[1]) * 6 + at[2];
      EXPECT_EQ(got.get(i), x.get(place));
      sums[static_cast<size_t>(place)] += source.get(i);
    }
    Sample out = sample(float64, shape);
    EXPECT_TRUE(run_kernel(cpu::scatter_along(x.layout, index.layout, axis, cpu::Scatter::add), {&x, &index, &source, &out}).is_ok);
    EXPECT_EQ(out.values(), sums);
  }
}

TEST(one_hot, refuses_classes_that_do_not_exist) {
  Sample index = sample_from(int32, {3}, {2, 0, 1}), out = sample(bool_, {3, 3}, 1);
  EXPECT_TRUE(run_kernel(cpu::one_hot(index.layout, out.layout), {&index, &out}).is_ok);
  EXPECT_EQ(out.values(), (std::vector<double>{0, 0, 1, 1, 0, 0, 0, 1, 0}));
  index.set(1, -1);
  EXPECT_FALSE(run_kernel(cpu::one_hot(index.layout, out.layout), {&index, &out}).is_ok);
}

TEST(argsort, puts_nan_last_and_keeps_the_order_of_equals) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    Sample x = sample_from(dtype, {2, 5}, {3, nan, 1, 3, -1, nan, nan, 0, -0.0, 5}), out = sample(int64, {2, 5}),
           top = sample(int64, {2, 2});
    run_kernel(cpu::argsort(x.layout, 5, false), {&x, &out});
    EXPECT_EQ(out.values(), (std::vector<double>{4, 2, 0, 3, 1, 2, 3, 4, 0, 1}));
    run_kernel(cpu::argsort(x.layout, 5, true), {&x, &out});
    EXPECT_EQ(out.values(), (std::vector<double>{0, 3, 2, 4, 1, 4, 2, 3, 0, 1}));
    run_kernel(cpu::argsort(x.layout, 2, true), {&x, &top});
    EXPECT_EQ(top.values(), (std::vector<double>{0, 3, 4, 2}));
  }
}

TEST(searchsorted, counts_from_either_side) {
  Sample sorted = sample_from(int64, {4}, {1, 3, 3, 7}), values = sample_from(int64, {5}, {0, 3, 7, 8, 1}), out = sample(int64, {5});
  run_kernel(cpu::searchsorted(sorted.layout, values.layout, false), {&sorted, &values, &out});
  EXPECT_EQ(out.values(), (std::vector<double>{0, 1, 3, 4, 0}));
  run_kernel(cpu::searchsorted(sorted.layout, values.layout, true), {&sorted, &values, &out});
  EXPECT_EQ(out.values(), (std::vector<double>{0, 3, 4, 4, 1}));
}

}  // namespace
}  // namespace gradus
