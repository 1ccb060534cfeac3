// What the examples of headers and pages take as given.
#pragma once

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "gradus/gradus.hpp"
#include "gradus/io/png.hpp"

using namespace gradus;

inline int failures = 0;
inline std::string here_now;

// Where the example stands that is being run.
struct Here {
  explicit Here(const char* place) { here_now = place; }
};

template <class T>
void use(const T& value) {
  if constexpr (std::convertible_to<const T&, Array>) evaluate({Array(value)});
}
// The value of an example beside what its comment says: a shape in parentheses, or the value as it is printed, with commas.
template <class T>
void gives(const T& value, std::string said) {
  if (said[0] == '[') std::erase(said, ',');
  std::ostringstream text;
  if constexpr (std::same_as<T, Array>) {
    if (said[0] == '(') text << to_text(value.shape());
    else text << value;
  } else {
    text << value;
  }
  if (text.str() == said) return;
  std::printf("%s: the comment says %s, the example gives %s\n", here_now.c_str(), said.c_str(), text.str().c_str());
  ++failures;
}
inline int finish(int count) {
  std::printf("%d examples, %d wrong\n", count, failures);
  return failures > 0 || count < 15 ? 1 : 0;
}

inline Array x = random::uniform({4, 8, 8, 3}), y = random::uniform({4, 10}), images = random::uniform({4, 28, 28, 1});
inline Array a = random::uniform({3, 3}), b = random::uniform({3, 3}), q = random::uniform({2, 2, 5, 4}), k = random::uniform({2, 2, 5, 4});
inline Array weight = ones({3}), bias = zeros({3}), logits = random::uniform({4, 10}), labels = array({1, 2, 3, 4});
struct Model {
  nn::Dense encoder{10};
  nn::LayerNorm norm;
  Array forward(const Array& input) const { return norm(encoder(reshape(input, {input.shape(0), -1}))); }
  GRADUS_PARTS(encoder, norm)
};
inline Model model;
inline auto objective = [](const auto& m, const Array& inputs, const Array& targets) { return mean(square(m(inputs) - targets)); };
inline optim::Adam optimizer(1e-3);
inline data::Batch batch{x, y};
inline data::Dataset set(x, y);
inline auto block = [](const Array& input) { return tanh(input); };
inline data::Dataset train_set(x, labels), test_set(x, labels);
inline nn::Parameter kernel;
inline constexpr int64_t units = 4;
inline Array xs = arange(5, float32), nll = full({}, 1.0f), kl = full({}, 0.5f);
inline nn::Model loaded(nn::Layer(nn::Dense(10)), {});
inline Array bytes = random::uniform({4, 3});
// Of texts.
inline std::vector<std::string> texts{"hello world", "a world of texts"}, translations{"he goes home"}, references{"he goes home"};
inline std::vector<std::pair<std::string, std::string>> pairs{{"hello", "world"}, {"a world", "of texts"}};
inline data::Tokenizer tokenizer =
    data::train_tokenizer(data::TokenizerKind::byte_pair, texts, {.vocabulary_size = 300}).with_special_tokens({"<s>", "</s>", "<pad>"});
inline std::vector<int64_t> ids = tokenizer.encode("hello");
inline models::GPT gpt({.vocabulary = 400, .context = 64, .width = 16, .layers = 1, .heads = 2});
inline Array v = random::uniform({2, 2, 5, 4}), cache_k = random::uniform({2, 2, 9, 4}), cache_v = random::uniform({2, 2, 9, 4}), steps = array(3);
inline const bool has_texts = [] {
  nn::build(gpt, {1, 4}, int64);
  data::save_tokenizer(tokenizer, "tokenizer.json");
  std::ofstream("cmn.txt") << "Hi.\t嗨。\n";
  return true;
}();
// A folder as Hugging Face has it.
inline const bool has_bert = [] {
  const models::BERT bert({.vocabulary = 8, .context = 6, .width = 4, .layers = 1, .heads = 2});
  nn::build(bert, {1, 1}, int64);
  std::vector<io::NamedArray> arrays;
  for (const io::WeightSource& source : bert.weight_sources()) {
    const Array value = nn::parameter(bert, source.path).get();
    arrays.push_back({source.names[0], source.is_transposed ? transpose(value) : value});
  }
  std::filesystem::create_directory("bert");
  io::save_safetensors("bert/model.safetensors", arrays);
  std::ofstream("bert/config.json") << R"({"model_type": "bert", "vocab_size": 8, "max_position_embeddings": 6, "hidden_size": 4,
      "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "pad_token_id": 0})";
  return true;
}();
inline const bool has_old = [] {
  model(x).eval();
  io::save(model, "old.gradus");
  return true;
}();
// Of tables.
inline const bool has_rides = std::filesystem::copy_file(GRADUS_SOURCE_DIR "/examples/data/rides.csv", "rides.csv");
inline const data::Table table = [] {
  std::ofstream("people.csv") << "age,job,income,since,happy\n20,clerk,1000,2020-01-05,yes\n31,smith,,2019-03-01,no\n,clerk,1500,2021-07-30,yes\n"
                                 "50,baker,2200,2018-11-11,no\n44,clerk,1800,2020-02-29,yes\n61,smith,900,2022-05-05,no\n";
  return data::read_table("people.csv");
}();
inline const data::Table new_rows = table.without({"happy"}).rows(0, 2);
inline const bool has_people = [] {
  preprocess::Pipeline pipeline{preprocess::DateParts(), preprocess::Impute(), preprocess::Standardise(), preprocess::OneHot()};
  const data::Dataset people = pipeline.fit(table, "happy");
  nn::Sequential net{nn::Dense(2)};
  net(people.x).eval();
  io::save(net, "people.gradus", people);
  return true;
}();
// Of knowledge.
inline const data::KnowledgeGraph graph = data::graph_of("ann\tparent_of\tbob\nbob\tparent_of\tcid\nann\tgrandparent_of\tcid\n", "",
                                                         "bob\tparent_of\tdan\n");
inline const models::GraphEmbedding answers = models::ComplEx(graph, 8);
inline const train::Rules rules({{"c0 -> not c1"}}, {.outputs = {"c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7", "c8", "c9"}, .kind = train::RuleOutputs::labels});
inline const bool has_family = [] {
  std::filesystem::create_directory("family");
  std::ofstream("family/train.txt") << "ann\tparent_of\tbob\nbob\tparent_of\tcid\nann\tgrandparent_of\tcid\n";
  std::ofstream("family/test.txt") << "bob\tparent_of\tdan\n";
  return true;
}();
// Of a private run.
inline train::History history = [] {
  train::History done;
  done.privacy.emplace();
  return done;
}();
// Of tables and images.
inline const bool has_tables = [] {
  std::ofstream("members.csv") << "name,age,city,size,joined,zip\nAnn,31,Kiel,S,2023-04-01,00501\nBo,?,Ulm,L,2023-05-17,98765\n"
                                 "Cy,47,Kiel,M,2024-01-09,00501\nDi,28,Bonn,S,2024-02-29,10115\n";
  const std::vector<uint8_t> pixels(32 * 32 * 3, 128);
  std::ofstream("photo.png", std::ios::binary) << io::encode_png(pixels, 32, 32, 3);
  for (const char* name : {"animals", "animals/cat", "animals/dog"}) std::filesystem::create_directory(name);
  for (const char* name : {"animals/cat/1.png", "animals/dog/1.png"})
    std::ofstream(name, std::ios::binary) << io::encode_png(pixels, 32, 32, 3);
  return true;
}();
