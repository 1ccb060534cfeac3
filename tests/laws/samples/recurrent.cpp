// Samples of simple_rnn, lstm and gru, in both directions, with lengths, states, biases and activations.
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

constexpr int64_t kBatch = 3, kSteps = 3, kFeatures = 2, kUnits = 3;

struct Kind {
  std::string_view op;
  int64_t gates;
};
constexpr Kind kSimple{"simple_rnn", 1}, kLSTM{"lstm", 4}, kGRU{"gru", 3};

// Some of a layer's options, and which steps there are.
struct Form {
  bool reverse = false, is_relu = false, resets_after = true, has_lengths = false;
  int64_t batch = kBatch, steps = kSteps, units = kUnits;
  std::vector<int64_t> lengths() const {
    return has_lengths ? std::vector<int64_t>{2, 0, 3} : std::vector<int64_t>(static_cast<size_t>(batch), steps);
  }
  RecurrentOptions options() const {
    return {.lengths = has_lengths ? array(lengths()) : Array(),
            .reverse = reverse,
            .activation = is_relu ? RecurrentActivation::relu : RecurrentActivation::tanh,
            .reset_after = resets_after};
  }
};

// Inputs: x, kernel, recurrent kernel, bias, h, (c).
Arrays inputs_of(const Kind& kind, const Form& form) {
  const int64_t columns = kind.gates * form.units;
  const bool has_two = kind.gates == 3 && form.resets_after;
  Arrays out{uniform({form.batch, form.steps, kFeatures}, -1, 1, 1), uniform({kFeatures, columns}, -1, 1, 2),
             uniform({form.units, columns}, -1, 1, 3), uniform(has_two ? Shape{2, columns} : Shape{columns}, -0.5, 0.5, 4),
             uniform({form.batch, form.units}, -1, 1, 5)};
  if (kind.gates == 4) out.push_back(uniform({form.batch, form.units}, -1, 1, 6));
  return out;
}
Arrays call(const Kind& kind, const Form& form, const Arrays& in) {
  const RecurrentWeights weights{in[1], in[2], in[3]};
  if (kind.gates == 4) {
    const auto [ys, state] = lstm(in[0], weights, {in[4], in[5]}, form.options());
    return {ys, state.h, state.c};
  }
  const auto [ys, state] = kind.gates == 3 ? gru(in[0], weights, in[4], form.options()) : simple_rnn(in[0], weights, in[4], form.options());
  return {ys, state};
}

double gate(double x) { return 1 / (1 + std::exp(-x)); }

// One sequence: the outputs of its steps, by the formulas of ops/recurrent.hpp.
struct PlainCell {
  const Kind& kind;
  const Form& form;
  const std::vector<Plain>& in;
  std::vector<double> h{}, c{};

  double f(double x) const { return form.is_relu ? (x < 0 ? 0 : x) : std::tanh(x); }
  // Column j of x W + b; of s U.
  double of_input(int64_t n, int64_t t, int64_t j) const {
    double sum = 0;
    for (int64_t d = 0; d < kFeatures; ++d) sum += in[0][{n, t, d}] * in[1][{d, j}];
    return sum + in[3].values[static_cast<size_t>(j)];
  }
  double of_state(const std::vector<double>& s, int64_t j) const {
    double sum = 0;
    for (int64_t k = 0; k < form.units; ++k) sum += s[static_cast<size_t>(k)] * in[2][{k, j}];
    return sum;
  }
  double second_bias(int64_t j) const {
    return kind.gates == 3 && form.resets_after ? in[3].values[static_cast<size_t>(3 * form.units + j)] : 0;
  }
  void step(int64_t n, int64_t t) {
    const int64_t units = form.units;
    std::vector<double> next(h.size()), reset_h(h.size());
    const auto sum = [&](int64_t which, int64_t u) {
      return of_input(n, t, which * units + u) + of_state(h, which * units + u) + second_bias(which * units + u);
    };
    for (int64_t u = 0; u < units; ++u) reset_h[static_cast<size_t>(u)] = kind.gates == 3 ? gate(sum(1, u)) * h[static_cast<size_t>(u)] : 0;
    for (int64_t u = 0; u < units; ++u) {
      const auto at = static_cast<size_t>(u);
      if (kind.gates == 1) {
        next[at] = f(sum(0, u));
      } else if (kind.gates == 4) {
        c[at] = gate(sum(1, u)) * c[at] + gate(sum(0, u)) * f(sum(2, u));
        next[at] = gate(sum(3, u)) * f(c[at]);
      } else {
        const int64_t j = 2 * units + u;
        const double product = form.resets_after ? gate(sum(1, u)) * (of_state(h, j) + second_bias(j)) : of_state(reset_h, j);
        const double z = gate(sum(0, u)), n_gate = f(of_input(n, t, j) + product);
        next[at] = z * h[at] + (1 - z) * n_gate;
      }
    }
    h = next;
  }
};

