// Usage: help that teaches, exit code 2 for wrong calls, files that are not what they should be.
#include "tests/cli/subprocess.hpp"

namespace gradus {
namespace {

using testing::Outcome;
using testing::run_gradus;
using testing::TemporaryFolder;

TEST(Usage, HelpShowsAFirstRun) {
  const Outcome outcome = run_gradus({"--help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.out.find("gradus train recipes/mlp_fashion.toml"), std::string::npos) << outcome.out;
  for (const char* command : {"train", "evaluate", "predict", "summary", "show", "report"}) {
    EXPECT_NE(outcome.out.find(std::string("\n  ") + command + " "), std::string::npos) << command;
    EXPECT_EQ(run_gradus({command, "--help"}).code, 0);
  }
}

TEST(Usage, VersionIsPrinted) {
  const Outcome outcome = run_gradus({"--version"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_EQ(outcome.out.rfind("gradus 0.", 0), 0u) << outcome.out;
}

TEST(Usage, WrongCallsExitWith2) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"tran"},
                                                    {"train"},
                                                    {"train", "a.toml", "--no-such-option"},
                                                    {"predict", "model"},
                                                    {"predict", "model", "x.csv", "--top", "0"}}) {
    const Outcome outcome = run_gradus(arguments);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_EQ(outcome.err.rfind("gradus: ", 0), 0u) << outcome.err;
    EXPECT_EQ(outcome.out, "");
  }
}

TEST(Usage, WhatIsUnknownIsNamedWithTheNearest) {
  EXPECT_EQ(run_gradus({"tran"}).err, "gradus: tran: there is no such command; did you mean train?\n  hint: gradus --help\n");
  EXPECT_EQ(run_gradus({}).err,
            "gradus: a command is missing; there are train, search, find-rate, evaluate, predict, data, doctor, summary, show, report, keys, new, generate, embed, similar, translate, explain, compare, "
            "seal, unseal, sign, verify, graph, graph-rules\n  hint: gradus --help\n");
  EXPECT_EQ(run_gradus({"--versoin"}).err, "gradus: --versoin is unknown here; did you mean --version?\n  hint: gradus --help\n");
  EXPECT_EQ(run_gradus({"train", "a.toml", "--run-dri", "b"}).err,
            "gradus: train: --run-dri is unknown here; did you mean --run-dir?\n  hint: gradus train --help\n");
  EXPECT_EQ(run_gradus({"keys", "optimizer", "adam", "beta"}).err,
            "gradus: keys: beta is one argument too many; it takes part, group\n  hint: gradus keys --help\n");
}

TEST(Usage, EachCommandHelpsWithItself) {
  EXPECT_NE(run_gradus({"predict", "--help"}).out.find("--output"), std::string::npos);
  EXPECT_EQ(run_gradus({"predict", "--help"}).out.find("A first run"), std::string::npos);
}

TEST(Usage, WhatIsNoModelOrNoRecipeIsNamed) {
  const TemporaryFolder folder;
  testing::write_text(folder / "empty", "");
  testing::write_text(folder / "bytes.toml", std::string("\xff\xfe\x00\x01", 4));
  const auto message = [&](const std::vector<std::string>& arguments) {
    const Outcome outcome = run_gradus(arguments, {.folder = folder.path()});
    EXPECT_EQ(outcome.code, 1);
    return outcome.err;
  };
  EXPECT_EQ(message({"evaluate", "empty"}), "gradus: empty: has 0 bytes; a safetensors file starts with 8 bytes of header length\n");
  EXPECT_EQ(message({"evaluate", "."}), "gradus: ./model.gradus: no such file or folder\n");
  EXPECT_EQ(message({"train", "."}), "gradus: .: is a folder; a file is needed\n");
  EXPECT_EQ(message({"train", "empty"}),
            "gradus: empty: data.source: is missing; it must be one of fashion_mnist, linear, blobs, moons, spirals, waves, idx, images, text, labelled_text, translation, table, series\n");
  EXPECT_EQ(message({"train", "bytes.toml"}).rfind("gradus: bytes.toml:1:1: ", 0), 0u);
}

TEST(Usage, MissingFilesExitWith1) {
  EXPECT_EQ(run_gradus({"train", "/none/my.toml"}).err, "gradus: /none/my.toml: no such file or folder\n");
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"train", "/none/my.toml"}, {"evaluate", "/none/model.gradus"},
                                                    {"predict", "/none/model.gradus", "x.csv"}, {"summary", "/none/my.toml"}}) {
    EXPECT_EQ(run_gradus(arguments).code, 1);
  }
}

TEST(Usage, AModelThatIsNoneExitsWith1) {
  const TemporaryFolder folder;
  testing::write_text(folder / "a.gradus", "not a model at all");
  const Outcome outcome = run_gradus({"evaluate", folder / "a.gradus"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err.rfind("gradus: " + (folder / "a.gradus") + ": ", 0), 0u) << outcome.err;
}

TEST(Usage, HugeRecipesAreRefused) {
  const TemporaryFolder folder;
  testing::write_text(folder / "a.toml", std::string(2 << 20, '#'));
  EXPECT_EQ(testing::without_path(run_gradus({"train", folder / "a.toml"}).err, folder.path()),
            "gradus: PATH/a.toml: is larger than 1048576 bytes, the most that is read of such a file\n");
}

}  // namespace
}  // namespace gradus
