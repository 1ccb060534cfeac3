// Programs and commands share their models: one that a program has trained is used by the commands, and the other way round.
#include "gradus/data/idx.hpp"
#include "gradus/gradus.hpp"
#include "tests/cli/clouds.hpp"
#include "tests/cli/idx_files.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::Outcome;
using testing::run_gradus;
using testing::TemporaryFolder;
using testing::write_text;

// Images of 2 x 2 bytes: bright above is day, bright below night.
const std::vector<std::vector<int>> kImages = {{255, 200, 0, 10}, {0, 20, 255, 180}, {220, 255, 30, 0}, {5, 0, 190, 250}};

struct Skies {
  TemporaryFolder folder{};
  Skies() {
    testing::write_images(folder / "x.idx", 2, kImages);
    testing::write_labels(folder / "y.idx", {0, 1, 0, 1});
  }
  // As the program of the README: layers, data, fit, save.
  void train_by_program() const {
    nn::Sequential model{nn::Flatten(), nn::Dense(2)};
    const data::Dataset set = data::Dataset::from_bytes(expand_dims(data::read_idx(folder / "x.idx"), -1).eval(),
                                                        data::read_idx(folder / "y.idx").astype(int64), {.class_names = {"day", "night"}});
    train::fit(model, set, {.loss = loss::sparse_categorical_crossentropy, .optimizer = optim::Adam(0.1), .epochs = 60, .verbose = false});
    io::save(model, folder / "sky.gradus", set);
  }
  std::string recipe() const {
    return "name = \"sky\"\n[data]\nsource = \"idx\"\ntrain_x = \"x.idx\"\ntrain_y = \"y.idx\"\ntest_x = \"x.idx\"\ntest_y = \"y.idx\"\n"
           "class_names = [\"day\", \"night\"]\n[model]\nlayers = [{type = \"Flatten\"}, {type = \"Dense\", units = 2}]\n"
           "[loss]\nname = \"sparse_categorical_crossentropy\"\n[optimizer]\nlearning_rate = 0.1\n[train]\nepochs = 60\n";
  }
  Outcome run(const std::vector<std::string>& arguments) const { return run_gradus(arguments, {.folder = folder.path()}); }
  std::string out(const std::vector<std::string>& arguments) const {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return outcome.out;
  }
  // The images as CSV, each number times `factor`.
  void write_csv(const std::string& name, double factor) const {
    std::string text;
    for (const auto& image : kImages) {
      for (size_t i = 0; i < image.size(); ++i) text += concat(i ? "," : "", factor * image[i]);
      text += "\n";
    }
    write_text(folder / name, text);
  }
};
std::string without_names(std::string text, const std::string& name) {
  for (size_t at; (at = text.find(name)) != std::string::npos;) text.erase(at, name.size());
  return text;
}

TEST(Meeting, AModelOfAProgramIsUsedByTheCommands) {
  const Skies skies;
  skies.train_by_program();
  const std::string said = skies.out({"predict", "sky.gradus", "x.idx", "--top", "1"});
  for (const char* line : {"x.idx[0]: day ", "x.idx[1]: night ", "x.idx[2]: day ", "x.idx[3]: night "}) {
    EXPECT_NE(said.find(line), std::string::npos) << said;
  }
  EXPECT_NE(skies.out({"summary", "sky.gradus"}).find("(1, 2, 2, 1) float32"), std::string::npos);
  write_text(skies.folder / "sky.toml", skies.recipe());
  EXPECT_NE(skies.out({"evaluate", "sky.gradus", "--data", "sky.toml"}).find("test accuracy: 100.00 %"), std::string::npos);
}

TEST(Meeting, AModelOfTheCommandsIsUsedByAProgram) {
  const Skies skies;
  write_text(skies.folder / "sky.toml", skies.recipe());
  skies.out({"train", "sky.toml", "--quiet", "--run-dir", "run"});
  const nn::Model model = io::load(skies.folder / "run/model.gradus");
  EXPECT_EQ(model.info.class_names, (std::vector<std::string>{"day", "night"}));
  const Array bytes = expand_dims(data::read_idx(skies.folder / "x.idx"), -1);
  EXPECT_EQ(argmax(model(nn::prepare(model.info, bytes)), -1).to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 0, 1}));
}

