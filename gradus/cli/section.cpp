// Reading of TOML tables.
#include "gradus/cli/section.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"

namespace gradus::cli {

namespace {

constexpr int64_t kLargestRecipe = 1 << 20;
constexpr int kMostParts = 16,
              kMostBrackets = 128;  // of a key; open at once. The parser follows both by recursion, without a bound for keys

// The end of a TOML string that starts at `at`: the position of its last quote, or of the line break that a plain one must not have.
size_t end_of_string(std::string_view text, size_t at) {
  const char quote = text[at];
  const bool is_long = text.substr(at, 3) == std::string(3, quote);
  for (size_t i = at + (is_long ? 3 : 1); i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"') ++i;
    else if (!is_long && (text[i] == quote || text[i] == '\n')) return text[i] == quote ? i : i - 1;
    else if (is_long && text.substr(i, 3) == std::string(3, quote)) {
      i += 2;
      for (int more = 0; more < 2 && i + 1 < text.size() && text[i + 1] == quote; ++more) ++i;  // up to two quotes may end the text itself
      return i;
    }
  }
  return text.size();
}

struct Excess {
  int64_t line = 0;  // 0: there is none
  std::string problem{};
};
// What is nested too deep for the parser, read as it reads up to the first error that it would find.
Excess find_excess(std::string_view text) {
  int64_t line = 1;
  int parts = 1, brackets = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    switch (text[at]) {
      case '\n': ++line; parts = 1; break;
      case '#': at = std::min(text.find('\n', at), text.size()) - 1; break;
      case '"':
      case '\'': {
        const size_t end = std::min(end_of_string(text, at), text.size() - 1);
        line += std::count(text.begin() + static_cast<std::ptrdiff_t>(at), text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
        at = end;
        break;
      }
      case '.':
        if (++parts > kMostParts) return {line, concat("the key has more than ", kMostParts, " parts; no key of a recipe has")};
        break;
      case '[':
      case '{':
        parts = 1;
        if (++brackets > kMostBrackets)
          return {line, concat("more than ", kMostBrackets, " brackets are open; no recipe is nested so deep")};
        break;
      case ']':
      case '}':
        brackets = std::max(brackets - 1, 0);
        [[fallthrough]];
      case '=':
      case ',': parts = 1; break;
      default: break;
    }
  }
  return {};
}

toml::table parse(const std::string& text, const std::string& path) {
  if (const Excess excess = find_excess(text); excess.line)
    throw Error(Error::Kind::invalid, concat(path, ":", excess.line), excess.problem);
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    throw Error(Error::Kind::invalid, concat(path, ":", at.line, ":", at.column), error.description());
  }
}

// What stands in a recipe, for messages.
std::string describe(const toml::node& value) {
  if (value.is_table()) return "a table";
  if (value.is_array()) {
    std::string out = "[";
    const toml::array& list = *value.as_array();
    for (size_t i = 0; i < list.size() && i < 6; ++i) out += (i ? ", " : "") + (list[i].is_array() ? "[...]" : describe(list[i]));
    return out + (list.size() > 6 ? ", ...]" : "]");
  }
  if (value.is_string()) return "\"" + value.as_string()->get().substr(0, 60) + "\"";
  if (value.is_integer()) return to_text(value.as_integer()->get());
  if (value.is_floating_point()) return to_text(value.as_floating_point()->get());
  if (value.is_boolean()) return to_text(value.as_boolean()->get());
  return "a date or time";
}

Datum value_of(const toml::node& node) {
  if (const toml::table* table = node.as_table()) {
    Datum::Table out;
    for (const auto& [key, value] : *table) out.emplace_back(std::string(key.str()), value_of(value));
    return out;
  }
  if (const toml::array* list = node.as_array()) {
    Datum::List out;
    for (const toml::node& entry : *list) out.push_back(value_of(entry));
    return out;
  }
  if (node.is_string()) return node.as_string()->get();
  if (node.is_integer()) return node.as_integer()->get();
  if (node.is_floating_point()) return node.as_floating_point()->get();
  if (node.is_boolean()) return node.as_boolean()->get();
  return "a date or time";
}

struct Step {
  std::string key{};   // of a table
  int64_t index = -1;  // of a list, if not negative
};

// "model.layers[2].units" as its steps.
std::vector<Step> steps_of(const std::string& path, const std::string& place) {
  std::vector<Step> steps;
  const auto refuse = [&] { fail(place, "expected a path like model.layers[2].units before ="); };
  size_t at = 0;
  while (at < path.size()) {
    if (path[at] == '[') {
      const size_t end = path.find(']', at);
      int64_t index = -1;
      if (end != std::string::npos) std::from_chars(path.data() + at + 1, path.data() + end, index);
      if (index < 0 || steps.empty()) refuse();
      steps.push_back({"", index});
      at = end + 1;
      if (at < path.size() && path[at] == '.') ++at;
      continue;
    }
    const size_t end = std::min(path.find_first_of(".[", at), path.size());
    if (end == at) refuse();
    steps.push_back({path.substr(at, end - at)});
    at = end < path.size() && path[end] == '.' ? end + 1 : end;
  }
  if (steps.empty() || path.back() == '.') refuse();
  if (steps.size() > kMostParts) fail("--set", "the key has more than ", kMostParts, " parts; no key of a recipe has");
  return steps;
}

toml::node* child(toml::node& node, const Step& step) {
  if (step.index < 0) return node.is_table() ? node.as_table()->get(step.key) : nullptr;
  return node.is_array() ? node.as_array()->get(static_cast<size_t>(step.index)) : nullptr;
}

// Puts `value` at the place that the last step names.
void assign(toml::node& parent, const Step& step, const toml::node& value, const std::string& place) {
  if (step.index < 0) {
    if (!parent.is_table()) fail(place, "what stands before ", step.key, " is ", describe(parent), ", not a table");
    value.visit([&](const auto& typed) { parent.as_table()->insert_or_assign(step.key, typed); });
    return;
  }
  toml::array* list = parent.as_array();
  if (!list) fail(place, "what stands before [", step.index, "] is ", describe(parent), ", not a list");
  if (static_cast<size_t>(step.index) >= list->size())
    fail(place, "the list has ", list->size(), " entries; [", step.index, "] is none of them");
  value.visit([&](const auto& typed) { list->replace(list->cbegin() + step.index, typed); });
}

// Puts `value` at the end of a path; tables on its way are made.
void assign_at(toml::table& root, const std::string& path, const std::string& place, const toml::node& value) {
  const std::vector<Step> steps = steps_of(path, place);
  toml::node* at = &root;
  for (size_t i = 0; i + 1 < steps.size(); ++i) {
    toml::node* next = child(*at, steps[i]);
    if (!next) {
      assign(*at, steps[i], toml::table{}, place);
      next = child(*at, steps[i]);
    }
    at = next;
  }
  assign(*at, steps.back(), value, place);
}

std::string absolute_path(const std::string& path) {
  std::error_code problem;
  const std::string all = std::filesystem::absolute(path.empty() ? "." : path, problem).lexically_normal().string();
  if (problem) fail_io(path.empty() ? "." : path, "the working folder cannot be told: ", problem.message());
  return all.size() > 1 && all.back() == '/' ? all.substr(0, all.size() - 1) : all;
}

// The value that stands after the = of --set: TOML, or else a plain text.
toml::table parse_value(const std::string& text, const std::string& place) {
  if (const Excess excess = find_excess(text); excess.line) fail(place, excess.problem);
  try {
    toml::table holder = toml::parse("value = " + text);
    if (holder.size() == 1) return holder;
  } catch (const toml::parse_error&) {
  }
  return toml::table{{"value", text}};
}

}  // namespace

