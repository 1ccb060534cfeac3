// What is inside a model: layers and their results, Grad-CAM, relevance, attention, what a unit answers to most. Values of captum 0.9.0.
#include "tests/explain/nets.hpp"

namespace explain_tests {
namespace {

const Array kClasses = array({1, 3});

TEST(Layers, are_listed_as_they_return) {
  const nn::Sequential net = image_net(true);
  const auto all = explain::layers(net, image_rows());
  std::vector<std::string> names;
  for (const auto& one : all) names.push_back(one.name);
  EXPECT_EQ(names, (std::vector<std::string>{"conv2d", "max_pooling2d", "conv2d_1", "flatten", "dense", "Sequential"}));
  EXPECT_EQ(all[2].place, "Sequential > conv2d_1");
  EXPECT_EQ(all[2].type, "Conv2D");
  EXPECT_EQ(all[2].shape, (Shape{2, 2, 2, 3}));
  EXPECT_TRUE(explain::layers([](const Array& x) { return x; }, image_rows()).empty());
}

TEST(Layers, are_found_by_name_or_place) {
  nn::Sequential net{nn::Residual(nn::Sequential{nn::Dense(4)}), nn::Residual(nn::Sequential{nn::Dense(4)}), nn::Dense(2)};
  const auto all = explain::layers(net, ones({1, 4}));
  EXPECT_ERROR("find_layer: \"dense\" stands for", explain::find_layer(all, "dense"));
  EXPECT_EQ(explain::find_layer(all, "residual_1").number, explain::find_layer(all, "Sequential > residual_1").number);
  EXPECT_ERROR("there is no layer called \"residul\"", explain::find_layer(all, "residul"));
  EXPECT_ERROR("did you mean residual?", explain::find_layer(all, "residul"));
  EXPECT_ERROR("the model calls no modules", explain::find_layer({}, "dense"));
}

TEST(Layers, activations_are_what_the_layer_gives) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows();
  EXPECT_TRUE(allclose(explain::activations(net, x, "conv2d", 1), net[0](x)));
  EXPECT_TRUE(allclose(explain::activations(net, x, "max_pooling2d"), net[1](net[0](x))));
}

TEST(Layers, the_rest_behind_a_layer_is_a_model) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows()[slice(0, 1)], h = net[1](net[0](x));
  const auto rest = explain::from_layer(net, x, "max_pooling2d");
  EXPECT_TRUE(allclose(rest(h), net(x)));
  const Array others = abs(waves({3, 4, 4, 2}, 0.4, 0.2, 1));
  EXPECT_TRUE(allclose(rest(others), net[4](net[3](net[2](others)))));
  EXPECT_TRUE(allclose(explain::gradients(rest, h, {.target = 2}).values, grad([&](const Array& at) {
                         return sum(net[4](net[3](net[2](at)))[{slice(), 2}]);
                       })(h)));
}

TEST(Layers, words_are_explained_by_their_vectors) {
  // Of the words the last is padding: it counts for nothing, also while its vector is another's.
  nn::Sequential net{nn::Embedding(9, 4, {.padding = 0}), nn::GlobalAveragePooling1D(), nn::Dense(2)};
  const Array words = array({{3, 5, 0}}), vectors = explain::activations(net, words, "embedding");
  const auto rest = explain::from_layer(net, words, "embedding");
  EXPECT_TRUE(allclose(rest(vectors), net(words)));
  const auto found = explain::integrated_gradients(rest, vectors, {.target = 1});
  const Array by_word = explain::over_channels(found.values), kernel = nn::parameter(net, "2.kernel").get();
  EXPECT_TRUE(allclose(by_word[{0, slice(0, 2)}], matmul(vectors[{0, slice(0, 2)}], kernel[{slice(), 1}]) / 2));
  EXPECT_EQ(at(by_word, 0, 2), 0);
}

TEST(GradCam, agrees_with_captum) {
  const nn::Sequential net = image_net(true);
  const auto found = explain::class_activation(net, image_rows(), {.target = kClasses});
  EXPECT_EQ(found.layer.name, "conv2d_1");
  EXPECT_EQ(found.map.shape(), (Shape{2, 2, 2}));
  const double of_captum[8] = {0.04158235332508567, 0.045774180857715424, 0.05028097191504509, 0.04238889300273411, 0, 0, 0, 0};
  const std::vector<double> map = numbers(found.map);
  for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(map[i], of_captum[i], 1e-12);
  const auto signed_map = explain::class_activation(net, image_rows(), {.target = kClasses, .keeps_negative = true});
  EXPECT_LT(max(signed_map.map[1]).item(), 0);
}

