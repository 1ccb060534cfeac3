// Losses as compositions of plain ops; cross-entropy over labels through the fused op.
#include "gradus/nn/loss.hpp"

#include <limits>
#include <numbers>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/nn/loss_kinds.hpp"
#include "gradus/ops/cross_entropy.hpp"
#include "gradus/ops/ctc.hpp"
#include "gradus/ops/cumulative.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/precision.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::loss {

using namespace core;

namespace {

using rows::wide_dtype, rows::widened, rule::loss_dtype;

void check_same_shape(std::string_view name, const Array& output, const Array& target) {
  if (output.shape() == target.shape()) return;
  fail(name, "output is ", output.shape(), " and target is ", target.shape(), "; they must be equal",
       output.size() == target.size() ? concat("; reshape(target, ", output.shape(), ") would fit") : std::string());
}

void check_smoothing(std::string_view name, double smoothing) {
  if (!(smoothing >= 0 && smoothing < 1)) fail(name, "label_smoothing is ", smoothing, "; it must be at least 0 and below 1");
}

// Output and target in the dtype that losses are computed in, and the dtype of the result. 16-bit floats are widened: squares and sums
// leave their range. Targets may be bools or integers: they take the dtype of the output.
struct Operands {
  Array output, target;
  DType dtype;
};
Operands operands_of(const Array& output, const Array& target) {
  const DType of_output = output.dtype().is_float() ? loss_dtype(output) : float32;
  const DType dtype = target.dtype().is_float() ? promote(of_output, target.dtype()) : of_output;
  return {output.astype(wide_dtype(dtype)), target.astype(wide_dtype(dtype)), dtype};
}

Array reduced(const Array& losses, Reduction reduction, DType dtype) {
  if (reduction == Reduction::none) return losses.astype(dtype);
  return (reduction == Reduction::sum ? sum(losses) : mean(losses)).astype(dtype);
}

Array smoothed(const Array& target, double smoothing, double share) {
  return smoothing == 0 ? target : target * (1 - smoothing) + smoothing * share;
}

void check_weights(std::string_view name, const Array& weights, int64_t classes) {
  if (weights.exists() && weights.shape() != Shape{classes}) {
    fail(name, "class_weights is ", weights.shape(), " and output has ", classes, " classes; it must be (", classes, ",)");
  }
}

// Weights may be of more bits than the output.
DType result_dtype(DType output, const Array& class_weights) {
  return class_weights.exists() && class_weights.dtype().is_float() ? promote(output, class_weights.dtype()) : output;
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

// What labels count: whether each does, and how much. Both are empty where all count the same.
struct Counted {
  Array is_counted{}, weights{}, of_class{};
};
Counted counted(const Array& labels, DType dtype, const CrossentropyOptions& options) {
  Counted out;
  if (options.ignore_label) {
    out.is_counted = labels != *options.ignore_label;
    out.weights = out.is_counted.astype(wide_dtype(dtype));
  }
  if (options.class_weights.exists()) {
    out.of_class = widened(options.class_weights);
    const Array own = take(out.of_class, out.is_counted.exists() ? where(out.is_counted, labels, 0) : labels);
    out.weights = out.weights.exists() ? out.weights * own : own;
  }
  return out;
}
// Of a dtype that can be compared with any label to ignore.
Array wide_labels(std::string_view name, const Array& output, const Array& target) {
  const Array labels = checked_labels(name, output, target);
  return labels.dtype() == uint8 ? labels.astype(int32) : labels;
}

}  // namespace

Array mean_squared_error(const Array& output, const Array& target) { return mean_squared_error(output, target, {}); }
Array mean_squared_error(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("mean_squared_error", output, target);
  const auto [y, t, dtype] = operands_of(output, target);
  return reduced(square(y - t), options.reduction, dtype);
}

Array mean_absolute_error(const Array& output, const Array& target) { return mean_absolute_error(output, target, {}); }
Array mean_absolute_error(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("mean_absolute_error", output, target);
  const auto [y, t, dtype] = operands_of(output, target);
  return reduced(abs(y - t), options.reduction, dtype);
}

Array huber(const Array& output, const Array& target) { return huber(output, target, {}); }
Array huber(const Array& output, const Array& target, HuberOptions options) {
  check_same_shape("huber", output, target);
  if (!(options.delta > 0)) fail("huber", "delta is ", options.delta, "; it must be above 0");
  const auto [y, t, dtype] = operands_of(output, target);
  const Array error = y - t, size = abs(error);
  const Array is_small = size <= options.delta,
              small = where(is_small, error, 0);  // the slope of an infinite square would be 0 times infinity
  return reduced(where(is_small, 0.5 * square(small), options.delta * (size - 0.5 * options.delta)), options.reduction, dtype);
}

Array log_cosh(const Array& output, const Array& target) { return log_cosh(output, target, {}); }
Array log_cosh(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("log_cosh", output, target);
  const auto [y, t, dtype] = operands_of(output, target);
  return reduced(rows::log_cosh(y - t), options.reduction, dtype);
}

Array binary_crossentropy(const Array& output, const Array& target) { return binary_crossentropy(output, target, {}); }
Array binary_crossentropy(const Array& output, const Array& target, BinaryCrossentropyOptions options) {
  check_same_shape("binary_crossentropy", output, target);
  check_smoothing("binary_crossentropy", options.label_smoothing);
  const auto [y, t, dtype] = operands_of(output, target);
  return reduced(sigmoid_cross_entropy(y, smoothed(t, options.label_smoothing, 0.5)), options.reduction, dtype);
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
  const auto [y, target_in_dtype, dtype] = operands_of(output, target);
  Array t = smoothed(target_in_dtype, options.label_smoothing, 1.0 / static_cast<double>(output.shape(-1)));
  if (options.class_weights.exists()) t = t * widened(options.class_weights);
  return reduced(softmax_cross_entropy_with_probabilities(y, t), options.reduction, result_dtype(dtype, options.class_weights));
}

Array sparse_categorical_crossentropy(const Array& output, const Array& target) {
  return sparse_categorical_crossentropy(output, target, {});
}
Array sparse_categorical_crossentropy(const Array& given, const Array& target, CrossentropyOptions options) {
  constexpr std::string_view name = "sparse_categorical_crossentropy";
  const Array output = given.astype(loss_dtype(given));
  const Array labels = wide_labels(name, output, target);
  const int64_t classes = output.shape(-1);
  check_smoothing(name, options.label_smoothing);
  check_weights(name, options.class_weights, classes);
  const int64_t ignored = options.ignore_label.value_or(std::numeric_limits<int64_t>::min());
  const bool is_weighted = options.class_weights.exists();
  const DType dtype = result_dtype(output.dtype(), options.class_weights);
  Array losses = widened(
      softmax_cross_entropy(output, labels, {.label_smoothing = is_weighted ? 0 : options.label_smoothing, .ignore_label = ignored}));
  if (!is_weighted && !options.ignore_label) return reduced(losses, options.reduction, dtype);
  const auto [is_counted, weights, of_class] = counted(labels, output.dtype(), options);
  if (is_weighted) {
    losses = where((weights == 0) & isinf(losses), 0, losses) * weights;
    // With smoothing s: (1 - s) w_label (-log p_label) + s / classes sum_k w_k (-log p_k). Logits of examples that do not count are not
    // seen.
    if (const double s = options.label_smoothing; s > 0) {
      const Array seen = is_counted.exists() ? where(expand_dims(is_counted, -1), widened(output), 0) : widened(output);
      const Array all = -sum(rows::logs_beside(of_class, log_softmax(seen, -1)) * of_class, -1);
      losses = (1 - s) * losses + s / static_cast<double>(classes) * (is_counted.exists() ? where(is_counted, all, 0) : all);
    }
  }
  if (options.reduction == Reduction::mean && weights.exists()) return (sum(losses) / sum(weights)).astype(dtype);
  return reduced(losses, options.reduction, dtype);
}

Array kl_divergence(const Array& output, const Array& target) { return kl_divergence(output, target, {}); }
Array kl_divergence(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("kl_divergence", output, target);
  const auto [y, t, dtype] = operands_of(output, target);
  // 0 log 0 is 0: the logarithm is taken of 1 there.
  const Array entropy = xlogy(t, where(t > 0, t, 1));
  return reduced(sum(entropy - t * rows::logs_beside(t, log_softmax(y, -1)), -1), options.reduction, dtype);
}

Array hinge(const Array& output, const Array& target) { return hinge(output, target, {}); }
Array hinge(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("hinge", output, target);
  const auto [y, t, dtype] = operands_of(output, target);
  return reduced(relu(1 - t * y), options.reduction, dtype);
}

Array squared_hinge(const Array& output, const Array& target) { return squared_hinge(output, target, {}); }
Array squared_hinge(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("squared_hinge", output, target);
  const auto [y, t, dtype] = operands_of(output, target);
  return reduced(square(relu(1 - t * y)), options.reduction, dtype);
}

Array poisson(const Array& output, const Array& target) { return poisson(output, target, {}); }
Array poisson(const Array& output, const Array& target, LossOptions options) {
  check_same_shape("poisson", output, target);
  const auto [y, t, dtype] = operands_of(output, target);
  return reduced(exp(y) - t * rows::logs_beside(t, y), options.reduction, dtype);
}

Array ctc(const Array& output, const Array& target) { return ctc(output, target, {}); }
Array ctc(const Array& output, const Array& target, CtcLossOptions options) {
  const bool is_padded = !options.target_lengths.exists() && target.rank() == 2 && target.dtype().is_integer();
  const Array lengths = is_padded ? sum(cumprod((target >= 0).astype(int64), 1), 1) : options.target_lengths;
  Array losses = ctc_loss(widened(output), target,
                          {.input_lengths = options.input_lengths,
                           .target_lengths = lengths,
                           .blank = options.blank,
                           .zero_infinity = options.zero_infinity});
  if (options.reduction == Reduction::mean) losses = losses / maximum(lengths, 1).astype(losses.dtype());
  return reduced(losses, options.reduction, output.dtype());
}

// By name ---------------------------------------------------------------------------------------------------------------------------

std::span<const std::string_view> enum_names(Reduction) {
  static constexpr std::string_view names[] = {"mean", "sum", "none"};
  return names;
}

namespace {

constexpr FieldNote kReduction{"reduction", "what becomes of the losses of the examples"},
    kSmoothing{"label_smoothing", "share of the target that is spread over all classes", range::share};

}  // namespace

std::span<const FieldNote> LossOptions::field_notes() {
  static constexpr FieldNote notes[] = {kReduction};
  return notes;
}
std::span<const FieldNote> HuberOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"delta", "up to this error it is a square, beyond it a straight line", range::above_zero},
                                        kReduction};
  return notes;
}
std::span<const FieldNote> BinaryCrossentropyOptions::field_notes() {
  static constexpr FieldNote notes[] = {kSmoothing, kReduction};
  return notes;
}
std::span<const FieldNote> CrossentropyOptions::field_notes() {
  static constexpr FieldNote notes[] = {kSmoothing,
                                        {"class_weights", "the weight of each class", range::not_negative},
                                        {"ignore_label", "examples with this label count for nothing"},
                                        kReduction};
  return notes;
}

