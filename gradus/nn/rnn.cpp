// The library's cells: layers over sequences of one step.
#include "gradus/nn/rnn.hpp"

#include "gradus/base/error.hpp"

namespace gradus::nn {

using namespace core;

namespace {

template <class Options>
Options as(CellOptions given) {
  Options options;
  options.use_bias = given.use_bias;
  if constexpr (requires { options.reset_after; }) options.reset_after = given.reset_after;
  options.kernel_initializer = std::move(given.kernel_initializer);
  options.recurrent_initializer = std::move(given.recurrent_initializer);
  options.bias_initializer = std::move(given.bias_initializer);
  return options;
}

Array one_step(const char* name, const Array& x) {
  if (x.rank() != 2) fail(name, "x is ", x.shape(), "; it must be (batch, features)");
  return expand_dims(x, 1);
}
Array zero_state(const Array& x, int64_t units) { return zeros({x.shape(0), units}, x.dtype()); }

}  // namespace

SimpleRNNCell::SimpleRNNCell(Size units, Activation activation, CellOptions options)
    : layer(units, std::move(activation), as<SimpleRNNOptions>(std::move(options))) {}
std::pair<Array, Array> SimpleRNNCell::forward(const Array& x, const Array& state) const {
  const Array next = layer.run(one_step("simple_rnn_cell", x), state).state;
  return {next, next};
}
Array SimpleRNNCell::initial_state(const Array& x) const { return zero_state(x, layer.units); }

LSTMCell::LSTMCell(Size units, Activation activation, CellOptions options)
    : layer(units, std::move(activation), as<LSTMOptions>(std::move(options))) {}
std::pair<Array, std::pair<Array, Array>> LSTMCell::forward(const Array& x, const std::pair<Array, Array>& state) const {
  const LSTMState next = layer.run(one_step("lstm_cell", x), {state.first, state.second}).state;
  return {next.h, {next.h, next.c}};
}
std::pair<Array, Array> LSTMCell::initial_state(const Array& x) const { return {zero_state(x, layer.units), zero_state(x, layer.units)}; }

GRUCell::GRUCell(Size units, Activation activation, CellOptions options)
    : layer(units, std::move(activation), as<GRUOptions>(std::move(options))) {}
std::pair<Array, Array> GRUCell::forward(const Array& x, const Array& state) const {
  const Array next = layer.run(one_step("gru_cell", x), state).state;
  return {next, next};
}
Array GRUCell::initial_state(const Array& x) const { return zero_state(x, layer.units); }

}  // namespace gradus::nn
