// Inputs that a call may go without.
#include <gtest/gtest.h>

#include "gradus/base/error.hpp"
#include "gradus/graph/node.hpp"
#include "gradus/graph/print.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/transform/grad.hpp"
#include "gradus/transform/vmap.hpp"

namespace gradus {

using namespace core;
namespace {

// y = x scale + shift, either of which may be left out.
constexpr Input affine_inputs[] = {{"x", floats}, {"scale", floats, true}, {"shift", floats, true}};
std::vector<Array> compose_affine(const Call& call) {
  Array y = call[0];
  if (call.has(1)) y = y * call.optional(1);
  if (call.has(2)) y = y + call.optional(2);
  return {y + 0};
}
constinit const OpDef affine_op{.name = "affine",
                                .inputs = affine_inputs,
                                .promotion = Promotion::common,
                                .infer = same_as_first,
                                .derivative = composed(compose_affine),
                                .expand = compose_affine};

Array affine(const Array& x, const Array& scale, const Array& shift) { return apply(affine_op, {x, scale, shift}); }
Array x() { return array({1.0f, 2.0f, 3.0f}); }
Array two() { return full({3}, 2.0f); }
Array ten() { return full({3}, 10.0f); }

template <class F>
std::string complaint(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(OptionalInputs, each_may_be_left_out) {
  EXPECT_EQ(affine(x(), {}, {}).to_vector<float>(), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(affine(x(), two(), {}).to_vector<float>(), (std::vector<float>{2, 4, 6}));
  EXPECT_EQ(affine(x(), {}, ten()).to_vector<float>(), (std::vector<float>{11, 12, 13}));
  EXPECT_EQ(affine(x(), two(), ten()).to_vector<float>(), (std::vector<float>{12, 14, 16}));
}

TEST(OptionalInputs, one_in_anothers_place_is_another_call) {
  clear_plans();
  const Array a = x(), b = two();
  const int64_t before = counters().plans_made;
  EXPECT_EQ(affine(a, b, {}).to_vector<float>(), (std::vector<float>{2, 4, 6}));
  EXPECT_EQ(affine(a, {}, b).to_vector<float>(), (std::vector<float>{3, 4, 5}));
  EXPECT_EQ(counters().plans_made - before, 2);
  const Array both = affine(a, b, {}) + affine(a, {}, b);  // of one graph: not merged
  EXPECT_EQ(both.to_vector<float>(), (std::vector<float>{5, 8, 11}));
}

TEST(OptionalInputs, a_call_that_is_recorded_again_keeps_them_apart) {
  const Array shift = ten();
  const auto f = [&](const Array& row) { return affine(row, {}, shift); };
  const Array rows = reshape(arange(6, float32), {2, 3});
  EXPECT_EQ(vmap(f)(rows).to_vector<float>(), (std::vector<float>{10, 11, 12, 13, 14, 15}));
  const Array g = grad<0>([&](const Array& s) { return sum(affine(x(), {}, s) * x()); })(shift);
  EXPECT_EQ(g.to_vector<float>(), (std::vector<float>{1, 2, 3}));
}

TEST(OptionalInputs, norms_go_without_weight_and_with_bias) {
  const Array rows = reshape(arange(8, float32), {2, 4}), bias = array({1.0f, 2.0f, 3.0f, 4.0f});
  const Array want = layer_norm(rows) + bias;
  EXPECT_EQ(layer_norm(rows, {}, bias).to_vector<float>(), want.to_vector<float>());
  const Array slope = grad<0>([&](const Array& b) { return sum(layer_norm(rows, {}, b) * rows); })(bias);
  EXPECT_EQ(slope.to_vector<float>(), (std::vector<float>{4, 6, 8, 10}));
  const Array second = grad<0>([&](const Array& b) { return sum(square(layer_norm(rows, {}, b))); })(bias);
  EXPECT_EQ(second.shape(), Shape{4});
}

TEST(OptionalInputs, errors_name_the_one_that_is_meant) {
  EXPECT_NE(complaint([] { affine({}, two(), {}); }).find("affine: x is an empty Array"), std::string::npos);
  EXPECT_NE(complaint([] { affine(x(), {}, array({true, false, true})); }).find("affine: shift has dtype bool"), std::string::npos)
      << complaint([] { affine(x(), {}, array({true, false, true})); });
  EXPECT_NE(complaint([] { layer_norm(zeros({2, 4}), {}, zeros({4}, int32)); }).find("layer_norm: bias has dtype int32"), std::string::npos)
      << complaint([] { layer_norm(zeros({2, 4}), {}, zeros({4}, int32)); });
}

TEST(OptionalInputs, printed_graphs_name_them) {
  const Array y = layer_norm(reshape(arange(8, float32), {2, 4}), {}, zeros({4}));
  const std::string text = graph_text(y);
  EXPECT_NE(text.find("bias=%"), std::string::npos) << text;
  EXPECT_EQ(text.find("weight=%"), std::string::npos) << text;
}

}  // namespace
}  // namespace gradus
