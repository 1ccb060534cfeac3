// Rows of the tables of element-wise ops: what is the same for all of them stands here. Not for users.
#pragma once

#include "gradus/graph/op_def.hpp"
#include "gradus/ops/batch.hpp"

namespace gradus::rule::rows {

inline constexpr Input x_any[] = {{"x", any_dtype}}, x_integer[] = {{"x", integers | bools}};
inline constexpr Input x_y_any[] = {{"x", any_dtype}, {"y", any_dtype}}, x_y_integer[] = {{"x", integers | bools}, {"y", integers | bools}},
                       x_y_shift[] = {{"x", integers}, {"y", integers}};

/// Shape rule of arithmetic that bools have not: x - y of two masks is most likely a mistake.
Aval broadcast_numbers(const Call& call);
/// Shape rule of operations on bits: floats are an error.
Aval broadcast_integers(const Call& call);

/// No tangent passes: floor, sign and the like are constant almost everywhere.
std::vector<Array> no_cotangents(const RecordedCall& call, std::span<const Array> cotangents);
std::vector<Array> no_tangents(const RecordedCall& call, std::span<const Array> tangents);
inline constexpr Derivative zero_slope = custom(no_cotangents, no_tangents);
/// The part of a change of `input`, or of the result, that passes: of the result's shape.
using PassRule = Array (*)(const RecordedCall& call, int input, const Array& change);
std::vector<Array> cotangents_that_pass(const RecordedCall& call, PassRule rule, const Array& cotangent);
std::vector<Array> tangents_that_pass(const RecordedCall& call, PassRule rule, std::span<const Array> tangents);
/// For functions that choose: the rule selects from the change. A slope of 0 would make NaN of one that is infinite, as behind
/// sqrt(relu(x)).
template <PassRule rule>
inline constexpr Derivative passes =
    custom([](const RecordedCall& call, std::span<const Array> cotangents) { return cotangents_that_pass(call, rule, cotangents[0]); },
           [](const RecordedCall& call, std::span<const Array> tangents) { return tangents_that_pass(call, rule, tangents); });
inline constexpr Derivative bool_result = not_differentiable("its result is bool");
inline constexpr Derivative integer_result = not_differentiable("it works on integers and bools");

/// f of operands brought to one dtype, which is also the result's.
constexpr OpDef same_type(std::string_view name, std::span<const Input> inputs, const backend::Function& function,
                          Derivative derivative) {
  return {.name = name,
          .inputs = inputs,
          .promotion = Promotion::common,
          .infer = broadcast_inputs,
          .derivative = derivative,
          .batch = batch_elementwise,
          .elementwise = &function};
}
/// The same, for numbers: bools alone are an error.
constexpr OpDef of_numbers(std::string_view name, std::span<const Input> inputs, const backend::Function& function,
                           Derivative derivative) {
  return {.name = name,
          .inputs = inputs,
          .promotion = Promotion::common,
          .infer = broadcast_numbers,
          .derivative = derivative,
          .batch = batch_elementwise,
          .elementwise = &function};
}
/// The same, for integers and bools.
constexpr OpDef of_integers(std::string_view name, std::span<const Input> inputs, const backend::Function& function) {
  return {.name = name,
          .inputs = inputs,
          .promotion = Promotion::common,
          .infer = broadcast_integers,
          .derivative = integer_result,
          .batch = batch_elementwise,
          .elementwise = &function};
}
/// f of floats; integers and bools are taken as float32.
constexpr OpDef floating(std::string_view name, std::span<const Input> inputs, const backend::Function& function,
                         Derivative derivative) {
  return {.name = name,
          .inputs = inputs,
          .promotion = Promotion::floating,
          .infer = broadcast_inputs,
          .derivative = derivative,
          .batch = batch_elementwise,
          .elementwise = &function};
}
/// The same op with parameters.
constexpr OpDef with_args(OpDef op, ArgsRule args) {
  op.args = args;
  return op;
}
/// A test of operands brought to one dtype, with a bool result.
constexpr OpDef test(std::string_view name, std::span<const Input> inputs, const backend::Function& function) {
  return {.name = name,
          .inputs = inputs,
          .promotion = Promotion::common,
          .infer = broadcast_to_bool,
          .derivative = bool_result,
          .batch = batch_elementwise,
          .elementwise = &function};
}

/// `value` in the dtype of x, of rank 0.
Array number_like(const Array& x, double value);
/// x, with integer and bool arrays as float32: for functions of floats that begin with arithmetic, in which small integers would wrap
/// around.
Array as_float(const Array& x);

/// log cosh x, accurate near 0 and without overflow.
Array log_cosh(const Array& x);

/// Logarithms to be multiplied by weights: 0 where the weight is 0 and the logarithm -infinity, whose product counts as 0.
Array logs_beside(const Array& weights, const Array& logs);

/// The dtype that compositions are computed in: float32 for 16-bit floats (and integers and bools), which lose what lies between their
/// steps.
inline DType wide_dtype(DType dtype) { return dtype == float64 ? float64 : float32; }
/// x in that dtype; numbers that take the dtype of what they meet stay as they are.
Array widened(const Array& x);
/// The float array of more bits that a pending cast rounds to x; empty if x is no such.
Array before_rounding(const Array& x);

}  // namespace gradus::rule::rows
