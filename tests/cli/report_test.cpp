// gradus report: one run again, several side by side.
#include "tests/cli/clouds.hpp"

namespace gradus {
namespace {

using testing::kCloudsRecipe;
using testing::Outcome;
using testing::read_text;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

// A folder that holds what a comparison reads of a run.
void write_run(const std::string& path, const std::string& metrics) {
  std::filesystem::create_directories(path);
  write_text(path + "/metrics.csv", metrics);
}
constexpr const char* kWide =
    "epoch,steps,learning_rate,seconds,loss,accuracy,val_loss\n1,10,0.1,2,0.9,0.5,0.8\n2,20,0.1,3,0.4,0.7,0.6\n3,30,0.1,2,0.3,0.6,0.7\n";
constexpr const char* kDeep = "epoch,steps,learning_rate,seconds,loss,accuracy\n1,10,0.1,1.5,0.5,0.25\n2,20,0.1,1,nan,0.75\n";

struct Runs {
  TemporaryFolder folder{};
  Outcome report(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "report");
    return run_gradus(arguments, {.folder = folder.path()});
  }
};

size_t count_of(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++count;
  return count;
}

TEST(Report, SeveralRunsStandSideBySide) {
  const Runs runs;
  write_run(runs.folder / "wide", kWide);
  write_run(runs.folder / "deep", kDeep);
  const Outcome outcome = runs.report({"wide", "deep/"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "run   epochs  seconds  best loss  best accuracy  best val_loss\n"
            "wide       3      7.0    0.3 (3)    70.00 % (2)        0.6 (2)\n"
            "deep       2      2.5    0.5 (1)    75.00 % (2)              -\n"
            "report: comparison.html\n");
  const std::string page = read_text(runs.folder / "comparison.html");
  EXPECT_EQ(count_of(page, "<svg class=\"chart\""), 3u);
  EXPECT_EQ(count_of(page, "</i>wide</span>"), 3u);
  EXPECT_EQ(count_of(page, "</i>deep</span>"), 3u);
  EXPECT_NE(page.find("<title>deep 0.75 at 2</title>"), std::string::npos);
  EXPECT_NE(page.find("70.00 % (2)"), std::string::npos);
  EXPECT_EQ(page.find("<script"), std::string::npos);
}

TEST(Report, APageIsReplacedOnlyIfAskedFor) {
  const Runs runs;
  write_run(runs.folder / "a", kWide);
  write_run(runs.folder / "b", kDeep);
  write_text(runs.folder / "comparison.html", "mine");
  EXPECT_EQ(runs.report({"a", "b"}).err,
            "gradus: comparison.html: is there already; name another file with --output, or replace it with --replace\n");
  EXPECT_EQ(read_text(runs.folder / "comparison.html"), "mine");
  EXPECT_EQ(runs.report({"a", "b", "-o", "other.html"}).code, 0);
  EXPECT_EQ(runs.report({"a", "b", "--replace"}).code, 0);
  EXPECT_NE(read_text(runs.folder / "comparison.html"), "mine");
  EXPECT_EQ(runs.report({"a", "b", "-o", "a/metrics.csv"}).err,
            "gradus: a/metrics.csv: the output is the same file as a/metrics.csv, which is read; name another one\n");
  EXPECT_EQ(read_text(runs.folder / "a/metrics.csv"), kWide);
}

TEST(Report, RunsOfOneNameAreToldApart) {
  const Runs runs;
  write_run(runs.folder / "x/run", kWide);
  write_run(runs.folder / "y/run", kDeep);
  const std::string out = runs.report({"x/run", "y/run"}).out;
  EXPECT_NE(out.find("\nx/run "), std::string::npos) << out;
  EXPECT_NE(out.find("\ny/run "), std::string::npos) << out;
  EXPECT_EQ(runs.report({"x/run", "./x/run"}).err, "gradus: ./x/run: is named twice; a run stands beside itself nowhere\n");
}

TEST(Report, WhatIsNoRunIsSaid) {
  const Runs runs;
  write_run(runs.folder / "good", kWide);
  std::filesystem::create_directory(runs.folder / "empty");
  write_text(runs.folder / "file", "x");
  const auto message = [&](const std::string& run) { return runs.report({"good", run}).err; };
  EXPECT_EQ(message("nowhere"), "gradus: nowhere: is not there; a run folder is needed, as `gradus train` makes it\n");
  EXPECT_EQ(message("file"), "gradus: file: is a file; a run folder is needed, as `gradus train` makes it\n");
  EXPECT_EQ(message("empty"), "gradus: empty: holds no metrics.csv; no epoch of the run was finished, or it is no run folder\n");
  const auto damaged = [&](const std::string& metrics) {
    write_run(runs.folder / "bad", metrics);
    const Outcome outcome = runs.report({"good", "bad"});
    EXPECT_EQ(outcome.code, 1) << outcome.out;
    return outcome.err;
  };
  EXPECT_EQ(damaged("a,b\n1,2\n"),
            "gradus: bad/metrics.csv: is no table of epochs; its columns must be epoch, steps, learning_rate, seconds, loss, ...\n");
  EXPECT_EQ(damaged("epoch,steps,learning_rate,seconds,loss\n1.5,10,0.1,2,0.9\n"),
            "gradus: bad/metrics.csv: row 1: epoch is 1.5; it must be a whole number\n");
  EXPECT_EQ(damaged("epoch,steps,learning_rate,seconds,loss\n1,nan,0.1,2,0.9\n"),
            "gradus: bad/metrics.csv: row 1: steps is nan; it must be a whole number\n");
  for (const char* text : {"", "epoch,steps,learning_rate,seconds,loss\n", "epoch,steps,learning_rate,seconds,loss\n1,2\n",
                           "epoch,steps,learning_rate,seconds,loss\n1,2,x,4,5\n"}) {
    EXPECT_EQ(damaged(text).rfind("gradus: bad", 0), 0u) << text;
  }
  EXPECT_FALSE(std::filesystem::exists(runs.folder / "comparison.html"));
}

TEST(Report, OfOneRunIsMadeAgain) {
  const Runs runs;
  write_text(runs.folder / "my.toml", kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = runs.folder.path()}).code, 0);
  const std::string before = read_text(runs.folder / "run/report.html");
  std::filesystem::remove(runs.folder / "run/report.html");
  const Outcome outcome = runs.report({"run"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "report: run/report.html\n");
  const std::string after = read_text(runs.folder / "run/report.html");
  // Charts, confusion and recipe are the same; times and dates are not.
  for (const auto& [begin, end] : {std::pair<std::string, std::string>{"<svg", "</svg>"},
                                   {"<table class=\"confusion\"", "</table>"},
                                   {"<pre>", "</pre>"},
                                   {"<b>", "</b><span>test accuracy"}}) {
    const size_t at = before.find(begin), until = before.find(end, at);
    ASSERT_NE(until, std::string::npos) << end;
    EXPECT_NE(after.find(before.substr(at, until - at)), std::string::npos) << begin;
  }
  EXPECT_EQ(runs.report({"run", "-o", "elsewhere.html"}).code, 0);
  EXPECT_TRUE(std::filesystem::exists(runs.folder / "elsewhere.html"));
}

}  // namespace
}  // namespace gradus
