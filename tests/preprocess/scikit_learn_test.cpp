// Steps against scikit-learn's transformers: values made by scripts/scikit_learn_reference.py.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "gradus/preprocess/pipeline.hpp"

namespace gradus::preprocess {
namespace {

using data::Column;
using data::Table;
using Json = nlohmann::json;

const Json& reference() {
  static const Json& all = *new Json(Json::parse(std::ifstream(GRADUS_SOURCE_DIR "/tests/preprocess/scikit_learn.json")));
  return all;
}

// Rows of a reference as columns a, b, c, ...
Table table(const char* name, bool has_missing = false, size_t first = 0, size_t count = 99) {
  const auto rows = reference()[name].get<std::vector<std::vector<double>>>();
  std::vector<Column> columns;
  for (size_t c = first; c < std::min(first + count, rows[0].size()); ++c) {
    std::vector<double> values;
    for (const auto& row : rows) values.push_back(row[c]);
    for (const auto& at : reference()["mask"]) {
      if (has_missing && at[1] == c) values[at[0].get<size_t>()] = std::nan("");
    }
    columns.push_back(Column::numeric(std::string(1, static_cast<char>('a' + c)), std::move(values)));
  }
  return Table(std::move(columns));
}

void expect_equal(const Table& got, const char* name, double tolerance = 1e-10) {
  const auto want = reference()[name].get<std::vector<std::vector<double>>>();
  ASSERT_EQ(got.rows(), static_cast<int64_t>(want.size()));
  ASSERT_EQ(got.width(), static_cast<int64_t>(want[0].size())) << name;
  for (size_t r = 0; r < want.size(); ++r) {
    for (size_t c = 0; c < want[r].size(); ++c) {
      const double value = got.columns()[c].numbers()[r];
      EXPECT_NEAR(value, want[r][c], tolerance * (1 + std::fabs(want[r][c]))) << name << " row " << r << " column " << c;
    }
  }
}
void expect_numbers(const std::vector<double>& got, const char* name, double tolerance) {
  const auto want = reference()[name].get<std::vector<double>>();
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], tolerance) << name << " " << i;
}

// Fitted on X, applied to Y.
template <class S>
void expect_step(S step, const char* name, bool has_missing = false, double tolerance = 1e-10) {
  Pipeline pipeline{std::move(step)};
  pipeline.fit(table("X", has_missing));
  expect_equal(pipeline(table("Y")), name, tolerance);
}

TEST(ScikitLearn, Scaling) {
  expect_step(Standardise(), "standard");
  expect_step(Standardise(), "standard_missing", true);
  expect_step(MinMax({.low = -1, .high = 2}), "minmax");
  expect_step(MinMax({.clip = true}), "minmax_clip");
  expect_step(Robust(), "robust");
  expect_step(Robust(), "robust_missing", true);
  expect_step(UnitNorm({.norm = RowNorm::l1}), "unit_l1");
  expect_step(UnitNorm(), "unit_l2");
  expect_step(UnitNorm({.norm = RowNorm::max}), "unit_max");
}

TEST(ScikitLearn, PowersAreThoseOfTheGreatestLikelihood) {
  // Its search stops at 1e-8 of the power.
  Pipeline power{Power()};
  power.fit(table("X", false, 0, 3));
  expect_equal(power(table("Y", false, 0, 3)), "power", 1e-6);
  std::vector<Column> positive;
  const Table y = table("Y");
  for (const double x : y["b"].numbers()) positive.push_back(Column::numeric("b", {std::fabs(x) + 0.1}));
  Pipeline box_cox{Power({.method = PowerMethod::box_cox})};
  box_cox.fit(table("X", false, 1, 1));
  for (size_t r = 0; r < positive.size(); ++r)
    EXPECT_NEAR(box_cox(Table({positive[r]}))["b"].numbers()[0], reference()["boxcox"][r][0].get<double>(), 1e-6);
}

TEST(ScikitLearn, Quantiles) {
  expect_step(Quantile(), "quantile");
  expect_step(Quantile({.quantiles = 5}), "quantile5");
  expect_step(Quantile({.output = RankOutput::normal}), "quantile_normal", false, 1e-9);
}

