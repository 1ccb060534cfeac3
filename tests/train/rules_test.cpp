// Rules as penalties, what they count, and monotone models.
#include "gradus/train/rules.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "gradus/models/monotone.hpp"
#include "gradus/train/monotonicity.hpp"
#include "tests/damage.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;
using testing::TemporaryFolder;
using train::RuleLogic;
using train::RuleNames;
using train::RuleOutputs;
using train::Rules;

RuleNames people() { return {.inputs = {"age", "income", "student"}, .outputs = {"married", "retired"}, .kind = RuleOutputs::labels}; }
// One sample: age 16, income 2, student; probabilities 0.8 and 0.3.
const double kMarried = 0.8, kRetired = 0.3;
Array person() { return array({{16.0, 2.0, 1.0}}).astype(float64); }
Array logits() { return array({{std::log(kMarried / (1 - kMarried)), std::log(kRetired / (1 - kRetired))}}, float64); }

double truth(const std::string& text, RuleLogic logic = RuleLogic::product, double scale = 1) {
  RuleNames names = people();
  names.logic = logic;
  return Rules({{text, 1, scale}}, names).truths(person(), logits())[0].item();
}

TEST(Rules, TruthsAreThoseOfTheLogic) {
  const double m = kMarried, r = kRetired;
  EXPECT_NEAR(truth("married"), m, 1e-12);
  EXPECT_NEAR(truth("not married"), 1 - m, 1e-12);
  EXPECT_NEAR(truth("married and retired"), m * r, 1e-12);
  EXPECT_NEAR(truth("married or retired"), m + r - m * r, 1e-12);
  EXPECT_NEAR(truth("married -> retired"), 1 - m + m * r, 1e-12);
  EXPECT_NEAR(truth("if married then retired"), 1 - m + m * r, 1e-12);
  EXPECT_NEAR(truth("if age < 18 then not married"), 1 - m, 1e-12);
  EXPECT_NEAR(truth("age >= 18 -> married"), 1, 1e-12);
  EXPECT_NEAR(truth("student and not retired"), 1 - r, 1e-12);
  EXPECT_NEAR(truth("not (married and retired)"), 1 - m * r, 1e-12);
  EXPECT_NEAR(truth("married -> retired -> married"), 1 - m + m * (1 - r + r * m), 1e-12);  // to the right
  EXPECT_NEAR(truth("not married or retired and married"), (1 - m) + r * m - (1 - m) * r * m, 1e-12);
  constexpr RuleLogic l = RuleLogic::lukasiewicz;
  EXPECT_NEAR(truth("married and retired", l), m + r - 1, 1e-12);
  EXPECT_NEAR(truth("not married and retired", l), 0, 1e-12);
  EXPECT_NEAR(truth("married or retired", l), 1, 1e-12);
  EXPECT_NEAR(truth("married -> retired", l), 1 - m + r, 1e-12);
  EXPECT_NEAR(truth("retired -> married", l), 1, 1e-12);
}

TEST(Rules, ComparisonsAreLinear) {
  const double m = kMarried, r = kRetired;
  EXPECT_EQ(truth("age + 2 * income - 1 = 19"), 1);
  EXPECT_EQ(truth("19 != age + income * 2 - 1"), 0);
  EXPECT_EQ(truth("-age < -3 * 5"), 1);
  EXPECT_EQ(truth("age > 16"), 0);
  EXPECT_EQ(truth("age >= 16"), 1);
  EXPECT_NEAR(truth("married <= retired"), std::exp(-(m - r)), 1e-12);
  EXPECT_NEAR(truth("married <= retired", RuleLogic::product, 10), std::exp(-(m - r) / 10), 1e-12);
  EXPECT_NEAR(truth("married <= retired", RuleLogic::lukasiewicz), 1 - (m - r), 1e-12);
  EXPECT_EQ(truth("retired <= married"), 1);
  EXPECT_NEAR(truth("married = 2 * retired"), std::exp(-std::abs(m - 2 * r)), 1e-12);
  EXPECT_EQ(truth("1 < 2"), 1);
}

