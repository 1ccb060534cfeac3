// Wrong calls of explanations.
#include <cmath>

#include "gradus/explain/explain.hpp"
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

namespace {

nn::Sequential image_net() {
  nn::Sequential net{nn::Conv2D(2, 3, relu), nn::Flatten(), nn::Dense(4)};
  nn::build(net, {1, 6, 6, 1});
  return net;
}
const auto row_sums = [](const Array& rows) { return sum(rows, 1); };
// Counterfactuals of the first `rows` rows of a table.
void of_table(int64_t rows, const explain::TableCounterfactualOptions& options, bool has_data = true) {
  const data::Table table({data::Column::numeric("age", {20, 30, 40, 50}), data::Column::categorical("vote", {"no", "no", "yes", "yes"})});
  preprocess::Pipeline pipeline{preprocess::Standardise()};
  pipeline.fit(table, "vote");
  explain::TableCounterfactualOptions all = options;
  if (has_data) all.data = table;
  explain::table_counterfactuals([](const Array& x) { return concatenate({x, -x}, 1); }, pipeline, table.rows(0, rows), all);
}
const auto logits = [](const Array& rows) { return concatenate({rows, -rows}, 1); };

data::Table ages(std::vector<double> values) { return data::Table({data::Column::numeric("age", std::move(values))}); }
preprocess::Pipeline two_ages() {
  preprocess::Pipeline pipeline{preprocess::Standardise()};
  pipeline.fit(ages({31, 47}));
  return pipeline;
}

}  // namespace

