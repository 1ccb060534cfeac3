// Kernels that move elements, against plain loops over every axis, dtype and mode.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "gradus/base/text.hpp"
#include "gradus/cpu/update/adam.hpp"
#include "gradus/cpu/move/copy.hpp"
#include "gradus/cpu/move/index.hpp"
#include "gradus/cpu/move/sort.hpp"
#include "tests/cpu/sample.hpp"

namespace gradus {

using namespace core;
namespace {

const DType kAll[] = {bool_, uint8, int32, int64, float16, bfloat16, float32, float64};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Row-major position of `at` in `shape`, and back.
int64_t place_of(const Shape& shape, const std::vector<int64_t>& at) {
  int64_t place = 0;
  for (int64_t a = 0; a < shape.rank(); ++a) place = place * shape[a] + at[static_cast<size_t>(a)];
  return place;
}
std::vector<int64_t> at_place(const Shape& shape, int64_t place) {
  std::vector<int64_t> at(static_cast<size_t>(shape.rank()));
  for (int64_t a = shape.rank(); a-- > 0; place /= shape[a]) at[static_cast<size_t>(a)] = place % shape[a];
  return at;
}
// Small whole numbers, exact in every dtype.
Sample small_numbers(DType dtype, const Shape& shape, int64_t first) {
  Sample s = sample(dtype, shape);
  for (int64_t i = 0; i < shape.size(); ++i) s.set(i, static_cast<double>((first + 7 * i) % (dtype.is_bool() ? 2 : 100)));
  return s;
}
Sample positions(DType dtype, const Shape& shape, int64_t size, unsigned seed) {
  Sample s = sample(dtype, shape);
  std::mt19937 engine(seed);
  for (int64_t i = 0; i < shape.size(); ++i)
    s.set(i, static_cast<double>(static_cast<int64_t>(engine() % static_cast<unsigned>(2 * size)) - size));
  return s;
}
int64_t from_front(double position, int64_t size) { return static_cast<int64_t>(position) + (position < 0 ? size : 0); }

// x[..., i1, i2, ...] for one to three index arrays, starting at every axis.
TEST(gather, and_scatter_select_on_every_run_of_axes) {
  const Shape shape{3, 4, 5, 2}, index_shape{2, 3};
  for (const DType dtype : kAll) {
    for (int64_t axis = 0; axis < 4; ++axis) {
      for (int64_t count = 1; axis + count <= 4 && count <= 3; ++count) {
        Sample x = small_numbers(dtype, shape, 3);
        std::vector<Sample> indices;
        std::vector<Layout> layouts;
        std::vector<int64_t> out_sizes;
        for (int64_t a = 0; a < axis; ++a) out_sizes.push_back(shape[a]);
        out_sizes.insert(out_sizes.end(), {2, 3});
        for (int64_t a = axis + count; a < 4; ++a) out_sizes.push_back(shape[a]);
        for (int64_t k = 0; k < count; ++k) {
          indices.push_back(positions(count % 2 ? int32 : int64, index_shape, shape[axis + k], static_cast<unsigned>(10 * axis + k)));
          layouts.push_back(indices.back().layout);
        }
        const Shape out_shape(out_sizes);
        Sample got = sample(dtype, out_shape), source = small_numbers(dtype, out_shape, 1), put = sample(dtype, shape),
               added = sample(dtype, shape);
        std::vector<Sample*> reading{&x}, writing{&x, &source}, adding;
        for (Sample& index : indices) reading.push_back(&index), writing.push_back(&index);
        adding = writing;
        reading.push_back(&got), writing.push_back(&put), adding.push_back(&added);
        ASSERT_TRUE(run_kernel(cpu::gather(x.layout, layouts, {axis, count, true}), reading).is_ok);
        ASSERT_TRUE(run_kernel(cpu::scatter(x.layout, layouts, {axis, count, true}, cpu::Scatter::set), writing).is_ok);
        std::vector<double> want = x.values(), sums = want;
        for (int64_t i = 0; i < out_shape.size(); ++i) {
          const std::vector<int64_t> at = at_place(out_shape, i);
          std::vector<int64_t> from(at.begin(), at.begin() + axis);
          const int64_t index_at = at[static_cast<size_t>(axis)] * 3 + at[static_cast<size_t>(axis) + 1];
          for (int64_t k = 0; k < count; ++k) from.push_back(from_front(indices[static_cast<size_t>(k)].get(index_at), shape[axis + k]));
          from.insert(from.end(), at.begin() + axis + 2, at.end());
          const int64_t place = place_of(shape, from);
          ASSERT_EQ(got.get(i), x.get(place)) << dtype.name() << " axis " << axis << " count " << count << " at " << i;
          want[static_cast<size_t>(place)] = source.get(i);
          sums[static_cast<size_t>(place)] += source.get(i);
        }
        ASSERT_EQ(put.values(), want) << dtype.name() << " axis " << axis << " count " << count;
        if (dtype.is_bool() || dtype == uint8 || dtype.size() == 2) continue;  // sums beyond their digits
        ASSERT_TRUE(run_kernel(cpu::scatter(x.layout, layouts, {axis, count, true}, cpu::Scatter::add), adding).is_ok);
        ASSERT_EQ(added.values(), sums) << dtype.name() << " axis " << axis << " count " << count;
      }
    }
  }
}

TEST(gather, reports_the_worst_of_several_index_arrays_at_its_position) {
  Sample x = sample(float32, {3, 4}), rows = sample_from(int32, {3}, {0, 2, -4}), columns = sample_from(int32, {3}, {0, 3, 0}),
         out = sample(float32, {3});
  const Layout layouts[] = {rows.layout, columns.layout};
  const cpu::Status status = run_kernel(cpu::gather(x.layout, layouts, {0, 2, true}), {&x, &rows, &columns, &out});
  EXPECT_FALSE(status.is_ok);
  EXPECT_EQ(status.position, 2);
  EXPECT_EQ(status.value, -4);
  rows.set(2, -3);
  columns.set(1, 4);
  const cpu::Status second = run_kernel(cpu::gather(x.layout, layouts, {0, 2, true}), {&x, &rows, &columns, &out});
  EXPECT_FALSE(second.is_ok);
  EXPECT_EQ(second.position, 1);
  EXPECT_EQ(second.value, 4);
  columns.set(1, -4);
  EXPECT_TRUE(run_kernel(cpu::gather(x.layout, layouts, {0, 2, true}), {&x, &rows, &columns, &out}).is_ok);
}

TEST(gather_along, and_scatter_along_work_in_every_dtype_and_mode) {
  const Shape shape{3, 4, 5}, index_shape{2, 4, 5};
  for (const DType dtype : kAll) {
    for (const DType index_dtype : {int32, int64}) {
      for (int64_t axis = 0; axis < 3; ++axis) {
        Sample x = small_numbers(dtype, shape, 5), index = positions(index_dtype, index_shape, shape[axis], 4),
               got = sample(dtype, index_shape), source = small_numbers(dtype, index_shape, 2), put = sample(dtype, shape);
        ASSERT_TRUE(run_kernel(cpu::gather_along(x.layout, index.layout, axis), {&x, &index, &got}).is_ok);
        ASSERT_TRUE(run_kernel(cpu::scatter_along(x.layout, index.layout, axis, cpu::Scatter::set), {&x, &index, &source, &put}).is_ok);
        std::vector<double> want = x.values();
        for (int64_t i = 0; i < index_shape.size(); ++i) {
          std::vector<int64_t> at = at_place(index_shape, i);
          at[static_cast<size_t>(axis)] = from_front(index.get(i), shape[axis]);
          ASSERT_EQ(got.get(i), x.get(place_of(shape, at))) << dtype.name() << " axis " << axis;
          want[static_cast<size_t>(place_of(shape, at))] = source.get(i);
        }
        ASSERT_EQ(put.values(), want) << dtype.name() << " axis " << axis;
        index.set(7, static_cast<double>(shape[axis]));
        const cpu::Status status = run_kernel(cpu::gather_along(x.layout, index.layout, axis), {&x, &index, &got});
        EXPECT_FALSE(status.is_ok);
        EXPECT_EQ(status.position, 7);
        EXPECT_EQ(status.value, shape[axis]);
      }
    }
  }
}

TEST(one_hot, gives_every_dtype_and_any_shape) {
  for (const DType dtype : kAll) {
    Sample index = sample_from(int64, {2, 2}, {3, 0, 1, 3}), out = sample(dtype, {2, 2, 4}, 1);
    ASSERT_TRUE(run_kernel(cpu::one_hot(index.layout, out.layout), {&index, &out}).is_ok);
    for (int64_t i = 0; i < 16; ++i) EXPECT_EQ(out.get(i), i % 4 == index.get(i / 4)) << dtype.name();
  }
}

TEST(nonzero, lists_positions_in_order) {
  for (const DType dtype : kAll) {
    Sample x = sample(dtype, {300});
    std::vector<int64_t> want;
    for (const int64_t at : {0, 1, 63, 64, 65, 200, 299}) x.set(at, 1), want.push_back(at);
    EXPECT_EQ(cpu::nonzero(x.data(), dtype, 300), want) << dtype.name();
    EXPECT_TRUE(cpu::nonzero(x.data(), dtype, 0).empty());
  }
  Sample x = sample_from(float32, {4}, {-0.0, kNan, 0, 1e-45});
  EXPECT_EQ(cpu::nonzero(x.data(), float32, 4), (std::vector<int64_t>{1, 3}));
}

TEST(argsort, agrees_with_the_stable_sort_of_the_library) {
  for (const DType dtype : kAll) {
    for (const int64_t n : {1, 2, 17, 100, 3000}) {
      Sample x = small_numbers(dtype, {3, n}, 0);
      for (int64_t i = 0; i < 3 * n; ++i) x.set(i, static_cast<double>((i * 7919 + i / n) % (dtype.is_bool() ? 2 : 50)));
      for (const bool is_descending : {false, true}) {
        for (const int64_t count : {n, (n + 1) / 2, int64_t{1}}) {
          Sample out = sample(int64, {3, count});
          run_kernel(cpu::argsort(x.layout, count, is_descending), {&x, &out});
          for (int64_t row = 0; row < 3; ++row) {
            std::vector<int64_t> order(static_cast<size_t>(n));
            std::iota(order.begin(), order.end(), int64_t{0});
            std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
              return is_descending ? x.get(row * n + a) > x.get(row * n + b) : x.get(row * n + a) < x.get(row * n + b);
            });
            for (int64_t i = 0; i < count; ++i)
              ASSERT_EQ(out.get(row * count + i), order[static_cast<size_t>(i)]) << dtype.name() << " " << n << " at " << i;
          }
        }
      }
    }
  }
}

