// Descriptions of tables: values of numpy 2.4, pandas 3.1 and scipy 1.17.
#include "gradus/data/table/describe.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/base/text.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::data {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Texts texts(const std::vector<std::string>& all) {
  Texts out;
  for (const std::string& each : all) {
    if (each.empty()) out.add_missing();
    else out.add(each);
  }
  return out;
}
std::string frequent(const ColumnSummary& column) {
  std::string out;
  for (const auto& [value, count] : column.frequent) out += core::concat(out.empty() ? "" : ", ", value, " ", count);
  return out;
}

// x: pd.Series([3, 1, 4, 1, 5, 9, 2, 6, nan, 5.5]); y its square root with noise; c and d categories.
Table table() {
  return Table({Column::numeric("x", {3, 1, 4, 1, 5, 9, 2, 6, kNan, 5.5}),
                Column::numeric("y", {2, 1.5, 1, 1.2, kNan, 3.3, 1.1, 2.2, 1, 2.2}),
                Column::categorical("c", {"a", "b", "a", "b", "a", "c", "b", "", "a", "c"}),
                Column::categorical("d", {"u", "v", "u", "v", "v", "u", "v", "u", "u", "u"})});
}

TEST(Describe, NumbersAreThoseOfPandas) {
  const ColumnSummary x = describe(table()).columns[0];
  EXPECT_EQ(x.rows, 10);
  EXPECT_EQ(x.missing, 1);
  EXPECT_EQ(x.distinct, 8);
  EXPECT_EQ(x.minimum, 1);
  EXPECT_EQ(x.lower_quartile, 2.0);
  EXPECT_EQ(x.median, 4.0);
  EXPECT_EQ(x.upper_quartile, 5.5);
  EXPECT_EQ(x.maximum, 9);
  EXPECT_NEAR(x.mean, 4.055555555555555, 1e-14);
  EXPECT_NEAR(x.deviation, 2.6273137950724075, 1e-14);
  EXPECT_EQ(frequent(x), "1 2, 2 1, 3 1, 4 1, 5 1, 5.5 1, 6 1, 9 1");
}

TEST(Describe, HistogramsAreThoseOfNumpy) {
  EXPECT_EQ(describe(table(), {.bins = 5}).columns[0].histogram.counts, (std::vector<int64_t>{3, 2, 2, 1, 1}));
  const Histogram whole = describe(Table({Column::numeric("n", {2, 4, 4, 3, 2, 2})})).columns[0].histogram;
  EXPECT_EQ(whole.counts, (std::vector<int64_t>{3, 1, 2})) << "a bin a number";
  EXPECT_EQ(whole.low, 1.5);
  EXPECT_EQ(whole.high, 4.5);
  // 0.1 + 0.2 is above the border 0.3 of numpy's bins, 0.3 below.
  const Histogram border = describe(Table({Column::numeric("n", {0, 0.1 + 0.2, 1})}), {.bins = 10}).columns[0].histogram;
  EXPECT_EQ(border.counts, (std::vector<int64_t>{1, 0, 0, 1, 0, 0, 0, 0, 0, 1}));
}

TEST(Describe, HugeNumbersDoNotOverflow) {
  const ColumnSummary huge = describe(Table({Column::numeric("n", {1e308, -1e308, 1.5e308, 1e308})})).columns[0];
  EXPECT_NEAR(huge.mean / 1e308, 0.625, 1e-15);
  EXPECT_NEAR(huge.deviation / 1e308, 1.1086778913041726, 1e-15);
  EXPECT_TRUE(huge.histogram.counts.empty()) << "a range beyond float64";
  const ColumnSummary odd = describe(Table({Column::numeric("n", {1, INFINITY, -INFINITY, 3, kNan})})).columns[0];
  EXPECT_EQ(odd.infinite, 2);
  EXPECT_EQ(odd.missing, 1);
  EXPECT_EQ(odd.distinct, 4);
  EXPECT_EQ(odd.mean, 2);
  const ColumnSummary far = describe(Table({Column::numeric("n", {1e9, 1e9 + 1, 1e9 + 2})})).columns[0];
  EXPECT_EQ(far.deviation, 1) << "no cancellation";
}

TEST(Describe, ColumnsWithoutValuesHaveNone) {
  const Description found =
      describe(Table({Column::numeric("n", {kNan, kNan}), Column::categorical("c", {"", ""}), Column::numeric("one", {5, 5})}));
  EXPECT_TRUE(std::isnan(found.columns[0].minimum));
  EXPECT_TRUE(found.columns[0].histogram.counts.empty());
  EXPECT_EQ(found.columns[1].distinct, 0);
  EXPECT_EQ(found.columns[2].deviation, 0);
  EXPECT_EQ(found.notes, (std::vector<std::string>{"no value at all: n, c", "one value only: one"}));
  for (const Relation& each : found.relations) EXPECT_TRUE(std::isnan(each.value));
  EXPECT_TRUE(std::isnan(describe(Table({Column::numeric("n", {5})})).columns[0].deviation)) << "of one value";
  EXPECT_EQ(describe(Table()).rows, 0);
}