Provocations explanation_provocations() {
  return {
      // What is explained.
      PROVOKE(explain::saliency(image_net(), zeros({2, 6, 6, 1}), {.target = 4})),
      PROVOKE(explain::saliency(image_net(), zeros({2, 6, 6, 1}), {.target = array({0, 1, 2})})),
      PROVOKE(explain::saliency(image_net(), zeros({2, 6, 6, 1}), {.target = [](const Array& output) { return output; }})),
      PROVOKE(explain::saliency(image_net(), zeros({0, 6, 6, 1}))),
      PROVOKE(explain::saliency(row_sums, zeros({2, 3}, int64))),
      PROVOKE(explain::saliency(row_sums, array({{0.0}, {std::nan("")}}))),
      PROVOKE(explain::saliency([](const Array& x) { return x; }, zeros({2, 3, 4}))),
      PROVOKE(explain::saliency(
          [](const Array& x) {
            return zeros({x.shape(0), 0});
          },
          zeros({2, 3}))),
      PROVOKE(explain::saliency(row_sums, zeros({2, 3}), {.batch_size = 0})),
      PROVOKE(explain::partial_dependence(logits, zeros({2, 3}), 0)),
      // Gradients and occlusion.
      PROVOKE(explain::smooth_grad(row_sums, zeros({2, 3}), {.noise = -1})),
      PROVOKE(explain::smooth_grad(row_sums, zeros({2, 3}), {.samples = 1, .kind = explain::SmoothKind::variance})),
      PROVOKE(explain::expected_gradients(row_sums, zeros({2, 3}), zeros({5, 4}))),
      PROVOKE(explain::expected_gradients(row_sums, zeros({2, 3}), zeros({5, 3}), {.samples = 1})),
      PROVOKE(explain::integrated_gradients(row_sums, zeros({2, 3}), {.baseline = zeros({2})})),
      PROVOKE(explain::integrated_gradients(row_sums, zeros({2, 3}), {.baseline = 0, .baselines = zeros({2, 3})})),
      PROVOKE(explain::integrated_gradients(row_sums, zeros({2, 3}), {.steps = 0})),
      PROVOKE(explain::integrated_gradients(row_sums, zeros({2, 3}), {.most_steps = 1})),
      PROVOKE(explain::integrated_gradients(row_sums, zeros({2, 3}), {.tolerance = -1})),
      PROVOKE(explain::occlusion(image_net(), zeros({2, 6, 6, 1}), {.window = {3}})),
      PROVOKE(explain::occlusion(image_net(), zeros({2, 6, 6, 1}), {.window = {3, 3}, .stride = {4, 3}})),
      PROVOKE(explain::patches({28, 28, 1}, {0, 7})),
      PROVOKE(explain::patches({28}, {7, 7})),
      // Layers.
      PROVOKE(explain::activations(image_net(), zeros({1, 6, 6, 1}), "conv2")),
      PROVOKE(explain::activations(row_sums, zeros({1, 6}), "conv2d")),
      PROVOKE(explain::activations(nn::Sequential{nn::Residual(nn::Dense(3)), nn::Residual(nn::Dense(3))}, zeros({1, 3}), "body")),
      PROVOKE(explain::from_layer(image_net(), zeros({2, 6, 6, 1}), "flatten")),
      PROVOKE(explain::from_layer(image_net(), zeros({1, 6, 6, 1}), "flatten")(zeros({5, 7}))),
      PROVOKE(explain::class_activation(row_sums, zeros({1, 6}))),
      PROVOKE(explain::class_activation(image_net(), zeros({1, 6, 6, 1}), {.layer = "flatten"})),
      PROVOKE(explain::relevance(nn::Sequential{nn::Dense(4), nn::LayerNorm(), nn::Dense(2)}, zeros({1, 3}))),
      PROVOKE(explain::relevance(nn::Sequential{nn::Dense(4, softmax), nn::Dense(2)}, zeros({1, 3}))),
      PROVOKE(explain::relevance(image_net(), zeros({1, 6, 6, 1}), {.target = row_sums})),
      PROVOKE(explain::relevance(image_net(), zeros({1, 6, 6, 1}), {.epsilon = -1})),
      PROVOKE({
        const nn::ResultScope scope([](const nn::LayerCall&, const Array& result) { return result[0]; });
        nn::Dense(2)(ones({1, 3}));
      }),
      PROVOKE(explain::maximise(image_net(), {6, 6, 1})),
      PROVOKE(explain::maximise(image_net(), {6, 6, 1}, {.layer = "conv2d", .unit = 2})),
      PROVOKE(explain::maximise(image_net(), {6, 6, 1}, {.target = 0, .start = zeros({3})})),
      PROVOKE(explain::maximise(image_net(), {6, 6, 1}, {.target = 0, .l2 = -1})),
      PROVOKE(explain::maximise(image_net(), {6, 6, 1}, {.target = 0, .low = 1, .high = 0})),
      PROVOKE(explain::maximise(image_net(), {6, 6, 1}, {.target = 0, .dtype = int64})),
      PROVOKE(explain::attention_rollout({})),
      PROVOKE(explain::attention_rollout({{"block", false, ones({1, 2, 3, 4})}})),
      PROVOKE(explain::attention_rollout({}, {.residual = 2})),
      // Features.
      PROVOKE(explain::features(0)),
      PROVOKE(explain::features(3, {{"colour", {}}})),
      PROVOKE(explain::features(3, {{"colour", {1, 3}}})),
      PROVOKE(explain::features(3, {{"colour", {0, 1}}, {"size", {1, 2}}})),
      PROVOKE(explain::features(3, {}, {"age"})),
      PROVOKE(explain::shapley(row_sums, zeros({1, 20}), zeros({9, 20}))),
      PROVOKE(explain::shapley(row_sums, zeros({1, 3}), zeros({0, 3}))),
      PROVOKE(explain::shapley_sampled(row_sums, zeros({1, 3}), zeros({9, 3}), {.rounds = 1})),
      PROVOKE(explain::kernel_shap(row_sums, zeros({1, 30}), zeros({9, 30}), {.samples = 100})),
      PROVOKE(explain::permutation_importance(row_sums, zeros({1, 3}), zeros(1), loss::mean_squared_error)),
      PROVOKE(explain::permutation_importance(row_sums, zeros({4, 3}), zeros(5), loss::mean_squared_error)),
      PROVOKE(explain::permutation_importance(row_sums, zeros({4, 3}), zeros(4), [](const Array& a, const Array& b) { return a - b; })),
      PROVOKE(explain::permutation_importance(row_sums, zeros({4, 3}), zeros(4), [](const Array&, const Array&) { return std::nan(""); })),
      PROVOKE(explain::permutation_importance([](const Array&) { return zeros(1); }, zeros({4, 3}), zeros(4), loss::mean_squared_error)),
      PROVOKE(explain::partial_dependence(row_sums, zeros({4, 3, 2}), 0)),
      PROVOKE(explain::column_dependence(row_sums, two_ages(), data::Table(), "age")),
      PROVOKE(explain::column_dependence(row_sums, two_ages(), ages({31, 47}), "aeg")),
      PROVOKE(explain::column_dependence(row_sums, two_ages(), ages({std::nan("")}), "age")),
      PROVOKE(explain::column_dependence(row_sums, two_ages(), ages({31, 47}), "age", {.low = 0.9, .high = 0.1})),
      PROVOKE(explain::partial_dependence(row_sums, zeros({4, 3}), 0, {.low = 0.9, .high = 0.1})),
      PROVOKE(explain::partial_dependence(row_sums, zeros({4, 3}), 0, {.grid = {1, std::nan("")}})),
      PROVOKE(explain::partial_dependence(row_sums, zeros({4, 3}, int64), 0, {.grid = {0.5}})),
      PROVOKE(explain::partial_dependence(row_sums, zeros({4, 3}), explain::Feature{"colour", {0, 1}}, {.grid = {2}})),
      PROVOKE(explain::partial_dependence([](const Array& x) { return nansum(x, 1); }, array({{1.0}, {std::nan("")}}), 0)),
      // Counterfactuals and examples.
      PROVOKE(of_table(2, {})), PROVOKE(of_table(1, {}, false)), PROVOKE(of_table(1, {.fixed = {"agee"}})), PROVOKE(of_table(1, {.bound = 3})),
      PROVOKE(explain::counterfactuals(logits, zeros({2, 3}))),
      PROVOKE(explain::counterfactuals(logits, zeros({0}))),
      PROVOKE(explain::counterfactuals(logits, array({1.0, std::nan("")}))),
      PROVOKE(explain::counterfactuals(logits, array({1.0}), {.wanted = 0})),
      PROVOKE(explain::counterfactuals(logits, array({1.0}), {.wanted = 2})),
      PROVOKE(explain::counterfactuals(logits, array({1.0}), {.rules = {{.feature = {"age", {0}}, .low = 2, .high = 1}}})),
      PROVOKE(explain::counterfactuals(logits, array({1.0}), {.data = zeros({4, 2})})),
      PROVOKE(explain::counterfactuals(logits, array({1.0}), {.data = array({{std::nan("")}})})),
      PROVOKE(
          explain::counterfactuals(
              [](const Array& x) {
                return reshape(x, {1, 1, 3});
              },
              zeros({3}))),
      PROVOKE(
          explain::counterfactuals(
              [](const Array& x) {
                return zeros({x.shape(0), 0});
              },
              zeros({3}))),
      PROVOKE(explain::counterfactuals([](const Array& x) { return x / 0; }, ones({2}))),
      PROVOKE(explain::nearest_examples(zeros({1, 2}), zeros({3, 2}), {.count = 4})),
      PROVOKE(explain::nearest_examples(zeros({1, 2}), array({{0.0, std::nan("")}}), {.count = 1})),
      // Pictures.
      PROVOKE(explain::resize(zeros({2, 2}), 0, 4)),
      PROVOKE(explain::resize(zeros({2}), 4, 4)),
      PROVOKE(explain::over_channels(zeros({2}))),
      PROVOKE(explain::heat_map("importance", zeros({2, 2}), {"one"})),
      PROVOKE(explain::signed_image(zeros({2}))),
      PROVOKE(explain::signed_image(array({{std::nan("")}}))),
      PROVOKE(explain::signed_image(zeros({2, 2}), {.full = 0})),
      PROVOKE(explain::overlay(zeros({3, 3}), zeros({2, 2}))),
  };
}

}  // namespace errors
