// README.md: the convolutional network. As it stands it is compiled; on a few made images it runs.
#include <cmath>

#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

[[maybe_unused]] static void as_it_stands() {
  nn::Sequential model{nn::Conv2D(32, 3, relu), nn::MaxPooling2D(2), nn::Conv2D(64, 3, relu), nn::MaxPooling2D(2),
                       nn::Flatten(), nn::Dense(128, relu), nn::Dense(10)};
  auto [train_set, test_set] = data::fashion_mnist();
  train::fit(model, train_set, {.loss = loss::sparse_categorical_crossentropy, .optimizer = optim::Adam(1e-3),
                                .metrics = {metrics::accuracy}, .epochs = 10, .batch_size = 128, .validation = test_set});
  train::evaluate(model, test_set);
  io::save(model, "fashion.gradus", train_set);
}

int main() {
  // Class k is bright in column k.
  const Array labels = arange(80) - 4 * floor_divide(arange(80), 4);
  const Array images = 0.1 * random::uniform({80, 12, 12, 1}) + reshape(one_hot(labels, 12), {80, 1, 12, 1});
  const auto [train_set, test_set] = data::split(data::Dataset(images.astype(float32), labels), 0.8);
  nn::Sequential model{nn::Conv2D(8, 3, relu), nn::MaxPooling2D(2), nn::Conv2D(8, 3, relu), nn::MaxPooling2D(2),
                       nn::Flatten(), nn::Dense(16, relu), nn::Dense(4)};
  const train::History history = train::fit(model, train_set,
                                            {.loss = loss::sparse_categorical_crossentropy,
                                             .optimizer = optim::Adam(1e-2),
                                             .metrics = {metrics::accuracy},
                                             .epochs = 8,
                                             .batch_size = 16,
                                             .validation = test_set,
                                             .verbose = false});
  CHECK(history.epochs.size() == 8 && history.last("loss") < history.epochs[0].logs["loss"] && history.last("accuracy") > 0.9);
  const train::Logs logs = train::evaluate(model, test_set, {.verbose = false});
  CHECK(std::abs(logs["accuracy"] - history.last("val_accuracy")) < 1e-6);
  io::save(model, "convolutional_network.gradus");
  CHECK(array_equal(io::load("convolutional_network.gradus")(test_set.x), model(test_set.x)));
}
