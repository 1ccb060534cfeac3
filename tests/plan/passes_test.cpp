// Passes that rewrite: the same bits as op by op, and less work.
#include <gtest/gtest.h>

#include "gradus/ops/activation.hpp"
#include "gradus/ops/conv.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/pool.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/plan/explain.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/transform/grad.hpp"

namespace gradus {
namespace {

struct OpByOp {
  OpByOp() { set_op_by_op(true); }
  ~OpByOp() { set_op_by_op(false); }
};

Array image_gradient(const Array& x, const Array& weights, Size2 window, Size2 strides) {
  const auto objective = [&](const Array& image) { return sum(weights * max_pool2d(relu(image), window, {.strides = strides})); };
  return grad(objective)(x);
}

TEST(Sink, TheSlopeOfReluIsAppliedToTheMaxima) {
  const Array x = random::normal(random::key(1), {3, 8, 8, 5}).eval(), weights = random::normal(random::key(2), {3, 4, 4, 5}).eval();
  Array planned = image_gradient(x, weights, 2, 2);
  const std::string text = explain({planned});
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

}  // namespace
}  // namespace gradus
