// Activations: the ones that matter for speed are ops with a kernel and a slope, the others compositions.
#include "gradus/ops/activation.hpp"

#include "gradus/backend/functions/activation.hpp"
#include "gradus/backend/functions/exponential.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/pool_rules.hpp"

namespace gradus {

using namespace core;

using namespace rows;

namespace {

Array gate(const Array& x, const Array& y) { return apply(gate_op, {x, y}); }
Array part_of_gate(const RecordedCall& call, int input, const Array& change) { return input == 0 ? gate(change, call[1]) : Array(); }
Array part_of_relu(const RecordedCall& call, int, const Array& change) { return gate(change, call.outputs[0]); }

}  // namespace

// z = y > 0 ? x : 0  =>  dx passes where y > 0, dz/dy = 0. In one instruction.
constinit const OpDef rule::gate_op = floating("gate", x_y_any, backend::gate_function, passes<part_of_gate>);

namespace {

constexpr double kOneOverSqrt2Pi = 0.39894228040143267794, kSqrt2OverPi = 0.79788456080286535588;
constexpr double kSeluScale = 1.0507009873554804934193349852946, kSeluAlpha = 1.6732632423543772848170429916717;

// y, computed from widened x, in the dtype of x.
Array narrowed(const Array& y, const Array& x) { return x.dtype().is_float() && !x.is_weak() ? y.astype(x.dtype()) : y; }

// y = max(x, 0)  =>  the change passes where y > 0
constinit const OpDef relu_op = of_numbers("relu", x_any, backend::relu_function, passes<part_of_relu>);
// y = x > 0 ? x : s x  =>  dy/dx = x > 0 ? 1 : s, dy/ds = x > 0 ? 0 : x
constexpr Input leaky_relu_inputs[] = {{"x", any_dtype}, {"slope", any_dtype}};
constinit const OpDef leaky_relu_op =
    floating("leaky_relu", leaky_relu_inputs, backend::leaky_relu_function, slopes([](const RecordedCall& call, int input) {
               const Array is_positive = call[0] > 0;
               return input == 0 ? where(is_positive, number_like(call.outputs[0], 1), call[1]) : where(is_positive, 0, call[0]);
             }));
// y = x > 0 ? x : a (e^x - 1)  =>  dy/dx = x > 0 ? 1 : y + a, dy/da = x > 0 ? 0 : e^x - 1
constexpr Input elu_inputs[] = {{"x", any_dtype}, {"alpha", any_dtype}};
constinit const OpDef elu_op =
    floating("elu", elu_inputs, backend::elu_function, slopes([](const RecordedCall& call, int input) {
               const Array is_positive = call[0] > 0;
               return input == 0 ? where(is_positive, 1, call.outputs[0] + call[1]) : where(is_positive, 0, expm1(minimum(call[0], 0)));
             }));
// y = 1 / (1 + e^-x)  =>  dy/dx = y (1 - y)
constinit const OpDef sigmoid_op = floating("sigmoid", x_any, backend::sigmoid_function,
                                            slopes([](const RecordedCall& call, int) { return call.outputs[0] * (1 - call.outputs[0]); }));
// y = log(1 + e^x)  =>  dy/dx = sigmoid(x)
constinit const OpDef softplus_op =
    floating("softplus", x_any, backend::softplus_function, slopes([](const RecordedCall& call, int) { return sigmoid(call[0]); }));
// y = x s, s = sigmoid(x)  =>  dy/dx = s + y (1 - s)
constinit const OpDef silu_op = floating("silu", x_any, backend::silu_function, slopes([](const RecordedCall& call, int) {
                                           const Array s = sigmoid(call[0]);
                                           return s + call.outputs[0] * (1 - s);
                                         }));
// y = x / (1 + |x|)  =>  dy/dx = 1 / (1 + |x|)^2
constinit const OpDef softsign_op = floating("softsign", x_any, backend::softsign_function, slopes([](const RecordedCall& call, int) {
                                               return square(reciprocal(1 + abs(call[0])));
                                             }));
// y = log cosh x  =>  dy/dx = tanh x
constinit const OpDef log_cosh_op =
    floating("log_cosh", x_any, backend::log_cosh_function, slopes([](const RecordedCall& call, int) { return tanh(call[0]); }));
// g = Phi(x) + x phi(x)  =>  dg/dx = (2 - x^2) phi(x), with the normal density phi; beyond 40, where phi is 0, x^2 may be infinite
constinit const OpDef gelu_slope_op = floating("gelu_slope", x_any, backend::gelu_slope_function, slopes([](const RecordedCall& call, int) {
                                                 const Array squared = square(clip(call[0], -40, 40));
                                                 return (2 - squared) * (kOneOverSqrt2Pi * exp(-0.5 * squared));
                                               }));
// y = x Phi(x)  =>  dy/dx = Phi(x) + x phi(x)
constinit const OpDef gelu_op =
    floating("gelu", x_any, backend::gelu_function, slopes([](const RecordedCall& call, int) { return apply(gelu_slope_op, {call[0]}); }));

}  // namespace

Array rows::log_cosh(const Array& x) { return apply(log_cosh_op, {x}); }

Array relu(const Array& x) { return apply(relu_op, {x}); }
Array relu6(const Array& x) { return clip(x, 0, 6); }
Array leaky_relu(const Array& x) { return leaky_relu(x, 0.01); }
Array leaky_relu(const Array& x, const Array& slope) { return apply(leaky_relu_op, {x, slope}); }
Array elu(const Array& x) { return elu(x, 1.0); }
Array elu(const Array& x, const Array& alpha) { return apply(elu_op, {x, alpha}); }
Array celu(const Array& x) { return elu(x, 1.0); }
Array celu(const Array& x, const Array& alpha) {
  const Array wide = widened(alpha);
  return narrowed(wide * elu(widened(x) / wide), x / alpha);
}
Array selu(const Array& x) { return narrowed(kSeluScale * elu(widened(x), kSeluAlpha), x); }
Array gelu(const Array& x) { return apply(gelu_op, {x}); }
std::span<const std::string_view> enum_names(GeluForm) {
  static constexpr std::string_view names[] = {"exact", "tanh"};
  return names;
}
Array gelu(const Array& x, GeluForm form) {
  if (form == GeluForm::exact) return gelu(x);
  // (1 + tanh z) / 2 is sigmoid(2 z), which does not cancel. Beyond 30 it is 0 or 1 in every dtype, and the cube may be infinite.
  const Array wide = widened(x), near = clip(wide, -30, 30);
  return narrowed(wide * sigmoid(2 * kSqrt2OverPi * near * (1 + 0.044715 * square(near))), x);
}
Array sigmoid(const Array& x) { return apply(sigmoid_op, {x}); }
Array log_sigmoid(const Array& x) { return -softplus(-as_float(x)); }
Array silu(const Array& x) { return apply(silu_op, {x}); }
Array mish(const Array& x) {
  const Array wide = widened(x);
  return narrowed(wide * tanh(softplus(wide)), x);
}
Array softplus(const Array& x) { return apply(softplus_op, {x}); }
Array softplus(const Array& x, double beta, double threshold) {
  const Array wide = widened(x), scaled = beta * wide;
  return narrowed(where(scaled > threshold, wide, softplus(scaled) / beta), x);
}
Array softsign(const Array& x) { return apply(softsign_op, {x}); }
Array hardtanh(const Array& x) { return hardtanh(x, -1, 1); }
Array hardtanh(const Array& x, double low, double high) { return clip(x, low, high); }
Array hardsigmoid(const Array& x) { return narrowed(relu6(widened(x) + 3.0) / 6, x); }
Array hardswish(const Array& x) {
  const Array wide = widened(x);
  return narrowed(wide * hardsigmoid(wide), x);
}
// Near 0, where x and tanh x cancel, the series x^3/3 - 2 x^5/15 + ...: coefficient k is 2^2k (2^2k - 1) |B_2k| / (2k)!, with Bernoulli's
// numbers.
Array tanhshrink(const Array& x) {
  static constexpr double coefficients[] = {1.0 / 3,
                                            2.0 / 15,
                                            17.0 / 315,
                                            62.0 / 2835,
                                            1382.0 / 155925,
                                            21844.0 / 6081075,
                                            929569.0 / 638512875,
                                            6404582.0 / 10854718875,
                                            443861162.0 / 1856156927625,
                                            18888466084.0 / 194896477400625};
  const Array wide = widened(x), is_near = abs(wide) < 0.2, near = where(is_near, wide, 0), squared = square(near);
  Array series = coefficients[9];
  for (size_t k = 9; k-- > 0;) series = coefficients[k] - series * squared;
  return narrowed(where(is_near, near * squared * series, wide - tanh(wide)), x);
}
Array hardshrink(const Array& x) { return hardshrink(x, 0.5); }
Array hardshrink(const Array& x, double bound) { return where((x >= -bound) & (x <= bound), 0, x); }
Array softshrink(const Array& x) { return softshrink(x, 0.5); }
Array softshrink(const Array& x, double bound) { return x - clip(x, -bound, bound); }
Array threshold(const Array& x, double bound, double value) { return where(x <= bound, value, x); }

std::span<const OpDef* const> rule::activation_ops() {
  static constexpr const OpDef* all[] = {&gate_op,     &relu_op, &leaky_relu_op, &elu_op, &sigmoid_op,
                                         &softplus_op, &silu_op, &gelu_slope_op, &gelu_op, &softsign_op, &log_cosh_op};
  return all;
}

}  // namespace gradus
