// Relevance is carried back by pull-backs of the layers' own ops, so that strides, padding and groups need no second treatment.
#include "gradus/explain/relevance.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <string>

#include "gradus/base/error.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/nn/conv.hpp"
#include "gradus/nn/dense.hpp"
#include "gradus/nn/norm.hpp"
#include "gradus/nn/pool.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/conv.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/vjp.hpp"

namespace gradus::explain {

using namespace core;

namespace {

constexpr std::string_view kOp = "relevance", kRules[] = {"epsilon", "gamma", "z_plus"};

using Linear = std::function<Array(const Array& x, const Array& kernel)>;

// J^T of f at x, times u.
Array pulled(const std::function<Array(const Array&)>& f, const Array& x, const Array& u) {
  auto [y, pull_back] = vjp(f, x);
  return pull_back(u);
}
Array above_zero(const Array& x) { return maximum(x, 0); }
Array below_zero(const Array& x) { return minimum(x, 0); }

// The product of a Dense or convolution layer, with what a BatchNorm behind it does.
struct Affine {
  Linear linear;
  Array kernel, bias;  // bias: empty if there is none
};

Array apply(const Affine& of, const Array& x) {
  const Array y = of.linear(x, of.kernel);
  return of.bias.exists() ? y + of.bias : y;
}

// Carries relevance back through layers as they were called at one batch.
class Walk {
 public:
  explicit Walk(const RelevanceOptions& options) : options_(options) {}

  /// What the layers give at x; each step is kept.
  Array forward(const nn::Sequential& layers, Array x, const std::string& place) {
    for (size_t i = 0; i < layers.size(); ++i) {
      const nn::BatchNorm* const norm = i + 1 < layers.size() ? layers[i + 1].as<nn::BatchNorm>() : nullptr;
      if (norm && is_plain_affine(layers[i])) x = with_norm(layers[i++], *norm, x);
      else x = forward(layers[i], x, concat(place, "layer ", i));
    }
    return x;
  }

  Array forward(const nn::Layer& layer, const Array& x, const std::string& place) {
    if (!softmax_.empty()) fail(kOp, softmax_, " is a softmax within the model; only the last layer may be one");
    if (const auto* inner = layer.as<nn::Sequential>()) return forward(*inner, x, concat(place, " > "));
    if (const auto* dense = layer.as<nn::Dense>()) return with_activation(dense->activation, push(of(*dense), x, options_.dense), place);
    if (const auto* conv = layer.as<nn::Conv2D>())
      return with_activation(conv->activation, push(of(*conv), x, options_.convolution), place);
    if (const auto* conv = layer.as<nn::Conv1D>())
      return with_activation(conv->activation, push(of(*conv), x, options_.convolution), place);
    if (const auto* residual = layer.as<nn::Residual>())
      return with_activation(residual->activation, sum_of_ways(*residual, x, place), place);
    if (const auto* activation = layer.as<nn::Activation>()) return with_activation(*activation, x, place);
    if (layer.as<nn::Dropout>()) return x;
    const Array y = layer.forward(x);
    if (layer.as<nn::BatchNorm>()) return y;  // one input for each output: what comes back goes there whole
    if (layer.as<nn::Flatten>()) {
      steps_.push_back([shape = x.shape()](const Array& r) { return reshape(r, shape); });
      return y;
    }
    if (layer.as<nn::MaxPooling2D>() || layer.as<nn::GlobalMaxPooling1D>()) {
      steps_.push_back([&layer, x](const Array& r) { return pulled([&](const Array& at) { return layer.forward(at); }, x, r); });
      return y;
    }
    if (layer.as<nn::AveragePooling2D>() || layer.as<nn::GlobalAveragePooling2D>() || layer.as<nn::GlobalAveragePooling1D>()) {
      steps_.push_back([this, &layer, x, y](const Array& r) {
        return x * pulled([&](const Array& at) { return layer.forward(at); }, x, divided(r, y));
      });
      return y;
    }
    fail(kOp, place, " is a ", layer.type(),
         ", for which there is no rule; known are Dense, Conv1D, Conv2D, BatchNorm, pooling, Flatten, "
         "Dropout, functions element by element, Residual and Sequential");
  }

