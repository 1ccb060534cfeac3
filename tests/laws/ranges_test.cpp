// Laws of numbers: float16, bfloat16 and float32 against float64, in value and slope, also where squares, sums and counts leave the range
// of a dtype; no NaN in a slope where the value is a number; at zeros, which many functions treat apart, derivatives agree with
// differences.
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "gradus/base/error.hpp"
#include "tests/laws/driver.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

class ranges : public EachFamily {};
GRADUS_ON_ALL_FAMILIES(ranges);

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What a law does not ask of an op, and why.
struct Exception {
  std::string_view law, op, reason;
};
constexpr Exception kExceptions[] = {
    {"16 bits", "digamma", "a sample subtracts two that are nearly equal"},
    {"16 bits", "polygamma", "a sample subtracts two that are nearly equal"},
    {"16 bits", "erfinv", "a sample undoes erf: its second slope is a difference, wanted 0"},
    {"16 bits", "scan", "a loop of the sample's own ops, each of which rounds"},
    {"16 bits", "checkpoint", "a chain of the sample's own ops, each of which rounds"},
    {"16 bits", "attention", "with all the weight on one key slopes of scores are differences of equal numbers, wanted 0"},
    {"16 bits", "attention_backward", "with all the weight on one key slopes of scores are differences of equal numbers, wanted 0"},
    {"float32", "attention", "scores are products of two numbers near the end of the range, so out of it"},
    {"float32", "attention_backward", "scores are products of two numbers near the end of the range, so out of it"},
    {"float32", "softmax", "the second slope is a difference of equal shares, wanted 0"},
    {"float32", "ctc_loss", "the second slope is a difference of equal shares, wanted 0"},
    {"float32", "stddev", "the second slope of one or two numbers is a difference, wanted 0"},
    {"float32", "matmul", "products out of range cancel, and a function of the sample's own sees which is left"},
    {"float32", "scan", "a loop of the sample's own ops on sums that cancel"},
    {"float32", "checkpoint", "a chain of the sample's own ops, with slopes out of range"},
    {"float32", "power", "x^(y-2) of the second slope is out of range where y times it is not"},
    {"float32", "layer_norm_backward", "the cotangent and the weight are large, their product is out of range"},
    {"float32", "rms_norm_backward", "the cotangent and the weight are large, their product is out of range"},
    {"float32", "batch_norm_backward", "the cotangent and x are large, their product is out of range"},
    {"float32", "simple_rnn", "products out of range cancel in its sums"},
    {"float32", "simple_rnn_backward", "products out of range cancel in its sums"},
    {"float32", "lstm", "products out of range cancel in its sums"},
    {"float32", "lstm_backward", "products out of range cancel in its sums"},
    {"float32", "gru", "products out of range cancel in its sums"},
    {"float32", "gru_backward", "products out of range cancel in its sums"},
    {"float64", "scan", "a loop of the sample's own ops, with slopes out of range"},
    {"nan", "power", "of two infinities at once"},
    {"nan", "relu", "a sample multiplies two infinities"},
    {"nan", "matmul", "a sample subtracts infinities"},
    {"nan", "adam_update", "the root of a second moment of 0 has an infinite slope"},
    {"zero", "copysign", "it jumps where its second operand is 0"},
    {"zero", "stop_gradient", "its derivative is not that of its value"},
    {"zero", "mixed_matmul", "it rounds its operands: its value goes in steps"},
};
bool is_excepted(std::string_view law, const Sample& sample) {
  for (const Exception& exception : kExceptions)
    if (exception.law == law && exception.op == sample.op) return true;
  return false;
}

Arrays cast(Arrays arrays, DType dtype) {
  for (Array& x : arrays) x = x.exists() ? x.astype(dtype).eval() : x;
  return arrays;
}
// The outputs that derivatives can see, and their derivatives of order one and two, with random cotangents of the dtype `rounded`.
struct Derived {
  Arrays values, first, second;
};
Derived derive(const Sample& sample, DType rounded, int order) {
  const Smooth f(sample);
  Derived out;
  out.values = f(f.x);
  if (order < 1 || sample.orders < 1 || !sample.has_reverse) return out;
  const auto like = [&](const Arrays& xs, unsigned seed) {
    Arrays changes = cast(random_like(cast(xs, float64), seed), rounded);
    for (size_t i = 0; i < xs.size(); ++i) changes[i] = changes[i].astype(xs[i].dtype()).eval();
    return changes;
  };
  const Arrays cotangents = like(out.values, 3);
  const ListFunction gradient = [&](const Arrays& x) { return tests::pull_back(f, x, cotangents); };
  out.first = gradient(f.x);
  if (order < 2 || sample.orders < 2) return out;
  out.second = tests::pull_back(gradient, f.x, like(out.first, 4));
  return out;
}

