// The law of checkpoint: peak memory falls, masks are the same, gradients are equal to the bit.
#include <gtest/gtest.h>

#include "gradus/array/buffer.hpp"
#include "gradus/gradus.hpp"
#include "gradus/plan/settings.hpp"

namespace {

using namespace gradus;

constexpr int64_t kRows = 1 << 14, kWidth = 16, kLayers = 24;
constexpr int64_t kActivation = kRows * kWidth * 4;

// Layers with dropout, in blocks of four, whose insides are kept or computed again.
Array network(const Array& x, const Array& w, bool is_saving) {
  Array y = x;
  for (int64_t first = 0; first < kLayers; first += 4) {
    const auto block = [&](const Array& in) {
      Array out = in;
      for (int64_t layer = first; layer < first + 4; ++layer) out = tanh(dropout(matmul(out, w), 0.2, random::key(layer)));
      return out;
    };
    y = is_saving ? checkpoint(block)(y) : block(y);
  }
  return y;
}

struct Measured {
  std::vector<float> value, gradient;
  int64_t peak;  // above what was there before
};
Measured measure(bool is_saving) {
  const Array x = random::normal(random::key(1), {kRows, kWidth}).eval(),
              w = (random::normal(random::key(2), {kWidth, kWidth}) * 0.3).eval();
  clear_memory_cache();
  reset_peak_memory();
  const int64_t before = memory_use().live;
  const auto loss = [&](const Array& in) { return mean(square(network(in, w, is_saving))); };
  auto [value, gradient] = value_and_grad(loss)(x);
  evaluate({value, gradient});
  const int64_t peak = memory_use().peak - before;
  return {value.to_vector<float>(), gradient.to_vector<float>(), peak};
}

TEST(checkpoint, lets_peak_memory_fall_and_leaves_every_bit_of_the_gradient) {
  const Measured plain = measure(false), saved = measure(true);
  EXPECT_EQ(plain.value, saved.value);
  EXPECT_EQ(plain.gradient, saved.gradient);
  // Kept: kLayers activations against one a block and the insides of one block.
  EXPECT_GT(plain.peak, kLayers * kActivation);
  EXPECT_LT(saved.peak, plain.peak / 2);
}

TEST(checkpoint, draws_the_same_masks_again_from_the_default_generator) {
  const Array x = random::normal(random::key(1), {1000}).eval();
  const auto noisy = [](const Array& in) { return dropout(sin(in), 0.5); };
  const auto gradient = [&](bool is_saving) {
    random::seed(3);
    return grad([&](const Array& in) { return sum(square(is_saving ? checkpoint(noisy)(in) : noisy(in))); })(x).to_vector<float>();
  };
  EXPECT_EQ(gradient(true), gradient(false));
}

}  // namespace