TEST(GradCam, on_a_named_layer_and_for_sequences) {
  const nn::Sequential net = image_net(true);
  EXPECT_EQ(explain::class_activation(net, image_rows(), {.target = 0, .layer = "max_pooling2d", .batch_size = 1}).map.shape(),
            (Shape{2, 4, 4}));
  EXPECT_ERROR("Sequential > flatten gives (1, 12)", explain::class_activation(net, image_rows(), {.layer = "flatten"}));
  EXPECT_ERROR("the model has no Conv2D or Conv1D", explain::class_activation([](const Array& x) { return sum(x, 1); }, ones({1, 2})));
  nn::Sequential of_time{nn::Conv1D(4, 3, relu), nn::GlobalAveragePooling1D(), nn::Dense(2)};
  const Array x = random::normal(random::key(1), {3, 9, 2});
  EXPECT_EQ(explain::class_activation(of_time, x).map.shape(), (Shape{3, 7}));
}

TEST(GradCam, plus_plus_follows_its_formula) {
  const nn::Sequential net = image_net(true);
  const Array x = image_rows(), a = net[2](net[1](net[0](x)));
  const auto tail = [&](const Array& h) { return sum(take_along_axis(net[4](net[3](h)), reshape(kClasses, {2, 1}), 1)); };
  const Array g = grad(tail)(a), g2 = square(g);
  const Array alpha = g2 / (2 * g2 + g2 * g * sum(a, {1, 2}, keepdims)), weights = sum(alpha * relu(g), {1, 2}, keepdims);
  const auto found = explain::class_activation(net, x, {.target = kClasses, .kind = explain::CamKind::grad_cam_plus_plus});
  EXPECT_TRUE(allclose(found.map, relu(sum(weights * a, -1))));
}

struct Reference {
  bool has_bias;
  explain::RelevanceRule rule;
  double epsilon, sum, fingerprint;
};

TEST(Relevance, agrees_with_captum) {
  using enum explain::RelevanceRule;
  // captum leaves the bias as it is where gamma and z_plus change the weights; the paper counts it among them, so only zero biases compare.
  for (const Reference& one : {Reference{true, epsilon, 1e-6, 0.05800170867758617, -0.08581369863859345},
                               Reference{false, epsilon, 1e-6, 0.05795867390852236, -0.0858060043917773},
                               Reference{false, gamma, 1e-9, 0.05795884125818547, -0.011891056208935769},
                               Reference{false, z_plus, 1e-9, 0.057958841224764544, -0.0007206210897162028}}) {
    const nn::Sequential net = image_net(one.has_bias);
    const auto found = explain::relevance(
        net, image_rows(), {.target = kClasses, .dense = one.rule, .convolution = one.rule, .epsilon = one.epsilon, .batch_size = 1});
    EXPECT_NEAR(total(found.values), one.sum, 1e-9);  // captum has an epsilon of 1e-9 in its other layers too
    EXPECT_NEAR(fingerprint(found.values), one.fingerprint, 1e-9);
    EXPECT_NEAR(found.output[1].item(), one.has_bias ? -0.001756500417995674 : -0.07658932438572419, 1e-12);
    if (one.has_bias) {
      EXPECT_NEAR(found.absorbed[0].item(), 0.21548007900537464 - 0.13454726124699673, 1e-9);
    }
  }
}

// Layers of all known kinds, with batch norms that have seen something.
nn::Sequential deep_net() {
  random::seed(2);
  nn::Sequential net{
      nn::BatchNorm({.center = false, .scale = false}),
      nn::Conv2D(6, 3, {.padding = same, .use_bias = false}),
      nn::BatchNorm(),
      nn::Activation(relu),
      nn::Residual(nn::Sequential{nn::Conv2D(6, 3, relu, {.padding = same, .groups = 2, .use_bias = false}), nn::Dropout(0.2)}),
      nn::AveragePooling2D(2),
      nn::Conv2D(4, 2, relu, {.strides = 2, .use_bias = false}),
      nn::GlobalAveragePooling2D(),
      nn::Dense(5, relu, {.use_bias = false}),
      nn::Dense(3, softmax, {.use_bias = false})};
  nn::build(net, {1, 8, 8, 2}, float64);
  net.forward(zeros({1, 8, 8, 2}, float64));
  for (const Variable& variable : variables(net)) {
    if (variable.path.ends_with("running_variance")) variable.set(abs(waves(variable.get().shape(), 0.7, 0.2, 2)) + 0.5);
    // The mean stays 0, and the bias too: they would absorb relevance.
  }
  return net;
}

