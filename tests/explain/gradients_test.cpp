// Explanations by gradients, and occlusion: laws, and the values that captum 0.9.0 (torch 2.15, float64) gives for the same network.
#include <filesystem>

#include "tests/explain/nets.hpp"

namespace explain_tests {
namespace {

const Array kClasses = array({1, 3});

TEST(Gradients, agree_with_captum) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows();
  EXPECT_NEAR(at(net(x), 0, 0), 0.32017914008625453, 1e-12);
  const auto saliency = explain::saliency(net, x, {.target = kClasses});
  EXPECT_NEAR(total(saliency.values), 10.06842289176932, 1e-10);
  EXPECT_NEAR(fingerprint(saliency.values), -0.4759599258335877, 1e-10);
  EXPECT_EQ(saliency.labels, (std::vector<int64_t>{1, 3}));
  EXPECT_NEAR(saliency.output[1].item(), -0.001756500417995674, 1e-12);
  const auto product = explain::gradient_times_input(net, x, {.target = kClasses, .batch_size = 1});
  EXPECT_NEAR(total(product.values), 0.05795884143780075, 1e-10);
  EXPECT_NEAR(fingerprint(product.values), -0.08580688387565072, 1e-10);
}

TEST(Gradients, of_a_linear_model_are_its_weights) {
  const Array w = array({{1.0, -2.0}, {0.5, 3.0}, {0.0, 1.0}});
  const auto model = [&](const Array& x) { return matmul(x, w) + 1; };
  const Array x = random::normal(random::key(1), {4, 3});
  const auto one = explain::gradients(model, x, {.target = 1});
  EXPECT_TRUE(array_equal(one.values, broadcast_to(w[{slice(), 1}], {4, 3})));
  const auto each = explain::gradients(model, x, {.target = array({0, 1, 1, 0})});
  EXPECT_TRUE(array_equal(each.values[0], w[{slice(), 0}]));
  EXPECT_TRUE(array_equal(each.values[2], w[{slice(), 1}]));
  const auto margin = explain::gradients(model, x, {.target = [](const Array& y) { return y[{slice(), 0}] - y[{slice(), 1}]; }});
  EXPECT_TRUE(allclose(margin.values[3], w[{slice(), 0}] - w[{slice(), 1}]));
  EXPECT_TRUE(margin.labels.empty());
}

TEST(Gradients, the_largest_output_is_each_rows_own) {
  const auto model = [](const Array& x) { return concatenate({x, 2 * x[{slice(), slice(0, 1)}]}, 1); };
  const auto found = explain::gradients(model, array({{1.0, 0.0}, {-1.0, 3.0}}));
  EXPECT_EQ(found.labels, (std::vector<int64_t>{2, 1}));
  EXPECT_TRUE(array_equal(found.values, array({{2.0, 0.0}, {0.0, 1.0}})));
}

TEST(Gradients, scales_are_probabilities_and_their_logarithms) {
  const auto two = [](const Array& x) { return concatenate({x, zeros_like(x)}, 1); };
  const auto one = [](const Array& x) { return x; };
  const Array x = array({{0.7}}, float64);
  const double p = 1 / (1 + std::exp(-0.7));
  for (const auto scale : {explain::Scale::probability, explain::Scale::log_probability}) {
    const double slope = scale == explain::Scale::probability ? p * (1 - p) : 1 - p;
    EXPECT_NEAR(explain::gradients(two, x, {.target = 0, .scale = scale}).values.item(), slope, 1e-12);
    EXPECT_NEAR(explain::gradients(one, x, {.scale = scale}).values.item(), slope, 1e-12);
  }
  EXPECT_NEAR(explain::gradients(one, x, {.scale = explain::Scale::probability}).output.item(), p, 1e-12);
}

TEST(Gradients, a_model_is_called_as_inference) {
  nn::Sequential net{nn::Dense(8, relu), nn::Dropout(0.5), nn::BatchNorm(), nn::Dense(2)};
  const Array x = random::normal(random::key(2), {3, 4});
  const Array plain = explain::gradients(net, x, {.target = 0}).values;
  const nn::TrainingMode training;
  EXPECT_TRUE(array_equal(explain::gradients(net, x, {.target = 0}).values, plain));
}

TEST(Gradients, batches_do_not_matter) {
  const nn::Sequential net = image_net(true);
  const Array x = abs(waves({7, 10, 10, 1}, 0.3, 0.1, 1.0));
  EXPECT_TRUE(allclose(explain::saliency(net, x, {.batch_size = 3}).values, explain::saliency(net, x).values));
}

TEST(SmoothGrad, means_squares_and_variance_belong_together) {
  const auto model = [](const Array& x) { return sum(x * x * x, 1, keepdims); };
  const Array x = array({{0.5, 1.5, -1.0}, {2.0, 0.0, 1.0}}, float64);
  explain::SmoothGradOptions options{.samples = 400, .noise = 0.1, .seed = 3};
  const Array mean_of = explain::smooth_grad(model, x, options).values;
  options.kind = explain::SmoothKind::squared;
  const Array squared = explain::smooth_grad(model, x, options).values;
  options.kind = explain::SmoothKind::variance;
  const Array variance = explain::smooth_grad(model, x, options).values;
  EXPECT_TRUE(allclose(variance, (squared - square(mean_of)) * (400.0 / 399)));
  // E 3 (x + e)^2 = 3 x^2 + 3 s^2 with s = 0.1 * (largest - smallest).
  const Array deviation = array({{0.25}, {0.2}}, float64);
  EXPECT_LT(max(abs(mean_of - 3 * square(x) - 3 * square(deviation))).item(), 0.3);
  // Var 3 (x + e)^2 = 36 x^2 s^2 + 18 s^4.
  EXPECT_NEAR(at(variance, 0, 1), 36 * 2.25 * 0.0625 + 18 * std::pow(0.25, 4), 1.2);
}

TEST(SmoothGrad, is_the_same_for_a_seed_and_any_batch) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows();
  const Array one = explain::smooth_grad(net, x, {.samples = 10, .seed = 5}).values;
  EXPECT_TRUE(array_equal(one, explain::smooth_grad(net, x, {.samples = 10, .seed = 5}).values));
  EXPECT_TRUE(allclose(one, explain::smooth_grad(net, x, {.samples = 10, .seed = 5, .batch_size = 3}).values));
  EXPECT_FALSE(allclose(one, explain::smooth_grad(net, x, {.samples = 10, .seed = 6}).values));
  EXPECT_TRUE(allclose(explain::smooth_grad(net, x, {.target = 1, .samples = 3, .noise = 0}).values,
                       explain::gradients(net, x, {.target = 1}).values));
}

