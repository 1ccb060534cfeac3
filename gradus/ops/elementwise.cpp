// Arithmetic and rounding: rows of op definitions, each with its slope, and the functions that record them.
#include "gradus/ops/elementwise.hpp"

#include <cmath>

#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/batch.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

using namespace core;

namespace rule::rows {

Aval broadcast_numbers(const Call& call) {
  Aval aval = broadcast_inputs(call);
  if (aval.dtype.is_bool()) fail(call.op.name, "the operands are bool; they must be numbers (x.astype(int32), or logical functions)");
  return aval;
}

Aval broadcast_integers(const Call& call) {
  Aval aval = broadcast_inputs(call);
  const bool has_bools = call.op.inputs[0].dtypes.has(bool_);
  if (aval.dtype.is_float() || (aval.dtype.is_bool() && !has_bools)) {
    fail(call.op.name, "the operands meet in ", aval.dtype, "; they must be integers", has_bools ? " or bools" : "");
  }
  return aval;
}

std::vector<Array> no_cotangents(const RecordedCall& call, std::span<const Array>) { return std::vector<Array>(call.inputs.size()); }
std::vector<Array> no_tangents(const RecordedCall& call, std::span<const Array>) { return std::vector<Array>(call.outputs.size()); }
std::vector<Array> cotangents_that_pass(const RecordedCall& call, PassRule rule, const Array& cotangent) {
  std::vector<Array> out(call.inputs.size());
  for (size_t i = 0; i < out.size(); ++i) {
    if (call[i].dtype().is_float()) out[i] = rule(call, static_cast<int>(i), cotangent);
    if (out[i].exists()) out[i] = unbroadcast(out[i], call[i].shape());
  }
  return out;
}
std::vector<Array> tangents_that_pass(const RecordedCall& call, PassRule rule, std::span<const Array> tangents) {
  Array sum;
  for (size_t i = 0; i < tangents.size(); ++i) {
    const Array term = tangents[i].exists() ? rule(call, static_cast<int>(i), tangents[i]) : Array();
    if (term.exists()) sum = sum.exists() ? sum + term : term;
  }
  return {sum};
}

Array number_like(const Array& x, double value) { return Array(value).astype(x.dtype()); }
Array widened(const Array& x) { return !x.exists() || x.is_weak() ? x : x.astype(wide_dtype(x.dtype())); }
Array as_float(const Array& x) { return !x.exists() || x.is_weak() || x.dtype().is_float() ? x : x.astype(float32); }

}  // namespace rule::rows

Array unbroadcast(const Array& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int64_t missing = x.rank() - shape.rank();
  Dims axes;
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    if (axis < missing || (shape[axis - missing] == 1 && x.shape()[axis] != 1)) axes.push_back(axis);
  }
  const Array summed = sum(x, axes);
  return summed.shape() == shape ? summed : reshape(summed, NewShape(shape));
}

namespace {

using namespace rows;

struct PowerArgs {
  double exponent = 0;
  GRADUS_FIELDS(exponent)
};

}  // namespace

Array rows::before_rounding(const Array& x) {
  if (x.node()->is_leaf() || &x.node()->op() != &cast_op) return {};
  const Array from = x.node()->input_array(0);
  return from.dtype().is_float() && !from.is_weak() && from.dtype().size() > x.dtype().size() ? from : Array();
}

