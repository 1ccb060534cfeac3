// Texts and series in recipes, from files of one's own.
#include "gradus/data/text/tokenizer_file.hpp"
#include "gradus/gradus.hpp"
#include "tests/cli/idx_files.hpp"

namespace gradus {
namespace {

using testing::Outcome;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

std::string recipe(const std::string& data, const std::string& layers, const std::string& loss) {
  return "name = \"r\"\n[data]\n" + data + "\n[model]\nlayers = [" + layers + "]\n[loss]\nname = \"" + loss +
         "\"\n[train]\nepochs = 2\nbatch_size = 4\n";
}
std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

struct Trained {
  TemporaryFolder folder{};
  Outcome train(const std::string& text) {
    write_text(folder / "r.toml", text);
    return run_gradus({"train", folder / "r.toml", "--run-dir", folder / "run", "--quiet"});
  }
  nn::ModelInfo info() const { return io::load(folder / "run/model.gradus").info; }
};

const std::string kText = "source = \"text\"\npath = \"a.txt\"\ncontext = 8\ntest = 0.25";

TEST(TextRecipes, ALanguageModelIsTrainedOnATextAndKeepsItsTokenizer) {
  Trained run;
  write_text(run.folder / "a.txt", repeated("学而时习之，不亦说乎？\n", 40));
  const Outcome outcome = run.train(
      recipe(kText, R"({type = "Embedding", count = 20, width = 4}, {type = "Dense", units = 20})", "sparse_categorical_crossentropy"));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const data::Tokenizer tokenizer = data::tokenizer_of(run.info());
  EXPECT_EQ(tokenizer.vocabulary_size(), 4 + 12);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode("时习之")), "时习之");
}

TEST(TextRecipes, TextsAreClassified) {
  Trained run;
  write_text(run.folder / "a.tsv", repeated("ham\tsee you\nspam\twin money now\n", 20));
  const std::string data = "source = \"labelled_text\"\npath = \"a.tsv\"";
  const Outcome outcome =
      run.train(recipe(data, R"({type = "Embedding", count = 20, width = 4}, {type = "Flatten"}, {type = "Dense", units = 2})",
                       "sparse_categorical_crossentropy"));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(run.info().class_names, (std::vector<std::string>{"ham", "spam"}));
  EXPECT_EQ(data::tokenizer_of(run.info()).vocabulary_size(), 4 + 5);
}

TEST(TextRecipes, ASeriesIsForecast) {
  Trained run;
  write_text(run.folder / "a.csv", "t,x\n" + repeated("1,2\n2,3\n", 20));
  const std::string data = "source = \"series\"\npath = \"a.csv\"\nsteps = 3\ncolumn = ",
                    layers = R"({type = "Flatten"}, {type = "Dense", units = 1})";
  const Outcome outcome = run.train(recipe(data + "\"x\"", layers, "mean_squared_error"));
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(run.info().input_shape, (std::vector<int64_t>{3, 1}));
  EXPECT_NE(run.train(recipe(data + "\"y\"", layers, "mean_squared_error")).err.find("there is no column \"y\"; there are t, x"),
            std::string::npos);
}

TEST(TextRecipes, WrongFilesAreNamed) {
  Trained run;
  const std::string layers = R"({type = "Dense", units = 20})";
  const auto said = [&](const std::string& more) { return run.train(recipe(kText + more, layers, "mean_squared_error")).err; };
  EXPECT_NE(said("").find("a.txt: no such file"), std::string::npos);
  write_text(run.folder / "a.txt", "ab\xFF");
  EXPECT_NE(said("").find("a.txt:1: byte 2 (0xff) of the file is not UTF-8"), std::string::npos);
  write_text(run.folder / "a.txt", "abcdefgh");
  EXPECT_NE(said("").find("its training part has 6 tokens; a sample takes 9: data.context and the one that follows"), std::string::npos);
  EXPECT_NE(said("\ntokenizer = \"bytes\"").find("there is none called \"bytes\""), std::string::npos);
  write_text(run.folder / "t.json", "{}");
  EXPECT_NE(said("\ntokenizer = \"t.json\"").find("t.json: there is no \"model\" in it"), std::string::npos);
}

}  // namespace
}  // namespace gradus
