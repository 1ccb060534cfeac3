// Training steps and inference of the networks that ../shared/peers/README.md defines. The steps are written as users write them: plain
// define-by-run, parameters updated and the loss read.
#include <thread>

#include "bench/bench.hpp"
#include "bench/models.hpp"

namespace bench {

using namespace gradus;

namespace {

// A training step on one batch; `precision` is bfloat16 for mixed precision.
template <class Model, class Optimizer>
Runner::Step trainer(std::shared_ptr<Model> model, std::shared_ptr<Optimizer> optimizer, const Array& x, const Array& y,
                     DType precision = float32) {
  return [=] {
    const nn::TrainingMode training;
    const nn::MixedPrecision mixed(precision);
    const auto objective = [](const auto& m, const Array& in, const Array& target) {
      return loss::sparse_categorical_crossentropy(m(in), target);
    };
    auto [value, grads] = value_and_grad<0>(objective)(*model, x, y);
    optimizer->step(*model, grads);
    value.item();
  };
}

std::string suffix(DType precision) { return precision == bfloat16 ? "_bf16" : ""; }

Runner::Step inference(nn::Sequential built, Shape shape) {
  auto model = std::make_shared<const nn::Sequential>(std::move(built));
  return [model, x = random::uniform(shape).eval()] { (*model)(x).eval(); };
}

struct Line {
  Array w = (0.1 * random::normal({13, 1})).eval(), b = zeros(1).eval();
  GRADUS_PARTS(w, b)
};

void linear_regression(Runner& run) {
  const Array x = random::uniform({100, 13}).eval(), y = random::uniform({100, 1}).eval();
  const auto objective = [](const Line& line, const Array& in, const Array& target) {
    return loss::mean_squared_error(matmul(in, line.w) + line.b, target);
  };
  run("linear_regression_step", [&] {
    return [=, line = std::make_shared<Line>(), optimizer = std::make_shared<optim::SGD>(0.01)] {
      auto [value, grads] = value_and_grad<0>(objective)(*line, x, y);
      optimizer->step(*line, grads);
      value.item();
    };
  });
  run("linear_regression_step_compiled", [&] {
    auto line = std::make_shared<Line>();
    auto optimizer = std::make_shared<optim::SGD>(0.01);
    auto step = compile(
        [=](const Array& in, const Array& target) {
          auto [value, grads] = value_and_grad<0>(objective)(*line, in, target);
          optimizer->step(*line, grads);
          return value;
        },
        *line, *optimizer);
    return [=, step = std::make_shared<decltype(step)>(std::move(step))] { (*step)(x, y).item(); };
  });
}

// 800 predictions of the tutorial's network, one image each, asked for by so many threads of the program at once.
void serving(Runner& run) {
  for (const int callers : {1, 8}) {
    run("serve_800_callers_" + std::to_string(callers), [=] {
      auto model = std::make_shared<const nn::Sequential>(tutorial_cnn());
      const Array x = random::uniform({1, 28, 28, 1}).eval();
      (*model)(x).eval();
      return [=] {
        std::vector<std::thread> threads;
        for (int i = 0; i < callers; ++i) {
          threads.emplace_back([=] {
            for (int k = 0; k < 800 / callers; ++k) (*model)(x).eval();
          });
        }
        for (std::thread& thread : threads) thread.join();
      };
    });
  }
}

void variational_autoencoder(Runner& run) {
  run("vae_step_b128", [] {
    return
        [model = std::make_shared<Autoencoder>(), optimizer = std::make_shared<optim::Adam>(1e-3), x = random::uniform({128, 784}).eval()] {
          auto [value, grads] = value_and_grad<0>([](const Autoencoder& m, const Array& in) { return m.objective(in); })(*model, x);
          optimizer->step(*model, grads);
          value.item();
        };
  });
}

// Recurrent networks over (32, steps, features), last output, dense 10.
void recurrent(Runner& run) {
  const auto steps = [](nn::Layer layer, const Shape& shape) {
    return [=] {
      return trainer(std::make_shared<nn::Sequential>(layer, nn::Dense(10)), std::make_shared<optim::Adam>(1e-3),
                     random::normal(shape).eval(), labels(shape[0], 10));
    };
  };
  const auto add = [&](const char* name, nn::Layer layer, const Shape& shape) { run(name, steps(std::move(layer), shape)); };
  add("lstm32_t10_step_b32", nn::LSTM(32), {32, 10, 1});
  add("lstm256_t64_step_b32", nn::LSTM(256), {32, 64, 64});
  add("gru256_t64_step_b32", nn::GRU(256), {32, 64, 64});
  run.first("lstm256_first_step", steps(nn::LSTM(256), {32, 64, 64}));
}

void adversarial(Runner& run) {
  run("gan_step_b128", [] {
    auto generator = std::make_shared<nn::Sequential>(nn::Dense(256, relu), nn::Dense(784, tanh));
    auto critic = std::make_shared<nn::Sequential>(nn::Dense(256, [](const Array& x) { return leaky_relu(x, 0.2); }), nn::Dense(1));
    auto generator_optimizer = std::make_shared<optim::Adam>(2e-4), critic_optimizer = std::make_shared<optim::Adam>(2e-4);
    return [=, x = random::uniform({128, 784}).eval(), one = ones({128, 1}).eval(), zero = zeros({128, 1}).eval()] {
      const Array noise = random::normal({128, 64}).eval(), fake = (*generator)(noise).eval();
      auto [critic_value, critic_grads] = value_and_grad([&](const nn::Sequential& d) {
        return loss::binary_crossentropy(d(x), one) + loss::binary_crossentropy(d(fake), zero);
      })(*critic);
      critic_optimizer->step(*critic, critic_grads);
      auto [value, grads] =
          value_and_grad([&](const nn::Sequential& g) { return loss::binary_crossentropy((*critic)(g(noise)), one); })(*generator);
      generator_optimizer->step(*generator, grads);
      critic_value.item();
      value.item();
    };
  });
}

}  // namespace

void networks(Runner& run) {
  linear_regression(run);
  const auto mlp = [&](int64_t batch, DType precision) {
    run("mlp_step_b" + std::to_string(batch) + suffix(precision), [=] {
      return trainer(std::make_shared<nn::Sequential>(multilayer_perceptron()), std::make_shared<optim::Adam>(1e-3),
                     random::uniform({batch, 784}).eval(), labels(batch, 10), precision);
    });
  };
  for (const int64_t batch : {32, 128, 512}) mlp(batch, float32);
  mlp(512, bfloat16);
  const auto cnn = [&](int64_t batch, DType precision) {
    run("cnn_step_b" + std::to_string(batch) + suffix(precision), [=] {
      return trainer(std::make_shared<nn::Sequential>(tutorial_cnn()), std::make_shared<optim::Adam>(1e-3),
                     random::uniform({batch, 28, 28, 1}).eval(), labels(batch, 10), precision);
    }, 2);
  };
  for (const int64_t batch : {32, 128}) cnn(batch, float32);
  cnn(128, bfloat16);
  for (const DType precision : {float32, bfloat16}) {
    run("dense_blocks_step" + suffix(precision), [=] {
      return trainer(std::make_shared<nn::Sequential>(dense_blocks()), std::make_shared<optim::Adam>(1e-3),
                     random::normal({2048, 384}).eval(), labels(2048, 65), precision);
    }, 4);
  }
  for (const int64_t batch : {1, 128}) {
    run("cnn_infer_b" + std::to_string(batch), [=] { return inference(tutorial_cnn(), {batch, 28, 28, 1}); });
  }
  for (const DType precision : {float32, bfloat16}) {
    run("resnet18_step_b8" + suffix(precision), [=] {
      return trainer(std::make_shared<nn::Sequential>(resnet18()), std::make_shared<optim::SGD>(0.01, optim::SGDOptions{.momentum = 0.9}),
                     random::uniform({8, 224, 224, 3}).eval(), labels(8, 1000), precision);
    }, 4);
  }
  run("resnet18_infer_b1", [] { return inference(resnet18(), {1, 224, 224, 3}); }, 3);
  serving(run);
  recurrent(run);
  variational_autoencoder(run);
  adversarial(run);
}

}  // namespace bench
