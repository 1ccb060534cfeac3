// Wrong calls of modules, losses, optimisers and data.
#include <cmath>
#include <limits>

#include "gradus/data/text/sequences.hpp"
#include "gradus/data/text/tokenizer_training.hpp"
#include "gradus/metrics/bleu.hpp"
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;
using namespace gradus::core;

namespace {

struct Block {
  nn::Dense wide{8}, narrow{4};
  Array forward(const Array& x) const { return narrow(wide(x)); }
  GRADUS_PARTS(wide, narrow)
};
struct Sum {
  nn::Dense left{3}, right{3};
  Array forward(const Array& a, const Array& b) const { return left(a) + right(b); }
  GRADUS_PARTS(left, right)
};
struct Reads {
  Array forward(const Array& x) const { return x * sum(x).item(); }
  void visit_parts(PartVisitor&, const std::string&) const {}
};
const std::vector<std::string> kTexts{"abc"};
data::Tokenizer letters() { return data::train_tokenizer(data::TokenizerKind::character, kTexts, {.special_tokens = std::vector<std::string>{}}); }
nn::Sequential built() {
  nn::Sequential model{nn::Dense(4, relu), nn::Dense(2)};
  nn::build(model, {1, 785});
  return model;
}
const auto objective = [](const auto& model, const Array& x) { return mean(square(model(x))); };
data::Dataset points() { return data::Dataset(zeros({4, 3}), zeros({4}, int64)); }
// What is wrong with training shows before the first line is printed.
train::FitOptions quiet(loss::Loss loss) { return {.loss = std::move(loss), .verbose = false}; }
template <class Change>
void fit(const Change& change) {
  nn::Sequential model{nn::Dense(2)};
  train::FitOptions options = quiet(loss::sparse_categorical_crossentropy);
  change(options);
  train::fit(model, points(), options);
}

}  // namespace

