// gradus translate: lines of one language to lines of another.
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/base/text.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/text_model.hpp"
#include "gradus/models/translation.hpp"
#include "gradus/metrics/bleu.hpp"
#include "gradus/train/interrupt.hpp"

namespace gradus::cli {

namespace {

struct TranslateArguments {
  std::string what{}, lines = "-", references{}, words = "13a";
  std::vector<std::string> assignments{};
  train::GenerateOptions options{.max_tokens = 100, .beams = 4};
  bool of_test = false, is_quiet = false;
};

const models::TranslationTransformer& translator_of(const TranslateArguments& arguments, const nn::Model& model) {
  const nn::Layer& layer = sole_layer(model);
  const auto* translator = layer.as<models::TranslationTransformer>();
  if (!translator) fail_io(arguments.what, "the model is ", layer.type(), "; translations come from TranslationTransformer");
  return *translator;
}

metrics::BleuWords words_of(const std::string& said) {
  if (said == "13a") return metrics::BleuWords::v13a;
  if (said == "zh") return metrics::BleuWords::zh;
  if (said == "characters") return metrics::BleuWords::characters;
  fail("translate", "--words is \"", core::printable(said), "\"; it must be 13a, zh or characters");
}

// With the token that ends it; nothing for a line without any.
std::vector<int64_t> source_tokens(const data::Tokenizer& tokenizer, const std::string& line) {
  std::vector<int64_t> source = tokenizer.encode(line, {.special_tokens = false});
  if (!source.empty()) source.push_back(tokenizer.id("</s>"));
  return source;
}

std::string translated(const models::TranslationTransformer& model, const data::Tokenizer& tokenizer, const std::string& line,
                       const train::GenerateOptions& options) {
  const std::vector<int64_t> source = source_tokens(tokenizer, line);
  if (source.empty()) return "";
  const int64_t begin = tokenizer.id("<s>"), end = tokenizer.id("</s>");
  const train::Generated made = models::translate(model, source, begin, end, options);
  if (made.end == train::GenerationEnd::interrupted) throw Error(Error::Kind::interrupted, "translate", "stopped");
  return tokenizer.decode(made.tokens);
}

// What is to be translated, and right translations of each line where there are any.
struct Lines {
  std::vector<std::string> sources{};
  std::vector<std::vector<std::string>> references{};
};

Lines read_files(const TranslateArguments& arguments, const TextModel& text, int64_t context) {
  Lines lines{.sources = read_lines(arguments.lines)};
  for (size_t i = 0; i < lines.sources.size(); ++i) {  // before an hour's work
    const auto tokens = std::ssize(source_tokens(text.tokenizer, lines.sources[i]));
    if (tokens <= context) continue;
    fail_io(arguments.lines == "-" ? "standard input" : arguments.lines, "line ", i + 1, " has ", tokens,
            " tokens; the model takes at most ", context, "; divide it into sentences");
  }
  if (arguments.references.empty()) return lines;
  for (std::string& reference : read_lines(arguments.references)) lines.references.push_back({std::move(reference)});
  if (lines.references.size() != lines.sources.size()) {
    fail_io(arguments.references, "it has ", lines.references.size(), " lines, ", arguments.lines, " has ", lines.sources.size(),
            "; there must be a reference for each");
  }
  return lines;
}

// The test samples of the model's own recipe: each source once, with all its translations. Sources that the model cannot take are left out.
Lines read_test_samples(const TranslateArguments& arguments, const TextModel& text, int64_t context) {
  const Recipe recipe = read_recipe_of(text.model.info, arguments.what, arguments.assignments);
  if (!recipe.data.test_pairs) fail(arguments.what, "--test needs a recipe whose data are translations");
  Lines lines;
  size_t too_long = 0;
  std::map<std::string, std::optional<size_t>> numbers;
  for (auto& [source, target] : recipe.data.test_pairs()) {
    const auto [at, is_new] = numbers.emplace(source, std::nullopt);
    if (is_new && std::ssize(source_tokens(text.tokenizer, source)) > context) ++too_long;
    else if (is_new) {
      at->second = lines.sources.size();
      lines.sources.push_back(std::move(source));
      lines.references.emplace_back();
    }
    if (at->second) lines.references[*at->second].push_back(std::move(target));
  }
  if (lines.sources.empty()) fail(arguments.what, "the recipe has no test samples", too_long ? " that are short enough for the model" : "");
  if (too_long > 0) {
    std::fprintf(stderr, "left out: %zu of %zu sources, which have more tokens than the model's context of %lld\n", too_long,
                 numbers.size(), static_cast<long long>(context));
  }
  return lines;
}

void run_translate(const TranslateArguments& arguments) {
  const metrics::BleuWords words = words_of(arguments.words);
  const TextModel text = load_text_model(arguments.what);
  const models::TranslationTransformer& model = translator_of(arguments, text.model);
  const auto [lines, references] =
      arguments.of_test ? read_test_samples(arguments, text, model.options.context) : read_files(arguments, text, model.options.context);
  std::vector<std::string> made;
  train::GenerateOptions options = arguments.options;
  options.interrupts = true;
  options.sampling.temperature = 0;  // one beam: the likeliest token each time
  const train::InterruptScope interrupts;
  const auto start = std::chrono::steady_clock::now();
  for (size_t i = 0; i < lines.size(); ++i) {
    try {
      made.push_back(translated(model, text.tokenizer, lines[i], options));
    } catch (const Error& error) {
      if (error.kind() == Error::Kind::interrupted) throw;
      fail("translate", "line ", i + 1, ": ", error.place(), ": ", error.problem());
    }
    std::string row = made.back();
    if (arguments.of_test) row = lines[i] + "\t" + row + "\t" + core::join(references[i], "\t");
    std::puts(row.c_str());
    std::fflush(stdout);
    if (std::ferror(stdout)) return;  // which is said at the end
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!arguments.is_quiet) std::fprintf(stderr, "%zu lines, %.1f a second\n", made.size(), static_cast<double>(made.size()) / seconds);
  if (!references.empty()) std::fprintf(stderr, "BLEU %.2f\n", metrics::bleu(made, references, {.words = words}).score);
}

}  // namespace

void add_translate(CLI::App& app) {
  auto arguments = std::make_shared<TranslateArguments>();
  Command command(app, "translate", "Translations of lines by a TranslationTransformer");
  command.positional("MODEL", arguments->what, "Run folder or model file", Need::required);
  command.positional("LINES", arguments->lines, "File of texts, one a line (default: standard input)");
  command.option("--beams", {1, 1000}, arguments->options.beams,
                 "Translations that the search keeps at a time; 1: the likeliest token each time (default: 4)");
  command.option("--length-penalty", arguments->options.length_penalty, "Above 1 longer translations, below shorter ones (default: 1)");
  command.option("--tokens", {1, int64_t{1} << 32}, arguments->options.max_tokens, "Tokens of a translation at most (default: 100)");
  command.option("--reference", "FILE", arguments->references, "Right translations, one a line: their BLEU is said at the end");
  command.flag("--test", arguments->of_test,
               "The test samples of the model's recipe: source, translation, right ones, and BLEU at the end");
  command.option("--set", "KEY=VALUE", arguments->assignments, "With --test: change a key of the recipe, for example data.path=FILE");
  command.option("--words", "KIND", arguments->words, "What BLEU counts: 13a, zh or characters (default: 13a)");
  command.flag("--quiet", arguments->is_quiet, "Do not print the rate");
  command.footer(R"(
The lines go to standard output, rate and BLEU to standard error. Ctrl-C ends it.
  gradus translate runs/translation-TIME < english.txt > german.txt
  gradus translate runs/translation-TIME test.en --reference test.de > german.txt
  gradus translate runs/english_chinese-TIME --test --words zh > test.tsv)");
  command.excludes("--test", {"LINES", "--reference"});
  command.needs("--set", "--test");
  command.runs([arguments] { run_translate(*arguments); });
}

}  // namespace gradus::cli