TEST(Describe, CategoriesTextsAndDates) {
  const ColumnSummary c = describe(table(), {.frequent = 2}).columns[2];
  EXPECT_EQ(c.missing, 1);
  EXPECT_EQ(c.distinct, 3);
  EXPECT_EQ(frequent(c), "a 4, b 3");
  const Description others =
      describe(Table({Column::text("t", texts({"ab", "äöü", "", "ab"})), Column::date("d", {0, 86400, kNan, 86400})}));
  const ColumnSummary &t = others.columns[0], &d = others.columns[1];
  EXPECT_EQ(t.missing, 1);
  EXPECT_EQ(t.distinct, 2);
  EXPECT_EQ(frequent(t), "ab 2, äöü 1");
  EXPECT_EQ(t.maximum, 3) << "characters, not bytes";
  EXPECT_EQ(frequent(d), "1970-01-02 2, 1970-01-01 1");
}

TEST(Describe, CategoriesThatNoRowHasAreNotCounted) {
  EXPECT_EQ(describe(Table({Column::coded("c", ColumnType::categorical, {0, 2, 2}, {"a", "b", "c"})})).columns[0].distinct, 2);
}

TEST(Describe, DuplicateRowsAreThoseThatStandThereBefore) {
  const Table twice({Column::numeric("n", {1, 1, 1, kNan, kNan, 0.0}), Column::text("t", texts({"a", "a", "b", "", "", "a"}))});
  EXPECT_EQ(describe(twice).duplicates, 2);
  EXPECT_EQ(describe(Table({Column::numeric("n", {0.0, -0.0})})).duplicates, 1);
  EXPECT_EQ(describe(Table({Column::text("a", texts({"ab", "a"})), Column::text("b", texts({"c", "bc"}))})).duplicates, 0)
      << "cells end where they end";
}

TEST(Describe, RelationsAreThoseOfPandasAndScipy) {
  const Description found = describe(table());
  ASSERT_EQ(found.relations.size(), 6u);
  const Relation xy = *found.relation(1, 0);
  EXPECT_EQ(xy.measure, Measure::correlation);
  EXPECT_EQ(xy.rows, 8);
  EXPECT_NEAR(xy.value, 0.8497770637666475, 1e-14);
  EXPECT_NEAR(xy.by_rank, 0.6746987951807228, 1e-14);
  const Relation cd = *found.relation(2, 3);
  EXPECT_EQ(cd.measure, Measure::cramer);
  EXPECT_EQ(cd.rows, 9);
  EXPECT_NEAR(cd.value, 0.8139410298049854, 1e-14);
  const Relation xc = *found.relation(0, 2);
  EXPECT_EQ(xc.measure, Measure::ratio);
  EXPECT_EQ(xc.rows, 8);
  EXPECT_NEAR(xc.value, 0.9096750441106893, 1e-14);
  EXPECT_EQ(found.relation(0, 0), nullptr);
}

TEST(Describe, RanksOfCompleteColumnsAreThoseOfColumnsWithGaps) {
  std::vector<double> x, y;
  for (int i = 0; i < 200; ++i) {
    x.push_back((i * 37) % 41);
    y.push_back((i * 29) % 31 + 0.3 * (i % 7));
  }
  const Relation whole = describe(Table({Column::numeric("x", x), Column::numeric("y", y)})).relations[0];
  x.push_back(kNan);
  y.push_back(1);
  const Relation gaps = describe(Table({Column::numeric("x", x), Column::numeric("y", y)})).relations[0];
  EXPECT_DOUBLE_EQ(whole.by_rank, gaps.by_rank);
  EXPECT_DOUBLE_EQ(whole.value, gaps.value);
  EXPECT_NEAR(whole.by_rank, -0.023500374222409987, 1e-14);
}

TEST(Describe, WhatIsLeftOutOfRelationsIsNoted) {
  const Description few = describe(table(), {.most_rows = 5, .most_columns = 2, .most_categories = 2, .target = "d"});
  EXPECT_EQ(few.related, (std::vector<int64_t>{0, 1, 3})) << "the target is among them";
  EXPECT_EQ(few.related_rows, 5);
  EXPECT_EQ(few.relation(0, 1)->rows, 3) << "rows 0, 2, 4, 6, 8";
  EXPECT_EQ(few.notes, (std::vector<std::string>{"left out of relations, for more than 2 categories: c",
                                                 "relations are those of 5 rows, evenly spaced"}));
  const Description narrow = describe(table(), {.most_columns = 1});
  EXPECT_EQ(narrow.notes, (std::vector<std::string>{"left out of relations: 3 columns behind the first 1"}));
  EXPECT_NE(testing::error_of([] { describe(table(), {.target = "e"}); }).find("there is no column \"e\""), std::string::npos);
  EXPECT_EQ(testing::error_of([] { describe(table(), {.bins = 0}); }), "describe: bins is 0; it must be at least 1");
}

}  // namespace
}  // namespace gradus::data
