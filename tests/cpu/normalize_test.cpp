#include <gtest/gtest.h>

#include "gradus/base/text.hpp"
#include "gradus/base/threads.hpp"
#include "gradus/cpu/normalize/batch_norm.hpp"
#include "gradus/cpu/normalize/layer_norm.hpp"
#include "tests/cpu/sample.hpp"

namespace gradus {
namespace {

constexpr DType kFloats[] = {float16, bfloat16, float32, float64};

double tolerance(DType dtype) { return dtype == float64 ? 1e-11 : dtype == float32 ? 5e-6 : dtype == float16 ? 4e-3 : 3e-2; }
DType wide(DType dtype) { return dtype == float64 ? float64 : float32; }

void expect_all_near(const Sample& got, const std::vector<double>& want, double tolerance, std::string_view what) {
  double largest = 0;
  for (const double v : want) largest = std::max(largest, std::abs(v));
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_TRUE(is_near(got.get(static_cast<int64_t>(i)), want[i], tolerance, tolerance * std::max(1.0, largest)))
        << what << " " << got.layout.dtype.name() << " " << to_text(got.layout.shape) << " at " << i << ": got "
        << got.get(static_cast<int64_t>(i)) << ", want " << want[i];
  }
}

// Rows, columns of a matrix of samples.
struct Matrix {
  std::vector<double> values;
  int64_t columns;
  double& operator()(int64_t i, int64_t j) { return values[static_cast<size_t>(i * columns + j)]; }
};

struct RowNormResult {
  Matrix y, dx;
  std::vector<double> dweight, dbias;
};
RowNormResult row_norm(Matrix x, Matrix dy, int64_t rows, const std::vector<double>& weight, const std::vector<double>& bias, double eps,
                       bool is_centered) {
  const int64_t n = x.columns;
  const double count = static_cast<double>(n);
  RowNormResult r{x, x, std::vector<double>(static_cast<size_t>(n)), std::vector<double>(static_cast<size_t>(n))};
  for (int64_t i = 0; i < rows; ++i) {
    double mean = 0, var = 0, g_mean = 0, g_along = 0;
    for (int64_t j = 0; j < n; ++j) mean += is_centered ? x(i, j) / count : 0;
    for (int64_t j = 0; j < n; ++j) var += (x(i, j) - mean) * (x(i, j) - mean) / count;
    const double scale = 1 / std::sqrt(var + eps);
    for (int64_t j = 0; j < n; ++j) {
      const auto at = static_cast<size_t>(j);
      const double xhat = (x(i, j) - mean) * scale, g = dy(i, j) * weight[at];
      r.y(i, j) = xhat * weight[at] + bias[at];
      r.dweight[at] += dy(i, j) * xhat;
      r.dbias[at] += dy(i, j);
      g_mean += is_centered ? g / count : 0;
      g_along += g * xhat / count;
    }
    for (int64_t j = 0; j < n; ++j) {
      r.dx(i, j) = scale * (dy(i, j) * weight[static_cast<size_t>(j)] - g_mean - (x(i, j) - mean) * scale * g_along);
    }
  }
  return r;
}

TEST(row_norm, agrees_with_plain_loops) {
  for (const auto& [rows, n] : {std::pair<int64_t, int64_t>{1, 1}, {3, 5}, {9, 64}, {130, 67}, {40, 1024}, {2, 9000}, {0, 4}, {700, 96}}) {
    for (const DType dtype : kFloats) {
      for (const bool is_centered : {true, false}) {
        for (int affine = 0; affine < 4; ++affine) {
          const cpu::RowNorm options{1e-3, is_centered, (affine & 1) != 0, (affine & 2) != 0};
          Sample x = random_sample(dtype, Shape{rows, n}, 1, 0.5), dy = random_sample(dtype, Shape{rows, n}, 2);
          Sample weight = random_sample(dtype, Shape{n}, 3, 1), bias = random_sample(dtype, Shape{n}, 4);
          const std::vector<double> ones(static_cast<size_t>(n), 1.0), zeros(static_cast<size_t>(n), 0.0);
          const RowNormResult want = row_norm({x.values(), n}, {dy.values(), n}, rows, options.has_weight ? weight.values() : ones,
                                              options.has_bias ? bias.values() : zeros, options.eps, is_centered);
          Sample y = sample(dtype, Shape{rows, n}, -7), dx = y, dweight = sample(dtype, Shape{n}, -7), dbias = dweight;
          std::vector<Sample*> forward = {&x}, backward = {&x, &dy};
          if (options.has_weight) forward.push_back(&weight), backward.push_back(&weight);
          if (options.has_bias) forward.push_back(&bias);
          forward.push_back(&y);
          backward.push_back(&dx);
          if (options.has_weight) backward.push_back(&dweight);
          if (options.has_bias) backward.push_back(&dbias);
          run_kernel(cpu::prepare_row_norm(dtype, rows, n, options), forward);
          run_kernel(cpu::prepare_row_norm_backward(dtype, rows, n, options), backward);
          expect_all_near(y, want.y.values, tolerance(dtype), "y");
          expect_all_near(dx, want.dx.values, tolerance(dtype), "dx");
          if (options.has_weight) expect_all_near(dweight, want.dweight, tolerance(dtype), "dweight");
          if (options.has_bias) expect_all_near(dbias, want.dbias, tolerance(dtype), "dbias");
        }
      }
    }
  }
}

TEST(row_norm, a_large_mean_costs_no_digits) {
  const int64_t n = 1000;
  Sample x = random_sample(float32, Shape{2, n}, 1, 20000), y = x;
  run_kernel(cpu::prepare_row_norm(float32, 2, n, {1e-5, true, false, false}), {&x, &y});
  const std::vector<double> ones(n, 1.0), zeros(n, 0.0);
  expect_all_near(y, row_norm({x.values(), n}, {x.values(), n}, 2, ones, zeros, 1e-5, true).y.values, 1e-6, "y");
}

TEST(row_norm, a_constant_row_gives_zeros) {
  Sample x = sample(float32, Shape{2, 33}, 12345.678), y = x;
  run_kernel(cpu::prepare_row_norm(float32, 2, 33, {1e-5, true, false, false}), {&x, &y});
  for (int64_t i = 0; i < 66; ++i) EXPECT_EQ(y.get(i), 0);
}

TEST(row_norm, nan_stays_in_its_row) {
  Sample x = random_sample(float32, Shape{2, 20}, 1), y = x;
  x.set(3, std::nan(""));
  run_kernel(cpu::prepare_row_norm(float32, 2, 20, {1e-5, true, false, false}), {&x, &y});
  EXPECT_TRUE(std::isnan(y.get(0)));
  EXPECT_FALSE(std::isnan(y.get(20)));
}

struct BatchNormResult {
  Matrix y, dx;
  std::vector<double> mean, var, dweight, dbias;
};
BatchNormResult batch_norm(Matrix x, Matrix dy, int64_t rows, const std::vector<double>& weight, const std::vector<double>& bias,
                           const std::vector<double>& dmean, const std::vector<double>& dvar, double eps) {
  const int64_t channels = x.columns;
  const double count = static_cast<double>(rows);
  const std::vector<double> none(static_cast<size_t>(channels));
  BatchNormResult r{x, x, none, none, none, none};
  for (int64_t j = 0; j < channels; ++j) {
    const auto at = static_cast<size_t>(j);
    for (int64_t i = 0; i < rows; ++i) r.mean[at] += x(i, j) / count;
    for (int64_t i = 0; i < rows; ++i) r.var[at] += (x(i, j) - r.mean[at]) * (x(i, j) - r.mean[at]) / count;
    const double scale = 1 / std::sqrt(r.var[at] + eps);
    for (int64_t i = 0; i < rows; ++i) {
      const double xhat = (x(i, j) - r.mean[at]) * scale;
      r.y(i, j) = xhat * weight[at] + bias[at];
      r.dweight[at] += dy(i, j) * xhat;
      r.dbias[at] += dy(i, j);
    }
    for (int64_t i = 0; i < rows; ++i) {
      const double c = x(i, j) - r.mean[at];
      r.dx(i, j) = weight[at] * scale * (dy(i, j) - r.dbias[at] / count - c * scale * r.dweight[at] / count) +
                   (dmean[at] + 2 * c * dvar[at]) / count;
    }
  }
  return r;
}

TEST(batch_norm, agrees_with_plain_loops) {
  for (const auto& [rows, channels] :
       {std::pair<int64_t, int64_t>{1, 1}, {7, 3}, {1000, 3}, {9, 64}, {130, 67}, {12001, 32}, {3000, 130}, {5, 9000}, {40000, 1}}) {
    for (const DType dtype : kFloats) {
      for (int affine = 0; affine < 4; ++affine) {
        const cpu::BatchNorm options{1e-3, (affine & 1) != 0, (affine & 2) != 0};
        if (affine == 1 && rows > 1000) continue;
        const Shape one{channels};
        Sample x = random_sample(dtype, Shape{rows, channels}, 1, 0.5), dy = random_sample(dtype, Shape{rows, channels}, 2);
        Sample weight = random_sample(dtype, one, 3, 1), bias = random_sample(dtype, one, 4);
        Sample dmean = random_sample(wide(dtype), one, 5), dvar = random_sample(wide(dtype), one, 6);
        const std::vector<double> ones(static_cast<size_t>(channels), 1.0), zeros(static_cast<size_t>(channels), 0.0);
        BatchNormResult want =
            batch_norm({x.values(), channels}, {dy.values(), channels}, rows, options.has_weight ? weight.values() : ones,
                       options.has_bias ? bias.values() : zeros, dmean.values(), dvar.values(), options.eps);
        Sample y = sample(dtype, x.layout.shape, -7), dx = y, mean = sample(wide(dtype), one, -7), var = mean;
        Sample dweight = sample(dtype, one, -7), dbias = dweight;
        std::vector<Sample*> forward = {&x};
        if (options.has_weight) forward.push_back(&weight);
        if (options.has_bias) forward.push_back(&bias);
        for (Sample* s : {&y, &mean, &var}) forward.push_back(s);
        run_kernel(cpu::prepare_batch_norm(dtype, rows, channels, options), forward);
        std::vector<Sample*> backward = {&x, &mean, &var, &dy, &dmean, &dvar};
        if (options.has_weight) backward.push_back(&weight);
        for (Sample* s : {&dx, &dweight, &dbias}) backward.push_back(s);
        run_kernel(cpu::prepare_batch_norm_backward(dtype, rows, channels, options), backward);
        expect_all_near(mean, want.mean, tolerance(wide(dtype)), "mean");
        expect_all_near(var, want.var, tolerance(wide(dtype)), "var");
        expect_all_near(y, want.y.values, tolerance(dtype), "y");
        expect_all_near(dx, want.dx.values, tolerance(dtype), "dx");
        expect_all_near(dweight, want.dweight, tolerance(dtype), "dweight");
        expect_all_near(dbias, want.dbias, tolerance(dtype), "dbias");
      }
    }
  }
}

TEST(batch_norm, a_large_mean_costs_no_digits) {
  const int64_t rows = 20000, channels = 5;
  Sample x = random_sample(float32, Shape{rows, channels}, 1, 10000), y = x, mean = sample(float32, Shape{channels}), var = mean;
  run_kernel(cpu::prepare_batch_norm(float32, rows, channels, {}), {&x, &y, &mean, &var});
  const std::vector<double> ones(channels, 1.0), zeros(channels, 0.0);
  const BatchNormResult want = batch_norm({x.values(), channels}, {x.values(), channels}, rows, ones, zeros, zeros, zeros, 1e-5);
  expect_all_near(var, want.var, 1e-6, "var");
  expect_all_near(y, want.y.values, 1e-6, "y");
}

TEST(batch_norm, bits_do_not_depend_on_the_number_of_threads) {
  const int before = threads();
  Sample x = random_sample(float32, Shape{30001, 7}, 1), y = x, z = x, mean = sample(float32, Shape{7}), var = mean;
  const auto kernel = cpu::prepare_batch_norm(float32, 30001, 7, {});
  set_threads(1);
  run_kernel(kernel, {&x, &y, &mean, &var});
  set_threads(3);
  run_kernel(kernel, {&x, &z, &mean, &var});
  set_threads(before);
  EXPECT_EQ(y.memory, z.memory);
}

TEST(batch_norm, of_no_rows_has_nan_statistics) {
  Sample x = sample(float32, Shape{0, 2}), y = x, mean = sample(float32, Shape{2}), var = mean;
  run_kernel(cpu::prepare_batch_norm(float32, 0, 2, {}), {&x, &y, &mean, &var});
  EXPECT_TRUE(std::isnan(mean.get(0)) && std::isnan(var.get(1)));
}

}  // namespace
}  // namespace gradus