TEST(Relevance, is_conserved_through_all_layers) {
  const nn::Sequential net = deep_net();
  const Array x = random::normal(random::key(2), {3, 8, 8, 2}, 0, 1, float64);
  for (const auto rule : {explain::RelevanceRule::epsilon, explain::RelevanceRule::gamma, explain::RelevanceRule::z_plus}) {
    const auto found = explain::relevance(net, x, {.dense = rule, .convolution = rule, .epsilon = 1e-12});
    EXPECT_GT(min(abs(found.output)).item(), 1e-3);
    EXPECT_LT(max(abs(found.absorbed)).item(), 1e-8 * max(abs(found.output)).item());
    EXPECT_TRUE(allclose(sum(found.values, {1, 2, 3}), found.output - found.absorbed));
  }
}

TEST(Relevance, a_batch_norm_behind_a_layer_is_part_of_it) {
  nn::Sequential net{nn::Dense(6), nn::BatchNorm(), nn::Activation(relu), nn::Dense(2)};
  nn::build(net, {1, 4}, float64);
  net.forward(zeros({1, 4}, float64));
  for (const Variable& one : variables(net)) {
    if (one.path.find("running_variance") != std::string::npos) one.set(abs(waves({6}, 0.9, 0.4, 2)) + 0.3);
    else if (one.get().rank() == 1) one.set(waves(one.get().shape(), 0.8, static_cast<double>(one.path.size()), 0.5));
  }
  // The same as one Dense layer.
  const auto value = [&](const char* path) { return nn::parameter(net, path).get(); };
  const Array k = value("1.weight") / sqrt(value("1.running_variance") + 1e-3);
  nn::Sequential folded{nn::Dense(6, relu), nn::Dense(2)};
  nn::build(folded, {1, 4}, float64);
  nn::parameter(folded, "0.kernel").set(value("0.kernel") * k);
  nn::parameter(folded, "0.bias").set((value("0.bias") - value("1.running_mean")) * k + value("1.bias"));
  nn::parameter(folded, "1.kernel").set(value("3.kernel"));
  nn::parameter(folded, "1.bias").set(value("3.bias"));
  const Array x = random::normal(random::key(3), {5, 4}, 0, 1, float64);
  ASSERT_TRUE(allclose(net(x), folded(x)));
  for (const auto rule : {explain::RelevanceRule::epsilon, explain::RelevanceRule::gamma, explain::RelevanceRule::z_plus}) {
    EXPECT_TRUE(allclose(explain::relevance(net, x, {.dense = rule}).values, explain::relevance(folded, x, {.dense = rule}).values));
  }
}

TEST(Relevance, by_epsilon_of_a_relu_net_without_biases_is_gradient_times_input) {
  const nn::Sequential net = image_net(false);
  const Array product = explain::gradient_times_input(net, image_rows(), {.target = 2}).values;
  EXPECT_TRUE(allclose(explain::relevance(net, image_rows(), {.target = 2, .epsilon = 1e-14}).values, product));
}

TEST(Relevance, counts_the_bias_among_the_weights) {
  nn::Sequential net{nn::Dense(1)};
  nn::build(net, {1, 3}, float64);
  nn::parameter(net, "0.kernel").set(array({{2.0}, {-1.0}, {0.5}}, float64));
  nn::parameter(net, "0.bias").set(array({0.5}, float64));
  const Array x = array({{1.0, 2.0, 4.0}}, float64);  // z = 2 - 2 + 2 + 0.5
  const auto of_rule = [&](explain::RelevanceRule rule) {
    return explain::relevance(net, x, {.dense = rule, .epsilon = 0, .gamma = 1}).values;
  };
  EXPECT_TRUE(allclose(of_rule(explain::RelevanceRule::epsilon), array({{2.0, -2.0, 2.0}}, float64)));
  // gamma 1: what is positive counts twice, 4 - 2 + 4 + 1.
  EXPECT_TRUE(allclose(of_rule(explain::RelevanceRule::gamma), array({{4.0, -2.0, 4.0}}, float64) * (2.5 / 7)));
  EXPECT_TRUE(allclose(of_rule(explain::RelevanceRule::z_plus), array({{2.0, 0.0, 2.0}}, float64) * (2.5 / 4.5)));
  // Of inputs below zero the products count: (-1)(-1) speaks for, (-4)(0.5) against.
  const Array mixed = array({{1.0, -1.0, -4.0}}, float64);  // z = 2 + 1 - 2 + 0.5
  const auto found = explain::relevance(net, mixed, {.dense = explain::RelevanceRule::z_plus, .epsilon = 0});
  EXPECT_TRUE(allclose(found.values, array({{2.0, 1.0, 0.0}}, float64) * (1.5 / 3.5)));
}

