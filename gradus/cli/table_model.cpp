// Tables for trained models.
#include "gradus/cli/table_model.hpp"

#include <algorithm>
#include <cstdio>
#include <unordered_set>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/recipe_table.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/data/table/other_tables.hpp"

namespace gradus::cli {

using namespace core;

namespace {

constexpr size_t kMostNamed = 12;

// "a", "b", "c" and 3 more
std::string named(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kMostNamed); ++i) out += concat(i ? ", \"" : "\"", names[i], "\"");
  return names.size() > kMostNamed ? concat(out, " and ", names.size() - kMostNamed, " more") : out;
}

}  // namespace

TableModel table_model(const nn::ModelInfo& info, const std::string& what) {
  TableModel out{preprocess::pipeline_of(info, what), {}};
  const auto recipe = info.extra.find(kRecipeText);
  if (!out.pipeline.is_fitted() || recipe == info.extra.end()) return out;
  const Document document("recipe of " + what, recipe->second);
  const Section data = Section(document).section("data");
  if (data.text("source", "") == "table") out.reading = data.assigned(TableSource()).reading();
  return out;
}

TableInput::TableInput(const std::string& path, const TableModel& model, std::vector<std::string> others)
    : pipeline_(model.pipeline), reading_(model.reading), path_(path), others_(std::move(others)) {
  const std::vector<std::string> recipe_names = std::exchange(reading_.names, {});
  reading_.types.clear();
  if (file::is_folder(path)) fail_io(path, "is a folder; the model takes rows of a table");
  if (data::is_database(path) || data::is_json_lines(path)) {
    const data::Table table = data::read_table(path, reading_);
    whole_ = data::read_table(path, options_for(table.names(), true));
    of_whole_ = whole_->notes;
    return;
  }
  data::TableReader look(path, reading_);
  if (look.names().empty()) look.next();  // says what is wrong with the first line
  // As many columns as the recipe names of its file, which has no names either.
  if (!look.has_names() && look.names().size() == recipe_names.size()) {
    reading_.names = recipe_names;
    reader_.emplace(path, options_for(recipe_names, true));
    return;
  }
  reader_.emplace(path, options_for(look.names(), look.has_names()));
}

data::TableOptions TableInput::options_for(const std::vector<std::string>& given, bool are_names) {
  std::vector<std::string> names = given;
  const std::unordered_set<std::string> given_names(given.begin(), given.end());
  std::vector<std::string> wanted;
  for (const preprocess::InputColumn& input : pipeline_.columns()) wanted.push_back(input.name);
  data::TableOptions options = reading_;
  const auto lacks = [&](const std::string& name) { return !given_names.contains(name); };
  const auto missing = std::find_if(wanted.begin(), wanted.end(), lacks);
  if (!are_names && names.size() == wanted.size() && names != wanted) {
    options.names = names = wanted;  // by place
  } else if (missing != wanted.end()) {
    const std::string near = nearest(*missing, names);
    fail_io(path_, "there is no column \"", *missing, "\", which the model takes",
            !near.empty() ? "; is it \"" + near + "\", renamed?"
            : are_names   ? "; there are " + named(names)
                          : "; the file has no line of names");
  }
  for (const std::string& other : others_) {
    if (given_names.contains(other)) continue;
    const std::string near = nearest(other, names);
    fail_io(path_, "there is no column \"", other, "\"", near.empty() ? "; there are " + named(names) : "; did you mean \"" + near + "\"?");
  }
  const std::unordered_set<std::string> wanted_names(wanted.begin(), wanted.end()), all_names(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string second = name + "_2";  // as a name that stands twice is told apart
    if (wanted_names.contains(name) && all_names.contains(second) && !wanted_names.contains(second))
      fail_io(path_, "the column \"", name, "\", which the model takes, stands there twice; which one is meant?");
  }
  has_target_ = std::find(names.begin(), names.end(), pipeline_.target().column) != names.end();
  options = pipeline_.reading(std::move(options), has_target_, names);
  for (const std::string& other : others_) {
    if (std::find(options.columns.begin(), options.columns.end(), other) == options.columns.end()) options.columns.push_back(other);
  }
  options.misfit = data::Misfit::missing;
  note_further(names, options.columns);
  return options;
}

