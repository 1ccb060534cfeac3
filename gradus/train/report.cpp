// The report as HTML.
#include "gradus/train/report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gradus/base/text.hpp"
#include "gradus/io/png.hpp"
#include "gradus/train/report_style.hpp"

namespace gradus::train {

using core::concat;

namespace {

std::string number(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string percent(double share) { return number("%.1f %%", 100 * share); }

std::string headlines(const std::vector<Headline>& all) {
  if (all.empty()) return {};
  std::string out = "<div class=\"headlines\">\n";
  for (const Headline& one : all) {
    out += "<div class=\"headline\"><b>" + escape_html(one.value) + "</b><span>" + escape_html(one.label) + "</span></div>\n";
  }
  return out + "</div>\n";
}

std::string card(const std::string& title, const std::string& content) {
  return "<section class=\"card\"><h2>" + escape_html(title) + "</h2>\n" + content + "</section>\n";
}

std::string chart_card(const Chart& chart) {
  std::string legend = "<div class=\"legend\">";
  for (size_t i = 0; i < chart.curves.size(); ++i) {
    legend += "<span><i class=\"s" + std::to_string(i % kSeriesColours + 1) + "\"></i>" + escape_html(chart.curves[i].name) + "</span>";
  }
  return card(chart.title, legend + "</div>\n" + to_svg(chart));
}

bool looks_numeric(const std::string& text) { return !text.empty() && text.find_first_not_of("0123456789.,+-eE% ") == std::string::npos; }

std::string table_card(const ReportTable& table) {
  std::string out = "<table>";
  const auto row = [&](const std::vector<std::string>& cells, const char* tag) {
    out += "<tr>";
    for (size_t i = 0; i < cells.size(); ++i) {
      // A column is set right if its first cell is a number; the first column names things.
      const bool is_number =
          i > 0 && !table.header.empty() && !table.rows.empty() && i < table.rows[0].size() && looks_numeric(table.rows[0][i]);
      out += std::string("<") + tag +
             (is_number                        ? " class=\"num\""
              : i == 0 && table.header.empty() ? " class=\"key\""
                                               : "") +
             ">" + escape_html(cells[i]) + "</" + tag + ">";
    }
    out += "</tr>\n";
  };
  if (!table.header.empty()) {
    out += "<thead>";
    row(table.header, "th");
    out += "</thead>";
  }
  out += "<tbody>";
  for (const auto& cells : table.rows) row(cells, "td");
  return card(table.title, out + "</tbody></table>\n");
}

std::string confusion_card(const Confusion& confusion) {
  const size_t classes = confusion.class_names.size();
  if (classes == 0 || confusion.counts.size() != classes * classes) return {};
  std::string out = "<table class=\"confusion\"><thead><tr><th></th>";
  for (const std::string& name : confusion.class_names) out += "<th class=\"column\"><span>" + escape_html(name) + "</span></th>";
  out += "<th class=\"column\"><span class=\"faint\">recognised</span></th></tr></thead>\n<tbody>";
  for (size_t i = 0; i < classes; ++i) {
    int64_t total = 0;
    for (size_t j = 0; j < classes; ++j) total += confusion.counts[i * classes + j];
    out += "<tr><th class=\"row\">" + escape_html(confusion.class_names[i]) + "</th>";
    for (size_t j = 0; j < classes; ++j) {
      const int64_t count = confusion.counts[i * classes + j];
      const double share = total ? static_cast<double>(count) / static_cast<double>(total) : 0;
      // The square root makes rare confusions visible beside the diagonal.
      const double shade = std::sqrt(share);
      out += std::string("<td class=\"") +
             (count == 0    ? "zero"
              : shade > 0.6 ? "strong"
                            : "") +
             "\" style=\"--p:" + number("%.2f", shade) + "\" title=\"" + escape_html(confusion.class_names[i]) + " taken for " +
             escape_html(confusion.class_names[j]) + ": " + std::to_string(count) + "\">" + std::to_string(count) + "</td>";
    }
    const double recall = total ? static_cast<double>(confusion.counts[i * classes + i]) / static_cast<double>(total) : 0;
    out += "<td class=\"recall\">" + (total ? percent(recall) : "-") + "</td></tr>\n";
  }
  return card("Confusion matrix",
              out + "</tbody></table>\n<p class=\"note\">Rows: what the sample is. Columns: what the model said.</p>\n");
}

std::string heat_map_card(const HeatMap& map) {
  const auto name = [](const std::vector<std::string>& names, int64_t i) {
    return static_cast<size_t>(i) < names.size() ? escape_html(names[static_cast<size_t>(i)]) : std::string();
  };
  std::string out = "<div class=\"wide\"><table class=\"heat\">";
  if (!map.column_names.empty()) {
    out += "<thead><tr><th></th>";
    for (int64_t j = 0; j < map.columns; ++j) out += "<th class=\"column\"><span>" + name(map.column_names, j) + "</span></th>";
    out += "</tr></thead>\n";
  }
  out += "<tbody>";
  for (int64_t i = 0; i < map.rows; ++i) {
    out += "<tr><th class=\"row\">" + name(map.row_names, i) + "</th>";
    for (int64_t j = 0; j < map.columns; ++j) {
      const double value = map.values[static_cast<size_t>(i * map.columns + j)];
      out += std::string("<td") + (value < 0 ? " class=\"minus\"" : "") + " style=\"--p:" + number("%.2f", std::min(1.0, std::abs(value))) +
             "\" title=\"" + number("%.3g", value) + "\"></td>";
    }
    out += "</tr>\n";
  }
  return card(map.title, out + "</tbody></table></div>\n<p class=\"note\">" + escape_html(map.note) + "</p>\n");
}

// A row a bar: its name, the bar from zero with its interval as a thin line, its number.
std::string bars_table(const std::vector<Bar>& bars) {
  double low = 0, high = 0;
  for (const Bar& bar : bars) {
    low = std::min({low, bar.value, bar.low < bar.high ? bar.low : 0});
    high = std::max({high, bar.value, bar.low < bar.high ? bar.high : 0});
  }
  const double range = high > low ? high - low : 1;
  const auto at = [&](double value) { return 100 * (value - low) / range; };
  const auto span = [&](const char* kind, double from, double to) {
    return concat("<i class=\"", kind, "\" style=\"left:", number("%.2f", at(std::min(from, to))),
                  "%;width:", number("%.2f", at(std::max(from, to)) - at(std::min(from, to))), "%\"></i>");
  };
  std::string out = "<table class=\"bars\"><tbody>";
  for (const Bar& bar : bars) {
    const std::string text = bar.text.empty() ? number("%.4g", bar.value) : bar.text;
    out += "<tr><td class=\"key\" title=\"" + escape_html(bar.name) + "\">" + escape_html(bar.name) + "</td><td class=\"track\"><div>" +
           span(bar.value < 0 ? "bar minus" : "bar", 0, bar.value) + (bar.low < bar.high ? span("whisker", bar.low, bar.high) : "") +
           "</div></td><td class=\"num\">" + escape_html(text) + "</td></tr>\n";
  }
  return out + "</tbody></table>\n";
}
std::string bars_card(const BarChart& chart) {
  return card(chart.title, bars_table(chart.bars) + (chart.note.empty() ? "" : "<p class=\"note\">" + escape_html(chart.note) + "</p>\n"));
}

std::string column_card(const ReportColumn& column) {
  return card(column.name, "<p class=\"facts\">" + escape_html(column.facts) + "</p>\n" +
                               (column.histogram.counts.empty() ? "" : to_svg(column.histogram)) +
                               (column.bars.empty() ? "" : bars_table(column.bars)));
}

std::string figure(const SampleImage& sample) {
  std::string out = "<figure><img alt=\"" + escape_html(sample.truth) + "\" src=\"" +
                    io::png_data_uri(sample.pixels, sample.height, sample.width, sample.channels) + "\"><figcaption>";
  out += sample.is_right ? "<span class=\"good\">\u2713 " : "<span class=\"bad\">\u2717 ";
  out +=
      escape_html(sample.prediction) + "</span><br><span class=\"faint\">" + number("%.0f&nbsp;%%", 100 * sample.probability) + "</span>";
  if (!sample.is_right) out += "<br><span class=\"faint\">is " + escape_html(sample.truth) + "</span>";
  return out + "</figcaption></figure>\n";
}

std::string samples_card(const std::vector<SampleImage>& samples) {
  std::string right, wrong;
  for (const SampleImage& sample : samples) (sample.is_right ? right : wrong) += figure(sample);
  std::string out;
  if (!right.empty()) out += card("Test samples that the model recognised", "<div class=\"samples\">\n" + right + "</div>\n");
  if (!wrong.empty()) out += card("Mistakes, the surest first", "<div class=\"samples\">\n" + wrong + "</div>\n");
  return out;
}

std::string pictures_card(const PictureRow& row) {
  std::string out = "<div class=\"pictures\">\n";
  for (const Picture& picture : row.pictures)
    out += "<figure><img alt=\"" + escape_html(picture.caption) + "\" src=\"" +
           io::png_data_uri(picture.pixels, picture.height, picture.width, picture.channels) + "\"><figcaption>" +
           escape_html(picture.caption) + "</figcaption></figure>\n";
  out += "</div>\n";
  if (!row.note.empty()) out += "<p class=\"note\">" + escape_html(row.note) + "</p>\n";
  return card(row.title, out);
}

}  // namespace

std::string to_html(const Report& report) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width,initial-scale=1\">\n<title>" +
      escape_html(report.title) + "</title>\n<style>" + kReportStyle + "</style></head>\n<body><main>\n<h1>" + escape_html(report.title) +
      "</h1>\n<p class=\"subtitle\">" + escape_html(report.subtitle) + "</p>\n";
  out += headlines(report.headlines);
  out += "<div class=\"cards\">\n";
  for (const ReportTable& table : report.scores) out += table_card(table);
  for (const BarChart& chart : report.bars) out += bars_card(chart);
  out += "</div>\n";
  out += report.charts.size() % 3 == 0 ? "<div class=\"cards three\">\n" : "<div class=\"cards\">\n";
  for (const Chart& chart : report.charts) out += chart_card(chart);
  out += "</div>\n<div class=\"cards three\">\n";
  for (const ReportColumn& column : report.columns) out += column_card(column);
  out += "</div>\n";
  out += "<div class=\"cards\">\n" + confusion_card(report.confusion) + (report.classes.rows.empty() ? "" : table_card(report.classes)) +
         "</div>\n";
  out += samples_card(report.samples);
  for (const PictureRow& row : report.pictures) out += pictures_card(row);
  if (!report.heat_maps.empty()) {
    out += "<div class=\"cards\">\n";
    for (const HeatMap& map : report.heat_maps) out += heat_map_card(map);
    out += "</div>\n";
  }
  // The first table is the long one; the others stand beside it.
  out += "<div class=\"cards\">\n";
  for (size_t i = 0; i < report.tables.size(); ++i) {
    if (i < 2) out += i == 0 ? "<div>\n" : "</div>\n<div>\n";
    out += table_card(report.tables[i]);
  }
  out += report.tables.empty() ? "</div>\n" : "</div></div>\n";
  if (!report.recipe.empty()) {
    out += "<section class=\"card\"><details><summary>Recipe</summary><pre>" + escape_html(report.recipe) + "</pre></details></section>\n";
  }
  return out + "</main></body></html>\n";
}

}  // namespace gradus::train
