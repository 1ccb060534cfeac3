// Shapley values: their axioms, closed forms, the values that shap 0.51.0 (ExactExplainer, KernelExplainer) gives, and whether the errors
// of sampled ones are what they say.
#include "tests/explain/nets.hpp"

namespace explain_tests {
namespace {

TEST(Shapley, agrees_with_shap) {
  const double of_shap[2][5] = {{0.014918903376818, -0.750024111235065, 0.456718102438038, -0.126644385161922, 0.647242698343304},
                                {-0.066813517989061, 0.749868317909032, -0.499354030790509, -0.215505467879262, -0.818919521889102}};
  const auto exact = explain::shapley(table_net, table_rows(), table_background(), {.target = 1});
  const auto kernel = explain::kernel_shap(table_net, table_rows(), table_background(), {.target = 1});
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t i = 0; i < 5; ++i) {
      EXPECT_NEAR(at(exact.values, row, i), of_shap[row][i], 1e-13);
      EXPECT_NEAR(at(kernel.values, row, i), of_shap[row][i], 1e-12);
    }
  }
  EXPECT_TRUE(array_equal(kernel.errors, zeros({2, 5}, float64)));
  EXPECT_NEAR(exact.base[0].item(), 0.58112364, 1e-8);
  EXPECT_EQ(exact.evaluations, 2 * 32 * 7);
}

TEST(Shapley, interactions_agree_with_their_definition_and_add_up) {
  // Of features 3 and i: the sum over all sets, in NumPy.
  const double by_definition[5] = {0.022551832899710928, -0.04710652137802575, 0.05992416120028635, 0, -0.0035677576205881967};
  const Array pairs = explain::shapley_interactions(table_net, table_rows(), table_background(), {.target = 1});
  for (const int64_t i : {0, 1, 2, 4}) EXPECT_NEAR((pairs[{0, 3, i}].item()), by_definition[i], 1e-13);
  EXPECT_TRUE(allclose(pairs, transpose(pairs, {0, 2, 1})));
  EXPECT_TRUE(allclose(sum(pairs, 2), explain::shapley(table_net, table_rows(), table_background(), {.target = 1}).values));
}

template <class Check>
void for_both_dtypes(const Check& check) {
  check(float64, 1e-12);
  check(float32, 1e-6);
}

TEST(Shapley, of_a_linear_model_is_exact) {
  for_both_dtypes([](DType dtype, double tolerance) {
    const Array w = random::normal(random::key(1), {8}, 0, 0.3, dtype), x = random::normal(random::key(2), {3, 8}, 0, 1, dtype),
                background = random::normal(random::key(3), {20, 8}, 0, 1, dtype);
    const auto model = [&](const Array& rows) { return matmul(rows, w) + 0.25; };
    const Array expected = w.astype(float64) * (x.astype(float64) - mean(background.astype(float64), 0));
    for (const auto& found : {explain::shapley(model, x, background), explain::shapley_sampled(model, x, background),
                              explain::kernel_shap(model, x, background)}) {
      EXPECT_LT(max(abs(found.values - expected)).item(), tolerance) << dtype.name();
      EXPECT_LT(max(found.errors).item(), tolerance);
    }
  });
}

TEST(Shapley, obeys_its_axioms) {
  const Array x = random::normal(random::key(5), {4, 5}, 0, 1, float64), background = random::normal(random::key(6), {9, 5}, 0, 1, float64);
  const auto f = [](const Array& rows) {
    const auto part = split(rows, 5, 1);
    return reshape(part[0] * part[1] + exp(part[2] * 0.5) + part[0] * part[2] * part[3], {-1});
  };
  const auto g = [](const Array& rows) { return sum(square(rows), 1); };
  const auto both = [&](const Array& rows) { return f(rows) - 3 * g(rows); };
  const auto of_f = explain::shapley(f, x, background), of_g = explain::shapley(g, x, background),
             of_both = explain::shapley(both, x, background);
  EXPECT_TRUE(allclose(sum(of_f.values, 1), of_f.output - of_f.base));   // efficiency
  EXPECT_LT(max(abs(of_f.values[{slice(), 4}])).item(), 1e-14);          // dummy
  EXPECT_TRUE(allclose(of_both.values, of_f.values - 3 * of_g.values));  // linearity
  // Symmetry: features that enter alike and have the same numbers.
  const auto alike = [](const Array& rows) { return rows[{slice(), 0}] * rows[{slice(), 1}] + tanh(rows[{slice(), 2}]); };
  const Array same_x = array({{2.0, 2.0, 1.0}}, float64), same_background = array({{0.5, 0.5, 0.0}, {-1.0, -1.0, 3.0}}, float64);
  const auto symmetric = explain::shapley(alike, same_x, same_background);
  EXPECT_NEAR(at(symmetric.values, 0, 0), at(symmetric.values, 0, 1), 1e-14);
}

