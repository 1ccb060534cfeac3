// What users call: dtypes, first states, and the op, which checks the rest.
#include "gradus/ops/recurrent.hpp"

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/recurrent_rules.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

using namespace core;

namespace {

using namespace rule::recurrent;
using rule::rows::wide_dtype;

// A call of an op, in the dtype that it is computed in.
class Layer {
 public:
  Layer(const OpDef& op, const Array& x, const RecurrentWeights& weights, const RecurrentOptions& options)
      : op_(op), args_{options.reverse, options.activation, options.reset_after}, x_(x), weights_(weights) {
    see("x", x, true);
    see("kernel", weights.kernel, true);
    see("recurrent_kernel", weights.recurrent_kernel, true);
    see("bias", weights.bias);
    if (!options.lengths.exists()) return;
    if (!options.lengths.dtype().is_integer()) fail(op.name, "lengths has dtype ", options.lengths.dtype(), "; it must be integers");
    lengths_ = options.lengths.astype(int64);
  }

  /// Takes note of its dtype, which all meet in.
  void see(const char* name, const Array& x, bool is_required = false) {
    if (!x.exists()) {
      if (is_required) fail(op_.name, name, " is empty; it must be given");
      return;
    }
    if (!x.dtype().is_float()) fail(op_.name, name, " has dtype ", x.dtype(), "; it must be floats: astype(float32)");
    dtype_ = has_dtype_ ? promote(dtype_, x.dtype()) : x.dtype();
    has_dtype_ = true;
  }

  Array state(const Array& given) const {
    if (given.exists() || x_.rank() == 0 || weights_.recurrent_kernel.rank() == 0) return wide(given);
    return zeros({x_.shape(0), weights_.recurrent_kernel.shape(0)}, wide_dtype(dtype_));
  }
  Array wide(const Array& x) const { return x.exists() ? x.astype(wide_dtype(dtype_)) : x; }
  Array narrow(const Array& x) const { return x.astype(dtype_); }

  /// The op on x, the kernels, the states, the biases and the lengths.
  std::vector<Array> run(const std::vector<Array>& states_and_biases) const {
    std::vector<Array> inputs{wide(x_), wide(weights_.kernel), wide(weights_.recurrent_kernel)};
    inputs.insert(inputs.end(), states_and_biases.begin(), states_and_biases.end());
    inputs.push_back(lengths_);
    return apply_all(op_, inputs, args_);
  }

 private:
  const OpDef& op_;
  RecurrentArgs args_;
  const Array& x_;
  const RecurrentWeights& weights_;
  Array lengths_{};
  DType dtype_ = float32;  // of the results
  bool has_dtype_ = false;
};

}  // namespace

RecurrentResult simple_rnn(const Array& x, const RecurrentWeights& weights, const Array& state, const RecurrentOptions& options) {
  Layer layer(simple_rnn_op, x, weights, options);
  layer.see("h of the state", state);
  const std::vector<Array> out = layer.run({layer.state(state), layer.wide(weights.bias)});
  return {layer.narrow(out[0]), layer.narrow(out[1])};
}

LSTMResult lstm(const Array& x, const RecurrentWeights& weights, const LSTMState& state, const RecurrentOptions& options) {
  Layer layer(lstm_op, x, weights, options);
  layer.see("h of the state", state.h);
  layer.see("c of the state", state.c);
  const std::vector<Array> out = layer.run({layer.state(state.h), layer.state(state.c), layer.wide(weights.bias)});
  return {layer.narrow(out[0]), {layer.narrow(out[1]), layer.narrow(out[2])}};
}

RecurrentResult gru(const Array& x, const RecurrentWeights& weights, const Array& state, const RecurrentOptions& options) {
  Layer layer(gru_op, x, weights, options);
  layer.see("h of the state", state);
  const Array& bias = weights.bias;
  const bool has_two = options.reset_after && bias.exists();
  if (has_two && (bias.rank() != 2 || bias.shape(0) != 2)) {
    fail("gru", "bias is ", bias.shape(), "; it must be (2, 3 units), one for x and one for the state (without reset_after (3 units))");
  }
  const std::vector<Array> biases = has_two ? unstack(bias, 0) : std::vector{bias, Array()};
  const std::vector<Array> out = layer.run({layer.state(state), layer.wide(biases[0]), layer.wide(biases[1])});
  return {layer.narrow(out[0]), layer.narrow(out[1])};
}

std::span<const OpDef* const> rule::recurrent_ops() {
  static constexpr const OpDef* ops[] = {&simple_rnn_op, &simple_rnn_backward_op, &lstm_op, &lstm_backward_op, &gru_op, &gru_backward_op};
  return ops;
}

}  // namespace gradus
