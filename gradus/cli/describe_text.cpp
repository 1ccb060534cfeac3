// A table's description as lines.
#include "gradus/cli/describe_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gradus/base/printable.hpp"
#include "gradus/base/text.hpp"
#include "gradus/cli/toml_text.hpp"
#include "gradus/data/table/date_text.hpp"
#include "gradus/data/text/utf8.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

using namespace core;
using train::with_commas;

namespace {

constexpr size_t kWidestName = 28, kShownRelations = 15, kShownValues = 6, kWidestValue = 24;

std::string number(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string short_text(const std::string& text, size_t widest) { return printable(text, widest); }

size_t length_of(const std::string& text) {
  return data::invalid_utf8(text) < 0 ? static_cast<size_t>(data::count_code_points(text)) : text.size();
}
std::string padded(const std::string& text, size_t width) {
  const size_t length = length_of(text);
  return length < width ? text + std::string(width - length, ' ') : text;
}

std::string bars(const data::Histogram& histogram, bool has_blocks) {
  static constexpr const char* blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static constexpr const char* letters[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
  const int64_t most = *std::max_element(histogram.counts.begin(), histogram.counts.end());
  std::string out;
  for (const int64_t count : histogram.counts) {
    const double height = most ? 8.0 * static_cast<double>(count) / static_cast<double>(most) : 0;
    const auto step = static_cast<size_t>(count > 0 ? std::max(1.0, std::round(height)) : 0);
    out += has_blocks ? blocks[step] : letters[step];
  }
  return out;
}

std::string numbers_lines(const data::ColumnSummary& column, const DescribeStyle& style) {
  if (std::isnan(column.minimum)) return "";
  const auto text = [&](double value) { return value_text(column.type, value); };
  std::string out =
      concat("    ", column.type == data::ColumnType::text ? "characters " : "", text(column.minimum), " | ", text(column.lower_quartile),
             " | ", text(column.median), " | ", text(column.upper_quartile), " | ", text(column.maximum));
  if (column.type != data::ColumnType::date) out += concat("   mean ", text(column.mean), ", deviation ", text(column.deviation));
  out += "\n";
  if (column.histogram.counts.size() > 1) out += "    [" + bars(column.histogram, style.has_blocks) + "]\n";
  return out;
}

std::string frequent_line(const data::ColumnSummary& column) {
  if (column.frequent.empty() || column.frequent[0].count < 2) return "";
  std::string out;
  for (size_t i = 0; i < std::min(kShownValues, column.frequent.size()); ++i) {
    const auto& [value, count] = column.frequent[i];
    const double share = static_cast<double>(count) / static_cast<double>(column.rows - column.missing);
    out += (i ? ", " : "    ") + short_text(value, kWidestValue) + number(" %.1f %%", 100 * share);
  }
  return out + (column.distinct > static_cast<int64_t>(kShownValues) ? ", ...\n" : "\n");
}

}  // namespace

std::string count_text(int64_t count, int64_t of) {
  if (count == 0 || of == 0) return with_commas(count);
  return with_commas(count) + number(" (%.1f %%)", 100 * static_cast<double>(count) / static_cast<double>(of));
}

std::string value_text(data::ColumnType type, double value) {
  if (std::isnan(value)) return "-";
  return type == data::ColumnType::date ? data::date_text(value) : number("%.6g", value);
}

train::Histogram histogram_of(const data::ColumnSummary& column) {
  const data::Histogram& shown = column.histogram;
  train::Histogram out{.name = printable(column.name, 60),
                       .low = value_text(column.type, column.minimum),
                       .high = value_text(column.type, column.maximum)};
  const double width = (shown.high - shown.low) / static_cast<double>(shown.counts.size());
  for (size_t i = 0; i < shown.counts.size(); ++i) {
    const double low = shown.low + width * static_cast<double>(i);
    out.counts.push_back(static_cast<double>(shown.counts[i]));
    out.bins.push_back(value_text(column.type, low) + " to " + value_text(column.type, low + width));
  }
  return out;
}

double strength(const data::Relation& relation) { return std::abs(relation.value); }

std::string relation_text(const data::Relation& relation) {
  switch (relation.measure) {
    case data::Measure::correlation:
      return number("r %+.3f", relation.value) + number(", by rank %+.3f", relation.by_rank);
    case data::Measure::cramer:
      return number("Cramer's V %.3f", relation.value);
    case data::Measure::ratio:
      return number("correlation ratio %.3f", relation.value);
  }
  return "";
}

std::vector<data::Relation> strongest(const data::Description& description, const std::string& target) {
  std::vector<data::Relation> out;
  for (const data::Relation& each : description.relations) {
    const bool is_wanted = target.empty() || description.columns[static_cast<size_t>(each.first)].name == target ||
                           description.columns[static_cast<size_t>(each.second)].name == target;
    if (is_wanted && !std::isnan(each.value)) out.push_back(each);
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return strength(a) > strength(b); });
  return out;
}

std::string pair_text(const data::Description& description, const data::Relation& relation, const std::string& target) {
  const std::string &a = description.columns[static_cast<size_t>(relation.first)].name,
                    &b = description.columns[static_cast<size_t>(relation.second)].name;
  if (target.empty()) return a + " and " + b;
  return a == target ? b : a;
}

std::string types_line(const data::Table& table) {
  std::string out;
  for (const data::Column& column : table.columns()) {
    std::string type = toml_text(std::string(name_of(column.type())));
    if (column.type() == data::ColumnType::ordinal) {
      type.clear();
      for (const std::string& each : column.categories()) type += (type.empty() ? "[" : ", ") + toml_text(each);
      type += "]";
    }
    out += (out.empty() ? "types = {" : ", ") + toml_key(column.name()) + " = " + type;
  }
  return out.empty() ? "types = {}\n" : out + "}\n";
}

std::string describe_text(const data::Description& description, const DescribeStyle& style, const std::vector<std::string>& notes) {
  std::string out = concat(printable(style.title), ": ", with_commas(description.rows), " rows, ", description.columns.size(), " columns, ",
                           with_commas(description.duplicates), " duplicate rows\n\n");
  size_t width = 0;
  for (const data::ColumnSummary& column : description.columns) width = std::max(width, length_of(short_text(column.name, kWidestName)));
  for (const data::ColumnSummary& column : description.columns) {
    out += concat(padded(short_text(column.name, kWidestName), width), "  ", padded(std::string(name_of(column.type)), 11), "  ",
                  count_text(column.missing, column.rows), " missing, ", with_commas(column.distinct), " distinct");
    if (column.infinite > 0) out += concat(", ", with_commas(column.infinite), " infinite");
    if (column.name == style.target) out += "   (the target)";
    out += "\n" + numbers_lines(column, style);
    const bool is_counted = !(column.type == data::ColumnType::date || column.type == data::ColumnType::numeric) || column.distinct <= 10;
    if (is_counted) out += frequent_line(column);
  }
  const std::vector<data::Relation> relations = strongest(description, style.target);
  if (!relations.empty()) out += style.target.empty() ? "\nstrongest relations\n" : "\nrelations to " + printable(style.target) + "\n";
  for (size_t i = 0; i < std::min(relations.size(), style.target.empty() ? kShownRelations : relations.size()); ++i) {
    const std::string pair = short_text(pair_text(description, relations[i], style.target), 2 * kWidestName);
    out += concat("  ", padded(pair, style.target.empty() ? 40 : width), "  ", relation_text(relations[i]), "\n");
  }
  if (!notes.empty() || !description.notes.empty()) out += "\n";
  for (const auto* all : {&notes, &description.notes}) {
    for (const std::string& note : *all) out += "note: " + printable(note) + "\n";
  }
  return out;
}

}  // namespace gradus::cli
