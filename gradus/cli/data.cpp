// gradus data: what a table holds, before anything is learnt from it.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/describe_text.hpp"
#include "gradus/cli/recipe_table.hpp"

namespace gradus::cli {

namespace {

struct DataArguments {
  std::string action{}, file{}, target{}, html{};
  std::string separator{}, encoding{}, decimal{}, comment{}, table{};
  int64_t limit = 0;
  bool has_types = false, has_no_header = false, are_ragged_padded = false;
};

// Blocks where a terminal shows UTF-8; a file or pipe gets letters.
bool shows_blocks() {
  if (!::isatty(STDOUT_FILENO)) return false;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (!value || !*value) continue;
    const std::string text = value;
    return text.find("UTF-8") != std::string::npos || text.find("utf8") != std::string::npos || text.find("UTF8") != std::string::npos;
  }
  return false;
}

data::Table read(const DataArguments& arguments) {
  data::TableOptions options;
  options.separator = arguments.separator;
  options.encoding = arguments.encoding;
  options.decimal = arguments.decimal;
  options.comment = arguments.comment;
  options.table = arguments.table;
  options.limit = arguments.limit;
  if (arguments.has_no_header) options.header = data::Header::none;
  if (arguments.are_ragged_padded) options.ragged = data::Ragged::pad;
  return data::read_table(arguments.file, options);
}

void run_data(const DataArguments& arguments) {
  if (arguments.action != "describe")
    core::fail("data", "\"", arguments.action, "\" is none of its actions", instead_of(arguments.action, {"describe"}));
  if (!arguments.html.empty() && file::is_same_file(arguments.html, arguments.file))
    core::fail_io(arguments.html, "the page would be written over the table that it is about; name another file");
  const data::Table table = read(arguments);
  if (arguments.has_types) {
    std::fputs(types_line(table).c_str(), stdout);
    return;
  }
  const std::string target = arguments.target.empty() ? "" : target_name(arguments.target, table.names(), arguments.file);
  const data::Description description = data::describe(table, {.target = target});
  const std::string name = std::filesystem::path(arguments.file).filename().string();
  const DescribeStyle style{name.empty() ? arguments.file : name, target, shows_blocks()};
  std::fputs(describe_text(description, style, table.notes).c_str(), stdout);
  if (!arguments.html.empty()) file::write_atomically(arguments.html, describe_page(description, style, table.notes));
}

}  // namespace

void add_data(CLI::App& app) {
  auto arguments = std::make_shared<DataArguments>();
  Command command(app, "data", "What a table holds: types, missing values, distributions, relations");
  command.positional("ACTION", arguments->action, "describe", Need::required);
  command.positional("FILE", arguments->file, "CSV and the like, JSON lines, an SQLite database, a folder of images", Need::required);
  command.option("--target", "COLUMN", arguments->target,
                 "Show how each column goes together with this one: a name, or a place from 1; -1 is the last");
  command.option("--html", "PAGE", arguments->html, "Write a page with pictures too");
  command.flag("--types", arguments->has_types, "Print only the line of a recipe that says what the columns are, to be edited");
  command.option("--limit", {1, int64_t{1} << 40}, arguments->limit, "Only the first N rows");
  command.option("--separator", "TEXT", arguments->separator, "One character, tab or blank (default: found out)");
  command.option("--encoding", "NAME", arguments->encoding, "utf-8, utf-16, gb18030, latin1 ... (default: found out)");
  command.option("--decimal", "MARK", arguments->decimal, "The mark in numbers, . or , (default: found out)");
  command.option("--comment", "MARK", arguments->comment, "A character with which lines begin that are left out");
  command.option("--table", "NAME", arguments->table, "Of a database (default: its only one)");
  command.flag("--no-header", arguments->has_no_header, "The first line holds no names");
  command.flag("--pad", arguments->are_ragged_padded, "Fill short lines up with missing values; longer ones are left out");
  command.footer(R"(
Of numbers: minimum | lower quartile | median | upper quartile | maximum, and a histogram. Relations: Pearson's r and Spearman's for numbers,
Cramer's V for categories, the correlation ratio between both.

  gradus data describe adult.csv --target income --html adult.html)");
  command.runs([arguments] { run_data(*arguments); });
}

}  // namespace gradus::cli