Provocations module_provocations() {
  return {
      // Layers.
      PROVOKE(nn::Dense(0)),
      PROVOKE(nn::Embedding(0, 4)),
      PROVOKE(nn::Embedding(4, -1)),
      PROVOKE(nn::Dropout(1)),
      PROVOKE(nn::MixedPrecision{float16}),
      PROVOKE(nn::Conv2D(-8, 3)),
      PROVOKE(nn::Conv2D(8, 0)),
      PROVOKE(nn::Conv2D(8, 3, {.strides = 0})),
      PROVOKE(nn::Conv2D(8, 3, {.groups = 0})),
      PROVOKE(nn::Conv2D(8, 3, {.dilation = 0})),
      PROVOKE(nn::Conv2D(8, 3, {.padding = -1})),
      PROVOKE(nn::MaxPooling2D(0)),
      PROVOKE(nn::MaxPooling2D(2, {.strides = -1})),
      PROVOKE(nn::BatchNorm({.momentum = 2})),
      PROVOKE(nn::BatchNorm({.epsilon = -1})),
      PROVOKE(nn::LayerNorm({.epsilon = -1})),
      PROVOKE(nn::Activation(static_cast<Array (*)(const Array&)>(nullptr))),
      PROVOKE(nn::Activation::from_name("rleu")),
      PROVOKE(nn::init::from_name("glorot")),
      PROVOKE(nn::make_layer("Dens")),
      // Calls.
      PROVOKE(nn::Dense(4)(Array(1.0))),
      PROVOKE(nn::Dense(4)(Array())),
      PROVOKE(built()(zeros({32, 784}))),
      PROVOKE(built()(zeros({32, 785}, float64))),
      PROVOKE(const Block block; block(zeros({1, 3})); block(zeros({1, 5}))),
      PROVOKE(nn::Embedding(5, 2)(zeros({3}))),
      PROVOKE(nn::Embedding(5, 2)(array({1, 7})).eval()),
      PROVOKE(nn::Flatten()(Array(1.0))),
      PROVOKE(nn::Conv2D(8, 3)(zeros({28, 28, 1}))),
      PROVOKE(nn::Conv2D(8, 3, {.groups = 3})(zeros({1, 28, 28, 4}))),
      PROVOKE(nn::Conv2D(8, 9)(zeros({1, 5, 5, 1}))),
      PROVOKE(nn::Conv2D(8, 3)(zeros({2, 28, 28}))),
      PROVOKE(nn::Conv2D(8, 3)(zeros({2, 1, 28, 28}))),
      PROVOKE(const nn::Conv2D layer(8, 3); layer(zeros({2, 32, 32, 3})); layer(zeros({2, 3, 32, 32}))),
      PROVOKE(const nn::Conv1D layer(8, 3); layer(zeros({2, 100, 6})); layer(zeros({2, 6, 100}))),
      PROVOKE(nn::MaxPooling2D(2)(zeros({2, 1, 28, 28}))),
      PROVOKE(const nn::Sequential model{nn::Conv2D(8, 3), nn::MaxPooling2D(2)}; model(zeros({2, 3, 32, 32}))),
      PROVOKE(const nn::BatchNorm layer; layer(zeros({2, 8, 8, 3})); layer(zeros({2, 3, 8, 8}))),
      PROVOKE(nn::BatchNorm()(zeros({4}))),
      PROVOKE(nn::LayerNorm()(Array(1.0))),
      PROVOKE(nn::GlobalAveragePooling2D()(zeros({4, 4}))),
      PROVOKE(nn::Residual(nn::Dense(4))(zeros({2, 3}))),
      PROVOKE(nn::build(Sum(), Shape{1, 3})),
      PROVOKE(nn::build(nn::Dense(2), std::vector<nn::detail::InputSpec>(5))),
      PROVOKE(nn::build(Reads(), Shape{1, 3})),
      PROVOKE(built()[2]),
      PROVOKE(nn::parameter(built(), "0.kernl")),
      PROVOKE(nn::cast(built(), int32)),
      PROVOKE(nn::summary(nn::Sequential{nn::Dense(1)})),
      PROVOKE(nn::Sequential model{nn::Dense(3, [](const Array& x) { return leaky_relu(x, 0.2); })}; nn::build(model, {1, 2});
              io::save(model, "own.gradus")),
      PROVOKE(io::save(nn::Sequential{nn::Dense(3)}, "unbuilt.gradus")),
      // Losses and metrics.
      PROVOKE(loss::mean_squared_error(ones({100, 1}), ones({100}))),
      PROVOKE(loss::mean_absolute_error(ones({3}), ones({4}))),
      PROVOKE(loss::huber(ones({3}), ones({3}), {.delta = 0})),
      PROVOKE(loss::binary_crossentropy(ones({3}), ones({3}), {.label_smoothing = 1})),
      PROVOKE(loss::categorical_crossentropy(ones({2, 3}), array({0, 1}))),
      PROVOKE(loss::categorical_crossentropy(ones({2, 3}), ones({2, 3}), {.class_weights = ones({2})})),
      PROVOKE(loss::categorical_crossentropy(ones({2, 3}), ones({2, 3}), {.ignore_label = 0})),
      PROVOKE(loss::sparse_categorical_crossentropy(ones({4, 3}), ones({4}))),
      PROVOKE(loss::sparse_categorical_crossentropy(ones({4, 3}), zeros({5}, int64))),
      PROVOKE(loss::sparse_categorical_crossentropy(ones({2, 3}), array({0, 3})).eval()),
      PROVOKE(loss::sparse_categorical_crossentropy(ones({2, 3}), array({-1, 2})).eval()),
      PROVOKE(loss::sparse_categorical_crossentropy(Array(1.0), array({0}))),
      PROVOKE(loss::Loss()(ones({3}), ones({3}))),
      PROVOKE(loss::Loss::from_name("mean_square_error")),
      PROVOKE(metrics::accuracy(ones({4, 3}), zeros({5}, int64))),
      PROVOKE(metrics::binary_accuracy(ones({4}), ones({5}))),
      PROVOKE(metrics::top_k(0)),
      PROVOKE(metrics::Metric::from_name("acuracy")),
      PROVOKE(metrics::confusion_matrix(zeros({4, 3}), zeros({5}, int64))),
      PROVOKE(metrics::confusion_matrix(zeros({2, 3}), array({0, 4}))),
      // Optimisers and schedules.
      PROVOKE(optim::Adam(-0.1)),
      PROVOKE(optim::Adam(1e-3, {.beta_1 = 1})),
      PROVOKE(optim::Adam(1e-3, {.epsilon = -1})),
      PROVOKE(optim::SGD(0.1, {.momentum = -1})),
      PROVOKE(optim::SGD(0.1, {.dampening = 2})),
      PROVOKE(optim::SGD(0.1, {.weight_decay = std::numeric_limits<double>::infinity()})),
      PROVOKE(optim::SGD(0.1, {.nesterov = true})),
      PROVOKE(optim::RMSprop(1e-3, {.momentum = -1})),
      PROVOKE(optim::Adagrad(1e-3, {.rate_decay = -1})),
      PROVOKE(optim::Nadam(1e-3, {.momentum_decay = -1})),
      PROVOKE(optim::Rprop(1e-2, {.shrink = 1.5})),
      PROVOKE(optim::Rprop(1e-2, {.grow = 0.5})),
      PROVOKE(optim::Rprop(1e-2, {.smallest_step = 1, .largest_step = 0.1})),
      PROVOKE(optim::from_name("adm", 0.1)),
      PROVOKE(Array w = zeros({2}); optim::SGD().step(w, zeros({3}))),
      PROVOKE(Array w = zeros({2}, int32); optim::SGD().step(w, zeros({2}))),
      PROVOKE(std::vector<Array> parameters(2, zeros({2})); optim::SGD().step(parameters, {zeros({2})})),
      PROVOKE(const nn::Sequential model = built(); optim::SGD().step(model, Gradients({{"kernel", zeros({2})}}))),
      PROVOKE(const nn::Dense layer(2); optim::SGD optimizer; optimizer.step(layer, grad<0>(objective)(layer, ones({1, 3})));
              const nn::Dense other(2); optimizer.step(other, grad<0>(objective)(other, ones({1, 4})))),
      PROVOKE(Array w = zeros({2}); optim::SGD optimizer; optimizer.step(w, ones({2})); w = zeros({3}); optimizer.step(w, ones({3}))),
      PROVOKE(optim::SGD().set_rate_factor(-1)),
      PROVOKE(clip_by_norm(zeros({2}), 0)),
      PROVOKE(clip_by_value(zeros({2}), -1)),
      PROVOKE(optim::cosine(1e-3, {.steps = 0})),
      PROVOKE(optim::cosine(1e-3, {.steps = 10, .warmup = 10})),
      PROVOKE(optim::cosine(1e-3, {.final_rate = -1})),
      PROVOKE(optim::exponential(1e-3, -0.5)),
      PROVOKE(optim::exponential(1e-3, 0.5, 0)),
      PROVOKE(optim::one_cycle(1, {.initial_divisor = 0})),
      PROVOKE(optim::Plateau({.smallest_factor = 2})),
      PROVOKE(optim::cosine_restarts(1e-3, {.multiplier = 0.5})),
      PROVOKE(optim::linear(1, 0, -3)),
      PROVOKE(optim::sequence({1.0, 0.5}, {})),
      PROVOKE(optim::sequence({1.0, 0.5, 0.2}, {20, 10})),
      PROVOKE(optim::one_cycle(1, {.rising = 1})),
      PROVOKE(optim::Plateau({.factor = 1})),
      PROVOKE(optim::Plateau({.patience = -1})),
      PROVOKE(optim::Schedule([](int64_t step) { return 1.0 - static_cast<double>(step); })(2)),
      // Data.
      PROVOKE(data::Dataset(Array(1.0))),
      PROVOKE(data::Dataset(zeros({4, 3}), zeros({5}))),
      PROVOKE(data::Dataset(zeros({2, 3}), array({0.0, std::nan("")}))),
      PROVOKE(data::Dataset(zeros({2, 3}), array({0, 2}), {.class_names = {"cat", "dog"}})),
      PROVOKE(data::Dataset(zeros({2, 3}), zeros({2}), {.class_names = {"cat", "dog"}})),
      PROVOKE(data::Dataset::from_bytes(zeros({2, 3}), {})),
      PROVOKE(const std::vector<int64_t> positions{0, 4}; data::subset(points(), positions)),
      PROVOKE(data::subset(points(), 2, 5)),
      PROVOKE(data::split(points(), 1.5)),
      PROVOKE(data::batches(points(), {.batch_size = 0})),
      PROVOKE(data::batches(data::Dataset())),
      PROVOKE(data::bucketed(points())),
      PROVOKE(data::with_extra(points(), {"lengths", zeros({3}), {}})),
      PROVOKE(data::Tokenizer().encode("text")),
      PROVOKE(letters().encode("ab c")),
      PROVOKE(letters().encode("ab\xC3")),
      PROVOKE(letters().decode(std::vector<int64_t>{0, 26})),
      PROVOKE(letters().id("</s>")),
      PROVOKE(data::train_tokenizer(data::TokenizerKind::byte_pair, kTexts, {.vocabulary_size = 100})),
      PROVOKE(data::tokenizer_kind("wordpiece")),
      PROVOKE(data::language_model_set(std::vector<int64_t>{1, 2, 3}, {.context = 3})),
      PROVOKE(data::series_set(array({1, 2, 3}), {.steps = 12})),
      PROVOKE(metrics::bleu(kTexts, std::vector<std::string>{})),
      // Training.
      PROVOKE(nn::Dense model(2); train::fit(model, points(), {.verbose = false})),
      PROVOKE(nn::Dense model(2); train::fit(model, data::Dataset(zeros({4, 3})), quiet(loss::mean_squared_error))),
      PROVOKE(nn::Dense model(2); train::fit(model, points(), quiet(loss::mean_squared_error))),
      PROVOKE(nn::Dense model(2); train::fit(model, data::subset(points(), 0, 0), quiet(loss::sparse_categorical_crossentropy))),
      PROVOKE(fit([](auto& options) { options.epochs = -1; })),
      PROVOKE(fit([](auto& options) { options.batch_size = 0; })),
      PROVOKE(fit([](auto& options) { options.patience = -1; })),
      PROVOKE(fit([](auto& options) { options.validation_fraction = 1; })),
      PROVOKE(fit([](auto& options) { options.clip_norm = -1; })),
      PROVOKE(fit([](auto& options) { options.patience = 1; options.monitor = "accurracy"; options.validation_fraction = 0.5; })),
      PROVOKE(nn::Dense model(1); train::fit(model, data::Dataset(full({4, 3}, 1e30), ones({4, 1})), quiet(loss::mean_squared_error))),
      PROVOKE(nn::Dense model(1); train::fit(model, [](const nn::Dense& m, const data::Batch& batch) { return m(batch.x); }, points(), quiet({}))),
      PROVOKE(nn::Sequential model{nn::Dense(2, softmax)}; train::fit(model, points(), quiet(loss::sparse_categorical_crossentropy))),
      PROVOKE(nn::Sequential model{nn::Dense(1, sigmoid)};
              train::fit(model, data::Dataset(zeros({4, 3}), zeros({4, 1})), quiet(loss::binary_crossentropy))),
      PROVOKE(nn::Sequential model{nn::Embedding(5, 2), nn::Flatten(), nn::Dense(2)};
              train::fit(model, data::Dataset(array({{0, 1}, {2, 7}}), array({0, 1})), quiet(loss::sparse_categorical_crossentropy))),
      PROVOKE(nn::Dense model(2); train::fit(model, points(), quiet([](const Array& output, const Array&) { return square(output); }))),
      PROVOKE(nn::Sequential model = built(); nn::freeze(model); train::fit(model, data::Dataset(zeros({4, 785}), zeros({4}, int64)), quiet(loss::sparse_categorical_crossentropy))),
      PROVOKE(nn::Flatten model; train::fit(model, points(), quiet(loss::sparse_categorical_crossentropy))),
      PROVOKE(train::evaluate(built(), data::Dataset(zeros({4, 785})), {.verbose = false})),
      PROVOKE(train::evaluate(built(), data::subset(points(), 0, 0), {.verbose = false})),
      PROVOKE(train::predict(built(), zeros({0, 785}))),
      PROVOKE(train::Logs()["loss"]),
      PROVOKE(train::History().last("loss")),
  };
}

}  // namespace errors
