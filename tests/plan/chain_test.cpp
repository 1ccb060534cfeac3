// Chains by example: what shares a loop, what may not, and that numbers stay.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "gradus/gradus.hpp"
#include "gradus/plan/explain.hpp"
#include "tests/plan/op_by_op.hpp"

namespace gradus {
namespace {

Array draw(const Shape& shape, int64_t key, DType dtype = float32) { return random::normal(random::key(key), shape).astype(dtype).eval(); }

bool is_chained(const Array& array) { return explain_plan({array}).find("one loop over") != std::string::npos; }

template <class Make>
void expect_op_by_op(const Make& make, double bound = 1e-5) {
  const std::vector<double> planned = make().template to_vector<double>();
  const OpByOp plain;
  const std::vector<double> alone = make().template to_vector<double>();
  ASSERT_EQ(planned.size(), alone.size());
  double largest = 0;
  for (const double number : alone) largest = std::max(largest, std::abs(number));
  for (size_t i = 0; i < alone.size(); ++i) ASSERT_NEAR(planned[i], alone[i], bound * largest) << "at " << i;
}

// Without a bias, which starts the sum where it is absorbed and so changes bits.
Array pooled_convolution(const Array& x, const Array& w) { return max_pool2d(relu(conv2d(x, w)), 2); }

// 17 images of 46 x 46 x 32 floats, 271 kB each: one at a time.
TEST(Chain, PoolingBehindALargeConvolutionTakesTurnsWithIt) {
  const Array x = draw({17, 48, 48, 1}, 1), w = draw({3, 3, 1, 32}, 2);
  const Array planned = pooled_convolution(x, w);
  EXPECT_NE(explain_plan({planned}).find("one loop over 17 examples, 1 at a time:\n    v"), std::string::npos) << explain_plan({planned});
  reset_counters();
  planned.eval();
  EXPECT_EQ(counters().products_run, 1);
  EXPECT_EQ(counters().kernels_run, 1);
  EXPECT_EQ(counters().loops_run, 1);
  EXPECT_LT(counters().peak_arena, threads() * 300'000);  // the image between them has 4.6 MB
  const OpByOp plain;
  EXPECT_EQ(planned.to_vector<float>(), pooled_convolution(x, w).to_vector<float>());
}

TEST(Chain, TheLastBlockMayBeShorter) {
  const Array x = draw({33, 20, 20, 4}, 1), w = draw({3, 3, 4, 16}, 2);
  const auto make = [&] { return pooled_convolution(x, w); };
  EXPECT_NE(explain_plan({make()}).find("one loop over 33 examples, "), std::string::npos);
  EXPECT_EQ(explain_plan({make()}).find("33 examples, 1 at"), std::string::npos);
  expect_op_by_op(make);
}

TEST(Chain, GradientsThroughItAgree) {
  const Array x = draw({17, 48, 48, 1}, 1), w = draw({3, 3, 1, 32}, 2);
  const auto objective = [&](const Array& kernel) { return mean(square(pooled_convolution(x, kernel))); };
  const Array planned = grad(objective)(w).eval();
  const OpByOp plain;
  EXPECT_EQ(planned.to_vector<float>(), grad(objective)(w).to_vector<float>());
}

TEST(Chain, WhatIsHeldInsideIsStored) {
  const Array x = draw({17, 48, 48, 1}, 1), w = draw({3, 3, 1, 32}, 2);
  const Array image = conv2d(x, w), pooled = max_pool2d(image, 2);
  EXPECT_TRUE(is_chained(pooled));
  EXPECT_EQ(pooled.to_vector<float>(), max_pool2d(image, 2).to_vector<float>());
  const OpByOp plain;
  EXPECT_EQ(image.to_vector<float>(), conv2d(x, w).to_vector<float>());
}

// The tutorial's network: convolutions, pooling and what lies between in one loop, dense layers with their large weights in loops of their
// own.
TEST(Chain, ANetworkNeedsFewLoops) {
  const Array x = random::uniform(random::key(1), {128, 28, 28, 1}).eval();
  const nn::Sequential model{nn::Conv2D(32, 3, relu), nn::MaxPooling2D(2), nn::Conv2D(64, 3, relu), nn::MaxPooling2D(2),
                             nn::Flatten(), nn::Dense(128, relu), nn::Dense(10)};
  nn::build(model, x.shape());
  model(x).eval();  // weights are packed
  reset_counters();
  model(x).eval();
  EXPECT_LE(counters().loops_run, 6);
  EXPECT_LE(counters().kernels_run, 3);
  expect_op_by_op([&] { return model(x); });
}

// Batch norm at inference, scaling by example and leaky slopes ride along.
TEST(Chain, ElementwiseStepsAreLinks) {
  const Array x = draw({40, 16, 16, 8}, 1), w = draw({3, 3, 8, 16}, 2), v = draw({3, 3, 16, 16}, 3), scale = draw({16}, 4),
              shift = draw({16}, 5), by_example = draw({40, 1, 1, 1}, 6);
  const auto make = [&] { return average_pool2d(leaky_relu(conv2d(tanh(conv2d(x, w) * scale + shift) * by_example, v), 0.1), 2); };
  reset_counters();
  make().eval();
  EXPECT_EQ(counters().kernels_run, 1);
  expect_op_by_op(make);
}

TEST(Chain, DenseLayersOnRowsAreLinks) {
  const Array x = draw({4096, 32}, 1), a = draw({32, 64}, 2), b = draw({64}, 3), c = draw({64, 16}, 4);
  const auto make = [&] { return sigmoid(matmul(tanh(matmul(x, a) + b), c)); };
  reset_counters();
  make().eval();
  EXPECT_EQ(counters().kernels_run, 1);
  EXPECT_EQ(counters().loops_run, 1);
  expect_op_by_op(make);
}

TEST(Chain, BatchesOfMatricesAreExamples) {
  const Array x = draw({64, 40, 24}, 1), y = draw({64, 24, 40}, 2), c = draw({40, 8}, 4);
  const auto make = [&] { return matmul(relu(matmul(x, y)) * 0.5, c); };
  EXPECT_TRUE(is_chained(make()));
  expect_op_by_op(make);
}

TEST(Chain, FlatteningIsAView) {
  const Array x = draw({64, 12, 12, 8}, 1), w = draw({3, 3, 8, 16}, 2), c = draw({400, 16}, 4);
  const auto make = [&] { return matmul(reshape(max_pool2d(relu(conv2d(x, w)), 2), {64, 400}), c); };
  reset_counters();
  make().eval();
  EXPECT_EQ(counters().kernels_run, 1) << explain_plan({make()});
  expect_op_by_op(make);
}

// Each of these reads of an earlier link more than the block's own examples.
TEST(Chain, WhatMixesExamplesIsNoLink) {
  const Array x = draw({32, 20, 20, 4}, 1), w = draw({3, 3, 4, 16}, 2), v = draw({3, 3, 16, 16}, 3), square = draw({256, 256}, 5);
  const auto first = [&] { return relu(conv2d(x, w)); };
  const std::vector<std::function<Array()>> makers{
      [&] { const Array y = first(); return conv2d(y * mean(y), v); },
      [&] { const Array y = first(); return conv2d(y - mean(y, 0, keepdims), v); },
      [&] { return conv2d(flip(first(), 0), v); },
      [&] { return conv2d(roll(first(), 1, 0), v); },
      [&] { const Array y = first(); return conv2d(y, reshape(y[0], {1, 1, 324, 16})[{ellipsis, slice(0, 16), slice()}]); },
      [&] { const Array y = first(); return conv2d(y + y[slice(0, 1)], v); },
      [&] { const Array y = matmul(square, square); return matmul(y, y); },
      [&] { const Array y = matmul(square, square); return matmul(y, transpose(y)); },
      [&] { const Array y = matmul(square, square); return matmul(transpose(y), square); },
      [&] { return conv2d(reshape(first(), {64, 9, 18, 16}), v); },
      [&] { const Array y = first(); return y * sum(conv2d(y, v)); },
  };
  for (size_t at = 0; at < makers.size(); ++at) {
    SCOPED_TRACE(at);
    expect_op_by_op(makers[at], 1e-4);
  }
}

// Two branches that cross: chains wait for one another in no circle.
TEST(Chain, CrossingBranchesHaveAnOrder) {
  const Array x = draw({32, 20, 20, 4}, 1), w = draw({3, 3, 4, 16}, 2), v = draw({3, 3, 16, 16}, 3);
  const auto make = [&] {
    const Array a = relu(conv2d(x, w)), b = tanh(conv2d(x + 1, w));
    const Array c = conv2d(a, v) * mean(b), d = conv2d(b, v) * mean(a);
    return max_pool2d(c + d, 2) * mean(c * d);
  };
  expect_op_by_op(make, 1e-4);
}

TEST(Chain, ImagesReadBackwardsAndByStepsAreOutside) {
  const Array x = draw({64, 20, 20, 4}, 1), w = draw({3, 3, 4, 16}, 2);
  for (const Array& seen : {flip(x, 0), x[slice({}, {}, 2)], broadcast_to(x[slice(0, 1)], {64, 20, 20, 4})}) {
    expect_op_by_op([&] { return max_pool2d(relu(conv2d(seen.eval() * 2, w)), 2); });
  }
}

TEST(Chain, HoldsInEveryDtype) {
  for (const DType dtype : {float64, bfloat16, float16}) {
    const Array x = draw({20, 20, 20, 4}, 1, dtype), w = draw({3, 3, 4, 16}, 2, dtype), b = draw({16}, 3, dtype);
    expect_op_by_op([&] { return max_pool2d(relu(conv2d(x, w) + b), 2); }, dtype == float64 ? 1e-12 : 2e-2);
  }
}

// The product on rows and the update that reads it could be a chain; the update is rather done in place.
TEST(Chain, ParametersAreStillUpdatedInPlace) {
  Array w = draw({4096, 64}, 1);
  const Array x = draw({4096, 64}, 2), slope = draw({64, 64}, 3);
  const std::vector<float> old = w.to_vector<float>(), product = matmul(x, slope).to_vector<float>();
  w = w - 0.5 * matmul(x, slope);
  reset_counters();
  w.eval();
  EXPECT_EQ(counters().in_place_updates, 1);
  const std::vector<float> got = w.to_vector<float>();
  for (size_t i = 0; i < old.size(); ++i) ASSERT_EQ(got[i], old[i] - 0.5f * product[i]);
}

// Random chains of what may be a link and what may not.
TEST(Chain, RandomNetworksAgreeWithOpByOp) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    const auto make = [&] {
      std::mt19937 engine(seed);
      const auto pick = [&](int64_t low, int64_t high) { return low + static_cast<int64_t>(engine()) % (high - low + 1); };
      const int64_t batch = pick(2, 70);
      Array x = draw({batch, pick(8, 24), pick(8, 24), pick(1, 8)}, seed, float64), side = x;
      for (int step = 0; step < 8; ++step) {
        switch (pick(0, 9)) {
          case 0:
          case 1:
          case 2: {
            const int64_t size = pick(1, 3), out = pick(1, 20);
            x = conv2d(x, draw({size, size, x.shape(-1), out}, step, float64) * (1.0 / static_cast<double>(size * size)),
                       {.padding = size / 2});
            break;
          }
          case 3:
            if (x.shape(1) >= 4 && x.shape(2) >= 4) x = max_pool2d(x, 2);
            break;
          case 4:
            if (x.shape(1) >= 4 && x.shape(2) >= 4) x = average_pool2d(x, 2);
            break;
          case 5: x = relu(x) + draw({x.shape(-1)}, step, float64); break;
          case 6: x = tanh(x) * draw({batch, 1, 1, 1}, step, float64); break;
          case 7: x = x - mean(x, {1, 2}, keepdims); break;
          case 8: x = x - mean(x, 0, keepdims); break;
          default: side = x; x = x * 0.5 + mean(side); break;
        }
      }
      return matmul(reshape(x, {batch, -1}), draw({x.size() / batch, 3}, 99, float64)) + mean(side);
    };
    expect_op_by_op(make, 1e-9);
    const auto gradient = [&] { return grad([&](const Array& scale) { return sum(square(make() * scale)); })(Array(1.5).astype(float64)); };
    expect_op_by_op(gradient, 1e-9);
  }
}

}  // namespace
}  // namespace gradus
