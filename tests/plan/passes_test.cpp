// Passes that rewrite: the same bits as op by op, and less work.
#include <gtest/gtest.h>

#include "gradus/ops/activation.hpp"
#include "gradus/ops/conv.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/pool.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/plan/explain.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/transform/grad.hpp"
#include "tests/plan/op_by_op.hpp"

namespace gradus {
namespace {

Array image_gradient(const Array& x, const Array& weights, Size2 window, Size2 strides) {
  const auto objective = [&](const Array& image) { return sum(weights * max_pool2d(relu(image), window, {.strides = strides})); };
  return grad(objective)(x);
}

TEST(Sink, TheSlopeOfReluIsAppliedToTheMaxima) {
  const Array x = random::normal(random::key(1), {3, 8, 8, 5}).eval(), weights = random::normal(random::key(2), {3, 4, 4, 5}).eval();
  Array planned = image_gradient(x, weights, 2, 2);
  const std::string text = explain_plan({planned});
  EXPECT_NE(text.find("sunk"), std::string::npos);
  planned.eval();
  const OpByOp plain;
  EXPECT_EQ(planned.to_vector<float>(), image_gradient(x, weights, 2, 2).to_vector<float>());
}

TEST(Sink, MovesFewerBytes) {
  const Array x = random::normal(random::key(1), {8, 32, 32, 16}).eval(), weights = random::normal(random::key(2), {8, 16, 16, 16}).eval();
  const auto bytes = [&](Size2 window, Size2 strides) {
    Array gradient = image_gradient(x, weights, window, strides);
    reset_counters();
    gradient.eval();
    return counters().bytes_moved;
  };
  // relu, pooling and the put read and write the image five times at least; the slope over the image adds two more.
  EXPECT_LT(bytes(2, 2), 6 * x.size() * 4 + 4 * weights.size() * 4);
}

TEST(Sink, LeavesOverlappingWindowsAlone) {
  const Array x = random::normal(random::key(3), {2, 9, 9, 4}).eval(), weights = random::normal(random::key(4), {2, 4, 4, 4}).eval();
  const Array planned = image_gradient(x, weights, 3, 2).eval();
  const OpByOp plain;
  EXPECT_EQ(planned.to_vector<float>(), image_gradient(x, weights, 3, 2).to_vector<float>());
}

TEST(Sink, KeepsASlopeThatOthersRead) {
  const Array x = random::normal(random::key(5), {2, 4, 4, 3}).eval();
  const auto objective = [&](const Array& image) {
    const Array y = relu(image);
    return sum(square(max_pool2d(y, 2))) + sum(y * image);
  };
  const Array planned = grad(objective)(x).eval();
  const OpByOp plain;
  EXPECT_EQ(planned.to_vector<float>(), grad(objective)(x).to_vector<float>());
}

Array dense(const Shape& shape, uint64_t key) { return random::normal(random::key(key), shape).eval(); }

TEST(Absorb, ABiasAndReluRideOnTheProduct) {
  const Array x = dense({6, 4}, 1), w = dense({4, 5}, 2), b = dense({5}, 3);
  const Array y = relu(matmul(x, w) + b);
  const std::string text = explain_plan({y});
  EXPECT_NE(text.find("+ bias  + relu"), std::string::npos) << text;
  reset_counters();
  const std::vector<float> got = y.to_vector<float>();
  EXPECT_EQ(counters().kernels_run, 1);
  const OpByOp plain;
  const std::vector<float> want = relu(matmul(x, w) + b).to_vector<float>();
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-5);
}

TEST(Absorb, AProductThatIsHeldKeepsItsValue) {
  const Array x = dense({6, 4}, 1), w = dense({4, 5}, 2), b = dense({5}, 3);
  const Array product = matmul(x, w), y = relu(product + b);
  EXPECT_EQ(explain_plan({y}).find("+ bias"), std::string::npos);
  y.eval();
  const OpByOp plain;
  EXPECT_EQ(product.to_vector<float>(), matmul(x, w).to_vector<float>());
  EXPECT_EQ(y.to_vector<float>(), relu(matmul(x, w) + b).to_vector<float>());
}

TEST(Absorb, ASumThatIsHeldKeepsItsValueBelowRelu) {
  const Array x = dense({6, 4}, 1), w = dense({4, 5}, 2), b = dense({5}, 3);
  const Array line = matmul(x, w) + b, y = relu(line);
  EXPECT_EQ(explain_plan({y}).find("+ relu"), std::string::npos);
  y.eval();
  bool is_negative = false;
  for (const float value : line.to_vector<float>()) is_negative |= value < 0;
  EXPECT_TRUE(is_negative);
}

TEST(Absorb, AProductThatIsReadTwiceStaysAsItIs) {
  const Array x = dense({6, 4}, 1), w = dense({4, 5}, 2), b = dense({5}, 3);
  const auto twice = [&] {
    const Array product = matmul(x, w);
    return (product + b) * product;
  };
  EXPECT_EQ(explain_plan({twice()}).find("+ bias"), std::string::npos);
  const std::vector<float> planned = twice().to_vector<float>();
  const OpByOp plain;
  EXPECT_EQ(planned, twice().to_vector<float>());
}

// Of a square product, so that a column has as many elements as a row.
TEST(Absorb, AColumnOrASingleNumberIsNoBias) {
  const Array x = dense({5, 4}, 1), w = dense({4, 5}, 2);
  for (const Array& b : {dense({5, 1}, 3), dense({1, 1}, 4), dense({1}, 5), dense({5, 5}, 6)}) {
    const auto make = [&] { return matmul(x, w) + b; };
    EXPECT_EQ(explain_plan({make()}).find("+ bias"), std::string::npos) << to_text(b.shape());
    const std::vector<float> planned = make().to_vector<float>();
    const OpByOp plain;
    EXPECT_EQ(planned, make().to_vector<float>()) << to_text(b.shape());
  }
}

TEST(Absorb, AConvolutionThatIsHeldKeepsItsValue) {
  const Array x = dense({2, 6, 6, 3}, 1), w = dense({3, 3, 3, 4}, 2), b = dense({4}, 3);
  const Array image = conv2d(x, w), y = relu(image + b);
  EXPECT_EQ(explain_plan({y}).find("+ bias"), std::string::npos);
  y.eval();
  const OpByOp plain;
  EXPECT_EQ(image.to_vector<float>(), conv2d(x, w).to_vector<float>());
}

TEST(Passes, TouchEachNodeAFewTimesWhateverTheLength) {
  const auto visits = [](int64_t length) {
    Array x = dense({4}, 1);
    for (int64_t i = 0; i < length; ++i) x = exp(x);
    clear_plans();
    reset_counters();
    x.eval();
    return counters().node_visits;
  };
  EXPECT_EQ(visits(200) - visits(100), 100 * 10);  // once in the walk, and in each loop of the passes
}

TEST(Counters, BytesMovedAreThoseReadAndWritten) {
  const Array a = dense({1000}, 1), b = dense({1000}, 2), m = dense({10, 1000}, 3);
  const auto bytes = [](Array y) {
    reset_counters();
    y.eval();
    return counters().bytes_moved;
  };
  EXPECT_EQ(bytes(a + b), 3 * 4000);
  EXPECT_EQ(bytes(sum(a)), 4000 + 4);
  EXPECT_EQ(bytes(m + a), 40000 + 4000 + 40000);
  EXPECT_EQ(bytes(matmul(m, a)), 40000 + 4000 + 40);
}

}  // namespace
}  // namespace gradus
