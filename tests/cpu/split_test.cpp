// Products of float32 by tiles of bfloat16 parts: at least as accurate as a chain of float32's, and the same where numbers leave its range.
#include "gradus/cpu/matrix/split.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "gradus/base/threads.hpp"
#include "gradus/cpu/matrix/matmul.hpp"
#include "gradus/cpu/matrix/parts.hpp"
#include "tests/cpu/random_data.hpp"

namespace gradus::cpu {

using namespace core;
namespace {

using test::Data;

constexpr float kInf = std::numeric_limits<float>::infinity();

// A product of normal numbers, a and b by rows or by columns, with a bias perhaps.
struct Case {
  int64_t m, n, k;
  bool is_a_turned = false, is_b_turned = false;
  Epilogue epilogue{};
  int64_t batch = 1;

  Layout a() const { return lay(m, k, is_a_turned); }
  Layout b() const { return lay(k, n, is_b_turned); }
  Layout out() const { return lay(m, n, false); }

 private:
  Layout lay(int64_t rows, int64_t columns, bool is_turned) const {
    return {float32, {batch, rows, columns}, {rows * columns, is_turned ? 1 : columns, is_turned ? rows : 1}};
  }
};

class Product {
 public:
  explicit Product(const Case& shape)
      : shape(shape), a(shape.a(), 1), b(shape.b(), 2), bias(float32, Shape{shape.n}, 3), out(shape.out(), 4) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    for (const auto& [data, size] : {std::pair{&a, shape.m * shape.k}, std::pair{&b, shape.k * shape.n}}) {
      for (int64_t i = 0; i < shape.batch * size; ++i) static_cast<float*>(data->data())[i] = normal(random);
    }
  }
  float& left(int64_t i, int64_t p) { return static_cast<float*>(a.data())[i * a.layout().strides[1] + p * a.layout().strides[2]]; }
  float& right(int64_t p, int64_t j) { return static_cast<float*>(b.data())[p * b.layout().strides[1] + j * b.layout().strides[2]]; }
  float result(int64_t i, int64_t j) const { return static_cast<const float*>(out.data())[i * shape.n + j]; }

  void run() {
    std::vector<void*> pointers{a.data(), b.data()};
    if (shape.epilogue.has_bias) pointers.push_back(bias.data());
    pointers.push_back(out.data());
    Products x;
    x.m = shape.m, x.n = shape.n, x.k = shape.k;
    x.a_row = a.layout().strides[1], x.a_column = a.layout().strides[2];
    x.b_row = b.layout().strides[1], x.b_column = b.layout().strides[2];
    if (shape.batch > 1) x.batch = {shape.batch}, x.a_batch = {shape.m * shape.k}, x.b_batch = {shape.k * shape.n};
    const KernelPtr kernel =
        has_parts() ? prepare_split(x, shape.epilogue, false) : prepare_matmul(a.layout(), b.layout(), out.layout(), shape.epilogue);
    ASSERT_TRUE(test::run(kernel, pointers).is_ok);
  }
  // Root of the mean square of errors over |a| |b|, of this product and of chains of float32, at every `step`th element.
  std::pair<double, double> errors(int64_t step) {
    double mine = 0, chains = 0;
    for (int64_t at = 0; at < shape.batch * shape.m * shape.n; at += step) {
      const int64_t item = at / (shape.m * shape.n), i = at / shape.n % shape.m, j = at % shape.n;
      const float *x = &left(i, 0) + item * shape.m * shape.k, *y = &right(0, j) + item * shape.k * shape.n;
      double sum = 0, size = 0;
      float chain = 0;
      for (int64_t p = 0; p < shape.k; ++p) {
        const float one = x[p * a.layout().strides[2]], two = y[p * b.layout().strides[1]];
        sum += static_cast<double>(one) * two;
        size += std::abs(static_cast<double>(one) * two);
        chain = std::fma(one, two, chain);
      }
      if (shape.epilogue.has_bias) sum += bias[j];
      if (shape.epilogue.activation == Activation::relu) sum = std::max(sum, 0.0), chain = std::max(chain, 0.0f);
      mine += std::pow((static_cast<const float*>(out.data())[at] - sum) / size, 2);
      chains += std::pow((static_cast<double>(chain) + (shape.epilogue.has_bias ? bias[j] : 0) - sum) / size, 2);
    }
    return {std::sqrt(mine), std::sqrt(chains)};
  }