Document::Document(const std::string& path) : Document(path, file::read_all(path, kLargestRecipe)) { is_file_ = true; }
Document::Document(std::string path, std::string text) : path_(std::move(path)), text_(std::move(text)), root_(parse(text_, path_)) {}

void Document::set(const std::string& assignment) {
  const size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0) fail("--set " + assignment, "expected key=value, for example train.epochs=3");
  const std::string path = assignment.substr(0, equals), place = "--set " + path;
  if (!is_utf8(assignment)) fail(place, "the value is no UTF-8 text; a recipe cannot hold it");
  const toml::table holder = parse_value(assignment.substr(equals + 1), place);

  assign_at(root_, path, place, *holder.get("value"));
  set_paths_.push_back(path);
  assignments_.push_back(assignment);
}

void Document::remove(const std::string& key) {
  if (root_.erase(key) > 0) is_cut_ = true;
}

std::string Document::folder() const {
  const std::string own = is_file_ ? std::filesystem::path(path_).parent_path().string() : "";
  const auto said = root_["folder"].value<std::string>();
  return said ? ((is_set("folder") ? "" : own) / std::filesystem::path(*said)).string() : own;
}

std::string Document::located(const std::string& key_path, const std::string& path) const {
  if (path.empty() || std::filesystem::path(path).is_absolute()) return path;
  if (is_set(key_path)) {
    absolute_paths_.emplace_back(key_path, absolute_path(path));
    return path;
  }
  uses_folder_ = true;
  if (const std::string all = absolute_path(folder()); !is_utf8(all)) {
    fail(path_, "names the file ", path, " from the folder ", all, ", whose name is no UTF-8 text; the run's recipe cannot hold it");
  }
  return (std::filesystem::path(folder()) / path).string();
}