TEST(Relevance, of_layers_that_stand_twice_in_a_model) {
  random::seed(3);
  const auto twice = nn::share(nn::Dense(5, relu, {.use_bias = false}));
  nn::Sequential net{twice, nn::Activation(tanh), twice, nn::Dense(2, {.use_bias = false})};
  const Array x = random::normal(random::key(5), {4, 5}, 0, 1, float64);
  nn::build(net, {1, 5}, float64);
  const auto found = explain::relevance(net, x, {.target = 1, .epsilon = 1e-12});
  EXPECT_GT(min(abs(found.output)).item(), 1e-3);
  EXPECT_LT(max(abs(found.absorbed)).item(), 1e-8);
}

TEST(Relevance, of_nothing_is_zero_and_not_nan) {
  for (const double epsilon : {0.0, 1e-6}) {
    const auto found = explain::relevance(image_net(false), zeros({1, 10, 10, 1}, float64), {.epsilon = epsilon});
    EXPECT_TRUE(array_equal(found.values, zeros({1, 10, 10, 1}, float64)));
    EXPECT_EQ(found.absorbed.item(), 0);
  }
}

TEST(Relevance, goes_both_ways_around_a_residual_block) {
  random::seed(4);
  nn::Sequential net{nn::Dense(4, relu, {.use_bias = false}),
                     nn::Residual(nn::Dense(4, relu, {.use_bias = false}), {.shortcut = nn::Dense(4, {.use_bias = false})}),
                     nn::Dense(2, {.use_bias = false})};
  nn::build(net, {1, 3}, float64);
  const Array x = random::normal(random::key(6), {5, 3}, 0, 1, float64);
  EXPECT_TRUE(allclose(explain::relevance(net, x, {.target = 0, .epsilon = 1e-14}).values,
                       explain::gradient_times_input(net, x, {.target = 0}).values));
}

TEST(Relevance, names_the_layer_that_it_does_not_know) {
  nn::Sequential net{nn::Dense(4), nn::Sequential{nn::LayerNorm()}, nn::Dense(2)};
  EXPECT_ERROR("relevance: layer 1 > layer 0 is a LayerNorm, for which there is no rule", explain::relevance(net, ones({1, 3})));
  nn::Sequential inner{nn::Dense(4, softmax), nn::Dense(2)};
  EXPECT_ERROR("layer 0 is a softmax within the model", explain::relevance(inner, ones({1, 3})));
  EXPECT_ERROR("the target is a function", explain::relevance(inner, ones({1, 3}), {.target = [](const Array& y) {
                                                                return y[{slice(), 0}];
                                                              }}));
  EXPECT_ERROR("epsilon is -1", explain::relevance(inner, ones({1, 3}), {.epsilon = -1}));
}

TEST(Attention, maps_are_the_layers_own_weights) {
  nn::MultiHeadAttention layer(2);
  const Array x = random::normal(random::key(4), {2, 5, 8});
  const auto maps = explain::attention_maps(layer, x);
  ASSERT_EQ(maps.size(), 1u);
  EXPECT_TRUE(allclose(maps[0].weights, layer.weights(x, x)));
  EXPECT_FALSE(maps[0].is_cross);
}

TEST(Attention, rollout_is_the_product_of_mixed_layers) {
  nn::Sequential net{nn::Embedding(9, 8), nn::TransformerEncoder(3, 2)};
  const Array ids = array({{1, 2, 3, 4}, {5, 6, 7, 8}});
  const auto maps = explain::attention_maps(net, ids);
  ASSERT_EQ(maps.size(), 3u);
  Array expected = eye(4);
  for (const auto& map : maps) expected = matmul(0.5 * eye(4) + 0.5 * mean(map.weights, 1), expected);
  const Array rollout = explain::attention_rollout(maps);
  EXPECT_TRUE(allclose(rollout, expected));
  EXPECT_TRUE(allclose(sum(rollout, -1), ones({2, 4})));
  EXPECT_TRUE(allclose(explain::attention_rollout(maps, {.residual = 1}), broadcast_to(eye(4), {2, 4, 4})));
  const Array by_max = explain::attention_rollout({maps[0]}, {.heads = explain::HeadFusion::max, .residual = 0});
  const Array largest = max(maps[0].weights, 1);
  EXPECT_TRUE(allclose(by_max, largest / sum(largest, -1, keepdims)));
}