TEST(searchsorted, takes_one_row_for_all_or_one_for_each) {
  for (const DType dtype : {uint8, int32, float16, float32, float64}) {
    Sample rows = sample_from(dtype, {2, 3}, {1, 2, 4, 2, 2, 9}), values = sample_from(dtype, {2, 4}, {0, 2, 4, 5, 2, 9, 1, 10}),
           out = sample(int64, {2, 4});
    run_kernel(cpu::searchsorted(rows.layout, values.layout, false), {&rows, &values, &out});
    EXPECT_EQ(out.values(), (std::vector<double>{0, 1, 2, 3, 0, 2, 0, 3})) << dtype.name();
    run_kernel(cpu::searchsorted(rows.layout, values.layout, true), {&rows, &values, &out});
    EXPECT_EQ(out.values(), (std::vector<double>{0, 2, 3, 3, 2, 3, 0, 3})) << dtype.name();
    Sample one = sample_from(dtype, {3}, {1, 2, 4});
    run_kernel(cpu::searchsorted(one.layout, values.layout, false), {&one, &values, &out});
    EXPECT_EQ(out.values(), (std::vector<double>{0, 1, 2, 3, 1, 3, 0, 3})) << dtype.name();
  }
}

TEST(copy, concatenates_along_every_axis_in_every_dtype) {
  for (const DType dtype : kAll) {
    for (int64_t axis = 0; axis < 3; ++axis) {
      std::vector<Sample> parts;
      std::vector<Layout> layouts;
      int64_t total = 0;
      for (const int64_t size : {2, 0, 1, 3}) {
        Dims sizes{2, 3, 4};
        sizes[static_cast<size_t>(axis)] = size;
        parts.push_back(small_numbers(dtype, Shape(sizes), 11 * size));
        layouts.push_back(parts.back().layout);
        total += size;
      }
      Dims sizes{2, 3, 4};
      sizes[static_cast<size_t>(axis)] = total;
      Sample out = sample(dtype, Shape(sizes));
      run_kernel(cpu::concatenate(layouts, out.layout, axis), {&parts[0], &parts[1], &parts[2], &parts[3], &out});
      for (int64_t i = 0; i < out.layout.size(); ++i) {
        std::vector<int64_t> at = at_place(out.layout.shape, i);
        size_t part = 0;
        while (at[static_cast<size_t>(axis)] >= layouts[part].shape[axis]) at[static_cast<size_t>(axis)] -= layouts[part++].shape[axis];
        ASSERT_EQ(out.get(i), parts[part].get(place_of(layouts[part].shape, at))) << dtype.name() << " axis " << axis << " at " << i;
      }
    }
  }
}