TEST(ScikitLearn, MissingValues) {
  const Table x = table("X", true);
  for (const auto& [fill, name] :
       {std::pair(Fill::mean, "impute_mean"), std::pair(Fill::median, "impute_median"), std::pair(Fill::mode, "impute_most_frequent")}) {
    Pipeline pipeline{Impute(fill)};
    pipeline.fit(x);
    expect_equal(pipeline(x), name);
  }
  for (const auto& [weight, name] : {std::pair(NeighbourWeight::uniform, "knn"), std::pair(NeighbourWeight::distance, "knn_distance")}) {
    // Without the constant column: of rows that have only that one in common scikit-learn's distance is a rounding.
    const Table three = x.without({"d"});
    Pipeline pipeline{ImputeNeighbours({.neighbours = 3, .weight = weight})};
    pipeline.fit(three);
    expect_equal(pipeline(three), name, 1e-9);
  }
}

TEST(ScikitLearn, ProductsAndComponents) {
  Pipeline polynomial{Polynomial({.degree = 3})};
  polynomial.fit(table("X", false, 0, 2));
  expect_equal(polynomial(table("Y", false, 0, 2)), "poly");
  Pipeline interactions{Polynomial({.degree = 3, .interactions_only = true})};
  interactions.fit(table("X", false, 0, 3));
  expect_equal(interactions(table("Y", false, 0, 3)), "poly_inter");
  EXPECT_EQ(interactions.features(), (std::vector<std::string>{"a", "b", "c", "a b", "a c", "b c", "a b c"}));
  expect_step(PCA({.components = 2}), "pca");
  expect_step(PCA({.components = 2, .whiten = true}), "pca_white");
}

Table categories(const std::vector<std::string>& texts) { return Table({Column::categorical("x0", texts)}); }

TEST(ScikitLearn, TargetsOfCategories) {
  const auto texts = reference()["cat"].get<std::vector<std::string>>();
  const auto encoded = [&](const char* target, TargetEncodeOptions options, TargetOptions how) {
    Pipeline pipeline{TargetEncode(std::move(options))};
    pipeline.fit(categories(texts).with(Column::numeric("y", reference()[target].get<std::vector<double>>())), "y", how);
    const Table out = pipeline(categories({"u", "v", "w", "x"}));
    return std::vector<double>(out["x0"].numbers().begin(), out["x0"].numbers().end());
  };
  expect_numbers(encoded("num", {}, {.task = Task::regression}), "target", 1e-12);
  expect_numbers(encoded("num", {.smooth = 3}, {.task = Task::regression}), "target3", 1e-12);
  expect_numbers(encoded("cls", {}, {.task = Task::classification}), "target_binary", 1e-12);
}

TEST(ScikitLearn, RareCategoriesTogether) {
  Pipeline pipeline{OneHot({.least = 2})};
  pipeline.fit(categories(reference()["cat"].get<std::vector<std::string>>()));
  expect_equal(pipeline(categories({"u", "x", "zzz"})), "onehot");
  EXPECT_EQ(pipeline.features(), (std::vector<std::string>{"x0=u", "x0=v", "x0=w", "x0=other"}));
}

TEST(ScikitLearn, TermsOfTexts) {
  Table texts({Column::text("t", reference()["texts"].get<std::vector<std::string>>())});
  Pipeline plain{Terms()};
  plain.fit(texts);
  expect_equal(plain(texts), "tfidf", 1e-12);
  EXPECT_EQ(plain.features()[0], "t:" + reference()["tfidf_terms"][0].get<std::string>());
  Pipeline pairs{Terms({.ngram_high = 2, .most = 6, .sublinear = true, .unit_norm = false})};
  pairs.fit(texts);
  expect_equal(pairs(texts), "tfidf2", 1e-12);
  Pipeline hashed{HashedTerms({.most = 8, .idf = false})};
  hashed.fit(texts);
  expect_equal(hashed(texts), "hashing", 1e-12);
}

TEST(ScikitLearn, CategoriesInBuckets) {
  Table table({Column::categorical("colour", {"red", "blue", "green"}), Column::categorical("size", {"S", "M", "L"})});
  Pipeline pipeline{Hashing({.buckets = 8})};
  pipeline.fit(table);
  expect_equal(pipeline(table), "feature_hasher", 1e-12);
}

}  // namespace
}  // namespace gradus::preprocess
