// CTC against the sum over all paths, its definition; and what has no alignment.
#include "gradus/ops/ctc.hpp"

#include <cmath>
#include <limits>

#include "expect.hpp"
#include "gradus/base/threads.hpp"
#include "gradus/nn/loss.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/equality.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/transform/grad.hpp"
#include "gradus/transform/vmap.hpp"

namespace gradus {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
using Labels = std::vector<int64_t>;

Labels collapsed(const Labels& path, int64_t blank) {
  Labels out;
  for (size_t t = 0; t < path.size(); ++t) {
    if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) out.push_back(path[t]);
  }
  return out;
}

// -log of the sum of the probabilities of all paths of `steps` steps that collapse to `labels`.
double by_all_paths(const Array& logits, int64_t steps, const Labels& labels, int64_t blank) {
  const int64_t classes = logits.shape(1);
  const std::vector<double> log_p = log_softmax(logits, 1).to_vector<double>();
  double total = 0;
  Labels path(static_cast<size_t>(steps), 0);
  while (true) {
    if (collapsed(path, blank) == labels) {
      double product = 0;
      for (int64_t t = 0; t < steps; ++t) product += log_p[static_cast<size_t>(t * classes + path[static_cast<size_t>(t)])];
      total += std::exp(product);
    }
    int64_t at = steps - 1;
    while (at >= 0 && ++path[static_cast<size_t>(at)] == classes) path[static_cast<size_t>(at--)] = 0;
    if (at < 0) return -std::log(total);
  }
}

TEST(ctc, is_the_sum_over_all_paths) {
  random::seed(1);
  struct Case {
    int64_t steps;
    Labels labels;
    int64_t blank;
  };
  const Case cases[] = {{1, {}, 0},  {1, {2}, 0},    {4, {1, 2}, 0},    {5, {1, 1}, 0},       {5, {2, 2, 1}, 0},   {6, {1, 2, 1}, 0},
                        {3, {1}, 0}, {5, {0, 2}, 1}, {6, {0, 0, 1}, 2}, {4, {1, 2, 1, 2}, 0}, {5, {1, 2, 2, 1}, 0}};
  for (const Case& each : cases) {
    const Array logits = random::normal({1, each.steps, 3}, 0, 1, float64).eval();
    const Array targets = each.labels.empty() ? zeros({1, 0}, int64) : reshape(array(each.labels), {1, -1});
    EXPECT_NEAR(ctc_loss(logits, targets, {.blank = each.blank}).item(), by_all_paths(logits[0], each.steps, each.labels, each.blank),
                1e-12)
        << each.steps << " steps, " << each.labels.size() << " labels";
  }
}

TEST(ctc, each_example_has_its_lengths_and_what_lies_beyond_is_not_looked_at) {
  random::seed(2);
  Array logits = random::normal({3, 6, 4}, 0, 1, float64).eval();
  logits.set({0, slice(4, {})}, std::nan(""));
  const Array targets = array({{1, 2, -7}, {3, 3, 1}, {900, 0, 0}});
  const CtcOptions options{.input_lengths = array({4, 6, 5}), .target_lengths = array({2, 3, 0})};
  const auto loss = [&](const Array& x) { return ctc_loss(x, targets, options); };
  const std::vector<double> found = loss(logits).to_vector<double>();
  EXPECT_NEAR(found[0], by_all_paths(logits[0], 4, {1, 2}, 0), 1e-12);
  EXPECT_NEAR(found[1], by_all_paths(logits[1], 6, {3, 3, 1}, 0), 1e-12);
  EXPECT_NEAR(found[2], by_all_paths(logits[2], 5, {}, 0), 1e-12);
  const Array slopes = grad([&](const Array& x) { return sum(loss(x)); })(logits);
  EXPECT_EQ(max(abs(slopes[{0, slice(4, {})}])).item(), 0);
  EXPECT_EQ(max(abs(slopes[{2, slice(5, {})}])).item(), 0);
  EXPECT_LT(max(abs(sum(slopes, -1))).item(), 1e-14) << "the softmax takes a constant of the logits away";
}

// Three labels in two steps; two equal labels need a blank between them.
TEST(ctc, without_alignment_is_infinite_and_has_no_gradient) {
  const Array logits = array({0.1, 0.5, -0.3, 0.2, 0.4, 0.9}, float64);
  const Array x = broadcast_to(reshape(logits, {1, 2, 3}), {3, 2, 3}), targets = array({{1, 2, 1}, {1, 1, 0}, {1, 2, 0}});
  for (const bool is_zero : {false, true}) {
    const CtcOptions options{.target_lengths = array({3, 2, 2}), .zero_infinity = is_zero};
    const auto loss = [&](const Array& x) { return ctc_loss(x, targets, options); };
    const std::vector<double> found = loss(x).to_vector<double>();
    EXPECT_EQ(found[0], is_zero ? 0 : kInfinity);
    EXPECT_EQ(found[1], is_zero ? 0 : kInfinity);
    EXPECT_TRUE(std::isfinite(found[2]));
    const auto total = [&](const Array& x) { return sum(loss(x)); };
    const Array slopes = grad(total)(x), second = grad([&](const Array&x) { return sum(square(grad(total)(x))); })(x);
    EXPECT_EQ(max(abs(slopes[slice(0, 2)])).item(), 0);
    EXPECT_GT(max(abs(slopes[2])).item(), 0);
    EXPECT_EQ(max(abs(second[slice(0, 2)])).item(), 0);
    EXPECT_TRUE(all(isfinite(second)).item<bool>());
  }
}

