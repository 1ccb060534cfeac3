// Tables as samples.
#include "gradus/cli/recipe_table.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>

#include "gradus/cli/keys.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/preprocess/automatic.hpp"
#include "gradus/preprocess/step_fields.hpp"
#include "gradus/train/cross_validation.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

namespace {

constexpr size_t kMostStrata = 20;

struct PreprocessKeys {
  std::vector<preprocess::Step> steps{};
  GRADUS_OPTIONS(steps)
};
std::span<const FieldNote> PreprocessKeys::field_notes() {
  static constexpr FieldNote notes[] = {
      {"steps", "from the columns of the table to numbers, in this order; by default chosen by the training rows"}};
  return notes;
}

}  // namespace

std::vector<KeyGroup> preprocess_keys() {
  std::vector<KeyGroup> groups{{"", "", described<PreprocessKeys>()}};
  for (const preprocess::StepKind& kind : preprocess::step_kinds())
    groups.push_back({std::string(kind.name), std::string(kind.text), kind.options()});
  return groups;
}

std::vector<preprocess::Step> read_steps(const Section& section) {
  PreprocessKeys keys;
  section.read_fields([&](const Datum::Table& given, FieldReading& reading, std::span<const std::string>) {
    read_fields(fields_of(keys), &keys, given, reading);
  });
  return keys.steps;
}

std::span<const FieldNote> TableSource::field_notes() {
  static constexpr FieldNote notes[] = {
      {"path", "of the file, see docs/tables.md", {}, true},
      {"target", "column that is to be foretold: its name, or its place from 1; -1 is the last", {}, true},
      {"test_path", "file of the test rows; by default a share of the rows is for testing"},
      {"table", "of a database; by default its only one"},
      kTest,
      {"stratify", "whether parts have the classes in the same proportions"},
      {"group", "column whose rows of one value stay in one part"},
      {"time", "column by which the last rows are for testing"},
      {"task", "what the target is"},
      {"target_scale", "what is learnt of a target of numbers"},
      {"types", "of columns, where they are not what they seem: {zip = \"categorical\", size = [\"S\", \"M\", \"L\"]}"},
      {"names", "of all columns, in place of those in the file"},
      {"missing", "cells that say that a value is missing, beside empty ones"},
      {"separator", "one character, \"tab\" or \"blank\"; by default found out"},
      {"encoding", "utf-8, utf-16, gb18030, latin1 and all that iconv knows; by default found out"},
      {"decimal", "the mark in numbers, \".\" or \",\"; by default found out"},
      {"comment", "a character with which lines begin that are left out; by default found out"},
      {"header", "whether the first line holds names"},
      {"ragged", "what becomes of lines of another length"}};
  return notes;
}

data::TableOptions TableSource::reading() const {
  data::TableOptions options;
  options.separator = separator;
  options.encoding = encoding;
  options.header = header;
  options.names = names;
  options.types = types;
  options.missing = missing;
  options.decimal = decimal;
  options.comment = comment;
  options.ragged = ragged;
  options.table = table;
  return options;
}

std::string target_name(const std::string& said, const std::vector<std::string>& names, const std::string& path) {
  if (std::find(names.begin(), names.end(), said) != names.end()) return said;
  int64_t place = 0;
  const auto [end, error] = std::from_chars(said.data(), said.data() + said.size(), place);
  const auto width = static_cast<int64_t>(names.size());
  if (error == std::errc() && end == said.data() + said.size() && ((place >= 1 && place <= width) || (place <= -1 && place >= -width)))
    return names[static_cast<size_t>(place > 0 ? place - 1 : width + place)];
  const std::string near = nearest(said, names);
  std::string all;
  for (size_t i = 0; i < std::min<size_t>(names.size(), 12); ++i) all += (i ? ", " : "") + names[i];
  fail_io(path, "there is no column \"", said, "\" to be the target; ",
          near.empty() ? "there are " + all + (names.size() > 12 ? ", ..." : "") : "did you mean \"" + near + "\"?");
}