namespace {

// z = x + y  =>  dx = dz, dy = dz, summed over the axes along which each was broadcast
Array transpose_add(const RecordedCall& call, int input, const Array& dz) {
  return unbroadcast(dz, call[static_cast<size_t>(input)].shape());
}
// z = x - y  =>  dx = dz, dy = -dz
Array transpose_subtract(const RecordedCall& call, int input, const Array& dz) {
  const Array summed = unbroadcast(dz, call[static_cast<size_t>(input)].shape());
  return input == 0 ? summed : -summed;
}
// All of the change where x wins over y, half of it where they are equal.
Array share(const Array& wins, const Array& x, const Array& y, const Array& change) {
  return where(wins, change, where(x == y, 0.5 * change, 0));
}

constinit const OpDef add_op = same_type("add", x_y_any, backend::add_function, linear(transpose_add));
constinit const OpDef subtract_op = of_numbers("subtract", x_y_any, backend::subtract_function, linear(transpose_subtract));
// z = x y  =>  dz/dx = y, dz/dy = x
constinit const OpDef multiply_op = same_type("multiply", x_y_any, backend::multiply_function,
                                              slopes([](const RecordedCall& call, int input) { return call[input == 0 ? 1 : 0]; }));
// z = x / y  =>  dz/dx = 1 / y, dz/dy = -z / y
constinit const OpDef divide_op =
    floating("divide", x_y_any, backend::divide_function,
             slopes([](const RecordedCall& call, int input) { return input == 0 ? reciprocal(call[1]) : -call.outputs[0] / call[1]; }));
constinit const OpDef negative_op =
    of_numbers("negative", x_any, backend::negative_function, linear([](const RecordedCall&, int, const Array& dy) { return -dy; }));
constinit const OpDef floor_divide_op = of_numbers("floor_divide", x_y_any, backend::floor_divide_function, zero_slope);
// z = x - floor(x / y) y  =>  dz/dx = 1, dz/dy = -floor(x / y)
constinit const OpDef remainder_op =
    of_numbers("remainder", x_y_any, backend::remainder_function,
               slopes([](const RecordedCall& call, int input) { return input == 0 ? Array(1.0) : -floor_divide(call[0], call[1]); }));
// z = x - n y for the whole number n = trunc(x / y)  =>  dz/dx = 1, dz/dy = -n. The rounded quotient may be n + 1: (x - z) / y is not.
constinit const OpDef fmod_op = of_numbers("fmod", x_y_any, backend::fmod_function, slopes([](const RecordedCall& call, int input) {
                                             return input == 0 ? Array(1.0) : -round((call[0] - call.outputs[0]) / call[1]);
                                           }));

// z = x^y  =>  dz/dx = y x^(y-1), 0 where x = y = 0; dz/dy = z log x, 0 where x = 0
constinit const OpDef power_op = of_numbers("power", x_y_any, backend::power_function, slopes([](const RecordedCall& call, int input) {
                                              const Array &x = call[0], &y = call[1];
                                              const Array is_zero = x == 0;
                                              if (input == 0) return y * power(x, where(is_zero & (y == 0), 1, y - 1));
                                              return where(is_zero, 0, where(is_zero, 1, call.outputs[0]) * log(where(is_zero, 1, x)));
                                            }));
// y = x^n  =>  dy/dx = n x^(n-1)
Array slope_of_literal_power(const RecordedCall& call, int) {
  const double exponent = call.as<PowerArgs>().exponent;
  return exponent == 0 ? Array(0.0) : exponent * pow(call[0], exponent - 1);
}
constinit const OpDef integer_power_op =
    with_args(of_numbers("integer_power", x_y_any, backend::integer_power_function, slopes(slope_of_literal_power)), args_of<PowerArgs>);
constinit const OpDef constant_power_op =
    with_args(floating("constant_power", x_y_any, backend::power_function, slopes(slope_of_literal_power)), args_of<PowerArgs>);
// x^(1/2) and x^(-1/2) as IEEE 754 has them: of -0 and -infinity as of 0 and infinity, where roots have -0 and NaN.
constinit const OpDef half_power_op = floating("half_power", x_any, backend::half_power_function,
                                               slopes([](const RecordedCall& call, int) { return 0.5 * pow(call[0], -0.5); }));
constinit const OpDef inverse_half_power_op = floating("inverse_half_power", x_any, backend::inverse_half_power_function,
                                                       slopes([](const RecordedCall& call, int) { return -0.5 * pow(call[0], -1.5); }));
// y = x^2  =>  dy/dx = 2 x
constinit const OpDef square_op =
    same_type("square", x_any, backend::square_function, slopes([](const RecordedCall& call, int) { return 2 * call[0]; }));
// y = |x|  =>  dy/dx = sign x
constinit const OpDef abs_op =
    same_type("abs", x_any, backend::abs_function, slopes([](const RecordedCall& call, int) { return sign(call[0]); }));
constinit const OpDef sign_op = same_type("sign", x_any, backend::sign_function, zero_slope);
// y = 1 / x  =>  dy/dx = -y^2
constinit const OpDef reciprocal_op = floating("reciprocal", x_any, backend::reciprocal_function,
                                               slopes([](const RecordedCall& call, int) { return -square(call.outputs[0]); }));

// z = max(x, y)  =>  dz/dx = [x > y] + [x = y] / 2
Array part_of_maximum(const RecordedCall& call, int input, const Array& change) {
  const size_t own = static_cast<size_t>(input), other = 1 - own;
  return share(call[own] > call[other], call[own], call[other], change);
}
Array part_of_minimum(const RecordedCall& call, int input, const Array& change) {
  const size_t own = static_cast<size_t>(input), other = 1 - own;
  return share(call[own] < call[other], call[own], call[other], change);
}
// A number that stands alone beside NaN takes the whole change.
Array part_of_fmax(const RecordedCall& call, int input, const Array& change) {
  const size_t own = static_cast<size_t>(input), other = 1 - own;
  return share((call[own] > call[other]) | isnan(call[other]), call[own], call[other], change);
}
Array part_of_fmin(const RecordedCall& call, int input, const Array& change) {
  const size_t own = static_cast<size_t>(input), other = 1 - own;
  return share((call[own] < call[other]) | isnan(call[other]), call[own], call[other], change);
}
constinit const OpDef maximum_op = same_type("maximum", x_y_any, backend::maximum_function, passes<part_of_maximum>);
constinit const OpDef minimum_op = same_type("minimum", x_y_any, backend::minimum_function, passes<part_of_minimum>);
constinit const OpDef fmax_op = same_type("fmax", x_y_any, backend::fmax_function, passes<part_of_fmax>);
constinit const OpDef fmin_op = same_type("fmin", x_y_any, backend::fmin_function, passes<part_of_fmin>);

// z = min(max(x, low), high)  =>  dz/dx = [low <= x <= high], dz/dlow = [x < low < high], dz/dhigh = [x > high or low >= high]
Array part_of_clip(const RecordedCall& call, int input, const Array& change) {
  const Array &x = call[0], &low = call[1], &high = call[2];
  return where(input == 0 ? (x >= low) & (x <= high) : input == 1 ? (x < low) & (low < high) : (x > high) | (low >= high), change, 0);
}
constexpr Input clip_inputs[] = {{"x", any_dtype}, {"low", any_dtype}, {"high", any_dtype}};
constinit const OpDef clip_op = same_type("clip", clip_inputs, backend::clip_function, passes<part_of_clip>);

// z = |x| sign y  =>  dz/dx = sign x sign y, dz/dy = 0
constinit const OpDef copysign_op =
    floating("copysign", x_y_any, backend::copysign_function,
             slopes([](const RecordedCall& call, int input) { return input == 0 ? sign(call[0]) * copysign(1, call[1]) : Array(0.0); }));
constinit const OpDef floor_op = same_type("floor", x_any, backend::floor_function, zero_slope);
constinit const OpDef ceil_op = same_type("ceil", x_any, backend::ceil_function, zero_slope);
constinit const OpDef round_op = same_type("round", x_any, backend::round_function, zero_slope);
constinit const OpDef trunc_op = same_type("trunc", x_any, backend::trunc_function, zero_slope);

// x^c for a number c that is known when recording.
Array power_of_number(const Array& x, DType kind, ScalarValue number) {
  const double exponent = kind.is_float() ? number.real : static_cast<double>(number.integer);
  if (!kind.is_float() && !x.dtype().is_float() && exponent < 0) {
    fail("pow", "x has dtype ", x.dtype(), " and the exponent is ", number.integer, "; integers have no negative powers (write a float, ",
         exponent, ".0)");
  }
  const Array base = kind.is_float() && !x.dtype().is_float() ? x.astype(promote_with_number(x.dtype(), kind)) : x;
  if (exponent == 1) return base;
  if (exponent == 2) return square(base);
  if (exponent == -1) return reciprocal(base);
  if (exponent == 0.5) return apply(half_power_op, {base});
  if (exponent == -0.5) return apply(inverse_half_power_op, {base});
  if (exponent == std::trunc(exponent) && std::fabs(exponent) <= 32) {
    return apply(integer_power_op, {base, static_cast<int64_t>(exponent)}, PowerArgs{exponent});
  }
  if (!base.dtype().is_float()) return apply(power_op, {base, number.integer});
  return apply(constant_power_op, {base, exponent}, PowerArgs{exponent});
}

}  // namespace