std::string Document::text(const std::string& name) const {
  const auto said = root_["folder"].value<std::string>();
  toml::table missing;  // what the file leaves to the place where it lies
  if (uses_folder_ && !(said && std::filesystem::path(*said).is_absolute())) missing.insert("folder", absolute_path(folder()));
  if (!root_.contains("name")) missing.insert("name", name);
  const bool is_changed = is_cut_ || !assignments_.empty();
  if (!is_changed && missing.empty()) return text_;
  std::ostringstream out;
  if (!is_changed && !(said && missing.contains("folder"))) {
    const std::string mark = text_.starts_with("\xEF\xBB\xBF") ? text_.substr(0, 3) : "";  // of the byte order
    out << mark << missing << "\n" << text_.substr(mark.size());
    return out.str();
  }
  toml::table root = root_;
  for (const auto& [key, value] : missing) root.insert_or_assign(key, value);
  for (const auto& [key_path, path] : absolute_paths_) assign_at(root, key_path, key_path, toml::value<std::string>(path));
  out << "# " << path_ << (assignments_.empty() ? "" : " with ") << join(assignments_) << "\n\n" << root << "\n";
  return out.str();
}

bool Document::is_set(const std::string& key_path) const {
  return std::any_of(set_paths_.begin(), set_paths_.end(), [&](const std::string& path) {
    return key_path == path || (key_path.starts_with(path) && (key_path[path.size()] == '.' || key_path[path.size()] == '['));
  });
}

std::string Document::place(const std::string& key_path, const toml::source_region& where) const {
  if (is_set(key_path)) return "--set " + key_path;
  const std::string key = key_path.empty() ? "" : ": " + key_path;
  return where.begin.line ? concat(path_, ":", where.begin.line, key) : path_ + key;
}

// ---- sections ----

std::string Section::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const toml::node* Section::find(std::string_view key) const {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return table_->get(key);
}

bool Section::has(std::string_view key) const { return find(key) != nullptr; }

void Section::fail_at(std::string_view key, const std::string& problem) const {
  const toml::node* value = table_->get(key);
  throw Error(Error::Kind::invalid, document_->place(path_of(key), value ? value->source() : where_), problem);
}

void Section::fail_type(std::string_view key, const toml::node& value, std::string_view expected) const {
  fail_at(key, concat("expected ", expected, ", got ", describe(value)));
}

// Of what is not there the place is that of the innermost table that is.
void Section::fail_below(const std::string& path, const std::string& problem) const {
  toml::source_region where = where_;
  try {
    const toml::node* at = table_;
    for (const Step& step : steps_of(path, path)) {
      at = child(const_cast<toml::node&>(*at), step);
      if (!at) break;
      where = at->source();
    }
  } catch (const Error&) {  // a key with dots or brackets in it
  }
  throw Error(Error::Kind::invalid, document_->place(path_of(path), where), problem);
}

Datum::Table Section::values() const {
  const Datum all = value_of(*table_);
  return *all.get_if<Datum::Table>();
}

std::string Section::text(std::string_view key, std::string_view otherwise) const {
  const toml::node* value = find(key);
  if (!value) return std::string(otherwise);
  if (!value->is_string()) fail_type(key, *value, "a text in quotes");
  return value->as_string()->get();
}

void Section::fail_missing(std::string_view key, const std::string& wanted) const {
  const std::string names[] = {std::string(key)};
  for (const auto& [given, value] : *table_) {
    const std::string name(given.str());
    if (std::find(known_.begin(), known_.end(), name) != known_.end() || nearest(name, names).empty()) continue;
    fail_unknown(name, key);
  }
  fail_at(key, concat("is missing; it must be ", wanted));
}

void Section::fail_unknown(std::string_view key, std::string_view near) const {
  fail_at(key, near.empty() ? concat("unknown key; known here: ", join(known_)) : concat("unknown key; did you mean \"", near, "\"?"));
}

void Section::require_entries(std::string_view key, const std::string& wanted) const {
  const toml::node* value = find(key);
  if (!value) fail_missing(key, wanted);
  if (value->is_array() && value->as_array()->empty()) fail_at(key, concat("is empty; it must be ", wanted));
}

std::string Section::choice(std::string_view key, const std::vector<std::string>& choices, std::string_view otherwise) const {
  if (otherwise.empty() && !has(key)) fail_missing(key, concat("one of ", join(choices)));
  const std::string chosen = text(key, otherwise);
  if (std::find(choices.begin(), choices.end(), chosen) != choices.end()) return chosen;
  const std::string near = nearest(chosen, choices);
  fail_at(key, near.empty() ? concat("expected one of ", join(choices), ", got \"", chosen, "\"")
                            : concat("\"", chosen, "\" is unknown; did you mean \"", near, "\"?"));
}

Section Section::section(std::string_view key) const {
  static const toml::table* empty = new toml::table;
  const toml::node* value = find(key);
  if (!value) return Section(*document_, *empty, path_of(key), where_);
  if (!value->is_table()) fail_type(key, *value, "a table");
  return Section(*document_, *value->as_table(), path_of(key), value->source());
}

void Section::finish() const {
  for (const auto& [key, value] : *table_) {
    const std::string name(key.str());
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    fail_unknown(name, nearest(name, known_));
  }
}

}  // namespace gradus::cli
