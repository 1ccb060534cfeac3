// Samples of functions that are made of ops, losses above all: the laws of numbers are about what users call.
#include <cmath>

#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

using One = Array (*)(const Array&);
void one(Samples& out, std::string_view op, const std::function<Array(const Array&)>& f, double low = -1.5, double high = 1.5) {
  out.push_back({.op = op, .inputs = {uniform({3, 5}, low, high)}, .call = [f](const Arrays& in) { return Arrays{f(in[0])}; }});
}

void add_functions(Samples& out) {
  one(out, "tanh", [](const Array& x) { return mish(x); });
  one(out, "softplus", [](const Array& x) { return softplus(x, 2.0); });
  one(out, "elu", [](const Array& x) { return celu(x, 0.7) + selu(x); });
  one(out, "tanh", [](const Array& x) { return tanhshrink(x); });
  one(out, "clip", [](const Array& x) { return hardswish(x) + softshrink(x, 0.2); }, 0.3, 1.5);
  one(out, "mean", [](const Array& x) { return x - mean(x); });
  one(out, "sum", [](const Array& x) { return nansum(x, 1) + nanmean(x, 1); });
  for (const auto& [op, p] : std::initializer_list<std::pair<const char*, double>>{
           {"constant_power", 3}, {"half_power", 0.5}, {"inverse_half_power", -2}, {"abs", 1}})
    one(out, op, [p = p](const Array& x) { return linalg::vector_norm(x, p, 1); }, 0.3, 1.5);
  out.push_back({.op = "logaddexp", .inputs = {uniform({3, 4}), uniform({4}, -1, 1, 2)}, .call = [](const Arrays& in) {
                   return Arrays{logaddexp2(in[0], in[1]), lerp(in[0], in[1], 0.3), squared_difference(in[0], in[1])};
                 }});
  const Array image = uniform({2, 3, 3, 4}), weight = uniform({4}, 0.5, 1.5, 2), bias = uniform({4}, -1, 1, 3);
  out.push_back({.op = "stddev",
                 .inputs = {image},
                 .call = [=](const Arrays& in) {
                   const Array w = weight.astype(in[0].dtype()), b = bias.astype(in[0].dtype());
                   return Arrays{group_norm(in[0], 2, w, b), instance_norm(in[0], w, b)};
                 },
                 .tolerance = 1e-5});
  out.push_back({.op = "rsqrt",
                 .inputs = {image},
                 .call = [=](const Arrays& in) {
                   const Array w = weight.astype(in[0].dtype()), b = bias.astype(in[0].dtype());
                   return Arrays{batch_norm(in[0], b, w, w, b, 1e-5)};
                 },
                 .tolerance = 1e-5});
  one(out, "max", [](const Array& x) { return global_max_pool(expand_dims(x, {0, 3})); });
  one(out, "mean", [](const Array& x) { return global_average_pool(expand_dims(x, {0, 3})); });
}

void add_losses(Samples& out) {
  const Array y = uniform({4, 5}), t = uniform({4, 5}, 2, 3, 2), p = softmax(uniform({4, 5}, -1, 1, 3)).eval(),
              unit = uniform({4, 5}, 0.1, 0.9, 4);
  const auto add = [&](std::string_view op, const Array& target, Array (*loss)(const Array&, const Array&)) {
    out.push_back({.op = op, .inputs = {y, target}, .call = [loss](const Arrays& in) { return Arrays{loss(in[0], in[1])}; }});
  };
  add("square", t, loss::mean_squared_error);
  add("abs", t, loss::mean_absolute_error);
  add("where", t, loss::huber);
  add("log_cosh", t, loss::log_cosh);
  add("softplus", unit, loss::binary_crossentropy);
  add("log_softmax", p, loss::categorical_crossentropy);
  add("log_softmax", p, loss::kl_divergence);
  add("relu", t, loss::hinge);
  add("relu", t, loss::squared_hinge);
  add("exp", t, loss::poisson);
  const Array labels = array({0, 4, 2, 1}), weights = uniform({5}, 0.5, 1.5, 5);
  for (const double smoothing : {0.0, 0.1})
    out.push_back({.op = "softmax_cross_entropy",
                   .inputs = {y, labels},
                   .call = [=](const Arrays& in) {
                     const Array w = weights.astype(in[0].dtype());
                     return Arrays{loss::sparse_categorical_crossentropy(
                                       in[0], in[1], {.label_smoothing = smoothing, .class_weights = w, .ignore_label = 2}),
                                   loss::sparse_categorical_crossentropy(in[0], in[1], {.label_smoothing = smoothing})};
                   }});
}

}  // namespace

Samples composed_samples() {
  Samples out;
  add_functions(out);
  add_losses(out);
  return out;
}

}  // namespace laws