namespace {

// Whether rows can be divided by the classes of the target.
bool is_divided_by_class(const data::Column& column, preprocess::Task task) {
  if (task == preprocess::Task::regression) return false;
  if (column.is_coded()) return column.categories().size() <= 1000;
  if (column.type() != data::ColumnType::numeric) return false;
  const std::span<const double> numbers = column.numbers();
  std::set<double> distinct;
  for (const double x : numbers) {
    if (x == x) distinct.insert(x);
    if (distinct.size() > kMostStrata) return false;
  }
  return true;
}

void add_notes(std::vector<std::string>& notes, const std::string& what, const std::vector<std::string>& more) {
  for (const std::string& each : more) notes.push_back(what.empty() ? each : what + ": " + each);
}

struct Files {
  std::string path{}, test_path{};
};

// One loading of a table.
class TableLoad {
 public:
  TableLoad(const TableSource& source, const Files& files, uint64_t seed, const Loading& loading)
      : source_(source), files_(files), seed_(seed), loading_(loading) {
    if (loading.pipeline.exists()) pipeline_ = preprocess::Pipeline::from_datum(loading.pipeline, "the model");
  }

  DataParts parts() {
    const Rows rows = read();
    return parts_of(rows.train, rows.test);
  }

  // The rows for training and for testing.
  struct Rows {
    data::Table train{}, test{};
  };
  Rows read() {
    data::Table all = data::read_table(files_.path, source_.reading());
    target_ = target_name(source_.target, all.names(), files_.path);
    add_notes(out_.notes, "", all.notes);
    all = with_target(all, target_, files_.path, out_.notes);
    Rows rows{all, {}};
    if (!files_.test_path.empty()) rows.test = read_test(all);
    else if (source_.test > 0) std::tie(rows.test, rows.train) = divided(all, source_.test, seed_);
    if (loading_.limit > 0 && loading_.limit < rows.train.rows()) rows.train = rows.train.rows(0, loading_.limit);
    return rows;
  }
  DataParts parts_of(data::Table train, data::Table test) {
    target_ = target_name(source_.target, train.names(), files_.path);
    data::Table validation;
    if (loading_.validation > 0) std::tie(validation, train) = divided(train, loading_.validation, seed_ + 1);
    of_file(files_.path, [&] { fit(train); });
    if (validation.rows() > 0) out_.validation = made(validation, "validation rows");
    if (test.rows() > 0) out_.test = of_file(test_path(), [&] { return made(test, "test rows"); });
    out_.train_table = std::move(train);
    out_.test_table = std::move(test);
    return std::move(out_);
  }
  // The part of each row; -1, none, for the only row of a class, which would be unknown to the model that it is held out from.
  std::vector<int64_t> folds(const data::Table& train, int64_t count) const {
    std::vector<int64_t> parts = data::folds(train, count, seed_ + 2, by(train));
    if (settled(train).task != preprocess::Task::classification) return parts;
    const data::Column& target = train[target_];
    std::map<std::string, std::vector<int64_t>> rows;
    for (int64_t row = 0; row < train.rows(); ++row) rows[target.cell(row)].push_back(row);
    for (const auto& [name, of_class] : rows) {
      if (of_class.size() == 1) parts[static_cast<size_t>(of_class[0])] = -1;
    }
    return parts;
  }
  preprocess::TargetOptions settled(const data::Table& train) const {
    return preprocess::settled(train[target_], {.task = source_.task, .scale = source_.target_scale});
  }

 private:
  std::pair<data::Table, data::Table> divided(const data::Table& table, double share, uint64_t seed) const {
    return of_file(files_.path, [&] { return data::split(table, share, seed, by(table)); });
  }
  const std::string& test_path() const { return files_.test_path.empty() ? files_.path : files_.test_path; }
  data::SplitBy by(const data::Table& table) const {
    if (!source_.group.empty() || !source_.time.empty()) return {.stratify = {}, .group = source_.group, .time = source_.time};
    return {.stratify = source_.stratify && is_divided_by_class(table[target_], source_.task) ? target_ : std::string(),
            .group = {},
            .time = {}};
  }

