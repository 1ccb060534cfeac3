// Recurrent layers: against steps written by hand, states and lengths, directions and stacks, dropout, cells, files, errors.
#include "gradus/base/threads.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/io/model_file.hpp"
#include "gradus/nn/nn.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/equality.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/optim/optim.hpp"
#include "gradus/transform/custom.hpp"
#include "gradus/transform/grad.hpp"
#include "tests/golden_cases.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

std::vector<double> doubles(const Array& x) { return x.to_vector<double>(); }
void expect_near(const Array& got, const Array& want, double bound) {
  ASSERT_EQ(got.shape(), want.shape());
  const std::vector<double> a = doubles(got), b = doubles(want);
  for (size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], bound) << "element " << i;
}
Array draw(int64_t seed, const Shape& shape, DType dtype = float32) {
  return random::normal(random::key(seed), shape).astype(dtype).eval();
}

struct Sizes {
  int64_t batch, steps, features, units;
};
// More rows than a tile, more units than a vector and more than a block, and numbers that divide nothing.
constexpr Sizes kSizes[] = {{1, 3, 1, 1}, {13, 4, 3, 5}, {7, 3, 5, 37}, {29, 2, 2, 70}, {64, 2, 17, 64}};

RecurrentWeights weights_of(const Sizes& s, int64_t gates, DType dtype, bool has_two = false) {
  const double scale = 1 / std::sqrt(static_cast<double>(s.units));
  const int64_t columns = gates * s.units;
  return {draw(1, {s.features, columns}, dtype), (scale * draw(2, {s.units, columns}, dtype)).eval(),
          draw(3, has_two ? Shape{2, columns} : Shape{columns}, dtype)};
}
// Both as functions of x, the weights and the state: values and slopes agree.
template <class Fused, class Plain>
void expect_same(const Sizes& s, const RecurrentWeights& w, DType dtype, const Fused& fused, const Plain& plain) {
  const Array x = draw(4, {s.batch, s.steps, s.features}, dtype), h = draw(5, {s.batch, s.units}, dtype),
              dys = draw(6, {s.batch, s.steps, s.units}, dtype);
  const auto loss_of = [&](const auto& network) {
    return [&](const Array& in, const Array& kernel, const Array& recurrent, const Array& bias, const Array& state) {
      const auto [ys, last] = network(in, RecurrentWeights{kernel, recurrent, bias}, state);
      return sum(ys * dys) + sum(square(last));
    };
  };
  const auto [value, grads] = value_and_grad(loss_of(fused))(x, w.kernel, w.recurrent_kernel, w.bias, h);
  const auto [want, want_grads] = value_and_grad(loss_of(plain))(x, w.kernel, w.recurrent_kernel, w.bias, h);
  const double bound = dtype == float64 ? 1e-11 : 2e-4;
  EXPECT_NEAR(value.item(), want.item(), bound * (1 + std::fabs(want.item())));
  for (size_t i = 0; i < grads.size(); ++i) expect_near(grads[i], want_grads[i], bound * (1 + max(abs(want_grads[i])).item()));
}
std::pair<Array, Array> by_steps(const Array& x, Array state, const std::function<Array(const Array&, const Array&)>& step) {
  std::vector<Array> ys;
  for (const Array& now : unstack(x, 1)) ys.push_back(state = step(now, state));
  return {stack(ys, 1), state};
}

TEST(Recurrent, LstmIsItsFormulaAtEverySize) {
  for (const DType dtype : {float64, float32})
    for (const Sizes& s : kSizes) {
      SCOPED_TRACE(s.units);
      const auto fused = [](const Array& x, const RecurrentWeights& w, const Array& h) {
        const auto [ys, state] = lstm(x, w, {h, 0.5 * h});
        return std::pair{ys, state.h + state.c};
      };
      const auto plain = [](const Array& x, const RecurrentWeights& w, const Array& h) {
        Array c = 0.5 * h;
        const auto [ys, last] = by_steps(x, h, [&](const Array& now, const Array& state) {
          const auto [i, f, g, o] = split<4>(matmul(now, w.kernel) + w.bias + matmul(state, w.recurrent_kernel), -1);
          c = sigmoid(f) * c + sigmoid(i) * tanh(g);
          return sigmoid(o) * tanh(c);
        });
        return std::pair{ys, last + c};
      };
      expect_same(s, weights_of(s, 4, dtype), dtype, fused, plain);
    }
}

