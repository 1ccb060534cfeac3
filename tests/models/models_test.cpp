// The catalogue: published sizes, files, and that each learns.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus::models {
namespace {

using testing::error_of;

// Without values: shapes only.
template <class M>
int64_t parameters_of(const M& model, const Shape& ids = {1, 1}) {
  nn::build(model, ids, int64);
  return nn::count_parameters(model);
}

TEST(GPT, has_the_published_number_of_parameters) { EXPECT_EQ(parameters_of(GPT(GPTOptions::gpt2())), 124439808); }
TEST(BERT, has_the_published_number_of_parameters) {
  EXPECT_EQ(parameters_of(BERT(BERTOptions::tiny())), 4385920);
  EXPECT_EQ(parameters_of(BERT(BERTOptions::mini_lm())), 22713216);
}
TEST(TranslationTransformer, has_the_size_of_the_papers_base) {
  // 37,000 x 512 shared by both languages and the head, 6 x (4 + 2 x 4) x 512^2 of the encoder, 6 x (8 + 8) x 512^2 of the decoder, biases
  // and norms.
  const TranslationTransformer model({.is_shared = true});
  nn::build(model, {{1, 2}, {1, 2}}, int64);
  const int64_t d = 512, h = 2048;
  const int64_t attention = 4 * (d * d + d), network = 2 * d * h + d + h, norm = 2 * d;
  EXPECT_EQ(nn::count_parameters(model), 37000 * d + 6 * (attention + network + 2 * norm) + 6 * (2 * attention + network + 3 * norm));
}

// The loss of a model before and after so many steps on one batch.
template <class M, class F>
std::pair<double, double> train_a_little(M& model, const F& objective, int steps = 20) {
  optim::Adam optimizer(3e-3);
  double first = 0, last = 0;
  for (int i = 0; i < steps; ++i) {
    const nn::TrainingMode training(random::key(i));
    auto [value, grads] = value_and_grad<0>(objective)(model);
    optimizer.step(model, grads);
    (i == 0 ? first : last) = value.item();
  }
  return {first, last};
}

Array ids_of(const Shape& shape, int64_t count, int64_t seed) { return random::integers(random::key(seed), shape, 1, count).eval(); }

TEST(GPT, learns) {
  GPT model({.vocabulary = 20, .context = 8, .width = 16, .layers = 2, .heads = 2, .dropout = 0.1});
  const Array ids = ids_of({4, 9}, 20, 1);
  const auto [first, last] = train_a_little(model, [&](const GPT& m) {
    return loss::sparse_categorical_crossentropy(m(ids[{slice(), slice(0, 8)}]), ids[{slice(), slice(1, 9)}]);
  });
  EXPECT_LT(last, 0.9 * first);
}
TEST(TextCNN, learns) {
  TextCNN model({.vocabulary = 20, .classes = 3, .width = 8, .filters = 6});
  const Array ids = ids_of({12, 7}, 20, 2), labels = ids_of({12}, 3, 3);
  const auto [first, last] = train_a_little(model, [&](const TextCNN& m) { return loss::sparse_categorical_crossentropy(m(ids), labels); });
  EXPECT_LT(last, 0.9 * first);
}
TEST(MaskedLanguageModel, learns) {
  MaskedLanguageModel model({.vocabulary = 20, .context = 8, .width = 16, .layers = 1, .heads = 2});
  const Array ids = ids_of({4, 8}, 20, 4);
  const Masked masked = hide_tokens(ids, {.mask = 19, .vocabulary = 20, .special = {0}, .rate = 0.4});
  evaluate({masked.ids, masked.labels});
  const auto [first, last] = train_a_little(
      model, [&](const MaskedLanguageModel& m) { return loss::sparse_categorical_crossentropy(m(masked.ids), masked.labels); });
  EXPECT_LT(last, 0.9 * first);
}
TEST(TranslationTransformer, learns) {
  TranslationTransformer model({.source_vocabulary = 20, .target_vocabulary = 22, .width = 16, .layers = 1, .heads = 2});
  const Array source = ids_of({4, 7}, 20, 5), target = ids_of({4, 6}, 22, 6);
  const auto [first, last] = train_a_little(model, [&](const TranslationTransformer& m) {
    return loss::sparse_categorical_crossentropy(m(source, target[{slice(), slice(0, 5)}]), target[{slice(), slice(1, 6)}]);
  });
  EXPECT_LT(last, 0.9 * first);
}

TEST(TranslationTransformer, takes_both_texts_side_by_side) {
  const TranslationTransformer model({.source_vocabulary = 20, .target_vocabulary = 22, .width = 16, .layers = 1, .heads = 2});
  const Array source = ids_of({4, 6}, 20, 5), target = ids_of({4, 6}, 22, 6);
  EXPECT_EQ(model(stack({source, target}, -1)).to_vector<float>(), model(source, target).to_vector<float>());
  EXPECT_EQ(error_of([&] {
              model(source);
            }).rfind("translation_transformer: pairs are (4, 6); they must be (batch, time, 2): source and target side by side", 0),
            0u);
}

TEST(CharRNN, learns) {
  CharRNN model({.vocabulary = 20, .width = 8, .units = 16});
  const Array ids = ids_of({4, 9}, 20, 8);
  const auto [first, last] = train_a_little(model, [&](const CharRNN& m) {
    return loss::sparse_categorical_crossentropy(m(ids[{slice(), slice(0, 8)}]), ids[{slice(), slice(1, 9)}]);
  });
  EXPECT_LT(last, 0.95 * first);
}
TEST(CharRNN, gives_the_same_tokens_with_and_without_the_cache) {
  const CharRNN model({.vocabulary = 20, .width = 8, .units = 16});
  for (const int64_t beams : {1, 3}) {
    train::GenerateOptions options{.max_tokens = 15, .seed = 5, .beams = beams};
    const auto cached = train::generate(model, {1, 2, 3}, options);
    options.use_cache = false;
    EXPECT_EQ(cached.tokens, train::generate(model, {1, 2, 3}, options).tokens) << beams;
  }
}
TEST(LSTMClassifier, learns_and_passes_over_padding) {
  LSTMClassifier model({.vocabulary = 20, .classes = 3, .width = 8, .units = 12, .bidirectional = true});
  const Array ids = ids_of({12, 7}, 20, 9), labels = ids_of({12}, 3, 10);
  const auto [first, last] =
      train_a_little(model, [&](const LSTMClassifier& m) { return loss::sparse_categorical_crossentropy(m(ids), labels); });
  EXPECT_LT(last, 0.95 * first);
  const Array short_one = model(array({{3, 4, 5}})).eval(), padded = model(array({{3, 4, 5, 0, 0}, {1, 2, 3, 4, 5}}));
  EXPECT_TRUE(allclose(short_one[0], padded[0], {.relative = 1e-5, .absolute = 1e-5}));
}
TEST(SeriesForecaster, learns_with_either_reader) {
  for (const SeriesReader reader : {SeriesReader::lstm, SeriesReader::transformer}) {
    SeriesForecaster model({.horizon = 3, .season = 4, .reader = reader, .width = 16});
    const Array x = random::normal(random::key(11), {16, 8}).eval(), y = (x[{slice(), slice(0, 3)}] + 1).eval();
    const auto [first, last] = train_a_little(
        model, [&](const SeriesForecaster& m) { return loss::mean_squared_error(m(x), y); }, 40);
    EXPECT_LT(last, 0.9 * first);
  }
}
TEST(SeriesForecaster, follows_the_level_and_the_size_of_its_window) {
  const SeriesForecaster model({.horizon = 2, .season = 4});
  const Array x = random::normal(random::key(12), {3, 8}, 0, 1).eval(), y = model(x);
  EXPECT_TRUE(allclose(model(1000 + 50 * x), 1000 + 50 * y, {.relative = 1e-4, .absolute = 1e-2}));
  EXPECT_FALSE(any(isnan(model(full({1, 8}, 7.0)))).item<bool>());
}
TEST(SeasonalNaive, repeats_the_last_season) {
  EXPECT_TRUE(array_equal(seasonal_naive(array({{1, 2, 3, 4}}), 3, 5), array({{2, 3, 4, 2, 3}})));
  EXPECT_THROW(seasonal_naive(array({{1, 2, 3, 4}}), 5, 1), Error);
}

TEST(Catalogue, comes_back_from_files_as_it_was) {
  const Array ids = array({{1, 2, 3, 4}}), series = random::normal(random::key(13), {1, 8}).eval();
  const auto check = [&](const auto& model, const Array& x) {
    const Array before = model(x).eval();
    const std::string path = ::testing::TempDir() + "catalogue.gradus";
    io::save(model, path);
    EXPECT_TRUE(array_equal(io::load(path)(x), before)) << nn::detail::type_name<std::remove_cvref_t<decltype(model)>>();
    std::remove(path.c_str());
  };
  check(GPT({.vocabulary = 9, .context = 8, .width = 8, .layers = 1, .heads = 2}), ids);
  check(GPT({.vocabulary = 9, .context = 8, .width = 8, .layers = 1, .heads = 2, .tied = false, .distance = nn::Distance::rotary}), ids);
  check(BERT({.vocabulary = 9, .context = 8, .width = 8, .layers = 1, .heads = 2}), ids);
  check(MaskedLanguageModel({.vocabulary = 9, .context = 8, .width = 8, .layers = 1, .heads = 2}), ids);
  check(TextCNN({.vocabulary = 9, .width = 4, .kernel_sizes = {2, 3}, .filters = 3}), ids);
  check(CharRNN({.vocabulary = 9, .width = 4, .units = 6}), ids);
  check(LSTMClassifier({.vocabulary = 9, .width = 4, .units = 6, .layers = 2, .bidirectional = true}), ids);
  check(SeriesForecaster({.horizon = 2, .season = 4, .width = 8}), series);
  check(SeriesForecaster({.horizon = 2, .reader = SeriesReader::transformer, .width = 8}), series);
}

TEST(HideTokens, hides_as_many_as_it_says_and_no_special_ones) {
  random::seed(3);
  const Array ids = ids_of({200, 50}, 30, 7);
  const Masked masked = hide_tokens(ids, {.mask = 29, .vocabulary = 30, .special = {1, 2}, .rate = 0.2});
  evaluate({masked.ids, masked.labels});
  const Array is_hidden = masked.labels != Array(-100);
  EXPECT_TRUE(array_equal(where(is_hidden, masked.labels, ids), ids));
  EXPECT_FALSE(any(is_hidden & ((ids == Array(1)) | (ids == Array(2)))).item<bool>());
  const double share = mean(is_hidden.astype(float32)).item() / mean((ids > Array(2)).astype(float32)).item();
  EXPECT_NEAR(share, 0.2, 0.02);
  const double as_mask = sum(is_hidden & (masked.ids == Array(29))).item() / sum(is_hidden).item();
  EXPECT_NEAR(as_mask, 0.8 + 0.1 / 30, 0.04);
  EXPECT_TRUE(array_equal(where(is_hidden, ids, masked.ids), ids));
}

TEST(BERT, passes_over_padding) {
  const BERT bert({.vocabulary = 20, .context = 8, .width = 16, .layers = 2, .heads = 2});
  const Array short_one = bert.embed(array({{3, 4, 5}})).eval(), padded = bert.embed(array({{3, 4, 5, 0, 0}, {1, 2, 3, 4, 5}}));
  EXPECT_TRUE(allclose(short_one[0], padded[0], {.relative = 1e-5, .absolute = 1e-5}));
  EXPECT_NEAR(sum(square(padded[1])).item(), 1, 1e-5);
}

TEST(TranslationTransformer, translates_by_itself_what_it_has_learnt) {
  random::seed(1);
  TranslationTransformer model(
      {.source_vocabulary = 10, .target_vocabulary = 12, .context = 16, .width = 32, .layers = 1, .heads = 2, .dropout = 0});
  // Copies and reverses: source a b c -> begin c b a end.
  const int64_t begin = 10, end = 11;
  const Array source = array({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {2, 4, 6}}),
              target = array({{10, 3, 2, 1, 11}, {10, 6, 5, 4, 11}, {10, 9, 8, 7, 11}, {10, 6, 4, 2, 11}});
  train_a_little(
      model,
      [&](const TranslationTransformer& m) {
        return loss::sparse_categorical_crossentropy(m(source, target[{slice(), slice(0, 4)}]), target[{slice(), slice(1, 5)}]);
      },
      120);
  EXPECT_EQ(translate(model, {4, 5, 6}, begin, end).tokens, (std::vector<int64_t>{6, 5, 4}));
  EXPECT_EQ(translate(model, {2, 4, 6}, begin, end, {.sampling = {.temperature = 0}}).tokens, (std::vector<int64_t>{6, 4, 2}));
}

// ---- other systems' files

TEST(LoadPretrained, takes_gpt2s_names) {
  const GPTOptions options{.vocabulary = 7, .context = 4, .width = 4, .layers = 1, .heads = 2};
  GPT gpt(options), again(options);
  nn::build(gpt, {1, 2}, int64);
  nn::build(again, {1, 2}, int64);
  const auto& block = gpt.decoder.blocks[0];
  const std::string path = ::testing::TempDir() + "gpt2.safetensors";
  std::vector<io::NamedArray> arrays{
      {"wte.weight", gpt.tokens.weights},
      {"wpe.weight", gpt.positions.table},
      {"h.0.ln_1.weight", block.attention_norm.weight},
      {"h.0.ln_1.bias", block.attention_norm.bias},
      {"h.0.attn.bias", zeros({1, 1, 4, 4})},  // the mask that old files carry
      {"h.0.attn.c_attn.weight", concatenate({block.attention.query, block.attention.key, block.attention.value}, 1)},
      {"h.0.attn.c_attn.bias", concatenate({block.attention.query_bias, block.attention.key_bias, block.attention.value_bias}, 0)},
      {"h.0.attn.c_proj.weight", block.attention.output},
      {"h.0.attn.c_proj.bias", block.attention.output_bias},
      {"h.0.ln_2.weight", block.network_norm.weight},
      {"h.0.ln_2.bias", block.network_norm.bias},
      {"h.0.mlp.c_fc.weight", block.network.in},
      {"h.0.mlp.c_fc.bias", block.network.in_bias},
      {"h.0.mlp.c_proj.weight", block.network.out},
      {"h.0.mlp.c_proj.bias", block.network.out_bias},
      {"ln_f.weight", gpt.decoder.norm.weight},
      {"ln_f.bias", gpt.decoder.norm.bias}};
  io::save_safetensors(path, arrays);
  const io::LoadReport report = io::load_pretrained(again, path);
  EXPECT_EQ(report.unexpected, (std::vector<std::string>{"h.0.attn.bias"}));
  EXPECT_EQ(report.loaded.size(), variables(again).size());
  const Array ids = array({{1, 2, 3}});
  EXPECT_TRUE(array_equal(gpt(ids), again(ids)));

  for (io::NamedArray& entry : arrays) entry.name = "transformer." + entry.name;
  io::save_safetensors(path, arrays);
  EXPECT_EQ(io::load_pretrained(again, path).loaded.size(), variables(again).size());

  arrays[1].array = zeros({5, 4});
  io::save_safetensors(path, arrays);
  EXPECT_THROW(io::load_pretrained(again, path), Error);
  arrays.erase(arrays.begin() + 1);
  io::save_safetensors(path, arrays);
  EXPECT_THROW(io::load_pretrained(again, path), Error);
  EXPECT_TRUE(array_equal(gpt(ids), again(ids)));  // as it was
  std::remove(path.c_str());
}

// A folder of a random GPT-2 or BERT, with other words in its config.json.
class Folder {
 public:
  explicit Folder(const std::string& type) : type_(type) {
    std::vector<io::NamedArray> arrays;
    const auto add = [&](const auto& model) {
      nn::build(model, {1, 1}, int64);
      for (const io::WeightSource& source : model.weight_sources()) {
        if (source.path == "head.kernel" || source.part > 0) continue;
        std::vector<Array> parts;
        for (int64_t i = 0; i < source.parts; ++i) {
          parts.push_back(nn::parameter(model, i == 0 ? source.path
                                                      : source.path.substr(0, source.path.rfind("query")) + (i == 1 ? "key" : "value") +
                                                            (source.path.ends_with("_bias") ? "_bias" : ""))
                              .get());
        }
        const Array value = parts.size() == 1 ? parts[0] : concatenate(parts, -1);
        arrays.push_back({source.names[0], source.is_transposed ? transpose(value) : value});
      }
    };
    if (type == "bert") add(BERT({.vocabulary = 9, .context = 6, .width = 8, .layers = 1, .heads = 2, .hidden = 12}));
    else add(GPT({.vocabulary = 9, .context = 6, .width = 8, .layers = 1, .heads = 2}));
    io::save_safetensors(folder_ / "model.safetensors", arrays);
  }
  nn::Model load(const std::string& more) const {
    std::ofstream(folder_ / "config.json")
        << (type_ == "bert"
                ? R"({"model_type": "bert", "vocab_size": 9, "max_position_embeddings": 6, "hidden_size": 8, "num_hidden_layers": 1,
                                  "num_attention_heads": 2, "intermediate_size": 12)"
                : R"({"model_type": "gpt2", "vocab_size": 9, "n_positions": 6, "n_embd": 8, "n_layer": 1, "n_head": 2)")
        << more << "}";
    return load_folder(folder_ / "");
  }