TEST(Shapley, a_group_counts_as_one_feature) {
  const auto model = [](const Array& rows) { return rows[{slice(), 0}] * rows[{slice(), 2}] + rows[{slice(), 1}]; };
  const Array x = array({{2.0, 5.0, 3.0}}, float64), background = zeros({1, 3}, float64);
  const auto found = explain::shapley(model, x, background, {.groups = {{"pair", {0, 2}}}, .names = {"a", "b", "c"}});
  EXPECT_EQ(found.names, (std::vector<std::string>{"pair", "b"}));
  EXPECT_EQ(numbers(found.values), (std::vector<double>{6, 5}));
  // Patches of images are such groups.
  const auto bright = [](const Array& images) { return mean(images, {1, 2, 3}); };
  const auto of_image = explain::shapley(bright, ones({1, 4, 4, 1}), zeros({2, 4, 4, 1}), {.groups = explain::patches({4, 4, 1}, {2, 2})});
  EXPECT_TRUE(allclose(of_image.values, full({1, 4}, 0.25, float64)));
  EXPECT_EQ(of_image.names[3], "rows 2 to 3, columns 2 to 3");
}

// Ten features that act together.
Array ten(const Array& rows) {
  const auto part = [&](int64_t i) { return rows[{slice(), i}]; };
  return part(0) * part(1) + sin(part(2) + 2 * part(3)) + exp(0.3 * part(4)) * part(5) + maximum(part(6), part(7)) +
         part(8) * part(0) * part(9);
}

TEST(Shapley, sampled_values_lie_within_three_errors_of_the_exact_ones) {
  const Array x = random::normal(random::key(7), {1, 10}, 0, 1, float64),
              background = random::normal(random::key(8), {25, 10}, 0, 1, float64);
  const auto exact = explain::shapley(ten, x, background);
  const auto sampled = explain::shapley_sampled(ten, x, background, {.rounds = 40, .seed = 1});
  const auto kernel = explain::kernel_shap(ten, x, background, {.samples = 600, .seed = 2});
  for (const auto& found : {sampled, kernel}) {
    EXPECT_TRUE(all(abs(found.values - exact.values) <= 3 * found.errors + 1e-12).item<bool>())
        << found.values - exact.values << found.errors;
    EXPECT_TRUE(allclose(sum(found.values, 1), found.output - found.base));
    EXPECT_GT(max(found.errors).item(), 1e-4);
    EXPECT_LT(max(found.errors).item(), 0.25);
  }
}

// How many of many estimates lie within two errors of what is exact: about 95 of 100.
template <class Estimate>
double share_within_two_errors(const Estimate& estimate, const Array& exact, int64_t repeats) {
  int64_t within = 0, count = 0;
  for (int64_t seed = 0; seed < repeats; ++seed) {
    const explain::ShapleyValues found = estimate(seed);
    const std::vector<double> values = numbers(found.values - exact), errors = numbers(found.errors);
    for (size_t i = 0; i < values.size(); ++i) {
      if (errors[i] < 1e-9) continue;  // a feature that acts alone has none
      within += std::abs(values[i]) <= 2 * errors[i];
      ++count;
    }
  }
  return static_cast<double>(within) / static_cast<double>(count);
}

TEST(Shapley, errors_are_calibrated) {
  const Array x = random::normal(random::key(9), {1, 10}, 0, 1, float64),
              background = random::normal(random::key(10), {4, 10}, 0, 1, float64);
  const Array exact = explain::shapley(ten, x, background).values;
  const double sampled = share_within_two_errors(
      [&](int64_t seed) { return explain::shapley_sampled(ten, x, background, {.rounds = 100, .seed = seed, .batch_size = 4096}); }, exact,
      150);
  EXPECT_GT(sampled, 0.92);
  EXPECT_LT(sampled, 0.98);
  const double kernel = share_within_two_errors(
      [&](int64_t seed) { return explain::kernel_shap(ten, x, background, {.samples = 400, .seed = seed, .batch_size = 4096}); }, exact,
      150);
  EXPECT_GT(kernel, 0.92);
  EXPECT_LT(kernel, 0.975);
}

TEST(Shapley, errors_are_those_of_the_mean_of_rounds) {
  // Rounds 1 and 2 are the same in both runs; S(n) = sum of squares about the mean = n (n - 1) error^2, and it grows by
  // (v_n - mean_(n-1))^2 (n - 1) / n.
  const Array x = random::normal(random::key(7), {1, 10}, 0, 1, float64),
              background = random::normal(random::key(8), {3, 10}, 0, 1, float64);
  const auto two = explain::shapley_sampled(ten, x, background, {.rounds = 2}),
             three = explain::shapley_sampled(ten, x, background, {.rounds = 3});
  const Array third = 3 * three.values - 2 * two.values;
  EXPECT_TRUE(allclose(6 * square(three.errors), 2 * square(two.errors) + square(third - two.values) * 2 / 3));
  EXPECT_GT(max(two.errors).item(), 0);
}

TEST(Shapley, of_many_sets_are_evaluated_part_by_part) {
  const Array w = random::normal(random::key(1), {12}, 0, 1, float64), x = random::normal(random::key(2), {1, 12}, 0, 1, float64),
              background = random::normal(random::key(3), {90, 12}, 0, 1, float64);
  const auto found = explain::shapley([&](const Array& rows) { return matmul(rows, w); }, x, background, {.batch_size = 8192});
  EXPECT_EQ(found.evaluations, 4096 * 90);
  EXPECT_LT(max(abs(found.values - w * (x - mean(background, 0)))).item(), 1e-12);
}