TEST(Recurrent, GruIsItsFormulaAtEverySizeInBothConventions) {
  for (const bool after : {true, false})
    for (const DType dtype : {float64, float32})
      for (const Sizes& s : kSizes) {
        SCOPED_TRACE(s.units);
        const auto fused = [=](const Array& x, const RecurrentWeights& w, const Array& h) {
          const auto [ys, state] = gru(x, w, h, {.reset_after = after});
          return std::pair{ys, state};
        };
        const auto plain = [=](const Array& x, const RecurrentWeights& w, const Array& h) {
          const Array zero = zeros_like(w.recurrent_kernel[0]), first = after ? w.bias[0] : w.bias, second = after ? w.bias[1] : zero;
          const auto [uz, ur, un] = split<3>(w.recurrent_kernel, -1);
          const auto [bz, br, bn] = split<3>(second, -1);
          const std::vector<Array> u{uz, ur, un}, b{bz, br, bn};
          return by_steps(x, h, [&](const Array& now, const Array& state) {
            const auto [xz, xr, xn] = split<3>(matmul(now, w.kernel) + first, -1);
            const Array z = sigmoid(xz + matmul(state, u[0]) + b[0]), r = sigmoid(xr + matmul(state, u[1]) + b[1]);
            const Array n = tanh(xn + (after ? r * (matmul(state, u[2]) + b[2]) : matmul(r * state, u[2])));
            return (1 - z) * n + z * state;
          });
        };
        expect_same(s, weights_of(s, 3, dtype, after), dtype, fused, plain);
      }
}

TEST(Recurrent, SimpleRnnIsItsFormulaAtEverySize) {
  for (const bool is_relu : {false, true})
    for (const Sizes& s : kSizes) {
      SCOPED_TRACE(s.units);
      const auto fused = [=](const Array& x, const RecurrentWeights& w, const Array& h) {
        const auto [ys, state] = simple_rnn(x, w, h, {.activation = is_relu ? RecurrentActivation::relu : RecurrentActivation::tanh});
        return std::pair{ys, state};
      };
      const auto plain = [=](const Array& x, const RecurrentWeights& w, const Array& h) {
        return by_steps(x, h, [&](const Array& now, const Array& state) {
          const Array sum = matmul(now, w.kernel) + w.bias + matmul(state, w.recurrent_kernel);
          return is_relu ? relu(sum) : tanh(sum);
        });
      };
      expect_same(s, weights_of(s, 1, float64), float64, fused, plain);
    }
}

TEST(Recurrent, BitsOfARowDependOnNeitherThreadsNorTheOtherRows) {
  const Sizes s{33, 5, 9, 40};
  const Array x = draw(1, {s.batch, s.steps, s.features});
  const auto run = [&](const Array& in) {
    const auto objective = [&](const Array& given, const Array& recurrent) {
      RecurrentWeights w = weights_of(s, 4, float32);
      return sum(square(lstm(given, {w.kernel, recurrent, w.bias}).ys));
    };
    auto [value, grads] = value_and_grad(objective)(in, weights_of(s, 4, float32).recurrent_kernel);
    return std::vector<Array>{value.eval(), grads[0].eval(), grads[1].eval()};
  };
  const int before = threads();
  set_threads(1);
  const std::vector<Array> one = run(x);
  set_threads(3);
  const std::vector<Array> three = run(x);
  const Array alone = run(x[slice(4, 5)])[1];
  set_threads(before);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(array_equal(one[i], three[i])) << i;
  EXPECT_TRUE(array_equal(alone, one[1][slice(4, 5)]));
}

TEST(Recurrent, PaddingIsNotLookedAt) {
  const RecurrentWeights w = weights_of({2, 4, 3, 5}, 4, float64);
  const Array x = draw(7, {2, 4, 3}, float64), is_padding = reshape(array({0, 0, 1, 1, 0, 0, 0, 0}), {2, 4, 1}) == 1;
  const Array dirty = where(is_padding, std::nan(""), x), lengths = array({2, 4});
  for (const bool reverse : {false, true}) {
    const auto objective = [&](const Array& in, const Array& kernel, const Array& recurrent) {
      const auto [ys, state] = lstm(in, {kernel, recurrent, w.bias}, {}, {.lengths = lengths, .reverse = reverse});
      return sum(square(ys)) + sum(state.c);
    };
    const auto [value, grads] = value_and_grad(objective)(x, w.kernel, w.recurrent_kernel);
    const auto [of_dirty, dirty_grads] = value_and_grad(objective)(dirty, w.kernel, w.recurrent_kernel);
    EXPECT_EQ(value.item(), of_dirty.item());
    for (size_t i = 0; i < grads.size(); ++i) EXPECT_TRUE(array_equal(grads[i], dirty_grads[i])) << i;
    // The first sequence is the same as without its padding.
    const auto [ys, state] = lstm(x, w, {}, {.lengths = lengths, .reverse = reverse});
    const auto [cut, cut_state] = lstm(x[{slice(0, 1), slice(0, 2)}], w, {}, {.reverse = reverse});
    EXPECT_TRUE(array_equal(ys[{slice(0, 1), slice(0, 2)}], cut));
    EXPECT_TRUE(array_equal(state.c[slice(0, 1)], cut_state.c));
    EXPECT_EQ(max(abs(ys[{0, slice(2, 4)}])).item(), 0);
  }
}