/// Makes losses with options.
class LossReader {
 public:
  static Loss make(Loss plain, Loss::Function function, Loss::Weighted weighted, Loss::Function divisor, bool is_sum) {
    plain.function_ = std::move(function);
    plain.weighted_ = std::move(weighted);
    plain.divisor_ = std::move(divisor);
    plain.is_sum_ = is_sum;
    return plain;
  }
};

namespace {

template <class Options>
using WithOptions = Array (*)(const Array&, const Array&, Options);

// Empty where all elements count.
template <class Options, WithOptions<Options> kFunction>
Array divisor_by(const Array& output, const Array& target, const Options& options) {
  if constexpr (std::same_as<Options, CrossentropyOptions>) {
    if (kFunction == static_cast<WithOptions<Options>>(sparse_categorical_crossentropy)) {
      const Array labels = wide_labels("sparse_categorical_crossentropy", output, target),
                  shares = counted(labels, output.dtype(), options).weights;
      return shares.exists() ? sum(shares) : Array();
    }
  }
  return {};
}
template <class Options, WithOptions<Options> kFunction>
Array plain_divisor(const Array& output, const Array& target) {
  return divisor_by<Options, kFunction>(output, target, {});
}

template <class Options, WithOptions<Options> kFunction>
Array weighted_by(const Array& output, const Array& target, const Array& weights, Options options) {
  if (options.reduction == Reduction::none) return kFunction(output, target, options);
  const bool is_mean = options.reduction == Reduction::mean;
  options.reduction = Reduction::none;
  const Array losses = kFunction(output, target, options), wide = widened(losses);
  std::vector<int64_t> sizes(static_cast<size_t>(losses.rank()), 1);
  sizes[0] = weights.size();
  const Array total = sum(wide * reshape(weights, Shape(sizes)));
  if (!is_mean) return total.astype(losses.dtype());
  const Array divisor = divisor_by<Options, kFunction>(output, target, options);
  return (total / (divisor.exists() ? divisor : Array(static_cast<double>(losses.size())))).astype(losses.dtype());
}
template <class Options, WithOptions<Options> kFunction>
Array plain_weighted(const Array& output, const Array& target, const Array& weights) {
  return weighted_by<Options, kFunction>(output, target, weights, {});
}

template <LossFunction kPlain, class Options, WithOptions<Options> kFunction>
Loss read_kind(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) {
  Options options;
  read_fields(fields_of(options), &options, given, reading, others);
  return LossReader::make(
      Loss(kPlain), [options](const Array& output, const Array& target) { return kFunction(output, target, options); },
      [options](const Array& output, const Array& target, const Array& weights) {
        return weighted_by<Options, kFunction>(output, target, weights, options);
      },
      [options](const Array& output, const Array& target) { return divisor_by<Options, kFunction>(output, target, options); },
      options.reduction == Reduction::sum);
}

template <LossFunction kPlain, class Options, WithOptions<Options> kFunction>
constexpr LossKind kind_of(std::string_view name, std::string_view alias, Aim aim, std::string_view text) {
  return {.name = name,
          .alias = alias,
          .text = text,
          .aim = aim,
          .function = kPlain,
          .weighted = plain_weighted<Options, kFunction>,
          .divisor = plain_divisor<Options, kFunction>,
          .options = described<Options>,
          .read = read_kind<kPlain, Options, kFunction>};
}

#define GRADUS_LOSS(name, alias, aim, Options, text) kind_of<name, Options, name>(#name, alias, Aim::aim, text)
constexpr LossKind kKinds[] = {
    GRADUS_LOSS(mean_squared_error, "mse", numbers, LossOptions, "squares of the errors"),
    GRADUS_LOSS(mean_absolute_error, "mae", numbers, LossOptions, "sizes of the errors"),
    GRADUS_LOSS(huber, "", numbers, HuberOptions, "squares of small errors, sizes of large ones"),
    GRADUS_LOSS(log_cosh, "", numbers, LossOptions, "log(cosh(error)): smooth in between as well"),
    GRADUS_LOSS(binary_crossentropy, "", answers, BinaryCrossentropyOptions,
                "two classes, or several labels an example; outputs are logits, targets 0 to 1"),
    GRADUS_LOSS(categorical_crossentropy, "", classes, CrossentropyOptions,
                "classes; outputs are logits, targets probabilities or one-hot"),
    GRADUS_LOSS(sparse_categorical_crossentropy, "", classes, CrossentropyOptions, "classes; outputs are logits, targets labels"),
    GRADUS_LOSS(kl_divergence, "kld", classes, LossOptions, "of probabilities from the softmax of the outputs"),
    GRADUS_LOSS(hinge, "", answers, LossOptions, "margins; targets -1 and 1"),
    GRADUS_LOSS(squared_hinge, "", answers, LossOptions, "squares of margins; targets -1 and 1"),
    GRADUS_LOSS(poisson, "", numbers, LossOptions, "counts; outputs are logarithms of rates"),
};
#undef GRADUS_LOSS

}  // namespace

