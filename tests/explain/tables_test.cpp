// What is asked of models for tables: permutation importance, dependence on features, counterfactuals, nearest examples.
#include <numeric>
#include <set>

#include "tests/explain/nets.hpp"

namespace explain_tests {
namespace {

// ---- permutation importance

const auto squared_error = [](const Array& output, const Array& target) { return mean(square(output - target)).item(); };

TEST(PermutationImportance, of_an_unused_column_is_zero) {
  const Array x = random::normal(random::key(1), {200, 4}), y = 3 * x[{slice(), 0}] - x[{slice(), 2}];
  const auto model = [](const Array& rows) { return 3 * rows[{slice(), 0}] - rows[{slice(), 2}]; };
  const auto found = explain::permutation_importance(model, x, y, squared_error, {.more_is_better = false, .repeats = 5});
  EXPECT_EQ(found.score, 0);
  EXPECT_EQ(found.means[1], 0);
  EXPECT_EQ(found.deviations[3], 0);
  EXPECT_EQ(found.order(), (std::vector<size_t>{0, 2, 1, 3}));
  EXPECT_EQ(found.names[2], "column 2");
  // E (3 (x - x'))^2 = 2 * 9 * var x.
  EXPECT_NEAR(found.means[0], 18, 3);
  EXPECT_GT(found.deviations[0], 0);
}

TEST(PermutationImportance, falls_are_those_of_the_shuffled_rows) {
  const Array x = random::normal(random::key(2), {60, 3}), y = x[{slice(), 0}] + 0.5 * x[{slice(), 1}];
  const auto model = [](const Array& rows) { return rows[{slice(), 0}] + rows[{slice(), 1}] * rows[{slice(), 2}]; };
  const auto loss_of = [&](bool more) {
    return explain::permutation_importance(model, x, y, loss::mean_squared_error,
                                           {.more_is_better = more, .repeats = 4, .seed = 7, .batch_size = 11});
  };
  const auto as_loss = loss_of(false), as_score = loss_of(true);
  EXPECT_NEAR(as_loss.score, squared_error(model(x), y), 1e-6);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_DOUBLE_EQ(as_loss.means[i], -as_score.means[i]);
    ASSERT_EQ(as_loss.repeats[i].size(), 4u);
    double sum = 0, squares = 0;
    for (const double one : as_loss.repeats[i]) sum += one;
    for (const double one : as_loss.repeats[i]) squares += (one - sum / 4) * (one - sum / 4);
    EXPECT_NEAR(as_loss.means[i], sum / 4, 1e-12);
    EXPECT_NEAR(as_loss.deviations[i], std::sqrt(squares / 3), 1e-12);
  }
  EXPECT_EQ(as_loss.repeats, loss_of(false).repeats);
}

TEST(PermutationImportance, shuffles_groups_together) {
  // Two columns that are equal: shuffled together their difference stays.
  const Array one = random::normal(random::key(3), {100, 1}), x = concatenate({one, one, random::normal(random::key(4), {100, 1})}, 1);
  const auto model = [](const Array& rows) { return rows[{slice(), 0}] - rows[{slice(), 1}]; };
  const Array y = zeros({100});
  const auto alone = explain::permutation_importance(model, x, y, squared_error, {.more_is_better = false});
  EXPECT_GT(alone.means[0], 1);
  const auto together =
      explain::permutation_importance(model, x, y, squared_error, {.more_is_better = false, .groups = {{"both", {0, 1}}}});
  EXPECT_EQ(together.names, (std::vector<std::string>{"both", "column 2"}));
  EXPECT_EQ(together.means[0], 0);
}

TEST(PermutationImportance, takes_metrics_of_the_library) {
  const Array x = random::normal(random::key(5), {300, 2}), y = (x[{slice(), 1}] > 0).astype(int64);
  const auto model = [](const Array& rows) { return 5 * rows[{slice(), slice(1, 2)}]; };
  const auto found = explain::permutation_importance(model, x, y, metrics::accuracy, {.names = {"a", "b"}});
  EXPECT_EQ(found.score, 1);
  EXPECT_EQ(found.means[0], 0);
  EXPECT_NEAR(found.means[1], 0.5, 0.05);
  EXPECT_ERROR("y is (2,), x has 300 rows", explain::permutation_importance(model, x, ones({2}), metrics::accuracy));
  EXPECT_ERROR("the score is (300,)", explain::permutation_importance(model, x, y, [](const Array& a, const Array&) {
                 return a[{slice(), 0}];
               }));
  EXPECT_ERROR("it must be (rows, columns) with at least 2 rows",
               explain::permutation_importance(model, x[slice(0, 1)], y[slice(0, 1)], metrics::accuracy));
}

// ---- dependence

TEST(Dependence, of_a_linear_model_is_its_line) {
  const Array w = array({2.0, -0.5, 1.0}, float64), x = random::normal(random::key(6), {50, 3}, 0, 1, float64);
  const auto model = [&](const Array& rows) { return matmul(rows, w) + 4; };
  const auto found = explain::partial_dependence(model, x, 0, {.points = 7, .batch_size = 13});
  ASSERT_EQ(found.axis.values.size(), 7u);
  const double rest = mean(matmul(x[{slice(), slice(1, 3)}], w[slice(1, 3)])).item() + 4;
  for (size_t i = 0; i < 7; ++i) EXPECT_NEAR(found.means[i], 2 * found.axis.values[i] + rest, 1e-12);
  EXPECT_EQ(found.curves.shape(), (Shape{50, 7}));
  EXPECT_TRUE(allclose(mean(found.curves, 0), array(found.means)));
  EXPECT_NEAR(at(found.curves, 9, 3), 2 * found.axis.values[3] + (matmul(x[{9, slice(1, 3)}], w[slice(1, 3)]).item()) + 4, 1e-12);

  const auto local = explain::accumulated_local_effects(model, x, 0, {.bins = 6});
  double center = 0;
  for (size_t i = 1; i < local.values.size(); ++i) {
    EXPECT_NEAR((local.values[i] - local.values[i - 1]) / (local.edges[i] - local.edges[i - 1]), 2, 1e-10);
    center += static_cast<double>(local.counts[i - 1]) * (local.values[i] + local.values[i - 1]) / 2;
  }
  EXPECT_NEAR(center, 0, 1e-10);
  EXPECT_EQ(std::accumulate(local.counts.begin(), local.counts.end(), int64_t{0}), 50);
  EXPECT_EQ(local.edges.front(), min(x[{slice(), 0}]).item());
  EXPECT_EQ(local.edges.back(), max(x[{slice(), 0}]).item());
}

TEST(Dependence, grid_lies_at_quantiles_or_at_all_values) {
  const auto model = [](const Array& rows) { return rows[{slice(), 0}]; };
  const Array x = reshape(arange(101).astype(float64), {101, 1});
  const auto quantiles = explain::partial_dependence(model, x, 0, {.points = 5, .low = 0.1, .high = 0.9});
  EXPECT_TRUE(allclose(array(quantiles.axis.values), array({10, 30, 50, 70, 90})));
  const auto few = explain::partial_dependence(model, array({{3.0}, {1.0}, {3.0}}), 0);
  EXPECT_EQ(few.axis.values, (std::vector<double>{1, 3}));
  EXPECT_EQ(few.means, (std::vector<double>{1, 3}));
  const auto own = explain::partial_dependence(model, x, 0, {.grid = {-1, 7}});
  EXPECT_EQ(own.means, (std::vector<double>{-1, 7}));
}

TEST(Dependence, of_a_category_sets_one_of_its_columns) {
  const Array w = array({1.0, 10.0, 20.0, 30.0}), x = array({{1.0, 1.0, 0.0, 0.0}, {3.0, 0.0, 0.0, 1.0}});
  const auto model = [&](const Array& rows) { return matmul(rows, w); };
  const auto found = explain::partial_dependence(model, x, explain::Feature{"colour", {1, 2, 3}});
  EXPECT_TRUE(found.axis.is_category);
  EXPECT_EQ(found.axis.name, "colour");
  EXPECT_EQ(found.axis.values, (std::vector<double>{0, 1, 2}));
  EXPECT_EQ(found.means, (std::vector<double>{12, 22, 32}));
  EXPECT_ERROR("\"colour\" has 3 categories", explain::partial_dependence(model, x, explain::Feature{"colour", {1, 2, 3}}, {.grid = {3}}));
}

TEST(Dependence, on_two_features_shows_what_they_do_together) {
  const Array x = random::normal(random::key(7), {20, 3}, 0, 1, float64);
  const auto model = [](const Array& rows) { return rows[{slice(), 0}] * rows[{slice(), 2}] + rows[{slice(), 1}]; };
  const auto found = explain::partial_dependence_2d(model, x, 0, 2, {.grid = {1, 2, 3}, .second_grid = {-1, 5}, .batch_size = 17});
  const double rest = mean(x[{slice(), 1}]).item();
  ASSERT_EQ(found.means.size(), 6u);
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 2; ++j) EXPECT_NEAR(found.means[i * 2 + j], found.first.values[i] * found.second.values[j] + rest, 1e-12);
  }
  EXPECT_ERROR("column 1 stands in two features", explain::partial_dependence_2d(model, x, 1, 1));
}