TEST(ctc, of_no_steps_and_of_no_examples) {
  const Array none = zeros({2, 0, 3});
  EXPECT_EQ(ctc_loss(none, array({{1}, {1}}), {.target_lengths = array({0, 1})}).to_vector<float>(),
            (std::vector<float>{0, std::numeric_limits<float>::infinity()}));
  EXPECT_EQ(grad([](const Array& x) { return sum(ctc_loss(x, array({{1}, {1}}))); })(none).shape(), Shape({2, 0, 3}));
  EXPECT_EQ(ctc_loss(zeros({0, 4, 3}), zeros({0, 2}, int64)).shape(), Shape({0}));
}

TEST(ctc, a_class_that_is_masked_out_is_never_taken_and_a_nan_is_one) {
  Array logits = zeros({3, 3, 3}, float64);
  logits.set({0, slice(), 2}, -kInfinity);
  logits.set({1, slice(), 2}, -kInfinity);
  logits.set({2, 1, 2}, std::nan(""));
  const auto loss = [](const Array& x) { return ctc_loss(x, array({{1}, {2}, {1}})); };
  const std::vector<double> found = loss(logits).to_vector<double>();
  EXPECT_NEAR(found[0], -std::log(6.0 / 8), 1e-12);
  EXPECT_EQ(found[1], kInfinity);
  EXPECT_TRUE(std::isnan(found[2]));
  const Array slopes = grad([&](const Array& x) { return sum(loss(x)); })(logits);
  EXPECT_TRUE(all(isfinite(slopes[slice(0, 2)])).item<bool>());
  EXPECT_TRUE(all(isnan(slopes[2])).item<bool>());
}

// 2,000 steps: far below the smallest float.
TEST(ctc, of_long_inputs_keeps_its_digits_in_float32) {
  random::seed(3);
  const Array wide = (random::normal({2, 2000, 20}, 0, 3, float64)).astype(float32).astype(float64).eval();
  const Array targets = random::integers({2, 150}, 1, 20).eval();
  const auto loss = [&](const Array& x) { return sum(ctc_loss(x, targets)); };
  const double want = loss(wide).item();
  EXPECT_GT(want, 2000);
  EXPECT_NEAR(loss(wide.astype(float32)).item(), want, want * 1e-6);
  const Array slopes = grad(loss)(wide), found = grad(loss)(wide.astype(float32)).astype(float64);
  EXPECT_LT(max(abs(slopes - found)).item(), 2e-3)
      << "of probabilities; logarithms that are not relative to their row are off by 0.1 and more";
}

// A path whose first steps are all but impossible: the probabilities of other states are e^300 times larger on the way.
TEST(ctc, of_an_unlikely_path_does_not_vanish) {
  Array logits = zeros({1, 8, 2});
  logits.set({0, slice(0, 4), 0}, 100);
  logits.set({0, slice(4, {}), 0}, -100);
  const Array targets = array({{1, 1, 1, 1}});
  const auto loss = [&](const Array& x) { return sum(ctc_loss(x, targets)); };
  const double wide = loss(logits.astype(float64)).item(), narrow = loss(logits).item();
  EXPECT_GT(wide, 290);
  EXPECT_NEAR(narrow, wide, wide * 1e-6);
  EXPECT_TRUE(all(isfinite(grad(loss)(logits))).item<bool>());
}

TEST(ctc, of_16_bit_logits_is_that_of_float32_rounded) {
  random::seed(4);
  const Array logits = random::normal({2, 12, 5}).astype(bfloat16).eval(), targets = array({{1, 2, 2}, {4, 3, 1}});
  const auto loss = [&](const Array& x) { return ctc_loss(x, targets); };
  EXPECT_EQ(loss(logits).dtype(), bfloat16);
  EXPECT_TRUE(array_equal(loss(logits), loss(logits.astype(float32)).astype(bfloat16)));
  const auto mean_loss = [&](const Array& x) { return loss::ctc(x, targets); };
  EXPECT_TRUE(array_equal(grad(mean_loss)(logits), grad(mean_loss)(logits.astype(float32)).astype(bfloat16)));
}