  Array back(Array relevance) const {
    for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) relevance = (*step)(relevance).eval();
    return relevance;
  }

 private:
  Array stabilised(const Array& z) const { return z + where(z < 0, -options_.epsilon, options_.epsilon); }
  // r / z, 0 where both are: with no epsilon an output that is exactly 0 has no relevance to give.
  Array divided(const Array& r, const Array& z) const {
    const Array below = stabilised(z);
    return where(below == 0, 0, r / where(below == 0, 1, below));
  }

  static bool is_plain_affine(const nn::Layer& layer) {
    const auto is_plain = [](const auto* one) { return one && one->activation.is_linear(); };
    return is_plain(layer.as<nn::Dense>()) || is_plain(layer.as<nn::Conv2D>()) || is_plain(layer.as<nn::Conv1D>());
  }

  template <class L>
  static Affine affine_of(const L& layer, Linear linear) {
    return {std::move(linear), layer.kernel.get(), layer.use_bias ? layer.bias.get() : Array()};
  }
  static Affine of(const nn::Dense& layer) {
    return affine_of(layer, [](const Array& x, const Array& kernel) { return matmul(x, kernel); });
  }
  static Affine of(const nn::Conv2D& layer) {
    return affine_of(layer, [&layer](const Array& x, const Array& kernel) {
      return conv2d(x, kernel, {.strides = layer.strides, .padding = layer.padding, .dilation = layer.dilation, .groups = layer.groups});
    });
  }
  static Affine of(const nn::Conv1D& layer) {
    return affine_of(layer, [&layer](const Array& x, const Array& kernel) {
      return conv1d(x, kernel, {.strides = layer.strides, .padding = layer.padding, .dilation = layer.dilation, .groups = layer.groups});
    });
  }

  // y = (W x + b - mean) k + shift with k = weight / sqrt(variance + epsilon): a product with W k.
  Array with_norm(const nn::Layer& layer, const nn::BatchNorm& norm, const Array& x) {
    if (!softmax_.empty()) fail(kOp, softmax_, " is a softmax within the model; only the last layer may be one");
    const bool is_dense = layer.as<nn::Dense>();
    Affine folded = is_dense                 ? of(*layer.as<nn::Dense>())
                    : layer.as<nn::Conv2D>() ? of(*layer.as<nn::Conv2D>())
                                             : of(*layer.as<nn::Conv1D>());
    const DType dtype = folded.kernel.dtype();
    Array scale = 1 / sqrt(norm.running_variance.get() + norm.epsilon);
    if (norm.scale) scale = scale * norm.weight.get();
    Array bias = (folded.bias.exists() ? folded.bias - norm.running_mean.get() : -norm.running_mean.get()) * scale;
    if (norm.center) bias = bias + norm.bias.get();
    folded.kernel = (folded.kernel * scale).astype(dtype).eval();
    folded.bias = bias.astype(dtype).eval();
    return push(std::move(folded), x, is_dense ? options_.dense : options_.convolution);
  }

  Array push(Affine of, const Array& x, RelevanceRule rule) {
    const Array y = apply(of, x).eval();
    steps_.push_back([this, of = std::move(of), x, rule](const Array& r) { return through(of, x, rule, r); });
    return y;
  }
  Array through(const Affine& of, const Array& x, RelevanceRule rule, const Array& r) const {
    const auto along = [&](const Array& at, const Array& kernel, const Array& share) {
      return at * pulled([&](const Array& x) { return of.linear(x, kernel); }, at, share);
    };
    if (rule == RelevanceRule::z_plus) {
      const Array up = above_zero(x), down = below_zero(x), for_up = above_zero(of.kernel), for_down = below_zero(of.kernel);
      Array z = of.linear(up, for_up) + of.linear(down, for_down);
      if (of.bias.exists()) z = z + above_zero(of.bias);
      const Array share = divided(r, z);
      return along(up, for_up, share) + along(down, for_down, share);
    }
    Affine changed = of;
    if (rule == RelevanceRule::gamma) {
      changed.kernel = of.kernel + options_.gamma * above_zero(of.kernel);
      if (of.bias.exists()) changed.bias = of.bias + options_.gamma * above_zero(of.bias);
    }
    return along(x, changed.kernel, divided(r, apply(changed, x)));
  }

