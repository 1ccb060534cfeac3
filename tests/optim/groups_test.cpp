// Groups of parameters with rates and weight decays of their own; freezing by pattern.
#include <limits>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using Floats = std::vector<float>;

struct Two {
  Parameter kernel{array({1.0, 2.0})}, bias{array({3.0})};
  GRADUS_PARTS(kernel, bias)
};
// Steps along the gradients 0.5 and 0.25.
void train_two(const Two& model, optim::Optimizer& optimizer, int steps = 5) {
  for (int i = 0; i < steps; ++i) optimizer.step(model, Gradients({{"kernel", array({0.5, 0.5})}, {"bias", array({0.25})}}));
}
std::pair<Floats, Floats> after(optim::Optimizer optimizer) {
  const Two model;
  train_two(model, optimizer);
  return {model.kernel.get().to_vector<float>(), model.bias.get().to_vector<float>()};
}

TEST(Groups, EachParameterMovesAsAnOptimiserOfItsOwnOptionsWouldMoveIt) {
  const auto base = [](double rate, double decay) { return optim::AdamW(rate, {.weight_decay = decay}); };
  const auto grouped = after(base(0.1, 0.5).with_groups({{.parameters = {"bias"}, .rate_factor = 0.5, .weight_decay = 0.0}}));
  EXPECT_EQ(grouped.first, after(base(0.1, 0.5)).first);
  EXPECT_EQ(grouped.second, after(base(0.05, 0)).second);
  const auto own = after(base(0.1, 0.5).with_groups({{.parameters = {"*"}, .learning_rate = 0.2}}));
  EXPECT_EQ(own, after(base(0.2, 0.5)));
  const auto first =
      after(base(0.1, 0.5).with_groups({{.parameters = {"b*"}, .rate_factor = 0}, {.parameters = {"**"}, .rate_factor = 3}}));
  EXPECT_EQ(first.second, Floats{3}) << "the first group that names it counts";
  EXPECT_EQ(first.first, after(base(0.1 * 3, 0.5)).first);
}

TEST(Groups, EveryRuleWithAWeightDecayTakesOne) {
  const std::vector<std::pair<optim::Optimizer, optim::Optimizer>> pairs{
      {optim::SGD(0.1, {.momentum = 0.9}), optim::SGD(0.1, {.momentum = 0.9, .weight_decay = 0.3})},
      {optim::Adam(0.1, {.amsgrad = true}), optim::Adam(0.1, {.weight_decay = 0.3, .amsgrad = true})},
      {optim::AdamW(0.1), optim::AdamW(0.1, {.weight_decay = 0.3})},
      {optim::RMSprop(0.1), optim::RMSprop(0.1, {.weight_decay = 0.3})},
      {optim::Adagrad(0.1), optim::Adagrad(0.1, {.weight_decay = 0.3})},
      {optim::Adadelta(0.1), optim::Adadelta(0.1, {.weight_decay = 0.3})},
      {optim::Adamax(0.1), optim::Adamax(0.1, {.weight_decay = 0.3})},
      {optim::Nadam(0.1), optim::Nadam(0.1, {.weight_decay = 0.3})},
      {optim::RAdam(0.1), optim::RAdam(0.1, {.weight_decay = 0.3})},
      {optim::ASGD(0.1), optim::ASGD(0.1, {.weight_decay = 0.3})}};
  for (const auto& [without, with] : pairs) {
    EXPECT_EQ(after(without.with_groups({{.parameters = {"**"}, .weight_decay = 0.3}})), after(with)) << without.name();
    EXPECT_NE(after(without), after(with)) << without.name();
  }
  EXPECT_EQ(error_of([] { optim::Rprop().with_groups({{.parameters = {"**"}, .weight_decay = 0.3}}); }),
            "rprop: a group has weight_decay 0.3; rprop has none");
}

TEST(Groups, SchedulesAndReductionsGoOnUnderThem) {
  const auto halving = [](int64_t step) { return 0.1 / static_cast<double>(1 << step); };
  EXPECT_EQ(after(optim::SGD(halving).with_groups({{.parameters = {"bias"}, .rate_factor = 2}})).second,
            after(optim::SGD([&](int64_t step) { return 2 * halving(step); })).second);
  optim::Optimizer lowered = optim::SGD(0.1).with_groups({{.parameters = {"bias"}, .learning_rate = 0.4}});
  lowered.set_rate_factor(0.5);
  EXPECT_EQ(after(lowered).second, after(optim::SGD(0.2)).second);
}

TEST(Groups, StateGoesOnAndCopiesKeepThem) {
  const std::vector<optim::ParameterGroup> groups{{.parameters = {"bias"}, .rate_factor = 0.5}};
  optim::Optimizer whole = optim::Adam(0.1).with_groups(groups);
  const Two one;
  train_two(one, whole, 6);
  optim::Optimizer before = optim::Adam(0.1).with_groups(groups), after = optim::Adam(0.1).with_groups(groups);
  const Two two;
  train_two(two, before, 3);
  after.set_state(before.state());
  optim::Optimizer copy = after;
  train_two(two, copy, 3);
  EXPECT_EQ(one.bias.get().to_vector<float>(), two.bias.get().to_vector<float>());
  EXPECT_EQ(one.kernel.get().to_vector<float>(), two.kernel.get().to_vector<float>());
}

