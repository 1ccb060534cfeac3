// What a model file says of inputs: shapes, classes and preprocessing, from the first call, from the training set, or as it was given.
#include <cmath>
#include <nlohmann/json.hpp>

#include "gradus/data/text/tokenizer_file.hpp"
#include "gradus/data/text/tokenizer_training.hpp"
#include "gradus/gradus.hpp"
#include "gradus/io/safetensors.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using testing::TemporaryFolder;
using testing::without_path;

nn::ModelInfo saved_and_loaded(const nn::Sequential& model, const nn::ModelInfo& info) {
  const TemporaryFolder folder;
  io::save(model, folder / "a", info);
  return io::load(folder / "a").info;
}

TEST(ModelInfo, TheFirstCallTellsTheShapeOfASample) {
  const TemporaryFolder folder;
  const nn::Sequential model{nn::Conv2D(2, 3), nn::Flatten(), nn::Dense(2)};
  model(zeros({7, 5, 4, 1}, float32)).eval();
  io::save(model, folder / "a");
  EXPECT_EQ(io::load(folder / "a").info.input_shape, (std::vector<int64_t>{5, 4, 1}));
  EXPECT_EQ(saved_and_loaded(model, {.input_shape = {5, 4, 1}, .input_dtype = float64}).input_dtype, float64);
  const nn::Sequential ids{nn::Embedding(10, 3)};
  ids(zeros({7, 5}, int64)).eval();
  const nn::ModelInfo info = saved_and_loaded(ids, {});
  EXPECT_EQ(info.input_shape, (std::vector<int64_t>{5}));
  EXPECT_EQ(info.input_dtype, int64);
  EXPECT_FALSE(info.preprocessing);
}

TEST(ModelInfo, TheTrainingSetTellsClassesAndPreprocessing) {
  const TemporaryFolder folder;
  const Array bytes = array({{0, 51, 255}, {102, 0, 1}}).astype(uint8);
  const data::Dataset images = data::Dataset::from_bytes(bytes, array({0, 1}), {.class_names = {"no", "yes"}});
  nn::Sequential model{nn::Dense(2)};
  train::fit(model, images, {.loss = loss::sparse_categorical_crossentropy, .verbose = false});
  io::save(model, folder / "a", images);
  const nn::Model loaded = io::load(folder / "a");
  EXPECT_EQ(loaded.info.class_names, images.class_names);
  EXPECT_EQ(loaded.info.input_shape, (std::vector<int64_t>{3}));
  EXPECT_EQ(loaded.info.preprocessing, nn::Preprocessing::of_bytes());
  EXPECT_EQ(nn::prepare(loaded.info, bytes).to_vector<float>(), images.x.to_vector<float>());

  const data::Dataset plain(array({{-2, 0.5}, {3, 1}}), array({0, 1}));
  const nn::ModelInfo info = io::info_of(plain);
  ASSERT_TRUE(info.preprocessing);
  EXPECT_EQ(info.preprocessing->range, (std::vector<double>{-2, 3}));
  EXPECT_EQ(nn::prepare(info, plain.x).to_vector<float>(), plain.x.to_vector<float>());
  EXPECT_TRUE(io::info_of(data::Dataset(array({{NAN, 1.0}}))).preprocessing->range.empty());
  EXPECT_EQ(error_of([] { io::info_of(data::Dataset()); }), "info_of: the data set holds no samples; a model's training set does");
}

TEST(ModelInfo, NumbersAreNormalisedAsTheyWereInTraining) {
  const nn::Sequential model{nn::Dense(1)};
  nn::build(model, {1, 2});
  const nn::ModelInfo info =
      saved_and_loaded(model, {.input_shape = {2}, .preprocessing = nn::Preprocessing{.mean = {10, -1}, .deviation = {2, 0.5}}});
  EXPECT_EQ(nn::prepare(info, array({{12, 0}, {10, -1}})).to_vector<float>(), (std::vector<float>{1, 2, 0, 0}));
  EXPECT_EQ(nn::prepare(info, array({{12, 0}})).dtype(), float32);
  EXPECT_EQ(error_of([&] {
              nn::prepare(info, zeros({4, 3}));
            }),
            "prepare: x is (4, 3), and the model's mean and deviation have 2 numbers; the last size of x must be 2");
  const nn::ModelInfo half{.input_dtype = bfloat16, .preprocessing = nn::Preprocessing{.mean = {1}}};
  EXPECT_EQ(nn::prepare(half, array({3, 4})).dtype(), bfloat16);
  EXPECT_EQ(nn::prepare({}, array({3, 4})).to_vector<float>(), (std::vector<float>{3, 4}));
}

TEST(ModelInfo, PreprocessingThatIsNoneIsRefusedWhenItIsSaved) {
  const TemporaryFolder folder;
  const nn::Sequential model{nn::Dense(1)};
  nn::build(model, {1, 3});
  const auto message = [&](nn::Preprocessing preprocessing) {
    return error_of([&] { io::save(model, folder / "a", {.input_shape = {3}, .preprocessing = std::move(preprocessing)}); });
  };
  EXPECT_EQ(message({.mean = {1, 2}}),
            "save: mean holds 2 numbers, the samples are (3,); there must be one, or one for each place of the last axis");
  EXPECT_EQ(message({.deviation = {1, 0, 2}}), "save: deviation[1] is 0; it must be above 0, numbers are divided by it");
  EXPECT_EQ(message({.mean = {NAN}}), "save: mean[0] is nan; it must be finite");
  EXPECT_EQ(message({.range = {2}}), "save: range holds 1 numbers; they must be two, the lowest and the highest");
  EXPECT_EQ(message({.range = {2, 1}}), "save: range is 2 to 1; it must go from a finite number to one that is not below it");
  EXPECT_EQ(folder.count(), 0);
}

