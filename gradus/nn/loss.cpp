// Losses as compositions of plain ops; cross-entropy over labels through the fused op.
#include "gradus/nn/loss.hpp"

#include <limits>
#include <numbers>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/ops/cross_entropy.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::loss {

namespace {

void check_same_shape(std::string_view name, const Array& output, const Array& target) {
  if (output.shape() == target.shape()) return;
  fail(name, "output is ", output.shape(), " and target is ", target.shape(), "; they must be equal",
       output.size() == target.size() ? concat("; reshape(target, ", output.shape(), ") would fit") : std::string());
}

void check_smoothing(std::string_view name, double smoothing) {
  if (!(smoothing >= 0 && smoothing < 1)) fail(name, "label_smoothing is ", smoothing, "; it must be at least 0 and below 1");
}

Array reduced(const Array& losses, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  return reduction == Reduction::sum ? sum(losses) : mean(losses);
}

// Targets may be bools or integers: they take the dtype of the output.
Array like_output(const Array& target, const Array& output) { return target.dtype().is_float() ? target : target.astype(output.dtype()); }

Array smoothed(const Array& target, double smoothing, double share) {
  return smoothing == 0 ? target : target * (1 - smoothing) + smoothing * share;
}

void check_weights(std::string_view name, const Array& weights, int64_t classes) {
  if (weights.exists() && weights.shape() != Shape{classes}) {
    fail(name, "class_weights is ", weights.shape(), " and output has ", classes, " classes; it must be (", classes, ",)");
  }
}

Array checked_labels(std::string_view name, const Array& output, const Array& target) {
  if (output.rank() < 1) fail(name, "output has rank 0; its last axis must be the classes");
  if (!target.dtype().is_integer()) {
    fail(name, "target has dtype ", target.dtype(),
         "; labels must be integers (target.astype(int64), or categorical_crossentropy for probabilities)");
  }
  const auto sizes = output.shape().dims();
  const Shape wanted(std::span<const int64_t>(sizes.begin(), sizes.size() - 1));
  if (target.shape() == wanted) return target;
  if (target.rank() == output.rank() && target.shape(-1) == 1 && reshape(target, wanted).size() == wanted.size())
    return reshape(target, wanted);
  fail(name, "output is ", output.shape(), " and target is ", target.shape(), "; target must be ", wanted, ", one label an example");
}

}  // namespace

Array mean_squared_error(const Array& output, const Array& target) { return mean_squared_error(output, target, {}); }
Array mean_squared_error(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("mean_squared_error", output, target);
  return reduced(square(output - target), options.reduction);
}

Array mean_absolute_error(const Array& output, const Array& target) { return mean_absolute_error(output, target, {}); }
Array mean_absolute_error(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("mean_absolute_error", output, target);
  return reduced(abs(output - target), options.reduction);
}

Array huber(const Array& output, const Array& target) { return huber(output, target, {}); }
Array huber(const Array& output, const Array& target, HuberOptions options) {
  check_same_shape("huber", output, target);
  if (!(options.delta > 0)) fail("huber", "delta is ", options.delta, "; it must be above 0");
  const Array error = output - target, size = abs(error);
  return reduced(where(size <= options.delta, 0.5 * square(error), options.delta * (size - 0.5 * options.delta)), options.reduction);
}

Array log_cosh(const Array& output, const Array& target) { return log_cosh(output, target, {}); }
Array log_cosh(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("log_cosh", output, target);
  // log cosh e = e + softplus(-2 e) - log 2, without overflow.
  const Array error = output - target;
  return reduced(error + softplus(-2 * error) - std::numbers::ln2, options.reduction);
}

Array binary_crossentropy(const Array& output, const Array& target) { return binary_crossentropy(output, target, {}); }
Array binary_crossentropy(const Array& output, const Array& target, BinaryCrossentropyOptions options) {
  check_same_shape("binary_crossentropy", output, target);
  check_smoothing("binary_crossentropy", options.label_smoothing);
  return reduced(sigmoid_cross_entropy(output, smoothed(like_output(target, output), options.label_smoothing, 0.5)), options.reduction);
}

Array categorical_crossentropy(const Array& output, const Array& target) { return categorical_crossentropy(output, target, {}); }
Array categorical_crossentropy(const Array& output, const Array& target, CrossentropyOptions options) {
  constexpr std::string_view name = "categorical_crossentropy";
  check_same_shape(name, output, target);
  if (output.rank() < 1) fail(name, "output has rank 0; its last axis must be the classes");
  check_smoothing(name, options.label_smoothing);
  check_weights(name, options.class_weights, output.shape(-1));
  if (options.ignore_label && options.ignore_label != CrossentropyOptions().ignore_label) {
    fail(name, "ignore_label is ", *options.ignore_label, "; only sparse_categorical_crossentropy has labels to ignore");
  }
  const Array t = smoothed(like_output(target, output), options.label_smoothing, 1.0 / static_cast<double>(output.shape(-1)));
  if (!options.class_weights.exists()) return reduced(softmax_cross_entropy_with_probabilities(output, t), options.reduction);
  return reduced(-sum(t * options.class_weights * log_softmax(output, -1), -1), options.reduction);
}

