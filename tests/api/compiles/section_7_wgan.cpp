// The style in one program, a WGAN with gradient penalty, on a few random images.
#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

int main() {
  const data::Dataset train_set(random::uniform({192, 784}));

  nn::Sequential generator{nn::Dense(128, relu), nn::Dense(784, sigmoid)}, critic{nn::Dense(128, relu), nn::Dense(1)};
  optim::Adam generator_optimizer(1e-4, {.beta_1 = 0.0, .beta_2 = 0.9}), critic_optimizer(1e-4, {.beta_1 = 0.0, .beta_2 = 0.9});
  for (const auto& batch : data::batches(train_set, {.batch_size = 64})) {
    Array real = batch.x, fake = stop_gradient(generator(random::normal({64, 100})));
    auto critic_objective = [&](const auto& d) {
      Array t = random::uniform({64, 1}), mixed = t * real + (1 - t) * fake;
      Array slope = grad([&](const Array& x) { return sum(d(x)); })(mixed);
      return mean(d(fake)) - mean(d(real)) + 10 * mean(square(linalg::norm(slope, -1) - 1));
    };
    auto [critic_value, critic_grads] = value_and_grad(critic_objective)(critic);
    critic_optimizer.step(critic, critic_grads);
    auto [value, grads] = value_and_grad([&](const auto& g) { return -mean(critic(g(random::normal({64, 100})))); })(generator);
    generator_optimizer.step(generator, grads);
    CHECK(critic_grads.size() == 4 && grads.size() == 4);
    CHECK(all(isfinite(critic_value)).item<bool>() && all(isfinite(value)).item<bool>());
  }
  CHECK(critic_optimizer.steps() == 3 && generator_optimizer.steps() == 3);
  CHECK(generator(random::normal({2, 100})).shape() == Shape({2, 784}));
}