TEST(ModelInfo, PreprocessingThatIsNoneIsRefusedWhenItIsRead) {
  const TemporaryFolder folder;
  nn::Sequential model{nn::Dense(1)};
  nn::build(model, {1, 3});
  const auto message = [&](const std::string& preprocessing) {
    io::save(model, folder / "a", {.input_shape = {3}, .preprocessing = nn::Preprocessing{}});
    io::Safetensors file = io::load_safetensors(folder / "a");
    nlohmann::json info = nlohmann::json::parse(file.metadata.at("info"));
    info["preprocessing"] = nlohmann::json::parse(preprocessing);
    file.metadata["info"] = info.dump();
    file.metadata.erase("checksum");
    io::save_safetensors(folder / "a", file.arrays, file.metadata);
    return without_path(error_of([&] { io::load(folder / "a"); }), folder.path());
  };
  EXPECT_EQ(message(R"({"mean": [], "deviation": [2], "range": []})"), "");
  EXPECT_EQ(message("3"), "PATH/a: info.preprocessing is no object");
  EXPECT_EQ(message(R"({"mean": []})"), "PATH/a: info.preprocessing.deviation: is missing; it must be a list of numbers above 0");
  EXPECT_EQ(message(R"({"mean": [], "deviation": ["x"], "range": []})"),
            "PATH/a: info.preprocessing.deviation: expected a list of numbers above 0, got [\"x\"]");
  EXPECT_EQ(message(R"({"mean": [], "deviation": [0], "range": []})"),
            "PATH/a: info.preprocessing.deviation: expected a list of numbers above 0, got [0]");
  EXPECT_EQ(
      message(R"({"mean": [1, 2], "deviation": [], "range": []})"),
      "PATH/a: info.preprocessing: mean holds 2 numbers, the samples are (3,); there must be one, or one for each place of the last axis");
  EXPECT_EQ(message(R"({"mean": [], "deviation": [], "range": [], "gamma": 2})"),
            "PATH/a: info.preprocessing.gamma: is not known to this version");
}

TEST(ModelInfo, OlderFilesSayNothingOfPreprocessing) {
  const TemporaryFolder folder;
  nn::Sequential model{nn::Dense(1)};
  nn::build(model, {1, 3});
  io::save(model, folder / "a");
  const io::Safetensors file = io::load_safetensors(folder / "a");
  EXPECT_EQ(file.metadata.at("info").find("preprocessing"), std::string::npos);
  EXPECT_FALSE(io::load(folder / "a").info.preprocessing);
}

TEST(ModelInfo, ATokenizerIsSavedAndLoaded) {
  const TemporaryFolder folder;
  const std::vector<std::string> texts{"the cat sat", "深度学习 naïve"};
  const nn::Sequential model{nn::Embedding(300, 2)};
  model(zeros({1, 3}, int64)).eval();
  for (const char* kind : {"character", "word", "byte_pair", "plain_byte_pair", "word_piece"}) {
    const data::Tokenizer tokenizer = data::train_tokenizer(data::tokenizer_kind(kind), texts, {.vocabulary_size = 300});
    const nn::ModelInfo info = saved_and_loaded(model, {.tokenizer = tokenizer.to_datum()});
    const data::Tokenizer again = data::tokenizer_of(info);
    EXPECT_EQ(again.to_datum(), tokenizer.to_datum()) << kind;
    EXPECT_EQ(again.encode("the 深 cat"), tokenizer.encode("the 深 cat")) << kind;
  }
  data::Dataset set(zeros({2, 3}, int64));
  set.tokenizer = data::train_tokenizer(data::TokenizerKind::word, texts);
  EXPECT_EQ(data::tokenizer_of(io::info_of(set)).to_datum(), set.tokenizer.to_datum());
  EXPECT_EQ(error_of([&] { data::tokenizer_of(saved_and_loaded(model, {})); }),
            "tokenizer_of: this model has no tokenizer; it was not saved with one");
}

TEST(ModelInfo, ADamagedTokenizerIsRefused) {
  const TemporaryFolder folder;
  const nn::Sequential model{nn::Embedding(3, 2)};
  model(zeros({1, 3}, int64)).eval();
  EXPECT_EQ(error_of([&] { io::save(model, folder / "a", {.tokenizer = "words"}); }), "save: info.tokenizer: expected a table, got \"words\"");
  io::save(model, folder / "a");
  io::Safetensors file = io::load_safetensors(folder / "a");
  file.metadata.erase("checksum");
  file.metadata["tokenizer"] = R"({"model": {"type": "WordLevel", "vocab": {"a": 1}}})";
  io::save_safetensors(folder / "b", file.arrays, file.metadata);
  EXPECT_EQ(without_path(error_of([&] { io::load(folder / "b"); }), folder / "b"),
            "PATH: tokenizer: model.vocab: the id of \"a\" is 1, and there are 1 tokens; ids must be 0 to 0, each once");
}

}  // namespace
}  // namespace gradus
