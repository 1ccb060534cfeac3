// Running totals against plain loops, along every axis and in both directions.
#include "gradus/cpu/reduce/cumulative.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "gradus/base/text.hpp"
#include "tests/cpu/sample.hpp"

namespace gradus {
namespace {

using cpu::CumulativeKind;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

DType output_dtype(CumulativeKind kind, DType in) {
  if (kind == CumulativeKind::argmax || kind == CumulativeKind::argmin) return int64;
  return in.is_float() ? in : int64;
}

// out along one line of values, in the order in which they are met.
std::vector<double> accumulated(CumulativeKind kind, const std::vector<double>& line, bool is_reverse) {
  std::vector<double> out;
  double total = kind == CumulativeKind::prod ? 1 : 0, best = 0;
  size_t at = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const double v = line[i];
    if (kind == CumulativeKind::sum) out.push_back(total += v);
    else if (kind == CumulativeKind::prod) out.push_back(total *= v);
    else if (kind == CumulativeKind::logsumexp) out.push_back(std::log(total += std::exp(v)));
    else {
      const bool is_better = i == 0 || (!std::isnan(best) && (std::isnan(v) || (kind == CumulativeKind::argmax ? v >= best : v <= best)));
      if (is_better) best = v, at = i;
      out.push_back(static_cast<double>(is_reverse ? line.size() - 1 - at : at));
    }
  }
  return out;
}

void check(Sample& x, CumulativeKind kind, int64_t axis, bool is_reverse) {
  const Shape& shape = x.layout.shape;
  const DType dtype = output_dtype(kind, x.layout.dtype);
  Sample out = sample(dtype, shape, -77);
  ASSERT_TRUE(run_kernel(cpu::prepare_cumulative(x.layout, kind, axis, is_reverse), {&x, &out}).is_ok);
  int64_t inner = 1;
  for (int64_t a = axis + 1; a < shape.rank(); ++a) inner *= shape[a];
  const int64_t n = shape[axis], outer = shape.size() / std::max<int64_t>(n * inner, 1);
  const double tolerance = dtype == float64 ? 1e-12 : dtype == float32 ? 1e-6 : dtype == float16 ? 2e-3 : 1e-2;
  for (int64_t line = 0; line < outer * inner; ++line) {
    const auto place = [&](int64_t k) { return (line / inner * n + (is_reverse ? n - 1 - k : k)) * inner + line % inner; };
    std::vector<double> values;
    for (int64_t k = 0; k < n; ++k) values.push_back(x.get(place(k)));
    const std::vector<double> want = accumulated(kind, values, is_reverse);
    for (int64_t k = 0; k < n; ++k) {
      ASSERT_TRUE(is_near(out.get(place(k)), want[static_cast<size_t>(k)], tolerance, tolerance))
          << "kind " << static_cast<int>(kind) << " " << x.layout.dtype.name() << " " << to_text(shape) << " axis " << axis
          << (is_reverse ? " backwards" : "") << " at " << place(k) << ": got " << out.get(place(k)) << ", want "
          << want[static_cast<size_t>(k)];
    }
  }
}

constexpr CumulativeKind kKinds[] = {CumulativeKind::sum, CumulativeKind::prod, CumulativeKind::logsumexp, CumulativeKind::argmax, CumulativeKind::argmin};

TEST(cumulative, agrees_with_plain_loops_for_every_kind_dtype_axis_and_direction) {
  const Shape shapes[] = {Shape{1},          Shape{9},     Shape{3, 5},   Shape{5, 1}, Shape{2, 3, 4},
                          Shape{2, 2, 3, 5}, Shape{3, 70}, Shape{70, 33}, Shape{0, 3}, Shape{3, 0}};
  unsigned seed = 1;
  for (const Shape& shape : shapes) {
    for (const DType dtype : {bool_, uint8, int32, int64, float16, bfloat16, float32, float64}) {
      Sample x = random_sample(dtype, shape, seed++);
      if (dtype.is_float()) {
        for (int64_t i = 0; i < shape.size(); ++i) x.set(i, std::round(4 * x.get(i)) / 4);  // with equal ones
      }
      for (const CumulativeKind kind : kKinds) {
        if (kind == CumulativeKind::logsumexp && !dtype.is_float()) continue;
        if (kind == CumulativeKind::prod && shape.size() > 300) continue;  // beyond the range
        for (int64_t axis = 0; axis < shape.rank(); ++axis) {
          for (const bool is_reverse : {false, true}) check(x, kind, axis, is_reverse);
        }
      }
    }
  }
}

TEST(cumulative, the_first_nan_stays) {
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    Sample x = sample_from(dtype, {6}, {1, 3, kNan, 5, kNan, 0});
    for (const CumulativeKind kind : kKinds) {
      for (const bool is_reverse : {false, true}) check(x, kind, 0, is_reverse);
    }
  }
}

TEST(cumulative, long_lines_keep_their_digits) {
  Sample x = sample(float32, {100000}, 0.1), out = sample(float32, {100000});
  run_kernel(cpu::prepare_cumulative(x.layout, CumulativeKind::sum, 0, false), {&x, &out});
  EXPECT_NEAR(out.get(99999), 100000 * static_cast<double>(0.1f), 1e-3);
  Sample low = sample(float32, {1000}, -2000), sums = sample(float32, {1000});
  run_kernel(cpu::prepare_cumulative(low.layout, CumulativeKind::logsumexp, 0, false), {&low, &sums});
  EXPECT_NEAR(sums.get(999), -2000 + std::log(1000), 1e-3);
}

}  // namespace
}  // namespace gradus
