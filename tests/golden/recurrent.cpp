// Golden recurrent networks: PyTorch's weights brought to ours and run by the fused ops; cells and projections step by step.
#include "tests/golden/border.hpp"

namespace golden {

using namespace gradus;
using namespace gradus::core;

Array torch_linear(const Array& x, const Array& weight, const Array& bias) {
  const Array y = matmul(x, transpose(weight));
  return bias.exists() ? y + bias : y;
}

namespace {

// PyTorch's r, z, n as z, r, n along the last axis.
Array update_first(const Array& x) {
  const auto [r, z, n] = split<3>(x, -1);
  return concatenate({z, r, n}, -1);
}

}  // namespace

RecurrentWeights weights_of(const CellWeights& w) {
  const bool has_both = w.input_bias.exists() && w.hidden_bias.exists();
  return {transpose(w.input), transpose(w.hidden), has_both ? w.input_bias + w.hidden_bias : w.input_bias};
}
RecurrentWeights gru_weights_of(const CellWeights& w) {
  const auto bias = [](const Array& given, const Array& other) { return given.exists() ? given : zeros_like(other); };
  const bool has_bias = w.input_bias.exists() || w.hidden_bias.exists();
  return {update_first(transpose(w.input)), update_first(transpose(w.hidden)),
          has_bias ? update_first(stack({bias(w.input_bias, w.hidden_bias), bias(w.hidden_bias, w.input_bias)})) : Array()};
}

Array rnn_step(const Array& x, const Array& h, const CellWeights& w, bool is_relu) {
  return simple_rnn(expand_dims(x, 1), weights_of(w), h, {.activation = is_relu ? RecurrentActivation::relu : RecurrentActivation::tanh})
      .state;
}
Array gru_step(const Array& x, const Array& h, const CellWeights& w) { return gru(expand_dims(x, 1), gru_weights_of(w), h).state; }
std::pair<Array, Array> lstm_step(const Array& x, const Array& h, const Array& c, const CellWeights& w) {
  const LSTMState next = lstm(expand_dims(x, 1), weights_of(w), {h, c}).state;
  return {next.h, next.c};
}

namespace {

enum class Kind { tanh, relu, gru, lstm };

struct State {
  Array h, c;
};
struct Run {
  Array ys;
  State last;
};
Run run_layer(Kind kind, const Array& x, const State& state, const CellWeights& w, const RecurrentOptions& options) {
  if (kind == Kind::lstm) {
    const auto [ys, last] = lstm(x, weights_of(w), {state.h, state.c}, options);
    return {ys, {last.h, last.c}};
  }
  const auto [ys, last] = kind == Kind::gru ? gru(x, gru_weights_of(w), state.h, options) : simple_rnn(x, weights_of(w), state.h, options);
  return {ys, {last, {}}};
}

// An LSTM with a projection, step by step: past a sequence's length the state stays and y is zero; in reverse each sequence starts at its
// own last step.
Run run_projected(const Array& x, State state, const CellWeights& w, const Array& projection, const RecurrentOptions& options) {
  const std::vector<Array> xs = unstack(x, 1);
  std::vector<Array> ys(xs.size());
  for (size_t k = 0; k < xs.size(); ++k) {
    const size_t t = options.reverse ? xs.size() - 1 - k : k;
    const auto [i, f, g, o] =
        split<4>(torch_linear(xs[t], w.input, w.input_bias) + torch_linear(state.h, w.hidden, w.hidden_bias), -1);
    Array c = sigmoid(f) * state.c + sigmoid(i) * tanh(g);
    Array h = matmul(sigmoid(o) * tanh(c), transpose(projection));
    ys[t] = h;
    if (options.lengths.exists()) {
      const Array is_inside = expand_dims(options.lengths > static_cast<int64_t>(t), -1);
      ys[t] = where(is_inside, h, 0);
      h = where(is_inside, h, state.h);
      c = where(is_inside, c, state.c);
    }
    state = {h, c};
  }
  return {stack(ys, 1), state};
}

template <Kind kind>
Results network(const Call& c) {
  const bool batch_first = c.flag("batch_first");
  const int64_t directions = c.flag("bidirectional") ? 2 : 1;
  Array x = batch_first ? c["x"] : swapaxes(c["x"], 0, 1);
  std::vector<Array> hs, cs;
  for (int64_t layer = 0; layer < c.integer("num_layers"); ++layer) {
    std::vector<Array> ys;
    for (int64_t direction = 0; direction < directions; ++direction) {
      const std::string suffix = "_l" + std::to_string(layer) + (direction ? "_reverse" : "");
      const CellWeights w{c["weight_ih" + suffix], c["weight_hh" + suffix], optional(c, "bias_ih" + suffix),
                          optional(c, "bias_hh" + suffix)};
      const int64_t index = layer * directions + direction;
      const State start{c["h0"][index], kind == Kind::lstm ? c["c0"][index] : Array()};
      const RecurrentOptions options{.lengths = optional(c, "lengths"),
                                     .reverse = direction == 1,
                                     .activation = kind == Kind::relu ? RecurrentActivation::relu : RecurrentActivation::tanh};
      const Array projection = optional(c, "weight_hr" + suffix);
      const Run run = projection.exists() ? run_projected(x, start, w, projection, options) : run_layer(kind, x, start, w, options);
      ys.push_back(run.ys);
      hs.push_back(run.last.h);
      cs.push_back(run.last.c);
    }
    x = directions == 1 ? ys[0] : concatenate(ys, -1);
  }
  Results out{{"y", batch_first ? x : swapaxes(x, 0, 1)}, {"hn", stack(hs)}};
  if (kind == Kind::lstm) out.set("cn", stack(cs));
  return out;
}

CellWeights cell_weights(const Call& c) { return {c["weight_ih"], c["weight_hh"], optional(c, "bias_ih"), optional(c, "bias_hh")}; }
Results lstm_cell(const Call& c) {
  const auto [h, cell] = lstm_step(c["x"], c["h"], c["c"], cell_weights(c));
  return {{"h_new", h}, {"c_new", cell}};
}

const Entry table[] = {
    {"rnn_tanh", network<Kind::tanh>},     {"rnn_tanh_lengths", network<Kind::tanh>}, {"rnn_relu", network<Kind::relu>},
    {"rnn_relu_lengths", network<Kind::relu>}, {"gru", network<Kind::gru>},           {"gru_lengths", network<Kind::gru>},
    {"lstm", network<Kind::lstm>},         {"lstm_lengths", network<Kind::lstm>},     {"lstm_proj", network<Kind::lstm>},
    {"rnn_tanh_cell", [](const Call& c) -> Results { return rnn_step(c["x"], c["h"], cell_weights(c), false); }},
    {"rnn_relu_cell", [](const Call& c) -> Results { return rnn_step(c["x"], c["h"], cell_weights(c), true); }},
    {"gru_cell", [](const Call& c) -> Results { return gru_step(c["x"], c["h"], cell_weights(c)); }},
    {"lstm_cell", lstm_cell},
};

}  // namespace

Table recurrent_table() { return table; }

}  // namespace golden
