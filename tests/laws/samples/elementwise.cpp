// Samples of element-wise ops: each on an interval where it is smooth, with the plain function of C++ as its reference, or an identity.
#include <cmath>

#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

using One = Array (*)(const Array&);
using Two = Array (*)(const Array&, const Array&);
Sample one(std::string_view op, One f, std::function<double(double)> plain, double low = -1.5, double high = 1.5, int orders = 2) {
  return {.op = op,
          .inputs = {uniform({3, 5}, low, high)},
          .call = [f](const Arrays& x) { return Arrays{f(x[0])}; },
          .reference = plain ? Reference([plain](const std::vector<Plain>& x) { return each(x[0], plain); }) : Reference(),
          .orders = orders};
}
struct Interval {
  double low = -1.5, high = 1.5;
};
void two(Samples& out, std::string_view op, Two f, std::function<double(double, double)> plain, Interval x = {}, Interval y = {},
         int orders = 2) {
  const std::pair<Shape, Shape> shapes[] = {{{3, 4}, {3, 4}}, {{3, 4}, {4}}, {{2, 1, 3}, {4, 1}}, {{}, {5}}, {{2, 0}, {1}}};
  for (const auto& [left, right] : shapes) {
    out.push_back({.op = op,
                   .inputs = {uniform(left, x.low, x.high, 1), uniform(right, y.low, y.high, 2)},
                   .call = [f](const Arrays& in) { return Arrays{f(in[0], in[1])}; },
                   .reference = [plain](const std::vector<Plain>& in) { return each_pair(in[0], in[1], plain); },
                   .orders = orders});
  }
}
void of_integers(Samples& out, std::string_view op, Two f, std::function<double(double, double)> plain, int64_t low, int64_t high) {
  out.push_back({.op = op,
                 .inputs = {laws::integers({3, 4}, low, high, 1), laws::integers({4}, low, high, 2)},
                 .call = [f](const Arrays& in) { return Arrays{f(in[0], in[1])}; },
                 .reference = [plain](const std::vector<Plain>& in) { return each_pair(in[0], in[1], plain); },
                 .orders = 0});
}
// As Python and NumPy have them: the remainder has the sign of y, and the quotient fits to it (infinity has none).
double floor_mod(double x, double y) {
  const double rest = std::fmod(x, y);
  return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}
double floored(double x, double y) {
  if (y == 0) return x / y;
  if (std::isinf(y) && !std::isinf(x)) return x * y < 0 ? -1 : x / y;
  return std::nearbyint((x - floor_mod(x, y)) / y);
}
double clipped(double x, double low, double high) {
  const double y = std::isnan(x) || x > low ? x : low;
  return std::isnan(y) || y < high ? y : high;
}
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

