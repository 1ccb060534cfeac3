// Loading of models that take text, and their vectors.
#include "gradus/cli/text_model.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/data/text/text_files.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/io/datum_json.hpp"
#include "gradus/models/bert.hpp"
#include "gradus/models/pretrained.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::cli {

using namespace core;

namespace {

// As sentence-transformers cut texts; 0 where nothing is said.
int64_t most_tokens_of(const std::string& path) {
  if (!file::exists(path)) return 0;
  const Datum said = io::datum_of_json(file::read_all(path, int64_t{1} << 20), path, "max_seq_length");
  const Datum* most = said.find("max_seq_length");
  if (!most || !most->exists()) return 0;
  const int64_t* number = most->get_if<int64_t>();
  if (!number || *number < 1) fail_io(path, "max_seq_length is ", *most, "; it must be an integer of at least 1");
  return *number;
}

}  // namespace

TextModel load_text_model(const std::string& what) {
  const bool is_pretrained = models::is_pretrained_folder(what);
  if (!is_pretrained && file::is_folder(what) && !file::exists(model_path(what))) {
    fail_io(what, "holds no model: neither model.gradus, as run folders do, nor config.json and model.safetensors, as Hugging Face's do");
  }
  TextModel text{is_pretrained ? models::load_folder(what) : load_model(what)};
  if (!text.model.info.tokenizer.exists()) fail_io(what, "the model has no tokenizer; it takes numbers, not text");
  text.tokenizer = tokenizer_in(text.model.info, what);
  if (is_pretrained) text.most_tokens = most_tokens_of(what + "/sentence_bert_config.json");
  return text;
}

namespace {

std::string read_standard_input() {
  std::string all, part(1 << 16, '\0');
  for (size_t got = 1; got > 0;) {
    got = std::fread(part.data(), 1, part.size(), stdin);
    all.append(part, 0, got);
    if (all.size() > size_t{1} << 30) fail_io("standard input", "it has more than 1 GiB");
  }
  return all;
}

}  // namespace

std::vector<std::string> read_lines(const std::string& path) {
  if (path != "-") return data::read_lines(path, true);
  return data::split_lines("standard input", read_standard_input(), true);
}

Array embed_texts(const TextModel& text, const std::vector<std::string>& texts) {
  const nn::Layer& layer = sole_layer(text.model);
  const auto* masked = layer.as<models::MaskedLanguageModel>();
  const auto* bert = masked ? &masked->bert : layer.as<models::BERT>();
  if (!bert) fail("embed", "the model is ", layer.type(), "; vectors of texts come from BERT");
  const int64_t most = text.most_tokens ? std::min(text.most_tokens, bert->options.context) : bert->options.context;
  const nn::TrainingMode inference(false);
  std::vector<std::vector<int64_t>> rows;
  for (size_t i = 0; i < texts.size(); ++i) {
    try {
      rows.push_back(text.tokenizer.encode(texts[i], {.most = most}));
    } catch (const Error& error) {
      fail("embed", "line ", i + 1, ": ", error.what());
    }
  }
  std::vector<int64_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  const auto length = [&](int64_t row) { return rows[static_cast<size_t>(row)].size(); };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return length(a) < length(b); });

  constexpr size_t batch = 32;
  std::vector<Array> parts;
  for (size_t begin = 0, next = 0; begin < order.size(); begin = next) {
    size_t end = std::min(order.size(), begin + batch);
    if (bert->options.padding < 0) {  // then only texts of one length go together
      while (length(order[end - 1]) != length(order[begin])) --end;
    }
    next = end;
    const size_t longest = std::max<size_t>(1, length(order[end - 1]));
    std::vector<int64_t> ids;
    for (size_t i = begin; i < end; ++i) {
      const std::vector<int64_t>& row = rows[static_cast<size_t>(order[i])];
      ids.insert(ids.end(), row.begin(), row.end());
      ids.insert(ids.end(), longest - row.size(), std::max<int64_t>(0, bert->options.padding));
    }
    parts.push_back(Array(bert->embed(array(ids, {end - begin, longest}))).eval());
  }
  if (parts.empty()) return zeros({0, bert->options.width});
  std::vector<int64_t> place(order.size());
  for (size_t i = 0; i < order.size(); ++i) place[static_cast<size_t>(order[i])] = static_cast<int64_t>(i);
  return take(concatenate(parts, 0), array(place), 0).eval();
}

}  // namespace gradus::cli
