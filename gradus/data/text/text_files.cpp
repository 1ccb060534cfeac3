// Reading is checked as a whole; then lines are cut.
#include "gradus/data/text/text_files.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/json.hpp"
#include "gradus/data/text/spec_internal.hpp"
#include "gradus/data/text/unicode.hpp"

namespace gradus::data {

using namespace core;

namespace {

std::string without_mark(const std::string& name, std::string text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  check_utf8_file(name, text);
  if (text.starts_with(mark)) text.erase(0, mark.size());
  return text;
}
std::string read_whole(const std::string& path) { return without_mark(path, file::read_all(path)); }

bool is_blank(std::string_view line) {
  for (size_t at = 0; at < line.size();) {
    if (!is_space(next_code_point(line, at))) return false;
  }
  return true;
}

struct Line {
  std::string_view text;
  int64_t number;
};
std::vector<Line> lines_of(std::string_view text) {
  std::vector<Line> out;
  int64_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    out.push_back({line, number});
    at = end + 1;
  }
  return out;
}

[[noreturn]] void fail_empty(const std::string& path) { fail_io(path, "there is no text in it"); }

}  // namespace

std::string read_text(const std::string& path) {
  std::string text = read_whole(path);
  if (text.empty()) fail_empty(path);
  size_t kept = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r' || at + 1 == text.size() || text[at + 1] != '\n') text[kept++] = text[at];
  }
  text.resize(kept);
  return text;
}

std::vector<std::string> split_lines(const std::string& name, std::string text, bool keeps_empty) {
  const std::string whole = without_mark(name, std::move(text));
  std::vector<std::string> out;
  for (const Line& line : lines_of(whole)) {
    if (keeps_empty || !is_blank(line.text)) out.emplace_back(line.text);
  }
  return out;
}

std::vector<std::string> read_lines(const std::string& path, bool keeps_empty) {
  std::vector<std::string> out = split_lines(path, file::read_all(path), keeps_empty);
  if (out.empty()) fail_empty(path);
  return out;
}

std::vector<std::string> read_paragraphs(const std::string& path) {
  const std::string text = read_whole(path);
  std::vector<std::string> out;
  bool is_open = false;
  for (const Line& line : lines_of(text)) {
    const bool is_empty = is_blank(line.text);
    if (!is_empty && is_open) out.back().append("\n").append(line.text);
    else if (!is_empty) out.emplace_back(line.text);
    is_open = !is_empty;
  }
  if (out.empty()) fail_empty(path);
  return out;
}

std::vector<std::vector<std::string>> read_tsv(const std::string& path, int64_t columns) {
  if (columns < 1) fail("read_tsv", "columns is ", columns, "; it must be at least 1");
  const std::string text = read_whole(path);
  std::vector<std::vector<std::string>> out;
  for (const Line& line : lines_of(text)) {
    if (is_blank(line.text)) continue;
    std::vector<std::string>& cells = out.emplace_back();
    for (size_t at = 0; static_cast<int64_t>(cells.size()) < columns && at <= line.text.size();) {
      const size_t end = std::min(line.text.find('\t', at), line.text.size());
      cells.emplace_back(line.text.substr(at, end - at));
      at = end + 1;
    }
    if (static_cast<int64_t>(cells.size()) < columns) {
      fail_io(concat(path, ":", line.number), "the line has ", cells.size(), " cells; ", columns, " are needed, separated by tabs");
    }
  }
  if (out.empty()) fail_empty(path);
  return out;
}

std::vector<std::pair<std::string, std::string>> read_pairs(const std::string& first_path, const std::string& second_path) {
  std::vector<std::string> first = read_lines(first_path, true), second = read_lines(second_path, true);
  if (first.size() != second.size())
    fail_io(second_path, "it has ", second.size(), " lines, ", first_path, " ", first.size(), "; they must be equally many");
  std::vector<std::pair<std::string, std::string>> out;
  for (size_t i = 0; i < first.size(); ++i) {
    if (!is_blank(first[i]) && !is_blank(second[i])) out.emplace_back(std::move(first[i]), std::move(second[i]));
  }
  if (out.empty()) fail_empty(first_path);
  return out;
}

std::vector<std::string> read_works(const std::string& path) {
  const std::string text = read_whole(path);
  const Datum all = read_json(text, [&](std::string_view problem, int64_t byte) {
    if (problem == "is not valid JSON") fail_io(path, "byte ", byte, " is not as JSON has it; the file is cut off, damaged, or no JSON");
    fail_io(path, "it ", problem);
  });
  std::vector<std::string> out;
  for (const Spec& work : Spec(all, path, "").elements()) {
    work.table();
    const Spec paragraphs = work["paragraphs"], content = work["content"];
    if (!paragraphs.exists() && !content.exists()) work.fail("it has neither paragraphs nor content");
    std::string lines;
    for (const Spec& line : (paragraphs.exists() ? paragraphs : content).elements()) {
      if (!lines.empty()) lines += '\n';
      lines += line.text();
    }
    if (!is_blank(lines)) out.push_back(std::move(lines));
  }
  if (out.empty()) fail_empty(path);
  return out;
}

}  // namespace gradus::data
