// Tables for trained models: read piece by piece, in the columns and types that training had, and what the model says of them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gradus/data/table/read_table.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::cli {

inline bool takes_tables(const nn::ModelInfo& info) { return info.pipeline.exists(); }

/// A file of rows for a model. Columns are found by name, in any order; of a file without names, of which there are as many as the model
/// takes, by place. Cells that are none of their column's type count as missing and are counted.
class TableInput {
 public:
  /// Throws for a column that the model takes and the file lacks, naming the nearest.
  TableInput(const std::string& path, const preprocess::Pipeline& pipeline);

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
  const preprocess::Pipeline& pipeline_;
  std::string path_;
  std::optional<data::TableReader> reader_{};
  std::optional<data::Table> whole_{};  // of files that are not read piece by piece
  std::vector<std::string> of_whole_{};
  bool has_target_ = false;
};

/// Prints lines on the standard error stream, each behind "note: ", the first `most` of them.
void print_notes(const std::vector<std::string>& notes, size_t most = 20);

}  // namespace gradus::cli