Array add(const Array& x, const Array& y) { return apply(add_op, {x, y}); }
Array subtract(const Array& x, const Array& y) { return apply(subtract_op, {x, y}); }
Array multiply(const Array& x, const Array& y) { return apply(multiply_op, {x, y}); }
Array divide(const Array& x, const Array& y) { return apply(divide_op, {x, y}); }
Array negative(const Array& x) { return apply(negative_op, {x}); }
Array floor_divide(const Array& x, const Array& y) { return apply(floor_divide_op, {x, y}); }
Array remainder(const Array& x, const Array& y) { return apply(remainder_op, {x, y}); }
Array fmod(const Array& x, const Array& y) { return apply(fmod_op, {x, y}); }
Array operator+(const Array& x, const Array& y) { return add(x, y); }
Array operator-(const Array& x, const Array& y) { return subtract(x, y); }
Array operator*(const Array& x, const Array& y) { return multiply(x, y); }
Array operator/(const Array& x, const Array& y) { return divide(x, y); }
Array operator-(const Array& x) { return negative(x); }
Array& operator+=(Array& x, const Array& y) { return x = add(x, y); }
Array& operator-=(Array& x, const Array& y) { return x = subtract(x, y); }
Array& operator*=(Array& x, const Array& y) { return x = multiply(x, y); }
Array& operator/=(Array& x, const Array& y) { return x = divide(x, y); }

