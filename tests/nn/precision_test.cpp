// Mixed precision: what is rounded and what is not, in every transform.
#include "gradus/nn/precision.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;

Array normal(const Shape& shape, int64_t seed) { return random::normal(random::key(seed), shape).eval(); }
Array rounded(const Array& x) { return x.astype(bfloat16).astype(float64).eval(); }
double largest(const Array& x) { return max(abs(x.astype(float64))).item(); }
// |got - want| relative to the largest |want|.
double distance(const Array& got, const Array& want) { return largest(got.astype(float64) - want.astype(float64)) / largest(want); }
bool has_same_bits(const Array& a, const Array& b) { return a.dtype() == b.dtype() && array_equal(a, b); }

// A block as in a GPT: residual stream, norm, two products with an activation between.
struct Block {
  nn::LayerNorm norm{};
  nn::Dense up{64, gelu}, down{32};
  Array forward(const Array& x) const { return x + down(up(norm(x))); }
  GRADUS_PARTS(norm, up, down)
};
Block block() {
  random::seed(5);
  Block made;
  nn::build(made, {16, 32});
  return made;
}
const auto energy = [](const auto& model, const Array& x) { return mean(square(model(x))); };

TEST(MixedPrecision, RoundsTheOperandsOfAProductAndNotItsSums) {
  const Array a = normal({37, 53}, 1), b = normal({53, 41}, 2);
  const nn::MixedPrecision mixed(bfloat16);
  const Array y = matmul(a, b);
  EXPECT_EQ(y.dtype(), float32);
  EXPECT_LT(distance(y, matmul(rounded(a), rounded(b))), 1e-6);
  EXPECT_GT(distance(y, matmul(a.astype(float64), b.astype(float64))), 1e-4);
}

TEST(MixedPrecision, OfSmallThinAndBatchedProducts) {
  const nn::MixedPrecision mixed(bfloat16);
  for (const auto& [a_shape, b_shape] : std::vector<std::pair<Shape, Shape>>{
           {{1, 1}, {1, 1}}, {{1, 300}, {300, 1}}, {{200, 1}, {1, 200}}, {{3, 70, 33}, {33, 20}}, {{2, 1, 5, 40}, {3, 40, 7}}, {{64}, {64, 9}},
           {{9, 64}, {64}}, {{64}, {64}}, {{2, 0}, {0, 3}}}) {
    const Array a = normal(a_shape, 1), b = normal(b_shape, 2), y = matmul(a, b), want = matmul(rounded(a), rounded(b));
    ASSERT_EQ(y.shape(), want.shape());
    if (largest(want) > 0) EXPECT_LT(distance(y, want), 1e-6) << to_text(a_shape) << " " << to_text(b_shape);
    else EXPECT_EQ(largest(y), 0);
  }
}

TEST(MixedPrecision, LeavesOtherDtypesAlone) {
  const nn::MixedPrecision mixed(bfloat16);
  const Array a = normal({5, 6}, 1), b = normal({6, 7}, 2);
  const Array wide = matmul(a.astype(float64), b.astype(float64));
  EXPECT_EQ(wide.dtype(), float64);
  EXPECT_LT(distance(matmul(a.astype(float64), b), wide), 1e-12);
  EXPECT_EQ(matmul(a.astype(float16), b.astype(float16)).dtype(), float16);
  EXPECT_EQ(matmul(a.astype(bfloat16), b.astype(bfloat16)).dtype(), bfloat16);
  EXPECT_EQ(matmul(a.astype(bfloat16), b).dtype(), float32);
  EXPECT_EQ(matmul(array({{1, 2}}), array({{3}, {4}})).item<int>(), 11);
}

TEST(MixedPrecision, OfConvolutions) {
  for (const int64_t groups : {1, 2, 6}) {
    const Array x = normal({2, 9, 8, 6}, 1), w = normal({3, 3, 6 / groups, 12}, 2);
    const Conv2DOptions options{.strides = 2, .padding = same, .groups = groups};
    const Array want = conv2d(rounded(x), rounded(w), options);
    const nn::MixedPrecision mixed(bfloat16);
    const Array y = conv2d(x, w, options);
    EXPECT_EQ(y.dtype(), float32);
    EXPECT_LT(distance(y, want), 1e-6) << groups;
  }
  const Array x = normal({2, 5, 4}, 1), w = normal({3, 6, 4}, 2), want = conv_transpose1d(rounded(x), rounded(w));
  const nn::MixedPrecision mixed(bfloat16);
  EXPECT_LT(distance(conv_transpose1d(x, w), want), 1e-6);
}