TEST(IntegratedGradients, agree_with_captum) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows();
  const auto fixed = explain::integrated_gradients(net, x, {.target = kClasses, .steps = 32, .most_steps = 32});
  // captum weighs the gradients in float32.
  EXPECT_NEAR(total(fixed.values), 0.06784128040340288, 2e-9);
  EXPECT_NEAR(fingerprint(fixed.values), -0.08490152723481492, 2e-9);
  EXPECT_EQ(fixed.steps, (std::vector<int64_t>{32, 32}));
  const auto trapezoid = explain::integrated_gradients(
      net, x, {.target = kClasses, .baseline = 0.3, .rule = explain::PathRule::trapezoid, .steps = 20, .most_steps = 20});
  // captum's weights of the trapezoid rule add up to (steps - 1) / steps.
  EXPECT_NEAR(total(trapezoid.values) * 19 / 20, 0.03358274252940783, 2e-9);
  EXPECT_NEAR(fingerprint(trapezoid.values) * 19 / 20, -0.02238903780400925, 2e-9);
  const auto many = explain::integrated_gradients(net, x, {.target = kClasses, .steps = 1000, .most_steps = 1000, .batch_size = 77});
  EXPECT_NEAR(fingerprint(many.values), -0.08507034684832135, 2e-9);
}

TEST(IntegratedGradients, are_complete) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows();
  const auto found = explain::integrated_gradients(net, x, {.target = kClasses, .tolerance = 0.002});
  const Array sums = sum(found.values, {1, 2, 3});
  EXPECT_TRUE(found.is_complete);
  EXPECT_TRUE(allclose(found.gap, sums - (found.output - found.base)));
  EXPECT_TRUE(allclose(found.relative_gap, abs(found.gap) / abs(found.output - found.base)));
  EXPECT_LE(max(found.relative_gap).item(), 0.002);
  EXPECT_GT(found.steps[0], 32);
  EXPECT_NEAR(found.base[0].item(), at(net(zeros({1, 10, 10, 1}, float64)), 0, 1), 1e-12);
}

