#include "gradus/ops/reduce.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/cumulative.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/grad.hpp"
#include "gradus/transform/jacobian.hpp"
#include "gradus/transform/vjp.hpp"

namespace gradus {
namespace {

using Doubles = std::vector<double>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

Doubles values(const Array& x) { return x.to_vector<double>(); }
std::string problem(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
Array six() { return array({{1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}}); }

TEST(reduce, axes_are_counted_from_both_ends_and_keepdims_keeps_them) {
  EXPECT_EQ(sum(six()).item(), 21);
  EXPECT_EQ(values(sum(six(), 0)), (Doubles{5, 7, 9}));
  EXPECT_EQ(values(sum(six(), -1)), (Doubles{6, 15}));
  EXPECT_EQ(sum(six(), {0, 1}).item(), 21);
  EXPECT_EQ(sum(six(), {-1, 0}, keepdims).shape(), (Shape{1, 1}));
  EXPECT_EQ(mean(six(), -1, keepdims).shape(), (Shape{2, 1}));
  EXPECT_EQ(values(mean(six(), 0)), (Doubles{2.5, 3.5, 4.5}));
}

TEST(reduce, braces_without_an_axis_reduce_nothing) {
  EXPECT_EQ(values(sum(six(), {})), values(six()));
  EXPECT_EQ(values(max(six(), {})), values(six()));
  EXPECT_EQ(values(var(six(), {})), Doubles(6, 0.0));
  EXPECT_EQ(sum(array({true, true}), {}).dtype(), int64);
}

TEST(reduce, a_number_is_its_own_sum) {
  const Array x = array(3.5);
  EXPECT_EQ(sum(x).item(), 3.5);
  EXPECT_EQ(max(x).item(), 3.5);
  EXPECT_EQ(argmax(x).item(), 0);
}

TEST(reduce, sums_of_integers_and_bools_are_int64_and_means_float32) {
  const Array bytes = array({200, 100}, uint8);
  EXPECT_EQ(sum(bytes).dtype(), int64);
  EXPECT_EQ(sum(bytes).item(), 300);
  EXPECT_EQ(prod(bytes).item(), 20000);
  EXPECT_EQ(mean(bytes).dtype(), float32);
  EXPECT_EQ(mean(bytes).item(), 150);
  EXPECT_EQ(max(bytes).dtype(), uint8);
  EXPECT_EQ(sum(array({true, false, true})).item(), 2);
  EXPECT_EQ(var(array({1, 3})).dtype(), float32);
  EXPECT_EQ(sum(six().astype(bfloat16)).dtype(), bfloat16);
}

TEST(reduce, of_nothing) {
  const Array none = zeros({0});
  EXPECT_EQ(sum(none).item(), 0);
  EXPECT_EQ(prod(none).item(), 1);
  EXPECT_TRUE(std::isnan(mean(none).item()));
  EXPECT_FALSE(any(none).item<bool>());
  EXPECT_TRUE(all(none).item<bool>());
  EXPECT_EQ(logsumexp(none).item(), -kInf);
  EXPECT_EQ(values(sum(zeros({0, 2}), 0)), (Doubles{0, 0}));
  EXPECT_EQ(max(zeros({0, 2}), 1).shape(), (Shape{0}));
}

TEST(reduce, the_maximum_of_nothing_is_an_error) {
  EXPECT_EQ(problem([] { max(zeros({3, 0}), 1); }), "max: x is (3, 0) and axes (1,) have no elements; at least one is needed");
  EXPECT_EQ(problem([] { argmin(zeros({0})); }), "argmin: x is (0,) and axes (0,) have no elements; at least one is needed");
}

TEST(reduce, wrong_axes_are_errors_at_the_call) {
  EXPECT_NE(problem([] { sum(six(), 2); }), "no error");
  EXPECT_NE(problem([] { sum(six(), {0, -2}); }), "no error");
  EXPECT_NE(problem([] { argmax(six(), -3); }), "no error");
  EXPECT_NE(problem([] { var(six(), 0, {.ddof = -1}); }), "no error");
}

TEST(reduce, nan_wins) {
  const Array x = array({1.0, kNan, 3.0});
  EXPECT_TRUE(std::isnan(max(x).item()));
  EXPECT_TRUE(std::isnan(min(x).item()));
  EXPECT_EQ(argmax(x).item(), 1);
  EXPECT_EQ(argmin(x).item(), 1);
  EXPECT_EQ(nansum(x).item(), 4);
  EXPECT_EQ(nanmean(x).item(), 2);
  EXPECT_TRUE(all(x).item<bool>());
}

TEST(reduce, positions_are_row_major_or_along_an_axis) {
  const Array x = array({{1.0, 9.0, 3.0}, {7.0, 2.0, 9.0}});
  EXPECT_EQ(argmax(x).item(), 1);
  EXPECT_EQ(values(argmax(x, 0)), (Doubles{1, 0, 1}));
  EXPECT_EQ(argmax(x, 1, keepdims).shape(), (Shape{2, 1}));
  const auto [largest, at] = max_with_index(x, 1);
  EXPECT_EQ(values(largest), (Doubles{9, 9}));
  EXPECT_EQ(values(at), (Doubles{1, 2}));
}

TEST(reduce, variance_divides_by_count_minus_ddof) {
  const Array x = array({1.0, 2.0, 3.0, 6.0});
  EXPECT_DOUBLE_EQ(var(x).item(), 3.5);
  EXPECT_FLOAT_EQ(static_cast<float>(var(x, 0, {.ddof = 1}).item()), static_cast<float>(14.0 / 3));
  EXPECT_FLOAT_EQ(static_cast<float>(stddev(x).item()), std::sqrt(3.5f));
  EXPECT_FLOAT_EQ(static_cast<float>(gradus::std(x, 0).item()), std::sqrt(3.5f));
  EXPECT_TRUE(std::isnan(var(array({1.0}), 0, {.ddof = 1}).item()));
  EXPECT_EQ(stddev(array({5.0, 5.0})).item(), 0);
  EXPECT_EQ(var(six(), {0, 1}, {.keep = keepdims}).shape(), (Shape{1, 1}));
}

TEST(reduce, views_are_reduced_as_they_lie) {
  const Array x = six();
  EXPECT_EQ(values(sum(transpose(x), 0)), (Doubles{6, 15}));
  EXPECT_EQ(values(max(flip(x), 1)), (Doubles{6, 3}));
  EXPECT_EQ(values(sum(broadcast_to(array({1.0, 2.0}), {1000, 2}), 0)), (Doubles{1000, 2000}));
}

TEST(reduce, logsumexp_does_not_overflow) {
  EXPECT_NEAR(logsumexp(array({1000.0, 1000.0})).item(), 1000 + std::log(2.0), 1e-4);
  EXPECT_EQ(logsumexp(array({-kInf, -kInf})).item(), -kInf);
  EXPECT_EQ(logsumexp(array({kInf, 1.0})).item(), kInf);
}

TEST(reduce, counts_what_is_not_zero) {
  EXPECT_EQ(count_nonzero(array({0.0, 2.0, kNan})).item(), 2);
  EXPECT_EQ(values(count_nonzero(array({{0, 1}, {2, 3}}), 0)), (Doubles{1, 2}));
}

TEST(cumulative, totals_run_along_an_axis_or_the_flat_array) {
  EXPECT_EQ(values(cumsum(array({1, 2, 3}), 0)), (Doubles{1, 3, 6}));
  EXPECT_EQ(values(cumsum(six())), (Doubles{1, 3, 6, 10, 15, 21}));
  EXPECT_EQ(values(cumsum(six(), 0)), (Doubles{1, 2, 3, 5, 7, 9}));
  EXPECT_EQ(values(cumprod(six(), -1)), (Doubles{1, 2, 6, 4, 20, 120}));
  EXPECT_EQ(cumsum(array({true, true})).dtype(), int64);
  EXPECT_EQ(cumsum(zeros({2, 0}), 1).shape(), (Shape{2, 0}));
  EXPECT_EQ(cumsum(zeros({0, 2}), 1).shape(), (Shape{0, 2}));
}

TEST(cumulative, log_sums_of_minus_infinity_and_nan) {
  const Doubles y = values(logcumsumexp(array({-kInf, 0.0, 0.0, kInf, 1.0, kNan, 0.0}, float64), 0));
  EXPECT_EQ(y[0], -kInf);
  EXPECT_EQ(y[1], 0);
  EXPECT_NEAR(y[2], std::log(2.0), 1e-15);
  EXPECT_EQ(y[3], kInf);
  EXPECT_EQ(y[4], kInf);
  EXPECT_TRUE(std::isnan(y[5]) && std::isnan(y[6]));
}

// As for logsumexp of nothing but -infinity: what has no weight takes no part, whatever the sum is.
TEST(cumulative, minus_infinity_has_no_share_in_log_sums) {
  const auto slope = [](const Array& x) { return grad([](const Array& v) { return sum(logcumsumexp(v, 0)); })(x); };
  for (const DType dtype : {float16, bfloat16, float32, float64}) {
    EXPECT_EQ(values(slope(array({-kInf, -kInf, 0.0, 0.0}, dtype))), (Doubles{0, 0, 1.5, 0.5}));
    EXPECT_EQ(values(slope(array({-kInf}, dtype))), Doubles{0});
    EXPECT_EQ(values(grad([](const Array& v) { return logsumexp(v); })(array({-kInf, -kInf}, dtype))), (Doubles{0, 0}));
  }
  const Array x = array({-kInf, 0.0, 0.0}, float64);
  EXPECT_EQ(values(hessian([](const Array& v) { return logcumsumexp(v, 0)[2]; })(x)), (Doubles{0, 0, 0, 0, 0.25, -0.25, 0, -0.25, 0.25}));
  EXPECT_EQ(values(jvp([](const Array& v) { return logcumsumexp(v, 0); }, x, ones_like(x)).second), (Doubles{0, 1, 1}));
}

// Dividing the product by an element, as is often done, gives NaN beside a zero.
TEST(cumulative, slopes_of_running_products_pass_zeros) {
  const auto slope = [](const Array& x) { return grad([](const Array& v) { return sum(cumprod(v, 0)); })(x); };
  EXPECT_EQ(values(slope(array({2.0, 0.0, 3.0, 4.0}))), (Doubles{1, 32, 0, 0}));
  EXPECT_EQ(values(slope(array({0.0, 0.0, 3.0, 4.0}))), (Doubles{1, 0, 0, 0}));
  const auto second = hessian([](const Array& v) { return sum(cumprod(v, 0)); });
  EXPECT_EQ(values(second(array({2.0, 0.0, 3.0}, float64))), (Doubles{0, 4, 0, 4, 0, 2, 0, 2, 0}));
  EXPECT_EQ(values(second(array({0.0, 0.0, 3.0}, float64))), (Doubles{0, 4, 0, 4, 0, 0, 0, 0, 0}));
  EXPECT_EQ(values(hessian([](const Array& v) { return prod(v); })(array({0.0, 0.0, 3.0}, float64))), (Doubles{0, 3, 0, 3, 0, 0, 0, 0, 0}));
}

TEST(cumulative, extremes_so_far_with_their_positions) {
  const auto [largest, at] = cummax(array({1.0, 3.0, 2.0, 3.0, 5.0}), 0);
  EXPECT_EQ(values(largest), (Doubles{1, 3, 3, 3, 5}));
  EXPECT_EQ(values(at), (Doubles{0, 1, 1, 3, 4}));
}

}  // namespace
}  // namespace gradus
