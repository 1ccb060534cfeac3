// The functions of the groups gradgrad and jvp (one output, y), and the scalar functions of the group hessian.
#include <cmath>

#include "tests/golden/border.hpp"

namespace golden {
namespace {

using namespace gradus;
using namespace gradus::core;

template <Array (*F)(const Array&)>
Results one(const Call& c) {
  return F(c["x"]);
}
template <Array (*F)(const Array&, const Array&)>
Results two(const Call& c) {
  return F(c["x"], c["y"]);
}
int64_t axis_of(const Call& c) { return c.integer("axis"); }

Results conv_groups(const Call& c) { return tanh(torch_convolution(c["x"], c["weight"], {}, c.attrs())); }
Results batch_norm_train(const Call& c) {
  return channels_first(batch_norm(channels_last(c["x"]), c["weight"], c["bias"], c.number("eps")).y);
}
Results group_norm_case(const Call& c) {
  return channels_first(group_norm(channels_last(c["x"]), c.integer("num_groups"), c["weight"], c["bias"], c.number("eps")));
}
Results attention_causal(const Call& c) {
  return torch_attention(c["q"], c["k"], c["v"], {}, true, 1 / std::sqrt(static_cast<double>(c["q"].shape(-1))));
}
Results kl_div(const Call& c) {
  const Array t = c["target"];
  return reduced(xlogy(t, t) - t * log_softmax(c["input"], -1), c.text("reduction"));
}
Results gru_cell(const Call& c) {
  // Only the candidate of the hidden side has a bias.
  const Array zeros_r = zeros({2 * c["bias_hn"].shape(0)}, c.dtype);
  return gru_step(c["x"], c["h"], {c["weight_ih"], c["weight_hh"], {}, concatenate({zeros_r, c["bias_hn"]})});
}
Results mlp(const Call& c) { return matmul(tanh(matmul(c["x"], c["w1"]) + c["b1"]), c["w2"]); }

const Entry functions[] = {
    {"exp", one<exp>},
    {"log", one<log>},
    {"sin", one<sin>},
    {"tan", one<tan>},
    {"tanh", one<tanh>},
    {"sigmoid", one<sigmoid>},
    {"softplus", one<softplus>},
    {"silu", one<silu>},
    {"mish", one<mish>},
    {"elu", one<elu>},
    {"selu", one<selu>},
    {"erf", one<erf>},
    {"lgamma", one<lgamma>},
    {"digamma", one<digamma>},
    {"sqrt", one<sqrt>},
    {"rsqrt", one<rsqrt>},
    {"reciprocal", one<reciprocal>},
    {"atan", one<atan>},
    {"asinh", one<asinh>},
    {"relu", one<relu>},
    {"abs", one<abs>},
    {"logsigmoid", one<log_sigmoid>},
    {"gelu", one<gelu>},
    {"gelu_tanh", [](const Call& c) -> Results { return gelu(c["x"], GeluForm::tanh); }},
    {"pow3", [](const Call& c) -> Results { return pow(c["x"], 3); }},
    {"mul", two<multiply>},
    {"div", two<divide>},
    {"pow", two<pow>},
    {"atan2", two<atan2>},
    {"logaddexp", two<logaddexp>},
    {"hypot", two<hypot>},
    {"sum_axis", [](const Call& c) -> Results { return sum(square(c["x"]), axis_of(c)); }},
    {"prod", [](const Call& c) -> Results { return prod(c["x"], axis_of(c)); }},
    {"cumsum", [](const Call& c) -> Results { return cumsum(square(c["x"]), axis_of(c)); }},
    {"cumprod", [](const Call& c) -> Results { return cumprod(c["x"], axis_of(c)); }},
    {"logsumexp", [](const Call& c) -> Results { return logsumexp(c["x"], axis_of(c)); }},
    {"softmax", [](const Call& c) -> Results { return softmax(c["x"], axis_of(c)); }},
    {"log_softmax", [](const Call& c) -> Results { return log_softmax(c["x"], axis_of(c)); }},
    {"var", [](const Call& c) -> Results { return var(c["x"], axis_of(c), {.ddof = c.integer("ddof")}); }},
    {"std", [](const Call& c) -> Results { return stddev(c["x"], axis_of(c), {.ddof = c.integer("ddof")}); }},
    {"norm2", [](const Call& c) -> Results { return sqrt(sum(square(c["x"]), axis_of(c))); }},
    {"amax", [](const Call& c) -> Results { return square(max(c["x"], axis_of(c))); }},
    {"sort", [](const Call& c) -> Results { return square(sort(c["x"], axis_of(c))); }},
    {"matmul", two<matmul>},
    {"bmm_broadcast", two<matmul>},
    {"linear_tanh", [](const Call& c) -> Results { return tanh(torch_linear(c["x"], c["weight"], c["bias"])); }},
    {"einsum3", [](const Call& c) -> Results { return einsum(c.text("equation"), c["x"], c["y"], c["z"]); }},
    {"conv1d", [](const Call& c) -> Results { return torch_convolution(c["x"], c["weight"], c["bias"], c.attrs()); }},
    {"conv2d", [](const Call& c) -> Results { return torch_convolution(c["x"], c["weight"], c["bias"], c.attrs()); }},
    {"conv2d_groups", conv_groups},
    {"conv_transpose2d", transposed_convolution},
    {"avg_pool2d", [](const Call& c) -> Results { return torch_average_pool(square(c["x"]), c.integers("kernel_size")[0]); }},
    {"max_pool2d", [](const Call& c) -> Results { return square(torch_max_pool(c["x"], c.integers("kernel_size")[0])); }},
    {"layer_norm", [](const Call& c) -> Results { return layer_norm(c["x"], c["weight"], c["bias"], c.number("eps")); }},
    {"rms_norm", [](const Call& c) -> Results { return rms_norm(c["x"], c["weight"], c.number("eps")); }},
    {"group_norm", group_norm_case},
    {"batch_norm_train", batch_norm_train},
    {"attention_causal", attention_causal},
    {"cross_entropy", [](const Call& c) -> Results { return torch_cross_entropy(c["input"], c["target"], c.text("reduction"), 0); }},
    {"bce_with_logits", [](const Call& c) -> Results { return loss::binary_crossentropy(c["input"], c["target"]); }},
    {"mse", [](const Call& c) -> Results { return loss::mean_squared_error(c["input"], c["target"]); }},
    {"huber", [](const Call& c) -> Results { return loss::huber(c["input"], c["target"], {.delta = c.number("delta")}); }},
    {"kl_div", kl_div},
    {"where", [](const Call& c) -> Results { return where(c["cond"], c["x"] * c["y"], exp(c["x"])); }},
    {"index_mul", [](const Call& c) -> Results { return square(c["x"][c["i"]]) * sum(c["x"]); }},
    {"scatter_add", [](const Call& c) -> Results { return square(scatter_add(c["x"], c["index"], c["src"], axis_of(c))); }},
    {"cosine_similarity",
     [](const Call& c) -> Results { return cosine_of(c["x1"], c["x2"], axis_of(c), c.number("eps")); }},
    {"embedding", [](const Call& c) -> Results { return sin(embedding(c["weight"], c["index"])); }},
    {"lstm_cell",
     [](const Call& c) -> Results {
       return lstm_step(c["x"], c["h"], c["c"], {c["weight_ih"], c["weight_hh"], c["bias"], {}}).first;
     }},
    {"gru_cell", gru_cell},
    {"mlp", mlp},
};

Results rosenbrock(const Call& c) {
  const Array x = c["x"], here = x[slice(-1)], next = x[slice(1, {})];
  return sum(100 * square(next - square(here)) + square(1 - here));
}
Results gaussian_nll(const Call& c) {
  const Array mean_of = c["x"][0], deviation = c["x"][1];
  return sum(0.5 * square((c["s"] - mean_of) / deviation) + log(deviation));
}
Results himmelblau(const Call& c) {
  const Array a = c["x"][0], b = c["x"][1];
  return square(square(a) + b - 11) + square(a + square(b) - 7);
}
Results polar(const Call& c) {
  const Array r = c["x"][0], t = c["x"][1];
  return stack({r * cos(t), r * sin(t)});
}

const Entry scalars[] = {
    {"rosenbrock", rosenbrock},
    {"quadratic", [](const Call& c) -> Results { return 0.5 * sum(c["x"] * matmul(c["A"], c["x"])) + sum(c["b"] * c["x"]); }},
    {"logsumexp", [](const Call& c) -> Results { return logsumexp(c["x"]); }},
    {"norm", [](const Call& c) -> Results { return sqrt(sum(square(c["x"]))); }},
    {"prod_sin", [](const Call& c) -> Results { return sin(prod(c["x"])) + sum(pow(c["x"], 3)); }},
    {"logistic",
     [](const Call& c) -> Results { return loss::binary_crossentropy(matmul(c["X"], c["x"]), c["t"]); }},
    {"softmax_regression",
     [](const Call& c) -> Results { return loss::sparse_categorical_crossentropy(matmul(c["X"], c["x"]), c["t"]); }},
    {"gaussian_nll", gaussian_nll},
    {"mlp", mlp},
    {"conv_energy", [](const Call& c) -> Results { return sum(square(tanh(torch_convolution(c["x"], c["k"], {}, c.attrs())))); }},
    {"himmelblau", himmelblau},
    {"jacobian_softmax", [](const Call& c) -> Results { return softmax(c["x"]); }},
    {"jacobian_polar", polar},
    {"jacobian_matmul", [](const Call& c) -> Results { return tanh(matmul(c["x"], c["W"])); }},
};

}  // namespace

Table function_table() { return functions; }
Table scalar_table() { return scalars; }

}  // namespace golden