TEST(Dependence, local_effects_stay_where_the_rows_are) {
  // Two columns that are nearly equal, and a model that is wild where they differ: partial dependence sees that, local effects do not.
  const Array a = random::uniform(random::key(8), {500, 1}, 0, 1, float64);
  const Array x = concatenate({a, a + 0.01 * random::normal(random::key(9), {500, 1}, 0, 1, float64)}, 1);
  const auto model = [](const Array& rows) {
    const Array apart = rows[{slice(), 0}] - rows[{slice(), 1}];
    return rows[{slice(), 0}] + 1000 * maximum(abs(apart) - 0.2, 0);
  };
  const auto local = explain::accumulated_local_effects(model, x, 0, {.bins = 10});
  EXPECT_NEAR(local.values.back() - local.values.front(), local.edges.back() - local.edges.front(), 1e-9);
  const auto partial = explain::partial_dependence(model, x, 0);
  EXPECT_GT(partial.means.front(), 50);
}

TEST(Dependence, on_a_column_of_integers_is_asked_at_integers) {
  const Array x = reshape(arange(50), {50, 1});
  const auto model = [](const Array& rows) { return rows[{slice(), 0}].astype(float64) * 2; };
  const auto found = explain::partial_dependence(model, x, 0, {.points = 4});
  for (size_t i = 0; i < found.means.size(); ++i) {
    EXPECT_EQ(found.axis.values[i], std::floor(found.axis.values[i]));
    EXPECT_EQ(found.means[i], 2 * found.axis.values[i]);
  }
  const auto local = explain::accumulated_local_effects(model, x, 0, {.bins = 6});
  for (size_t i = 1; i < local.edges.size(); ++i) {
    EXPECT_NEAR(local.values[i] - local.values[i - 1], 2 * (local.edges[i] - local.edges[i - 1]), 1e-12);
  }
}