std::string_view to_text(Aim aim) {
  constexpr std::string_view texts[] = {"classes", "yes-or-no answers", "numbers"};
  return texts[static_cast<size_t>(aim)];
}

const Named<LossKind>& loss_kinds() {
  static constexpr Named<LossKind> kinds("loss", kKinds);
  return kinds;
}

Loss::Loss(LossFunction function) : function_(function), name_("custom") {
  if (!function) fail("loss", "the function is null");
  if (const LossKind* kind = loss_kinds().find_if([&](const LossKind& each) { return each.function == function; })) {
    name_ = kind->name;
    weighted_ = kind->weighted;
    divisor_ = kind->divisor;
  }
}

Array Loss::operator()(const Array& output, const Array& target) const {
  if (!function_) fail("loss", "no loss is given; for example .loss = loss::mean_squared_error");
  return function_(output, target);
}
Array Loss::operator()(const Array& output, const Array& target, const Array& weights) const {
  if (!function_) return (*this)(output, target);
  if (!weighted_) {
    fail("loss", "the loss \"", name_,
         "\" is one of your own and takes no weights; loss::Loss(name, function, weighted) makes one that does");
  }
  if (output.rank() < 1 || weights.shape() != Shape{output.shape(0)}) {
    fail("loss", "output is ", output.shape(), " and the weights are ", weights.shape(), "; they must be one an example");
  }
  return weighted_(output, target, weights);
}

Loss Loss::from_name(std::string_view name) { return loss_kinds()[name].function; }

}  // namespace gradus::loss