double largest(DType dtype) { return dtype == float16 ? 65504 : dtype == float64 ? 1.7e308 : 3.38e38; }
double least(DType dtype) { return dtype == float32 ? 1e-38 : 2e-7; }
double step(DType dtype) { return dtype == float16 ? 1e-3 : dtype == bfloat16 ? 8e-3 : 6e-8; }

double scale_of(const Array& x) {
  double scale = 0;
  for (const double value : numbers(x))
    if (std::isfinite(value)) scale = std::max(scale, std::fabs(value));
  return scale;
}
// Within `steps` roundings of the largest number that was wanted; what the dtype can hardly hold may become infinite or NaN.
void expect_rounded(const Arrays& got, const Arrays& want, DType dtype, double steps, const char* what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double of_all = 0;
  for (const Array& x : want) of_all = std::max(of_all, scale_of(x));
  for (size_t k = 0; k < got.size(); ++k) {
    ASSERT_EQ(got[k].shape(), want[k].shape()) << what;
    const std::vector<double> a = numbers(got[k]), b = numbers(want[k]);
    const double scale = dtype == float32 ? scale_of(want[k]) : of_all;  // sums over broadcast axes are of rounded terms
    for (size_t i = 0; i < a.size(); ++i) {
      if ((std::isnan(a[i]) && std::isnan(b[i])) || a[i] == b[i]) continue;
      // Parts of a sum may be out of range where the whole is not by much.
      const bool is_near_end = std::isnan(b[i]) || std::fabs(b[i]) > (dtype == float32 ? 1e-3 : 0.5) * largest(dtype);
      if (is_near_end && (!std::isfinite(a[i]) || std::fabs(a[i]) > 0.5 * largest(dtype))) continue;
      ASSERT_LE(std::fabs(a[i] - b[i]), steps * (step(dtype) * scale + least(dtype)))
          << what << ", result " << k << ", element " << i << ": " << a[i] << ", want " << b[i];
    }
  }
}
void expect_agreement(const Sample& narrow, DType dtype, int order, double steps) {
  const Derived got = derive(narrow, dtype, order), want = derive(with_floats(narrow, float64), dtype, order);
  expect_rounded(got.values, want.values, dtype, steps, "value");
  expect_rounded(got.first, want.first, dtype, steps, "slope");
  expect_rounded(got.second, want.second, dtype, 4 * steps, "slope of the slope");
}
Sample scaled(const Sample& sample, double factor) {
  Sample out = sample;
  for (Array& x : out.inputs)
    if (x.dtype().is_float()) x = (x.astype(float64) * factor).eval();
  return out;
}

TEST_P(ranges, of_16_bit_floats_hold_their_slopes) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || sample.narrowest != float16) return;
    for (const DType dtype : {float16, bfloat16})
      for (const double factor : {1.0, 300.0}) {
        if (is_excepted("16 bits", sample)) continue;
        SCOPED_TRACE(to_text(dtype) + " times " + std::to_string(factor));
        expect_agreement(with_floats(scaled(sample, factor), dtype), dtype, 2, 12);
      }
  });
}

TEST_P(ranges, of_float32_hold_large_and_small_numbers) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || is_excepted("float32", sample)) return;
    for (const Array& x : sample.inputs) {
      if (x.size() == 0) return;  // sums of no slopes, times slopes that are out of range
      if (x.size() > 20000 || (sample.op == "layer_norm" && x.shape(-1) == 1))
        return;  // takes long; a row of one, whose slope 0 is a difference
    }
    for (const double factor : {1e20, 1e-30}) {
      SCOPED_TRACE("times " + std::to_string(factor));
      expect_agreement(with_floats(scaled(sample, factor), float32), float32, 2, 200);
    }
  });
}

// The same call on inputs repeated along `axis`, so that there are 70,000 numbers and more; empty if it takes no such inputs.
std::optional<Sample> grown(const Sample& sample, int64_t axis) {
  int64_t size = 0;
  for (const Array& x : sample.inputs)
    if (x.dtype().is_float()) size = std::max(size, x.size());
  if (size == 0) return {};
  Sample out = sample;
  for (Array& x : out.inputs) {
    if (x.rank() == 0 || x.size() > 2000) return {};
    Dims counts(static_cast<size_t>(x.rank()), 1);
    counts[axis == 0 ? 0 : counts.size() - 1] = 70000 / size + 1;
    x = contiguous(tile(x, Axes(counts))).eval();
  }
  try {
    int64_t results = 0;
    for (const Array& y : out.call(out.inputs)) results += y.size();
    if (results > 2'000'000) return {};
  } catch (const Error&) {
    return {};
  }
  return out;
}