void add_functions(Samples& out) {
  for (const Sample& sample : Samples{
           one("negative", negative, [](double x) { return -x; }),
           one("square", square, [](double x) { return x * x; }),
           one("abs", abs, [](double x) { return std::fabs(x); }, 0.2, 1.5),
           one("sign", sign, [](double x) { return std::isnan(x) ? x : x > 0 ? 1 : x < 0 ? -1 : 0; }, 0.2, 1.5),
           one("reciprocal", reciprocal, [](double x) { return 1 / x; }, 0.4, 2),
           one("floor", floor, [](double x) { return std::floor(x); }, 0.2, 0.8),
           one("ceil", ceil, [](double x) { return std::ceil(x); }, 0.2, 0.8),
           one("round", round, [](double x) { return std::nearbyint(x); }, 0.6, 1.4),
           one("trunc", trunc, [](double x) { return std::trunc(x); }, -0.8, -0.2),
           one("exp", exp, [](double x) { return std::exp(x); }),
           one("expm1", expm1, [](double x) { return std::expm1(x); }),
           one("exp2", exp2, [](double x) { return std::exp2(x); }),
           one("log", log, [](double x) { return std::log(x); }, 0.3, 3),
           one("log1p", log1p, [](double x) { return std::log1p(x); }, -0.6, 3),
           one("log2", log2, [](double x) { return std::log2(x); }, 0.3, 3),
           one("log10", log10, [](double x) { return std::log10(x); }, 0.3, 3),
           one("sqrt", sqrt, [](double x) { return std::sqrt(x); }, 0.3, 3),
           one("rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, 0.3, 3),
           one("cbrt", cbrt, [](double x) { return std::cbrt(x); }, 0.3, 3),
           one("sin", sin, [](double x) { return std::sin(x); }),
           one("cos", cos, [](double x) { return std::cos(x); }),
           one("tan", tan, [](double x) { return std::tan(x); }, -1, 1),
           one("asin", asin, [](double x) { return std::asin(x); }, -0.8, 0.8),
           one("acos", acos, [](double x) { return std::acos(x); }, -0.8, 0.8),
           one("atan", atan, [](double x) { return std::atan(x); }),
           one("sinh", sinh, [](double x) { return std::sinh(x); }),
           one("cosh", cosh, [](double x) { return std::cosh(x); }),
           one("tanh", tanh, [](double x) { return std::tanh(x); }),
           one("asinh", asinh, [](double x) { return std::asinh(x); }),
           one("acosh", acosh, [](double x) { return std::acosh(x); }, 1.3, 3),
           one("atanh", atanh, [](double x) { return std::atanh(x); }, -0.8, 0.8),
           one("erf", erf, [](double x) { return std::erf(x); }),
           one("erfc", erfc, [](double x) { return std::erfc(x); }),
           one("erfinv", [](const Array& x) { return erf(erfinv(x)); }, [](double x) { return x; }, -0.8, 0.8),
           one("erfinv", erfinv, nullptr, -0.8, 0.8),
           one("lgamma", lgamma, [](double x) { return std::lgamma(x); }, 0.4, 4),
           one("digamma", [](const Array& x) { return digamma(x + 1) - digamma(x); }, [](double x) { return 1 / x; }, 0.4, 4),
           one("digamma", digamma, nullptr, 0.4, 4),
           one("normal_cdf", normal_cdf, [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }),
           one("sigmoid", sigmoid, logistic),
           one("softplus", log_sigmoid, [](double x) { return -std::log1p(std::exp(-x)); }),
           one("relu", relu, [](double x) { return std::max(x, 0.0); }, 0.1, 2),
           one("relu", relu, [](double x) { return std::max(x, 0.0); }, -2, -0.1),
           one("softplus", softplus, [](double x) { return std::log1p(std::exp(x)); }),
           one("half_power", [](const Array& x) { return pow(x, 0.5); }, [](double x) { return std::pow(x, 0.5); }, 0.3, 3),
           one("inverse_half_power", [](const Array& x) { return pow(x, -0.5); }, [](double x) { return std::pow(x, -0.5); }, 0.3, 3),
           one("log_cosh", [](const Array& x) { return loss::log_cosh(x, zeros_like(x), {loss::Reduction::none}); },
               [](double x) { return std::fabs(x) + std::log1p(std::exp(-2 * std::fabs(x))) - std::log(2.0); }),
           one("sin", sinc, [](double x) { return x == 0 ? 1 : std::sin(std::acos(-1.0) * x) / (std::acos(-1.0) * x); }),
           one("atanh", logit, [](double x) { return std::log(x / (1 - x)); }, 0.3, 0.7),
           one("softsign", softsign, [](double x) { return x / (1 + std::fabs(x)); }),
           one("log1p", logit, [](double x) { return std::log(x / (1 - x)); }, 0.2, 0.8),
           one("sigmoid", [](const Array& x) { return gelu(x, GeluForm::tanh); },
               [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))); }),
           one("gelu", gelu, [](double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2.0)); }),
           one("silu", silu, [](double x) { return x * logistic(x); }),
           one("isnan", isnan, [](double x) { return std::isnan(x); }, -1, 1, 0),
           one("isinf", isinf, [](double x) { return std::isinf(x); }, -1, 1, 0),
           one("isfinite", isfinite, [](double x) { return std::isfinite(x); }, -1, 1, 0),
           one("signbit", signbit, [](double x) { return std::signbit(x); }, -1, 1, 0),
           one("logical_not", logical_not, [](double x) { return x == 0; }, -1, 1, 0),
       }) {
    out.push_back(sample);
    out.back().takes_specials = sample.op != "erfinv" && sample.op != "digamma";  // identities
    if (!out.back().reference) continue;
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{1, 1}, Shape{2, 0, 3}, Shape{37}}) {  // rank 0, empty, size one, an odd tail
      const double middle = sample.inputs[0].to_vector<double>()[0];
      out.push_back(Sample(out.back()));
      out.back().inputs = {uniform(shape, middle, middle + 0.05)};
    }
  }
}