void TableInput::note_further(const std::vector<std::string>& names, const std::vector<std::string>& wanted) {
  std::vector<std::string> further;
  for (const std::string& name : names) {
    if (std::find(wanted.begin(), wanted.end(), name) == wanted.end()) further.push_back(name);
  }
  if (further.empty()) return;
  of_names_ = {concat(further.size() == 1 ? "column " : "columns ", named(further), further.size() == 1 ? " is" : " are",
                      " none that the model takes")};
}

std::optional<data::Table> TableInput::next() {
  if (reader_) return reader_->next();
  return std::exchange(whole_, std::nullopt);
}

data::Table TableInput::rest() { return reader_ ? reader_->rest() : *std::exchange(whole_, std::nullopt); }

std::vector<std::string> TableInput::notes() const {
  std::vector<std::string> out = of_names_;
  for (const std::string& line : reader_ ? reader_->notes() : of_whole_) out.push_back(line);
  for (const std::string& line : treatments.lines()) out.push_back(line);
  return out;
}

data::Table with_target(const data::Table& table, const std::string& target, const std::string& path, std::vector<std::string>& notes) {
  if (table.rows() == 0) fail_io(path, "there are no rows");
  const std::vector<int64_t> known = preprocess::rows_with_target(table[target]);
  const int64_t left_out = table.rows() - std::ssize(known);
  if (known.empty()) fail_io(path, "no row has a target: column \"", target, "\" has no value in ", table.rows(), " rows");
  if (left_out == 0) return table;
  notes.push_back(concat(left_out, left_out == 1 ? " row has" : " rows have", " no target \"", target, "\" and ",
                         left_out == 1 ? "is" : "are", " left out"));
  return table.take(known);
}

data::Table of_known_classes(const data::Table& table, const preprocess::Pipeline& pipeline, const std::string& path,
                             std::vector<std::string>& notes) {
  const std::vector<int64_t> known = pipeline.rows_with_known_target(table);
  const int64_t left_out = table.rows() - std::ssize(known);
  if (left_out == 0) return table;
  const data::Column& target = table[pipeline.target().column];
  int64_t first = 0;  // that is unknown
  while (first < std::ssize(known) && known[static_cast<size_t>(first)] == first) ++first;
  if (known.empty()) fail_io(path, "no row is of a class that training had; the first is \"", target.cell(0), "\"");
  notes.push_back(concat(left_out, left_out == 1 ? " row is" : " rows are", " of classes that no training row has (\"", target.cell(first),
                         left_out > 1 ? "\", ...)" : "\")", left_out == 1 ? " and is" : " and are", " left out"));
  return table.take(known);
}

LabelledRows read_labelled(const std::string& path, const TableModel& model, std::vector<std::string> others) {
  TableInput input(path, model, std::move(others));
  const std::string& target = model.pipeline.target().column;
  if (!input.has_target()) fail_io(path, "there is no column \"", target, "\", the target; predict needs none");
  LabelledRows out;
  const data::Table all = input.rest();
  std::vector<std::string> left_out;
  out.table = of_known_classes(with_target(all, target, path, left_out), model.pipeline, path, left_out);
  out.set = of_file(path, [&] { return model.pipeline.dataset(out.table, input.treatments); });
  out.notes = input.notes();
  out.notes.insert(out.notes.end(), left_out.begin(), left_out.end());
  return out;
}

void print_notes(const std::vector<std::string>& notes, size_t most) {
  std::fflush(stdout);
  for (size_t i = 0; i < std::min(most, notes.size()); ++i) std::fprintf(stderr, "note: %s\n", printable(notes[i]).c_str());
  if (notes.size() > most) std::fprintf(stderr, "note: and %zu more\n", notes.size() - most);
}

}  // namespace gradus::cli