TEST_P(ranges, of_16_bit_floats_hold_sums_of_70000) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || sample.narrowest != float16 || is_excepted("sums", sample)) return;
    for (const int64_t axis : {0, 1}) {
      const std::optional<Sample> many = grown(sample, axis);
      if (!many || (sample.op == "layer_norm" && sample.inputs[0].shape(-1) == 1))
        continue;  // of rows of one: a slope of 0 is a difference
      for (const DType dtype : {float16, bfloat16}) {
        SCOPED_TRACE(to_text(dtype) + ", repeated along axis " + std::to_string(axis));
        expect_agreement(with_floats(*many, dtype), dtype, 1, 12);
      }
    }
  });
}

bool are_finite(const Arrays& arrays) {
  for (const Array& x : arrays)
    for (const double value : numbers(x))
      if (!std::isfinite(value)) return false;
  return true;
}
void expect_numbers(const Arrays& arrays, const char* what) {
  for (const Array& x : arrays)
    for (const double value : numbers(x)) ASSERT_FALSE(std::isnan(value)) << what << ":\n" << x;
}

TEST_P(ranges, of_float64_hold_large_and_small_numbers) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || is_excepted("float64", sample)) return;
    for (const double factor : {1e200, 1e-200}) {
      SCOPED_TRACE("times " + std::to_string(factor));
      const Derived derived = derive(scaled(sample, factor), float64, 1);
      if (!are_finite(derived.values)) continue;
      expect_numbers(derived.first, "slope");
    }
  });
}

TEST_P(ranges, of_slopes_have_no_nan_where_values_are_finite) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || sample.refuses_specials || is_excepted("nan", sample)) return;
    for (const Array& x : sample.inputs)
      if (x.size() == 0 || x.size() > 20000) return;  // sums of no slopes, times an infinite one; takes long
    for (const double special : {0.0, -0.0, kInfinity, -kInfinity}) {
      SCOPED_TRACE(special);
      const Sample at = with_every_second(sample, special);
      const Derived derived = derive(at, float64, 2);
      if (!are_finite(derived.values)) continue;
      expect_numbers(derived.first, "slope");
      if (are_finite(derived.first)) expect_numbers(derived.second, "slope of the slope");
    }
  });
}

// d/dt g(t) at 0 from values at other t alone, where both sides agree that there is one.
std::optional<double> slope_from_both_sides(const std::function<double(double)>& g) {
  const double h = 1e-3, at = g(0);
  const auto side = [&](double s) { return (-3 * at + 4 * g(s) - g(2 * s)) / (2 * s); };
  const double left = side(-h), right = side(h), nearer = side(h / 8), scale = std::max({1.0, std::fabs(at), std::fabs(right)});
  if (!(std::fabs(left - right) < 1e-3 * scale) || !(std::fabs(nearer - right) < 1e-3 * scale)) return {};
  return (8 * (g(h) - g(-h)) - (g(2 * h) - g(-2 * h))) / (12 * h);
}
double dot(const Arrays& a, const Arrays& b) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const std::vector<double> p = numbers(a[i]), q = numbers(b[i]);
    for (size_t k = 0; k < p.size(); ++k) total += p[k] * q[k];
  }
  return total;
}

TEST_P(ranges, of_derivatives_at_zero_agree_with_differences) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || sample.orders < 1 || sample.refuses_specials || is_excepted("zero", sample)) return;
    const Sample at = with_every_second(sample, 0);
    const Smooth f(at);
    if (!are_finite(f(f.x))) return;
    const Arrays v = random_like(f.x, 11), c = random_like(f(f.x), 12);
    const auto moved = [&](double t) {
      Arrays x;
      for (size_t i = 0; i < v.size(); ++i) x.push_back((f.x[i] + t * v[i]).eval());
      return x;
    };
    const auto value = [&](double t) { return dot(c, f(moved(t))); };
    const auto slope = [&](double t) { return dot(c, tests::push_forward(f, moved(t), v).second); };
    const std::optional<double> first = slope_from_both_sides(value);
    if (!first) return;
    const double got = slope(0), scale = std::max({1.0, std::fabs(*first), std::fabs(value(0))});
    EXPECT_NEAR(got, *first, 3e-3 * scale) << "order 1";
    if (sample.orders < 2 || std::fabs(got - *first) > 3e-3 * scale) return;
    // Slopes next to 0; that at 0 itself is what they should meet.
    const std::optional<double> second = slope_from_both_sides([&](double t) { return slope(t); });
    if (!second) return;
    const ListFunction along = [&](const Arrays& x) { return tests::push_forward(f, x, v).second; };
    EXPECT_NEAR(dot(c, tests::push_forward(along, f.x, v).second), *second, 3e-3 * std::max({1.0, std::fabs(*second), scale})) << "order 2";
  });
}

}  // namespace
}  // namespace laws
