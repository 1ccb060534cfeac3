// Golden ops of one array, element by element.
#include <cmath>

#include "tests/golden/call.hpp"

namespace golden {
namespace {

using namespace gradus;
using namespace gradus::core;

template <Array (*F)(const Array&)>
Results one(const Call& c) {
  return F(c["x"]);
}

Results gelu_case(const Call& c) { return gelu(c["x"], c.text("approximate", "none") == "tanh" ? GeluForm::tanh : GeluForm::exact); }
Results softplus_case(const Call& c) { return softplus(c["x"], c.number("beta", 1), c.number("threshold", 20)); }
// log Gamma_p(x) = p (p - 1) / 4 log pi + sum over j < p of log Gamma(x - j / 2)
Results multigammaln(const Call& c) {
  const int64_t p = c.integer("p");
  Array out = static_cast<double>(p * (p - 1)) / 4 * std::log(M_PI) + lgamma(c["x"]);
  for (int64_t j = 1; j < p; ++j) out += lgamma(c["x"] - static_cast<double>(j) / 2);
  return out;
}
Results nan_to_num_case(const Call& c) {
  if (!c.is_set("posinf")) return nan_to_num(c["x"]);
  return nan_to_num(c["x"], c.number("nan", 0), c.number("posinf"), c.number("neginf"));
}
Results round_decimals(const Call& c) {
  const double factor = std::pow(10.0, static_cast<double>(c.integer("decimals")));
  return round(c["x"] * factor) / factor;
}
Results glu(const Call& c) {
  const auto [value, gate] = split<2>(c["x"], c.integer("axis"));
  return value * sigmoid(gate);
}
// The weight has one number, or one a channel.
Results prelu(const Call& c) {
  Dims shape(static_cast<size_t>(c["x"].rank()), 1);
  if (c["weight"].size() > 1) shape[static_cast<size_t>(c.integer("channel_axis"))] = c["weight"].size();
  return leaky_relu(c["x"], reshape(c["weight"], NewShape(Shape(shape))));
}
// -x log x, 0 at 0, -inf below
Results entropy_of(const Call& c) { return where(c["x"] < 0, -INFINITY, -xlogy(c["x"], c["x"])); }
// Phi^-1(p) = -sqrt(2) erfc^-1(2 p) = sqrt(2) erf^-1(2 p - 1)
Results normal_quantile(const Call& c) { return std::sqrt(2.0) * erfinv(2 * c["x"] - 1); }

const Entry table[] = {
    {"abs", one<abs>},
    {"neg", one<negative>},
    {"exp", one<exp>},
    {"expm1", one<expm1>},
    {"exp2", one<exp2>},
    {"log", one<log>},
    {"log1p", one<log1p>},
    {"log2", one<log2>},
    {"log10", one<log10>},
    {"sqrt", one<sqrt>},
    {"rsqrt", one<rsqrt>},
    {"cbrt", one<cbrt>},
    {"square", one<square>},
    {"reciprocal", one<reciprocal>},
    {"sin", one<sin>},
    {"cos", one<cos>},
    {"tan", one<tan>},
    {"asin", one<asin>},
    {"acos", one<acos>},
    {"atan", one<atan>},
    {"sinh", one<sinh>},
    {"cosh", one<cosh>},
    {"tanh", one<tanh>},
    {"asinh", one<asinh>},
    {"acosh", one<acosh>},
    {"atanh", one<atanh>},
    {"erf", one<erf>},
    {"erfc", one<erfc>},
    {"erfinv", one<erfinv>},
    {"lgamma", one<lgamma>},
    {"digamma", one<digamma>},
    {"polygamma", [](const Call& c) -> Results { return polygamma(c.integer("n"), c["x"]); }},
    {"multigammaln", multigammaln},
    {"sigmoid", one<sigmoid>},
    {"floor", one<floor>},
    {"ceil", one<ceil>},
    {"round", one<round>},
    {"round_half_even", one<round>},
    {"round_decimals", round_decimals},
    {"trunc", one<trunc>},
    {"sign", one<sign>},
    {"frac", one<frac>},
    {"sinc", one<sinc>},
    {"deg2rad", one<deg2rad>},
    {"rad2deg", one<rad2deg>},
    {"ndtr", one<normal_cdf>},
    {"ndtri", normal_quantile},
    {"logit", one<logit>},
    {"logit_eps", [](const Call& c) -> Results { return logit(clip(c["x"], c.number("eps"), 1 - c.number("eps"))); }},
    {"entr", entropy_of},
    {"relu", one<relu>},
    {"relu6", one<relu6>},
    {"leaky_relu", [](const Call& c) -> Results { return leaky_relu(c["x"], c.number("negative_slope", 0.01)); }},
    {"elu", [](const Call& c) -> Results { return elu(c["x"], c.number("alpha", 1)); }},
    {"celu", [](const Call& c) -> Results { return celu(c["x"], c.number("alpha", 1)); }},
    {"selu", one<selu>},
    {"gelu", gelu_case},
    {"silu", one<silu>},
    {"mish", one<mish>},
    {"hardswish", one<hardswish>},
    {"hardsigmoid", one<hardsigmoid>},
    {"hardtanh", [](const Call& c) -> Results { return hardtanh(c["x"], c.number("min_val", -1), c.number("max_val", 1)); }},
    {"softsign", one<softsign>},
    {"logsigmoid", one<log_sigmoid>},
    {"tanhshrink", one<tanhshrink>},
    {"softplus", softplus_case},
    {"hardshrink", [](const Call& c) -> Results { return hardshrink(c["x"], c.number("lambd", 0.5)); }},
    {"softshrink", [](const Call& c) -> Results { return softshrink(c["x"], c.number("lambd", 0.5)); }},
    {"threshold", [](const Call& c) -> Results { return threshold(c["x"], c.number("threshold"), c.number("value")); }},
    {"nan_to_num", nan_to_num_case},
    {"glu", glu},
    {"prelu", prelu},
    {"isnan", one<isnan>},
    {"isinf", one<isinf>},
    {"isfinite", one<isfinite>},
    {"signbit", one<signbit>},
};

}  // namespace

Table unary_table() { return table; }

}  // namespace golden
