// Counterfactuals in the table's own columns: what they change, what they hold, and that they hold true.
#include "gradus/explain/table_counterfactual.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace explain_tests {
namespace {

using namespace gradus;
using data::Column;
using data::Table;
using preprocess::Pipeline;
using gradus::testing::error_of;

// income = age / 10 + hours / 10 + 3 if a nurse, against 10; ages are whole, hours are not.
Table people(int64_t rows) {
  std::vector<double> age, hours;
  std::vector<std::string> job, happy;
  for (int64_t i = 0; i < rows; ++i) {
    age.push_back(static_cast<double>(20 + i * 37 % 50));
    hours.push_back(static_cast<double>(i * 29 % 41) + 0.25);
    job.push_back(i % 3 == 0 ? "clerk" : i % 3 == 1 ? "nurse" : "cook");
    happy.push_back(age.back() / 10 + hours.back() / 10 + (i % 3 == 1 ? 3 : 0) > 7 ? "yes" : "no");
  }
  return Table(
      {Column::numeric("age", age), Column::numeric("hours", hours), Column::categorical("job", job), Column::categorical("happy", happy)});
}

struct Fitted {
  Pipeline pipeline;
  nn::Sequential net;
  Table table = people(150);
};
Fitted fitted(Pipeline pipeline) {
  Fitted out{std::move(pipeline), nn::Sequential{nn::Dense(2)}};
  const data::Dataset set = out.pipeline.fit(out.table, "happy");
  out.net = models::fit_softmax(set.x, set.y, {.alpha = 0.1}).to_model();
  return out;
}
Fitted usual() { return fitted(Pipeline{preprocess::Impute(preprocess::median), preprocess::Standardise(), preprocess::OneHot()}); }

int64_t answer(const Fitted& model, const Table& row) {
  preprocess::Treatments ignored;
  return argmax(model.net(model.pipeline.inputs(row, ignored)), 1).item<int64_t>();
}
Table made(const Table& row, const std::vector<explain::TableChange>& changes) {
  Table out = row;
  for (const explain::TableChange& change : changes) {
    const Column cell = Column::categorical(change.column, {change.to});
    out = out.with(row[change.column].type() == data::ColumnType::numeric ? cell.as(data::ColumnType::numeric) : cell);
  }
  return out;
}

TEST(TableCounterfactuals, HoldTrueAsRowsOfTheTable) {
  for (const Fitted& model :
       {usual(), fitted(Pipeline{preprocess::OneHot(), preprocess::Impute(preprocess::median), preprocess::MinMax()}),
        fitted(Pipeline{preprocess::Impute(preprocess::median), preprocess::Robust(), preprocess::OneHot({.drop_binary = true})})}) {
    for (int64_t row = 0; row < 12; ++row) {
      const Table one = model.table.rows(row, row + 1);
      const auto found = explain::table_counterfactuals(model.net, model.pipeline, one, {.data = model.table});
      EXPECT_EQ(found.label, answer(model, one));
      ASSERT_FALSE(found.found.empty()) << found.reason;
      for (const explain::TableCounterfactual& each : found.found) {
        EXPECT_NE(each.label, found.label);
        EXPECT_EQ(answer(model, made(one, each.changes)), each.label) << row;
        for (const explain::TableChange& change : each.changes) {
          EXPECT_EQ(change.from, one[change.column].cell(0));
          EXPECT_NE(change.to, change.from);
          if (change.column == "age") {
            EXPECT_EQ(std::stod(change.to), std::round(std::stod(change.to)));
          }
          if (change.column == "hours") {
            EXPECT_LE(change.to.size(), 6u) << change.to << ": as round as will do";
            EXPECT_GE(std::stod(change.to), 0.25);
            EXPECT_LE(std::stod(change.to), 40.25);
          }
        }
      }
    }
  }
}

TEST(TableCounterfactuals, WorkThroughCodesOfEmbeddings) {
  // The model is happy if the code is that of nurse, whatever else.
  Pipeline pipeline{preprocess::Drop({"hours"}), preprocess::Impute(preprocess::median), preprocess::Standardise(), preprocess::Codes()};
  const Table table = people(60);
  pipeline.fit(table, "happy");
  const auto model = [](const Array& x) {
    const Array is_nurse = (x[{slice(), slice(1, 2)}] == 3).astype(float32);
    return concatenate({1 - is_nurse, is_nurse}, 1);
  };
  const auto found = explain::table_counterfactuals(model, pipeline, table.rows(0, 1), {.data = table});
  ASSERT_EQ(found.found.size(), 1u) << found.reason;
  ASSERT_EQ(found.found[0].changes.size(), 1u);
  EXPECT_EQ(found.found[0].changes[0].column, "job");
  EXPECT_EQ(found.found[0].changes[0].from, "clerk");
  EXPECT_EQ(found.found[0].changes[0].to, "nurse");
}

TEST(TableCounterfactuals, HoldWhatMayNotOrCannotChange) {
  const Fitted model = usual();
  const Table one = model.table.rows(0, 1);
  const auto fixed = explain::table_counterfactuals(model.net, model.pipeline, one, {.fixed = {"hours", "job"}, .data = model.table});
  for (const auto& each : fixed.found)
    for (const auto& change : each.changes) EXPECT_EQ(change.column, "age");
  EXPECT_EQ(fixed.held, (std::vector<std::string>{"hours (asked for)", "job (asked for)"}));
  const Table without_age = one.with(Column::numeric("age", {std::nan("")}));
  EXPECT_EQ(explain::table_counterfactuals(model.net, model.pipeline, without_age, {.data = model.table}).held[0], "age (missing)");
  const Fitted powers =
      fitted(Pipeline{preprocess::Impute(preprocess::median), preprocess::Power({.columns = {"age"}}), preprocess::OneHot()});
  EXPECT_EQ(explain::table_counterfactuals(powers.net, powers.pipeline, one, {.data = model.table}).held[0], "age (Power changes it)");
  const Fitted mixed = fitted(Pipeline{preprocess::Impute(preprocess::median),
                                       preprocess::PCA({.columns = {"age", "hours"}, .components = 2}), preprocess::OneHot()});
  EXPECT_EQ(explain::table_counterfactuals(mixed.net, mixed.pipeline, one, {.data = model.table}).held,
            (std::vector<std::string>{"age (a step mixes columns)", "hours (a step mixes columns)"}));
}

TEST(TableCounterfactuals, OfNumbersCrossTheBound) {
  Table table = people(100).without({"happy"});
  std::vector<double> pay;
  for (int64_t i = 0; i < 100; ++i)
    pay.push_back(1000 + 20 * table["age"].numbers()[static_cast<size_t>(i)] + 30 * table["hours"].numbers()[static_cast<size_t>(i)]);
  table = table.with(Column::numeric("pay", pay));
  Pipeline pipeline{preprocess::Standardise(), preprocess::OneHot()};
  const data::Dataset set = pipeline.fit(table, "pay", {.scale = preprocess::TargetScale::standardise});
  const nn::Sequential net = models::fit_ridge(set.x, set.y, {.alpha = 1e-6}).to_model();
  const Table one = table.rows(0, 1);
  const auto found = explain::table_counterfactuals(net, pipeline, one, {.fixed = {"job", "hours"}, .bound = pay[0] + 100, .data = table});
  ASSERT_EQ(found.found.size(), 1u) << found.reason;
  EXPECT_NEAR(found.value, pay[0], 1);
  EXPECT_EQ(found.found[0].changes[0].to, "26") << "20 a year: 5 years are 100, and it is to be crossed";
  EXPECT_NEAR(found.found[0].value, pay[0] + 120, 1);
  EXPECT_NE(
      error_of([&] { explain::table_counterfactuals(net, pipeline, one, {.data = table}); }).find("there is no bound that it is to cross"),
      std::string::npos);
}

TEST(TableCounterfactuals, WhatIsWrongIsTold) {
  const Fitted model = usual();
  const Table one = model.table.rows(0, 1);
  const auto error = [&](const Table& row, const explain::TableCounterfactualOptions& options) {
    return error_of([&] { explain::table_counterfactuals(model.net, model.pipeline, row, options); });
  };
  EXPECT_EQ(error(model.table.rows(0, 2), {.data = model.table}), "table_counterfactuals: the table has 2 rows; it must be one");
  EXPECT_EQ(error(one, {}), "table_counterfactuals: data has no rows; it must have some of training");
  EXPECT_EQ(error(one, {.fixed = {"jop"}, .data = model.table}),
            "table_counterfactuals: the model takes no column \"jop\" that could be fixed; did you mean \"job\"?");
  EXPECT_EQ(error(one, {.bound = 3, .data = model.table}), "table_counterfactuals: a bound is of a model of numbers");
  const auto none = explain::table_counterfactuals(model.net, model.pipeline, one, {.fixed = {"age", "hours", "job"}, .data = model.table});
  EXPECT_EQ(none.reason, "no column may change");
  EXPECT_TRUE(none.found.empty());
}

}  // namespace
}  // namespace explain_tests