TEST(Dependence, a_row_on_an_edge_belongs_to_the_bin_below) {
  const Array x = array({{0.0}, {1.0}, {2.0}, {3.0}}, float64);
  const auto local = explain::accumulated_local_effects([](const Array& rows) { return square(rows[{slice(), 0}]); }, x, 0, {.bins = 3});
  EXPECT_TRUE(allclose(array(local.edges), array({0, 1, 2, 3})));
  EXPECT_EQ(local.counts, (std::vector<int64_t>{2, 1, 1}));
  // The square less its mean over the rows, taken in the middle of each bin.
  const double center = (2 * 0.5 + 2.5 + 6.5) / 4;
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(local.values[i], static_cast<double>(i * i) - center, 1e-12);
}

TEST(Dependence, two_values_of_a_binary_answer_are_two_values) {
  const Array x = random::normal(random::key(1), {20, 2});
  const auto found = explain::partial_dependence(
      [](const Array& rows) {
        return rows[{slice(), slice(0, 1)}];
      },
      x, 0, {.scale = explain::Scale::probability, .grid = {0, 100}});
  EXPECT_EQ(found.means, (std::vector<double>{0.5, 1}));
}

TEST(Dependence, of_a_constant_column_is_flat) {
  const Array x = concatenate({ones({10, 1}), random::uniform(random::key(1), {10, 1})}, 1);
  const auto local = explain::accumulated_local_effects([](const Array& rows) { return sum(rows, 1); }, x, 0);
  EXPECT_EQ(local.edges, (std::vector<double>{1}));
  EXPECT_EQ(local.values, (std::vector<double>{0}));
}

TEST(Dependence, needs_one_output_for_all_rows) {
  EXPECT_ERROR("the model has 2 outputs and no .target", explain::partial_dependence(table_net, table_rows(), 0));
  EXPECT_ERROR("the model has 2 outputs and no .target", explain::accumulated_local_effects(table_net, table_rows(), 0));
  EXPECT_ERROR("feature \"\" has column 5; there are 5", explain::accumulated_local_effects(table_net, table_rows(), 5, {.target = 0}));
  Array x = table_rows();
  x.set({1, 2}, std::nan(""));
  EXPECT_ERROR("column 2 of row 1 is nan", explain::partial_dependence([](const Array& rows) { return nansum(rows, 1); }, x, 2));
}

