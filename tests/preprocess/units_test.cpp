// The way back from features to the table.
#include "gradus/preprocess/units.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::preprocess {
namespace {

using data::Column;
using data::ColumnType;
using data::Table;
using testing::error_of;

Table people() {
  return Table({Column::numeric("age", {20, 30, std::nan(""), 50, 60, 70}), Column::numeric("hours", {1, 2, 4, 8, 16, 200}),
                Column::categorical("job", {"clerk", "smith", "clerk", "", "clerk", "baker"}),
                Column::ordinal("size", {"S", "M", "L", "S", "M", "L"}, {"S", "M", "L"})});
}

FeatureUnit unit_of(const Pipeline& pipeline, const TableUnits& units, const std::string& feature) {
  const auto at = std::find(pipeline.features().begin(), pipeline.features().end(), feature) - pipeline.features().begin();
  return units.features.at(static_cast<size_t>(at));
}

// Whether shift + scale x is the table's number in all rows in which it has one.
void expect_restores(Pipeline pipeline, const std::string& column) {
  const Table prepared = pipeline.fit(people());
  const FeatureUnit unit = unit_of(pipeline, units_of(pipeline), column);
  EXPECT_EQ(unit.changed_by, "");
  EXPECT_GT(unit.scale, 0);
  const Table table = people();
  for (int64_t row = 0; row < table.rows(); ++row) {
    const double given = table[column].numbers()[static_cast<size_t>(row)], x = prepared[column].numbers()[static_cast<size_t>(row)];
    if (std::isfinite(given)) {
      EXPECT_NEAR(unit.shift + unit.scale * x, given, 1e-12 * std::fabs(given)) << column << row;
    }
  }
}

TEST(Units, OfLinesAreTheTables) {
  for (const char* column : {"age", "hours"}) {
    expect_restores(Pipeline{Impute(median), Standardise()}, column);
    expect_restores(Pipeline{Impute(median), Robust()}, column);
    expect_restores(Pipeline{Impute(median), MinMax({.low = -1, .high = 3})}, column);
    expect_restores(Pipeline{Robust(), Impute(median), MinMax(), Standardise()}, column);
    expect_restores(Pipeline{Standardise({.columns = {"age"}}), Impute(median)}, column);
  }
}

TEST(Units, OfOtherChangesAreTold) {
  const auto changed_by = [](Pipeline pipeline) {
    pipeline.fit(people());
    return unit_of(pipeline, units_of(pipeline), "hours").changed_by;
  };
  EXPECT_EQ(changed_by(Pipeline{Power(), Standardise()}), "Power");
  EXPECT_EQ(changed_by(Pipeline{Clip()}), "Clip");
  EXPECT_EQ(changed_by(Pipeline{MinMax({.clip = true})}), "MinMax");
  EXPECT_EQ(changed_by(Pipeline{Quantile()}), "Quantile");
  EXPECT_EQ(changed_by(Pipeline{Clip({.columns = {"age"}})}), "");
}

TEST(Units, OfAConstantColumnAreFinite) {
  const Table table({Column::numeric("one", {5, 5, 5})});
  for (Pipeline pipeline : {Pipeline{MinMax()}, Pipeline{Standardise()}, Pipeline{Robust()}}) {
    const double x = pipeline.fit(table)["one"].numbers()[0];
    const FeatureUnit unit = units_of(pipeline).features[0];
    EXPECT_EQ(unit.shift + unit.scale * x, 5);
  }
}

TEST(Units, CategoriesKnowTheirFeatures) {
  Pipeline pipeline{Impute(median), Standardise(), OneHot({.columns = {"job"}}), Ordinal()};
  pipeline.fit(people());
  const TableUnits units = units_of(pipeline);
  ASSERT_EQ(units.categories.size(), 2u);
  const CategoryFeatures& job = units.categories[0];
  EXPECT_EQ(job.column, "job");
  EXPECT_EQ(job.values, (std::vector<std::string>{"baker", "clerk", "smith"}));
  for (size_t i = 0; i < job.values.size(); ++i)
    EXPECT_EQ(pipeline.features()[static_cast<size_t>(job.features[i])], "job=" + job.values[i]);
  EXPECT_EQ(job.numbers, (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(job.missing, "job=missing");
  EXPECT_TRUE(job.is_one_hot);
  EXPECT_FALSE(job.is_ordered);
  const CategoryFeatures& size = units.categories[1];
  EXPECT_EQ(size.values, (std::vector<std::string>{"S", "M", "L"}));
  EXPECT_EQ(size.numbers, (std::vector<double>{0, 1, 2}));
  EXPECT_TRUE(size.is_ordered);
  Pipeline codes{Drop({"age", "hours"}), Codes()};
  codes.fit(people());
  EXPECT_EQ(units_of(codes).categories[0].numbers, (std::vector<double>{1, 2, 3}));
  EXPECT_FALSE(units_of(codes).categories[1].is_ordered) << "codes are no places";
  Pipeline binary{OneHot({.columns = {"two"}, .drop_binary = true})};
  binary.fit(Table({Column::categorical("two", {"a", "b", "a"})}));
  const CategoryFeatures two = units_of(binary).categories[0];
  EXPECT_EQ(two.features, (std::vector<int64_t>{0, 0}));
  EXPECT_EQ(two.numbers, (std::vector<double>{0, 1}));
}

TEST(Units, NeedAFittedPipeline) {
  EXPECT_EQ(error_of([] { units_of(Pipeline{Standardise()}); }),
            "units_of: the pipeline has learnt nothing; call fit(training table) first");
}

TEST(Pipeline, StepsAreWhatTheyAre) {
  const Step step = Standardise();
  EXPECT_NE(step.as<Standardise>(), nullptr);
  EXPECT_EQ(step.as<MinMax>(), nullptr);
}

TEST(Pipeline, ATargetWithoutValuesIsToldAsSuch) {
  const auto error = [](Column column) { return error_of([&] { target_of(column); }); };
  EXPECT_EQ(error(Column::numeric("y", {})), "Pipeline: the target \"y\" has no value in 0 rows");
  EXPECT_EQ(error(Column::numeric("y", {std::nan(""), INFINITY})), "Pipeline: the target \"y\" has no value in 2 rows");
  EXPECT_EQ(error(Column::categorical("y", {"", ""})), "Pipeline: the target \"y\" has no value in 2 rows");
  data::Texts none, some;
  for (int i = 0; i < 3; ++i) none.add_missing();
  for (const char* text : {"a", "b", "a", "b"}) some.add(text);
  some.add_missing();
  EXPECT_EQ(error(Column::text("y", none)), "Pipeline: the target \"y\" has no value in 3 rows");
  EXPECT_EQ(target_of(Column::text("y", some)).class_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(rows_with_target(Column::numeric("y", {1, std::nan(""), INFINITY, 2})), (std::vector<int64_t>{0, 3}));
}

}  // namespace
}  // namespace gradus::preprocess