TEST(copy, reads_and_writes_windows_at_corners_held_in_arrays) {
  const Shape shape{4, 5, 3}, sizes{2, 3, 3};
  for (const DType dtype : kAll) {
    for (const DType index : {int32, int64}) {
      for (const auto& [a, b] : {std::pair{0, 0}, {2, 2}, {1, 2}, {2, 0}}) {
        Sample x = small_numbers(dtype, shape, 1), value = small_numbers(dtype, sizes, 4),
               starts = sample_from(index, {3}, {1.0 * a, 1.0 * b, 0}), window = sample(dtype, sizes), out = sample(dtype, shape);
        ASSERT_TRUE(run_kernel(cpu::dynamic_window(x.layout, index, sizes), {&x, &starts, &window}).is_ok);
        ASSERT_TRUE(run_kernel(cpu::update_dynamic_window(x.layout, value.layout, index), {&x, &value, &starts, &out}).is_ok);
        std::vector<double> want = x.values();
        for (int64_t i = 0; i < sizes.size(); ++i) {
          std::vector<int64_t> at = at_place(sizes, i);
          at[0] += a, at[1] += b;
          ASSERT_EQ(window.get(i), x.get(place_of(shape, at))) << dtype.name();
          want[static_cast<size_t>(place_of(shape, at))] = value.get(i);
        }
        ASSERT_EQ(out.values(), want) << dtype.name();
      }
      for (const auto& [a, b] : {std::pair{3, 0}, {-1, 0}, {0, 3}, {0, -1}}) {
        Sample x = sample(dtype, shape), starts = sample_from(index, {3}, {1.0 * a, 1.0 * b, 0}), window = sample(dtype, sizes);
        const cpu::Status status = run_kernel(cpu::dynamic_window(x.layout, index, sizes), {&x, &starts, &window});
        EXPECT_FALSE(status.is_ok);
        EXPECT_EQ(status.position, a ? 0 : 1);
        EXPECT_EQ(status.value, a ? a : b);
      }
    }
  }
}

