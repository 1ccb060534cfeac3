// The warning for a training loop that forgot TrainingMode. It comes once a process: each test looks at a process of its own.
#include <gtest/gtest.h>

#include <cstdlib>

#include "gradus/gradus.hpp"

namespace gradus {

namespace {

struct Net {
  nn::Dense first{4};
  nn::BatchNorm norm{};
  nn::Dense last{1};
  Array forward(const Array& x) const { return last(norm(first(x))); }
  GRADUS_PARTS(first, norm, last)
};
struct Dropped {
  nn::Dense first{4};
  nn::Dropout dropout{0.5};
  Array forward(const Array& x) const { return dropout(first(x)); }
  GRADUS_PARTS(first, dropout)
};
const auto objective = [](const auto& model, const Array& x) { return mean(square(model(x))); };
const Array& input() {
  static const Array* x = new Array(random::normal(random::key(1), {8, 3}));
  return *x;
}
template <class M>
void step(const M& model, optim::SGD& optimizer) {
  optimizer.step(model, value_and_grad<0>(objective)(model, input()).second);
}

void train_batch_norm() {
  const Net net;
  optim::SGD optimizer(0.1);
  for (int i = 0; i < 3; ++i) step(net, optimizer);
}
void train_dropout() {
  const Dropped net;
  optim::SGD optimizer(0.1);
  step(net, optimizer);
}
void train_compiled() {
  Net net;
  optim::SGD optimizer(0.1);
  const auto run = compile(
      [&](const Array& x) {
        auto [value, grads] = value_and_grad<0>(objective)(net, x);
        optimizer.step(net, grads);
        return value;
      },
      net, optimizer);
  run(input());
}
void train_in_training_mode() {
  const Net net;
  nn::build(net, {1, 3});
  optim::SGD optimizer(0.1);
  // A slope by the input, and gradients that move nothing.
  grad([&](const Array& x) { return sum(net(x)); })(input());
  value_and_grad<0>(objective)(net, input());
  const nn::TrainingMode training;
  step(net, optimizer);
}
void train_in_inference_mode() {
  const Net net;
  optim::SGD optimizer(0.1);
  const nn::TrainingMode inference(false);
  step(net, optimizer);
}
void fit_it() {
  Net net;
  train::fit(net, data::Dataset(input(), zeros({8, 1})), {.loss = loss::mean_squared_error, .verbose = false});
}
// A network that only looks at what the trained one makes.
void train_another() {
  const Net net;
  const nn::Dense maker(3);
  optim::SGD optimizer(0.1);
  auto [value, grads] = value_and_grad<0>([&](const auto& m, const Array& x) { return mean(square(net(m(x)))); })(maker, input());
  optimizer.step(maker, grads);
}
void train_a_head_of_a_frozen_model() {
  struct Model {
    Net body{};
    nn::Dense head{2};
  } model;
  model.body(input());
  nn::freeze(model.body);
  optim::SGD optimizer(0.1);
  auto [value, grads] =
      value_and_grad<0>([&](const nn::Dense& head, const Array& x) { return mean(square(head(model.body(x)))); })(model.head, input());
  optimizer.step(model.head, grads);
}

class ForgottenTrainingMode : public testing::Test {
 protected:
  void SetUp() override { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// What a function prints on standard error, in a new process.
void expect_says(void (*run)(), const std::string& pattern) {
  EXPECT_EXIT((run(), std::exit(0)), testing::ExitedWithCode(0), pattern);
}

TEST_F(ForgottenTrainingMode, batch_norm_is_warned_of_once) {
  expect_says(
      train_batch_norm,
      "^gradus: warning: BatchNorm was called outside of nn::TrainingMode in a model that is being trained: it did what it does in "
      "inference\n"
      "  in: Net > norm .BatchNorm, 4.\n"
      "  hint: nn::TrainingMode training; before the gradients are taken, or nn::TrainingMode inference.false.; if that is meant\n$");
}
TEST_F(ForgottenTrainingMode, dropout_is_warned_of) { expect_says(train_dropout, "warning: Dropout was called"); }
TEST_F(ForgottenTrainingMode, a_compiled_step_is_warned_of) { expect_says(train_compiled, "warning: BatchNorm was called"); }
TEST_F(ForgottenTrainingMode, training_in_training_mode_is_not) { expect_says(train_in_training_mode, "^$"); }
TEST_F(ForgottenTrainingMode, inference_mode_says_that_it_is_meant) { expect_says(train_in_inference_mode, "^$"); }
TEST_F(ForgottenTrainingMode, fit_is_not_warned_of) { expect_says(fit_it, "^$"); }
TEST_F(ForgottenTrainingMode, a_network_that_is_not_trained_is_not) { expect_says(train_another, "^$"); }
TEST_F(ForgottenTrainingMode, a_frozen_one_is_not) { expect_says(train_a_head_of_a_frozen_model, "^$"); }

}  // namespace

}  // namespace gradus
