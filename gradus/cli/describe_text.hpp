// A table's description for people: as lines for a terminal, and as a page.
#pragma once

#include <string>

#include "gradus/data/table/describe.hpp"
#include "gradus/train/chart.hpp"

namespace gradus::cli {

struct DescribeStyle {
  std::string title{};     ///< the file
  std::string target{};    ///< column whose relation to the others is shown; "": none
  bool has_blocks = true;  ///< histograms of Unicode blocks, else of ASCII
};

/// Lines without anything that a terminal would obey. `notes` are those of reading.
std::string describe_text(const data::Description& description, const DescribeStyle& style, const std::vector<std::string>& notes);

/// A page that needs neither network nor script.
std::string describe_page(const data::Description& description, const DescribeStyle& style, const std::vector<std::string>& notes);

/// The TOML line that says what the columns are, to be edited: `types = {age = "numeric", size = ["S", "M"]}`.
std::string types_line(const data::Table& table);

// Of both.
/// "1,836 (5.6 %)"; "0" alone.
std::string count_text(int64_t count, int64_t of);
/// A number of a column, a date as one; "-" for nan.
std::string value_text(data::ColumnType type, double value);
/// Of a column with numbers.
train::Histogram histogram_of(const data::ColumnSummary& column);
/// How strongly two columns go together, 0 to 1, and in words: "r 0.81, by rank 0.79".
double strength(const data::Relation& relation);
std::string relation_text(const data::Relation& relation);
/// Relations that have a value, the strongest first; with a target, its own only.
std::vector<data::Relation> strongest(const data::Description& description, const std::string& target);
/// "age and hours", or with a target the other column.
std::string pair_text(const data::Description& description, const data::Relation& relation, const std::string& target);

}  // namespace gradus::cli
