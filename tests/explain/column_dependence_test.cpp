// Partial dependence on the columns of a table.
#include <cmath>

#include "gradus/preprocess/pipeline.hpp"
#include "tests/explain/nets.hpp"

namespace explain_tests {
namespace {

using data::Column;
using data::Table;

// y = 3 a + (b = red: 10, b = blue: -5), as a model of what the pipeline makes: a standardised, two columns of b.
Table colours() {
  std::vector<double> a, y;
  std::vector<std::string> b;
  for (int i = 0; i < 40; ++i) {
    a.push_back(i % 7);
    b.push_back(i % 3 == 0 ? "red" : "blue");
    y.push_back(3 * a.back() + (b.back() == "red" ? 10 : -5));
  }
  return Table({Column::numeric("a", a), Column::categorical("b", b), Column::numeric("y", y)});
}
struct Solved {
  preprocess::Pipeline pipeline{preprocess::Standardise(), preprocess::OneHot()};
  Array weight{}, bias{};
  explicit Solved(const Table& table) {
    const data::Dataset set = pipeline.fit(table, "y", {.task = preprocess::Task::regression, .scale = preprocess::TargetScale::standardise});
    const models::LinearFit fit = models::fit_ridge(set.x, set.y, {.alpha = 1e-9});
    weight = fit.coefficients.astype(float32).eval();
    bias = fit.intercept.astype(float32).eval();
  }
  Array operator()(const Array& x) const { return matmul(x, weight) + bias; }
};

TEST(ColumnDependence, IsInTheUnitsOfTheTable) {
  const Table table = colours();
  const Solved model(table);
  const auto of_a = explain::column_dependence(model, model.pipeline, table, "a");
  ASSERT_EQ(of_a.values.size(), 7);
  const double mean_of_b = (14 * 10 - 26 * 5) / 40.0;
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(of_a.values.numbers()[i], static_cast<double>(i));
    EXPECT_NEAR(of_a.means[i], 3 * static_cast<double>(i) + mean_of_b, 1e-3);
    EXPECT_NEAR(of_a.lower[i], 3 * static_cast<double>(i) - 5, 1e-3);
    EXPECT_NEAR(of_a.upper[i], 3 * static_cast<double>(i) + 10, 1e-3);
    EXPECT_EQ(of_a.counts[i], i < 5 ? 6 : 5);
  }
  const auto of_b = explain::column_dependence(model, model.pipeline, table, "b");
  ASSERT_EQ(of_b.values.size(), 2);
  EXPECT_EQ(of_b.values.cell(0), "blue");  // the more frequent one
  EXPECT_EQ(of_b.counts, (std::vector<int64_t>{26, 14}));
  EXPECT_NEAR(of_b.means[1] - of_b.means[0], 15, 1e-3);
  EXPECT_EQ(of_b.rows, 40);
}

TEST(ColumnDependence, TakesRareValuesAndFewRows) {
  // 95 of 100 are 0: quantiles of rows alone would show nothing else.
  std::vector<double> gain(100, 0.0), y;
  for (size_t i = 0; i < 5; ++i) gain[20 * i] = 1000.0 * static_cast<double>(i + 1);
  for (const double g : gain) y.push_back(g / 500);
  const Table table({Column::numeric("gain", gain), Column::numeric("y", y)});
  preprocess::Pipeline pipeline{preprocess::Standardise()};
  const data::Dataset set = pipeline.fit(table, "y", {.task = preprocess::Task::regression});
  const auto model = [](const Array& x) { return x; };
  const auto found = explain::column_dependence(model, pipeline, table, "gain", {.points = 4, .low = 0, .high = 1, .rows = 10});
  EXPECT_EQ(found.rows, 10);
  EXPECT_EQ(std::vector<double>(found.values.numbers().begin(), found.values.numbers().end()), (std::vector<double>{0, 5000}));
  EXPECT_EQ(found.counts, (std::vector<int64_t>{95, 1}));
  EXPECT_EQ(explain::column_dependence(model, pipeline, table, "gain", {.points = 6}).values.size(), 6);
}

TEST(ColumnDependence, TakesDatesMissingValuesAndOrder) {
  const Table table({Column::date("day", {0, 86400 * 30, std::nan(""), 86400 * 60}),
                     Column::ordinal("size", {"L", "S", "L", "M"}, {"S", "M", "L"}), Column::categorical("y", {"p", "q", "p", "q"})});
  preprocess::Pipeline pipeline{preprocess::DateParts({.parts = {"month"}}), preprocess::Impute(preprocess::median), preprocess::Ordinal()};
  pipeline.fit(table, "y");
  const auto month = [](const Array& x) { return stack({sum(x, 1), -sum(x, 1)}, 1); };
  const auto found = explain::column_dependence(month, pipeline, table, "day", {.target = 1});
  ASSERT_EQ(found.values.size(), 3);
  EXPECT_EQ(found.values.cell(1), "1970-01-31");
  EXPECT_NE(found.means[2], found.means[0]);
  const auto sizes = explain::column_dependence(month, pipeline, table, "size");
  EXPECT_EQ(sizes.values.cell(0) + sizes.values.cell(1) + sizes.values.cell(2), "SML");
  EXPECT_NE(error_of([&] { explain::column_dependence(month, pipeline, table, "sice"); }).find("did you mean size?"), std::string::npos)
      << error_of([&] { explain::column_dependence(month, pipeline, table, "sice"); });
  const Table empty({Column::date("day", {std::nan("")}), Column::ordinal("size", {"L"}, {"S", "M", "L"})});
  EXPECT_EQ(error_of([&] { explain::column_dependence(month, pipeline, empty, "day"); }),
            "column_dependence: column \"day\" has no value in these rows");
}

}  // namespace
}  // namespace explain_tests