  // The test file, its columns read as those of the training file.
  data::Table read_test(const data::Table& train) {
    data::TableOptions options = source_.reading();
    for (const data::Column& column : train.columns()) {
      data::ColumnKind kind{column.type(), {}, {}};
      if (column.type() == data::ColumnType::ordinal) kind.order = column.categories();
      if (column.name() != target_ || column.type() == data::ColumnType::numeric) options.types.emplace(column.name(), kind);
    }
    const std::vector<std::string> names = data::TableReader(files_.test_path, source_.reading()).names();
    std::erase_if(options.types, [&](const auto& each) { return std::find(names.begin(), names.end(), each.first) == names.end(); });
    options.misfit = data::Misfit::missing;
    data::Table test = data::read_table(files_.test_path, options);
    add_notes(out_.notes, "test file", test.notes);
    if (!test.contains(target_)) fail_io(files_.test_path, "there is no column \"", target_, "\", the target");
    std::vector<std::string> left_out;
    test = with_target(test, target_, files_.test_path, left_out);
    add_notes(out_.notes, "test file", left_out);
    return test;
  }

  void fit(data::Table& train) {
    if (pipeline_.is_fitted()) {
      out_.train = made(train, "training rows");
      return;
    }
    std::vector<preprocess::Step> steps = loading_.steps;
    if (steps.empty()) {
      preprocess::AutomaticSteps chosen = preprocess::automatic_steps(train, target_);
      steps = std::move(chosen.steps);
      add_notes(out_.notes, "", chosen.reasons);
    }
    pipeline_ = preprocess::Pipeline(std::move(steps));
    out_.train = pipeline_.fit(train, target_, {.task = source_.task, .scale = source_.target_scale, .seed = seed_});
    name(out_.train, train);
    add_notes(out_.notes, "training rows", pipeline_.notes());
  }

  // Takes rows of unknown classes out of the table.
  data::Dataset made(data::Table& table, const char* what) {
    std::vector<std::string> left_out;
    table = of_known_classes(table, pipeline_, files_.path, left_out);
    add_notes(out_.notes, what, left_out);
    preprocess::Treatments treatments;
    data::Dataset set = pipeline_.dataset(table, treatments);
    name(set, table);
    add_notes(out_.notes, what, treatments.lines());
    return set;
  }
  void name(data::Dataset& set, const data::Table& table) const {
    set.name = std::filesystem::path(files_.path).filename().string();
    set.description = concat(train::with_commas(table.rows()), " rows of ", table.width(), " columns, target ", target_);
  }

  const TableSource& source_;
  const Files& files_;
  uint64_t seed_;
  const Loading& loading_;
  std::string target_{};
  preprocess::Pipeline pipeline_{};
  DataParts out_{};
};

}  // namespace

Source TableSource::source(const Section& section, uint64_t seed) const {
  const Files files{section.located("path", path), test_path.empty() ? std::string() : section.located("test_path", test_path)};
  Source out;
  out.load_parts = [own = *this, files, seed](const Loading& loading) { return TableLoad(own, files, seed, loading).parts(); };
  out.load_folds = [own = *this, files, seed](const Loading& loading, int64_t count) {
    TableLoad load(own, files, seed, loading);
    const data::Table rows = load.read().train;
    const std::vector<int64_t> assignment = load.folds(rows, count);
    TableSource each = own;  // what the target is, and its scale, all rows say: those of a fold might say something else
    const preprocess::TargetOptions how = load.settled(rows);
    each.task = how.task;
    each.target_scale = how.scale;
    // By time each part is foretold by those before it.
    const bool is_forward = !own.time.empty();
    const auto parts = [=](int64_t fold) {
      const auto [trained, held] = train::detail::fold_positions(assignment, fold + is_forward, is_forward);
      return TableLoad(each, files, seed, loading).parts_of(rows.take(trained), rows.take(held));
    };
    return FoldedData{count - is_forward, parts};
  };
  return out;
}

}  // namespace gradus::cli