TEST(Rules, ClassesAndNumbersHaveTheirMeaning) {
  const RuleNames classes{.outputs = {"boot", "Ankle shoe", "shirt"}};
  const Array output = array({{1.0, 3.0, 0.5}, {0.0, 0.1, 2.0}});
  const Array p = softmax(output, -1);
  const Rules rules({{"boot or \"Ankle shoe\""}, {"shirt"}}, classes);
  EXPECT_TRUE(allclose(rules.truths({}, output)[1], p[{slice(), 2}]));
  const std::vector<train::RuleCount> counts = rules.count({}, output);
  EXPECT_EQ(counts[0].violated, 1);
  EXPECT_EQ(counts[1].violated, 1);
  EXPECT_EQ(counts[1].samples, 2);
  const RuleNames numbers{.outputs = {"low", "high"}, .kind = RuleOutputs::numbers};
  const Rules order({{"low <= high"}}, numbers);
  EXPECT_EQ(order.count({}, array({{1.0, 2.0}, {3.0, 2.5}, {1.0, 1.0}}))[0].violated, 1);
  EXPECT_NEAR(order.penalty({}, array({{3.0, 2.5}})).item(), 0.5, 1e-6);  // -log exp(-0.5)
  EXPECT_NE(error_of([&] { Rules({{"low"}}, numbers); }).find("column 1: an output that is a number is no truth; compare it: output > 0"),
            std::string::npos);
}

TEST(Rules, SpeakOfInputsBeforeTheirPreprocessing) {
  RuleNames names = people();
  names.preprocessing = nn::Preprocessing{.mean = {40, 0, 0}, .deviation = {10, 1, 1}};
  const Rules rules({{"age = 16"}}, names);
  EXPECT_EQ(rules.truths(array({{-2.4, 2.0, 1.0}}).astype(float64), logits())[0].item(), 0);  // float32: 16.000001
  EXPECT_EQ(Rules({{"age < 16.1 and age > 15.9"}}, names).truths(array({{-2.4, 2.0, 1.0}}), logits())[0].item(), 1);
}

// ---- tables

data::Table table_of_people() {
  std::vector<double> age, hours;
  for (int i = 0; i < 60; ++i) {
    age.push_back(15 + i % 7);
    hours.push_back(0.1 * i);
  }
  std::vector<std::string> job, size, happy;
  for (int i = 0; i < 60; ++i) {
    job.push_back(i % 3 == 0 ? "clerk" : i % 3 == 1 ? "never married" : "cook");
    size.push_back(i % 4 == 0 ? "S" : i % 4 == 1 ? "M" : "L");
    happy.push_back(i % 2 ? "yes" : "no");
  }
  return data::Table({data::Column::numeric("age", age), data::Column::numeric("hours", hours), data::Column::categorical("job", job),
                      data::Column::ordinal("size", size, {"S", "M", "L"}), data::Column::categorical("happy", happy)});
}
// Of how many rows of the table a comparison holds, as the model sees them.
int64_t holds(const preprocess::Pipeline& given, const std::string& text) {
  preprocess::Pipeline pipeline = given;
  const data::Dataset set = pipeline.fit(table_of_people(), "happy");
  const Rules rules({{text}}, train::rule_names(pipeline));
  return 60 - rules.count(set.x, zeros({60, 2}))[0].violated;
}

TEST(TableRules, SpeakInTheTablesUnits) {
  const preprocess::Pipeline standardised{preprocess::Standardise(), preprocess::Ordinal(), preprocess::OneHot()},
      ranged{preprocess::MinMax({.low = -1, .high = 1}), preprocess::Ordinal(), preprocess::Codes()},
      twice{preprocess::Robust(), preprocess::Standardise(), preprocess::OneHot({.columns = {"job"}}), preprocess::Ordinal()};
  for (const preprocess::Pipeline& pipeline : {standardised, ranged, twice}) {
    EXPECT_EQ(holds(pipeline, "age < 18"), 27);  // ages are 15 to 21 in turn
    EXPECT_EQ(holds(pipeline, "age <= 18"), 36);
    EXPECT_EQ(holds(pipeline, "age = 18"), 9);
    EXPECT_EQ(holds(pipeline, "age != 18"), 51);
    EXPECT_EQ(holds(pipeline, "hours >= 0.3"), 57);
    EXPECT_EQ(holds(pipeline, "hours > 0.3"), 56);
    EXPECT_EQ(holds(pipeline, "10 * hours = 7"), 1);
    EXPECT_EQ(holds(pipeline, "age - 10 * hours >= 15"), holds(pipeline, "10 * hours + 15 <= age"));
    EXPECT_EQ(holds(pipeline, "job = clerk"), 20);
    EXPECT_EQ(holds(pipeline, "job=clerk or job = cook"), 40);
    EXPECT_EQ(holds(pipeline, "input.job != \"never married\""), 40);
    EXPECT_EQ(holds(pipeline, "size >= M"), 45);
    EXPECT_EQ(holds(pipeline, "size < L"), 30);
    EXPECT_EQ(holds(pipeline, "size = S"), 15);
  }
}

