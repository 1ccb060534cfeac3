// Activation functions of neural networks: element-wise, of floats (relu, relu6 and hardshrink keep integers as they
// are). Each has a form with one argument, to be passed as a function.
#pragma once

#include <span>
#include <string_view>

#include "gradus/graph/array.hpp"

namespace gradus {

/// max(x, 0). Slope 0 at 0.
Array relu(const Array& x);
/// min(max(x, 0), 6).
Array relu6(const Array& x);
/// x > 0 ? x : slope * x, slope 0.01 if not given; an array as slope makes it PReLU.
Array leaky_relu(const Array& x);
Array leaky_relu(const Array& x, const Array& slope);
/// x > 0 ? x : alpha (e^x - 1), alpha 1 if not given.
Array elu(const Array& x);
Array elu(const Array& x, const Array& alpha);
/// x > 0 ? x : alpha (e^(x / alpha) - 1).
Array celu(const Array& x);
Array celu(const Array& x, const Array& alpha);
/// elu scaled so that activations keep mean 0 and variance 1 (Klambauer et al. 2017).
Array selu(const Array& x);
/// x Phi(x) with the normal distribution function Phi (Hendrycks and Gimpel 2016); or its approximation by tanh.
enum class GeluForm { exact, tanh };
std::span<const std::string_view> enum_names(GeluForm);
Array gelu(const Array& x);
Array gelu(const Array& x, GeluForm form);
/// 1 / (1 + e^-x), and its logarithm without overflow.
Array sigmoid(const Array& x);
Array log_sigmoid(const Array& x);
/// x sigmoid(x).
Array silu(const Array& x);
/// x tanh(softplus(x)).
Array mish(const Array& x);
/// log(1 + e^x), without overflow; log(1 + e^(beta x)) / beta, and x itself where beta x > threshold.
Array softplus(const Array& x);
Array softplus(const Array& x, double beta, double threshold = 20);
/// x / (1 + |x|).
Array softsign(const Array& x);
/// clip(x, -1, 1), or other bounds.
Array hardtanh(const Array& x);
Array hardtanh(const Array& x, double low, double high);
/// relu6(x + 3) / 6, and x times it.
Array hardsigmoid(const Array& x);
Array hardswish(const Array& x);
/// x - tanh(x).
Array tanhshrink(const Array& x);
/// x where |x| > bound (0.5 if not given), else 0; softshrink also moves it by the bound towards 0.
Array hardshrink(const Array& x);
Array hardshrink(const Array& x, double bound);
Array softshrink(const Array& x);
Array softshrink(const Array& x, double bound);
/// x where x > bound, else `value`.
Array threshold(const Array& x, double bound, double value);

}  // namespace gradus
