// Options and defaults, activations, losses, schedules.
#include <cmath>

#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

static void options_are_aggregates() {  // 3.1, 3.2
  const optim::Adam plain, fast(1e-2), tuned(1e-3, {.beta_1 = 0.0, .beta_2 = 0.9});
  CHECK(plain.learning_rate() == 1e-3 && fast.learning_rate() == 1e-2 && tuned.name() == "adam");
  const nn::Conv2D strided(32, 3, relu, {.strides = 2, .padding = same}), oblong(8, {3, 5}, {.padding = {1, 2}}),
      sized(8, 3, {.padding = 1});
  const nn::Dense without_bias(10, {.use_bias = false}), hidden(128, relu), both(4, tanh, {.use_bias = false});
  const Array images = zeros({2, 8, 8, 1}), rows = zeros({2, 3});
  CHECK(strided(images).shape() == Shape({2, 4, 4, 32}) && oblong(images).shape() == Shape({2, 8, 8, 8}) &&
        sized(images).shape() == Shape({2, 8, 8, 8}));
  CHECK(without_bias(rows).shape() == Shape({2, 10}) && hidden(rows).shape() == Shape({2, 128}) && both(rows).shape() == Shape({2, 4}));
  const train::FitOptions fit{.loss = loss::mean_squared_error, .optimizer = optim::SGD(0.1), .metrics = {metrics::accuracy}, .epochs = 2,
                              .batch_size = 8, .validation = {}};
  CHECK(fit.epochs == 2 && fit.batch_size == 8 && fit.metrics.size() == 1 && fit.loss.name() == "mean_squared_error");
}

static void activations() {  // 3.3
  const nn::Dense layer(64, tanh);
  const nn::Activation last(softmax);
  const nn::Conv2D leaky(32, 3, [](const Array& x) { return leaky_relu(x, 0.2); });
  CHECK(layer.activation.name() == "tanh" && last.name() == "softmax" && leaky.activation.name() == "custom");
  CHECK(nn::Dense(1).activation.is_linear());
  nn::Sequential model{nn::Dense(3), nn::Activation(softmax)};
  CHECK(allclose(sum(model(ones({2, 4})), -1), ones({2})));
  // Known functions are saved by name; a lambda cannot be, and the message says so.
  nn::Sequential own{nn::Dense(3, [](const Array& x) { return leaky_relu(x, 0.2); })};
  own(ones({1, 2}));
  bool is_refused = false;
  try {
    io::save(own, "section_3_own.gradus");
  } catch (const Error& error) {
    is_refused = true;
  }
  CHECK(is_refused);
}

static void losses() {  // 3.4
  const Array output = array({{2.0, 0.0}, {0.0, 1.0}}), labels = array({0, 1});
  const loss::Loss known = loss::sparse_categorical_crossentropy;
  const loss::Loss smoothed = [](const Array& out, const Array& y) {
    return loss::sparse_categorical_crossentropy(out, y, {.label_smoothing = 0.1});
  };
  CHECK(known.name() == "sparse_categorical_crossentropy" && known(output, labels).item() < smoothed(output, labels).item());
  CHECK(metrics::accuracy(output, labels).item() == 1);
  const std::vector<metrics::Metric> list = {metrics::accuracy, {"bias", [](const Array& o, const Array& y) { return mean(o - y); }}};
  CHECK(list[1].name() == "bias");
}

static void schedules() {  // 3.5
  const optim::Adam falling(optim::cosine(1e-3, {.steps = 5000, .warmup = 200})),
      own([](int64_t step) { return 0.1 / (1.0 + static_cast<double>(step)); });
  CHECK(falling.learning_rate() == 1e-3 / 200 && own.learning_rate() == 0.1);
  const optim::Schedule rate = 0.5;
  CHECK(rate(7) == 0.5);
}

int main() {
  options_are_aggregates();
  activations();
  losses();
  schedules();
}