// ---- counterfactuals

// Class 1 where 2 a - b + (colour is the third) > 3; column 2 does nothing, columns 3 to 5 are the colour.
Array logits(const Array& rows) { return matmul(rows, array({2.0, -1.0, 0.0, 0.0, 0.0, 1.0}).astype(rows.dtype())) - 3; }
const explain::Feature kColour{"colour", {3, 4, 5}};

void expect_valid(const explain::Counterfactuals& found, const Array& x) {
  ASSERT_FALSE(found.found.empty()) << found.reason;
  for (const auto& one : found.found) {
    EXPECT_EQ(one.x.dtype(), x.dtype());
    const int64_t label = logits(reshape(one.x, {1, 6})).item() > 0;
    EXPECT_NE(label, found.label);
    EXPECT_EQ(one.label, label);
    EXPECT_FALSE(one.changes.empty());
    EXPECT_EQ(sum(one.x[slice(3, 6)]).item(), 1);
  }
}

TEST(Counterfactuals, are_the_smallest_change_of_one_feature) {
  const Array x = array({1.0, 0.0, 9.0, 1.0, 0.0, 0.0}, float64);
  const auto found =
      explain::counterfactuals(logits, x, {.rules = {{.feature = kColour}}, .names = {"a", "b", "c", "", "", ""}, .count = 2});
  expect_valid(found, x);
  EXPECT_EQ(found.label, 0);
  ASSERT_EQ(found.found.size(), 2u);
  // a alone from 1 to 1.5, b alone from 0 to -1: the nearer one first.
  EXPECT_EQ(found.found[0].changes.size(), 1u);
  EXPECT_EQ(found.found[0].changes[0].name, "a");
  EXPECT_NEAR(found.found[0].changes[0].to, 1.5, 0.01);
  EXPECT_EQ(found.found[1].changes[0].name, "b");
  EXPECT_NEAR(found.found[1].changes[0].to, -1, 0.02);
  EXPECT_EQ(found.found[0].distance, 0.5 + (found.found[0].changes[0].to - 1.5));
  // Past the boundary by a thousandth of where x lies before it, so that the answer does not hang on the last bit.
  for (const auto& one : found.found) EXPECT_GT(logits(reshape(one.x, {1, 6})).item(), 1e-3);
}

TEST(Counterfactuals, obey_the_rules) {
  const Array x = array({1.0, 0.0, 9.0, 1.0, 0.0, 0.0});
  for (const bool uses_gradients : {true, false}) {
    const auto found = explain::counterfactuals(logits, x,
                                                {.rules = {{.feature = {"a", {0}}, .is_integer = true, .low = 0, .high = 1.9},
                                                           {.feature = {"b", {1}}, .low = -0.1, .high = 3},
                                                           {.feature = {"c", {2}}, .is_immutable = true},
                                                           {.feature = kColour}},
                                                 .uses_gradients = uses_gradients});
    // a may not reach 2 and b not go below -0.1: the colour alone gives 3 - 3 = 0, with b a little more.
    expect_valid(found, x);
    for (const auto& one : found.found) {
      EXPECT_EQ(one.x[0].item(), 1);
      EXPECT_EQ(one.x[2].item(), 9);
      EXPECT_EQ(one.x[5].item(), 1);
      EXPECT_GE(one.x[1].item(), -0.1);
      EXPECT_LT(one.x[1].item(), 0);
      EXPECT_EQ(one.changes.size(), 2u);
    }
  }
}

TEST(Counterfactuals, change_integers_to_integers) {
  const Array x = array({-3.0, 0.5, 0.0, 1.0, 0.0, 0.0});
  const auto found = explain::counterfactuals(logits, x,
                                              {.rules = {{.feature = {"a", {0}}, .is_integer = true},
                                                         {.feature = {"b", {1}}, .is_immutable = true},
                                                         {.feature = kColour, .is_immutable = true}}});
  expect_valid(found, x);
  EXPECT_EQ(found.found[0].x[0].item(), 2);  // 2 a > 3.5
  const auto of_integers =
      explain::counterfactuals(logits, array({-3, 0, 0, 1, 0, 0}), {.rules = {{.feature = kColour, .is_immutable = true}}});
  ASSERT_FALSE(of_integers.found.empty());
  EXPECT_EQ(of_integers.found[0].x.dtype(), int64);
}

