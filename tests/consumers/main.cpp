// What another project's first program may be: it trains, saves and loads.
#include <cstdio>
#include <gradus/gradus.hpp>

int main() {
  using namespace gradus;
  nn::Sequential model{nn::Dense(8, relu), nn::Dense(3)};
  const data::Dataset set = data::make_blobs(60, {.classes = 3});
  const train::History history =
      train::fit(model, set, {.loss = loss::sparse_categorical_crossentropy, .optimizer = optim::Adam(0.01), .epochs = 2, .verbose = false});
  io::save(model, "consumer.gradus");
  const Array y = io::load("consumer.gradus")(zeros({1, 2}));
  std::printf("%zu epochs, output of %lld numbers\n", history.epochs.size(), static_cast<long long>(y.size()));
  return y.size() == 3 ? 0 : 1;
}