TEST(Recurrent, SequencesWithoutStepsKeepTheirState) {
  const RecurrentWeights w = weights_of({2, 3, 3, 4}, 3, float64, true);
  const Array h = draw(8, {2, 4}, float64);
  EXPECT_TRUE(array_equal(gru(zeros({2, 0, 3}, float64), w, h).state, h));
  const auto [ys, state] = gru(ones({2, 3, 3}, float64), w, h, {.lengths = array({0, 3})});
  EXPECT_TRUE(array_equal(state[0], h[0]));
  EXPECT_FALSE(array_equal(state[1], h[1]));
  EXPECT_EQ(lstm(zeros({0, 3, 3}), weights_of({1, 1, 3, 4}, 4, float32)).ys.shape(), (Shape{0, 3, 4}));
}

TEST(Recurrent, LengthsOutOfRangeAreErrors) {
  nn::LSTM layer(4);
  const Array x = ones({2, 3, 2});
  layer(x);
  EXPECT_EQ(error_of([&] {
              layer(x, array({3, 4})).eval();
            }),
            "lstm: length is out of range: element 1 is 4; it must be at most 3\n  in: LSTM (2 -> 4)");
  EXPECT_EQ(error_of([&] {
              layer(x, array({-1, 3})).eval();
            }),
            "lstm: length is out of range: element 0 is -1; it must be at least 0 (of a mask -1: its padding must stand at the end)\n  in: LSTM (2 -> 4)");
  EXPECT_EQ(error_of([&] { layer(x, array({1.5, 2})); }), "lstm: lengths has dtype float32; it must be integers\n  in: LSTM (2 -> 4)");
  EXPECT_EQ(error_of([&] {
              layer(x, array({1, 2, 3}));
            }),
            "lstm: lengths is (3,); it must be (2,), one for each sequence\n  in: LSTM (2 -> 4)");
  // A mask that is no beginning of the sequence.
  EXPECT_NE(error_of([&] { layer(x, array({{1, 1, 0}, {0, 1, 1}}) == 1).eval(); }).find("element 1 is -1"), std::string::npos);
  EXPECT_TRUE(array_equal(layer(x, array({{1, 1, 0}, {1, 1, 1}}) == 1), layer(x, array({2, 3}))));
}

TEST(Recurrent, StateGoesOnWhereAPartHasEnded) {
  const Array x = draw(9, {3, 7, 2});
  nn::LSTM layer(5, {.layers = 2});
  const auto [whole, last] = layer.run(x);
  const auto [first, state] = layer.run(x[{slice(), slice(0, 4)}]);
  const auto [rest, end] = layer.run(x[{slice(), slice(4, 7)}], state);
  EXPECT_EQ(state.h.shape(), (Shape{2, 3, 5}));
  EXPECT_TRUE(array_equal(concatenate({first, rest}, 1), whole));
  EXPECT_TRUE(array_equal(end.h, last.h));
  EXPECT_TRUE(array_equal(end.c, last.c));
  nn::GRU gru(5);
  EXPECT_EQ(gru.run(x).state.shape(), (Shape{3, 5}));
  EXPECT_EQ(error_of([&] { gru.run(x, zeros({3, 4})); }), "gru: the state's h is (3, 4); it must be (3, 5), (batch, units)");
  // Truncated back-propagation: no slope goes into the part before.
  const auto objective = [&](const Array& h) { return sum(gru.run(x, stop_gradient(h)).state); };
  EXPECT_EQ(max(abs(grad(objective)(ones({3, 5})))).item(), 0);
}

