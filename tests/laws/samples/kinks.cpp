// Samples at ties, kinks and zeros, where a derivative is a convention (PyTorch's) that finite differences cannot see.
#include <limits>

#include "gradus/ops/creation.hpp"
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Unary = std::function<Array(const Array&)>;
// The gradient of f at x, for cotangents 1, 2, 3 ...: given as numbers.
Sample at(std::string_view op, const Array& x, Unary f, std::vector<double> gradient, int orders = 2) {
  return {.op = op,
          .inputs = {x},
          .call = [f](const Arrays& in) { return Arrays{f(in[0])}; },
          .gradient = [gradient](const std::vector<Plain>& in) { return Plain{in[0].shape, gradient}; },
          .orders = orders,
          .is_smooth = false};
}
Array row(std::vector<double> values) {
  const auto size = static_cast<int64_t>(values.size());
  return array(values, Shape{size});
}

void add_elementwise(Samples& out) {
  const auto pair = [&](std::string_view op, Array (*f)(const Array&, const Array&)) {
    Sample sample = at(op, row({1, -2, 0}), nullptr, {0.5, 1, 1.5});
    sample.inputs.push_back(row({1, -2, 0}));
    sample.call = [f](const Arrays& in) { return Arrays{f(in[0], in[1])}; };
    out.push_back(sample);
  };
  pair("maximum", maximum);
  pair("minimum", minimum);
  pair("fmax", fmax);
  pair("fmin", fmin);
  out.push_back(at("clip", row({-1, 0, 1, 2, -3}), [](const Array& x) { return clip(x, -1, 1); }, {1, 2, 3, 0, 0}));
  out.push_back(at("abs", row({0, -0.0, -2, 2}), [](const Array& x) { return abs(x); }, {0, 0, -3, 4}));
  out.push_back(at("sign", row({0, -2}), [](const Array& x) { return sign(x) * x; }, {0, -2}));
  out.push_back(at("relu", row({0, -0.0, 1}), [](const Array& x) { return relu(x); }, {0, 0, 3}));
  out.push_back(at("leaky_relu", row({0, 1}), [](const Array& x) { return leaky_relu(x, 0.25); }, {0.25, 2}));
  out.push_back(at("elu", row({0, 1}), [](const Array& x) { return elu(x, 0.5); }, {0.5, 2}));
  for (const auto& [op, f] : std::initializer_list<std::pair<const char*, Array (*)(const Array&)>>{
           {"floor", floor}, {"ceil", ceil}, {"round", round}, {"trunc", trunc}})
    out.push_back(at(op, row({0, 1, -2, 0.5}), [f = f](const Array& x) { return f(x) * x; }, {0, 2, -6, 4 * f(Array(0.5)).item()}));
  out.push_back(at("power", row({0, 0, 2}), [](const Array& x) { return power(x, row({0, 2, 3}).astype(x.dtype())); }, {0, 0, 36}, 1));
  out.push_back(at("integer_power", row({0, 2}), [](const Array& x) { return pow(x, 3); }, {0, 24}));
  out.push_back(at("xlogy", row({0, 2}), [](const Array& x) { return xlogy(x, row({0, 1}).astype(x.dtype())); }, {0, 0}, 1));
  // Lengths and powers at 0, where others are guarded too; of infinities.
  const auto beside = [](Array (*f)(const Array&, const Array&), double other, bool is_first) {
    return [=](const Array& x) { return is_first ? f(x, full_like(x, other)) : f(full_like(x, other), x); };
  };
  out.push_back(at("hypot", row({0, 3}), beside(hypot, 0, true), {0, 2}));
  out.push_back(at("atan2", row({0, 2}), beside(atan2, 0, true), {0, 0}));
  out.push_back(at("xlogy", row({0, 2}), beside(xlogy, 0, false), {0, 0}));
  out.push_back(at("xlog1py", row({-1, 2}), beside(xlog1py, 0, false), {0, 0}));
  out.push_back(at("power", row({-1, 0, 2}), beside(power, 0, false), {0, 0, 0}));
  out.push_back(at("power", row({kInfinity, 2}), beside(power, 0, true), {0, 0}, 1));
  out.push_back(at("norm", row({0, 0}), [](const Array& x) { return linalg::norm(x); }, {0, 0}));
  out.push_back(at("stddev", row({3, 3}), [](const Array& x) { return stddev(x); }, {0, 0}));
  out.push_back(
      at("logaddexp", row({kInfinity, -kInfinity, 2}), [](const Array& x) { return logaddexp(x, stop_gradient(x)); }, {0.5, 0, 1.5}));
  out.push_back(at("fmod", row({0.1}), [](const Array& y) { return fmod(Array(1.0).astype(y.dtype()), y); }, {-9}));
  out.push_back(at("logsumexp", row({kInfinity, 700, -kInfinity}), [](const Array& x) { return logsumexp(x); }, {1, 0, 0}));
  // A class that is masked out, with target 0; an ignored example of NaN.
  const Array masked = reshape(row({0, -kInfinity, 0}), {1, 3}), one_hot = reshape(row({1, 0, 0}), {1, 3});
  out.push_back(at("log_softmax", masked, [=](const Array& x) { return loss::categorical_crossentropy(x, one_hot.astype(x.dtype())); },
                   {-0.5, 0, 0.5}));
  out.push_back(
      at("log_softmax", masked, [=](const Array& x) { return loss::kl_divergence(x, one_hot.astype(x.dtype())); }, {-0.5, 0, 0.5}));
  out.push_back(at("softmax_cross_entropy", masked, [](const Array& x) { return loss::sparse_categorical_crossentropy(x, array({0})); },
                   {-0.5, 0, 0.5}));
  const Array padded = reshape(row({std::nan(""), std::nan(""), 0, 0}), {2, 2});
  out.push_back(at("softmax_cross_entropy", padded, [](const Array& x) {
                     const Array weights = ones({2}, x.dtype());
                     return loss::sparse_categorical_crossentropy(x, array({-100, 1}), {.label_smoothing = 0.1, .class_weights = weights});
                   },
                   {0, 0, 0.45, -0.45}));
  // The branch that is not taken adds nothing, not even NaN.
  out.push_back(at("where", row({-1, 4}), [](const Array& x) { return where(x > 0, sqrt(where(x > 0, x, 1.0)), 0.0); }, {0, 0.5}, 1));
  out.push_back(at("stop_gradient", row({3, 4}), [](const Array& x) { return x * stop_gradient(x); }, {3, 8}));
}

