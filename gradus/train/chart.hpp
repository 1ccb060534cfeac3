// Line and scatter charts as SVG text, for reports.
#pragma once

#include <string>
#include <vector>

namespace gradus::train {

/// A line, or points, of a chart.
struct Curve {
  std::string name{};
  std::vector<double> x{}, y{};  ///< equally many; points that are not finite are left out
  bool is_scatter = false;       ///< points without a line
};

/// Curves over common axes.
struct Chart {
  std::string title{}, x_label{}, y_label{};
  std::vector<Curve> curves{};
  bool is_x_counted = false;  ///< marks on x at whole numbers only: epochs
  bool is_x_log = false;      ///< x by its logarithm; points at 0 and below are left out
};

/// How often numbers lie in bins of equal width.
struct Histogram {
  std::string name{};               ///< what is counted, for those who hear the page
  std::vector<double> counts{};     ///< one a bin, at least one
  std::vector<std::string> bins{};  ///< what each holds: "20 to 25"
  std::string low{}, high{};        ///< the ends of the axis, as they are written
};
/// The histogram as an <svg> element.
std::string to_svg(const Histogram& histogram);

/// Curves beyond that many repeat colours.
inline constexpr int kSeriesColours = 8;
/// The chart as an <svg> element. Its colours are CSS variables (--ink, --faint, --series-1 ...) of the page around it.
std::string to_svg(const Chart& chart);

/// Steps of 1, 2 or 5 times a power of ten that cover [low, high] with about `count` marks.
std::vector<double> axis_marks(double low, double high, int count);

/// `text` with & < > " ' and control characters replaced, to stand in HTML or SVG.
std::string escape_html(const std::string& text);

}  // namespace gradus::train