TEST(Recurrent, DirectionsAndStacksAreLayersByHand) {
  const Array x = draw(10, {3, 6, 2}), lengths = array({6, 2, 4});
  nn::GRU both(4, {.return_sequences = true, .layers = 2, .bidirectional = true});
  const Array got = both(x, lengths);
  ASSERT_EQ(both.cells.size(), 4u);
  Array input = x, last;
  for (size_t layer = 0; layer < 2; ++layer) {
    std::vector<Array> ys, ends;
    for (size_t direction = 0; direction < 2; ++direction) {
      const nn::RecurrentCell& cell = both.cells[2 * layer + direction];
      const auto [y, end] =
          gru(input, {cell.kernel, cell.recurrent_kernel, cell.bias}, {}, {.lengths = lengths, .reverse = direction == 1});
      ys.push_back(y);
      ends.push_back(end);
    }
    input = concatenate(ys, -1);
    last = concatenate(ends, -1);
  }
  EXPECT_TRUE(array_equal(got, input));
  both.return_sequences = false;
  EXPECT_TRUE(array_equal(both(x, lengths), last));
  for (const nn::Merge merge : {nn::Merge::sum, nn::Merge::multiply, nn::Merge::average}) {
    nn::SimpleRNN rnn = nn::Bidirectional(nn::SimpleRNN(4), merge);
    const auto half = [&](size_t cell, bool reverse) {
      const nn::RecurrentCell& w = rnn.cells[cell];
      return simple_rnn(x, {w.kernel, w.recurrent_kernel, w.bias}, {}, {.reverse = reverse}).state;
    };
    const Array y = rnn(x), a = half(0, false), b = half(1, true);
    expect_near(y, merge == nn::Merge::sum ? a + b : merge == nn::Merge::multiply ? a * b : (a + b) / 2, 1e-6);
  }
  nn::LSTM backwards(3, {.return_sequences = true, .go_backwards = true}), forwards(3, {.return_sequences = true});
  backwards(x);
  forwards(x);
  forwards.cells = backwards.cells;
  EXPECT_TRUE(array_equal(flip(backwards(x), 1), forwards(flip(x, 1))));
}

TEST(Recurrent, OtherFunctionsGoStepByStepToTheSameNumbers) {
  const Array x = draw(11, {3, 5, 2}), lengths = array({5, 0, 3});
  const auto custom = [](const Array& in) { return tanh(in); };
  const auto check = [&](auto fused, auto steps) {
    fused(x);
    steps(x);
    steps.cells = fused.cells;
    for (const bool sequences : {false, true}) {
      fused.return_sequences = steps.return_sequences = sequences;
      expect_near(steps(x, lengths), fused(x, lengths), 1e-6);
    }
  };
  check(nn::LSTM(4), nn::LSTM(4, custom));
  check(nn::GRU(4), nn::GRU(4, custom));
  check(nn::GRU(4, {.reset_after = false}), nn::GRU(4, custom, {.reset_after = false}));
  check(nn::SimpleRNN(4, {.go_backwards = true}), nn::SimpleRNN(4, custom, {.go_backwards = true}));
  check(nn::LSTM(4, relu), nn::LSTM(4, [](const Array& in) { return relu(in); }));
  check(nn::LSTM(4), nn::LSTM(4, {.recurrent_activation = [](const Array& in) { return sigmoid(in); }}));
}

TEST(Recurrent, WeightsBeginAsInKeras) {
  nn::LSTM layer(3);
  layer(ones({1, 2, 5}));
  EXPECT_EQ(layer.cells[0].kernel.shape(), (Shape{5, 12}));
  EXPECT_EQ(doubles(layer.cells[0].bias), (std::vector<double>{0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0}));
  const Array u = layer.cells[0].recurrent_kernel;
  expect_near(matmul(u, transpose(u)), eye(3), 1e-5);
  nn::GRU gru(3);
  gru(ones({1, 2, 5}));
  EXPECT_EQ(gru.cells[0].bias.shape(), (Shape{2, 9}));
  EXPECT_EQ(nn::count_parameters(gru), 5 * 9 + 3 * 9 + 18);
  nn::LSTM without(3, {.use_bias = false, .unit_forget_bias = false});
  without(ones({1, 2, 5}));
  EXPECT_EQ(nn::count_parameters(without), 5 * 12 + 3 * 12);
}

TEST(Recurrent, DropoutDropsTheSameFeaturesInAllSteps) {
  nn::SimpleRNN layer(2, [](const Array& x) { return x; }, {.return_sequences = true, .dropout = 0.5, .use_bias = false});
  layer(ones({1, 1, 8}));
  layer.cells[0].recurrent_kernel.set(zeros({2, 2}));
  const Array x = ones({40, 3, 8}), inference = layer(x);
  const nn::TrainingMode training;
  const Array y = layer(x);
  EXPECT_TRUE(array_equal(y[{slice(), 0}], y[{slice(), 2}]));
  EXPECT_FALSE(array_equal(y, inference));
  EXPECT_FALSE(array_equal(layer(x), y));
  nn::LSTM state(4, {.recurrent_dropout = 0.5});
  const Array in = draw(12, {3, 4, 2});
  EXPECT_FALSE(array_equal(state(in), state(in)));
  const nn::TrainingMode off(false);
  EXPECT_TRUE(array_equal(state(in), state(in)));
}

