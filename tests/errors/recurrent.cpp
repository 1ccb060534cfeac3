// Wrong calls of recurrent ops and layers.
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

namespace {
// Of 3 features and 2 units.
RecurrentWeights weights(int64_t gates) { return {zeros({3, gates * 2}), zeros({2, gates * 2}), {}}; }
}  // namespace

Provocations recurrent_provocations() {
  return {
    PROVOKE(lstm(zeros({4, 3}), weights(4))), PROVOKE(lstm({}, weights(4))), PROVOKE(lstm(zeros({4, 5, 3}, int64), weights(4))),
        PROVOKE(lstm(zeros({4, 5, 6}), weights(4))), PROVOKE(lstm(zeros({4, 5, 3}), weights(3))),
        PROVOKE(lstm(zeros({4, 5, 3}), {.kernel = zeros({3, 8})})),
        PROVOKE(lstm(zeros({4, 5, 3}), {.kernel = zeros({3, 8}), .recurrent_kernel = zeros({2, 8}), .bias = zeros(4)})),
        PROVOKE(lstm(zeros({4, 5, 3}), weights(4), {.h = zeros({5, 2})})),
        PROVOKE(lstm(zeros({4, 5, 3}), weights(4), {.c = zeros({4, 3})})),
        PROVOKE(lstm(zeros({4, 5, 3}), weights(4), {}, {.lengths = zeros({4})})),
        PROVOKE(lstm(zeros({4, 5, 3}), weights(4), {}, {.lengths = array({1, 2})})),
        PROVOKE(lstm(zeros({4, 5, 3}), weights(4), {}, {.lengths = array({1, 2, 6, 7})}).ys.eval()),
        PROVOKE(gru(zeros({4, 5, 3}), weights(3), {}, {.lengths = array({1, -2, 3, 4})}).ys.eval()),
        PROVOKE(gru(zeros({4, 5, 3}), {.kernel = zeros({3, 6}), .recurrent_kernel = zeros({2, 6}), .bias = zeros(6)})),
        PROVOKE(simple_rnn(zeros({4, 5, 3}), weights(4))), PROVOKE(nn::LSTM(0)), PROVOKE(nn::LSTM(4, {.layers = 0})),
        PROVOKE(nn::LSTM(4, {.layers = 1000000})), PROVOKE(nn::GRU(4, {.dropout = 1})),
        PROVOKE(nn::SimpleRNN(4, {.recurrent_dropout = -0.1})), PROVOKE(nn::LSTM(4)(zeros({2, 3}))),
        PROVOKE(const nn::LSTM layer(4); layer(zeros({2, 5, 3})); layer(zeros({2, 5, 7}))), PROVOKE(nn::LSTM(4)(zeros({2, 5, 3}, float64))),
        PROVOKE(nn::GRU(4)(zeros({2, 5, 3}), zeros({2, 4}, bool_))), PROVOKE(nn::GRU(4).run(zeros({2, 5, 3}), zeros({2, 5}))),
        PROVOKE(nn::LSTM(4, {.bidirectional = true}).run(zeros({2, 5, 3}), {.h = zeros({2, 4})})),
        PROVOKE(nn::RNN(nn::GRUCell(4))(zeros({2, 3}))), PROVOKE(nn::RNN(nn::GRUCell(4))(zeros({2, 0, 3}))),
        PROVOKE(nn::LSTMCell(4)(zeros({2, 5, 3}), std::pair{zeros({2, 4}), zeros({2, 4})})),
  };
}

}  // namespace errors