void add_pairs(Samples& out) {
  const Interval positive{0.4, 2.0}, low{-1.5, -0.2}, high{0.2, 1.5};
  two(out, "add", add, [](double x, double y) { return x + y; });
  two(out, "subtract", subtract, [](double x, double y) { return x - y; });
  two(out, "multiply", multiply, [](double x, double y) { return x * y; });
  two(out, "divide", divide, [](double x, double y) { return x / y; }, {}, positive);
  two(out, "power", power, [](double x, double y) { return std::pow(x, y); }, positive);
  two(out, "maximum", maximum, [](double x, double y) { return std::isnan(x) || x > y ? x : y; }, low, high);
  two(out, "minimum", minimum, [](double x, double y) { return std::isnan(x) || x < y ? x : y; }, low, high);
  two(out, "fmax", fmax, [](double x, double y) { return std::fmax(x, y); }, low, high);
  two(out, "fmin", fmin, [](double x, double y) { return std::fmin(x, y); }, low, high);
  two(out, "copysign", copysign, [](double x, double y) { return std::copysign(x, y); }, high, low);
  two(out, "hypot", hypot, [](double x, double y) { return std::hypot(x, y); }, positive, positive);
  two(out, "atan2", atan2, [](double y, double x) { return std::atan2(y, x); }, positive, positive);
  two(out, "logaddexp", logaddexp, [](double x, double y) { return std::log(std::exp(x) + std::exp(y)); });
  two(out, "xlogy", xlogy, [](double x, double y) { return x == 0 && !std::isnan(y) ? 0 : x * std::log(y); }, {}, positive);
  two(out, "xlog1py", xlog1py, [](double x, double y) { return x == 0 && !std::isnan(y) ? 0 : x * std::log1p(y); }, {}, positive);
  two(out, "floor_divide", floor_divide, floored, {1.1, 1.4}, {1, 1.05});
  two(out, "remainder", remainder, floor_mod, {-0.9, -0.1}, {1, 1.5});
  two(out, "fmod", fmod, [](double x, double y) { return std::fmod(x, y); }, {1.1, 1.4}, {1, 1.05});
  two(out, "equal", equal, [](double x, double y) { return x == y; }, {}, {}, 0);
  two(out, "not_equal", not_equal, [](double x, double y) { return x != y; }, {}, {}, 0);
  two(out, "less", less, [](double x, double y) { return x < y; }, {}, {}, 0);
  two(out, "less_equal", less_equal, [](double x, double y) { return x <= y; }, {}, {}, 0);
  two(out, "greater", greater, [](double x, double y) { return x > y; }, {}, {}, 0);
  two(out, "greater_equal", greater_equal, [](double x, double y) { return x >= y; }, {}, {}, 0);
  two(out, "logical_and", logical_and, [](double x, double y) { return x != 0 && y != 0; }, {}, {}, 0);
  two(out, "logical_or", logical_or, [](double x, double y) { return x != 0 || y != 0; }, {}, {}, 0);
  two(out, "logical_xor", logical_xor, [](double x, double y) { return (x != 0) != (y != 0); }, {}, {}, 0);
}