TEST(fill_sequence, counts_from_its_start_by_its_step) {
  for (const DType dtype : kAll) {
    if (dtype.is_bool()) continue;
    Sample out = sample(dtype, {40});
    cpu::fill_sequence(out.data(), dtype, 40, int64_t{3}, int64_t{2});
    for (int64_t i = 0; i < 40; ++i) EXPECT_EQ(out.get(i), 3 + 2 * i) << dtype.name();
    if (!dtype.is_float()) continue;
    cpu::fill_sequence(out.data(), dtype, 40, 0.5, 0.25);
    for (int64_t i = 0; i < 40; ++i) EXPECT_EQ(out.get(i), 0.5 + 0.25 * static_cast<double>(i)) << dtype.name();
  }
}

TEST(adam, makes_one_step_in_place_or_beside) {
  for (const DType dtype : {float32, float64}) {
    for (const int64_t n : {1, 7, 16, 1000, 40000}) {
      Sample p = random_sample(dtype, {n}, 1), g = random_sample(dtype, {n}, 2), m = random_sample(dtype, {n}, 3),
             v = random_sample(dtype, {n}, 4);
      for (int64_t i = 0; i < n; ++i) v.set(i, v.get(i) * v.get(i));
      Sample rate = sample(float64, {}, 0.1), epsilon = sample(float64, {}, 0.01), keep = sample(float64, {}, 0.75);
      Sample new_p = p, new_m = p, new_v = p;
      const cpu::KernelPtr kernel = cpu::prepare_adam(dtype, n, {0.8, 0.95});
      run_kernel(kernel, {&p, &g, &m, &v, &rate, &epsilon, &keep, &new_p, &new_m, &new_v});
      const double near = dtype == float64 ? 1e-13 : 1e-5;
      for (int64_t i = 0; i < n; ++i) {
        const double want_m = 0.8 * m.get(i) + 0.2 * g.get(i), want_v = 0.95 * v.get(i) + 0.05 * g.get(i) * g.get(i);
        ASSERT_NEAR(new_m.get(i), want_m, near);
        ASSERT_NEAR(new_v.get(i), want_v, near);
        ASSERT_NEAR(new_p.get(i), 0.75 * p.get(i) - 0.1 * want_m / (std::sqrt(want_v) + 0.01), near);
      }
      run_kernel(kernel, {&p, &g, &m, &v, &rate, &epsilon, &keep, &p, &m, &v});
      EXPECT_EQ(p.values(), new_p.values());
      EXPECT_EQ(m.values(), new_m.values());
      EXPECT_EQ(v.values(), new_v.values());
    }
  }
}

}  // namespace
}  // namespace gradus
