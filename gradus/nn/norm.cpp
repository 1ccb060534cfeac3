// BatchNorm and LayerNorm.
#include "gradus/nn/norm.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/mode.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/windows.hpp"

namespace gradus::nn {

using namespace core;

namespace {

void check_epsilon(const char* layer, double epsilon) {
  if (!(epsilon >= 0)) fail(layer, "epsilon is ", epsilon, "; it must not be negative");
}

std::string channels_of(const Parameter& weight, const Parameter& bias) {
  const Parameter& known = weight.has_value() ? weight : bias;
  return known.has_value() && known.cell()->committed().exists() ? std::to_string(known.cell()->committed().size()) : std::string();
}

// Under mixed precision norms compute in float32 and give what they were given.
Array as_given(const Array& x, const Array& y) { return has_bfloat16_products() && x.dtype() == bfloat16 ? y.astype(bfloat16) : y; }

// Statistics of 16-bit arrays are kept in float32.
DType statistics_dtype(const Array& x) { return x.dtype() == float64 ? float64 : float32; }

constexpr FieldNote kEpsilon{"epsilon", "added to the variance", range::not_negative}, kCenter{"center", "whether a bias is added"},
    kScale{"scale", "whether there is a weight for each channel"};

}  // namespace

std::span<const FieldNote> BatchNorm::field_notes() {
  static constexpr FieldNote notes[] = {
      {"momentum", "what the running statistics keep at each step", range::part}, kEpsilon, kCenter, kScale};
  return notes;
}
std::span<const FieldNote> LayerNorm::field_notes() {
  static constexpr FieldNote notes[] = {kEpsilon, kCenter, kScale};
  return notes;
}

BatchNorm::BatchNorm(BatchNormOptions options)
    : momentum(options.momentum), epsilon(options.epsilon), center(options.center), scale(options.scale) {
  check();
}
void BatchNorm::check() const {
  check_epsilon("BatchNorm", epsilon);
  if (!(momentum >= 0 && momentum <= 1)) fail("BatchNorm", "momentum is ", momentum, "; it must lie between 0 and 1");
  weight.set_used(scale);
  bias.set_used(center);
}
std::string BatchNorm::describe() const { return channels_of(weight, bias); }

Array BatchNorm::forward(const Array& x) const {
  if (x.rank() < 2) fail("batch_norm", "x is ", x.shape(), "; it must have a batch axis and, last, the channels");
  const Shape channels{x.shape(-1)};
  if (running_mean.has_value() && running_mean.get().shape() != channels) {
    const int64_t known = running_mean.get().size();
    throw Error(Error::Kind::invalid, "batch_norm",
                concat("x is ", x.shape(), ", the layer has ", known, " channels; they must be x's last size"))
        .with_hint(hint_of_layout(x.shape(), known));
  }
  const Array w = scale ? weight(channels, init::ones()) : Array(), b = center ? bias(channels, init::zeros()) : Array();
  const ParameterDType dtype(statistics_dtype(x));
  const Array mean = running_mean(channels, init::zeros()), variance = running_variance(channels, init::ones());
  detail::check_dtype("batch_norm", x, mean);
  detail::note_call("BatchNorm");
  if (!TrainingMode::is_on()) {
    // Statistics of 16-bit layers are float32; the result is what training gives.
    DType of_result = x.dtype();
    for (const Array* affine : {&w, &b}) of_result = affine->exists() ? promote(of_result, affine->dtype()) : of_result;
    return as_given(x, batch_norm(x, mean, variance, w, b, epsilon).astype(of_result));
  }
  const BatchNormResult result = batch_norm(x, w, b, epsilon);
  const Array y = as_given(x, result.y);
  if (x.size() == 0) return y;  // a batch of no examples has no statistics
  const double count = static_cast<double>(x.size()) / static_cast<double>(x.shape(-1)), unbiased = count > 1 ? count / (count - 1) : 1;
  running_mean.set(momentum * mean + (1 - momentum) * result.mean);
  running_variance.set(momentum * variance + (1 - momentum) * unbiased * result.var);
  return y;
}

LayerNorm::LayerNorm(LayerNormOptions options) : epsilon(options.epsilon), center(options.center), scale(options.scale) { check(); }
void LayerNorm::check() const {
  check_epsilon("LayerNorm", epsilon);
  weight.set_used(scale);
  bias.set_used(center);
}
std::string LayerNorm::describe() const { return channels_of(weight, bias); }

Array LayerNorm::forward(const Array& x) const {
  if (x.rank() == 0) fail("layer_norm", "x has rank 0; its last axis must be the features");
  const Shape features{x.shape(-1)};
  const Array w = scale ? weight(features, init::ones()) : Array(), b = center ? bias(features, init::zeros()) : Array();
  if (w.exists() || b.exists()) detail::check_dtype("layer_norm", x, w.exists() ? w : b);
  return as_given(x, layer_norm(x, w, b, epsilon));
}

}  // namespace gradus::nn
