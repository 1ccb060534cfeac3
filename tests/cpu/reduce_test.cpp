#include "gradus/cpu/reduce/reduce.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "gradus/base/text.hpp"
#include "gradus/base/threads.hpp"
#include "tests/cpu/sample.hpp"

namespace gradus {

using namespace core;
namespace {

using cpu::ReduceKind;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

DType output_dtype(ReduceKind kind, DType in) {
  switch (kind) {
    case ReduceKind::any:
    case ReduceKind::all:
      return bool_;
    case ReduceKind::argmax:
    case ReduceKind::argmin:
      return int64;
    case ReduceKind::sum:
    case ReduceKind::prod:
      return in.is_float() ? in : int64;
    case ReduceKind::max:
    case ReduceKind::min:
      return in;
    default:
      return in.is_float() ? in : float32;
  }
}

double reduce_values(ReduceKind kind, const std::vector<double>& x, int64_t ddof) {
  const double n = static_cast<double>(x.size());
  double sum = 0, product = 1, largest = -kInf, smallest = kInf;
  size_t at_largest = 0, at_smallest = 0;
  bool any = false, all = true;
  for (size_t i = 0; i < x.size(); ++i) {
    sum += x[i];
    product *= x[i];
    any = any || x[i] != 0;
    all = all && x[i] != 0;
    if (x[i] > largest || (std::isnan(x[i]) && !std::isnan(largest))) largest = x[i], at_largest = i;
    if (x[i] < smallest || (std::isnan(x[i]) && !std::isnan(smallest))) smallest = x[i], at_smallest = i;
  }
  double squares = 0, exponentials = 0;
  const double shift = std::isfinite(largest) ? largest : 0;
  for (const double v : x) {
    squares += (v - sum / n) * (v - sum / n);
    if (kind == ReduceKind::logsumexp) exponentials += std::exp(v - shift);
  }
  switch (kind) {
    case ReduceKind::sum:
      return sum;
    case ReduceKind::mean:
      return sum / n;
    case ReduceKind::prod:
      return product;
    case ReduceKind::max:
      return largest;
    case ReduceKind::min:
      return smallest;
    case ReduceKind::any:
      return any;
    case ReduceKind::all:
      return all;
    case ReduceKind::argmax:
      return static_cast<double>(at_largest);
    case ReduceKind::argmin:
      return static_cast<double>(at_smallest);
    case ReduceKind::var:
      return squares / std::max(0.0, n - static_cast<double>(ddof));
    case ReduceKind::stddev:
      return std::sqrt(squares / std::max(0.0, n - static_cast<double>(ddof)));
    case ReduceKind::norm:
      return std::sqrt(std::accumulate(x.begin(), x.end(), 0.0, [](double total, double v) { return total + v * v; }));
    case ReduceKind::logsumexp:
      return std::log(exponentials) + shift;
  }
  return kNan;
}

std::vector<double> reference(const Sample& x, const cpu::Reduction& r) {
  const auto is_reduced = [&](int64_t a) { return std::find(r.axes.begin(), r.axes.end(), a) != r.axes.end(); };
  int64_t outputs = 1;
  for (int64_t a = 0; a < x.layout.rank(); ++a) outputs *= is_reduced(a) ? 1 : x.layout.shape[a];
  std::vector<std::vector<double>> groups(static_cast<size_t>(outputs));
  for (int64_t i = 0; i < x.layout.size(); ++i) {
    int64_t index = i, out = 0, stride = 1;
    for (int64_t a = x.layout.rank(); a-- > 0;) {
      const int64_t at = index % x.layout.shape[a];
      index /= x.layout.shape[a];
      if (!is_reduced(a)) out += at * stride, stride *= x.layout.shape[a];
    }
    groups[static_cast<size_t>(out)].push_back(x.get(i));
  }
  std::vector<double> out;
  for (const auto& group : groups) out.push_back(reduce_values(r.kind, group, r.ddof));
  return out;
}

void check(Sample& x, const cpu::Reduction& r) {
  const std::vector<double> want = reference(x, r);
  const DType dtype = output_dtype(r.kind, x.layout.dtype);
  Sample out = sample(dtype, Shape(want.size()), -77);
  const cpu::Status status = run_kernel(cpu::prepare_reduce(x.layout, dtype, r), {&x, &out});
  ASSERT_TRUE(status.is_ok);
  const double tolerance = dtype == float64 ? 1e-12 : dtype == float32 ? 5e-7 : dtype == float16 ? 1e-3 : 8e-3;
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_TRUE(is_near(out.get(static_cast<int64_t>(i)), want[i], tolerance, tolerance))
        << "kind " << static_cast<int>(r.kind) << " " << x.layout.dtype.name() << " " << to_text(x.layout.shape) << " strides "
        << to_text(std::span<const int64_t>(x.layout.strides)) << " axes " << to_text(std::span<const int64_t>(r.axes)) << " at " << i
        << ": got " << out.get(static_cast<int64_t>(i)) << ", want " << want[i];
  }
}

constexpr ReduceKind kKinds[] = {ReduceKind::sum,    ReduceKind::mean, ReduceKind::prod,     ReduceKind::max,
                                 ReduceKind::min,    ReduceKind::any,  ReduceKind::all,      ReduceKind::argmax,
                                 ReduceKind::argmin, ReduceKind::var,  ReduceKind::logsumexp};
constexpr DType kDTypes[] = {bool_, uint8, int32, int64, float16, bfloat16, float32, float64};

bool is_defined(ReduceKind kind, DType dtype) { return dtype.is_float() || (kind != ReduceKind::var && kind != ReduceKind::logsumexp); }

// Every subset of the axes.
std::vector<Dims> axis_sets(int64_t rank) {
  std::vector<Dims> sets;
  for (int64_t bits = 0; bits < 1 << rank; ++bits) {
    Dims axes;
    for (int64_t a = 0; a < rank; ++a) {
      if (bits >> a & 1) axes.push_back(a);
    }
    sets.push_back(axes);
  }
  return sets;
}

TEST(reduce, agrees_with_plain_loops_for_every_kind_dtype_and_axes) {
  const Shape shapes[] = {Shape{},      Shape{1},       Shape{7},        Shape{3, 5},      Shape{37, 3},
                          Shape{5, 67}, Shape{2, 3, 4}, Shape{3, 1, 19}, Shape{2, 2, 3, 5}};
  unsigned seed = 1;
  for (const Shape& shape : shapes) {
    for (const DType dtype : kDTypes) {
      Sample x = random_sample(dtype, shape, seed++);
      for (const ReduceKind kind : kKinds) {
        if (!is_defined(kind, dtype)) continue;
        for (const Dims& axes : axis_sets(shape.rank())) check(x, {kind, axes, 0});
      }
    }
  }
}

TEST(reduce, reads_any_strides) {
  struct Case {
    Shape shape;
    Dims strides;
    int64_t first, span;
  };
  const Case cases[] = {
      {{4, 6}, {1, 4}, 0, 24},             // transposed
      {{4, 6}, {-6, -1}, 23, 24},          // reversed
      {{4, 6}, {0, 1}, 0, 6},              // repeated rows
      {{4, 6}, {1, 0}, 0, 4},              // repeated columns
      {{4, 6}, {0, 0}, 0, 1},              // one number
      {{4, 6}, {20, 3}, 1, 80},            // every third element
      {{3, 4, 70}, {70, 210, 1}, 0, 840},  // outer axes swapped
      {{3, 4, 70}, {-280, 70, 1}, 560, 840},
      {{5, 3, 40}, {3, 1, 15}, 0, 600},
      {{2, 3, 4, 5}, {1, 2, 6, 24}, 0, 120},
      {{2, 3, 4, 5}, {60, 0, -5, 1}, 15, 120},
  };
  for (const DType dtype : kDTypes) {
    for (const Case& c : cases) {
      Sample memory = random_sample(dtype, Shape{c.span}, 7);
      Sample x{{dtype, c.shape, c.strides}, memory.memory, c.first};
      for (const ReduceKind kind : kKinds) {
        if (!is_defined(kind, dtype)) continue;
        for (const Dims& axes : axis_sets(c.shape.rank())) check(x, {kind, axes, 0});
      }
    }
  }
}

TEST(reduce, splits_large_arrays) {
  const Shape shapes[] = {Shape{100001},   Shape{151, 700}, Shape{700, 151},   Shape{8000, 10},    Shape{10, 8000},
                          Shape{3, 30000}, Shape{30001, 3}, Shape{20, 50, 80}, Shape{2, 40000, 2}, Shape{1500, 64}};
  for (const Shape& shape : shapes) {
    for (const DType dtype : {float32, int32}) {
      Sample x = random_sample(dtype, shape, 3);
      for (const ReduceKind kind : {ReduceKind::sum, ReduceKind::max, ReduceKind::argmin, ReduceKind::var, ReduceKind::logsumexp}) {
        if (!is_defined(kind, dtype)) continue;
        for (const Dims& axes : axis_sets(shape.rank())) {
          if (!axes.empty()) check(x, {kind, axes, 0});
        }
      }
    }
  }
}

TEST(reduce, of_nothing_is_the_neutral_element) {
  Sample x = sample(float32, Shape{3, 0, 2});
  const auto value = [&](ReduceKind kind) {
    Sample out = sample(output_dtype(kind, float32), Shape{3, 2}, -77);
    run_kernel(cpu::prepare_reduce(x.layout, out.layout.dtype, {kind, {1}, 0}), {&x, &out});
    for (int64_t i = 1; i < 6; ++i) EXPECT_TRUE(is_near(out.get(i), out.get(0), 0, 0));
    return out.get(0);
  };
  EXPECT_EQ(value(ReduceKind::sum), 0);
  EXPECT_EQ(value(ReduceKind::prod), 1);
  EXPECT_EQ(value(ReduceKind::any), 0);
  EXPECT_EQ(value(ReduceKind::all), 1);
  EXPECT_TRUE(std::isnan(value(ReduceKind::mean)));
  EXPECT_TRUE(std::isnan(value(ReduceKind::var)));
  EXPECT_EQ(value(ReduceKind::logsumexp), -kInf);
}

TEST(reduce, an_output_without_elements_is_left_alone) {
  Sample x = sample(float32, Shape{3, 0, 2}), out = sample(float32, Shape{0, 2}, 5);
  EXPECT_TRUE(run_kernel(cpu::prepare_reduce(x.layout, float32, {ReduceKind::sum, {0}, 0}), {&x, &out}).is_ok);
}

TEST(reduce, nan_and_infinity_come_through) {
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    for (const int64_t width : {3, 40}) {
      for (const double special : {kNan, kInf, -kInf}) {
        Sample x = random_sample(dtype, Shape{9, width}, 11);
        x.set(4 * width + 1, special);
        x.set(6 * width + 1, special);
        for (const ReduceKind kind : kKinds) {
          for (const Dims& axes : axis_sets(2)) check(x, {kind, axes, 0});
        }
      }
    }
  }
}

