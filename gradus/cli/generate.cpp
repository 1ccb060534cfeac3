// gradus generate: text from a language model, token by token.
#include "gradus/train/generate.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/text_model.hpp"
#include "gradus/models/translation.hpp"

namespace gradus::cli {

namespace {

struct GenerateArguments {
  std::string what{};
  std::optional<std::string> prompt{};
  std::vector<std::string> stops{};
  train::GenerateOptions options{};
  int64_t seed = 0;
  bool has_no_cache = false, is_quiet = false;
};

// A model that never saw a character takes it as any other unknown one: better said than guessed at.
void say_what_is_unknown(const data::Tokenizer& tokenizer, const std::vector<int64_t>& prompt) {
  const std::optional<int64_t> unknown = tokenizer.unknown();
  const auto count = unknown ? std::count(prompt.begin(), prompt.end(), *unknown) : 0;
  if (count == 0) return;
  std::fprintf(stderr, "the model does not know %lld of the %zu tokens of the prompt; they count as %s\n", static_cast<long long>(count),
               prompt.size(), core::printable(tokenizer.token(*unknown)).c_str());
}

std::vector<int64_t> prompt_tokens(const GenerateArguments& arguments, const data::Tokenizer& tokenizer) {
  std::vector<int64_t> tokens = tokenizer.encode(arguments.prompt.value_or("\n"), {.special_tokens = false});
  if (!tokens.empty()) return tokens;
  if (!arguments.prompt)
    fail("generate", "--prompt is missing, and what it is by default, a new line, is no token of the model's tokenizer");
  fail("generate", "--prompt is \"", core::printable(*arguments.prompt),
       "\", which the tokenizer makes no token of; it must have one at least");
}

// The text after the prompt: of a token it depends on those before it, whether a space begins it for one.
class Continuation {
 public:
  Continuation(const data::Tokenizer& tokenizer, const std::vector<int64_t>& prompt)
      : tokenizer_(tokenizer), prompt_(prompt), stream_(tokenizer), owed_(tokenizer.decode(prompt).size()) {
    for (const int64_t token : prompt) new_part(stream_.push(token));
  }
  std::string push(int64_t token) { return new_part(stream_.push(token)); }
  std::string finish() { return new_part(stream_.finish()); }
  std::string of(const std::vector<int64_t>& tokens) const {
    std::vector<int64_t> all = prompt_;
    all.insert(all.end(), tokens.begin(), tokens.end());
    const std::string before = tokenizer_.decode(prompt_), whole = tokenizer_.decode(all);
    return whole.starts_with(before) ? whole.substr(before.size()) : tokenizer_.decode(tokens);
  }

 private:
  std::string new_part(const std::string& part) {
    const size_t old = std::min(owed_, part.size());
    owed_ -= old;
    return part.substr(old);
  }
  const data::Tokenizer& tokenizer_;
  const std::vector<int64_t>& prompt_;
  data::TokenStream stream_;
  size_t owed_;  // bytes of the prompt that the stream has not given back
};

void run_generate(const GenerateArguments& arguments) {
  const TextModel text = load_text_model(arguments.what);
  if (sole_layer(text.model).as<models::TranslationTransformer>()) {
    fail_io(arguments.what, "the model is TranslationTransformer; its texts come from gradus translate");
  }
  train::GenerateOptions options = arguments.options;
  options.seed = static_cast<uint64_t>(arguments.seed);
  options.use_cache = !arguments.has_no_cache;
  options.interrupts = true;
  for (const std::string& stop : arguments.stops) options.stop_tokens.push_back(text.tokenizer.id(stop));
  const std::vector<int64_t> prompt = prompt_tokens(arguments, text.tokenizer);
  if (!arguments.is_quiet) say_what_is_unknown(text.tokenizer, prompt);

  Continuation continuation(text.tokenizer, prompt);
  // The prompt comes with what follows it: not before the model has taken it.
  auto print = [head = arguments.prompt.value_or("")](const std::string& part) mutable {
    const std::string all = std::exchange(head, "") + part;
    std::fwrite(all.data(), 1, all.size(), stdout);
    std::fflush(stdout);
  };
  if (options.beams == 1) {
    options.on_token = [&](int64_t token) {
      print(continuation.push(token));
      return std::ferror(stdout) == 0;
    };
  }
  const auto start = std::chrono::steady_clock::now();
  const train::Generated made = train::generate(text.model, prompt, options);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  print((options.beams == 1 ? continuation.finish() : continuation.of(made.tokens)) + "\n");
  const auto count = static_cast<double>(made.tokens.size());
  if (!arguments.is_quiet && count > 0) {
    std::fprintf(stderr, "%.0f tokens, %.0f a second, %.2f nats a token\n", count, count / seconds, -made.log_probability / count);
  }
  if (made.end == train::GenerationEnd::interrupted) throw Error(Error::Kind::interrupted, "generate", "stopped");
}

}  // namespace

void add_generate(CLI::App& app) {
  auto arguments = std::make_shared<GenerateArguments>();
  train::GenerateOptions& options = arguments->options;
  options.max_tokens = 200;
  Command command(app, "generate", "Text from a language model, token by token");
  command.positional("MODEL", arguments->what, "Run folder, model file, or folder with config.json", Need::required);
  command.option("--prompt", "TEXT", arguments->prompt, "What the text begins with (default: a new line)");
  command.option("--tokens", {0, int64_t{1} << 32}, options.max_tokens, "Tokens to make (default: 200)");
  command.option("--temperature", options.sampling.temperature, "Below 1 bolder, 0 always the likeliest token (default: 1)");
  command.option("--top-k", {0, int64_t{1} << 32}, options.sampling.top_k, "Only the so many likeliest tokens (default: all)");
  command.option("--top-p", options.sampling.top_p, "Only the likeliest tokens that together have this probability (default: 1)");
  command.option("--min-p", options.sampling.min_p, "Only tokens with this share of the likeliest one's (default: 0)");
  command.option("--repetition-penalty", options.sampling.repetition_penalty, "Above 1: what has come is less likely (default: 1)");
  command.option("--beams", {1, 1000}, options.beams, "The likeliest text that a search with so many finds (default: 1, drawn)");
  command.option("--stop", "TOKEN", arguments->stops, "A token that ends the text; may be given more than once");
  command.option("--seed", {0, INT64_MAX}, arguments->seed, "Of the draws (default: 0)");
  command.flag("--no-cache", arguments->has_no_cache, "Compute the whole text anew for each token: for models with convolutions over time");
  command.flag("--quiet", arguments->is_quiet, "Print the text alone");
  command.footer(R"(
The text goes to standard output, its rate to standard error. Ctrl-C ends it.
  gradus generate runs/gpt-TIME --prompt "To be" --temperature 0.8 --top-k 40)");
  command.runs([arguments] { run_generate(*arguments); });
}

}  // namespace gradus::cli
