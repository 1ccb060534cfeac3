// The source of [data] that is a table, and [preprocess].
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gradus/cli/recipe_sequences.hpp"
#include "gradus/data/table/table_fields.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::cli {

struct TableSource {
  std::string path{}, target{}, test_path{}, table{};
  double test = 0.2;
  bool stratify = true;
  std::string group{}, time{};
  preprocess::Task task = preprocess::Task::automatic;
  preprocess::TargetScale target_scale = preprocess::TargetScale::automatic;
  std::map<std::string, data::ColumnKind> types{};
  std::vector<std::string> names{}, missing = data::TableOptions().missing;
  std::string separator{}, encoding{}, decimal{}, comment{};
  data::Header header = data::Header::detect;
  data::Ragged ragged = data::Ragged::refuse;

  data::TableOptions reading() const;
  Source source(const Section& section, uint64_t seed) const;
  GRADUS_OPTIONS(path, target, test_path, table, test, stratify, group, time, task, target_scale, types, names, missing, separator,
                 encoding, decimal, comment, header, ragged)
};

/// The name of the target's column: a name, or "-1" for the last one, "3" for the third where none is called so.
std::string target_name(const std::string& said, const std::vector<std::string>& names, const std::string& path);

/// The steps of [preprocess]; none: they are chosen by the training table.
std::vector<preprocess::Step> read_steps(const Section& section);

}  // namespace gradus::cli