TEST(reduce, ties_give_the_first_position) {
  Sample x = sample_from(float32, Shape{2, 4}, {1, 3, 3, 0, 2, 2, 2, 2}), out = sample(int64, Shape{2});
  run_kernel(cpu::prepare_reduce(x.layout, int64, {ReduceKind::argmax, {1}, 0}), {&x, &out});
  EXPECT_EQ(out.values(), (std::vector<double>{1, 0}));
}

TEST(reduce, variance_keeps_its_digits_beside_a_large_mean) {
  for (const Shape& shape : {Shape{2, 5000}, Shape{3, 200000}}) {
    Sample x = random_sample(float32, shape, 5, 10000);
    check(x, {ReduceKind::var, {1}, 1});
    Sample y = random_sample(float64, shape, 5, 1e8);
    const std::vector<double> want = reference(y, {ReduceKind::var, {1}, 0});
    Sample out = sample(float64, Shape{shape[0]});
    run_kernel(cpu::prepare_reduce(y.layout, float64, {ReduceKind::var, {1}, 0}), {&y, &out});
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(out.get(static_cast<int64_t>(i)), want[i], 1e-7);
  }
}

TEST(reduce, a_million_float_terms_keep_seven_digits) {
  Sample x = sample(float32, Shape{1000000}, 0.1), out = sample(float32, Shape{});
  run_kernel(cpu::prepare_reduce(x.layout, float32, {ReduceKind::sum, {0}, 0}), {&x, &out});
  EXPECT_NEAR(out.get(0) / (1e6 * static_cast<double>(0.1f)), 1, 1e-7);
}

TEST(reduce, bits_do_not_depend_on_the_number_of_threads) {
  const int before = threads();
  for (const Shape& shape : {Shape{1, 1000003}, Shape{3001, 333}}) {
    Sample x = random_sample(float64, shape, 9);
    for (const int64_t axis : {0, 1}) {
      Sample one = sample(float64, Shape{shape[1 - axis]}), many = one;
      const auto kernel = cpu::prepare_reduce(x.layout, float64, {ReduceKind::sum, {axis}, 0});
      set_threads(1);
      run_kernel(kernel, {&x, &one});
      set_threads(3);
      run_kernel(kernel, {&x, &many});
      EXPECT_EQ(one.memory, many.memory);
    }
  }
  set_threads(before);
}

TEST(reduce, integer_sums_are_exact) {
  Sample x = sample(int32, Shape{100000}, 2147483647), out = sample(int64, Shape{});
  run_kernel(cpu::prepare_reduce(x.layout, int64, {ReduceKind::sum, {0}, 0}), {&x, &out});
  int64_t sum;
  std::memcpy(&sum, out.memory.data(), sizeof sum);
  EXPECT_EQ(sum, 214748364700000);
}

}  // namespace
}  // namespace gradus