 private:
  std::string type_;
  testing::TemporaryFolder folder_;
};
TEST(LoadFolder, takes_or_refuses_each_option_that_changes_results) {
  const Array ids = array({{1, 2, 0}});
  const Folder gpt("gpt2"), bert("bert");
  const auto refusal = [](const Folder& folder, const std::string& more) { return error_of([&] { folder.load(more); }); };
  const Array usual = gpt.load("")(ids).eval();
  EXPECT_FALSE(allclose(gpt.load(R"(, "layer_norm_epsilon": 1e-2)")(ids), usual));
  EXPECT_TRUE(array_equal(gpt.load(R"(, "n_inner": null, "scale_attn_weights": true)")(ids), usual));
  EXPECT_NE(refusal(gpt, R"(, "n_inner": 20)").find("n_inner is 20; it must be 4 n_embd, 32"), std::string::npos);
  EXPECT_NE(refusal(gpt, R"(, "scale_attn_weights": false)").find("scale_attn_weights is false; it must be true"), std::string::npos);
  EXPECT_NE(refusal(gpt, R"(, "scale_attn_by_inverse_layer_idx": true)").find("it must be false"), std::string::npos);
  EXPECT_NE(refusal(gpt, R"(, "add_cross_attention": "yes")").find("it must be true or false"), std::string::npos);
  EXPECT_NE(refusal(gpt, R"(, "tie_word_embeddings": false)").find("head.kernel"), std::string::npos);  // which the file lacks
  EXPECT_NE(refusal(bert, R"(, "is_decoder": true)").find("is_decoder is true; it must be false"), std::string::npos);
  const Array padded = bert.load("")(ids).eval();
  EXPECT_TRUE(array_equal(bert.load(R"(, "pad_token_id": 0)")(ids), padded));
  EXPECT_FALSE(allclose(bert.load(R"(, "pad_token_id": null)")(ids), padded));  // then 0 is a token like others
}