// 257 ones: bfloat16 has no 257.
TEST(MixedPrecision, SumsOfAWeightsGradientAreNotRounded) {
  const nn::MixedPrecision mixed(bfloat16);
  const Array g = grad([](const Array& w) { return sum(matmul(ones({257, 40}), w)); })(zeros({40, 24}));
  EXPECT_EQ(g.dtype(), float32);
  EXPECT_TRUE(array_equal(g, full({40, 24}, 257.0)));
  const Array k = grad([](const Array& w) { return sum(conv2d(ones({1, 257, 1, 16}), w)); })(zeros({1, 1, 16, 16}));
  EXPECT_TRUE(array_equal(k, full({1, 1, 16, 16}, 257.0)));
  // The same of a bias behind an activation.
  const Array b = grad([](const Array& bias) { return sum(relu(in_product_dtype(matmul(ones({257, 8}), ones({8, 4})) + bias))); })(zeros(4));
  EXPECT_TRUE(array_equal(b, full(4, 257.0)));
}

TEST(MixedPrecision, CotangentsHaveTheDtypeOfTheirArray) {
  const nn::MixedPrecision mixed(bfloat16);
  const Array x = normal({20, 30}, 1).astype(bfloat16), w = normal({30, 10}, 2);
  const auto [dx, dw] = grad([](const Array& in, const Array& weights) { return sum(square(matmul(in, weights))); })(x, w);
  EXPECT_EQ(dx.dtype(), bfloat16);
  EXPECT_EQ(dw.dtype(), float32);
}

TEST(MixedPrecision, BelongsToTheScopeAndTheThread) {
  EXPECT_FALSE(nn::MixedPrecision::is_on());
  const nn::MixedPrecision mixed(bfloat16);
  EXPECT_TRUE(nn::MixedPrecision::is_on());
  {
    const nn::MixedPrecision plain(float32);
    EXPECT_FALSE(nn::MixedPrecision::is_on());
    const nn::TrainingMode training;
    EXPECT_FALSE(nn::MixedPrecision::is_on());
  }
  EXPECT_TRUE(nn::MixedPrecision::is_on());
  bool is_on_elsewhere = true;
  std::thread([&] { is_on_elsewhere = nn::MixedPrecision::is_on(); }).join();
  EXPECT_FALSE(is_on_elsewhere);
  EXPECT_EQ(error_of([] { nn::MixedPrecision half(float16); }),
            "MixedPrecision: dtype is float16; it must be bfloat16, or float32 for none (float16 would need scaled losses)");
}

// Recorded inside, differentiated outside: the bits are the same.
TEST(MixedPrecision, BackwardRulesFollowWhatWasRecorded) {
  const Array x = normal({16, 32}, 1), w = normal({32, 24}, 2), v = normal({16, 24}, 3);
  Array inside, outside;
  {
    const nn::MixedPrecision mixed(bfloat16);
    inside = vjp([&](const Array& in) { return matmul(in, w); }, x).second(v).eval();
  }
  const auto f = [&](const Array& in) {
    const nn::MixedPrecision mixed(bfloat16);
    return matmul(in, w);
  };
  outside = vjp(f, x).second(v).eval();
  EXPECT_TRUE(has_same_bits(inside, outside));
  EXPECT_LT(distance(outside, matmul(rounded(v), transpose(rounded(w)))), 1e-6);
}

TEST(MixedPrecision, WhatLayersGive) {
  const Array x = normal({4, 8}, 1), images = normal({2, 6, 6, 3}, 2);
  const auto dtype_of = [](const auto& layer, const Array& in) { return layer(in).dtype(); };
  EXPECT_EQ(dtype_of(nn::Dense(5, relu), x), float32);
  const nn::MixedPrecision mixed(bfloat16);
  EXPECT_EQ(dtype_of(nn::Dense(5, relu), x), bfloat16);
  EXPECT_EQ(dtype_of(nn::Dense(5, gelu), x), bfloat16);
  EXPECT_EQ(dtype_of(nn::Dense(5), x), float32);
  EXPECT_EQ(dtype_of(nn::Dense(5, softmax), x), float32);
  EXPECT_EQ(dtype_of(nn::Dense(5, [](const Array& y) { return y * y; }), x), float32);
  EXPECT_EQ(dtype_of(nn::Conv2D(4, 3), images), bfloat16);
  EXPECT_EQ(dtype_of(nn::Conv2D(4, 3, relu), images), bfloat16);
  EXPECT_EQ(dtype_of(nn::LayerNorm(), x), float32);
  EXPECT_EQ(dtype_of(nn::LayerNorm(), x.astype(bfloat16)), bfloat16);
  const nn::TrainingMode training;
  EXPECT_EQ(dtype_of(nn::BatchNorm(), images), float32);
  EXPECT_EQ(dtype_of(nn::BatchNorm(), images.astype(bfloat16)), bfloat16);
  const nn::Dense wide(5, relu);
  nn::build(wide, {4, 8}, float64);
  EXPECT_EQ(dtype_of(wide, x.astype(float64)), float64);
}