TEST(Shapley, is_the_same_for_a_seed_and_any_batch) {
  const Array x = table_rows(), background = table_background();
  const auto run = [&](int64_t seed, int64_t batch) {
    return explain::shapley_sampled(table_net, x, background, {.target = 0, .rounds = 3, .seed = seed, .batch_size = batch}).values;
  };
  EXPECT_TRUE(array_equal(run(1, 1024), run(1, 1024)));
  EXPECT_TRUE(allclose(run(1, 13), run(1, 1024)));
  EXPECT_FALSE(allclose(run(2, 1024), run(1, 1024)));
}

TEST(Shapley, of_what_is_as_in_the_background_is_zero) {
  const Array x = array({{2.0, 5.0, 1.0}}, float64), background = array({{2.0, 0.0, 1.0}, {2.0, 1.0, 1.0}}, float64);
  const auto model = [](const Array& rows) { return rows[{slice(), 0}] * square(rows[{slice(), 1}]) + rows[{slice(), 2}]; };
  for (const auto& found : {explain::shapley(model, x, background), explain::shapley_sampled(model, x, background),
                            explain::kernel_shap(model, x, background)}) {
    EXPECT_TRUE(allclose(found.values, array({{0.0, 49.0, 0.0}}, float64)));
  }
}

TEST(Shapley, groups_of_one_hot_columns_are_the_category_itself) {
  // The same model over the category's number and over its one-hot columns.
  const Array effects = array({1.0, -2.0, 5.0}, float64);
  const auto of_numbers = [&](const Array& rows) { return take(effects, rows[{slice(), 1}].astype(int64)) * rows[{slice(), 0}]; };
  const auto of_columns = [&](const Array& rows) { return matmul(rows[{slice(), slice(1, 4)}], effects) * rows[{slice(), 0}]; };
  const auto columns = [](const Array& rows) {
    return concatenate({rows[{slice(), slice(0, 1)}], one_hot(rows[{slice(), 1}].astype(int64), 3).astype(float64)}, 1);
  };
  const Array x = array({{0.5, 2.0}, {3.0, 0.0}}, float64), background = array({{1.0, 1.0}, {-1.0, 2.0}, {2.0, 0.0}}, float64);
  const auto found = explain::shapley(of_columns, columns(x), columns(background), {.groups = {{"category", {1, 2, 3}}}});
  EXPECT_TRUE(allclose(found.values, explain::shapley(of_numbers, x, background).values));
}

TEST(Shapley, one_feature_gets_everything) {
  const auto model = [](const Array& rows) { return square(rows[{slice(), 0}]); };
  const Array x = array({{3.0}}, float64), background = array({{1.0}, {2.0}}, float64);
  for (const auto& found : {explain::shapley(model, x, background), explain::shapley_sampled(model, x, background),
                            explain::kernel_shap(model, x, background)}) {
    EXPECT_DOUBLE_EQ(found.values.item(), 9 - 2.5);
    EXPECT_EQ(found.errors.item(), 0);
  }
}

TEST(Shapley, rows_with_different_targets_have_their_own_base) {
  const auto found = explain::kernel_shap(table_net, table_rows(), table_background(), {.target = array({0, 1})});
  const Array means = mean(table_net(table_background()), 0);
  EXPECT_NEAR(found.base[0].item(), means[0].item(), 1e-14);
  EXPECT_NEAR(found.base[1].item(), means[1].item(), 1e-14);
}

TEST(Shapley, refuses_what_it_cannot_do) {
  const auto model = [](const Array& rows) { return sum(rows, 1); };
  EXPECT_ERROR("shapley: there are 17 features; it takes 1 to 16", explain::shapley(model, ones({1, 17}), ones({2, 17})));
  EXPECT_ERROR("the background is (2, 4), x is (1, 3)", explain::shapley(model, ones({1, 3}), ones({2, 4})));
  EXPECT_ERROR("the background is (0, 3)", explain::shapley_sampled(model, ones({1, 3}), ones({0, 3})));
  EXPECT_ERROR("rounds is 1", explain::shapley_sampled(model, ones({1, 3}), ones({2, 3}), {.rounds = 1}));
  EXPECT_ERROR("samples is 60, there are 20 features", explain::kernel_shap(model, ones({1, 20}), ones({2, 20}), {.samples = 60}));
  EXPECT_ERROR("column 1 stands in two features", explain::features(3, {{"a", {0, 1}}, {"b", {1}}}));
  EXPECT_ERROR("feature \"a\" has column 3; there are 3", explain::features(3, {{"a", {3}}}));
  EXPECT_ERROR("there are 2 names for 3 columns", explain::features(3, {}, {"a", "b"}));
  EXPECT_ERROR("feature \"a\" has no columns", explain::features(3, {{"a", {}}}));
}

}  // namespace
}  // namespace explain_tests