Reference reference(const Kind& kind, const Form& form) {
  return [=](const std::vector<Plain>& in) {
    Plain ys = filled({form.batch, form.steps, form.units}, [](const Index&) { return 0.0; });
    for (int64_t n = 0; n < form.batch; ++n) {
      PlainCell cell{kind, form, in};
      for (int64_t u = 0; u < form.units; ++u) {
        cell.h.push_back(in[4][{n, u}]);
        cell.c.push_back(kind.gates == 4 ? in[5][{n, u}] : 0);
      }
      const int64_t length = form.lengths()[static_cast<size_t>(n)];
      for (int64_t k = 0; k < length; ++k) {
        const int64_t t = form.reverse ? length - 1 - k : k;
        cell.step(n, t);
        for (int64_t u = 0; u < form.units; ++u)
          ys.values[static_cast<size_t>((n * form.steps + t) * form.units + u)] = cell.h[static_cast<size_t>(u)];
      }
    }
    return ys;
  };
}

void add(Samples& out, const Kind& kind, const Form& form) {
  const Arrays inputs = inputs_of(kind, form);
  out.push_back({.op = kind.op,
                 .inputs = inputs,
                 .call = [=](const Arrays& in) { return call(kind, form, in); },
                 .reference = reference(kind, form),
                 .takes_specials = false});  // a reset gate of 0 times an infinite state
}
// The backward op, by the cotangent of the ys alone, or of the last state alone.
void add_backward(Samples& out, std::string_view op, const Kind& kind, const Form& form, size_t output) {
  Arrays inputs = inputs_of(kind, form);
  inputs.push_back(output == 0 ? uniform({form.batch, form.steps, form.units}, -1, 1, 7) : uniform({form.batch, form.units}, -1, 1, 7));
  out.push_back({.op = op, .inputs = inputs, .call = pulled([=](const Arrays& in) { return Arrays{call(kind, form, in)[output]}; })});
}

}  // namespace

Samples recurrent_samples() {
  Samples out;
  const Form plain, reversed{.reverse = true, .has_lengths = true};
  for (const Kind& kind : {kSimple, kLSTM, kGRU}) {
    for (const Form& form : {plain, reversed, Form{.is_relu = true, .has_lengths = true}}) add(out, kind, form);
  }
  for (const Form& form : {Form{.steps = 0}, Form{.batch = 0}}) add(out, kLSTM, form);
  for (const Form& form : {Form{.resets_after = false}, Form{.reverse = true, .resets_after = false, .has_lengths = true}})
    add(out, kGRU, form);
  add_backward(out, "simple_rnn_backward", kSimple, reversed, 0);
  add_backward(out, "lstm_backward", kLSTM, reversed, 0);
  add_backward(out, "gru_backward", kGRU, reversed, 0);
  add_backward(out, "simple_rnn_backward", kSimple, {.is_relu = true}, 1);
  add_backward(out, "lstm_backward", kLSTM, {.is_relu = true}, 2);
  add_backward(out, "gru_backward", kGRU, {.resets_after = false, .has_lengths = true}, 1);
  return out;
}

}  // namespace laws