TEST(ctc, has_the_same_bits_for_one_thread_and_two_and_for_each_example_alone) {
  random::seed(5);
  const Array logits = random::normal({9, 60, 30}).eval(), targets = random::integers({9, 20}, 1, 30).eval();
  const auto run = [&](const Array& x, const Array& y) {
    const auto [loss, slopes] = value_and_grad([&](const Array& x) { return sum(ctc_loss(x, y)); })(x);
    return std::pair{loss.item(), slopes.eval()};
  };
  const int before = threads();
  set_threads(1);
  const auto one = run(logits, targets);
  set_threads(2);
  const auto two = run(logits, targets);
  set_threads(before);
  EXPECT_EQ(one.first, two.first);
  EXPECT_TRUE(array_equal(one.second, two.second));
  EXPECT_TRUE(array_equal(run(logits[slice(4, 5)], targets[slice(4, 5)]).second[0], two.second[4]));
}

TEST(ctc, lengths_and_labels_out_of_range_are_reported_when_computed) {
  const auto refused = [](const Array& targets, const CtcOptions& options, const std::string& text) {
    test::expect_error([&] { ctc_loss(zeros({2, 4, 3}), targets, options).eval(); }, text);
  };
  const Array good = array({{1, 2}, {2, 1}});
  refused(good, {.input_lengths = array({4, 5})}, "ctc_loss: input length 1 is 5; it must be from 0 to 4, the steps of logits");
  refused(good, {.input_lengths = array({-1, 4})}, "ctc_loss: input length 0 is -1; it must be from 0 to 4, the steps of logits");
  refused(good, {.target_lengths = array({2, 3})},
          "ctc_loss: target length 1 is 3; it must be from 0 to 2, the labels of a row of targets");
  refused(array({{1, 2}, {2, 3}}), {}, "ctc_loss: target is out of range: element 3 is 3; it must be from 0 to 2");
  refused(array({{1, -1}, {2, 1}}), {}, "ctc_loss: target is out of range: element 1 is -1; it must be from 0 to 2");
  refused(array({{1, 2}, {0, 1}}), {}, "ctc_loss: target holds the blank: element 2 is 0; labels must be other classes");
  refused(good, {.blank = 2}, "ctc_loss: target holds the blank: element 1 is 2; labels must be other classes");
}

TEST(ctc, the_mean_is_over_the_labels_of_each_example) {
  random::seed(6);
  const Array logits = random::normal({3, 8, 4}, 0, 1, float64).eval(), targets = array({{1, 2, 3}, {3, -1, -1}, {-1, -1, -1}});
  const std::vector<double> each = loss::ctc(logits, targets, {.reduction = loss::Reduction::none}).to_vector<double>();
  EXPECT_NEAR(loss::ctc(logits, targets).item(), (each[0] / 3 + each[1] + each[2]) / 3, 1e-12);
  EXPECT_NEAR(loss::ctc(logits, targets, {.reduction = loss::Reduction::sum}).item(), each[0] + each[1] + each[2], 1e-12);
  EXPECT_NEAR(each[2], by_all_paths(logits[2], 8, {}, 0), 1e-12);
  EXPECT_NEAR(loss::ctc(logits, targets, {.target_lengths = array({3, 1, 0})}).item(), loss::ctc(logits, targets).item(), 1e-12);
}

// Its elements are differences of probabilities, whatever rounding makes of logarithms.
TEST(ctc, has_slopes_from_minus_1_to_1_for_logits_of_any_size) {
  random::seed(13);
  for (const double size : {1e6, 1e8, 1e10}) {
    const Array logits = (random::normal({1, 30, 5}) * size).eval(), labels = array({{1, 2}});
    const Array slopes = grad([&](const Array& x) { return sum(ctc_loss(x, labels)); })(logits);
    EXPECT_LE(max(abs(slopes)).item(), 1.0) << size;
  }
}
// Numbers that float32 adds to 10,000 without rounding: the same probabilities.
TEST(ctc, does_not_depend_on_what_all_logits_have_in_common) {
  random::seed(12);
  const Array logits = random::integers({1, 6, 4}, -8, 9).astype(float32) * 0.25, labels = array({{1, 2}});
  for (const DType dtype : {float32, float64}) {
    const auto slopes = [&](double shift) {
      return grad([&](const Array& x) { return sum(ctc_loss(x, labels)); })(logits.astype(dtype) + shift).eval();
    };
    const Array right = slopes(0);
    for (const double shift : {1e3, 1e4, -1e6}) {
      const double bound = dtype == float32 ? 3e-7 : 1e-15;
      EXPECT_TRUE(allclose(slopes(shift), right, {.relative = 0, .absolute = bound})) << shift;
      EXPECT_TRUE(allclose(sum(slopes(shift), -1), zeros({1, 6}), {.relative = 0, .absolute = 2 * bound})) << shift;
    }
  }
}

}  // namespace
}  // namespace gradus
