// A table's description as an HTML page, in the style of reports.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gradus/base/printable.hpp"
#include "gradus/base/text.hpp"
#include "gradus/cli/describe_text.hpp"
#include "gradus/train/chart.hpp"
#include "gradus/train/progress.hpp"
#include "gradus/train/report_style.hpp"

namespace gradus::cli {

using namespace core;
using train::escape_html;
using train::with_commas;

namespace {

constexpr size_t kShownRelations = 30, kShownColumns = 500, kHeatColumns = 40;

constexpr const char kStyle[] = R"css(
.column h3{margin:0 0 2px;font-size:15px;overflow-wrap:anywhere}
.column .facts{color:var(--faint);font-size:13px;margin:0 0 8px}
.column td.value{max-width:150px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.column td{font-size:13px}
.bar{height:9px;border-radius:3px;background:var(--series-1);min-width:1px}
.column td.share{width:45%;vertical-align:middle}
)css";

std::string number(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// Text of the user's in HTML: what turns the direction of writing is spelt out too.
std::string safe(const std::string& text, size_t most = 60) { return escape_html(printable(text, most)); }

std::string frequent(const data::ColumnSummary& column) {
  std::string out = "<table>";
  for (const auto& [value, count] : column.frequent) {
    const double share = static_cast<double>(count) / static_cast<double>(column.rows - column.missing);
    out += "<tr><td class=\"value\" title=\"" + safe(value, 400) + "\">" + safe(value) + "</td><td class=\"num\">" + with_commas(count) +
           "</td><td class=\"share\"><div class=\"bar\" style=\"width:" + number("%.1f", 100 * share) + "%\"></div></td></tr>\n";
  }
  return out + "</table>\n";
}

std::string quartiles(const data::ColumnSummary& column) {
  const auto row = [&](const char* what, double value) {
    return concat("<tr><td class=\"key\">", what, "</td><td class=\"num\">", value_text(column.type, value), "</td></tr>");
  };
  std::string out = "<table>" + row("minimum", column.minimum) + row("lower quartile", column.lower_quartile) +
                    row("median", column.median) + row("upper quartile", column.upper_quartile) + row("maximum", column.maximum) +
                    row("mean", column.mean);
  if (column.type != data::ColumnType::date) out += row("deviation", column.deviation);
  return out + "</table>\n";
}

std::string column_card(const data::ColumnSummary& column, bool is_target) {
  std::string out =
      "<section class=\"card column\"><h3>" + safe(column.name, 200) + (is_target ? " <span class=\"faint\">the target</span>" : "") +
      "</h3><p class=\"facts\">" + std::string(name_of(column.type)) + ", " + count_text(column.missing, column.rows) + " missing, " +
      with_commas(column.distinct) + " distinct" + (column.infinite ? ", " + with_commas(column.infinite) + " infinite" : "") + "</p>\n";
  if (!std::isnan(column.minimum)) {
    if (column.type == data::ColumnType::text) out += "<p class=\"facts\">lengths in characters</p>\n";
    if (column.histogram.counts.size() > 1) out += to_svg(histogram_of(column));
    out += quartiles(column);
  }
  const bool has_names = column.type != data::ColumnType::numeric && column.type != data::ColumnType::date;
  if (!column.frequent.empty() && (has_names || column.distinct <= 10)) out += frequent(column);
  return out + "</section>\n";
}

// Strengths of the first columns that take part; a minus where a correlation is below 0.
std::string heat_map(const data::Description& description) {
  const size_t count = std::min(description.related.size(), kHeatColumns);
  if (count < 2) return "";
  const auto name = [&](size_t i) { return safe(description.columns[static_cast<size_t>(description.related[i])].name, 24); };
  std::string out = "<section class=\"card\"><h2>Relations</h2><div class=\"wide\"><table class=\"heat\"><thead><tr><th></th>";
  for (size_t i = 0; i < count; ++i) out += "<th class=\"column\"><span>" + name(i) + "</span></th>";
  out += "</tr></thead><tbody>\n";
  for (size_t i = 0; i < count; ++i) {
    out += "<tr><th class=\"row\">" + name(i) + "</th>";
    for (size_t j = 0; j < count; ++j) {
      const data::Relation* relation = i == j ? nullptr : description.relation(description.related[i], description.related[j]);
      const double value = i == j ? 1 : relation && !std::isnan(relation->value) ? relation->value : 0;
      out += std::string("<td") + (value < 0 ? " class=\"minus\"" : "") + " style=\"--p:" + number("%.2f", std::abs(value)) +
             "\" title=\"" + name(i) + " and " + name(j) + (relation ? ": " + relation_text(*relation) : std::string()) + "\"></td>";
    }
    out += "</tr>\n";
  }
  out +=
      "</tbody></table></div><p class=\"note\">Numbers: Pearson's r, below 0 in the other colour. Categories: Cramér's V. Both: "
      "correlation ratio.";
  if (description.related.size() > count) out += concat(" The first ", count, " of ", description.related.size(), " columns.");
  return out + "</p></section>\n";
}

std::string relations(const data::Description& description, const std::string& target) {
  std::vector<data::Relation> all = strongest(description, target);
  if (all.empty()) return "";
  all.resize(std::min(all.size(), kShownRelations));
  std::string out =
      "<section class=\"card\"><h2>" + (target.empty() ? "Strongest relations" : "Relations to " + safe(target)) + "</h2><table>";
  for (const data::Relation& each : all)
    out += "<tr><td>" + safe(pair_text(description, each, target), 80) + "</td><td>" + escape_html(relation_text(each)) + "</td></tr>\n";
  return out + "</table></section>\n";
}

std::string headline(const std::string& value, const char* label) {
  return "<div class=\"headline\"><b>" + value + "</b><span>" + label + "</span></div>\n";
}

}  // namespace

std::string describe_page(const data::Description& description, const DescribeStyle& style, const std::vector<std::string>& notes) {
  int64_t missing = 0;
  for (const data::ColumnSummary& column : description.columns) missing += column.missing;
  const auto width = static_cast<int64_t>(description.columns.size());
  std::string out = concat(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">\n<title>",
      safe(style.title, 200), "</title>\n<style>", train::kReportStyle, kStyle, "</style></head>\n<body><main>\n<h1>",
      safe(style.title, 200), "</h1>\n<p class=\"subtitle\">What the table holds, column by column</p>\n<div class=\"headlines\">\n");
  out += headline(with_commas(description.rows), "rows") + headline(with_commas(width), "columns") +
         headline(count_text(missing, description.rows * width), "missing cells") +
         headline(with_commas(description.duplicates), "duplicate rows") + "</div>\n";
  std::string lines;
  for (const auto* all : {&notes, &description.notes}) {
    for (const std::string& note : *all) lines += "<li>" + safe(note, 1000) + "</li>\n";
  }
  if (!lines.empty()) out += "<section class=\"card\"><h2>Notes</h2><ul>" + lines + "</ul></section>\n";
  out += "<div class=\"cards\">\n" + relations(description, style.target) + heat_map(description) + "</div>\n<div class=\"cards three\">\n";
  for (size_t i = 0; i < std::min(description.columns.size(), kShownColumns); ++i)
    out += column_card(description.columns[i], description.columns[i].name == style.target);
  out += "</div>\n";
  if (description.columns.size() > kShownColumns) out += concat("<p class=\"note\">The first ", kShownColumns, " columns.</p>\n");
  return out + "</main></body></html>\n";
}

}  // namespace gradus::cli
