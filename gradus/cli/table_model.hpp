// Tables for trained models: read piece by piece, in the columns and types that training had, and what the model says of them.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/data/table/read_table.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::cli {

/// What a model takes, and how files are read for it: as its recipe says of encoding, decimal mark, cells that say "missing", and the like.
struct TableModel {
  preprocess::Pipeline pipeline{};  ///< not fitted: the model takes no tables
  data::TableOptions reading{};
};
/// `what` is the file, for messages.
TableModel table_model(const nn::ModelInfo& info, const std::string& what);

/// A file of rows for a model. Columns are found by name, in any order; of a file without names, of which there are as many as the model
/// takes, by place. Cells that are none of their column's type count as missing and are counted.
class TableInput {
 public:
  /// Throws for a column that the model takes and the file lacks, naming the nearest. `others`: columns that are read as well.
  TableInput(const std::string& path, const TableModel& model, std::vector<std::string> others = {});

  /// The next rows; nothing at the end.
  std::optional<data::Table> next();
  /// All rows at once, instead of next().
  data::Table rest();
  /// Whether the file has the target.
  bool has_target() const { return has_target_; }
  /// What was treated so far, in words; and what the pipeline treated.
  std::vector<std::string> notes() const;
  preprocess::Treatments treatments{};

 private:
  data::TableOptions options_for(const std::vector<std::string>& names, bool are_names);
  void note_further(const std::vector<std::string>& names, const std::vector<std::string>& wanted);
  const preprocess::Pipeline& pipeline_;
  data::TableOptions reading_;
  std::string path_;
  std::vector<std::string> others_, of_names_{};
  std::optional<data::TableReader> reader_{};
  std::optional<data::Table> whole_{};  // of files that are not read piece by piece
  std::vector<std::string> of_whole_{};
  bool has_target_ = false;
};

/// Rows of a file with their targets, as a model's pipeline makes samples of them, and what was treated on the way.
struct LabelledRows {
  data::Table table{};
  data::Dataset set{};
  std::vector<std::string> notes{};
};
/// Rows without a target are left out, and noted. Throws for a file without the target's column, and for one of whose rows none has a
/// target.
LabelledRows read_labelled(const std::string& path, const TableModel& model, std::vector<std::string> others = {});

/// The rows whose target is known; of the others a line in `notes`. Throws, of `path`, where there are none.
data::Table with_target(const data::Table& table, const std::string& target, const std::string& path, std::vector<std::string>& notes);

/// The rows of classes that the pipeline knows; of the others a line in `notes`. Throws, of `path`, where there are none.
data::Table of_known_classes(const data::Table& table, const preprocess::Pipeline& pipeline, const std::string& path,
                             std::vector<std::string>& notes);

/// f(); an error of a pipeline, or of a column that is not there, is told as one of the file whose rows go through it.
template <class F>
auto of_file(const std::string& path, const F& f) -> decltype(f()) {
  try {
    return f();
  } catch (const Error& error) {
    static constexpr std::string_view places[] = {"Pipeline", "automatic_steps", "Table", "split"};
    if (std::find(std::begin(places), std::end(places), error.place()) == std::end(places)) throw;
    throw Error(error.kind(), path, error.problem());
  }
}

/// Prints lines on the standard error stream, each behind "note: ", the first `most` of them.
void print_notes(const std::vector<std::string>& notes, size_t most = 20);

}  // namespace gradus::cli