TEST(Meeting, NumbersOfACsvFileArePreparedAsTheBytesOfTraining) {
  const Skies skies;
  skies.train_by_program();
  const std::string by_bytes = without_names(skies.out({"predict", "sky.gradus", "x.idx", "--csv"}), "x.idx");
  skies.write_csv("raw.csv", 1);
  EXPECT_EQ(without_names(skies.out({"predict", "sky.gradus", "raw.csv", "--csv"}), "raw.csv"), by_bytes);
  skies.write_csv("scaled.csv", 1.0 / 255);
  EXPECT_EQ(without_names(skies.out({"predict", "sky.gradus", "scaled.csv", "--csv"}), "scaled.csv"), by_bytes);
  skies.write_csv("wrong.csv", 2);
  EXPECT_EQ(skies.run({"predict", "sky.gradus", "wrong.csv"}).err,
            "gradus: wrong.csv: x[0, 0, 0, 0] is 510; the model was trained on images of bytes: numbers must be 0 to 255, or 0 to 1 if "
            "they are divided "
            "by 255 already\n");
  skies.write_csv("negative.csv", -1.0 / 255);
  EXPECT_EQ(skies.run({"predict", "sky.gradus", "negative.csv"}).code, 1);
}

// Trained on numbers 0 to 16, as scanned digits have: bytes are such numbers, up to 16.
TEST(Meeting, BytesAreNotDividedForAModelOfPlainNumbers) {
  const Skies skies;
  testing::write_samples(skies.folder / "train.idx", {{16, 15, 0, 1}, {0, 1, 16, 15}});
  testing::write_labels(skies.folder / "train-y.idx", {0, 1});
  std::string recipe = skies.recipe();
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"x.idx\"", "\"train.idx\""}, {"\"y.idx\"", "\"train-y.idx\""}}) {
    for (size_t at; (at = recipe.find(from)) != std::string::npos;) recipe.replace(at, from.size(), to);
  }
  recipe.replace(recipe.find("{type = \"Flatten\"}, "), 20, "");
  write_text(skies.folder / "digits.toml", recipe);
  skies.out({"train", "digits.toml", "--quiet", "--run-dir", "run"});
  write_text(skies.folder / "row.csv", "16,12,0,1\n");
  write_text(skies.folder / "row.idx", std::string("\0\0\x08\x02\0\0\0\x01\0\0\0\x04\x10\x0c\0\x01", 16));
  EXPECT_EQ(without_names(skies.out({"predict", "run", "row.idx"}), "row.idx"),
            without_names(skies.out({"predict", "run", "row.csv"}), "row.csv"));
  write_text(skies.folder / "bright.idx", std::string("\0\0\x08\x02\0\0\0\x01\0\0\0\x04\xff\x0c\0\x01", 16));
  EXPECT_EQ(skies.run({"predict", "run", "bright.idx"}).err,
            "gradus: bright.idx: holds bytes, and x[0, 0] is 255; the model was trained on numbers from 0 to 16, and bytes are taken for "
            "such only if all "
            "lie there\n");
}

TEST(Meeting, NormalisationOfAProgramIsAppliedByPredict) {
  const TemporaryFolder folder;
  nn::Sequential model{nn::Dense(1, {.use_bias = false})};
  nn::build(model, {1, 2});
  for (const Variable& variable : variables(model)) variable.set(array({{1.0}, {10.0}}));
  io::save(model, folder / "m.gradus", {.input_shape = {2}, .preprocessing = nn::Preprocessing{.mean = {100, 0}, .deviation = {10, 2}}});
  write_text(folder / "x.csv", "120,4\n100,0\n");
  EXPECT_EQ(run_gradus({"predict", "m.gradus", "x.csv"}, {.folder = folder.path()}).out, "x.csv[0]: 22\nx.csv[1]: 0\n");
}

}  // namespace
}  // namespace gradus
