// What users call: checks, the input's product for all steps at once, and the op of the recurrence.
#include "gradus/ops/recurrent.hpp"

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/recurrent_rules.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

using namespace core;

namespace {

using namespace rule::recurrent;
using rule::rows::wide_dtype;

// A call of an op with `gates` gates a unit, checked, in the dtype that it is computed in.
struct Layer {
  Layer(const OpDef& op, int64_t gates, const Array& x, const RecurrentWeights& weights, const RecurrentOptions& options)
      : op(op), gates(gates), args{options.reverse, options.activation, gates != 3 || options.reset_after} {
    if (!x.exists() || x.rank() != 3)
      fail(op.name, "x is ", x.exists() ? to_text(x.shape()) : "empty", "; it must be (batch, steps, features)");
    see(x);
    check_kernel("kernel", weights.kernel, x.shape(2), "features of x");
    check_kernel("recurrent_kernel", weights.recurrent_kernel, units, "units");
    if (weights.bias.exists()) see(weights.bias);
    set_lengths(options.lengths, x.shape(0));
  }

  // What the input contributes to the gates: x W + b, without what lies past the ends.
  Array input(const Array& x, const Array& kernel, const Array& bias) const {
    const Array is_inside = inside(lengths, x.shape(1)), product = matmul(where_inside(is_inside, wide(x), 0), wide(kernel));
    return bias.exists() ? product + wide(bias) : product;
  }
  Array state(const Array& given, int64_t batch) const { return given.exists() ? wide(given) : zeros({batch, units}, wide_dtype(dtype)); }
  Array wide(const Array& x) const { return x.astype(wide_dtype(dtype)); }
  Array narrow(const Array& x) const { return x.astype(dtype); }

  void see(const Array& x) {
    if (!x.exists()) return;
    if (!x.dtype().is_float()) fail(op.name, "it got an array of ", x.dtype(), "; all must be floats: x.astype(float32)");
    dtype = is_first_ ? x.dtype() : promote(dtype, x.dtype());
    is_first_ = false;
  }
  void check_bias(const Array& bias, const Shape& wanted) const {
    if (bias.exists() && bias.shape() != wanted) fail(op.name, "bias is ", bias.shape(), "; it must be ", wanted);
  }

  const OpDef& op;
  int64_t gates, units = 0;
  RecurrentArgs args;
  DType dtype = float32;  // of the results
  Array lengths{};

 private:
  void check_kernel(const char* name, const Array& kernel, int64_t rows, const char* of) {
    if (!kernel.exists() || kernel.rank() != 2 || kernel.shape(1) % gates != 0) {
      fail(op.name, name, " is ", kernel.exists() ? to_text(kernel.shape()) : "empty", "; it must be a matrix with ",
           gates == 1 ? "a column" : concat(gates, " columns"), " for each unit");
    }
    if (units == 0) units = kernel.shape(1) / gates;
    if (kernel.shape() != Shape{rows, gates * units}) {
      fail(op.name, name, " is ", kernel.shape(), "; it must be ", Shape{rows, gates * units}, ": (", of, ", ",
           gates == 1 ? "units" : concat(gates, " units"), ")");
    }
    see(kernel);
  }
  void set_lengths(const Array& given, int64_t batch) {
    if (!given.exists()) return;
    if (!given.dtype().is_integer()) fail(op.name, "lengths has dtype ", given.dtype(), "; it must be integers");
    if (given.shape() != Shape{batch})
      fail(op.name, "lengths is ", given.shape(), "; it must be ", Shape{batch}, ", one for each sequence");
    lengths = given.astype(int64);
  }
  bool is_first_ = true;
};

}  // namespace

RecurrentResult simple_rnn(const Array& x, const RecurrentWeights& weights, const Array& state, const RecurrentOptions& options) {
  Layer layer(simple_rnn_op, 1, x, weights, options);
  layer.see(state);
  layer.check_bias(weights.bias, {layer.units});
  const std::vector<Array> out = apply_all(
      layer.op,
      {layer.input(x, weights.kernel, weights.bias), layer.wide(weights.recurrent_kernel), layer.state(state, x.shape(0)), layer.lengths},
      layer.args);
  return {layer.narrow(out[0]), layer.narrow(out[1])};
}

LSTMResult lstm(const Array& x, const RecurrentWeights& weights, const LSTMState& state, const RecurrentOptions& options) {
  Layer layer(lstm_op, 4, x, weights, options);
  layer.see(state.h);
  layer.see(state.c);
  layer.check_bias(weights.bias, {4 * layer.units});
  const int64_t batch = x.shape(0);
  const std::vector<Array> out = apply_all(layer.op,
                                           {layer.input(x, weights.kernel, weights.bias), layer.wide(weights.recurrent_kernel),
                                            layer.state(state.h, batch), layer.state(state.c, batch), layer.lengths},
                                           layer.args);
  return {layer.narrow(out[0]), {layer.narrow(out[1]), layer.narrow(out[2])}};
}

RecurrentResult gru(const Array& x, const RecurrentWeights& weights, const Array& state, const RecurrentOptions& options) {
  Layer layer(gru_op, 3, x, weights, options);
  layer.see(state);
  const bool has_two = options.reset_after && weights.bias.exists();
  layer.check_bias(weights.bias, has_two ? Shape{2, 3 * layer.units} : Shape{3 * layer.units});
  Array of_input = weights.bias, of_state;
  if (has_two) {
    const std::vector<Array> rows = unstack(weights.bias, 0);
    of_input = rows[0];
    of_state = layer.wide(rows[1]);
  }
  const std::vector<Array> out = apply_all(layer.op,
                                           {layer.input(x, weights.kernel, of_input), layer.wide(weights.recurrent_kernel),
                                            layer.state(state, x.shape(0)), of_state, layer.lengths},
                                           layer.args);
  return {layer.narrow(out[0]), layer.narrow(out[1])};
}

std::span<const OpDef* const> rule::recurrent_ops() {
  static constexpr const OpDef* ops[] = {&simple_rnn_op, &simple_rnn_backward_op, &lstm_op, &lstm_backward_op, &gru_op, &gru_backward_op};
  return ops;
}

}  // namespace gradus