TEST(Attention, of_a_causal_model_looks_back_only) {
  nn::Sequential net{nn::Embedding(9, 8), nn::TransformerEncoder(2, 2, {.causal = true})};
  const Array rollout = explain::attention_rollout(explain::attention_maps(net, array({{1, 2, 3, 4}})));
  EXPECT_TRUE(array_equal(triu(rollout[0], 1), zeros({4, 4})));
  EXPECT_NEAR((rollout[{0, 0, 0}].item()), 1, 1e-6);
}

TEST(Attention, rollout_leaves_cross_attention_out) {
  const explain::AttentionMap cross{"decoder", true, ones({1, 2, 3, 5})};
  EXPECT_ERROR("there are 1 maps, none of self-attention", explain::attention_rollout({cross}));
  EXPECT_ERROR("a has weights (1, 2, 3, 5)", explain::attention_rollout({{"a", false, ones({1, 2, 3, 5})}}));
  EXPECT_ERROR("residual is 2", explain::attention_rollout({cross}, {.residual = 2}));
}

TEST(Maximise, finds_the_direction_of_a_linear_output) {
  const Array w = array({{1.0, 0.0}, {-2.0, 0.0}, {0.0, 5.0}});
  const auto model = [&](const Array& x) { return matmul(x, w); };
  const auto found = explain::maximise(model, {3}, {.target = 0, .steps = 300, .l2 = 0, .low = -1, .high = 1});
  EXPECT_NEAR(found.x[0].item(), 1, 1e-5);
  EXPECT_NEAR(found.x[1].item(), -1, 1e-5);
  EXPECT_NEAR(found.value, 3, 1e-5);
  EXPECT_EQ(found.values.size(), 300u);
  EXPECT_LT(found.values.front(), found.values.back());
}

TEST(Maximise, pays_for_large_numbers) {
  // w x - l2 mean(x^2) is largest at x = w n / (2 l2).
  const auto model = [](const Array& x) { return matmul(x, array({1.0, -2.0, 0.0})); };
  const auto found = explain::maximise(model, {3}, {.steps = 1500, .learning_rate = 0.02, .l2 = 3});
  EXPECT_LT(max(abs(found.x - array({0.5, -1.0, 0.0}))).item(), 1e-3) << found.x;
}

TEST(Maximise, begins_in_the_middle_or_where_it_is_told) {
  const auto model = [](const Array& x) { return sum(x, 1); };
  const auto noise = explain::maximise(model, {100}, {.steps = 0, .low = 0, .high = 10});
  EXPECT_NEAR(mean(noise.x).item(), 5, 0.1);
  EXPECT_NEAR(stddev(noise.x).item(), 0.1, 0.03);
  const auto told = explain::maximise(model, {2}, {.steps = 0, .high = 3, .start = array({1.0, 7.0})});
  EXPECT_TRUE(array_equal(told.x, array({1.0, 3.0})));
  EXPECT_EQ(told.value, 4);
}

TEST(Maximise, climbs_a_unit_of_a_layer) {
  const nn::Sequential net = image_net(true);
  const auto found =
      explain::maximise(net, {10, 10, 1}, {.layer = "conv2d", .unit = 1, .steps = 40, .low = 0, .high = 1, .dtype = float64});
  const Array channel = net[0](reshape(found.x, {1, 10, 10, 1}))[{ellipsis, 1}];
  EXPECT_NEAR(mean(channel).item(), found.value, 1e-12);
  EXPECT_GT(found.value, found.values.front() + 0.05);
  EXPECT_ERROR("unit 2 is asked for", explain::maximise(net, {10, 10, 1}, {.layer = "conv2d", .unit = 2, .dtype = float64}));
}

TEST(Maximise, total_variation_makes_smooth_images) {
  const nn::Sequential net = image_net(true);
  const auto roughness = [&](double weight) {
    const Array x = explain::maximise(net, {10, 10, 1}, {.target = 1, .steps = 60, .total_variation = weight, .dtype = float64}).x;
    return mean(abs(x[slice(1, 10)] - x[slice(0, 9)])).item();
  };
  EXPECT_LT(roughness(3), 0.5 * roughness(0));
}

TEST(Maximise, is_the_same_for_a_seed) {
  const nn::Sequential net = image_net(true);
  const auto run = [&](int64_t seed) {
    return explain::maximise(net, {10, 10, 1}, {.target = 0, .steps = 3, .seed = seed, .dtype = float64}).x;
  };
  EXPECT_TRUE(array_equal(run(1), run(1)));
  EXPECT_FALSE(array_equal(run(1), run(2)));
  EXPECT_ERROR("the model has 4 outputs and no .target", explain::maximise(net, {10, 10, 1}, {.dtype = float64}));
}

}  // namespace
}  // namespace explain_tests