TEST(Recurrent, ACellOfOnesOwnRunsOverSequences) {
  const Array x = draw(13, {3, 5, 2});
  nn::RNN rnn(nn::LSTMCell(4), {.return_sequences = true});
  const Array ys = rnn(x);
  nn::LSTM layer(4, {.return_sequences = true});
  layer(x);
  layer.cells = rnn.cell.layer.cells;
  expect_near(ys, layer(x), 1e-6);
  expect_near(nn::RNN(rnn.cell)(x), ys[{slice(), -1}], 1e-6);
  nn::RNN backwards(nn::GRUCell(4), {.go_backwards = true});
  const auto [outputs, state] = backwards.run(x);
  expect_near(outputs[{slice(), 0}], state, 1e-6);
  EXPECT_EQ(error_of([&] { rnn(ones({3, 2})); }).substr(0, 60), "rnn: x is (3, 2); it must be (batch, steps, features)\n  in: ");
  EXPECT_NE(error_of([&] { nn::RNN(nn::GRUCell(4))(ones({3, 0, 2})); }).find("without a step"), std::string::npos);
  auto [value, grads] = value_and_grad([&](const auto& m) { return sum(square(m(x))); })(rnn);
  EXPECT_EQ(grads.size(), 3u);
}

TEST(Recurrent, SavedAndLoadedTheyGiveTheSame) {
  const testing::TemporaryFolder folder;
  const nn::Sequential model{nn::Embedding(11, 4),
                             nn::LSTM(5, {.return_sequences = true, .layers = 2, .bidirectional = true, .merge = nn::Merge::sum}),
                             nn::GRU(3, relu, {.go_backwards = true, .reset_after = false})};
  const Array ids = array({{1, 2, 3}, {10, 0, 4}}), want = model(ids).eval();
  io::save(model, folder / "model.gradus");
  EXPECT_TRUE(array_equal(io::load(folder / "model.gradus")(ids), want));
}

TEST(Recurrent, TrainingLowersTheLoss) {
  const Array x = draw(14, {32, 6, 2}), y = (sum(x, {1, 2}) > 0).astype(int64).eval();
  nn::Sequential model{nn::GRU(8), nn::Dense(2)};
  optim::Adam optimizer(0.02);
  const auto objective = [](const auto& m, const Array& in, const Array& target) {
    return loss::sparse_categorical_crossentropy(m(in), target);
  };
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    auto [value, grads] = value_and_grad<0>(objective)(model, x, y);
    optimizer.step(model, grads);
    last = value.item();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, 0.4 * first);
}

TEST(Recurrent, MistakesAreNamed) {
  EXPECT_EQ(error_of([] { nn::LSTM(0); }), "LSTM: units is 0; it must be at least 1");
  EXPECT_EQ(error_of([] { nn::GRU(4, {.layers = 0}); }), "GRU: layers is 0; it must be at least 1");
  EXPECT_EQ(error_of([] { nn::SimpleRNN(4, {.dropout = 1}); }), "SimpleRNN: dropout is 1; it must be at least 0 and below 1");
  EXPECT_EQ(error_of([] { nn::LSTM(4)(ones({3, 2})); }), "lstm: x is (3, 2); it must be (batch, steps, features)\n  in: LSTM (? -> 4)");
  nn::LSTM layer(4);
  layer(ones({1, 2, 3}));
  EXPECT_EQ(error_of([&] {
              layer(ones({1, 2, 5}));
            }),
            "lstm: kernel is (3, 16); it must be (5, 16), (features of x, columns of recurrent_kernel)\n  in: LSTM (3 -> 4)");
  EXPECT_EQ(error_of([] {
              gru(ones({1, 2, 3}), {.kernel = ones({3, 6}), .recurrent_kernel = ones({2, 6}), .bias = ones(6)});
            }),
            "gru: bias is (6,); it must be (2, 3 units), one for x and one for the state (without reset_after (3 units))");
  EXPECT_EQ(error_of([] { lstm(ones({1, 2, 3}), {.kernel = ones({3, 8})}); }), "lstm: recurrent_kernel is empty; it must be given");
}

}  // namespace
}  // namespace gradus
