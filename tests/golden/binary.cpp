// Golden ops of two or more arrays, element by element; and what only the group `edge` has.
#include "tests/golden/call.hpp"

namespace golden {
namespace {

using namespace gradus;
using namespace gradus::core;

template <Array (*F)(const Array&, const Array&)>
Results two(const Call& c) {
  return F(c["x"], c["y"]);
}
template <Array (*F)(const Array&)>
Results one(const Call& c) {
  return F(c["x"]);
}

Results clamp(const Call& c) {
  Array x = c["x"];
  if (c.is_set("min") && c.is_set("max")) return clip(x, c.number("min"), c.number("max"));
  if (c.is_set("min")) return maximum(x, c.number("min"));
  return minimum(x, c.number("max"));
}
// |x - y| <= atol + rtol |y|
Results isclose(const Call& c) {
  const Array x = c["x"], y = c["y"];
  return (x == y) | (isfinite(y) & (abs(x - y) <= c.number("atol") + c.number("rtol") * abs(y)));
}
// A literal exponent, whose value decides which op is recorded.
Results pow_scalar(const Call& c) {
  const Json& exponent = c.attrs()["exponent"];
  if (exponent.is_number_integer()) return pow(c["x"], exponent.get<int64_t>());
  return pow(c["x"], exponent.get<double>());
}
Results true_divide(const Call& c) { return c["x"].astype(c.dtype) / c["y"].astype(c.dtype); }

const Entry table[] = {
    {"add", two<add>},
    {"sub", two<subtract>},
    {"mul", two<multiply>},
    {"div", two<divide>},
    {"pow", two<pow>},
    {"maximum", two<maximum>},
    {"minimum", two<minimum>},
    {"fmax", two<fmax>},
    {"fmin", two<fmin>},
    {"atan2", two<atan2>},
    {"fmod", two<fmod>},
    {"remainder", two<remainder>},
    {"floor_divide", two<floor_divide>},
    {"hypot", two<hypot>},
    {"logaddexp", two<logaddexp>},
    {"logaddexp2", two<logaddexp2>},
    {"xlogy", two<xlogy>},
    {"xlog1py", two<xlog1py>},
    {"copysign", two<copysign>},
    {"squared_difference", two<squared_difference>},
    {"isclose", isclose},
    {"pow_scalar", pow_scalar},
    {"rpow_scalar", [](const Call& c) -> Results { return pow(c.number("base"), c["x"]); }},
    {"pow_int_exponent", two<pow>},
    {"eq", two<equal>},
    {"ne", two<not_equal>},
    {"lt", two<less>},
    {"le", two<less_equal>},
    {"gt", two<greater>},
    {"ge", two<greater_equal>},
    {"logical_and", two<logical_and>},
    {"logical_or", two<logical_or>},
    {"logical_xor", two<logical_xor>},
    {"logical_not", one<logical_not>},
    {"bitwise_and", two<bitwise_and>},
    {"bitwise_or", two<bitwise_or>},
    {"bitwise_xor", two<bitwise_xor>},
    {"bitwise_left_shift", two<left_shift>},
    {"bitwise_right_shift", two<right_shift>},
    {"bitwise_not", one<bitwise_not>},
    {"floor_divide_int", two<floor_divide>},
    {"remainder_int", two<remainder>},
    {"fmod_int", two<fmod>},
    {"where", [](const Call& c) -> Results { return where(c["cond"], c["x"], c["y"]); }},
    {"clamp", clamp},
    {"clip", clamp},
    {"clamp_tensor", [](const Call& c) -> Results { return clip(c["x"], c["min"], c["max"]); }},
    {"lerp", [](const Call& c) -> Results { return lerp(c["start"], c["end"], c["weight"]); }},
    {"addcmul", [](const Call& c) -> Results { return c["x"] + c.number("value") * c["a"] * c["b"]; }},
    {"addcdiv", [](const Call& c) -> Results { return c["x"] + c.number("value") * c["a"] / c["b"]; }},
    {"mul_self", [](const Call& c) -> Results { return c["x"] * c["x"] + c["x"]; }},
    {"broadcast_chain", [](const Call& c) -> Results { return tanh(c["x"] * c["s"] + c["b"]) * c["b"]; }},
};

const Entry edge[] = {
    {"int_add", two<add>},
    {"int_sub", two<subtract>},
    {"int_mul", two<multiply>},
    {"int_maximum", two<maximum>},
    {"int_minimum", two<minimum>},
    {"int_floor_divide", two<floor_divide>},
    {"int_remainder", two<remainder>},
    {"int_fmod", two<fmod>},
    {"int_true_divide", true_divide},
    {"int_pow", two<pow>},
    {"int_overflow_wraps", two<add>},
    {"int32_mul_wraps", two<multiply>},
    {"uint8_add_wraps", two<add>},
    {"uint8_sub_wraps", two<subtract>},
    {"float_to_int", [](const Call& c) -> Results { return c["x"].astype(int64); }},
    {"int_to_bool", [](const Call& c) -> Results { return c["x"].astype(bool_); }},
    {"int64_to_int32", [](const Call& c) -> Results { return c["x"].astype(int32); }},
    {"int64_to_uint8", [](const Call& c) -> Results { return c["x"].astype(uint8); }},
    {"argsort_stable", [](const Call& c) -> Results { return argsort(c["x"], c.integer("axis")); }},
    {"sort_descending_stable", [](const Call& c) -> Results { return argsort(c["x"], c.integer("axis"), true); }},
};

}  // namespace

Table binary_table() { return table; }
Table edge_table() { return edge; }

}  // namespace golden
