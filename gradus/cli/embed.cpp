// gradus embed: vectors of texts. gradus similar: the lines of a file that say most nearly what a text says.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/text_model.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::cli {

namespace {

struct EmbedArguments {
  std::string what{}, lines = "-";
};

void run_embed(const EmbedArguments& arguments) {
  const TextModel text = load_text_model(arguments.what);
  const Array vectors = embed_texts(text, read_lines(arguments.lines));
  const std::vector<float> numbers = vectors.to_vector<float>();
  const auto width = static_cast<size_t>(vectors.shape(1));
  for (size_t i = 0; i < numbers.size(); ++i) std::printf("%.8g%s", static_cast<double>(numbers[i]), (i + 1) % width ? "," : "\n");
}

struct SimilarArguments {
  std::string what{}, lines{}, query{};
  int64_t count = 5;
};

void run_similar(const SimilarArguments& arguments) {
  const TextModel text = load_text_model(arguments.what);
  std::vector<std::string> lines = read_lines(arguments.lines);
  std::erase_if(lines, [](const std::string& line) { return line.find_first_not_of(" \t") == std::string::npos; });
  if (lines.empty()) fail(arguments.lines, "it has no lines of text; there must be one at least");
  const Array vectors = embed_texts(text, lines), query = embed_texts(text, {arguments.query});
  const std::vector<float> scores = matmul(vectors, transpose(query)).to_vector<float>();
  std::vector<size_t> order(lines.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  order.resize(std::min(order.size(), static_cast<size_t>(arguments.count)));
  for (const size_t line : order) std::printf("%.4f  %s\n", static_cast<double>(scores[line]), core::printable(lines[line]).c_str());
}

}  // namespace

void add_embed(CLI::App& app) {
  auto arguments = std::make_shared<EmbedArguments>();
  Command command(app, "embed", "Vectors of texts, one a line, as numbers separated by commas");
  command.positional("MODEL", arguments->what, "Model file of a BERT, or a folder with config.json, model.safetensors, tokenizer.json",
                     Need::required);
  command.positional("LINES", arguments->lines, "File of texts, one a line (default: standard input)");
  command.footer(R"(
  gradus embed all-MiniLM-L6-v2 < lines.txt > vectors.csv)");
  command.runs([arguments] { run_embed(*arguments); });
}

void add_similar(CLI::App& app) {
  auto arguments = std::make_shared<SimilarArguments>();
  Command command(app, "similar", "The lines that say most nearly what a text says, with the cosine of their vectors");
  command.positional("MODEL", arguments->what, "As of gradus embed", Need::required);
  command.positional("LINES", arguments->lines, "File of texts, one a line; - for standard input", Need::required);
  command.positional("QUERY", arguments->query, "The text that they are compared with", Need::required);
  command.option("--top", {1, int64_t{1} << 31}, arguments->count, "Lines to print (default: 5)");
  command.footer(R"(
  gradus similar all-MiniLM-L6-v2 lines.txt "a man rides a horse")");
  command.runs([arguments] { run_similar(*arguments); });
}

}  // namespace gradus::cli