TEST(IntegratedGradients, of_a_linear_model_are_exact_in_one_step) {
  const Array w = array({2.0, -1.0, 0.5}, float64), b = array({1.0, 1.0, 1.0}, float64);
  const auto model = [&](const Array& x) { return matmul(x, w) + 7; };
  const Array x = random::normal(random::key(3), {5, 3}, 0, 1, float64);
  const auto found = explain::integrated_gradients(model, x, {.baseline = b, .steps = 1});
  EXPECT_LT(max(abs(found.values - w * (x - b))).item(), 1e-14);
  EXPECT_EQ(found.steps[4], 1);
  EXPECT_LT(max(abs(found.gap)).item(), 1e-13);
}

TEST(IntegratedGradients, several_baselines_are_averaged) {
  const Array x = table_rows(), baselines = table_background();
  const auto all = explain::integrated_gradients(table_net, x, {.target = 1, .baselines = baselines, .tolerance = 1e-6});
  Array mean_of = zeros_like(x);
  for (int64_t i = 0; i < 7; ++i) {
    mean_of += explain::integrated_gradients(table_net, x, {.target = 1, .baseline = baselines[i], .tolerance = 1e-6}).values / 7;
  }
  EXPECT_TRUE(allclose(all.values, mean_of));
  EXPECT_NEAR(all.base[0].item(), (mean(table_net(baselines)[{slice(), 1}]).item()), 1e-12);
  EXPECT_LT(max(abs(all.gap)).item(), 1e-6);
}

TEST(IntegratedGradients, an_answer_that_does_not_change_has_no_gap) {
  const auto found = explain::integrated_gradients([](const Array& x) { return 0 * sum(x, 1); }, ones({2, 3}));
  EXPECT_TRUE(array_equal(found.values, zeros({2, 3})));
  EXPECT_TRUE(array_equal(found.relative_gap, zeros({2}, float64)));
  EXPECT_TRUE(found.is_complete);
}

TEST(IntegratedGradients, leave_less_than_a_hundredth_on_a_trained_convolutional_network) {
  const std::string folder = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const auto [train_set, test_set] = data::fashion_mnist(folder);
  nn::Sequential net{nn::BatchNorm({.center = false, .scale = false}),
                     nn::Conv2D(32, 3, relu),
                     nn::MaxPooling2D(2),
                     nn::Conv2D(64, 3, relu),
                     nn::MaxPooling2D(2),
                     nn::Flatten(),
                     nn::Dense(128, relu),
                     nn::Dense(10)};
  random::seed(0);
  train::fit(net, data::subset(train_set, 0, 1280),
             {.loss = loss::sparse_categorical_crossentropy, .epochs = 1, .batch_size = 64, .verbose = false});
  const Array x = test_set.x[slice(0, 25)];
  const auto found = explain::integrated_gradients(net, x, {.tolerance = 0.01});
  EXPECT_TRUE(found.is_complete);
  EXPECT_LE(max(found.relative_gap).item(), 0.01);
  EXPECT_GT(min(abs(found.output - found.base)).item(), 0.1);
}

TEST(IntegratedGradients, from_x_to_itself_are_zero) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows();
  const auto found = explain::integrated_gradients(net, x, {.baselines = x[slice(0, 1)]});
  EXPECT_TRUE(array_equal(found.values[0], zeros_like(x[0])));
  EXPECT_EQ(found.relative_gap[0].item(), 0);
  EXPECT_GT(max(abs(found.values[1])).item(), 0);
}

TEST(Explanations, have_the_same_bits_on_any_number_of_threads) {
  nn::Sequential net{nn::Conv2D(8, 3, relu), nn::Flatten(), nn::Dense(3)};
  const Array x = random::uniform(random::key(1), {3, 12, 12, 2});
  net(x);
  const auto run = [&](int threads) {
    set_threads(threads);
    return std::vector<Array>{explain::integrated_gradients(net, x).values,
                              explain::smooth_grad(net, x, {.samples = 5}).values,
                              explain::occlusion(net, x).values,
                              explain::relevance(net, x).values,
                              explain::class_activation(net, x).map,
                              explain::shapley(net, x, 0 * x, {.groups = explain::patches({12, 12, 2}, {4, 6})}).values};
  };
  const int before = threads();
  const std::vector<Array> one = run(1), two = run(2);
  set_threads(before);
  for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(array_equal(one[i], two[i])) << i;
}

