#include "gradus/ops/attention.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/base/threads.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/equality.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/rotary.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/transform/grad.hpp"
#include "gradus/transform/vjp.hpp"
#include "tests/ops/expect.hpp"

namespace gradus {
namespace {

using test::expect_error;

constexpr double kInf = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();

// The difference as a share of the largest number that was wanted.
double distance(const Array& got, const Array& want) {
  if (got.shape() != want.shape()) return kInf;
  if (want.size() == 0) return 0;
  return (max(abs(got.astype(float64) - want.astype(float64))) / (1e-300 + max(abs(want.astype(float64))))).item();
}
Array normal(const Shape& shape, int64_t seed, DType dtype = float64) {
  return random::normal(random::key(seed), shape, 0, 1, dtype).eval();
}

// A call, with what decides its result written as one array of weights.
struct Case {
  const char* name;
  int64_t examples, heads, kv_heads, queries, keys, width, value_width;
  AttentionOptions options{};
};
Array plainly(const Array& q, const Array& k, const Array& v, const AttentionOptions& options) {
  const Array weights = attention_weights(q, k, options);
  return matmul(weights, repeat(v, q.shape(1) / v.shape(1), 1));
}
std::vector<Case> cases() {
  const Array mask = (random::uniform(random::key(5), {2, 1, 90, 130}) < 0.6).eval();
  const Array slopes = array({0.5, 0.1}, float64);
  return {
      {"plain", 2, 2, 2, 70, 150, 16, 16, {}},
      {"causal, widths that no vector divides", 2, 2, 2, 150, 150, 21, 13, {.causal = true}},
      {"causal with offsets", 2, 4, 2, 10, 150, 8, 8, {.causal = true, .offset = array({140, 3})}},
      {"causal with a window", 1, 2, 2, 200, 200, 8, 8, {.causal = true, .window = 17}},
      {"a window on both sides", 1, 2, 2, 200, 180, 8, 8, {.window = 70}},
      {"lengths", 3, 2, 1, 33, 100, 8, 8, {.lengths = array({100, 0, 37})}},
      {"bool mask", 2, 2, 2, 90, 130, 8, 8, {.mask = mask}},
      {"padding mask", 2, 2, 2, 90, 130, 8, 8, {.mask = mask[{slice(), slice(), slice(0, 1)}]}},
      {"mask of other strides",
       2,
       2,
       2,
       65,
       45,
       8,
       8,
       {.mask = swapaxes(mask, 2, 3)[{slice(), slice(), slice(0, 130, 2), slice(0, 90, 2)}]}},
      {"added mask", 2, 2, 2, 90, 130, 8, 8, {.mask = normal({2, 90, 130}, 6)}},
      {"slopes", 2, 2, 2, 90, 90, 8, 8, {.causal = true, .slopes = slopes}},
      {"slopes on both sides", 1, 2, 2, 90, 70, 8, 8, {.slopes = slopes}},
      {"blocks of a mask that nobody sees", 1, 1, 1, 200, 200, 8, 8, {.mask = kron(eye(2), ones({100, 100})) != 0}},
      {"few queries", 2, 4, 2, 2, 300, 20, 36, {}},
      {"few queries, causal", 2, 4, 2, 2, 300, 20, 36, {.causal = true, .lengths = array({290, 20}), .offset = array({250, 18})}},
      {"few queries, window and slopes", 1, 2, 2, 3, 600, 20, 5, {.causal = true, .window = 270, .offset = 500, .slopes = slopes}},
      {"few queries, bool mask", 2, 2, 2, 1, 130, 8, 8, {.mask = mask[{slice(), slice(), slice(0, 1)}]}},
      {"one head of keys for all, in parts", 1, 4, 1, 600, 600, 32, 32, {.causal = true}},
      {"scale", 1, 1, 1, 20, 20, 8, 8, {.scale = 0.05}},
      {"wide rows", 1, 2, 1, 70, 80, 72, 200, {.causal = true}},
      {"two keys", 2, 2, 2, 70, 2, 8, 8, {}},
  };
}

void expect_equal_to_plain(const Case& at, DType dtype, double tolerance) {
  SCOPED_TRACE(at.name);
  const Array q = normal({at.examples, at.heads, at.queries, at.width}, 1), k = normal({at.examples, at.kv_heads, at.keys, at.width}, 2),
              v = normal({at.examples, at.kv_heads, at.keys, at.value_width}, 3),
              c = normal({at.examples, at.heads, at.queries, at.value_width}, 4);
  const Array a = q.astype(dtype).eval(), b = k.astype(dtype).eval(), d = v.astype(dtype).eval();
  const auto fused = [&](const Array& x, const Array& y, const Array& z) {
    return sum(attention(x, y, z, at.options).astype(float64) * c);
  };
  const auto plain = [&](const Array& x, const Array& y, const Array& z) { return sum(plainly(x, y, z, at.options) * c); };
  const Array wide[] = {a.astype(float64).eval(), b.astype(float64).eval(), d.astype(float64).eval()};
  EXPECT_LT(distance(attention(a, b, d, at.options), plainly(wide[0], wide[1], wide[2], at.options)), tolerance);
  const auto got = grad(fused)(a, b, d), want = grad(plain)(wide[0], wide[1], wide[2]);
  for (size_t i = 0; i < 3; ++i) EXPECT_LT(distance(got[i], want[i]), tolerance) << "gradient of input " << i;
}

TEST(attention, equals_softmax_of_all_scores_times_values) {
  for (const Case& at : cases()) {
    expect_equal_to_plain(at, float64, 1e-13);
    expect_equal_to_plain(at, float32, 3e-6);
    expect_equal_to_plain(at, bfloat16, 3e-2);
    Case wide = at;  // other kernels, on some machines
    wide.width = std::max<int64_t>(40, at.width);
    wide.value_width = std::max<int64_t>(33, at.value_width);
    expect_equal_to_plain(wide, float32, 3e-6);
  }
}

TEST(attention, takes_heads_after_time_and_views_without_another_result) {
  const Array q = normal({2, 70, 4, 8}, 1), k = normal({2, 90, 2, 8}, 2), v = normal({2, 90, 2, 6}, 3), c = normal({2, 70, 4, 6}, 4);
  const auto heads_first = [](const Array& x) { return contiguous(swapaxes(x, 1, 2)); };
  const auto f = [&](const Array& x, const Array& y, const Array& z) {
    return sum(attention(x, y, z, {.causal = true, .time_first = true}) * c);
  };
  const auto g = [&](const Array& x, const Array& y, const Array& z) {
    return sum(swapaxes(attention(heads_first(x), heads_first(y), heads_first(z), {.causal = true}), 1, 2) * c);
  };
  const auto a = value_and_grad(f)(q, k, v), b = value_and_grad(g)(q, k, v);
  EXPECT_LT(distance(a.first, b.first), 1e-14);
  for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(array_equal(a.second[i], b.second[i])) << i;
  // Columns that do not follow each other.
  const Array wide = normal({2, 4, 70, 16}, 5), odd = wide[{ellipsis, slice(0, 16, 2)}];
  EXPECT_TRUE(array_equal(attention(odd, odd, odd), attention(contiguous(odd), contiguous(odd), contiguous(odd))));
}

TEST(attention, takes_any_axes_of_examples) {
  const Array q = normal({2, 3, 2, 5, 4}, 1), k = normal({2, 3, 2, 6, 4}, 2);
  const Array mask = normal({3, 1, 5, 6}, 3), y = attention(q, k, k, {.mask = mask});
  for (int64_t i = 0; i < 2; ++i) {
    EXPECT_LT(distance(y[i], attention(q[i], k[i], k[i], {.mask = mask})), 1e-14);
    for (int64_t j = 0; j < 3; ++j) EXPECT_LT(distance(y[{i, j}], attention(q[{i, j}], k[{i, j}], k[{i, j}], {.mask = mask[j]})), 1e-14);
  }
  EXPECT_LT(distance(attention(q[{0, 0, 0}], k[{0, 0, 0}], k[{0, 0, 0}]), attention(q, k, k)[{0, 0, 0}]), 1e-14);
}

// A dtype and a width of heads for each way of computing.
constexpr std::pair<DType, int64_t> kWays[] = {{float64, 8}, {float32, 40}};

TEST(attention, of_queries_with_nothing_to_look_at_is_zero_with_zero_gradients) {
  for (const auto& [dtype, width] : kWays) {
    const Array q = normal({2, 2, 70, width}, 1, dtype), k = normal({2, 2, 70, width}, 2, dtype);
    const Array nothing = zeros({70, 70}, bool_), lowest = full({70, 70}, -kInf, dtype);
    for (const AttentionOptions& options : {AttentionOptions{.mask = nothing},
                                            {.mask = lowest},
                                            {.lengths = 0},
                                            {.causal = true, .offset = -100},
                                            {.causal = true, .window = 5, .offset = 1000}}) {
      for (const int64_t queries : {1, 70}) {
        const Array some = q[{ellipsis, slice(0, queries), slice()}];
        AttentionOptions own = options;
        if (own.mask.exists()) own.mask = own.mask[slice(0, queries)];
        const auto f = [&](const Array& a, const Array& b, const Array& c) { return sum(square(attention(a, b, c, own) + 1)); };
        const auto [value, slopes] = value_and_grad(f)(some, k, k);
        EXPECT_EQ(value.item(), static_cast<double>(2 * 2 * queries * width));
        for (const Array& slope : slopes) EXPECT_TRUE(all(slope == 0).item<bool>());
        const auto [y, tangent] = jvp(f, args(some, k, k), args(some, k, k));  // by the composition
        EXPECT_EQ(y.item(), value.item());
        EXPECT_EQ(tangent.item(), 0);
        const auto second = grad([&](const Array& a) { return sum(square(grad([&](const Array& b) { return f(a, b, k); })(k))); })(some);
        EXPECT_TRUE(all(second == 0).item<bool>());
      }
    }
  }
}

TEST(attention, reads_nothing_of_padding) {
  for (const auto& [dtype, width] : kWays) {
    const Array q = normal({2, 2, 70, width}, 1, dtype), k = normal({2, 2, 70, width}, 2, dtype),
                hole = arange(70, int64) < array({{50}, {7}});
    const Array rows = reshape(hole, {2, 1, 70, 1}), holed = where(rows, k, kNaN).eval(), clean = where(rows, k, 0).eval();
    const auto f = [&](const Array& a, const Array& b, const Array& c) {
      return sum(square(attention(a, b, c, {.lengths = array({50, 7})})));
    };
    for (const int64_t queries : {2, 70}) {
      const Array some = q[{ellipsis, slice(0, queries), slice()}];
      const auto a = value_and_grad(f)(some, holed, holed), b = value_and_grad(f)(some, clean, clean);
      EXPECT_TRUE(array_equal(a.first, b.first));
      for (size_t i = 0; i < 3; ++i) EXPECT_TRUE(array_equal(a.second[i], b.second[i])) << i;
      EXPECT_TRUE(array_equal(jvp(f, args(some, holed, holed), args(some, clean, clean)).second,
                              jvp(f, args(some, clean, clean), args(some, clean, clean)).second));
    }
  }
}

TEST(attention, of_huge_scores_is_that_of_the_largest_and_nan_travels) {
  const Array q = full({1, 1, 2, 1}, 1e4), k = reshape(array({1.0, 3.0, 2.0}), {1, 1, 3, 1}) * 1e4,
              v = reshape(arange(3), {1, 1, 3, 1}).astype(float32);
  EXPECT_EQ(attention(q, k, v).to_vector<double>(), (std::vector<double>{1, 1}));
  EXPECT_EQ(attention(-q, k, v).to_vector<double>(), (std::vector<double>{0, 0}));
  const Array many = tile(q, {1, 1, 35, 1});
  EXPECT_TRUE(all(attention(many, k, v) == 1).item<bool>());
  Array holed = many;
  holed.set({0, 0, 65, 0}, kNaN);
  const Array y = attention(holed, k, v);
  EXPECT_TRUE(all(isnan(y) == isnan(holed)).item<bool>());
  Array infinite = k;
  infinite.set({0, 0, 1, 0}, kInf);
  EXPECT_TRUE(all(isnan(attention(many, infinite, v))).item<bool>());  // infinity - infinity, as softmax has it
  for (const auto& [dtype, width] : kWays) {
    const Array some = normal({1, 1, 70, width}, 1, dtype), columns = arange(width), row = reshape(arange(70), {70, 1});
    const auto with = [&](int64_t at, double value) { return where((row == at) & (columns == 3), value, some).eval(); };
    const Array expected = attention(some, some, some);
    const Array of_query = attention(with(41, kNaN), some, some);
    EXPECT_TRUE(all(isnan(of_query) == (row == 41)).item<bool>());
    EXPECT_LT(distance(where(row == 41, 0, of_query), where(row == 41, 0, expected)), dtype == float64 ? 1e-14 : 1e-6);
    const Array of_value = attention(some, some, with(69, kInf));
    EXPECT_TRUE(all((of_value == kInf) == (columns == 3)).item<bool>());
    EXPECT_TRUE(all(isnan(attention(some, with(5, kNaN), some))).item<bool>());
    const Array large = attention(some, some, some * 1e30) / 1e30, small = attention(some, some, some * 1e-36) * 1e36;
    EXPECT_LT(distance(large, expected), dtype == float64 ? 1e-14 : 1e-6);
    EXPECT_LT(distance(small, expected), dtype == float64 ? 1e-14 : 1e-6);
  }
}

// Values that are the unit matrix show the weights.
TEST(attention, drops_the_weights_that_dropout_of_the_same_key_drops) {
  for (const auto& [dtype, width] : kWays)
    for (const int64_t keys : {72, 70, 67}) {
      for (const int64_t queries : {2, 70}) {
        const double tolerance = dtype == float64 ? 1e-13 : 3e-6;
        const Array q = normal({2, 2, queries, width}, 1, dtype), k = normal({2, 2, keys, width}, 2, dtype);
        const random::Key key = random::key(11);
        const AttentionOptions options{.causal = true, .dropout = 0.3, .key = key, .offset = 5};
        const Array weights = attention(q, k, broadcast_to(eye(keys, dtype), {2, 2, keys, keys}), options);
        const Array want = dropout(attention_weights(q, k, options), 0.3, key);
        EXPECT_LT(distance(weights, want), tolerance);
        EXPECT_TRUE(any((want == 0) & (attention_weights(q, k, options) > 0)).item<bool>());
        const auto f = [&](const Array& a, const Array& b, const Array& c) { return sum(square(attention(a, b, c, options))); };
        const auto g = [&](const Array& a, const Array& b, const Array& c) {
          return sum(square(matmul(dropout(attention_weights(a, b, options), 0.3, key), c)));
        };
        const auto a = grad(f)(q, k, k), b = grad(g)(q, k, k);
        for (size_t i = 0; i < 3; ++i) EXPECT_LT(distance(a[i], b[i]), tolerance) << i;
      }
    }
  const Array x = normal({1, 1, 8, 4}, 1);
  EXPECT_TRUE(all(attention(x, x, x, {.dropout = 1}) == 0).item<bool>());
}

TEST(attention, draws_anew_each_time_unless_told_the_key) {
  const Array x = normal({1, 1, 20, 4}, 1);
  random::seed(3);
  const Array a = attention(x, x, x, {.dropout = 0.5}).eval(), b = attention(x, x, x, {.dropout = 0.5}).eval();
  random::seed(3);
  EXPECT_TRUE(array_equal(attention(x, x, x, {.dropout = 0.5}), a));
  EXPECT_FALSE(array_equal(a, b));
}

TEST(attention, has_the_same_bits_for_any_number_of_threads) {
  const int before = threads();
  for (const auto& [dtype, width] : {std::pair{float32, 16}, {float32, 40}, {bfloat16, 16}}) {
    const Array q = normal({3, 4, 200, width}, 1, dtype), k = normal({3, 2, 200, width}, 2, dtype);
    const auto f = [&](const Array& a, const Array& b, const Array& c) { return sum(square(attention(a, b, c, {.causal = true}))); };
    const auto all_results = [&](int64_t examples) {
      const Array a = q[slice(0, examples)], b = k[slice(0, examples)];
      auto [value, slopes] = value_and_grad(f)(a, b, b);
      std::vector<Array> out{attention(a, b, b, {.causal = true}), value, slopes[0], slopes[1], slopes[2]};
      evaluate(out);
      return out;
    };
    for (const int64_t examples : {3, 1}) {
      set_threads(1);
      const std::vector<Array> one = all_results(examples);
      for (const int count : {2, 3}) {
        set_threads(count);
        const std::vector<Array> more = all_results(examples);
        for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(array_equal(one[i], more[i])) << i;
      }
    }
  }
  set_threads(before);
}

TEST(attention, takes_memory_that_grows_with_the_length_not_with_its_square) {
  const auto peak = [](int64_t length) {
    const Array q = normal({1, 2, length, 16}, 1, float32);
    reset_counters();
    const auto f = [&](const Array& a) { return sum(square(attention(a, a, a, {.causal = true}))); };
    const auto [value, slope] = value_and_grad(f)(q);
    evaluate({value, slope});
    return static_cast<double>(counters().peak_arena);
  };
  const double once = peak(1024), twice = peak(2048);
  EXPECT_LT(twice, 2.2 * once);
  EXPECT_LT(twice, 0.5 * 2048 * 2048 * 4);  // half of one array of all scores
}

TEST(attention, makes_no_new_plan_when_offset_and_lengths_move) {
  const Array q = normal({1, 2, 1, 8}, 1), k = normal({1, 2, 32, 8}, 2);
  const auto step = [&](int64_t at) { attention(q, k, k, {.causal = true, .lengths = array({at + 1}), .offset = array({at})}).eval(); };
  step(0);
  const int64_t before = counters().plans_made;
  for (int64_t at = 1; at < 10; ++at) step(at);
  EXPECT_EQ(counters().plans_made, before);
}

TEST(attention, token_by_token_is_what_it_is_at_once) {
  const Array q = normal({2, 4, 40, 8}, 1), k = normal({2, 2, 40, 8}, 2), v = normal({2, 2, 40, 8}, 3);
  const Array slopes = array({0.5, 0.25, 0.125, 0.0625}, float64);
  const Array whole = attention(q, k, v, {.causal = true, .window = 9, .slopes = slopes});
  for (int64_t t = 0; t < 40; ++t) {
    const Array one = attention(q[{ellipsis, slice(t, t + 1), slice()}], k, v,
                                {.causal = true, .window = 9, .lengths = t + 1, .offset = t, .slopes = slopes});
    EXPECT_LT(distance(one, whole[{ellipsis, slice(t, t + 1), slice()}]), 1e-14) << t;
  }
}

TEST(attention, has_gradients_of_added_masks_and_slopes) {
  const Array q = normal({2, 2, 20, 8}, 1), k = normal({2, 2, 30, 8}, 2), mask = normal({1, 20, 30}, 3),
              slopes = array({0.3, 0.7}, float64);
  const auto f = [&](const Array& m, const Array& s) { return sum(square(attention(q, k, k, {.mask = m, .slopes = s}))); };
  const auto g = [&](const Array& m, const Array& s) { return sum(square(plainly(q, k, k, {.mask = m, .slopes = s}))); };
  const auto a = grad(f)(mask, slopes), b = grad(g)(mask, slopes);
  EXPECT_LT(distance(a[0], b[0]), 1e-13);
  EXPECT_LT(distance(a[1], b[1]), 1e-13);
}

TEST(attention, refuses_lengths_out_of_range_when_it_runs) {
  const Array x = normal({2, 1, 5, 4}, 1);
  const auto say = [&](const Array& lengths) { attention(x, x, x, {.lengths = lengths}).eval(); };
  expect_error([&] { say(array({5, 6})); }, "attention: length is out of range: element 1 is 6; it must be at most 5, the number of keys");
  expect_error([&] { say(array({-1, 5})); }, "attention: length is out of range: element 0 is -1; it must be at least 0");
}

TEST(attention_weights, of_a_query_add_up_to_one) {
  const Array q = normal({2, 4, 6, 8}, 1), k = normal({2, 2, 7, 8}, 2), weights = attention_weights(q, k, {.causal = true});
  EXPECT_EQ(weights.shape(), (Shape{2, 4, 6, 7}));
  EXPECT_LT(distance(sum(weights, -1), ones({2, 4, 6})), 1e-14);
  EXPECT_TRUE(all(triu(weights, 1) == 0).item<bool>());
}

TEST(rotary, makes_products_depend_on_distances_only) {
  const Array q = normal({1, 1, 1, 8}, 1), k = normal({1, 1, 1, 8}, 2);
  for (const bool is_interleaved : {false, true}) {
    const RotaryOptions options{.interleaved = is_interleaved};
    const auto product = [&](int64_t i, int64_t j) { return sum(rotary(q, i, options) * rotary(k, j, options)).item(); };
    EXPECT_NEAR(product(3, 1), product(1002, 1000), 1e-12);
    EXPECT_GT(std::fabs(product(3, 1) - product(4, 1)), 1e-6);
    EXPECT_NEAR(product(0, 0), sum(q * k).item(), 1e-14);
  }
}

TEST(rotary, takes_a_first_position_positions_of_rows_and_of_examples) {
  for (const DType dtype : {float64, float32, bfloat16, float16}) {
    for (const bool is_interleaved : {false, true}) {
      const Array x = normal({2, 3, 5, 38}, 1, dtype);
      const RotaryOptions options{.width = 36, .interleaved = is_interleaved};
      const Array y = rotary(x, 7, options);
      EXPECT_TRUE(array_equal(y, rotary(x, arange(7, 12), options)));
      EXPECT_TRUE(array_equal(y, rotary(x, tile(arange(7, 12), {2, 1}), options)));
      RotaryOptions given = options;
      given.frequencies = pow(10000.0, arange(18, float64) * (-2.0 / 36));
      EXPECT_LT(distance(y, rotary(x, 7, given)), dtype.is_16_bit() ? 8e-3 : dtype == float32 ? 1e-6 : 1e-14);
      RotaryOptions late = options;
      late.time_first = true;
      EXPECT_TRUE(array_equal(y, swapaxes(rotary(swapaxes(x, 1, 2), 7, late), 1, 2)));
      const Array wide = normal({2, 3, 5, 76}, 2, dtype), odd = wide[{ellipsis, slice(0, 76, 2)}];
      EXPECT_LT(distance(rotary(odd, 7, options), rotary(contiguous(odd), 7, options)), dtype.is_16_bit() ? 8e-3 : 1e-6);
    }
  }
}

TEST(Attention, reads_lengths_and_masks_that_are_views) {
  const Array q = random::normal(random::key(1), {3, 2, 4, 8}), k = random::normal(random::key(2), {3, 2, 4, 8});
  const Array lengths = broadcast_to(array({2}).eval(), {3});
  EXPECT_TRUE(allclose(attention(q, k, k, {.lengths = lengths}), attention(q, k, k, {.lengths = array({2, 2, 2})})));
  const Array every_other = array({3, 9, 1, 9, 2, 9}).eval()[slice({}, {}, 2)];
  EXPECT_TRUE(allclose(attention(q, k, k, {.lengths = every_other}), attention(q, k, k, {.lengths = array({3, 1, 2})})));
  const Array mask = random::bernoulli(random::key(3), {4, 4}, 0.5).eval(), turned = transpose(transpose(mask).eval());
  EXPECT_TRUE(allclose(attention(q, k, k, {.mask = turned}), attention(q, k, k, {.mask = mask})));
}

// Whatever a kernel's memory held before.
TEST(attention, of_added_masks_has_the_same_bits_after_nan) {
  random::seed(31);
  for (const int64_t queries : {33, 40, 72}) {
    const Array q = random::normal({1, 4, queries, 64}).eval(), k = random::normal({1, 4, 100, 64}).eval(),
                mask = random::normal({queries, 100}).eval();
    const auto slopes = [&] {
      auto [dq, dk] = grad([&](const Array& x, const Array& y) { return sum(attention(x, y, y, {.mask = mask}) * x); })(q, k);
      evaluate({dq, dk});
      return std::pair(dq, dk);
    };
    const auto [dq, dk] = slopes();
    for (const int64_t others : {queries + 3, queries + 15, queries + 24}) {
      const Array nan = full({1, 4, others, 64}, NAN);
      grad([&](const Array& x) { return sum(attention(x, k, k, {.mask = full({others, 100}, NAN)}) * x); })(nan).eval();
      const auto [dq_again, dk_again] = slopes();
      ASSERT_TRUE(array_equal(dq, dq_again) && array_equal(dk, dk_again)) << queries << " after " << others;
    }
  }
}

// As others write masks: the logarithm of a sum of 129 is nothing beside it.
TEST(attention, has_gradients_beside_scores_of_minus_a_billion) {
  random::seed(33);
  for (const DType dtype : {float32, float64}) {
    for (const int64_t queries : {1, 40}) {
      const Array q = random::normal({1, 1, queries, 32}).astype(dtype).eval(), k = random::normal({1, 1, 129, 32}).astype(dtype).eval(),
                  v = random::normal({1, 1, 129, 32}).astype(dtype).eval();
      for (const double low : {-1e9, -1e6, dtype == float32 ? -3.4028234663852886e38 : -1.7976931348623157e308}) {
        const Array mask = full({queries, 129}, low, dtype);
        const auto by = [&](auto attend) {
          return grad([&](const Array& a, const Array& b, const Array& c) { return sum(attend(a, b, c) * c[{0, 0, 0}]); })(q, k, v);
        };
        const auto [dq, dk, dv] = by([&](const Array& a, const Array& b, const Array& c) { return attention(a, b, c, {.mask = mask}); });
        const auto [eq, ek, ev] = by([&](const Array& a, const Array& b, const Array& c) {
          return matmul(softmax(matmul(a, swapaxes(b, -1, -2)) / std::sqrt(32.0) + mask), c);
        });
        const CloseOptions tolerance{.relative = 2e-3, .absolute = 2e-3};  // scores themselves keep few digits there
        EXPECT_TRUE(allclose(dv, ev, tolerance)) << low;
        EXPECT_TRUE(allclose(dq, eq, tolerance) && allclose(dk, ek, tolerance)) << low;
      }
    }
  }
}

}  // namespace
}  // namespace gradus