Array power(const Array& x, const Array& y) {
  const bool has_literal = y.exists() && x.exists() && y.is_weak() && y.node()->is_scalar() && !x.is_weak();
  return has_literal ? power_of_number(x, y.dtype(), y.node()->scalar()) : apply(power_op, {x, y});
}
Array pow(const Array& x, const Array& y) { return power(x, y); }
Array square(const Array& x) { return apply(square_op, {x}); }
Array abs(const Array& x) { return apply(abs_op, {x}); }
Array sign(const Array& x) { return apply(sign_op, {x}); }
Array reciprocal(const Array& x) { return apply(reciprocal_op, {x}); }
Array maximum(const Array& x, const Array& y) { return apply(maximum_op, {x, y}); }
Array minimum(const Array& x, const Array& y) { return apply(minimum_op, {x, y}); }
Array fmax(const Array& x, const Array& y) { return apply(fmax_op, {x, y}); }
Array fmin(const Array& x, const Array& y) { return apply(fmin_op, {x, y}); }
Array clip(const Array& x, const Array& low, const Array& high) { return apply(clip_op, {x, low, high}); }
Array copysign(const Array& x, const Array& y) { return apply(copysign_op, {x, y}); }
Array floor(const Array& x) { return apply(floor_op, {x}); }
Array ceil(const Array& x) { return apply(ceil_op, {x}); }
Array round(const Array& x) { return apply(round_op, {x}); }
Array trunc(const Array& x) { return apply(trunc_op, {x}); }
Array frac(const Array& x) { return x - trunc(x); }
// In float32 at least: differences of small integers would wrap around, of 16-bit floats would be rounded.
Array lerp(const Array& x, const Array& y, const Array& t) {
  const Array from = rows::widened(x), out = from + rows::widened(t) * (rows::widened(y) - from);
  const Array like = rows::as_float(x) + t * rows::as_float(y);
  return like.is_weak() ? out : out.astype(like.dtype());
}
Array squared_difference(const Array& x, const Array& y) {
  const Array difference = x - y;
  if (!difference.dtype().is_16_bit()) return square(difference);
  return square(rows::widened(x) - rows::widened(y)).astype(difference.dtype());
}

std::span<const OpDef* const> rule::elementwise_ops() {
  static constexpr const OpDef* all[] = {
      &add_op,    &subtract_op,      &multiply_op,       &divide_op, &negative_op, &floor_divide_op, &remainder_op, &fmod_op,
      &power_op, &square_op, &integer_power_op, &constant_power_op, &abs_op,    &sign_op,     &reciprocal_op,   &maximum_op,   &minimum_op,
      &fmax_op,  &fmin_op,   &clip_op,          &copysign_op,       &floor_op,  &ceil_op,     &round_op,        &trunc_op,
      &half_power_op, &inverse_half_power_op};
  return all;
}

}  // namespace gradus