TEST(Explanations, find_their_plans_again) {
  const nn::Sequential net = image_net(true);
  const auto run = [&](double shift) {
    const Array x = image_rows() + shift;
    explain::integrated_gradients(net, x, {.steps = 16, .most_steps = 16});
    explain::smooth_grad(net, x, {.samples = 4});
    explain::occlusion(net, x);
    explain::class_activation(net, x);
    explain::relevance(net, x);
  };
  run(0);
  run(0.25);  // the weights have values now
  const int64_t before = counters().plans_made;
  run(0.5);
  EXPECT_EQ(counters().plans_made, before);
}

TEST(Explanations, take_functions_modules_and_layers) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows(), expected = explain::saliency(net, x).values;
  const nn::Layer layer(net);
  const nn::Model model(layer, {});
  EXPECT_TRUE(array_equal(explain::saliency(layer, x).values, expected));
  EXPECT_TRUE(array_equal(explain::saliency(model, x).values, expected));
  EXPECT_TRUE(array_equal(explain::saliency([&](const Array& rows) { return net(rows); }, x).values, expected));
  EXPECT_TRUE(array_equal(explain::saliency(table_net, table_rows()).values,
                          explain::saliency([](const Array& rows) { return table_net(rows); }, table_rows()).values));
}

TEST(IntegratedGradients, say_when_they_are_not_complete) {
  // A step between 0 and 1 has no gradient anywhere.
  const auto found =
      explain::integrated_gradients([](const Array& x) { return sum(x > 0.6, 1).astype(float32); }, ones({1, 2}), {.most_steps = 64});
  EXPECT_FALSE(found.is_complete);
  EXPECT_EQ(found.relative_gap.item(), 1);
  EXPECT_EQ(found.steps[0], 64);
}

TEST(IntegratedGradients, points_of_a_path_are_exact_for_polynomials) {
  for (const int64_t steps : {1, 2, 5, 64, 1024}) {
    const auto points = explain::path_points(explain::PathRule::gauss_legendre, steps);
    for (int64_t power = 0; power < std::min<int64_t>(2 * steps, 40); ++power) {
      double integral = 0;
      for (size_t i = 0; i < points.at.size(); ++i) integral += points.weights[i] * std::pow(points.at[i], power);
      EXPECT_NEAR(integral, 1.0 / static_cast<double>(power + 1), 1e-13) << steps << " points, power " << power;
    }
  }
  const auto ends = explain::path_points(explain::PathRule::trapezoid, 3);
  EXPECT_EQ(ends.at, (std::vector<double>{0, 0.5, 1}));
  EXPECT_EQ(ends.weights, (std::vector<double>{0.25, 0.5, 0.25}));
}

TEST(IntegratedGradients, do_not_depend_on_how_paths_are_cut) {
  for (const auto rule : {explain::PathRule::gauss_legendre, explain::PathRule::trapezoid}) {
    const auto run = [&](int64_t batch_size) {
      return explain::integrated_gradients(table_net, table_rows(),
                                           {.target = 0, .rule = rule, .steps = 10, .most_steps = 10, .batch_size = batch_size})
          .values;
    };
    for (const int64_t batch_size : {1, 3, 9, 10, 11, 19, 20}) EXPECT_TRUE(allclose(run(batch_size), run(256))) << batch_size;
  }
}

TEST(ExpectedGradients, add_up_within_their_errors) {
  const Array x = table_rows(), background = table_background();
  const auto found = explain::expected_gradients(table_net, x, background, {.target = 1, .samples = 4000, .seed = 1});
  const auto exact = explain::integrated_gradients(table_net, x, {.target = 1, .baselines = background, .tolerance = 1e-7});
  EXPECT_LT(max(abs(found.values - exact.values) / found.errors).item(), 4);
  EXPECT_GT(min(found.errors).item(), 0);
  EXPECT_LT(max(found.errors).item(), 0.05);
  EXPECT_TRUE(allclose(found.base, exact.base));
}