void add_integers(Samples& out) {
  const auto as_bits = [](int64_t (*f)(int64_t, int64_t)) {
    return [f](double x, double y) { return static_cast<double>(f(static_cast<int64_t>(x), static_cast<int64_t>(y))); };
  };
  of_integers(out, "bitwise_and", bitwise_and, as_bits([](int64_t x, int64_t y) { return x & y; }), 0, 100);
  of_integers(out, "bitwise_or", bitwise_or, as_bits([](int64_t x, int64_t y) { return x | y; }), 0, 100);
  of_integers(out, "bitwise_xor", bitwise_xor, as_bits([](int64_t x, int64_t y) { return x ^ y; }), 0, 100);
  of_integers(out, "left_shift", left_shift, as_bits([](int64_t x, int64_t y) { return x << y; }), 0, 7);
  of_integers(out, "right_shift", right_shift, as_bits([](int64_t x, int64_t y) { return x >> y; }), 0, 7);
  of_integers(out, "add", add, [](double x, double y) { return x + y; }, 0, 60);
  of_integers(out, "multiply", multiply, [](double x, double y) { return x * y; }, 0, 15);
  of_integers(out, "floor_divide", floor_divide, floored, 1, 60);
  of_integers(out, "remainder", remainder, floor_mod, 1, 60);
  of_integers(out, "power", power, [](double x, double y) { return std::pow(x, y); }, 0, 3);
  out.push_back({.op = "bitwise_not",
                 .inputs = {laws::integers({5}, 0, 100)},
                 .call = [](const Arrays& x) { return Arrays{bitwise_not(x[0])}; },
                 .reference = [](const std::vector<Plain>& x) { return each(x[0], [](double v) { return -v - 1; }); },
                 .orders = 0});
}