TEST(TableRules, TargetsOfNumbersAreInTheirOwnUnit) {
  const data::Table table({data::Column::numeric("x", {1, 2, 3, 4}), data::Column::numeric("pay", {100, 1000, 10000, 100000})});
  for (const auto scale : {preprocess::TargetScale::standardise, preprocess::TargetScale::log, preprocess::TargetScale::none}) {
    preprocess::Pipeline pipeline{preprocess::Standardise()};
    const data::Dataset set = pipeline.fit(table, "pay", {.task = preprocess::Task::regression, .scale = scale});
    const Rules rules({{"pay >= 9000"}, {"pay < 200 * x"}}, train::rule_names(pipeline));
    const auto counts = rules.count(set.x, set.y);  // a model that is right
    EXPECT_EQ(counts[0].violated, 2);
    EXPECT_EQ(counts[1].violated, 3);
  }
}

TEST(TableRules, RefuseWhatTheyCannotSay) {
  const auto error = [](const preprocess::Pipeline& pipeline, const std::string& text) {
    const std::string all = error_of([&] { holds(pipeline, text); }), start = concat("rules: \"", text, "\", column ");
    return all.starts_with(start) ? all.substr(start.size()) : all;
  };
  const preprocess::Pipeline usual{preprocess::Standardise(), preprocess::Ordinal(), preprocess::OneHot()};
  EXPECT_EQ(error(usual, "job = clrk"), "7: \"job\" has no value \"clrk\" that the model sees by itself; did you mean clerk?");
  EXPECT_EQ(error(usual, "job"), "1: \"job\" is a column of categories; compare it: job = clerk");
  EXPECT_EQ(error(usual, "job > clerk"), "5: the values of \"job\" have no order; compare them by = or !=");
  EXPECT_EQ(error(usual, "job ="), "6: expected a value of job, got the end");
  EXPECT_EQ(error(usual, "agee > 3"), "1: there is no input or output \"agee\"; did you mean age?");
  const preprocess::Pipeline powers{preprocess::Power(), preprocess::Ordinal(), preprocess::OneHot()};
  EXPECT_EQ(error(powers, "age > 3"),
            "1: \"age\" is changed by the step Power, otherwise than by a line, so that its number in the table is not known");
  EXPECT_EQ(error(powers, "job = clerk"), "");
}

