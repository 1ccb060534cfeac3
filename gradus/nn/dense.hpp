// Layers of vectors: Dense, Embedding, Dropout, Flatten, and Residual, which adds a shortcut.
#pragma once

#include <optional>
#include <string>

#include "gradus/graph/parameter.hpp"
#include "gradus/nn/activation.hpp"
#include "gradus/nn/initializer.hpp"
#include "gradus/nn/layer.hpp"

namespace gradus::nn {

namespace detail {
/// The value of a parameter, made at the first call. Its shape is not compared with later inputs: the op that uses it says more.
template <class Init>
const Array& weight(const Parameter& parameter, const Shape& shape, const Init& init) {
  return parameter.has_value() ? parameter.get() : parameter(shape, init);
}
/// The value of a bias that belongs to `kernel`.
inline const Array& bias_beside(const Array& kernel, const Parameter& bias, const Shape& shape, const Initializer& init) {
  return bias(shape, [&](const Shape& sizes) { return init.beside(fans_of(kernel.shape()))(sizes); });
}
/// Inputs and weights must both be float64 or neither.
void check_dtype(std::string_view op, const Array& x, const Array& weight);
/// `value` as a count of at least 1.
int64_t checked_count(std::string_view layer, const char* name, int64_t value);
/// What the function after a layer gives of what the layer has summed. Under mixed precision an element-wise function of the library works
/// on y in bfloat16 and gives that; softmax, functions of one's own and none take y as it is.
Array activated(const Activation& activation, const Array& y);
/// The parameters of a product, and what they begin as.
struct Affine {
  const Parameter& kernel;
  const Parameter* bias;  ///< null: none
  const Initializer& kernel_initializer;
  const Initializer& bias_initializer;
};
/// x kernel + bias over the last axis: (..., in) to (..., units). The parameters are made at the first call.
Array affine(std::string_view op, const Array& x, int64_t units, const Affine& parameters);
/// How many positions of ids (N, T) are no padding at the end, (N,): 1 + the position of the last id that is not `padding`.
Array lengths_without(const Array& ids, int64_t padding);
/// "784 -> 128", with "?" before the first call; `axis` of the kernel counts the inputs.
std::string in_to_out(const Parameter& kernel, int64_t axis, int64_t out);
}  // namespace detail

/// Options of Dense.
struct DenseOptions {
  bool use_bias = true;
  Initializer kernel_initializer = init::glorot_uniform();
  Initializer bias_initializer = init::zeros();
};

/// activation(x kernel + bias) over the last axis: (..., in) to (..., units). kernel (in, units), bias (units).
class Dense {
 public:
  explicit Dense(core::Size units, Activation activation = {}, DenseOptions options = {});
  Dense(core::Size units, DenseOptions options) : Dense(units, {}, std::move(options)) {}

  Array forward(const Array& x) const;
  std::string describe() const { return detail::in_to_out(kernel, 0, units); }
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  int64_t units;
  bool use_bias;
  Activation activation;
  Initializer kernel_initializer, bias_initializer;
  Parameter kernel{}, bias{};
  GRADUS_PARTS(units, use_bias, activation, kernel_initializer, bias_initializer, kernel, bias)
};

/// Options of Embedding.
struct EmbeddingOptions {
  Initializer initializer = init::random_uniform();
  /// An id that fills up short sequences (N, T) at their ends. Attention, recurrent layers and pooling over time pass over it, in all that
  /// is computed from the vectors by layers that keep batch and time.
  std::optional<int64_t> padding{};
};

/// Rows of a table: integers (...) in [0, count) to (..., width). An id out of range is an error when computed.
///
///   nn::Embedding(10, 3)(array({1, 2}))   // (2, 3)
class Embedding {
 public:
  Embedding(core::Size count, core::Size width, EmbeddingOptions options = {});

  Array forward(const Array& ids) const;
  /// The table itself (count, width), for tied output weights: matmul(h, transpose(tokens.table())).
  const Array& table() const;
  std::string describe() const { return core::concat(count, " -> ", width); }
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  int64_t count, width;
  Initializer initializer;
  std::optional<int64_t> padding;
  Parameter weights{};
  GRADUS_PARTS(count, width, initializer, padding, weights)
};

/// In training (TrainingMode) each element becomes zero with probability `rate` and the others are divided by 1 - rate; else x. rate is at
/// least 0 and below 1.
class Dropout {
 public:
  explicit Dropout(double rate);
  Array forward(const Array& x) const;
  std::string describe() const { return core::concat(rate); }
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  double rate;
  GRADUS_PARTS(rate)
};

/// All axes after the first as one: (N, H, W, C) to (N, H W C).
///
///   nn::Flatten()(zeros({4, 8, 8, 3}))   // (4, 192)
class Flatten {
 public:
  Array forward(const Array& x) const;
  Array operator()(const Array& x) const { return call(*this, x); }
  void visit_parts(core::PartVisitor&, const std::string&) const {}
};

/// Options of Residual.
struct ResidualOptions {
  Layer shortcut = Activation();  ///< what x goes through; by default nothing
  Activation activation = {};     ///< after the addition
};

/// activation(body(x) + shortcut(x)): the block of residual networks (He et al. 2016).
///
///   nn::Residual(nn::Sequential{nn::Dense(64, relu), nn::BatchNorm(), nn::Dense(64)}, {.shortcut = nn::Dense(64), .activation = relu})
class Residual {
 public:
  explicit Residual(Layer body, ResidualOptions options = {});
  Array forward(const Array& x) const;
  static std::span<const core::FieldNote> field_notes();

  Layer body, shortcut;
  Activation activation;
  GRADUS_PARTS(body, shortcut, activation)
};

}  // namespace gradus::nn
