// Recipes of texts and series from data to result, and the commands that use what they leave.
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "gradus/gradus.hpp"
#include "tests/cli/subprocess.hpp"

namespace gradus {
namespace {

using testing::Outcome;
using testing::run_gradus;
using testing::TemporaryFolder;

std::string recipe(const std::string& name) { return std::string(GRADUS_SOURCE_DIR) + "/recipes/" + name + ".toml"; }

Outcome train(const std::string& name, const std::string& run, std::vector<std::string> assignments) {
  std::vector<std::string> arguments{"train", recipe(name), "--run-dir", run};
  for (std::string& assignment : assignments) {
    arguments.push_back("--set");
    arguments.push_back(std::move(assignment));
  }
  return run_gradus(arguments);
}

class LanguageModel : public ::testing::Test {
 protected:
  // A tiny GPT on a text that says the same again and again, trained once for all tests.
  static void SetUpTestSuite() {
    folder = new TemporaryFolder;
    std::ofstream text(*folder / "text.txt");
    for (int i = 0; i < 400; ++i) text << "abcdefgh ";
    text.close();
    outcome = new Outcome(train("gpt_char", run(),
                                {"data.path=" + (*folder / "text.txt"), "data.context=16", "train.epochs=6", "train.batch_size=16",
                                 "model.layers=[{type=\"GPT\", context=16, width=32, layers=1, heads=2}]"}));
  }
  static void TearDownTestSuite() {
    delete outcome;
    delete folder;
  }
  static std::string run() { return *folder / "run"; }
  static Outcome generate(std::vector<std::string> more) {
    more.insert(more.begin(), {"generate", run()});
    return run_gradus(more);
  }
  static inline TemporaryFolder* folder = nullptr;
  static inline Outcome* outcome = nullptr;
};

TEST_F(LanguageModel, learns_and_takes_its_vocabulary_from_the_data) {
  ASSERT_EQ(outcome->code, 0) << outcome->err;
  const nn::Model model = io::load(run() + "/model.gradus");
  EXPECT_EQ(model(zeros({1, 4}, int64)).shape(-1), data::Tokenizer::from_datum(model.info.tokenizer).vocabulary_size());
}
TEST_F(LanguageModel, goes_on_with_what_it_has_learnt) {
  const Outcome made = generate({"--prompt", "abcd", "--temperature", "0", "--tokens", "23"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(made.out, "abcdefgh abcdefgh abcdefgh \n");
  EXPECT_EQ(made.err.rfind("23 tokens, ", 0), 0u) << made.err;
}
TEST_F(LanguageModel, gives_the_same_text_without_the_cache_and_by_beams) {
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--no-cache", "--temperature", "0"}, {"--beams", "3"}}) {
    std::vector<std::string> arguments{"--prompt", "abcd", "--tokens", "8", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome made = generate(arguments);
    EXPECT_EQ(made.out, "abcdefgh abc\n") << made.err;
    EXPECT_EQ(made.err, "");
  }
}
TEST_F(LanguageModel, stops_at_a_token) {
  EXPECT_EQ(generate({"--prompt", "abcd", "--temperature", "0", "--stop", " "}).out, "abcdefgh\n");
}
TEST_F(LanguageModel, names_what_is_wrong) {
  const auto expect = [](const Outcome& made, int code, const std::string& text) {
    EXPECT_EQ(made.code, code);
    EXPECT_NE(made.err.find(text), std::string::npos) << made.err;
  };
  expect(generate({"--prompt", ""}), 1, "--prompt is \"\", which the tokenizer makes no token of");
  expect(generate({"--prompt", std::string(17, 'a')}), 1, "17");
  expect(generate({"--prompt", "a\xff"}), 1, "byte 1");
  expect(generate({"--temperature", "-1"}), 1, "temperature is -1; it must not be negative");
  expect(generate({"--temperature", "hot"}), 2, "\"hot\" is no number");
  expect(generate({"--top-p", "0"}), 1, "top_p is 0");
  expect(generate({"--seed", "99999999999999999999"}), 2, "99999999999999999999 is beyond 64 bits");
  expect(generate({"--stop", "xyz"}), 1, "xyz");
  expect(run_gradus({"generate"}), 2, "MODEL is required");
  expect(run_gradus({"generate", *folder / "nothing"}), 1, "nothing");
  expect(run_gradus({"embed", run(), *folder / "text.txt"}), 1, "vectors of texts come from BERT");
}

TEST(Recipes, of_texts_and_series_run_as_they_stand) {
  const TemporaryFolder folder;
  const Outcome spam = train("spam", folder / "spam", {"train.epochs=3"});
  ASSERT_EQ(spam.code, 0) << spam.err;
  EXPECT_NE(spam.out.find("test accuracy: "), std::string::npos);
  const Outcome forecast = train("forecast", folder / "forecast", {"train.epochs=2"});
  ASSERT_EQ(forecast.code, 0) << forecast.err;
  const Outcome lstm = train("lstm_char", folder / "lstm",
                             {"train.epochs=1", "data.context=32", "model.layers=[{type=\"CharRNN\", width=8, units=16, layers=1}]"});
  ASSERT_EQ(lstm.code, 0) << lstm.err;
  EXPECT_EQ(run_gradus({"generate", folder / "lstm", "--tokens", "5"}).code, 0);
}

TEST(Recipes, of_waves_and_chinese_run_as_they_stand) {
  const TemporaryFolder folder;
  const Outcome waves = train("lstm_waves", folder / "waves", {"train.epochs=6"});
  ASSERT_EQ(waves.code, 0) << waves.err;
  const size_t at = waves.out.find("test accuracy: ");
  ASSERT_NE(at, std::string::npos) << waves.out;
  EXPECT_GT(std::stod(waves.out.substr(at + 15)), 80) << waves.out;  // percent; some 90
  EXPECT_NE(testing::read_text(folder / "waves/report.html").find("Gates over time, lstm"), std::string::npos);
  const Outcome chinese =
      train("gpt_chinese", folder / "chinese",
            {"train.epochs=1", "data.stride=64", "model.layers=[{type=\"GPT\", context=64, width=16, layers=2, heads=2}]"});
  ASSERT_EQ(chinese.code, 0) << chinese.err;
  const std::string report = testing::read_text(folder / "chinese/report.html");
  EXPECT_NE(report.find("Attention, first layer, head 2"), std::string::npos);
  EXPECT_NE(report.find("Attention, last layer, head 1"), std::string::npos);
  const Outcome poem = run_gradus({"generate", folder / "chinese", "--prompt", "\u6625", "--tokens", "5", "--quiet"});
  EXPECT_EQ(poem.code, 0) << poem.err;
  EXPECT_EQ(poem.out.rfind("\u6625", 0), 0u);
}

TEST(Generate, prints_no_prompt_that_it_cannot_go_on_with_and_says_what_the_model_does_not_know) {
  const TemporaryFolder folder;
  ASSERT_EQ(train("gpt_chinese", folder / "run", {"train.epochs=1"}).code, 0);
  const Outcome refused = run_gradus({"generate", folder / "run", "--prompt", "\u6625", "--temperature", "-1"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_EQ(refused.out, "");
  const Outcome made = run_gradus({"generate", folder / "run", "--prompt", "\u6625z", "--tokens", "1"});
  EXPECT_EQ(made.out.rfind("\u6625z", 0), 0u) << made.out;
  EXPECT_NE(made.err.find("the model does not know 1 of the 2 tokens of the prompt; they count as <unk>"), std::string::npos) << made.err;
  EXPECT_EQ(run_gradus({"generate", folder / "run", "--prompt", "\u6625", "--tokens", "0"}).out, "\u6625\n");
}

// Ids mean the tokens that the model has learnt, not those of a vocabulary of another file.
TEST(Evaluate, takes_texts_by_the_models_own_tokenizer_and_classes) {
  const TemporaryFolder folder;
  std::ofstream first(folder / "first.txt"), second(folder / "second.txt");
  second << "a";
  for (int i = 0; i < 350; ++i) first << "bc", second << "bc";
  first.close();
  second.close();
  const std::vector<std::string> settings{"data.path=" + (folder / "first.txt"),
                                          "data.context=8",
                                          "data.test=0.1",
                                          "train.epochs=40",
                                          "train.batch_size=8", "optimizer.learning_rate=0.03",
                                          "model.layers=[{type=\"CharRNN\", width=4, units=8, layers=1, dropout=0}]"};
  ASSERT_EQ(train("lstm_char", folder / "run", settings).code, 0);
  // By itself the second file would have three letters, and other numbers for b and c.
  const auto loss = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{"evaluate", folder / "run"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome made = run_gradus(arguments);
    const size_t at = made.out.find("loss: ");
    return at == std::string::npos ? 1e9 : std::stod(made.out.substr(at + 6));
  };
  const double known = loss({}), other = loss({"--set", "data.path=" + (folder / "second.txt")});
  EXPECT_LT(known, 0.5);
  EXPECT_LT(other, 0.5);
  const Outcome named = train("lstm_char", folder / "again",
                              {"data.path=" + (folder / "second.txt"), "data.tokenizer=" + (folder / "run/model.gradus"), "data.context=8",
                               "train.epochs=1", "model.layers=[{type=\"CharRNN\", width=4, units=8, layers=1}]"});
  EXPECT_EQ(named.code, 0) << named.err;
  EXPECT_EQ(io::load(folder / "again/model.gradus").info.tokenizer, io::load(folder / "run/model.gradus").info.tokenizer);

  std::ofstream labels(folder / "labels.tsv");
  for (int i = 0; i < 40; ++i) labels << (i % 2 ? "ham\tgood word" : "spam\tbad word") << i << "\n";
  labels.close();
  ASSERT_EQ(
      train("spam", folder / "spam", {"data.path=" + (folder / "labels.tsv"), "data.tokenizer=word", "data.test=0.5", "train.epochs=1"})
          .code,
      0);
  const data::Tokenizer words = data::Tokenizer::from_datum(io::load(folder / "spam/model.gradus").info.tokenizer);
  int seen = 0;
  for (int i = 0; i < 40; ++i) seen += words.find("word" + std::to_string(i)).has_value();
  EXPECT_EQ(seen, 20);  // those of the training part
  std::ofstream(folder / "odd.tsv") << "eggs\tgood word1\n";
  const Outcome odd =
      run_gradus({"evaluate", folder / "spam", "--train", "--set", "data.path=" + (folder / "odd.tsv"), "--set", "data.test=0"});
  EXPECT_NE(odd.err.find("label \"eggs\" is no class; there are ham, spam"), std::string::npos) << odd.err << odd.out;
}

TEST(Generate, of_words_goes_on_as_the_whole_text_would_read) {
  const TemporaryFolder folder;
  std::ofstream text(folder / "text.txt");
  for (int i = 0; i < 60; ++i) text << "one two three four ";
  text.close();
  const std::vector<std::string> settings{"data.path=" + (folder / "text.txt"),
                                          "data.tokenizer=word",
                                          "data.context=4",
                                          "data.test=0.1",
                                          "train.epochs=30",
                                          "train.batch_size=16",
                                          "model.layers=[{type=\"GPT\", context=4, width=16, layers=1, heads=2}]"};
  ASSERT_EQ(train("gpt_char", folder / "run", settings).code, 0);
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--temperature", "0"}, {"--beams", "2"}}) {
    std::vector<std::string> arguments{"generate", folder / "run", "--prompt", "one two", "--tokens", "3", "--quiet"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    EXPECT_EQ(run_gradus(arguments).out, "one two three four one\n");
  }
  EXPECT_NE(run_gradus({"generate", folder / "run"}).err.find("--prompt is missing, and what it is by default, a new line, is no token"),
            std::string::npos);
  EXPECT_NE(run_gradus({"generate", folder / "run", "--prompt", "  "}).err.find("which the tokenizer makes no token of"),
            std::string::npos);
}

TEST(Recipes, of_bert_hide_the_same_tokens_each_time) {
  const TemporaryFolder folder;
  const Outcome bert = train("bert", folder / "bert", {"train.epochs=2", "data.stride=16"});
  ASSERT_EQ(bert.code, 0) << bert.err;
  const size_t at = bert.out.find("test loss: ");
  ASSERT_NE(at, std::string::npos) << bert.out;
  EXPECT_LT(std::stod(bert.out.substr(at + 11)), std::log(1000.0));
  const Outcome again = run_gradus({"evaluate", folder / "bert"});
  EXPECT_NE(again.out.find(bert.out.substr(at, bert.out.find('\n', at) - at)), std::string::npos) << again.out << again.err;
}

class Translation : public ::testing::Test {
 protected:
  // Words to words, in another order: learnt in a second.
  static void SetUpTestSuite() {
    folder = new TemporaryFolder;
    std::ofstream pairs(*folder / "pairs.tsv"), source(*folder / "source.txt"), target(*folder / "target.txt");
    const char *from[] = {"one", "two", "three", "four", "five"}, *to[] = {"eins", "zwei", "drei", "vier", "f\u00fcnf"};
    for (int i = 0; i < 5; ++i) {
      for (int j = 0; j < 5; ++j) {
        for (int again = 0; again < 6; ++again) pairs << from[i] << " " << from[j] << "\t" << to[j] << " " << to[i] << "\n";
        source << from[i] << " " << from[j] << "\n";
        target << to[j] << " " << to[i] << "\n";
      }
    }
    for (std::ofstream* file : {&pairs, &source, &target}) file->close();
    outcome = new Outcome(
        train("translation", run(),
              {"data.path=" + (*folder / "pairs.tsv"), "data.tokenizer=word", "train.epochs=60", "train.batch_size=24", "data.test=0.04",
               "model.layers=[{type=\"TranslationTransformer\", context=16, width=32, layers=1, heads=2, is_shared=true, pre_norm=true, "
               "dropout=0}]"}));
  }
  static void TearDownTestSuite() {
    delete outcome;
    delete folder;
  }
  static std::string run() { return *folder / "run"; }
  static inline TemporaryFolder* folder = nullptr;
  static inline Outcome* outcome = nullptr;
};

TEST_F(Translation, keeps_all_pairs_of_a_source_on_one_side) {
  ASSERT_EQ(outcome->code, 0) << outcome->err;
  EXPECT_NE(outcome->out.find("translation: 144 training samples"), std::string::npos) << outcome->out;  // 24 of 25 sources, 6 of each
  EXPECT_NE(outcome->out.find("test token_accuracy: "), std::string::npos) << outcome->out;
  EXPECT_NE(testing::read_text(run() + "/report.html").find("Cross attention"), std::string::npos);
}
TEST_F(Translation, translates_lines_and_says_how_well) {
  const Outcome made =
      run_gradus({"translate", run(), *folder / "source.txt", "--reference", *folder / "target.txt", "--words", "characters"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_EQ(std::count(made.out.begin(), made.out.end(), '\n'), 25);
  EXPECT_EQ(made.out.rfind("eins eins\n", 0), 0u) << made.out;
  const size_t at = made.err.find("BLEU ");
  ASSERT_NE(at, std::string::npos) << made.err;
  EXPECT_GT(std::stod(made.err.substr(at + 5)), 80) << made.err;
  const Outcome greedy = run_gradus({"translate", run(), *folder / "source.txt", "--beams", "1", "--quiet"});
  EXPECT_EQ(greedy.code, 0);
  EXPECT_EQ(greedy.out.rfind("eins eins\n", 0), 0u) << greedy.out;
  EXPECT_EQ(greedy.err, "");
}
TEST_F(Translation, translates_what_training_has_not_seen) {
  const Outcome made = run_gradus({"translate", run(), "--test"});
  ASSERT_EQ(made.code, 0) << made.err;
  std::istringstream rows(made.out);
  std::vector<std::string> cells;
  for (std::string cell; std::getline(rows, cell, '\t');) cells.push_back(cell);
  ASSERT_EQ(cells.size(), 8u) << made.out;  // one source, its translation and six right ones
  EXPECT_NE(testing::read_text(*folder / "source.txt").find(cells[0] + "\n"), std::string::npos) << cells[0];
  EXPECT_EQ(cells[7], cells[2] + "\n");
  EXPECT_NE(made.err.find("1 lines, "), std::string::npos) << made.err;
  EXPECT_NE(made.err.find("BLEU "), std::string::npos) << made.err;

  std::ofstream(*folder / "odd.tsv") << "one two\tzwei eins\none one one one one one one one one one one one one one one one\teins\n";
  const Outcome odd = run_gradus({"translate", run(), "--test", "--set", "data.path=" + (*folder / "odd.tsv"), "--set", "data.test=1"});
  EXPECT_EQ(odd.code, 0);
  EXPECT_EQ(std::count(odd.out.begin(), odd.out.end(), '\n'), 1) << odd.out;
  EXPECT_NE(odd.err.find("left out: 1 of 2 sources, which have more tokens than the model's context of 16"), std::string::npos) << odd.err;

  const auto expect = [](const Outcome& refused, const std::string& text) {
    EXPECT_NE(refused.code, 0);
    EXPECT_NE(refused.err.find(text), std::string::npos) << refused.err;
  };
  expect(run_gradus({"translate", run(), "--test", "--set", "data.test=0"}), "the recipe has no test samples");
  expect(run_gradus({"translate", run(), "--test", "--set", "data.path=nowhere.tsv"}), "nowhere.tsv");
  expect(run_gradus({"translate", run(), "--test", *folder / "source.txt"}), "LINES");
  expect(run_gradus({"translate", run(), "--set", "data.test=1"}), "--test");
  expect(run_gradus({"translate", run(), "--test", "--set", "data={source=\"waves\"}"}), "whose data are translations");
}
TEST_F(Translation, keeps_empty_lines_and_names_what_is_wrong) {
  std::ofstream(*folder / "gap.txt") << "one two\n\nfive one\n";
  const Outcome gap = run_gradus({"translate", run(), *folder / "gap.txt", "--quiet"});
  EXPECT_EQ(std::count(gap.out.begin(), gap.out.end(), '\n'), 3) << gap.err;
  EXPECT_NE(gap.out.find("\n\n"), std::string::npos);
  const auto expect = [](const Outcome& made, const std::string& text) {
    EXPECT_EQ(made.code, 1);
    EXPECT_NE(made.err.find(text), std::string::npos) << made.err;
  };
  std::ofstream long_line(*folder / "long.txt");
  long_line << "one\n";
  for (int i = 0; i < 20; ++i) long_line << "two ";
  long_line.close();
  expect(run_gradus({"translate", run(), *folder / "long.txt"}),
         "long.txt: line 2 has 21 tokens; the model takes at most 16; divide it into sentences");
  std::ofstream(*folder / "bytes.txt") << "one\na\xff";
  expect(run_gradus({"translate", run(), *folder / "bytes.txt"}), "bytes.txt:2: byte 5 (0xff)");
  expect(run_gradus({"translate", run(), *folder / "gap.txt", "--reference", *folder / "source.txt"}), "it has 25 lines");
  expect(run_gradus({"translate", run(), *folder / "gap.txt", "--words", "french"}), "--words is \"french\"");
  expect(run_gradus({"generate", run(), "--prompt", "one"}), "the model is TranslationTransformer; its texts come from gradus translate");
}
// The longest sentence of a test set is seldom that of the training set.
TEST_F(Translation, is_evaluated_on_sequences_of_any_length) {
  std::ofstream(*folder / "short.tsv") << "one\teins\ntwo\tzwei\n";
  const Outcome made = run_gradus({"evaluate", run(), "--set", "data.path=" + (*folder / "short.tsv"), "--set", "data.test=0.5"});
  EXPECT_EQ(made.code, 0) << made.err;
  EXPECT_NE(made.out.find("test samples: 1\n"), std::string::npos) << made.out;
}
TEST_F(Translation, takes_word_pieces_too) {
  const Outcome made = train("translation", *folder / "pieces",
                             {"data.path=" + (*folder / "pairs.tsv"), "data.tokenizer=word_piece", "train.epochs=1", "data.test=0.04",
                              "model.layers=[{type=\"TranslationTransformer\", context=16, width=8, layers=1, heads=2, is_shared=true}]"});
  EXPECT_EQ(made.code, 0) << made.err;
}
TEST(Translate, is_of_translators_alone) {
  const TemporaryFolder folder;
  ASSERT_EQ(train("spam", folder / "spam", {"train.epochs=1"}).code, 0);
  const Outcome made = run_gradus({"translate", folder / "spam", recipe("spam")});
  EXPECT_EQ(made.code, 1);
  EXPECT_NE(made.err.find("the model is LSTMClassifier; translations come from TranslationTransformer"), std::string::npos) << made.err;
}
TEST(Translate, test_files_come_in_pairs) {
  const TemporaryFolder folder;
  const Outcome made = train("multi30k", folder / "run", {"data.test_target_path=\"\""});
  EXPECT_EQ(made.code, 1);
  EXPECT_NE(made.err.find("data.test_target_path: is missing; sources and translations are in two files"), std::string::npos) << made.err;
}

TEST(Forecast, stands_beside_the_last_season) {
  const TemporaryFolder folder;
  const Outcome made = train("forecast", folder / "run", {"train.epochs=2"});
  ASSERT_EQ(made.code, 0) << made.err;
  EXPECT_NE(made.out.find("test seasonal-naive mean_absolute_error: 41.44"), std::string::npos) << made.out;
  EXPECT_NE(testing::read_text(folder / "run/report.html").find("The last forecast"), std::string::npos);
}

TEST(Recipes, of_texts_say_where_a_vocabulary_is_missing) {
  const TemporaryFolder folder;
  const Outcome made = train("forecast", folder / "run", {"model.layers=[{type=\"GPT\"}]"});
  EXPECT_EQ(made.code, 1);
  EXPECT_NE(made.err.find("model.layers[0].vocabulary: is missing"), std::string::npos) << made.err;
}

// A BERT in Hugging Face's form, made of random numbers.
TEST(Embed, reads_a_folder_as_hugging_face_has_it) {
  const TemporaryFolder folder;
  models::BERT bert({.vocabulary = 8, .context = 6, .width = 4, .layers = 1, .heads = 2, .hidden = 6});
  nn::build(bert, {1, 1}, int64);
  std::vector<io::NamedArray> arrays;
  for (const io::WeightSource& source : bert.weight_sources()) {
    const Array value = nn::parameter(bert, source.path).get();
    arrays.push_back({source.names[0], source.is_transposed ? transpose(value) : value});
  }
  io::save_safetensors(folder / "model.safetensors", arrays);
  std::ofstream(folder / "config.json")
      << R"({"model_type": "bert", "vocab_size": 8, "max_position_embeddings": 6, "hidden_size": 4, "num_hidden_layers": 1,
            "num_attention_heads": 2, "intermediate_size": 6, "pad_token_id": 0})";
  std::ofstream(folder / "tokenizer.json") << R"({"model": {"type": "WordLevel", "unk_token": "[UNK]",
      "vocab": {"[PAD]": 0, "[UNK]": 1, "a": 2, "b": 3, "c": 4}}, "pre_tokenizer": {"type": "Whitespace"}})";
  std::ofstream(folder / "lines.txt") << "a b\nc\n\na b c a b c a b c\n";

  const Outcome made = run_gradus({"embed", folder / "", folder / "lines.txt"});
  ASSERT_EQ(made.code, 0) << made.err;
  std::istringstream rows(made.out);
  std::vector<float> first(4);
  char comma = 0;
  rows >> first[0] >> comma >> first[1] >> comma >> first[2] >> comma >> first[3];
  EXPECT_TRUE(allclose(array(first), bert.embed(array({{2, 3}}))[0], {.relative = 1e-5, .absolute = 1e-6}));
  EXPECT_EQ(std::count(made.out.begin(), made.out.end(), '\n'), 4);

  const Outcome similar = run_gradus({"similar", folder / "", folder / "lines.txt", "c", "--top", "1"});
  EXPECT_EQ(similar.out, "1.0000  c\n") << similar.err;

  // Texts are cut where sentence-transformers cut them.
  const auto last = [](const std::string& rows) { return rows.substr(rows.rfind('\n', rows.size() - 2) + 1); };
  std::ofstream(folder / "sentence_bert_config.json") << R"({"max_seq_length": 3})";
  std::ofstream(folder / "cut.txt") << "a b c\n";
  EXPECT_EQ(last(run_gradus({"embed", folder / "", folder / "lines.txt"}).out), run_gradus({"embed", folder / "", folder / "cut.txt"}).out);
  std::ofstream(folder / "sentence_bert_config.json") << R"({"max_seq_length": 0})";
  EXPECT_NE(run_gradus({"embed", folder / "", folder / "cut.txt"}).err.find("max_seq_length is 0; it must be an integer of at least 1"),
            std::string::npos);
  std::filesystem::remove(folder / "sentence_bert_config.json");

  EXPECT_NE(run_gradus({"embed", ".", folder / "lines.txt"}).err.find("holds no model: neither model.gradus, as run folders do, nor"),
            std::string::npos);
  std::ofstream(folder / "config.json") << R"({"model_type": "t5"})";
  EXPECT_NE(run_gradus({"embed", folder / "", folder / "lines.txt"}).err.find("model_type is \"t5\""), std::string::npos);
  std::ofstream(folder / "config.json") << R"({"model_type": "bert", "vocab_size": -1})";
  EXPECT_NE(run_gradus({"embed", folder / "", folder / "lines.txt"}).err.find("vocab_size is -1"), std::string::npos);
  std::ofstream(folder / "config.json") << "{\"model_type\": ";
  EXPECT_EQ(run_gradus({"embed", folder / "", folder / "lines.txt"}).code, 1);
}

}  // namespace
}  // namespace gradus
