// What is paid beside the kernels: recording, planning, the first step, and reading the loss.
#include "bench/bench.hpp"
#include "bench/models.hpp"

namespace bench {

using namespace gradus;

namespace {

// One training step of a new model, from its first call on: parameters made, planned, primitives created, run.
Runner::Step first_step(nn::Sequential (*make)(), const Shape& shape, int64_t classes) {
  return [=, x = random::uniform(shape).eval(), y = labels(shape[0], classes)] {
    const nn::TrainingMode training;
    nn::Sequential model = make();
    optim::Adam optimizer(1e-3);
    auto objective = [&](const nn::Sequential& m) { return loss::sparse_categorical_crossentropy(m(x), y); };
    auto [value, grads] = value_and_grad(objective)(model);
    optimizer.step(model, grads);
    value.item();
  };
}

// mlp_step_b128 without a look at the loss: what reading it every step costs.
Runner::Step silent_step() {
  return [model = std::make_shared<nn::Sequential>(multilayer_perceptron()), optimizer = std::make_shared<optim::Adam>(1e-3),
          x = random::uniform({128, 784}).eval(), y = labels(128, 10)] {
    const nn::TrainingMode training;
    auto grads = grad<0>([](const nn::Sequential& m, const Array& in, const Array& target) {
      return loss::sparse_categorical_crossentropy(m(in), target);
    })(*model, x, y);
    optimizer->step(*model, grads);
  };
}

}  // namespace

void planning(Runner& run) {
  run("mlp_step_b128_silent", silent_step);
  run.first("first_step_cnn_b128", [] { return first_step(tutorial_cnn, {128, 28, 28, 1}, 10); });
  run.first("first_step_resnet18_b8", [] { return first_step(resnet18, {8, 224, 224, 3}, 1000); });
  // A chain of 1,000 different ops: recording alone, then recording, finding the plan and running it.
  const auto chain = [](Array x) {
    for (int i = 0; i < 500; ++i) x = tanh(x) + 0.5;
    return x;
  };
  run("record_1000_nodes", [&] { return [=, x = zeros(1).eval()] { chain(x); }; });
  run("find_plan_1000_nodes", [&] { return [=, x = zeros(1).eval()] { chain(x).eval(); }; });
  run("plan_30000_nodes", [] {
    return [x = zeros(1).eval()] {
      clear_plans();
      Array y = x;
      for (int i = 0; i < 15000; ++i) y = tanh(y) + 0.5;
      y.eval();
    };
  });
}

}  // namespace bench