  Case shape;
  Data a, b, bias, out;
};

TEST(Split, is_more_accurate_than_chains_of_float32) {
  int64_t step = 7;
  for (const bool is_a_turned : {false, true})
    for (const bool is_b_turned : {false, true})
      for (const Case& shape :
           {Case{64, 64, 64}, Case{20, 25, 40}, Case{100, 50, 66}, Case{33, 113, 70}, Case{200, 72, 515}, Case{49, 81, 1100},
            Case{450, 90, 40}, Case{90, 430, 300}, Case{48, 72, 600, false, false, {}, 20}, Case{70, 100, 96, false, false, {}, 3}}) {
        Product product({shape.m, shape.n, shape.k, is_a_turned, is_b_turned, {}, shape.batch});
        product.run();
        const auto [mine, chains] = product.errors(step++);
        EXPECT_LT(mine, (has_parts() ? 0.75 : 1.5) * chains)
            << shape.m << " " << shape.n << " " << shape.k << " " << is_a_turned << is_b_turned;
      }
}

TEST(Split, deep_products_come_in_slabs) {
  for (const Case& shape : {Case{40, 32, 20000}, Case{200, 210, 16500, true}}) {
    Product product(shape);
    product.run();
    const auto [mine, chains] = product.errors(97);
    EXPECT_LT(mine, 1.5 * chains);
  }
}

TEST(Split, bias_and_activation_follow_the_last_of_the_depth) {
  for (const int64_t n : {64, 81, 100})
    for (const int64_t k : {64, 700}) {
      Product product({70, n, k, false, false, {true, Activation::relu}});
      product.run();
      const auto [mine, chains] = product.errors(3);
      EXPECT_LT(mine, 1.5 * chains) << n << " " << k;
      EXPECT_GT(chains, 0);
    }
}

// Blocks with such numbers are computed in float32: results are those of plain loops.
TEST(Split, infinities_nan_and_extreme_numbers) {
  constexpr float largest = std::numeric_limits<float>::max(), denormal = std::numeric_limits<float>::denorm_min();
  for (const bool is_turned : {false, true}) {
    Product product({80, 130, 64, is_turned, is_turned});
    const auto fill_row = [&](int64_t i, float value) {
      for (int64_t p = 0; p < 64; ++p) product.left(i, p) = value;
    };
    for (int64_t p = 0; p < 64; ++p) product.right(p, 5) = 1, product.right(p, 6) = 0;
    product.left(3, 7) = kInf;
    product.left(4, 8) = NAN;
    fill_row(40, 0);
    product.left(40, 1) = largest;
    fill_row(41, 0);
    fill_row(70, 3 * denormal);  // the only rows of their panel that are not 0
    for (int64_t i = 64; i < 80; ++i)
      if (i != 70) fill_row(i, 0);
    product.run();
    EXPECT_EQ(product.result(3, 5), kInf);
    EXPECT_TRUE(std::isnan(product.result(3, 6)));  // infinity times 0
    EXPECT_TRUE(std::isnan(product.result(4, 5)));
    EXPECT_TRUE(std::isnan(product.result(4, 90)));
    EXPECT_EQ(product.result(40, 5), largest);
    EXPECT_EQ(product.result(40, 6), 0);
    EXPECT_EQ(product.result(41, 5), 0);
    EXPECT_EQ(product.result(70, 5), 192 * denormal);
    EXPECT_EQ(product.result(71, 5), 0);
    for (int64_t j = 0; j < 96; ++j) {
      double sum = 0;
      for (int64_t p = 0; p < 64; ++p) sum += static_cast<double>(product.left(10, p)) * product.right(p, j);
      ASSERT_NEAR(product.result(10, j), sum, 1e-5);  // beside an infinity and a NaN
    }
  }
}
// The same digits at every scale at which float32 has them.
TEST(Split, scales_that_are_powers_of_two_change_no_more_than_exponents) {
  Product one({64, 100, 96});
  one.run();
  const std::pair<int, int> exponents[] = {{-120, 0}, {-60, 0}, {60, 0}, {100, 0}, {-60, -60}, {-115, 60}, {60, -115}, {60, 55}};
  for (const auto& [of_a, of_b] : exponents) {
    Product scaled({64, 100, 96});
    for (int64_t i = 0; i < 64; ++i)
      for (int64_t p = 0; p < 96; ++p) scaled.left(i, p) = std::ldexp(scaled.left(i, p), of_a);
    for (int64_t p = 0; p < 96; ++p)
      for (int64_t j = 0; j < 100; ++j) scaled.right(p, j) = std::ldexp(scaled.right(p, j), of_b);
    scaled.run();
    for (int64_t i = 0; i < 64; ++i) {
      for (int64_t j = 0; j < 100; ++j) {
        ASSERT_NEAR(std::ldexp(static_cast<double>(scaled.result(i, j)), -of_a - of_b), one.result(i, j), 2e-5) << of_a << " " << of_b;
      }
    }
  }
}
// The largest magnitudes are no bfloat16 numbers: their first part would be an infinity.
TEST(Split, numbers_that_round_to_infinity_beside_small_ones) {
  constexpr float largest = std::numeric_limits<float>::max();
  for (const float other : {0.0f, 1e-12f, 1e-30f}) {
    Product product({96, 130, 64});
    for (int64_t i = 0; i < 96 * 64; ++i) static_cast<float*>(product.a.data())[i] = other;
    for (int64_t p = 0; p < 64; ++p) product.right(p, 7) = -largest;
    product.run();
    EXPECT_NEAR(product.result(33, 7), -64 * (other * largest), 64 * 1e-6 * (other * largest));
    EXPECT_TRUE(std::isfinite(product.result(33, 8)));
  }
}
TEST(Split, an_infinity_beside_zeros_and_small_numbers) {
  Product product({96, 130, 64});
  std::memset(product.b.data(), 0, 64 * 130 * sizeof(float));
  product.left(20, 3) = kInf;
  product.run();
  EXPECT_TRUE(std::isnan(product.result(20, 40)));
  EXPECT_EQ(product.result(40, 40), 0);
  Product small({96, 130, 64});
  for (int64_t i = 0; i < 64 * 130; ++i) static_cast<float*>(small.b.data())[i] = 0x1p-40f;
  small.left(20, 3) = kInf;
  small.run();
  EXPECT_EQ(small.result(20, 40), kInf);
  EXPECT_TRUE(std::isfinite(small.result(21, 40)));
}

TEST(Split, threads_do_not_change_bits) {
  const int before = threads();
  for (const Case& shape : {Case{300, 200, 700}, Case{128, 512, 2048, true}, Case{64, 384, 384}, Case{64, 64, 64, false, false, {}, 9}}) {
    if (!has_parts()) GTEST_SKIP() << "this processor has no AMX";
    Product one(shape), three(shape);
    set_threads(1);
    one.run();
    set_threads(3);
    three.run();
    EXPECT_EQ(std::memcmp(one.out.data(), three.out.data(), static_cast<size_t>(one.out.layout().bytes())), 0) << shape.m;
  }
  set_threads(before);
}

}  // namespace
}  // namespace gradus::cpu
