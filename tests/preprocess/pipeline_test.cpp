// Pipelines: what they learn, keep, refuse and count.
#include "gradus/preprocess/pipeline.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "gradus/preprocess/automatic.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::preprocess {
namespace {

using data::Column;
using data::ColumnType;
using data::Table;
using testing::error_of;

Table people() {
  return Table({Column::numeric("age", {20, 30, std::nan(""), 50, 60, 70}),
                Column::categorical("job", {"clerk", "smith", "clerk", "", "clerk", "baker"}),
                Column::numeric("income", {1, 2, 4, 8, 16, 200}), Column::categorical("happy", {"yes", "no", "yes", "no", "yes", "no"})});
}
Pipeline usual() { return Pipeline{Impute(median, {.indicator = true}), Standardise(), OneHot()}; }

std::vector<double> numbers(const Table& table, const char* name) { return {table[name].numbers().begin(), table[name].numbers().end()}; }

TEST(Pipeline, LearnsOnceAndAppliesTheSame) {
  Pipeline pipeline = usual();
  const data::Dataset set = pipeline.fit(people(), "happy");
  EXPECT_EQ(set.class_names, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(set.y.to_vector<int64_t>(), (std::vector<int64_t>{1, 0, 1, 0, 1, 0}));
  EXPECT_EQ(pipeline.features(),
            (std::vector<std::string>{"age", "income", "age missing", "job=baker", "job=clerk", "job=smith", "job=missing"}));
  EXPECT_EQ(pipeline.origins(), (std::vector<std::string>{"age", "income", "age", "job", "job", "job", "job"}));
  // One row alone, its columns in another order, and one that training had not.
  const Table row({Column::categorical("colour", {"red"}), Column::categorical("job", {"clerk"}), Column::numeric("income", {1}),
                   Column::numeric("age", {20})});
  const data::Dataset again = pipeline.dataset(row);
  EXPECT_FALSE(again.has_targets());
  EXPECT_EQ(again.x.to_vector<float>(), set.x[0].to_vector<float>());
}

TEST(Pipeline, GoesWithTheModelFile) {
  const testing::TemporaryFolder folder;
  Pipeline pipeline{Drop({"income"}), ImputeIterative(),     Clip(), Power(), Quantile(), Ordinal({.columns = {"job"}}),
                    Impute(),         PCA({.components = 2})};
  const data::Dataset set = pipeline.fit(people(), "happy");
  nn::Sequential model{nn::Dense(2)};
  model(set.x);
  io::save(model, folder / "m.gradus", set);
  const nn::Model loaded = io::load(folder / "m.gradus");
  const Pipeline same = pipeline_of(loaded.info);
  EXPECT_EQ(same.dataset(people()).x.to_vector<float>(), pipeline.dataset(people()).x.to_vector<float>());
  EXPECT_EQ(same.to_datum(), pipeline.to_datum());
  EXPECT_EQ(same.features(), pipeline.features());
}

TEST(Pipeline, EveryStepComesBackFromItsData) {
  const Table table = people()
                          .with(Column::text("words", {"a good day", "bad", "good good", "", "day", "night"}))
                          .with(Column::date("when", {0, 86400.0 * 40, 3600, std::nan(""), 1e9, 2e9}));
  for (const StepKind& kind : step_kinds()) {
    if (kind.name == Keep::kName || kind.name == Drop::kName || kind.name == MarkMissing::kName) continue;  // which need columns
    core::FieldReading reading;
    const Step bare = Step::from_datum(core::Datum(core::Datum::Table{{"type", kind.name}}), reading);
    std::vector<Step> steps;
    const bool needs_all = kind.name == PCA::kName || kind.name == Polynomial::kName;
    if (needs_all) steps.emplace_back(Impute());
    steps.push_back(bare);
    for (const Step& step : std::vector<Step>{Codes(), DateParts(), Terms(), Impute()}) steps.push_back(step);  // whatever is left
    Pipeline pipeline(steps);
    pipeline.fit(table, "happy");
    const Pipeline again = Pipeline::from_datum(pipeline.to_datum(), "test");
    const Table a = pipeline(table), b = again(table);
    ASSERT_EQ(a.names(), b.names()) << kind.name;
    for (size_t i = 0; i < a.columns().size(); ++i) {
      for (int64_t row = 0; row < a.rows(); ++row) EXPECT_EQ(a.columns()[i].cell(row), b.columns()[i].cell(row)) << kind.name;
    }
  }
}

TEST(Pipeline, RefusesWhatItHasNotLearnt) {
  EXPECT_EQ(error_of([] { usual()(people()); }), "Pipeline: applying it needs a pipeline that has learnt; call fit(training table) first");
  Pipeline pipeline = usual();
  pipeline.fit(people(), "happy");
  const Table renamed = people().without({"age"}).with(Column::numeric("Age", {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(error_of([&] { pipeline.dataset(renamed); }),
            "Pipeline: the table has no column \"age\", which training had; is it \"Age\", renamed?");
  const Table odd = people().with(Column::categorical("happy", {"yes", "no", "perhaps", "no", "yes", "no"}));
  EXPECT_EQ(error_of([&] { pipeline.dataset(odd); }), "Pipeline: row 2 of the target \"happy\" is \"perhaps\"; its classes are no, yes");
  EXPECT_EQ(error_of([&] { Pipeline{Standardise({.columns = {"agee"}})}.fit(people()); }),
            "Standardise: there is no column \"agee\"; did you mean \"age\"?");
  EXPECT_EQ(error_of([&] { Pipeline{Standardise({.columns = {"job"}})}.fit(people()); }),
            "Standardise: column \"job\" is categorical; it must be numeric");
  EXPECT_EQ(error_of([&] {
              Pipeline{Standardise(), OneHot()}.fit(people(), "happy");
            }),
            "Pipeline: column \"age\" of row 2 is nan after all steps; missing values are filled in by a step, for example Impute()");
  EXPECT_EQ(error_of([&] { Pipeline{Impute()}.fit(people(), "happy"); }),
            "Pipeline: column \"job\" is categorical after all steps; a model takes numbers, for example by the step OneHot()");
}

TEST(Pipeline, TellsWhatWasNotAsAtTraining) {
  Pipeline pipeline = usual();
  pipeline.fit(people(), "happy");
  const Table later({Column::numeric("age", {5, 90, 40}), Column::categorical("job", {"pilot", "clerk", "pilot"}),
                     Column::numeric("income", {2, INFINITY, 2}), Column::categorical("happy", {"Yes.", "no", "yes"})});
  Treatments treatments;
  const data::Dataset set = pipeline.dataset(later, treatments);
  EXPECT_EQ(treatments.lines(),
            (std::vector<std::string>{"column \"age\": 2 values (\"5\") are beyond the range of training, 20 to 70",
                                      "column \"income\": 1 value is infinite, and taken as missing",
                                      "column \"job\": 2 values (\"pilot\") are of no known category, and taken as none of them",
                                      "column \"happy\": 1 value (\"Yes.\") is taken as \"yes\""}));
  EXPECT_EQ(set.y.to_vector<int64_t>(), (std::vector<int64_t>{1, 0, 1}));
}

TEST(Pipeline, TargetsOfNumbersGoThereAndBack) {
  Pipeline pipeline{Standardise({.columns = {"age"}}), Impute(), OneHot()};
  const data::Dataset set = pipeline.fit(people(), "income", {.task = Task::regression, .scale = TargetScale::automatic});
  EXPECT_TRUE(pipeline.target().is_log) << "200 beside 1 to 16";
  const std::vector<double> back = pipeline.restored(set.y).to_vector<double>();
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(back[i], people()["income"].numbers()[i], 1e-5 * people()["income"].numbers()[i]);
  EXPECT_NEAR(mean(set.y).item<double>(), 0, 1e-6);
}

TEST(Pipeline, RowsWithoutATargetAreLeftOutAndTold) {
  Pipeline pipeline = usual();
  const data::Dataset set = pipeline.fit(people().with(Column::categorical("happy", {"yes", "no", "", "no", "yes", "no"})), "happy");
  EXPECT_EQ(set.size(), 5);
  EXPECT_EQ(pipeline.notes()[0], "1 row has no target \"happy\" and is left out");
  EXPECT_EQ(error_of([&] {
              usual().fit(people().with(Column::categorical("happy", {"", "", "", "", "", ""})), "happy");
            }),
            "Pipeline: the target \"happy\" has no value in 6 rows");
  EXPECT_EQ(error_of([&] {
              usual().fit(people().with(Column::categorical("happy", {"a", "a", "a", "a", "a", "a"})), "happy");
            }),
            "Pipeline: the target \"happy\" has one class only, \"a\"; there is nothing to tell apart");
}

TEST(Pipeline, SettlesWhatIsAutomatic) {
  const TargetOptions automatic{.task = Task::automatic, .scale = TargetScale::automatic, .seed = 7};
  const TargetOptions skewed = settled(Column::numeric("y", {1.5, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024}), automatic);
  EXPECT_EQ(skewed.task, Task::regression);
  EXPECT_EQ(skewed.scale, TargetScale::log);
  EXPECT_EQ(skewed.seed, 7u);
  EXPECT_EQ(settled(Column::numeric("y", {1.5, 2, 3, 4, 5}), automatic).scale, TargetScale::standardise);
  EXPECT_EQ(settled(Column::numeric("y", {1.5, 2, 3, 4, 5}), {}).scale, TargetScale::none);
  EXPECT_EQ(settled(Column::categorical("y", {"a", "b"}), automatic).task, Task::classification);
}

TEST(Pipeline, KnowsWhichRowsHaveATarget) {
  Pipeline classes = usual();
  classes.fit(people(), "happy");
  const Table later = people().with(Column::categorical("happy", {"yes", "", "perhaps", "NO", "no", "yes"}));
  EXPECT_EQ(classes.rows_with_known_target(later), (std::vector<int64_t>{0, 3, 4, 5}));
  EXPECT_EQ(classes.dataset(later.take(classes.rows_with_known_target(later))).size(), 4);
  EXPECT_EQ(error_of([&] { classes.dataset(later); }), "Pipeline: row 1 of the target \"happy\" is missing; its classes are no, yes");
  Pipeline numbers{Impute(), OneHot(), Standardise()};
  numbers.fit(people(), "income", {.task = Task::regression});
  const Table holes = people().with(Column::numeric("income", {1, 2, std::nan(""), 4, 5, 6}));
  EXPECT_EQ(numbers.rows_with_known_target(holes), (std::vector<int64_t>{0, 1, 3, 4, 5}));
  EXPECT_EQ(error_of([&] { numbers.dataset(holes); }),
            "Pipeline: row 2 of the target \"income\" is missing; rows without a target must be left out");
}

TEST(Pipeline, NumbersTooLargeToSquareCountAsMissing) {
  const Table table({Column::numeric("a", {1e200, -1.7e308, 3, 4, INFINITY}), Column::numeric("y", {1, 2, 3, 4, 5.5})});
  Pipeline pipeline{Impute(), Standardise(), PCA({.components = 1})};
  const data::Dataset set = pipeline.fit(table, "y", {.task = Task::regression});
  EXPECT_EQ(pipeline.notes(),
            (std::vector<std::string>{"column \"a\": 1 value is infinite, and taken as missing",
                                      "column \"a\": 2 values are too large to be squared (beyond 1e150), and taken as missing"}));
  const Pipeline again = Pipeline::from_datum(pipeline.to_datum(), "file");
  EXPECT_EQ(again.dataset(table).x.to_vector<float>(), set.x.to_vector<float>());
  EXPECT_EQ(error_of([] {
              target_of(Column::numeric("y", {1.5, 2, 1e200}));
            }),
            "Pipeline: the target \"y\" goes from 1.5 to 1e+200; numbers beyond 1e150 cannot be learnt");
}

TEST(Pipeline, CategoriesCalledOtherOrMissingStandBesideThose) {
  const Table table({Column::categorical("j", {"other", "other", "a", "a", "b", "missing", "missing", "", "(other)", "(other)"})});
  Pipeline pipeline{OneHot({.least = 2})};
  EXPECT_EQ(pipeline.fit(table).names(),
            (std::vector<std::string>{"j=(other)", "j=a", "j=missing", "j=other", "j=((other))", "j=(missing)"}));
  EXPECT_EQ(error_of([] {
              Pipeline{OneHot()}.fit(
                  Table({Column::numeric("j=a", {1, 2}), Column::categorical("j", {"a", "b"}), Column::numeric("y", {1, 2.5})}), "y",
                  {.task = Task::regression});
            }),
            "OneHot: two columns are called \"j=a\" behind it; rename a column or a category of the table");
}

TEST(Pipeline, QuantilesOfTiesAreTheirRanks) {
  // 17 of 50 values are 1: they hold ranks 8 to 24, of which the middle one counts.
  std::vector<double> values;
  for (int i = 0; i < 50; ++i) values.push_back(i < 8 ? -1 - i : i < 25 ? 1 : i);
  Pipeline pipeline{Quantile()};
  pipeline.fit(Table({Column::numeric("x", values)}));
  EXPECT_NEAR(pipeline(Table({Column::numeric("x", {1})}))["x"].numbers()[0], 16.0 / 49, 1e-12);
}

TEST(Pipeline, TargetsWithoutAnyValueAreRefused) {
  const double none = std::nan("");
  for (const Column& target : {Column::numeric("y", {none, none}), Column::numeric("y", {INFINITY, none}),
                               Column::categorical("y", {"", ""}), Column::numeric("y", {}), Column::text("y", std::vector<std::string>{})})
    EXPECT_EQ(error_of([&] { target_of(target); }),
              "Pipeline: the target \"y\" has no value in " + std::to_string(target.size()) + " rows");
}

TEST(Pipeline, NamesOfRowsAreNoClasses) {
  std::vector<std::string> names;
  for (int i = 0; i < 30; ++i) names.push_back("n" + std::to_string(i));
  EXPECT_EQ(error_of([&] { target_of(Column::categorical("name", names)); }),
            "Pipeline: the target \"name\" has 30 different values in 30 rows; they are no classes");
}

TEST(Pipeline, NumbersAreLabelsWhereTheyAreFewAndWhole) {
  const auto is_class = [](std::vector<double> values) { return target_of(Column::numeric("y", std::move(values))).is_class(); };
  EXPECT_TRUE(is_class({0, 1, 0, 1}));
  EXPECT_TRUE(is_class({1, 2, 3, 7}));
  EXPECT_FALSE(is_class({1.5, 2, 3, 7}));
  std::vector<double> many, scattered;
  for (int i = 0; i < 15; ++i) {
    many.push_back(i);
    scattered.push_back(2 * i);
  }
  EXPECT_TRUE(is_class(many));
  EXPECT_FALSE(is_class(scattered));
}

TEST(Pipeline, OfNumbersAloneHasDerivatives) {
  const Table x({Column::numeric("a", {1, 2, 4, 9}), Column::numeric("b", {3, 1, 0, -2})});
  Pipeline pipeline{Standardise(), Power()};
  pipeline.fit(x);
  const Array at = array({{2.5, 0.5}});
  const Table row({Column::numeric("a", {2.5}), Column::numeric("b", {0.5})});
  EXPECT_NEAR(pipeline(at.astype(float64)).to_vector<double>()[1], pipeline(row)["b"].numbers()[0], 1e-12);
  const Array slope = grad([&](const Array& v) { return sum(pipeline(v)); })(at.astype(float64));
  const double h = 1e-6;
  const Table up({Column::numeric("a", {2.5 + h}), Column::numeric("b", {0.5})}),
      down({Column::numeric("a", {2.5 - h}), Column::numeric("b", {0.5})});
  EXPECT_NEAR(slope.to_vector<double>()[0], (pipeline(up)["a"].numbers()[0] - pipeline(down)["a"].numbers()[0]) / (2 * h), 1e-7);
  EXPECT_EQ(error_of([] {
              Pipeline mixed = usual();
              mixed.fit(people());
              mixed(ones({1, 2}));
            }),
            "Pipeline: Impute is no function of numbers alone; only tables go through it");
}

TEST(Pipeline, TrainingRowsDoNotSeeTheirOwnTarget) {
  // A category for each row: encoded by its own target it would be the target.
  std::vector<std::string> names;
  std::vector<double> target;
  for (int i = 0; i < 100; ++i) {
    names.push_back("n" + std::to_string(i));
    target.push_back(i % 2 ? 1.0 + i : -i);
  }
  Pipeline pipeline{TargetEncode()};
  const data::Dataset set =
      pipeline.fit(Table({Column::categorical("n", names), Column::numeric("y", target)}), "y", {.task = Task::regression});
  const std::vector<float> x = set.x.to_vector<float>();
  for (const float value : x) EXPECT_LT(std::fabs(value), 15) << "the mean of all others";
}

TEST(Pipeline, DatesBecomeParts) {
  Pipeline pipeline{DateParts({.parts = {"year", "month", "day", "weekday", "hour", "day_of_year", "elapsed", "month_cycle"}})};
  pipeline.fit(Table({Column::date("d", {0, 86400})}));
  const Table out = pipeline(Table({Column::date("d", {1709211600.0, std::nan("")})}));  // 2024-02-29 13:00, a Thursday
  EXPECT_EQ(numbers(out, "d.year")[0], 2024);
  EXPECT_EQ(numbers(out, "d.month")[0], 2);
  EXPECT_EQ(numbers(out, "d.day")[0], 29);
  EXPECT_EQ(numbers(out, "d.weekday")[0], 3);
  EXPECT_EQ(numbers(out, "d.hour")[0], 13);
  EXPECT_EQ(numbers(out, "d.day_of_year")[0], 59);
  EXPECT_NEAR(numbers(out, "d.elapsed")[0], 1709211600.0 / 86400, 1e-9);
  EXPECT_NEAR(numbers(out, "d.month_sin")[0], std::sin(2 * M_PI * 2 / 12), 1e-12);
  EXPECT_TRUE(std::isnan(numbers(out, "d.year")[1]));
  EXPECT_NE(error_of([] { DateParts({.parts = {"yaer"}}); }).find("there is no part of a date called \"yaer\""), std::string::npos);
}

TEST(Pipeline, ChoosesStepsByTheTable) {
  std::vector<double> rows, values;
  std::vector<std::string> names, groups;
  for (int i = 0; i < 40; ++i) {
    rows.push_back(i + 1);
    values.push_back(i % 7);
    names.push_back("person " + std::to_string(i));
    groups.push_back(i % 3 ? "a" : "b");
  }
  const Table table({Column::numeric("rownames", rows), Column::numeric("v", values), Column::categorical("name", names),
                     Column::categorical("g", groups), Column::numeric("same", std::vector<double>(40, 1.0))});
  const AutomaticSteps chosen = automatic_steps(table, "g");
  EXPECT_EQ(chosen.reasons, (std::vector<std::string>{"column \"rownames\" counts the rows, and is left out",
                                                      "column \"name\" is another name in nearly every row, and is left out",
                                                      "column \"same\" is \"1\" in all rows, and is left out"}));
  Pipeline pipeline(chosen.steps);
  EXPECT_EQ(pipeline.fit(table, "g").x.shape(), Shape({40, 1}));
  EXPECT_EQ(pipeline.columns().size(), 1u) << "what is left out is not asked for again";
}

TEST(Pipeline, TellsNumbersOfRowsFromOthers) {
  const auto counts = [](const std::string& name, std::vector<double> values) { return counts_rows(Column::numeric(name, std::move(values))); };
  EXPECT_TRUE(counts("n", {3, 1, 2, 4, 5, 6, 8, 9, 7, 10}));
  EXPECT_TRUE(counts("n", {0, 1, 2, 4, 5, 6, 8, 9, 11, 13})) << "some rows are elsewhere";
  EXPECT_FALSE(counts("n", {0, 1, 2, 4, 5, 6, 8, 9, 11, 30}));
  EXPECT_TRUE(counts("ID", {7, 13, 2, 40, 52, 6, 8, 9, 110, 300}));
  EXPECT_FALSE(counts("n", {1, 2, 3, 4, 5, 6, 8, 9, 9, 10})) << "a number twice";
  EXPECT_FALSE(counts("n", {1, 2, 3, 4.5, 5, 6, 8, 9, 7, 10}));
  EXPECT_FALSE(counts("year", {2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008, 2009, 2010}));
  EXPECT_FALSE(counts("n", {1, 2, 3, 4, 5, 6, 8, 9, 7, std::nan("")}));
  EXPECT_FALSE(counts("n", {1, 2, 3})) << "too few to tell";
}

TEST(Pipeline, NumbersThatCountTheRowsStayWhereNothingElseIs) {
  std::vector<double> x, y;
  for (int i = 0; i < 20; ++i) {
    x.push_back(i + 1);
    y.push_back(2.5 * i);
  }
  const AutomaticSteps chosen = automatic_steps(Table({Column::numeric("x", x), Column::numeric("y", y)}), "y");
  EXPECT_TRUE(chosen.reasons.empty());
}

TEST(Pipeline, ZerosFarFromAllElseStandForMissingValues) {
  std::vector<double> pressure, fee, count;
  std::vector<std::string> y;
  for (int i = 0; i < 40; ++i) {
    pressure.push_back(i % 10 == 0 ? 0 : 100 + i);
    fee.push_back(i % 10 == 0 ? 0 : 1 + i * i);
    count.push_back(i % 4);
    y.push_back(i % 2 ? "a" : "b");
  }
  const Table table(
      {Column::numeric("pressure", pressure), Column::numeric("fee", fee), Column::numeric("count", count), Column::categorical("y", y)});
  const AutomaticSteps chosen = automatic_steps(table, "y");
  EXPECT_EQ(chosen.reasons, (std::vector<std::string>{"column \"pressure\": 4 zeros, far from all other values, are taken as missing"}));
  Pipeline pipeline(chosen.steps);
  pipeline.fit(table, "y");
  EXPECT_EQ(pipeline.features(), (std::vector<std::string>{"pressure", "fee", "count", "pressure missing"}));
}

TEST(Pipeline, DamagedDataIsRefused) {
  Pipeline pipeline = usual();
  pipeline.fit(people(), "happy");
  const auto read = [](const core::Datum& datum) { return error_of([&] { Pipeline::from_datum(datum, "m.gradus"); }); };
  core::Datum datum = pipeline.to_datum();
  EXPECT_EQ(read(core::Datum("x")).substr(0, 42), "m.gradus: the pipeline cannot be read: ver");
  core::Datum::Table table = *datum.get_if<core::Datum::Table>();
  for (auto& [name, value] : table) {
    if (name == "version") value = int64_t{9};
  }
  EXPECT_EQ(read(core::Datum(table)),
            "m.gradus: the pipeline cannot be read: version: is 9, newer than 1, the newest that this Gradus knows");
}

}  // namespace
}  // namespace gradus::preprocess