TEST(Counterfactuals, say_why_there_are_none) {
  const Array x = array({1.0, 0.0, 9.0, 1.0, 0.0, 0.0});
  const auto fixed = [](int64_t column) { return explain::ChangeRule{.feature = {"", {column}}, .is_immutable = true}; };
  const auto rigid =
      explain::counterfactuals(logits, x, {.rules = {fixed(0), fixed(1), fixed(2), {.feature = kColour, .is_immutable = true}}});
  EXPECT_TRUE(rigid.found.empty());
  EXPECT_EQ(rigid.reason, "every feature is immutable");
  const auto useless = explain::counterfactuals(logits, x, {.rules = {fixed(0), fixed(1), {.feature = kColour, .is_immutable = true}}});
  EXPECT_TRUE(useless.found.empty());
  EXPECT_NE(useless.reason.find("is another class than 0; the nearest was 1 short of it"), std::string::npos) << useless.reason;
  EXPECT_GT(useless.evaluations, 0);
}

TEST(Counterfactuals, come_to_the_wanted_class_of_a_trained_network) {
  // Three clouds; each query is asked to become each other class.
  const Array centers = array({{0.0, 0.0}, {4.0, 0.0}, {0.0, 4.0}});
  const Array labels = floor_divide(arange(300), 100), x = take(centers, labels, 0) + random::normal(random::key(11), {300, 2}, 0, 0.7);
  nn::Sequential net{nn::Dense(16, relu), nn::Dense(3)};
  random::seed(0);
  train::fit(net, data::Dataset(x, labels),
             {.loss = loss::sparse_categorical_crossentropy, .optimizer = optim::Adam(1e-2), .epochs = 30, .verbose = false});
  for (const int64_t row : {3, 150, 280}) {
    const int64_t label = argmax(net(x[slice(row, row + 1)]), 1).item<int64_t>();
    for (int64_t wanted = 0; wanted < 3; ++wanted) {
      if (wanted == label) continue;
      const auto found = explain::counterfactuals(net, x[row], {.wanted = wanted, .data = x});
      ASSERT_FALSE(found.found.empty()) << found.reason;
      for (const auto& one : found.found) {
        EXPECT_EQ(argmax(net(reshape(one.x, {1, 2})), 1).item<int64_t>(), wanted);
        for (int64_t column = 0; column < 2; ++column) {
          EXPECT_GE(one.x[column].item(), min(x[{slice(), column}]).item());
          EXPECT_LE(one.x[column].item(), max(x[{slice(), column}]).item());
        }
      }
    }
  }
  EXPECT_ERROR("already; another must be wanted",
               explain::counterfactuals(net, x[3], {.wanted = argmax(net(x[slice(3, 4)]), 1).item<int64_t>()}));
  EXPECT_ERROR("class 3 is wanted; the model has 3", explain::counterfactuals(net, x[3], {.wanted = 3}));
}

TEST(Counterfactuals, of_models_without_gradients_and_where_two_must_change) {
  // Both must pass 1; a step function says nothing on the way.
  const auto tree = [](const Array& rows) { return ((rows[{slice(), 0}] > 1) & (rows[{slice(), 1}] > 1)).astype(float32) - 0.5; };
  const Array x = zeros({3}), data = 3 * random::uniform(random::key(12), {60, 3});
  const auto found = explain::counterfactuals(tree, x, {.data = data});
  ASSERT_FALSE(found.found.empty()) << found.reason;
  EXPECT_EQ(found.found[0].changes.size(), 2u);
  EXPECT_NEAR(found.found[0].x[0].item(), 1, 0.01);
  EXPECT_NEAR(found.found[0].x[1].item(), 1, 0.01);
  EXPECT_EQ(found.found[0].x[2].item(), 0);
}

TEST(Counterfactuals, bounds_hold_in_float32) {
  // 0.1f lies above 0.1: the largest float32 that is allowed is the one below it.
  const auto model = [](const Array& rows) { return rows[{slice(), 0}] - 0.05; };
  const auto found = explain::counterfactuals(model, zeros({1}), {.rules = {{.feature = {"a", {0}}, .low = -1, .high = 0.1}}});
  ASSERT_FALSE(found.found.empty());
  EXPECT_LE(found.found[0].x[0].item(), 0.1);
  EXPECT_NEAR(found.found[0].x[0].item(), 0.05, 1e-3);
}