TEST(Rules, WhatIsNoRuleIsRefusedWithItsColumn) {
  const auto error = [](const std::string& text) {
    const std::string all = error_of([&] { Rules({{text}}, people()); }), start = concat("rules: \"", text, "\", column ");
    return all.starts_with(start) ? all.substr(start.size()) : all;
  };
  EXPECT_EQ(error("if agee < 18 then married"), "4: there is no input or output \"agee\"; did you mean age?");
  EXPECT_EQ(error("married and"), "12: expected a name or a number, got the end");
  EXPECT_EQ(error("(married"), "9: expected ), got the end");
  EXPECT_EQ(error("married retired"), "9: expected the end of the rule, and, or, or ->, got \"retired\"");
  EXPECT_EQ(error("if married retired"), "12: expected then, got \"retired\"");
  EXPECT_EQ(error("age"), "");
  EXPECT_EQ(error("age + 1"), "8: expected <, <=, >, >=, = or !=, got the end");
  EXPECT_EQ(error("age * income < 3"), "5: two names are multiplied; rules are linear");
  EXPECT_EQ(error("age < 18 & married"), "10: \"&\" is no part of a rule");
  EXPECT_EQ(error("age < 1e999"), "7: this number is out of range");
  EXPECT_EQ(error("\"age < 3"), "1: this quote does not end");
  EXPECT_EQ(error(""), "1: expected a name or a number, got the end");
  std::string deep;
  for (int i = 0; i < 150; ++i) deep += "(";
  EXPECT_NE(error(deep).find("more than 100 things stand within each other"), std::string::npos);
  deep.clear();
  for (int i = 0; i < 2000; ++i) deep += "not ";
  EXPECT_NE(error(deep + "married").find("more than 100 things stand within each other"), std::string::npos);
  EXPECT_EQ(error(std::string(10'001, ' ')), "rules: a rule has 10001 characters; it may have 10000");
  EXPECT_EQ(error_of([] { Rules({{"a"}}, {.inputs = {"a"}, .outputs = {"a"}}); }),
            "rules: \"a\", column 1: \"a\" is an input and an output; write input.a or output.a");
  EXPECT_EQ(error_of([] { Rules({{"input.a -> output.a"}}, {.inputs = {"a"}, .outputs = {"a"}}); }), "");
  EXPECT_EQ(error_of([] { Rules({{"married", -1}}, people()); }), "rules: weight is -1; it must not be negative");
  EXPECT_EQ(error_of([] {
              Rules({{"married"}}, people()).penalty(zeros({2, 2}), zeros({2, 2}));
            }),
            "rules: x is (2, 2) and has 3 names; it must be (N, 3)");
}

TEST(Rules, DamagedRulesAreReadOrRefused) {
  const std::string good = "if age < 18 and not (student or income >= 2 * age - 1) then not married -> retired";
  for (uint32_t seed = 0; seed < 500; ++seed) {
    const std::string bad = testing::damaged(good, seed);
    testing::expect_careful([&] { Rules({{bad}}, people()); }, 1 << 20, bad);
  }
}

TEST(Rules, PenaltiesHaveTheirDerivatives) {
  for (const RuleLogic logic : {RuleLogic::product, RuleLogic::lukasiewicz}) {
    RuleNames names = people();
    names.logic = logic;
    const Rules rules({{"if age < 18 then not married", 2}, {"married <= retired + 0.1", 0.5}, {"student -> retired or married"}}, names);
    const auto penalty = [&](const Array& output) { return rules.penalty(person(), output); };
    const Array slope = grad(penalty)(logits());
    for (int64_t i = 0; i < 2; ++i) {
      const Array step = one_hot(Array(i), 2, float64) * 1e-5;
      const double want = (penalty(logits() + step).item() - penalty(logits() - step).item()) / 2e-5;
      EXPECT_NEAR((slope[{0, i}].item()), want, 1e-6) << i;
    }
  }
}

TEST(Rules, TrainingKeepsThem) {
  // Labels that contradict the rule for a tenth of the young: only the rule makes the model leave them out.
  random::seed(2);
  const Array age = random::uniform({600, 1}, 0, 60), other = random::normal({600, 1});
  const Array y = (other > 0).astype(float32);
  const data::Dataset set(concatenate({age / 10, other}, 1), y);
  const Rules rules({{"if age < 1.8 then not married", 3}},
                    {.inputs = {"age", "other"}, .outputs = {"married"}, .kind = RuleOutputs::labels});
  const auto trained = [&](const Rules& used) {
    random::seed(1);
    nn::Sequential model{nn::Dense(32, relu), nn::Dense(1)};
    const train::History history =
        train::fit(model, train::RuleObjective{loss::binary_crossentropy, used, {metrics::accuracy}}, set,
                   {.optimizer = optim::Adam(0.01), .epochs = 30, .batch_size = 50, .validation = set, .verbose = false});
    EXPECT_EQ(history.epochs[0].logs.contains("rules"), used.exists());
    EXPECT_EQ(history.epochs[0].logs.contains("val_rules"), used.exists());
    return train::rule_counts(model, rules, set)[0];
  };
  const train::RuleCount without = trained({}), with = trained(rules);
  EXPECT_GT(without.rate(), 0.1);
  EXPECT_LT(with.rate(), 0.02);
  EXPECT_EQ(with.samples, 600);
  EXPECT_TRUE(with.applies > 120 && with.applies < 240) << with.applies;
  EXPECT_EQ(train::to_text({{"a -> b", 400, 80, 12}}), "a -> b: broken by 12 of 400 samples (3.0 %), applies to 80\n");
}

// ---- monotone models

TEST(MonotoneMLP, IsMonotoneWhateverItsParametersAre) {
  for (const uint64_t seed : {1, 2, 3}) {
    random::seed(static_cast<int64_t>(seed));
    models::MonotoneMLP model({.directions = {1, 0, -1, 0}, .outputs = 2, .hidden = 11, .layers = 3});
    const Array x = random::normal({40, 4}, 0, 3);
    model(x);
    for (const Variable& variable : parameters(model)) variable.set((variable.get() + random::normal(variable.get().shape(), 0, 2)).eval());
    for (const train::MonotonicityCount& count : train::monotonicity_check(model, x, {1, 0, -1, 0})) {
      EXPECT_EQ(count.steps, 40 * 2 * 19);
      EXPECT_EQ(count.violated, 0) << count.column;
    }
    // The check does see what is not monotone.
    EXPECT_GT(train::monotonicity_check(model, x, {-1, 0, 0, 0})[0].violated, 0);
    EXPECT_GT(train::monotonicity_check(model, x, {0, 0, 1, 0})[0].worst, 0);
  }
}

TEST(MonotoneMLP, LearnsWhatIsMonotoneAndIsSaved) {
  random::seed(3);
  const Array x = random::uniform({500, 3}, -2, 2);
  const Array y = tanh(3 * x[{slice(), 0}]) - exp(x[{slice(), 1}]) + cos(3 * x[{slice(), 2}]);
  const data::Dataset set(x, expand_dims(y, 1));
  models::MonotoneMLP model({.directions = {1, -1, 0}, .hidden = 24});
  const train::History history = train::fit(
      model, set, {.loss = loss::mean_squared_error, .optimizer = optim::Adam(0.01), .epochs = 60, .batch_size = 50, .verbose = false});
  EXPECT_LT(history.last("loss"), 0.15);  // the targets have a variance of 2.8
  const TemporaryFolder folder;
  io::save(model, folder / "m");
  EXPECT_TRUE(array_equal(io::load(folder / "m")(x), model(x)));
  for (const int64_t wrong : {2, -2}) EXPECT_NE(error_of([&] { models::MonotoneMLP({.directions = {wrong}}); }), "");
  EXPECT_NE(error_of([] { models::MonotoneMLP({.directions = {}}); }), "");
  EXPECT_EQ(error_of([&] {
              model(zeros({2, 2}));
            }).rfind("monotone_mlp: x is (2, 2); it must be (N, 3), one number for each direction", 0),
            0u);
}

TEST(Monotonicity, PenaltyAsksForSlopes) {
  const auto model = [](const Array& x) { return 2 * x[{slice(), 0}] - 3 * x[{slice(), 1}]; };
  const Array x = ones({5, 2});
  EXPECT_EQ(train::monotonicity_penalty(model, x, {1, -1}).item(), 0);
  EXPECT_EQ(train::monotonicity_penalty(model, x, {-1, 0}).item(), 2);
  EXPECT_EQ(train::monotonicity_penalty(model, x, {-1, 1}).item(), 5);
  EXPECT_EQ(error_of([&] { train::monotonicity_penalty(model, x, {1}); }),
            "monotonicity: x is (5, 2), and there are 1 directions; x must be (N, directions)");
  EXPECT_EQ(error_of([&] { train::monotonicity_penalty(model, x, {1, 2}); }), "monotonicity: a direction is 2; it must be 1, -1 or 0");
  // It is a penalty: training with it makes a network monotone that the data would not.
  random::seed(5);
  const Array inputs = random::uniform({200, 1}, -1, 1), targets = sin(4 * inputs);
  const auto trained = [&](double weight) {
    random::seed(1);
    nn::Sequential network{nn::Dense(32, tanh), nn::Dense(1)};
    const auto objective = [&](const auto& m, const data::Batch& batch) {
      return loss::mean_squared_error(m(batch.x), batch.y) + weight * train::monotonicity_penalty(m, batch.x, {1});
    };
    train::fit(network, objective, data::Dataset(inputs, targets), {.optimizer = optim::Adam(0.01), .epochs = 60, .verbose = false});
    return train::monotonicity_check(network, inputs, {1})[0];
  };
  const train::MonotonicityCount free = trained(0), bound = trained(10);
  EXPECT_GT(free.worst, 0.02);
  EXPECT_LT(bound.worst, free.worst / 5);
}

}  // namespace

}  // namespace gradus