TEST(MixedPrecision, ParametersStatisticsAndGradientsAreFloat32) {
  nn::Sequential model{nn::Conv2D(8, 3), nn::BatchNorm(), nn::Activation(relu), nn::Flatten(), nn::Dense(12, tanh), nn::Dense(3)};
  const nn::TrainingMode training;
  const nn::MixedPrecision mixed(bfloat16);
  const Array x = normal({6, 7, 7, 2}, 1), y = array({0, 1, 2, 0, 1, 2});
  optim::Adam optimizer(1e-2);
  for (int i = 0; i < 2; ++i) {
    const auto objective = [&](const auto& m) { return loss::sparse_categorical_crossentropy(m(x), y); };
    auto [value, grads] = value_and_grad(objective)(model);
    EXPECT_EQ(value.dtype(), float32);
    for (const auto& [path, g] : grads) EXPECT_EQ(g.dtype(), float32) << path;
    optimizer.step(model, grads);
  }
  for (const Variable& variable : variables(model)) EXPECT_EQ(variable.get().dtype(), float32) << variable.path;
}

TEST(MixedPrecision, LossesOfBfloat16AreFloat32) {
  const Array logits = normal({64, 10}, 1).astype(bfloat16), labels = remainder(arange(64), 10).eval();
  const Array want = loss::sparse_categorical_crossentropy(logits.astype(float32), labels);
  EXPECT_EQ(loss::sparse_categorical_crossentropy(logits, labels).dtype(), bfloat16);
  const nn::MixedPrecision mixed(bfloat16);
  EXPECT_TRUE(has_same_bits(loss::sparse_categorical_crossentropy(logits, labels), want));
  EXPECT_EQ(loss::mean_squared_error(logits, zeros({64, 10}, bfloat16)).dtype(), float32);
}

TEST(MixedPrecision, GradientsOfBothOrdersAreNearThoseOfFloat32) {
  const Block model = block();
  const Array x = normal({16, 32}, 1), v = normal({16, 32}, 2);
  const auto along = [&](const Array& in) { return energy(model, in); };
  const Array first = grad(along)(x).eval(), second = hvp(along, x, v).eval();
  const nn::MixedPrecision mixed(bfloat16);
  EXPECT_LT(distance(grad(along)(x), first), 0.02);
  EXPECT_LT(distance(hvp(along, x, v), second), 0.03);
  const auto [y, dy] = jvp([&](const Array& in) { return model(in); }, x, v);
  const auto [z, pullback] = vjp([&](const Array& in) { return model(in); }, x);
  const Array c = normal({16, 32}, 3);
  EXPECT_NEAR(sum(dy * c).item() / sum(pullback(c) * v).item(), 1, 0.03);
}

TEST(MixedPrecision, UnderVmapCheckpointAndScan) {
  const Block model = block();
  const Array x = normal({8, 16, 32}, 1);
  const nn::MixedPrecision mixed(bfloat16);
  const auto f = [&](const Array& in) { return energy(model, in); };
  const Array all = vmap(grad(f))(x).eval();
  for (const int64_t i : {0, 7}) EXPECT_LT(distance(all[i], grad(f)(x[i])), 1e-2);
  const auto kept = [&](const Array& in) { return sum(square(checkpoint([&](const Array& y) { return model(y); })(in))); };
  const auto plain = [&](const Array& in) { return sum(square(model(in))); };
  EXPECT_TRUE(has_same_bits(grad(kept)(x[0]), grad(plain)(x[0])));
  const auto body = [&](const Array& carry, const Array& in) {
    const Array next = tanh(matmul(carry, model.down.kernel.get()[{slice(0, 32)}]) + in);
    return std::pair(next, next);
  };
  Array carry = zeros({16, 32});
  for (int64_t t = 0; t < 8; ++t) carry = body(carry, x[t]).first;
  EXPECT_TRUE(has_same_bits(scan(body, zeros({16, 32}), x).first, carry));
}

TEST(MixedPrecision, IsPartOfTheKeyOfACompiledFunction) {
  const Array a = normal({20, 30}, 1), b = normal({30, 10}, 2);
  const auto f = compile([](const Array& x, const Array& y) { return matmul(x, y); });
  const Array plain = f(a, b);
  {
    const nn::MixedPrecision mixed(bfloat16);
    EXPECT_TRUE(has_same_bits(f(a, b), matmul(a, b)));
    EXPECT_FALSE(array_equal(f(a, b), plain));
  }
  EXPECT_TRUE(has_same_bits(f(a, b), plain));
  EXPECT_EQ(f.recordings(), 2);
}