TEST(Counterfactuals, reach_a_bound_that_no_float32_is_equal_to) {
  // Only the last float32 below 0.1 is enough.
  const auto tree = [](const Array& rows) { return (rows[{slice(), 0}] > 0.09999999f).astype(float32) - 0.5; };
  const auto found = explain::counterfactuals(tree, zeros({1}), {.rules = {{.feature = {"a", {0}}, .low = -1, .high = 0.1}}});
  ASSERT_FALSE(found.found.empty()) << found.reason;
  EXPECT_LE(found.found[0].x[0].item(), 0.1);
}

TEST(Counterfactuals, stay_in_the_range_of_the_data_unless_told_otherwise) {
  const auto model = [](const Array& rows) { return rows[{slice(), 0}] - 5; };
  const Array data = array({{0.0, 1.0}, {4.0, 2.0}, {2.0, 0.0}}), x = array({1.0, 1.0});
  EXPECT_TRUE(explain::counterfactuals(model, x, {.data = data}).found.empty());
  const auto found = explain::counterfactuals(model, x, {.rules = {{.feature = {"a", {0}}, .high = 6}}, .data = data});
  ASSERT_FALSE(found.found.empty()) << found.reason;
  EXPECT_NEAR(found.found[0].x[0].item(), 5, 0.02);
  const auto below = [](const Array& rows) { return -1 - rows[{slice(), 0}]; };
  EXPECT_TRUE(explain::counterfactuals(below, x, {.data = data}).found.empty());
}

TEST(Counterfactuals, follow_the_gradient_where_features_must_move_together) {
  // A ridge along a = b: no step of one feature alone leads up.
  const auto ridge = [](const Array& rows) {
    return -50 * square(rows[{slice(), 0}] - rows[{slice(), 1}]) + rows[{slice(), 0}] + rows[{slice(), 1}] - 3;
  };
  const auto found = explain::counterfactuals(ridge, zeros({2}));
  ASSERT_FALSE(found.found.empty()) << found.reason;
  EXPECT_GT(ridge(reshape(found.found[0].x, {1, 2})).item(), 0);
  EXPECT_TRUE(explain::counterfactuals(ridge, zeros({2}), {.uses_gradients = false}).found.empty());
}

TEST(Counterfactuals, hold_for_the_row_alone) {
  // A model that answers otherwise in company: what it says of many rows at once is no answer.
  const auto model = [](const Array& rows) { return rows.shape(0) == 1 ? 0 * rows[{slice(), 0}] - 1 : rows[{slice(), 0}] - 1; };
  EXPECT_TRUE(explain::counterfactuals(model, zeros({2})).found.empty());
}

TEST(Counterfactuals, are_the_same_for_a_seed) {
  const Array x = array({1.0, 0.0, 9.0, 1.0, 0.0, 0.0});
  const auto run = [&] { return explain::counterfactuals(logits, x, {.rules = {{.feature = kColour}}, .seed = 4}); };
  const auto one = run(), other = run();
  ASSERT_EQ(one.found.size(), other.found.size());
  for (size_t i = 0; i < one.found.size(); ++i) EXPECT_TRUE(array_equal(one.found[i].x, other.found[i].x));
}

TEST(Counterfactuals, keep_the_rules_of_many_random_networks) {
  int64_t answers = 0;
  for (int64_t seed = 0; seed < 20; ++seed) {
    nn::Sequential net{nn::Dense(8, tanh), nn::Dense(3)};
    random::seed(seed);
    const Array data = concatenate(
        {random::normal(random::key(seed), {40, 3}, 0, 2), one_hot(random::integers(random::key(seed + 99), {40}, 0, 3), 3)}, 1);
    const Array x = data[0];
    net(data);
    const auto found = explain::counterfactuals(net, x,
                                                {.rules = {{.feature = {"a", {0}}, .is_immutable = seed % 2 == 0},
                                                           {.feature = {"b", {1}}, .is_integer = true, .low = -3, .high = 2.5},
                                                           {.feature = kColour, .is_immutable = seed % 3 == 0}},
                                                 .data = seed % 4 == 0 ? Array() : data,
                                                 .uses_gradients = seed % 5 != 0,
                                                 .seed = seed});
    const int64_t before = argmax(net(reshape(x, {1, 6})), 1).item<int64_t>();
    EXPECT_EQ(found.label, before);
    EXPECT_EQ(found.found.empty(), !found.reason.empty());
    std::set<std::vector<std::string>> sets;
    for (const auto& one : found.found) {
      ++answers;
      EXPECT_NE(argmax(net(reshape(one.x, {1, 6})), 1).item<int64_t>(), before) << seed;
      const std::vector<double> from = numbers(x), to = numbers(one.x);
      if (seed % 2 == 0) {
        EXPECT_EQ(to[0], from[0]);
      }
      if (to[1] != from[1]) {
        EXPECT_EQ(to[1], std::round(to[1]));
        EXPECT_GE(to[1], -3);
        EXPECT_LE(to[1], 2);
      }
      EXPECT_EQ(to[3] + to[4] + to[5], 1);
      EXPECT_EQ(to[3] * to[3] + to[4] * to[4] + to[5] * to[5], 1);
      if (seed % 3 == 0) {
        EXPECT_EQ(std::vector<double>(to.begin() + 3, to.end()), std::vector<double>(from.begin() + 3, from.end()));
      }
      std::vector<std::string> names;
      for (const auto& change : one.changes) names.push_back(change.name);
      EXPECT_TRUE(sets.insert(names).second) << "two answers change the same features";
      // No change could have been left out.
      for (const auto& change : one.changes) {
        Array less = one.x;
        if (change.is_category) less.set({slice(3, 6)}, x[slice(3, 6)]);
        else less.set({change.name == "a" ? 0 : change.name == "b" ? 1 : 2}, x[change.name == "a" ? 0 : change.name == "b" ? 1 : 2]);
        const Array margins = net(reshape(less, {1, 6}));
        const double own = at(margins, 0, before), best = max(margins).item();
        EXPECT_LT(best - own, 1e-2) << seed << " " << change.name;
      }
    }
  }
  EXPECT_GT(answers, 30);
}

