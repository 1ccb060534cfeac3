// gradus graph, graph-rules, seal, unseal, sign, verify; private training and rules by a recipe.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/cli/clouds.hpp"

namespace gradus {

namespace {

using testing::kCloudsRecipe;
using testing::Outcome;
using testing::read_text;
using testing::recipe_with;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

void write_family(const TemporaryFolder& folder) {
  std::string train, test;
  for (int child = 1; child < 31; ++child) {
    const auto person = [](int number) { return "p" + std::to_string(number); };
    const int parent = (child - 1) / 2;
    train += person(parent) + "\tparent_of\t" + person(child) + "\n";
    if (child > 2) (child % 5 == 0 ? test : train) += person((parent - 1) / 2) + "\tgrandparent_of\t" + person(child) + "\n";
  }
  std::filesystem::create_directory(folder / "family");
  write_text(folder / "family/train.txt", train);
  write_text(folder / "family/test.txt", test);
}

// Variables of the environment for the command alone.
testing::RunOptions with(const std::string& folder, std::vector<std::pair<std::string, std::string>> variables) {
  return {.folder = folder, .before_exec = [variables] {
            for (const char* name : {"GRADUS_PASSPHRASE", "GRADUS_KEY_FILE"}) ::unsetenv(name);
            for (const auto& [name, value] : variables) ::setenv(name.c_str(), value.c_str(), 1);
            ::setsid();  // no terminal to ask
          }};
}

TEST(Graph, TrainsRanksAndSaves) {
  const TemporaryFolder folder;
  write_family(folder);
  const Outcome outcome =
      run_gradus({"graph", "family", "--width", "16", "--epochs", "5", "-o", "family.gradus"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("31 entities, 2 relations; facts: 52 to train, 0 to validate, 6 to test\n"), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find("epoch 5/5: loss "), std::string::npos);
  EXPECT_NE(outcome.out.find("\ntest: MRR 0."), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder / "family.gradus"));
  const Outcome by_rules = run_gradus({"graph", "family", "--quiet", "--epochs", "1", "--rule-weight", "0.5"}, {.folder = folder.path()});
  EXPECT_EQ(by_rules.code, 0) << by_rules.err;
  EXPECT_EQ(by_rules.out.rfind("test: MRR ", 0), 0u) << by_rules.out;
  const Outcome wrong = run_gradus({"graph", "family", "--score", "complx"}, {.folder = folder.path()});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.err.find("there is no score \"complx\"; did you mean complex?"), std::string::npos) << wrong.err;
}

TEST(GraphRules, AreShownAndWritten) {
  const TemporaryFolder folder;
  write_family(folder);
  const Outcome outcome = run_gradus({"graph-rules", "family", "-o", "rules.tsv"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("parent_of(x, z) and parent_of(z, y) => grandparent_of(x, y): confidence 0.79"), std::string::npos)
      << outcome.out;
  EXPECT_NE(outcome.out.find("test, by the rules alone: MRR "), std::string::npos);
  EXPECT_EQ(read_text(folder / "rules.tsv").rfind("rule\tsupport\tconfidence\tpca_confidence\thead_coverage\n", 0), 0u);
}

TEST(Seal, CommandsTakeASealedModel) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", kCloudsRecipe);
  ASSERT_EQ(run_gradus({"train", "my.toml", "--quiet", "--run-dir", "run"}, {.folder = folder.path()}).code, 0);
  const Outcome plain = run_gradus({"evaluate", "run/model.gradus"}, {.folder = folder.path()});
  const auto key = with(folder.path(), {{"GRADUS_PASSPHRASE", "correct horse"}}), none = with(folder.path(), {}),
             wrong = with(folder.path(), {{"GRADUS_PASSPHRASE", "wrong horse"}});
  const Outcome sealed = run_gradus({"seal", "run", "-o", "sealed.gradus"}, key);
  ASSERT_EQ(sealed.code, 0) << sealed.err;
  EXPECT_EQ(sealed.out, "sealed: sealed.gradus\n");
  EXPECT_EQ(read_text(folder / "sealed.gradus").find("Dense"), std::string::npos);
  const Outcome evaluated = run_gradus({"evaluate", "sealed.gradus"}, key);
  EXPECT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_EQ(evaluated.out.substr(evaluated.out.find("test accuracy")), plain.out.substr(plain.out.find("test accuracy")));
  const Outcome refused = run_gradus({"evaluate", "sealed.gradus"}, wrong);
  EXPECT_EQ(refused.code, 1);
  EXPECT_NE(refused.err.find("sealed.gradus: the passphrase is wrong, or the header of the file is damaged"), std::string::npos)
      << refused.err;
  const Outcome unasked = run_gradus({"evaluate", "sealed.gradus"}, none);
  EXPECT_EQ(unasked.code, 1);
  EXPECT_NE(unasked.err.find("sealed.gradus: is sealed, and there is no key"), std::string::npos) << unasked.err;
  write_text(folder / "phrase", "correct horse\nand more\n");
  const Outcome opened = run_gradus({"unseal", "sealed.gradus", "-o", "clear.gradus", "--passphrase-from", "phrase"}, none);
  EXPECT_EQ(opened.code, 0) << opened.err;
  EXPECT_EQ(read_text(folder / "clear.gradus"), read_text(folder / "run/model.gradus"));
}

TEST(Seal, KeyFilesAndSignatures) {
  const TemporaryFolder folder;
  const auto none = with(folder.path(), {});
  write_text(folder / "m", "content");
  const Outcome sealed = run_gradus({"seal", "m", "--new-key", "key"}, none);
  ASSERT_EQ(sealed.code, 0) << sealed.err;
  EXPECT_EQ(sealed.out, "key: key\nsealed: m\n");
  EXPECT_EQ(run_gradus({"seal", "m", "--key-file", "key"}, none).err, "gradus: m: is sealed already\n");
  const Outcome signed_one = run_gradus({"sign", "m", "--new-key", "signing"}, none);
  ASSERT_EQ(signed_one.code, 0) << signed_one.err;
  const std::string key = signed_one.out.substr(signed_one.out.find("public key: ") + 12, 64);
  EXPECT_EQ(run_gradus({"verify", "m", "--public-key", key}, none).out, "signed by " + key + ": m\n");
  EXPECT_EQ(run_gradus({"unseal", "m", "--key-file", "key", "-o", "m"}, none).code, 0);
  EXPECT_EQ(read_text(folder / "m"), "content");
  const Outcome changed = run_gradus({"verify", "m", "--public-key", key}, none);
  EXPECT_EQ(changed.code, 1);
  EXPECT_NE(changed.err.find("the file or its signature was changed"), std::string::npos) << changed.err;
  EXPECT_EQ(run_gradus({"verify", "m"}, none).code, 2);
  EXPECT_EQ(run_gradus({"unseal", "m"}, none).code, 2);
  EXPECT_EQ(run_gradus({"sign", "m"}, none).code, 2);
}

TEST(Train, PrivatelyByARecipe) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe_with("[train]\n", "[train]\nprivacy = {target_epsilon = 4, delta = 1e-3}\n"));
  const Outcome outcome = run_gradus({"train", "my.toml", "--run-dir", "run"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find("private: noise_multiplier "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(", epsilon 3.99"), std::string::npos) << outcome.out;
  EXPECT_NE(read_text(folder / "run/metrics.csv").find(",epsilon"), std::string::npos);
  EXPECT_NE(read_text(folder / "run/model.gradus").find("extra.privacy"), std::string::npos);
  EXPECT_NE(read_text(folder / "run/report.html").find("differentially private"), std::string::npos);
  write_text(folder / "bad.toml", recipe_with("[train]\n", "[train]\nprivacy = {target_epsilon = 4, dleta = 1e-3}\n"));
  const Outcome bad = run_gradus({"train", "bad.toml"}, {.folder = folder.path()});
  EXPECT_EQ(bad.code, 1);
  EXPECT_NE(bad.err.find("dleta"), std::string::npos) << bad.err;
}

TEST(Train, WithRules) {
  const TemporaryFolder folder;
  write_text(folder / "my.toml", recipe_with("[train]\n", "[train]\nrules = \"rules.toml\"\n"));
  write_text(folder / "rules.toml", "logic = \"lukasiewicz\"\n[[rule]]\ntext = \"x0 > 0 -> not 1\"\nweight = 0.1\n");
  const Outcome wrong = run_gradus({"train", "my.toml", "--run-dir", "run"}, {.folder = folder.path()});
  EXPECT_EQ(wrong.code, 1);
  EXPECT_NE(wrong.err.find("rules.toml:3: rule[0].text: \"x0 > 0 -> not 1\", column "), std::string::npos) << wrong.err;
  write_text(folder / "rules.toml", "logic = \"lukasiewicz\"\n[[rule]]\ntext = 'x0 > 0 -> not \"class 1\"'\nweight = 0.1\n");
  const Outcome outcome = run_gradus({"train", "my.toml", "--run-dir", "run"}, {.folder = folder.path()});
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_NE(outcome.out.find(", rules 0."), std::string::npos) << outcome.out;
}

}  // namespace

}  // namespace gradus