TEST(Occlusion, agrees_with_captum) {
  const nn::Sequential net = image_net(true);
  for (const int64_t batch_size : {1024, 7}) {
    const auto found =
        explain::occlusion(net, image_rows(), {.target = kClasses, .window = {3, 3}, .stride = {2, 2}, .batch_size = batch_size});
    EXPECT_NEAR(total(found.values), 0.33269677293719724, 5e-8);  // captum's are float32
    EXPECT_NEAR(fingerprint(found.values), 0.015138591580408867, 5e-8);
  }
}

TEST(Occlusion, of_what_the_model_ignores_is_zero) {
  const auto model = [](const Array& x) { return mean(x[{slice(), slice(0, 4)}], {1, 2, 3}); };
  const Array x = random::uniform(random::key(4), {2, 8, 8, 3});
  const auto found = explain::occlusion(model, x, {.window = {2, 2}});
  EXPECT_TRUE(array_equal(found.values[{slice(), slice(4, 8)}], zeros({2, 4, 8, 3})));
  EXPECT_GT(min(found.values[{slice(), slice(0, 4)}]).item(), 0);
}

TEST(Occlusion, takes_groups_ids_and_columns) {
  const Array w = array({1.0, 2.0, 4.0, 8.0}), x = array({{1.0, 1.0, 1.0, 2.0}});
  const auto model = [&](const Array& rows) { return matmul(rows, w); };
  EXPECT_TRUE(array_equal(explain::occlusion(model, x).values, array({{1.0, 2.0, 4.0, 16.0}})));
  EXPECT_TRUE(array_equal(explain::occlusion(model, x, {.groups = {{"", {0, 3}}}, .baseline = 1}).values, array({{8.0, 0.0, 0.0, 8.0}})));
  const auto of_ids = [](const Array& ids) { return sum(ids == 7, 1); };
  const auto found = explain::occlusion(of_ids, array({{7, 3, 7}}), {.baseline = 1});
  EXPECT_TRUE(array_equal(found.values, array({{1.0, 0.0, 1.0}})));
}

TEST(Explanations, refuse_what_they_cannot_explain) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows();
  EXPECT_ERROR("saliency: the target is output 4; the model has 4, counted from 0", explain::saliency(net, x, {.target = 4}));
  EXPECT_ERROR("saliency: the target is (3,) of int64, x has 2 rows", explain::saliency(net, x, {.target = array({1, 2, 3})}));
  EXPECT_ERROR("saliency: x is (0, 3)", explain::saliency(net, zeros({0, 3})));
  EXPECT_ERROR("saliency: x has dtype int64; gradients need floats", explain::saliency(net, zeros({1, 3}, int64)));
  EXPECT_ERROR("the explained number of row 1 is nan",
               explain::saliency([](const Array& rows) { return sum(rows, 1); }, array({{1.0}, {std::nan("")}})));
  EXPECT_ERROR("the model gives (1, 2, 3) for x (1, 2, 3)", explain::saliency([](const Array& rows) { return rows; }, zeros({1, 2, 3})));
  EXPECT_ERROR("the target's function gives (2, 4) for outputs (2, 4)",
               explain::saliency(net, x, {.target = [](const Array& y) { return y; }}));
  EXPECT_ERROR("baseline is (3,), a sample is (10, 10, 1)", explain::integrated_gradients(net, x, {.baseline = zeros({3})}));
  EXPECT_ERROR("most_steps is 16, steps is 32", explain::integrated_gradients(net, x, {.most_steps = 16}));
  EXPECT_ERROR("a baseline and several are given", explain::integrated_gradients(net, x, {.baseline = 0, .baselines = x}));
  EXPECT_ERROR("the stride is 4, the window 3", explain::occlusion(net, x, {.window = {3, 3}, .stride = {4, 3}}));
  EXPECT_ERROR("the window has 1 sizes", explain::occlusion(net, x, {.window = {3}}));
  EXPECT_ERROR("noise is -1", explain::smooth_grad(net, x, {.noise = -1}));
  EXPECT_ERROR("batch_size is 0", explain::saliency(net, x, {.batch_size = 0}));
}

}  // namespace
}  // namespace explain_tests