TEST(Counterfactuals, refuse_wrong_rules) {
  const Array x = zeros({6});
  EXPECT_ERROR("\"a\" has low 2, high 1", explain::counterfactuals(logits, x, {.rules = {{.feature = {"a", {0}}, .low = 2, .high = 1}}}));
  EXPECT_ERROR("data is (3, 5), x has 6 columns", explain::counterfactuals(logits, x, {.data = zeros({3, 5})}));
  EXPECT_ERROR("x is (2, 6); it must be one row", explain::counterfactuals(logits, zeros({2, 6})));
  EXPECT_ERROR("count is 0", explain::counterfactuals(logits, x, {.count = 0}));
  EXPECT_ERROR("column 0 is inf", explain::counterfactuals(logits, x + std::numeric_limits<double>::infinity()));
}

// ---- nearest examples

std::vector<std::pair<double, int64_t>> by_loop(const Array& query, const Array& data) {
  std::vector<std::pair<double, int64_t>> all;
  for (int64_t row = 0; row < data.shape(0); ++row) {
    all.emplace_back(std::sqrt(sum(square(data[row].astype(float64) - query.astype(float64))).item()), row);
  }
  std::sort(all.begin(), all.end());
  return all;
}

TEST(NearestExamples, are_those_of_a_loop) {
  for (const double offset : {0.0, 1000.0}) {  // far from 0 float32 products alone would lose all digits
    const Array data = random::normal(random::key(13), {500, 3, 4}) + offset, queries = random::normal(random::key(14), {5, 3, 4}) + offset;
    const auto found = explain::nearest_examples(queries, data, {.count = 9});
    for (int64_t q = 0; q < 5; ++q) {
      const auto expected = by_loop(queries[q], data);
      for (int64_t i = 0; i < 9; ++i) {
        EXPECT_EQ((found.rows[{q, i}].item<int64_t>()), expected[static_cast<size_t>(i)].second) << offset;
        EXPECT_NEAR((at(found.distances, q, i)), expected[static_cast<size_t>(i)].first, 1e-9);
      }
    }
  }
}

TEST(NearestExamples, of_equal_rows_are_the_first) {
  const Array one = random::normal(random::key(15), {1, 20}), data = repeat(one, 300, 0);
  const auto found = explain::nearest_examples(one, data, {.count = 3});
  EXPECT_TRUE(array_equal(found.rows, array({{0, 1, 2}})));
  EXPECT_TRUE(array_equal(found.distances, zeros({1, 3}, float64)));
}

TEST(NearestExamples, by_angle) {
  const Array data = array({{2.0, 0.0}, {0.0, 1.0}, {0.0, 0.0}, {5.0, 5.0}, {-1.0, 0.0}});
  const auto found = explain::nearest_examples(array({{1.0, 0.1}}), data, {.count = 5, .by = explain::Likeness::cosine});
  EXPECT_TRUE(array_equal(found.rows, array({{0, 3, 1, 2, 4}})));
  EXPECT_EQ((at(found.distances, 0, 3)), 1);
  EXPECT_NEAR((at(found.distances, 0, 0)), 1 - 1 / std::sqrt(1.01), 1e-7);
}

