// Golden recurrent networks, unrolled step by step with PyTorch's weights.
#include "tests/golden/border.hpp"

namespace golden {

using namespace gradus;
using namespace gradus::core;

Array torch_linear(const Array& x, const Array& weight, const Array& bias) {
  const Array y = matmul(x, transpose(weight));
  return bias.exists() ? y + bias : y;
}

Array rnn_step(const Array& x, const Array& h, const CellWeights& w, bool is_relu) {
  const Array sum = torch_linear(x, w.input, w.input_bias) + torch_linear(h, w.hidden, w.hidden_bias);
  return is_relu ? relu(sum) : tanh(sum);
}
// r, z, n; the reset gate is applied to U h + b.
Array gru_step(const Array& x, const Array& h, const CellWeights& w) {
  const auto [xr, xz, xn] = split<3>(torch_linear(x, w.input, w.input_bias), -1);
  const auto [hr, hz, hn] = split<3>(torch_linear(h, w.hidden, w.hidden_bias), -1);
  const Array z = sigmoid(xz + hz), n = tanh(xn + sigmoid(xr + hr) * hn);
  return (1 - z) * n + z * h;
}
std::pair<Array, Array> lstm_step(const Array& x, const Array& h, const Array& c, const CellWeights& w) {
  const auto [i, f, g, o] = split<4>(torch_linear(x, w.input, w.input_bias) + torch_linear(h, w.hidden, w.hidden_bias), -1);
  const Array next = sigmoid(f) * c + sigmoid(i) * tanh(g);
  return {sigmoid(o) * tanh(next), next};
}

namespace {

enum class Kind { tanh, relu, gru, lstm };

struct State {
  Array h, c;
};
State step(Kind kind, const Array& x, const State& s, const CellWeights& w) {
  if (kind == Kind::gru) return {gru_step(x, s.h, w), {}};
  if (kind != Kind::lstm) return {rnn_step(x, s.h, w, kind == Kind::relu), {}};
  const auto [h, c] = lstm_step(x, s.h, s.c, w);
  return {h, c};
}

// One layer in one direction over (T, N, ...): all h at their places, and the last state. Past a sequence's length the state stays and y is
// zero; in reverse each sequence starts at its own last step.
struct Run {
  std::vector<Array> ys;
  State last;
};
Run run_layer(Kind kind, const std::vector<Array>& xs, State state, const CellWeights& w, const Array& projection, const Array& lengths,
              bool reverse) {
  Run out{std::vector<Array>(xs.size()), state};
  for (size_t k = 0; k < xs.size(); ++k) {
    const size_t t = reverse ? xs.size() - 1 - k : k;
    State next = step(kind, xs[t], out.last, w);
    if (projection.exists()) next.h = matmul(next.h, transpose(projection));
    out.ys[t] = next.h;
    if (lengths.exists()) {
      const Array is_inside = expand_dims(lengths > static_cast<int64_t>(t), -1);
      out.ys[t] = where(is_inside, next.h, 0);
      next.h = where(is_inside, next.h, out.last.h);
      if (next.c.exists()) next.c = where(is_inside, next.c, out.last.c);
    }
    out.last = next;
  }
  return out;
}

template <Kind kind>
Results network(const Call& c) {
  const bool batch_first = c.flag("batch_first");
  const int64_t directions = c.flag("bidirectional") ? 2 : 1;
  std::vector<Array> xs = unstack(c["x"], batch_first ? 1 : 0), hs, cs;
  for (int64_t layer = 0; layer < c.integer("num_layers"); ++layer) {
    std::vector<std::vector<Array>> ys;
    for (int64_t direction = 0; direction < directions; ++direction) {
      const std::string suffix = "_l" + std::to_string(layer) + (direction ? "_reverse" : "");
      const CellWeights w{c["weight_ih" + suffix], c["weight_hh" + suffix], optional(c, "bias_ih" + suffix),
                          optional(c, "bias_hh" + suffix)};
      const int64_t index = layer * directions + direction;
      const State start{c["h0"][index], kind == Kind::lstm ? c["c0"][index] : Array()};
      Run run = run_layer(kind, xs, start, w, optional(c, "weight_hr" + suffix), optional(c, "lengths"), direction == 1);
      ys.push_back(run.ys);
      hs.push_back(run.last.h);
      cs.push_back(run.last.c);
    }
    for (size_t t = 0; t < xs.size(); ++t) xs[t] = directions == 1 ? ys[0][t] : concatenate({ys[0][t], ys[1][t]}, -1);
  }
  Results out{{"y", stack(xs, batch_first ? 1 : 0)}, {"hn", stack(hs)}};
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
    {"gru_cell", [](const Call& c) -> Results { return gru_step(c["x"], c["h"], cell_weights(c)); }},
    {"lstm_cell", lstm_cell},
};

}  // namespace

Table recurrent_table() { return table; }

}  // namespace golden