TEST(Groups, InsideCompileTheyAreTheSame) {
  const auto groups = [] { return optim::Adam(0.1).with_groups({{.parameters = {"bias"}, .rate_factor = 0.5, .weight_decay = 0.1}}); };
  Two plain, compiled;
  optim::Optimizer a = groups(), b = groups();
  const auto objective = [](const auto& m, const Array& x) { return sum(square(m.kernel * x)) + sum(square(m.bias)); };
  const auto run = [&](Two& model, optim::Optimizer& optimizer) {
    return [&](const Array& x) {
      auto [value, grads] = value_and_grad<0>(objective)(model, x);
      optimizer.step(model, std::move(grads));
      return value;
    };
  };
  auto step = compile(run(compiled, b), compiled, b);
  for (int i = 0; i < 4; ++i) {
    run(plain, a)(array({1.0, 2.0}));
    step(array({1.0, 2.0}));
  }
  EXPECT_EQ(plain.bias.get().to_vector<float>(), compiled.bias.get().to_vector<float>());
  EXPECT_EQ(plain.kernel.get().to_vector<float>(), compiled.kernel.get().to_vector<float>());
}

TEST(Groups, APatternThatNamesNothingIsAnErrorOfTheFirstStep) {
  optim::Optimizer optimizer = optim::Adam(0.1).with_groups({{.parameters = {"kernel"}}, {.parameters = {"bais"}}});
  const Two model;
  EXPECT_EQ(error_of([&] { train_two(model, optimizer); }), "adam: the group \"bais\" matches no parameter; the nearest is bias");
  EXPECT_EQ(model.bias.get().item(), 3) << "which has not happened";
}

TEST(Groups, OptionsThatMakeNoSenseAreRefused) {
  const auto message = [](const optim::ParameterGroup& group) { return error_of([&] { optim::SGD(0.1).with_groups({group}); }); };
  EXPECT_EQ(message({}), "sgd: a group names no parameters; for example .parameters = {\"**.bias\"}");
  EXPECT_EQ(message({.parameters = {"**"}, .rate_factor = -1}), "sgd: the rate_factor of a group is -1; it must not be negative");
  EXPECT_EQ(message({.parameters = {"**"}, .weight_decay = std::numeric_limits<double>::quiet_NaN()}),
            "sgd: the weight_decay of a group is nan; it must not be negative");
}

// ---- freezing ----

TEST(Freezing, ByPatternLeavesParametersAsTheyAre) {
  random::seed(1);
  nn::Sequential model{nn::Dense(4), nn::BatchNorm(), nn::Dense(2)};
  nn::build(model, {1, 3});
  nn::freeze(model, {"0.**", "**.bias"});
  std::vector<std::string> trained;
  for (const Variable& variable : parameters(model)) trained.push_back(variable.path);
  EXPECT_EQ(trained, (std::vector<std::string>{"1.weight", "2.kernel"}));
  nn::unfreeze(model, {"0.kernel"});
  EXPECT_EQ(parameters(model).size(), 3u);
  EXPECT_EQ(error_of([&] { nn::freeze(model, {"3.**"}); }).rfind("freeze: the pattern \"3.**\" matches no parameter; ", 0), 0u);
  EXPECT_NE(error_of([&] { nn::freeze(model, {"1.running_mean"}); }), "") << "statistics are not trained anyway";
}

TEST(Freezing, InFitIsForThatFitOnly) {
  random::seed(1);
  nn::Sequential model{nn::Dense(4, relu), nn::Dense(3)};
  nn::build(model, {1, 2});
  const Floats before = nn::parameter(model, "0.kernel").get().to_vector<float>(),
               head = nn::parameter(model, "1.kernel").get().to_vector<float>();
  const data::Dataset set = data::make_blobs(30, {.classes = 3});
  train::FitOptions how{.loss = loss::sparse_categorical_crossentropy, .verbose = false, .freeze = {"0.**"}};
  train::fit(model, set, how);
  EXPECT_EQ(nn::parameter(model, "0.kernel").get().to_vector<float>(), before);
  EXPECT_NE(nn::parameter(model, "1.kernel").get().to_vector<float>(), head);
  EXPECT_EQ(parameters(model).size(), 4u);
  how.freeze = {"**"};
  EXPECT_EQ(error_of([&] { train::fit(model, set, how); }),
            "fit: the model has no parameter that is trained; freeze is [**], which names all");
  EXPECT_EQ(parameters(model).size(), 4u) << "after an error too";
}

TEST(Groups, HaveNoPlateauOfTheirOwn) {
  EXPECT_EQ(error_of([] { optim::Adam(0.1).with_groups({{.parameters = {"**"}, .learning_rate = optim::plateau(0.1, {})}}); }),
            "adam: the learning_rate of a group has a plateau, which counts for all of a run; give it to the optimiser's own schedule");
}

}  // namespace
}  // namespace gradus
