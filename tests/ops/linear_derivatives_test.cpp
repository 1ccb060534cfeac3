// Derivatives and batching of products, convolutions and pooling: first and second order against differences, vmap against a loop.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

#include "gradus/gradus.hpp"
#include "gradus/transform/vjp.hpp"
#include "gradus/transform/vmap.hpp"

namespace gradus {

using namespace core;
namespace {

using Two = std::function<Array(const Array&, const Array&)>;

Array drawn(const Shape& shape, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (double& value : values) value = std::uniform_real_distribution<double>(-1, 1)(random);
  return array(values, shape);
}

// Every derivative of sum(tanh(f(a, b)) * weight), of its own gradients, forwards and backwards, in the direction (u, v).
void check_orders(const Two& f, const Shape& a_shape, const Shape& b_shape) {
  const Array a = drawn(a_shape, 1), b = drawn(b_shape, 2), u = drawn(a_shape, 3), v = drawn(b_shape, 4);
  const Array weight = drawn(f(a, b).shape(), 5);
  const auto first = [&](const Array& x, const Array& y) { return sum(tanh(f(x, y)) * weight); };
  const auto slope = [&](const Array& x, const Array& y) {
    const auto grads = grad(first)(x, y);
    return sum(grads[0] * u) + sum(grads[1] * v);
  };
  const auto curve = [&](const Array& x, const Array& y) {
    const auto grads = grad(slope)(x, y);
    return sum(grads[0] * u) + sum(grads[1] * v);
  };
  const double h = 1e-5;
  const auto difference = [&](const auto& g) { return (g(a + h * u, b + h * v).item() - g(a - h * u, b - h * v).item()) / (2 * h); };
  const double want_slope = difference(first), got_slope = slope(a, b).item();
  EXPECT_NEAR(got_slope, want_slope, 1e-7 * (1 + std::abs(want_slope)));
  const double want_curve = difference(slope), got_curve = curve(a, b).item();
  EXPECT_NEAR(got_curve, want_curve, 1e-7 * (1 + std::abs(want_curve)));
  const auto [value, tangent] = jvp(first, args(a, b), args(u, v));
  EXPECT_NEAR(tangent.item(), want_slope, 1e-7 * (1 + std::abs(want_slope)));
  const auto [forward, second] = jvp(slope, args(a, b), args(u, v));
  EXPECT_NEAR(second.item(), want_curve, 1e-7 * (1 + std::abs(want_curve)));
}

void expect_equal(const Array& got, const Array& want) {
  ASSERT_EQ(got.shape(), want.shape());
  const std::vector<double> g = got.to_vector<double>(), w = want.to_vector<double>();
  for (size_t i = 0; i < g.size(); ++i) ASSERT_NEAR(g[i], w[i], 1e-11 * (1 + std::abs(w[i]))) << i;
}

// vmap of f, and of its gradients for each example, with either argument or both batched, against a loop.
void check_batches(const Two& f, const Shape& a_shape, const Shape& b_shape) {
  const auto batch_of = [](const Shape& shape, unsigned seed) {
    Dims sizes{3};
    for (const int64_t size : shape) sizes.push_back(size);
    return drawn(Shape(sizes), seed);
  };
  const Array a = drawn(a_shape, 1), b = drawn(b_shape, 2), as = batch_of(a_shape, 3), bs = batch_of(b_shape, 4);
  const auto objective = [&](const Array& x, const Array& y) { return sum(tanh(f(x, y))); };
  const auto by_loop = [&](const auto& call, const Array& x, const Array& y) {
    std::vector<Array> out;
    for (int64_t i = 0; i < 3; ++i) out.push_back(call(x.rank() > a.rank() ? x[i] : x, y.rank() > b.rank() ? y[i] : y));
    return stack(out);
  };
  const auto grad_a = grad<0>(objective);
  const auto grad_b = grad<1>(objective);
  const auto all = [&](const Array& x, const Array& y, BatchAxis along_x, BatchAxis along_y) {
    expect_equal(vmap(f, {along_x, along_y})(x, y), by_loop(f, x, y));
    expect_equal(vmap(grad_a, {along_x, along_y})(x, y), by_loop(grad_a, x, y));
    expect_equal(vmap(grad_b, {along_x, along_y})(x, y), by_loop(grad_b, x, y));
  };
  all(as, bs, 0, 0);
  all(as, b, 0, whole);
  all(a, bs, whole, 0);
}

void check(const Two& f, const Shape& a_shape, const Shape& b_shape) {
  check_orders(f, a_shape, b_shape);
  check_batches(f, a_shape, b_shape);
}

TEST(LinearDerivatives, matmul) {
  const auto f = [](const Array& a, const Array& b) { return matmul(a, b); };
  check(f, {3, 4}, {4, 2});
  check(f, {4}, {4, 2});
  check(f, {3, 4}, {4});
  check(f, {4}, {4});
  check(f, {2, 3, 4}, {4, 2});
  check(f, {3, 4}, {2, 4, 2});
  check(f, {2, 1, 3, 4}, {5, 4, 2});
}

TEST(LinearDerivatives, einsum) {
  check([](const Array& a, const Array& b) { return einsum("ii,ij->j", a, b); }, {3, 3}, {3, 2});
  check([](const Array& a, const Array& b) { return einsum("bij,bjk->kb", a, b); }, {2, 3, 4}, {2, 4, 2});
  check([](const Array& a, const Array& b) { return einsum("...i,...i->...", a, b); }, {2, 3}, {2, 3});
  check([](const Array& a, const Array& b) { return einsum("ij,kl->li", a, b); }, {2, 3}, {2, 3});
}

TEST(LinearDerivatives, conv) {
  const auto with = [](const Conv2DOptions& options) {
    return [options](const Array& x, const Array& w) { return conv2d(x, w, options); };
  };
  check(with({}), {2, 5, 4, 3}, {3, 2, 3, 2});
  check(with({.strides = {2, 1}, .padding = same, .dilation = {1, 2}}), {1, 6, 5, 2}, {3, 2, 2, 3});
  check(with({.strides = 2, .padding = {{1, 2}, {0, 1}}, .groups = 2}), {2, 5, 6, 4}, {2, 3, 2, 6});
  check([](const Array& x, const Array& w) { return conv1d(x, w, {.padding = 1}); }, {2, 5, 3}, {3, 3, 2});
  check([](const Array& x, const Array& w) { return conv3d(x, w, {.strides = 2}); }, {1, 3, 4, 5, 2}, {2, 2, 3, 2, 2});
}

TEST(LinearDerivatives, conv_transpose) {
  const auto with = [](const ConvTranspose2DOptions& options) {
    return [options](const Array& x, const Array& w) { return conv_transpose2d(x, w, options); };
  };
  check(with({}), {2, 3, 4, 3}, {3, 2, 2, 3});
  check(with({.strides = {2, 3}, .padding = 1, .output_padding = {1, 2}, .groups = 2}), {1, 3, 3, 4}, {3, 3, 2, 4});
  check(with({.output_padding = {1, 0}, .dilation = 2}), {1, 3, 3, 2}, {2, 2, 2, 2});
}

TEST(LinearDerivatives, pool) {
  // The second argument scales, so that both have derivatives.
  const auto over = [](auto pool) { return [pool](const Array& x, const Array& s) { return pool(x * s); }; };
  check(over([](const Array& x) { return max_pool2d(x, 2); }), {2, 4, 5, 3}, {3});
  check(over([](const Array& x) { return max_pool2d(x, {3, 2}, {.strides = 1, .padding = same, .dilation = {1, 2}}); }), {1, 4, 5, 2}, {2});
  check(over([](const Array& x) {
          return average_pool2d(x, {3, 2}, {.strides = {1, 2}, .padding = 1, .round_up = true});
        }),
        {2, 4, 5, 3}, {3});
  check(over([](const Array& x) { return adaptive_max_pool2d(x, {2, 3}); }), {2, 4, 5, 3}, {3});
  check(over([](const Array& x) { return adaptive_average_pool1d(x, 3); }), {2, 5, 3}, {3});
}

TEST(LinearDerivatives, norms) {
  const auto f = [](const Array& a, const Array& b) { return linalg::norm(a * b, -1) + linalg::vector_norm(a + b, 3, -1); };
  check(f, {3, 4}, {4});
  const Array at_zero = grad([](const Array& x) { return linalg::norm(x); })(zeros(3));
  EXPECT_EQ(at_zero.to_vector<double>(), (std::vector<double>{0, 0, 0}));
}

}  // namespace
}  // namespace gradus