TEST(Catalogue, keeps_what_it_has_learnt_when_options_are_checked_again) {
  const Array ids = array({{1, 2, 3, 4}}), series = random::normal(random::key(13), {1, 8}).eval();
  const auto check = [](auto model, const Array& x) {
    const Array before = model(x).eval();
    model.options.dropout = 0.5;
    model.check();
    EXPECT_TRUE(array_equal(model(x), before)) << nn::detail::type_name<decltype(model)>();
  };
  check(GPT({.vocabulary = 9, .context = 8, .width = 8, .layers = 1, .heads = 2}), ids);
  check(BERT({.vocabulary = 9, .context = 8, .width = 8, .layers = 1, .heads = 2}), ids);
  check(TextCNN({.vocabulary = 9, .width = 4, .kernel_sizes = {2, 3}, .filters = 3}), ids);
  check(CharRNN({.vocabulary = 9, .width = 4, .units = 6}), ids);
  check(LSTMClassifier({.vocabulary = 9, .width = 4, .units = 6, .layers = 2, .bidirectional = true}), ids);
  check(SeriesForecaster({.horizon = 2, .season = 4, .width = 8}), series);
  check(SeriesForecaster({.horizon = 2, .reader = SeriesReader::transformer, .width = 8}), series);
}
TEST(GPT, holds_its_context_without_a_table_of_positions) {
  for (const nn::Distance distance : {nn::Distance::rotary, nn::Distance::alibi}) {
    const GPT model({.vocabulary = 9, .context = 5, .width = 8, .layers = 1, .heads = 2, .distance = distance});
    EXPECT_EQ(model(zeros({1, 5}, int64)).shape(), (Shape{1, 5, 9}));
    EXPECT_NE(error_of([&] {
                model(zeros({1, 6}, int64));
              }).find("ids have 6 positions, context is 5; a sequence must not be longer"),
              std::string::npos);
    train::GenerateOptions options{.max_tokens = 20, .seed = 2};
    const auto cached = train::generate(model, {1}, options);
    options.use_cache = false;
    options.context = 5;
    EXPECT_EQ(cached.tokens, train::generate(model, {1}, options).tokens);
  }
}

}  // namespace
}  // namespace gradus::models
