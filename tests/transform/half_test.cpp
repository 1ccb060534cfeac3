// Changes of 16-bit arrays that are used many times: their sum is rounded once. In bfloat16 a running sum of ones stops at 256, in float16
// at 2048.
#include <functional>

#include "gradus/gradus.hpp"
#include "tests/transform/support.hpp"

namespace gradus {
namespace {

using Function = std::function<Array(const Array&)>;

// The gradient of a function with slope `want` everywhere, in both dtypes, directly, through checkpoint and under vmap.
void expect_slope(const Function& f, double want, Shape shape = {3}) {
  for (const DType dtype : {bfloat16, float16}) {
    const Array x = ones(shape, dtype);
    const std::vector<double> all(static_cast<size_t>(x.size()), want);
    const double tolerance = dtype == bfloat16 ? 4e-3 : 5e-4;
    expect_values(grad(f)(x), all, tolerance);
    expect_values(grad([&](const Array& v) { return checkpoint(f)(v); })(x), all, tolerance);
    expect_values(vmap([&](const Array& v) { return grad(f)(v); })(stack({x, x}))[1], all, tolerance);
    expect_values(vjp(f, x).second(ones({}, dtype)), all, tolerance);
  }
}
// sum over i < count of term(i), added so that no sum of the values is rounded badly.
Array sum_of(int64_t count, const std::function<Array(int64_t)>& term) {
  std::vector<Array> terms;
  for (int64_t i = 0; i < count; ++i) terms.push_back(sum(term(i)));
  return sum(stack(terms));
}

TEST(Half, cotangents_of_3000_uses_are_rounded_once) {
  expect_slope([](const Array& x) { return sum_of(300, [&](int64_t) { return x; }); }, 300);
  expect_slope([](const Array& x) { return sum_of(3000, [&](int64_t) { return x; }); }, 3000);
  expect_slope([](const Array& x) { return sum_of(300, [&](int64_t i) { return i % 2 ? x * 2 : reshape(x, {3, 1}); }); }, 450);
  expect_slope([](const Array& x) { return sum_of(300, [&](int64_t) { return matmul(x, ones({3, 1}, x.dtype())); }); }, 300);
}

TEST(Half, cotangents_of_parts_and_of_the_whole_are_rounded_once) {
  expect_slope(
      [](const Array& x) {
        return sum_of(300, [&](int64_t i) { return x[slice(i % 2, 3)]; }) + sum_of(3, [&](int64_t) { return x[0]; }) * 50;
      },
      300, {1});
  const auto both = [](const Array& x) {
    return sum_of(300, [&](int64_t i) {
      switch (i % 4) {
        case 0: return x;
        case 1: return concatenate({x[slice(0, 1)], x[slice(1, 3)]});
        case 2: return take(x, array({0, 1, 2}), 0);
        default: return take_along_axis(x, array({2, 0, 1}), 0);
      }
    });
  };
  expect_slope(both, 300);
}

TEST(Half, cotangents_of_a_captured_array_are_summed_over_a_scan) {
  for (const int64_t part : {0, 1}) {
    expect_slope(
        [&](const Array& x) {
          const auto step = [&](const Array& total, const Array&) { return std::pair{total * 0, sum(part ? x[slice(0, 3)] : x) + total}; };
          return sum(scan(step, zeros({}, x.dtype()), zeros({3000}, x.dtype())).second);
        },
        3000);
  }
}

// Each of 300 slopes, 1 + 2^-10, lies between numbers of the dtype: they are rounded in the sum, not one by one.
TEST(Half, cotangents_are_not_rounded_before_they_are_summed) {
  const Array x = full({1}, 3, bfloat16);
  const auto f = [](const Array& v) { return sum_of(300, [&](int64_t) { return v * 0.7 / 0.7 * 1.005; }); };
  expect_values(grad(f)(x), {301.5}, 4e-3);
  // x^3 / 3 - 8 x: slope 1 at 3, of parts 9 and -8, with the second slope 6.
  const auto g = [](const Array& v) { return sum(v * v * v / 3 - 8 * v); };
  expect_values(grad([&](const Array& v) { return sum(grad(g)(v)); })(x), {6}, 4e-3);
}

// What the caller has rounded is the same whether it has been evaluated or not.
TEST(Half, bits_do_not_depend_on_whether_the_cotangent_was_evaluated) {
  const Array x = full({1000}, 1.5, bfloat16);
  const auto f = [](const Array& v) { return v * 1.25 + square(v); };
  const Array cotangent = arange(1000).astype(float32) * 0.0123f;
  const Array pending = cotangent.astype(bfloat16), ready = cotangent.astype(bfloat16).eval();
  EXPECT_TRUE(array_equal(vjp(f, x).second(pending), vjp(f, x).second(ready)));
  EXPECT_TRUE(array_equal(vjp([](const Array& v) { return stack({v, v}); }, x).second(stack({pending, pending})),
                          vjp([](const Array& v) { return stack({v, v}); }, x).second(stack({ready, ready}))));
}

}  // namespace
}  // namespace gradus
