// Tables for trained models.
#include "gradus/cli/table_model.hpp"

#include <algorithm>
#include <cstdio>
#include <unordered_set>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/table/other_tables.hpp"

namespace gradus::cli {

using namespace core;

TableInput::TableInput(const std::string& path, const preprocess::Pipeline& pipeline) : pipeline_(pipeline), path_(path) {
  if (file::is_folder(path)) fail_io(path, "is a folder; the model takes rows of a table");
  if (data::is_database(path) || data::is_json_lines(path)) {
    const data::Table table = data::read_table(path);
    whole_ = data::read_table(path, options_for(table.names(), true));
    of_whole_ = whole_->notes;
    return;
  }
  const data::TableReader look(path);
  reader_.emplace(path, options_for(look.names(), look.has_names()));
}

data::TableOptions TableInput::options_for(const std::vector<std::string>& given, bool are_names) {
  std::vector<std::string> names = given;
  const std::unordered_set<std::string> given_names(given.begin(), given.end());
  std::vector<std::string> wanted;
  for (const preprocess::InputColumn& input : pipeline_.columns()) wanted.push_back(input.name);
  data::TableOptions options;
  const auto lacks = [&](const std::string& name) { return !given_names.contains(name); };
  const auto missing = std::find_if(wanted.begin(), wanted.end(), lacks);
  if (!are_names && names.size() == wanted.size() && names != wanted) {
    options.names = names = wanted;  // by place
  } else if (missing != wanted.end()) {
    const std::string near = nearest(*missing, names);
    fail_io(path_, "there is no column \"", *missing, "\", which the model takes",
            near.empty() ? (are_names ? "" : "; the file has no line of names") : "; is it \"" + near + "\", renamed?");
  }
  const std::unordered_set<std::string> wanted_names(wanted.begin(), wanted.end()), all_names(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string second = name + "_2";  // as a name that stands twice is told apart
    if (wanted_names.contains(name) && all_names.contains(second) && !wanted_names.contains(second))
      fail_io(path_, "the column \"", name, "\", which the model takes, stands there twice; which one is meant?");
  }
  has_target_ = std::find(names.begin(), names.end(), pipeline_.target().column) != names.end();
  options = pipeline_.reading(std::move(options), has_target_, names);
  options.misfit = data::Misfit::missing;
  return options;
}

std::optional<data::Table> TableInput::next() {
  if (reader_) return reader_->next();
  return std::exchange(whole_, std::nullopt);
}

data::Table TableInput::rest() { return reader_ ? reader_->rest() : *std::exchange(whole_, std::nullopt); }

std::vector<std::string> TableInput::notes() const {
  std::vector<std::string> out = reader_ ? reader_->notes() : of_whole_;
  for (const std::string& line : treatments.lines()) out.push_back(line);
  return out;
}

void print_notes(const std::vector<std::string>& notes, size_t most) {
  std::fflush(stdout);
  for (size_t i = 0; i < std::min(most, notes.size()); ++i) std::fprintf(stderr, "note: %s\n", printable(notes[i]).c_str());
  if (notes.size() > most) std::fprintf(stderr, "note: and %zu more\n", notes.size() - most);
}

}  // namespace gradus::cli
