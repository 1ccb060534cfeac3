// Dense, Embedding, Dropout, Flatten, Residual.
#include "gradus/nn/dense.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/mode.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/precision.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::nn {

using namespace core;

void detail::check_dtype(std::string_view op, const Array& x, const Array& weight) {
  if (!x.dtype().is_float() || (x.dtype() == float64) == (weight.dtype() == float64)) return;
  fail(op, "x has dtype ", x.dtype(), " and the layer's parameters ", weight.dtype(), "; they must be equal: x.astype(", weight.dtype(),
       "), or a model built with nn::build(model, shape, ", x.dtype(), ")");
}

int64_t detail::checked_count(std::string_view layer, const char* name, int64_t value) {
  if (value < 1) fail(layer, name, " is ", value, "; it must be at least 1");
  return value;
}

Array detail::activated(const Activation& activation, const Array& y) {
  const std::string& name = activation.name();
  const bool stays = activation.is_linear() || name == "custom" || name == "softmax" || name == "log_softmax";
  return activation(stays ? y : in_product_dtype(y));
}

Array detail::affine(std::string_view op, const Array& x, int64_t units, const Affine& parameters) {
  const Array& kernel = weight(parameters.kernel, {x.shape(-1), units}, parameters.kernel_initializer);
  check_dtype(op, x, kernel);
  const Array y = matmul(x, kernel);
  return parameters.bias ? y + bias_beside(kernel, *parameters.bias, {units}, parameters.bias_initializer) : y;
}

Array detail::lengths_without(const Array& ids, int64_t padding) {
  const int64_t time = ids.shape(1);
  return time == 0 ? zeros({ids.shape(0)}, int64) : max(where(ids != Array(padding), arange(1, time + 1), 0), -1);
}

std::string detail::in_to_out(const Parameter& kernel, int64_t axis, int64_t out) {
  const bool is_known = kernel.has_value() && kernel.cell()->committed().exists() && kernel.cell()->committed().rank() > axis;
  return concat(is_known ? std::to_string(kernel.cell()->committed().shape(axis)) : "?", " -> ", out);
}

namespace {
constexpr FieldNote kActivation{"activation", "the function that follows"}, kUseBias{"use_bias", "whether a bias is added"},
    kKernelInitializer{"kernel_initializer", "first values of the kernel"},
    kBiasInitializer{"bias_initializer", "first values of the bias"};
}  // namespace

std::span<const FieldNote> Dense::field_notes() {
  static constexpr FieldNote notes[] = {
      {"units", "numbers in the result", range::positive, true}, kUseBias, kActivation, kKernelInitializer, kBiasInitializer};
  return notes;
}
Dense::Dense(Size units, Activation activation, DenseOptions options)
    : units(detail::checked_count("Dense", "units", units.value())),
      use_bias(options.use_bias),
      activation(std::move(activation)),
      kernel_initializer(std::move(options.kernel_initializer)),
      bias_initializer(std::move(options.bias_initializer)) {
  check();
}
void Dense::check() const {
  detail::checked_count("Dense", "units", units);
  bias.set_used(use_bias);
}

Array Dense::forward(const Array& x) const {
  if (x.rank() == 0) fail("dense", "x has rank 0; its last axis must be the features");
  return detail::activated(activation,
                           detail::affine("dense", x, units, {kernel, use_bias ? &bias : nullptr, kernel_initializer, bias_initializer}));
}

std::span<const FieldNote> Embedding::field_notes() {
  static constexpr FieldNote notes[] = {{"count", "how many different integers there are", range::positive, true},
                                        {"width", "numbers for each of them", range::positive, true},
                                        {"initializer", "first values of the table"},
                                        {"padding", "the integer that fills up short sequences", range::not_negative}};
  return notes;
}
Embedding::Embedding(Size count, Size width, EmbeddingOptions options)
    : count(count.value()), width(width.value()), initializer(std::move(options.initializer)), padding(options.padding) {
  check();
}
void Embedding::check() const {
  detail::checked_count("Embedding", "count", count);
  detail::checked_count("Embedding", "width", width);
  if (padding && (*padding < 0 || *padding >= count)) {
    fail("Embedding", "padding is ", *padding, ", count is ", count, "; padding must be at least 0 and below count");
  }
}
Array Embedding::forward(const Array& ids) const {
  const Array vectors = embedding(table(), ids);
  if (padding && ids.rank() == 2 && !makes_sequence()) detail::CallScope::note_lengths(vectors, detail::lengths_without(ids, *padding));
  return vectors;
}
const Array& Embedding::table() const { return weights({count, width}, initializer); }

std::span<const FieldNote> Dropout::field_notes() {
  static constexpr FieldNote notes[] = {
      {"rate", "share of the numbers that become zero in training", {}, true, "a number of at least 0 and below 1"}};
  return notes;
}
Dropout::Dropout(double rate) : rate(rate) { check(); }
void Dropout::check() const {
  if (!(rate >= 0 && rate < 1)) fail("Dropout", "rate is ", rate, "; it must be at least 0 and below 1");
}
Array Dropout::forward(const Array& x) const {
  if (rate == 0) return x;
  detail::note_call("Dropout");
  if (!TrainingMode::is_on()) return x;
  return dropout(x, rate, TrainingMode::next_dropout_key());
}

Array Flatten::forward(const Array& x) const {
  if (x.rank() == 0) fail("flatten", "x has rank 0; its first axis must be the batch");
  int64_t rest = 1;
  for (int64_t axis = 1; axis < x.rank(); ++axis) rest *= x.shape(axis);
  return reshape(x, {x.shape(0), rest});
}

std::span<const FieldNote> Residual::field_notes() {
  static constexpr FieldNote notes[] = {
      {"body", "the layer around which x goes", {}, true}, {"shortcut", "what x goes through; by default nothing"}, kActivation};
  return notes;
}
Residual::Residual(Layer body, ResidualOptions options)
    : body(std::move(body)), shortcut(std::move(options.shortcut)), activation(std::move(options.activation)) {}

Array Residual::forward(const Array& x) const {
  const Array y = body(x), around = shortcut(x);
  if (y.shape() != around.shape()) {
    fail("residual", "the body gives ", y.shape(), " and the shortcut ", around.shape(), "; they must be equal");
  }
  return activation(y + around);
}

}  // namespace gradus::nn
