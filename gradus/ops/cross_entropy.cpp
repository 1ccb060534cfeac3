// Cross-entropy of logits: the fused op with labels, and compositions.
#include "gradus/ops/cross_entropy.hpp"

#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/cpu/normalize/cross_entropy.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

using namespace core;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct EntropyArgs {
  double label_smoothing = 0;
  int64_t ignore_label = -100;
  GRADUS_FIELDS(label_smoothing, ignore_label)
};

constexpr Input forward_inputs[] = {{"logits", floats}, {"labels", indices}};
constexpr Input backward_inputs[] = {{"logits", floats}, {"labels", indices}, {"lse", floats}, {"dloss", floats}};

using rows::wide_dtype, rows::widened;

std::vector<Aval> infer_forward(const Call& call) {
  const Shape& shape = call[1].shape();
  return {{call[0].dtype(), shape, false}, {wide_dtype(call[0].dtype()), shape, false}};
}

cpu::CrossEntropy options_of(const KernelCall& call) {
  const EntropyArgs& args = call.as<EntropyArgs>();
  return {args.label_smoothing, args.ignore_label};
}
backend::KernelPtr prepare_forward(const KernelCall& call) {
  return cpu::prepare_cross_entropy(call.inputs[0], call.inputs[1].dtype, options_of(call));
}
backend::KernelPtr prepare_backward(const KernelCall& call) {
  return cpu::prepare_cross_entropy_backward(call.inputs[0], call.inputs[1].dtype, options_of(call));
}

// Leading axes are examples: a batch is one more.
std::vector<Array> batch_entropy(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  std::vector<Array> inputs;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    Dims sizes = call[i].shape().dims();
    if (!is_batched[i]) sizes.insert(0, batch_size);
    inputs.push_back(is_batched[i] ? call[i] : broadcast_to(call[i], sizes));
  }
  return apply_all(call.op, inputs, call.args);
}

// Labels that count, with the others as 0, and rows of logits, with those that do not count as 0: of NaN in these nothing is seen.
struct Labels {
  Array is_counted, safe;
  Array counted_rows(const Array& x) const { return where(expand_dims(is_counted, -1), x, 0); }
};
Labels split_labels(const Call& call) {
  const Array is_counted = call[1] != call.as<EntropyArgs>().ignore_label;
  return {is_counted, where(is_counted, call[1], 0)};
}

// loss = lse - (1 - s) x[label] - s mean(x), 0 where ignored;  lse = log sum e^x
std::vector<Array> compose_forward(const Call& call) {
  const double s = call.as<EntropyArgs>().label_smoothing;
  const Labels labels = split_labels(call);
  const Array x = labels.counted_rows(call[0].astype(wide_dtype(call[0].dtype()))), lse = logsumexp(x, -1);
  Array loss = lse - squeeze(take_along_axis(x, expand_dims(labels.safe, -1), -1), -1);
  if (s != 0) loss = (1 - s) * loss + s * (lse - mean(x, -1));
  return {where(labels.is_counted, loss, 0).astype(call[0].dtype()), lse};
}

// dx = dloss (e^(x - lse) - (1 - s) [j = label] - s / classes), 0 where ignored; lse counts as an input of its own
std::vector<Array> compose_backward(const Call& call) {
  const double s = call.as<EntropyArgs>().label_smoothing;
  const DType dtype = call[0].dtype(), wide = wide_dtype(dtype);
  const int64_t classes = call[0].shape(-1);
  const Labels labels = split_labels(call);
  const Array is_label = expand_dims(labels.safe, -1) == arange(classes).astype(call[1].dtype());
  const Array p = exp(labels.counted_rows(call[0].astype(wide)) - expand_dims(where(labels.is_counted, call[2], 0), -1));
  Array error = p - (1 - s) * is_label.astype(wide);
  if (s != 0) error = error - s / static_cast<double>(classes);
  const Array dloss = where(labels.is_counted, call[3].astype(wide), 0);
  return {(expand_dims(dloss, -1) * error).astype(dtype)};
}