void add_reductions(Samples& out) {
  // Equal elements share; of a row of four, two are largest.
  const Array ties = reshape(row({2, 5, 5, 1, 3, 3, 3, 3}), {2, 4});
  out.push_back(at("max", ties, [](const Array& x) { return max(x, 1); }, {0, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0.5}));
  out.push_back(at("min", ties, [](const Array& x) { return min(x, 1); }, {0, 0, 0, 1, 0.5, 0.5, 0.5, 0.5}));
  out.push_back(at("max", ties, [](const Array& x) { return max(x); }, {0, 0.5, 0.5, 0, 0, 0, 0, 0}));
  // One zero, two zeros: the product of the others.
  const Array zeroes = reshape(row({2, 0, 4, 0, 3, 0}), {2, 3});
  out.push_back(at("prod", zeroes, [](const Array& x) { return prod(x, 1); }, {0, 8, 0, 0, 0, 0}));
  out.push_back(at("cumprod", row({2, 0, 4}), [](const Array& x) { return cumprod(x, 0); }, {1, 4 + 24, 0}));
  out.push_back(at("var", row({3, 3, 3}), [](const Array& x) { return var(x); }, {0, 0, 0}));
  out.push_back(at("logsumexp", row({-kInfinity, -kInfinity}), [](const Array& x) { return logsumexp(x); }, {0, 0}, 1));
  out.push_back(at("logsumexp", row({-kInfinity, 1}), [](const Array& x) { return logsumexp(x); }, {0, 1}, 1));
  out.push_back(at("softmax", reshape(row({-kInfinity, 1}), {1, 2}), [](const Array& x) { return softmax(x); }, {0, 0}, 1));
  // The last of equal elements so far is the largest; sorting keeps their order; pooling takes the first.
  out.push_back(at("cummax_position", row({1, 1, 0, 1}), [](const Array& x) { return cummax(x, 0).first; }, {1, 2 + 3, 0, 4}));
  out.push_back(at("cummin_position", row({1, 1, 2, 1}), [](const Array& x) { return cummin(x, 0).first; }, {1, 2 + 3, 0, 4}));
  out.push_back(at("argsort", row({1, 0, 1, 0}), [](const Array& x) { return sort(x); }, {3, 1, 4, 2}));
  out.push_back(at("argsort", row({1, 0, 1, 0}), [](const Array& x) { return topk(x, 3).first; }, {1, 3, 2, 0}));
  out.push_back(at("max_pool", reshape(row({1, 1, 1, 0}), {1, 2, 2, 1}), [](const Array& x) { return max_pool2d(x, 2); }, {1, 0, 0, 0}));
}