void add_others(Samples& out) {
  out.push_back({.op = "where",
                 .inputs = {bools({3, 4}), uniform({3, 4}), uniform({4}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{where(x[0], x[1], x[2])}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({3, 4}, [&](const Index& at) { return x[0][at] != 0 ? x[1][at] : x[2][{at[1]}]; });
                 }});
  out.push_back({.op = "clip",
                 .inputs = {uniform({3, 4}, -0.8, 0.8), uniform({4}, -1.5, -1, 2), uniform({3, 1}, 1, 1.5, 3)},
                 .call = [](const Arrays& x) { return Arrays{clip(x[0], x[1], x[2])}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({3, 4}, [&](const Index& at) { return clipped(x[0][at], x[1][{at[1]}], x[2][{at[0], 0}]); });
                 }});
  out.push_back({.op = "clip",
                 .inputs = {uniform({3, 4}, 2, 3), uniform({4}, -1.5, -1, 2), uniform({3, 1}, 1, 1.5, 3)},
                 .call = [](const Arrays& x) { return Arrays{clip(x[0], x[1], x[2])}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({3, 4}, [&](const Index& at) { return clipped(x[0][at], x[1][{at[1]}], x[2][{at[0], 0}]); });
                 }});
  out.push_back({.op = "cast",
                 .inputs = {uniform({3, 4})},
                 .call = [](const Arrays& x) { return Arrays{x[0].astype(float32).astype(float64)}; },
                 .reference = [](const std::vector<Plain>& x) { return each(x[0], [](double v) { return static_cast<float>(v); }); },
                 .is_smooth = false,  // differences see the rounding
                 .mode_tolerance = 1e-6});
  out.push_back({.op = "cast",
                 .inputs = {uniform({3, 4})},
                 .call = [](const Arrays& x) { return Arrays{x[0].astype(int64)}; },
                 .reference =
                     [](const std::vector<Plain>& x) {
                       return each(x[0], [](double v) {  // NaN is 0, what lies outside the nearest number
                         return std::isnan(v) ? 0.0 : std::trunc(std::clamp(v, -0x1p63, 0x1p63));
                       });
                     },
                 .orders = 0});
  for (const DType narrow : {bfloat16, float16})  // rounded on the way, also where the result is wide again
    out.push_back({.op = "cast",
                   .inputs = {uniform({3, 4})},
                   .call = [narrow](const Arrays& x) { return Arrays{square(x[0].astype(narrow)).astype(float32)}; },
                   .is_smooth = false,
                   .mode_tolerance = 1e-2});
  out.push_back({.op = "integer_power",
                 .inputs = {uniform({3, 4}, 0.5, 1.5)},
                 .call = [](const Arrays& x) { return Arrays{pow(x[0], 3) + pow(x[0], -2)}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return each(x[0], [](double v) { return v * v * v + 1 / (v * v); });
                 }});
  out.push_back({.op = "constant_power",
                 .inputs = {uniform({3, 4}, 0.5, 1.5)},
                 .call = [](const Arrays& x) { return Arrays{pow(x[0], 1.7)}; },
                 .reference = [](const std::vector<Plain>& x) { return each(x[0], [](double v) { return std::pow(v, 1.7); }); }});
  for (const double sign : {-1.0, 1.0}) {
    const double low = std::min(0.1 * sign, 1.5 * sign), high = std::max(0.1 * sign, 1.5 * sign);
    out.push_back({.op = "leaky_relu",
                   .inputs = {uniform({3, 4}, low, high), uniform({4}, 0.1, 0.4, 2)},
                   .call = [](const Arrays& x) { return Arrays{leaky_relu(x[0], x[1])}; },
                   .reference = [](const std::vector<Plain>& x) {
                     return each_pair(x[0], x[1], [](double v, double slope) { return v > 0 ? v : slope * v; });
                   }});
    out.push_back({.op = "elu",
                   .inputs = {uniform({3, 4}, low, high), uniform({4}, 0.5, 1.5, 2)},
                   .call = [](const Arrays& x) { return Arrays{elu(x[0], x[1])}; },
                   .reference = [](const std::vector<Plain>& x) {
                     return each_pair(x[0], x[1], [](double v, double alpha) { return v > 0 ? v : alpha * std::expm1(v); });
                   }});
  }
  const auto one_of = [](Array (*f)(const Array&)) { return [f](const Arrays& x) { return Arrays{f(x[0])}; }; };
  out.push_back({.op = "gate", .inputs = {uniform({6}, 0.1, 1.5), uniform({6}, -1, 1, 2)}, .call = pulled(one_of(relu)),
                 .reference = [](const std::vector<Plain>& x) {
                   return each_pair(x[0], x[1], [](double v, double dy) { return v > 0 ? dy : 0; });
                 }});
  out.push_back({.op = "gelu_slope",
                 .inputs = {uniform({6}), uniform({6}, -1, 1, 2)},
                 .call = pulled(one_of(gelu)),
                 .reference = [](const std::vector<Plain>& x) {
                   return each_pair(x[0], x[1], [](double v, double dy) {
                     return dy * (0.5 * std::erfc(-v / std::sqrt(2.0)) +
                                  (std::isinf(v) ? 0 : v * std::exp(-v * v / 2)) / std::sqrt(2 * std::acos(-1.0)));
                   });
                 }});
  out.push_back({.op = "polygamma",
                 .inputs = {uniform({5}, 0.6, 3)},
                 .call = [](const Arrays& x) { return Arrays{polygamma(1, x[0] + 1) - polygamma(1, x[0]), polygamma(2, x[0])}; },
                 .reference = [](const std::vector<Plain>& x) { return each(x[0], [](double v) { return -1 / (v * v); }); },
                 .tolerance = 1e-5,
                 .takes_specials = false});
}

}  // namespace

Samples elementwise_samples() {
  Samples out;
  add_functions(out);
  add_pairs(out);
  add_integers(out);
  add_others(out);
  return out;
}

}  // namespace laws