TEST(MixedPrecision, BitsDoNotDependOnTheNumberOfThreads) {
  const int before = threads();
  const nn::Sequential model{nn::Conv2D(16, 3, relu), nn::Flatten(), nn::Dense(96, gelu), nn::Dense(40)};
  const Array x = normal({32, 12, 12, 8}, 1);
  nn::build(model, {1, 12, 12, 8});
  const auto gradients = [&](int count) {
    set_threads(count);
    const nn::MixedPrecision mixed(bfloat16);
    return value_and_grad([&](const auto& m) { return mean(square(m(x))); })(model).second;
  };
  const Gradients one = gradients(1), two = gradients(2);
  set_threads(before);
  for (const auto& [path, g] : one) EXPECT_TRUE(has_same_bits(g, two[path])) << path;
}

// 35 channels: whole vectors and some left.
TEST(MixedPrecision, PoolingOfBfloat16IsThatOfFloat32Rounded) {
  Array x = normal({2, 7, 8, 35}, 1).astype(bfloat16);
  x.set({0, 1, 1, slice(0, 20)}, std::nan(""));
  const Array wide = x.astype(float32);
  const auto agree = [&](const auto& pool) {
    const auto without_nan = [](const Array& y) { return where(isnan(y), 0, y); };
    const auto same = [&](const Array& got, const Array& want) {
      return array_equal(isnan(got), isnan(want)) && array_equal(without_nan(got), without_nan(want));
    };
    EXPECT_TRUE(same(pool(x), pool(wide).astype(bfloat16)));
    const Array dy = normal(pool(wide).shape(), 2).astype(bfloat16);
    EXPECT_TRUE(same(vjp(pool, x).second(dy), vjp(pool, wide).second(dy.astype(float32)).astype(bfloat16)));
  };
  for (const int64_t strides : {1, 2}) {
    for (const int64_t padding : {0, 1}) {
      agree([=](const Array& in) { return max_pool2d(in, 2, {.strides = strides, .padding = padding}); });
      agree([=](const Array& in) { return average_pool2d(in, 2, {.strides = strides, .padding = padding}); });
    }
  }
}

size_t count_of(const std::string& text, std::string_view what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

// The plan of a step: weights and the output of the norm are rounded once, in the kernel or chain that makes them; biases ride along.
TEST(MixedPrecision, CastsCostNoPassOfTheirOwn) {
  const Block model = block();
  const Array x = normal({16, 32}, 1);
  const nn::MixedPrecision mixed(bfloat16);
  auto [value, grads] = value_and_grad<0>(energy)(model, x);
  std::vector<Array> roots{value};
  for (const auto& [path, g] : grads) roots.push_back(g);
  std::string plan = explain_plan(roots);
  plan = plan.substr(plan.find("\nchained"));
  EXPECT_EQ(count_of(plan, "= mixed_matmul("), 6u) << plan;
  EXPECT_EQ(count_of(plan, "+ bias"), 2u) << plan;
  EXPECT_EQ(count_of(plan, "layer_norm("), 1u);
  EXPECT_EQ(count_of(plan, "+ rounding"), 2u) << "the norm, and the product that gelu reads\n" << plan;
  // What is left are the two weights, and conversions in chains that do more.
  EXPECT_EQ(count_of(plan, "= cast("), 6u) << plan;
  EXPECT_EQ(count_of(plan, "one pass over (32, 64):"), 1u) << plan;
  EXPECT_EQ(count_of(plan, "one pass over (64, 32):"), 1u) << plan;
}

TEST(MixedPrecision, NanAndInfinityStay) {
  const double infinity = std::numeric_limits<double>::infinity();
  const nn::MixedPrecision mixed(bfloat16);
  for (const int64_t n : {2, 80}) {
    Array a = ones({n, n}), b = ones({n, n});
    a.set({0, 0}, std::nan(""));
    a.set({1, 0}, infinity);
    const Array y = matmul(a, b);
    const double with_nan = y[{0, 1}].item(), with_infinity = y[{1, 1}].item();
    EXPECT_TRUE(std::isnan(with_nan)) << n;
    EXPECT_EQ(with_infinity, infinity) << n;
  }
  // Far beyond float16, and near the end of float32.
  EXPECT_EQ(matmul(full({1, 2}, 0x1p100), full({2, 1}, 0x1p26)).item(), 0x1p127);
}

}  // namespace
}  // namespace gradus