// Of equal elements the first; integers and bools.
void add_positions(Samples& out) {
  const auto of = [&](std::string_view op, const Array& x, Unary f, Plain want) {
    out.push_back({.op = op,
                   .inputs = {x},
                   .call = [f](const Arrays& in) { return Arrays{f(in[0])}; },
                   .reference = [want](const std::vector<Plain>&) { return want; },
                   .orders = 0});
  };
  const Array ties = array({{2, 5, 5}, {3, 3, 3}}), truths = array({{true, false, true}, {false, false, false}});
  of("argmax", ties, [](const Array& x) { return argmax(x, 1); }, {{2}, {1, 0}});
  of("argmin", ties, [](const Array& x) { return argmin(x, 1); }, {{2}, {0, 0}});
  of("argsort", ties, [](const Array& x) { return argsort(x); }, {{2, 3}, {0, 1, 2, 0, 1, 2}});
  of("argsort", ties, [](const Array& x) { return argsort(x, 1, true); }, {{2, 3}, {1, 2, 0, 0, 1, 2}});
  of("sum", ties, [](const Array& x) { return sum(x, 0); }, {{3}, {5, 8, 8}});
  of("sum", truths, [](const Array& x) { return sum(x, 1); }, {{2}, {2, 0}});
  of("mean", ties, [](const Array& x) { return mean(x, 1); }, {{2}, {4, 3}});
  of("prod", ties, [](const Array& x) { return prod(x, 0); }, {{3}, {6, 15, 15}});
  of("max", ties, [](const Array& x) { return max(x, 0); }, {{3}, {3, 5, 5}});
  of("any", truths, [](const Array& x) { return any(x, 1); }, {{2}, {1, 0}});
  of("all", truths, [](const Array& x) { return all(x, 0); }, {{3}, {0, 0, 0}});
  of("cumsum", ties, [](const Array& x) { return cumsum(x, 1); }, {{2, 3}, {2, 7, 12, 3, 6, 9}});
  out.push_back({.op = "searchsorted",  // equal elements left and right
                 .inputs = {array({1, 3, 3, 5}), array({0, 3, 6})},
                 .call = [](const Arrays& in) { return Arrays{searchsorted(in[0], in[1]), searchsorted(in[0], in[1], Side::right)}; },
                 .reference = [](const std::vector<Plain>&) { return Plain{{3}, {0, 1, 4}}; },
                 .orders = 0});
}

}  // namespace

Samples kink_samples() {
  Samples out;
  add_elementwise(out);
  add_reductions(out);
  add_positions(out);
  return out;
}

}  // namespace laws