  Array with_activation(const nn::Activation& activation, const Array& x, const std::string& place) {
    if (!softmax_.empty()) fail(kOp, softmax_, " is a softmax within the model; only the last layer may be one");
    if (activation.name() != "softmax" && activation.name() != "log_softmax") return activation(x);
    softmax_ = place;
    return x;
  }

  // y = body(x) + shortcut(x): each way gets the part of y that it brought.
  Array sum_of_ways(const nn::Residual& residual, const Array& x, const std::string& place) {
    const auto body = std::make_shared<Walk>(options_), shortcut = std::make_shared<Walk>(options_);
    const Array b = body->forward(residual.body, x, concat(place, " > body")),
                s = shortcut->forward(residual.shortcut, x, concat(place, " > shortcut")), y = b + s;
    steps_.push_back([this, body, shortcut, b, s, y](const Array& r) {
      const Array share = divided(r, y);
      return body->back(b * share) + shortcut->back(s * share);
    });
    return y;
  }

  const RelevanceOptions& options_;
  std::vector<std::function<Array(const Array& relevance)>> steps_{};
  std::string softmax_{};  // where the softmax at the end stood
};

template <class M>
Relevance relevance_of(const M& model, const Array& x, const RelevanceOptions& options) {
  detail::check_float(kOp, x);
  if (!(options.epsilon >= 0) || !(options.gamma >= 0) || std::isinf(options.epsilon) || std::isinf(options.gamma)) {
    fail(kOp, "epsilon is ", options.epsilon, ", gamma is ", options.gamma, "; they must be finite and not negative");
  }
  if (options.target.function()) fail(kOp, "the target is a function; it must be an output's index, one for each row, or largest");
  // Of a softmax the largest output is that of the largest logit.
  const detail::Explained explained(kOp, model, x, options.target, Scale::output, options.batch_size);
  std::vector<Array> parts;
  std::vector<double> output, absorbed;
  for (int64_t begin = 0; begin < x.shape(0); begin += options.batch_size) {
    const nn::TrainingMode inference(false);
    const int64_t end = std::min(begin + options.batch_size, x.shape(0));
    Walk walk(options);
    const Array logits = walk.forward(model, detail::rows_of(x, begin, end), std::same_as<M, nn::Layer> ? "the model" : "");
    const std::vector<int64_t> chosen(explained.labels().begin() + begin, explained.labels().begin() + end);
    const Array first = logits.rank() == 1 ? logits : where(one_hot(array(chosen), logits.shape(1)) != 0, logits, 0);
    const Array back = walk.back(first.eval());
    const std::vector<double> begun = (logits.rank() == 1 ? first : sum(first, 1)).template to_vector<double>(),
                              left = sum(reshape(back.astype(float64), {end - begin, -1}), 1).template to_vector<double>();
    for (size_t i = 0; i < begun.size(); ++i) {
      output.push_back(begun[i]);
      absorbed.push_back(begun[i] - left[i]);
    }
    parts.push_back(back);
  }
  Relevance found{explained.attribution(concatenate(parts)), array(absorbed)};
  found.output = array(output);
  return found;
}

}  // namespace

std::span<const std::string_view> enum_names(RelevanceRule) { return kRules; }

Relevance relevance(const nn::Sequential& model, const Array& x, const RelevanceOptions& options) {
  return relevance_of(model, x, options);
}
Relevance relevance(const nn::Layer& model, const Array& x, const RelevanceOptions& options) {
  if (const auto* inner = model.as<nn::Sequential>()) return relevance_of(*inner, x, options);
  return relevance_of(model, x, options);
}
Relevance relevance(const nn::Model& model, const Array& x, const RelevanceOptions& options) {
  return relevance(model.layer(), x, options);
}

}  // namespace gradus::explain
