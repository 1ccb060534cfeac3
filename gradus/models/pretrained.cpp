// Reading config.json, and the model that it describes.
#include "gradus/models/pretrained.hpp"

#include <sys/stat.h>

#include <cstdint>
#include <optional>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/json.hpp"
#include "gradus/data/text/tokenizer_file.hpp"
#include "gradus/models/bert.hpp"
#include "gradus/models/gpt.hpp"
#include "gradus/nn/module.hpp"

namespace gradus::models {

using namespace core;

namespace {

bool has_file(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

// What config.json says, checked as it is read.
class Config {
 public:
  explicit Config(const std::string& path) : path_(path) {
    const std::string text = file::read_all(path, int64_t{1} << 24);
    data_ = read_json(text, [&](std::string_view problem, int64_t byte) { fail_with(concat("byte ", byte, ": ", problem)); });
    if (!data_.get_if<Datum::Table>()) fail_with("it is no table of sizes");
  }

  // `otherwise` where it is null or lacks; without that it must be there.
  int64_t count(std::string_view key, std::optional<int64_t> otherwise = {}) const {
    const Datum* value = data_.find(key);
    if ((!value || !value->exists()) && otherwise) return *otherwise;
    if (!value) fail_with(concat("it lacks ", key));
    const int64_t* number = value->get_if<int64_t>();
    constexpr int64_t most = int64_t{1} << 31;
    if (!number || *number < 0 || *number > most) fail_with(concat(key, " is ", *value, "; it must be an integer from 0 to ", most));
    return *number;
  }
  double number(std::string_view key, double otherwise) const {
    const Datum* value = data_.find(key);
    if (!value) return otherwise;
    if (!value->is_number()) fail_with(concat(key, " is ", *value, "; it must be a number"));
    return value->number();
  }
  std::string text(std::string_view key, std::string_view otherwise) const {
    const Datum* value = data_.find(key);
    const std::string* found = value ? value->get_if<std::string>() : nullptr;
    return found ? *found : std::string(otherwise);
  }
  bool flag(std::string_view key, bool otherwise) const {
    const Datum* value = data_.find(key);
    if (!value || !value->exists()) return otherwise;
    const bool* said = value->get_if<bool>();
    if (!said) fail_with(concat(key, " is ", *value, "; it must be true or false"));
    return *said;
  }
  bool is_null(std::string_view key) const {
    const Datum* value = data_.find(key);
    return value && !value->exists();
  }
  // Of options that the models here have in one form only.
  void expect(std::string_view key, bool taken) const {
    if (flag(key, taken) != taken) fail_with(concat(key, " is ", !taken, "; it must be ", taken));
  }
  void expect(std::string_view key, std::string_view otherwise, std::initializer_list<std::string_view> taken) const {
    const std::string said = text(key, otherwise);
    for (const std::string_view one : taken) {
      if (said == one) return;
    }
    fail_with(concat(key, " is \"", said, "\"; it must be \"", *taken.begin(), "\""));
  }
  [[noreturn]] void fail_with(const std::string& problem) const { throw Error(Error::Kind::io, path_, problem); }

 private:
  std::string path_;
  Datum data_;
};

template <class M>
nn::Model filled(M model, const std::string& folder, io::LoadReport* report) {
  nn::build(model, {1, 1}, int64);
  io::LoadReport found = io::load_pretrained(model, folder + "/model.safetensors");
  if (report) *report = std::move(found);
  nn::ModelInfo info{.name = folder, .input_dtype = int64};
  if (has_file(folder + "/tokenizer.json")) info.tokenizer = data::load_tokenizer(folder + "/tokenizer.json").to_datum();
  return nn::Model(nn::Layer(std::move(model)), std::move(info));
}

nn::Model load_bert(const Config& config, const std::string& folder, io::LoadReport* report) {
  config.expect("hidden_act", "gelu", {"gelu"});
  config.expect("position_embedding_type", "absolute", {"absolute"});
  config.expect("is_decoder", false);
  return filled(BERT({.vocabulary = config.count("vocab_size"),
                      .context = config.count("max_position_embeddings"),
                      .width = config.count("hidden_size"),
                      .layers = config.count("num_hidden_layers"),
                      .heads = config.count("num_attention_heads"),
                      .hidden = config.count("intermediate_size"),
                      .types = config.count("type_vocab_size", 2),
                      .padding = config.is_null("pad_token_id") ? -1 : config.count("pad_token_id", 0),
                      .epsilon = config.number("layer_norm_eps", 1e-12)}),
                folder, report);
}

nn::Model load_gpt(const Config& config, const std::string& folder, io::LoadReport* report) {
  config.expect("activation_function", "gelu_new", {"gelu_new", "gelu_pytorch_tanh"});
  config.expect("scale_attn_weights", true);
  config.expect("scale_attn_by_inverse_layer_idx", false);
  config.expect("add_cross_attention", false);
  const int64_t width = config.count("n_embd"), inner = config.count("n_inner", 4 * width);
  if (inner != 4 * width) config.fail_with(concat("n_inner is ", inner, "; it must be 4 n_embd, ", 4 * width));
  return filled(GPT({.vocabulary = config.count("vocab_size"),
                     .context = config.count("n_positions"),
                     .width = width,
                     .layers = config.count("n_layer"),
                     .heads = config.count("n_head"),
                     .tied = config.flag("tie_word_embeddings", true),
                     .epsilon = config.number("layer_norm_epsilon", 1e-5)}),
                folder, report);
}

}  // namespace

bool is_pretrained_folder(const std::string& folder) {
  return has_file(folder + "/config.json") && has_file(folder + "/model.safetensors");
}

nn::Model load_folder(const std::string& folder, io::LoadReport* report) {
  const Config config(folder + "/config.json");
  const std::string type = config.text("model_type", "");
  if (type == "bert") return load_bert(config, folder, report);
  if (type == "gpt2") return load_gpt(config, folder, report);
  config.fail_with(concat("model_type is \"", type, "\"; it must be \"bert\" or \"gpt2\""));
}

}  // namespace gradus::models
