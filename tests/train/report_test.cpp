// Reports: self-contained, escaped, and made of what they were given.
#include "gradus/train/report.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "gradus/ops/creation.hpp"
#include "gradus/train/evaluation.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

train::Report sample_report() {
  train::Report report{.title = "a <b> & \"c\"", .subtitle = "subtitle"};
  report.headlines = {{"test accuracy", "91.83 %"}};
  report.charts = {
      {.title = "Loss", .x_label = "epoch", .curves = {{"training", {1, 2, 3}, {1.0, 0.5, 0.25}}, {"test", {1, 2, 3}, {1.1, 0.6, 0.4}}}}};
  report.confusion = {{"cat", "dog"}, {9, 1, 2, 8}};
  report.samples = {{2, 2, 1, {0, 85, 170, 255}, "cat", "dog", 0.75, false}};
  report.tables = {{"Run", {}, {{"epochs", "3"}}}, {"Classes", {"class", "F1"}, {{"cat", "0.9"}}}};
  report.recipe = "x = \"<script>\"";
  return report;
}

TEST(Report, NeedsNeitherNetworkNorScript) {
  const std::string page = train::to_html(sample_report());
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("http"), std::string::npos);
  EXPECT_EQ(page.find("<link"), std::string::npos);
  EXPECT_EQ(count_of(page, "src=\""), count_of(page, "src=\"data:image/png;base64,"));
}

TEST(Report, TextIsEscaped) {
  const std::string page = train::to_html(sample_report());
  EXPECT_NE(page.find("<h1>a &lt;b&gt; &amp; &quot;c&quot;</h1>"), std::string::npos);
  EXPECT_NE(page.find("x = &quot;&lt;script&gt;&quot;"), std::string::npos);
}

TEST(Report, HoldsWhatItWasGiven) {
  const std::string page = train::to_html(sample_report());
  EXPECT_NE(page.find("91.83 %"), std::string::npos);
  EXPECT_EQ(count_of(page, "<svg"), 1u);
  EXPECT_EQ(count_of(page, "<polyline"), 2u);
  EXPECT_EQ(count_of(page, "<figure>"), 1u);
  EXPECT_NE(page.find("cat taken for dog: 1"), std::string::npos);
  EXPECT_NE(page.find("90.0 %"), std::string::npos);
}

TEST(Report, HeatMapsHaveACellForEachValue) {
  train::Report report;
  report.heat_maps = {{.title = "Attention",
                       .rows = 2,
                       .columns = 3,
                       .values = {0.5, 0.25, 0, -1, 2, 0.125},
                       .row_names = {"<s>", "b"},
                       .column_names = {"x", "y", "z"}}};
  const std::string page = train::to_html(report);
  EXPECT_EQ(count_of(page, "<td"), 6u);
  EXPECT_EQ(count_of(page, "class=\"minus\" style=\"--p:1.00\" title=\"-1\""), 1u);
  EXPECT_EQ(count_of(page, "style=\"--p:1.00\" title=\"2\""), 1u);  // beyond the scale
  EXPECT_NE(page.find("&lt;s&gt;"), std::string::npos);
}

TEST(Report, AClassWithoutSamplesHasPaleCellsAndNoRecall) {
  train::Report report;
  report.confusion = {{"cat", "dog"}, {0, 0, 1, 3}};
  const std::string page = train::to_html(report);
  EXPECT_NE(page.find("<td class=\"zero\" style=\"--p:0.00\" title=\"cat taken for cat: 0\">0</td><td class=\"zero\" style=\"--p:0.00\" "
                      "title=\"cat taken for dog: "
                      "0\">0</td><td class=\"recall\">-</td>"),
            std::string::npos);
  EXPECT_NE(page.find("<td class=\"\" style=\"--p:0.50\" title=\"dog taken for cat: 1\">1</td><td class=\"strong\" style=\"--p:0.87\" "
                      "title=\"dog taken for dog: "
                      "3\">3</td><td class=\"recall\">75.0 %</td>"),
            std::string::npos);
}

TEST(Report, OfNothingIsStillAPage) {
  const std::string page = train::to_html({});
  EXPECT_EQ(page.find("<!doctype html>"), 0u);
  EXPECT_EQ(page.find("Confusion"), std::string::npos);
}

TEST(Chart, MarksAreRound) {
  EXPECT_EQ(train::axis_marks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(train::axis_marks(0.83, 0.93, 5).size(), 5u);
  EXPECT_TRUE(train::axis_marks(1, 1, 5).empty());
  EXPECT_LE(train::axis_marks(1e300, 1.0000001e300, 5).size(), 16u);
  EXPECT_TRUE(train::axis_marks(-1e308, 1e308, 5).empty());
}

TEST(Chart, DrawsWhateverTheNumbers) {
  const double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (const std::vector<double>& y : {std::vector<double>{}, {nan}, {1, nan, infinity}, {5}, {0, 0}, {-1e300, 1e300}}) {
    std::vector<double> x(y.size());
    for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i);
    const std::string svg = train::to_svg({.title = "t", .curves = {{"a", x, y}}});
    EXPECT_EQ(svg.find("nan"), std::string::npos);
    EXPECT_EQ(svg.find("inf"), std::string::npos);
  }
}

TEST(Evaluation, CountsRightAndWrong) {
  const data::Dataset set(zeros({4, 2, 2, 1}), array({0, 1, 1, 0}), {.class_names = {"a", "b"}});
  const Array logits = array({{2.0, 0.0}, {0.0, 1.0}, {3.0, 0.0}, {1.0, 0.0}});
  const train::Classification answers = train::classify(logits, set);
  EXPECT_EQ(answers.accuracy(), 0.75);
  EXPECT_EQ(answers.confusion().counts, (std::vector<int64_t>{2, 0, 1, 1}));
  EXPECT_NEAR(answers.probability[1], 1 / (1 + std::exp(-1.0)), 1e-12);
  EXPECT_EQ(answers.class_table().rows[1], (std::vector<std::string>{"b", "1.000", "0.500", "0.667", "2"}));
  const std::vector<train::SampleImage> images = train::sample_images(set, answers, 2, 5);
  ASSERT_EQ(images.size(), 3u);
  EXPECT_FALSE(images[2].is_right);
  EXPECT_EQ(images[2].truth, "b");
}

TEST(Evaluation, OneLogitIsTwoClasses) {
  const data::Dataset set(zeros({2, 1}), array({0, 1}), {.class_names = {"no", "yes"}});
  EXPECT_EQ(train::classify(array({{-1.0}, {2.0}}), set).accuracy(), 1.0);
}

TEST(Evaluation, OutputsThatDoNotFitAreRefused) {
  const data::Dataset set(zeros({2, 1}), array({0, 1}), {.class_names = {"no", "yes"}});
  EXPECT_EQ(testing::error_of([&] {
              train::classify(zeros({3, 2}), set);
            }),
            "classify: the output is (3, 2) and the set has 2 samples; integer labels and one row of logits each are needed");
  const data::Dataset numbers(zeros({1, 1}), array({7}));
  EXPECT_EQ(testing::error_of([&] { train::classify(zeros({1, 2}), numbers); }), "classify: y[0] is 7; labels of 2 classes must be 0 to 1");
}

}  // namespace
}  // namespace gradus