TEST(NearestExamples, by_angle_are_those_of_a_loop) {
  // Nearly the same direction: float32 knows the cosines to 7 digits only.
  const Array data = random::normal(random::key(16), {400, 30}) + 300, query = random::normal(random::key(17), {1, 30}) + 300;
  const auto found = explain::nearest_examples(query, data, {.count = 7, .by = explain::Likeness::cosine});
  const Array q = query.astype(float64), d = data.astype(float64);
  const Array distances = 1 - sum(q * d, 1) / (sqrt(sum(q * q, 1)) * sqrt(sum(d * d, 1)));
  EXPECT_TRUE(array_equal(found.rows[0], argsort(distances)[slice(0, 7)]));
  EXPECT_LT(max(abs(found.distances[0] - sort(distances)[slice(0, 7)])).item(), 1e-14);
}

TEST(NearestExamples, refuse_numbers_that_are_not_finite) {
  const Array data = array({{1.0}, {std::nan("")}});
  EXPECT_ERROR("data has numbers in row 1 that are not finite", explain::nearest_examples(ones({1, 1}), data, {.count = 1}));
  EXPECT_ERROR("count is 5, there are 2 rows", explain::nearest_examples(ones({1, 1}), ones({2, 1})));
  EXPECT_ERROR("the background is (2, 2), x is (1, 1)", explain::nearest_examples(ones({1, 1}), ones({2, 2}), {.count = 1}));
}

// ---- pictures

TEST(Pictures, resize_as_pytorch_does) {
  // torch.nn.functional.interpolate([[0, 1], [2, 3]], (3, 4), mode="bilinear", align_corners=False)
  const Array map = array({{0.0, 1.0}, {2.0, 3.0}});
  EXPECT_TRUE(allclose(explain::resize(map, 3, 4), array({{0.0, 0.25, 0.75, 1.0}, {1.0, 1.25, 1.75, 2.0}, {2.0, 2.25, 2.75, 3.0}})));
  EXPECT_TRUE(array_equal(explain::resize(map, 2, 2), map));
  EXPECT_TRUE(allclose(explain::resize(ones({3, 5, 7}), 2, 9), ones({3, 2, 9})));
}

TEST(Pictures, colours_are_signs) {
  const auto image = explain::signed_image(array({{1.0, 0.0, -1.0}}), {.full = 1});
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{178, 24, 43, 255, 255, 255, 33, 102, 172}));
  EXPECT_EQ(image.height, 1);
  EXPECT_EQ(image.width, 3);
  const auto over = explain::overlay(array({{1.0, 0.0, 1.0}}), array({{0.0, 0.0, -3.0}}));
  EXPECT_EQ(over.pixels, (std::vector<uint8_t>{255, 255, 255, 89, 89, 89, 100, 148, 197}));
}

TEST(Pictures, heat_maps_are_scaled_by_a_quantile) {
  const auto map = explain::heat_map("t", array({{100.0, 1.0}, {-2.0, 0.5}}), {"a", "b"}, {}, {.full = 0.75});
  EXPECT_EQ(map.values, (std::vector<double>{1, 0.5, -1, 0.25}));
  EXPECT_EQ(map.row_names[1], "b");
  EXPECT_EQ(explain::scaled_to_one(zeros({3})), (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(explain::scaled_to_one(array({0.0, 0.0, 0.0, 5.0}), {.full = 0.5}), (std::vector<double>{0, 0, 0, 1}));
  EXPECT_TRUE(array_equal(explain::over_channels(array({{{1, 2}, {3, 4}}})), array({{3, 7}})));
}

TEST(Pictures, refuse_maps_that_do_not_fit) {
  EXPECT_ERROR("there are 1 names, the map is (2, 2)", explain::heat_map("t", ones({2, 2}), {"a"}));
  EXPECT_ERROR("the image is (2, 3), the map (2, 2)", explain::overlay(ones({2, 3}), ones({2, 2})));
  EXPECT_ERROR("the map has nan", explain::signed_image(array({{std::nan("")}})));
  EXPECT_ERROR("full is 0", explain::signed_image(ones({1, 1}), {.full = 0}));
  EXPECT_ERROR("the size is 0 x 2", explain::resize(ones({2, 2}), 0, 2));
  EXPECT_ERROR("the map is (2,)", explain::signed_image(ones({2})));
}

}  // namespace
}  // namespace explain_tests