constinit const OpDef softmax_cross_entropy_backward_op{.name = "softmax_cross_entropy_backward",
                                                        .inputs = backward_inputs,
                                                        .args = args_of<EntropyArgs>,
                                                        .infer = same_as_first,
                                                        .derivative = composed(compose_backward),
                                                        .batch = batch_entropy,
                                                        .kernel = {.prepare = prepare_backward, .in_place = {{0, 0}}}};

std::vector<Array> reverse_entropy(const RecordedCall& call, std::span<const Array> cotangents) {
  return {apply(softmax_cross_entropy_backward_op, {call[0], call[1], call.outputs[1], cotangents[0]}, call.args), Array{}};
}

constinit const OpDef softmax_cross_entropy_op{.name = "softmax_cross_entropy",
                                               .inputs = forward_inputs,
                                               .args = args_of<EntropyArgs>,
                                               .infer = infer_forward,
                                               .derivative = composed(compose_forward, reverse_entropy),
                                               .batch = batch_entropy,
                                               .kernel = {.prepare = prepare_forward},
                                               .hidden_outputs = 1};

}  // namespace

Array softmax_cross_entropy(const Array& logits, const Array& labels) { return softmax_cross_entropy(logits, labels, {}); }
Array softmax_cross_entropy(const Array& logits, const Array& labels, CrossEntropyOptions options) {
  constexpr std::string_view name = "softmax_cross_entropy";
  if (logits.rank() < 1) fail(name, "logits has rank 0; its last axis must be the classes");
  if (!labels.dtype().is_integer()) {
    fail(name, "labels has dtype ", labels.dtype(),
         "; it must be int32 or int64 (labels.astype(int64), or softmax_cross_entropy_with_probabilities)");
  }
  Dims examples = logits.shape().dims();
  examples.pop_back();
  if (labels.shape() != Shape(examples)) {
    fail(name, "logits is ", logits.shape(), " and labels is ", labels.shape(), "; labels must be ", Shape(examples),
         ", one class an example");
  }
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1)) {
    fail(name, "label_smoothing is ", options.label_smoothing, "; it must be from 0 to below 1");
  }
  const Array indices = labels.dtype() == uint8 ? labels.astype(int32) : labels;
  return apply(softmax_cross_entropy_op, {logits, indices}, EntropyArgs{options.label_smoothing, options.ignore_label});
}

Array softmax_cross_entropy_with_probabilities(const Array& logits, const Array& targets) {
  constexpr std::string_view name = "softmax_cross_entropy_with_probabilities";
  if (logits.rank() < 1) fail(name, "logits has rank 0; its last axis must be the classes");
  if (targets.shape() != logits.shape())
    fail(name, "logits is ", logits.shape(), " and targets is ", targets.shape(), "; they must be equal");
  const DType dtype = targets.dtype().is_float() ? promote(logits.dtype(), targets.dtype()) : logits.dtype();
  const Array t = targets.dtype().is_float() ? widened(targets) : targets.astype(wide_dtype(dtype));
  return (-sum(t * rows::logs_beside(t, log_softmax(widened(logits), -1)), -1)).astype(dtype);
}

// -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) = log(1 + e^-|x|) + (1 - t) x, or - t x where x < 0: without overflow, and exact near 0,
// where the target is met. At 0 both forms have the same derivatives of every order.
Array sigmoid_cross_entropy(const Array& logits, const Array& targets) {
  const Array x = widened(logits), t = widened(targets), is_negative = x < 0;
  const Array rate = where(is_negative, -t, 1 - t), linear = where((rate == 0) & isinf(x), 0, x);
  const Array y = softplus(where(is_negative, x, -x)) + rate * linear;
  const DType dtype = promote(logits.dtype(), targets.dtype());
  return y.astype(dtype.is_float() ? dtype : float32);
}

Array rows::logs_beside(const Array& weights, const Array& logs) { return where((weights == 0) & (logs == -kInfinity), 0, logs); }

std::span<const OpDef* const> rule::cross_entropy_ops() {
  static constexpr const OpDef* ops[] = {&softmax_cross_entropy_op, &softmax_cross_entropy_backward_op};
  return ops;
}

}  // namespace gradus