Array sparse_categorical_crossentropy(const Array& output, const Array& target) {
  return sparse_categorical_crossentropy(output, target, {});
}
Array sparse_categorical_crossentropy(const Array& output, const Array& target, CrossentropyOptions options) {
  constexpr std::string_view name = "sparse_categorical_crossentropy";
  Array labels = checked_labels(name, output, target);
  if (labels.dtype() == uint8) labels = labels.astype(int32);  // which can be compared with any label to ignore
  const int64_t classes = output.shape(-1);
  check_smoothing(name, options.label_smoothing);
  check_weights(name, options.class_weights, classes);
  const int64_t ignored = options.ignore_label.value_or(std::numeric_limits<int64_t>::min());
  const bool is_weighted = options.class_weights.exists();
  Array losses =
      softmax_cross_entropy(output, labels, {.label_smoothing = is_weighted ? 0 : options.label_smoothing, .ignore_label = ignored});
  if (!is_weighted && !options.ignore_label) return reduced(losses, options.reduction);
  Array weights, is_counted;  // of each example
  if (options.ignore_label) {
    is_counted = labels != ignored;
    weights = is_counted.astype(output.dtype());
  }
  if (is_weighted) {
    const Array own = take(options.class_weights, is_counted.exists() ? where(is_counted, labels, 0) : labels);
    weights = weights.exists() ? weights * own : own;
    losses = losses * weights;
    // With smoothing s: (1 - s) w_label (-log p_label) + s / classes sum_k w_k (-log p_k)
    if (const double s = options.label_smoothing; s > 0) {
      const Array all = -sum(log_softmax(output, -1) * options.class_weights, -1);
      losses = (1 - s) * losses + s / static_cast<double>(classes) * (options.ignore_label ? where(is_counted, all, 0) : all);
    }
  }
  if (options.reduction == Reduction::mean && weights.exists()) return sum(losses) / sum(weights);
  return reduced(losses, options.reduction);
}

Array kl_divergence(const Array& output, const Array& target) { return kl_divergence(output, target, {}); }
Array kl_divergence(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("kl_divergence", output, target);
  // 0 log 0 is 0: the logarithm is taken of 1 there.
  const Array log_target = log(where(target > 0, target, 1));
  return reduced(sum(target * (log_target - log_softmax(output, -1)), -1), options.reduction);
}

Array hinge(const Array& output, const Array& target) { return hinge(output, target, {}); }
Array hinge(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("hinge", output, target);
  return reduced(relu(1 - like_output(target, output) * output), options.reduction);
}

Array squared_hinge(const Array& output, const Array& target) { return squared_hinge(output, target, {}); }
Array squared_hinge(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("squared_hinge", output, target);
  return reduced(square(relu(1 - like_output(target, output) * output)), options.reduction);
}

Array poisson(const Array& output, const Array& target) { return poisson(output, target, {}); }
Array poisson(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("poisson", output, target);
  return reduced(exp(output) - like_output(target, output) * output, options.reduction);
}

namespace {

using Function = Array (*)(const Array&, const Array&);
struct Known {
  std::string_view name;
  Function function;
};
constexpr Known known[] = {{"mean_squared_error", mean_squared_error},
                           {"mean_absolute_error", mean_absolute_error},
                           {"huber", huber},
                           {"log_cosh", log_cosh},
                           {"binary_crossentropy", binary_crossentropy},
                           {"categorical_crossentropy", categorical_crossentropy},
                           {"sparse_categorical_crossentropy", sparse_categorical_crossentropy},
                           {"kl_divergence", kl_divergence},
                           {"hinge", hinge},
                           {"squared_hinge", squared_hinge},
                           {"poisson", poisson}};

}  // namespace

Loss::Loss(Array (*function)(const Array&, const Array&)) : function_(function), name_("custom") {
  if (!function) fail("loss", "the function is null");
  for (const Known& entry : known) {
    if (entry.function == function) name_ = entry.name;
  }
}

Array Loss::operator()(const Array& output, const Array& target) const {
  if (!function_) fail("loss", "no loss is given; for example .loss = loss::mean_squared_error");
  return function_(output, target);
}

Loss Loss::from_name(std::string_view name) {
  std::vector<std::string> names;
  for (const Known& entry : known) {
    if (entry.name == name) return entry.function;
    names.emplace_back(entry.name);
  }
  const std::string near = nearest(name, names);
  fail("loss", "there is none called \"", name, "\"; known are ", join(names), near.empty() ? "" : concat("; did you mean ", near));
}

}  // namespace gradus::loss
