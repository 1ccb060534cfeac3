// Charts as SVG text.
#include "gradus/train/chart.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace gradus::train {

namespace {

constexpr double kWidth = 400, kHeight = 260, kRight = 14, kTop = 12, kBottom = 44;
constexpr double kLabel = 18, kDigit = 6.75, kGap = 9;  // left of the plot: its label, and marks of so many digits

std::string number(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

// A linear map of [low, high] to pixels.
struct Scale {
  double low = 0, high = 1, from = 0, to = 1;
  double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

Scale fitted(const std::vector<Curve>& curves, std::vector<double> Curve::*member, double from, double to) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const Curve& curve : curves) {
    for (const double value : curve.*member) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
  }
  if (low > high) low = 0, high = 1;
  if (low == high) {
    const double margin = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= margin;
    high += margin;
  }
  return {low, high, from, to};
}

void widen(Scale& scale) {
  const double margin = (scale.high - scale.low) * 0.05;
  scale.low = scale.low >= 0 && scale.low - margin < 0 ? 0 : scale.low - margin;
  scale.high += margin;
}

// Room for the marks of y.
double left_margin(const Scale& y) {
  size_t longest = 4;
  for (const double mark : axis_marks(y.low, y.high, 5)) longest = std::max(longest, number("%.6g", mark).size());
  return kLabel + kDigit * static_cast<double>(longest) + kGap;
}

// Marks of an axis of logarithms: powers of ten, where they are few 2 and 5 times those too.
std::vector<double> log_marks(double low, double high) {
  std::vector<double> marks;
  const double decades = high - low, every = std::max(1.0, std::ceil(decades / 8));
  for (double power = std::floor(low); power <= high && marks.size() < 50; power += every) {
    for (const double lead : {1.0, 2.0, 5.0}) {
      const double mark = power + std::log10(lead);
      if ((lead == 1 || decades < 2.5) && mark >= low - 1e-9 && mark <= high + 1e-9) marks.push_back(mark);
    }
  }
  return marks;
}

std::string grid(const Chart& chart, const Scale& x, const Scale& y) {
  std::string out;
  for (const double mark : axis_marks(y.low, y.high, 5)) {
    const std::string at = number("%.1f", y(mark));
    out += "<line class=\"grid\" x1=\"" + number("%.1f", x.from) + "\" x2=\"" + number("%.1f", x.to) + "\" y1=\"" + at + "\" y2=\"" + at +
           "\"/><text class=\"mark\" text-anchor=\"end\" x=\"" + number("%.1f", x.from - 7) + "\" y=\"" + number("%.1f", y(mark) + 4) +
           "\">" + number("%.6g", mark) + "</text>\n";
  }
  for (const double mark : chart.is_x_log ? log_marks(x.low, x.high) : axis_marks(x.low, x.high, 8)) {
    if (chart.is_x_counted && mark != std::round(mark)) continue;
    out += "<text class=\"mark\" text-anchor=\"middle\" x=\"" + number("%.1f", x(mark)) + "\" y=\"" + number("%.1f", y.from + 18) + "\">" +
           number("%.6g", chart.is_x_log ? std::pow(10, mark) : mark) + "</text>\n";
  }
  out += "<text class=\"mark\" text-anchor=\"middle\" x=\"" + number("%.1f", (x.from + x.to) / 2) + "\" y=\"" +
         number("%.1f", kHeight - 6) + "\">" + escape_html(chart.x_label) + "</text>\n";
  if (!chart.y_label.empty()) {
    const std::string middle = number("%.1f", (y.from + y.to) / 2);
    out += "<text class=\"mark\" text-anchor=\"middle\" transform=\"rotate(-90)\" x=\"-" + middle + "\" y=\"12\">" +
           escape_html(chart.y_label) + "</text>\n";
  }
  return out;
}

struct Scales {
  Scale x{}, y{};
  bool is_x_log = false;
};
std::string drawn(const Curve& curve, int colour, const Scales& scales) {
  const auto& [x, y, is_x_log] = scales;
  const std::string style = "s" + std::to_string(colour % kSeriesColours + 1);
  std::string line, points;
  const size_t count = std::min(curve.x.size(), curve.y.size());
  const bool has_points = curve.is_scatter || count <= 60;
  for (size_t i = 0; i < count; ++i) {
    if (!std::isfinite(curve.x[i]) || !std::isfinite(curve.y[i])) continue;
    const std::string u = number("%.1f", x(curve.x[i])), v = number("%.1f", y(curve.y[i]));
    line += (line.empty() ? "" : " ") + u + "," + v;
    if (!has_points) continue;
    points += "<circle class=\"" + style + "\" cx=\"" + u + "\" cy=\"" + v + "\" r=\"" + (curve.is_scatter ? "2.2" : "3") + "\"><title>" +
              escape_html(curve.name) + " " + number("%.5g", curve.y[i]) + " at " +
              number("%.5g", is_x_log ? std::pow(10, curve.x[i]) : curve.x[i]) + "</title></circle>\n";
  }
  if (curve.is_scatter) return points;
  return "<polyline class=\"" + style + "\" points=\"" + line + "\"/>\n" + points;
}

}  // namespace

std::string to_svg(const Histogram& histogram) {
  constexpr double width = 300, height = 90;
  const double most = *std::max_element(histogram.counts.begin(), histogram.counts.end());
  const double step = width / static_cast<double>(histogram.counts.size());
  std::string out = "<svg class=\"chart\" viewBox=\"0 0 " + number("%.0f", width) + " " + number("%.0f", height + 16) +
                    "\" role=\"img\" aria-label=\"histogram of " + escape_html(histogram.name) + "\">\n";
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    const double tall = most > 0 ? height * histogram.counts[i] / most : 0;
    out += "<rect class=\"bin\" x=\"" + number("%.1f", step * static_cast<double>(i) + 0.5) + "\" y=\"" + number("%.1f", height - tall) +
           "\" width=\"" + number("%.1f", std::max(step - 1, 1.0)) + "\" height=\"" + number("%.1f", tall) + "\"><title>" +
           (i < histogram.bins.size() ? escape_html(histogram.bins[i]) + ": " : std::string()) + number("%.0f", histogram.counts[i]) +
           "</title></rect>\n";
  }
  const auto mark = [&](const char* anchor, double x, const std::string& text) {
    return "<text class=\"mark\" text-anchor=\"" + std::string(anchor) + "\" x=\"" + number("%.0f", x) + "\" y=\"" +
           number("%.0f", height + 14) + "\">" + escape_html(text) + "</text>\n";
  };
  return out + mark("start", 0, histogram.low) + mark("end", width, histogram.high) + "</svg>\n";
}

std::string to_svg(const Chart& given) {
  Chart chart = given;
  for (Curve& curve : chart.curves) {
    for (double& value : curve.x) value = !chart.is_x_log ? value : value > 0 ? std::log10(value) : std::nan("");
  }
  Scale y = fitted(chart.curves, &Curve::y, kHeight - kBottom, kTop);
  widen(y);
  const Scale x = fitted(chart.curves, &Curve::x, left_margin(y), kWidth - kRight);
  std::string out = "<svg class=\"chart\" viewBox=\"0 0 " + number("%.0f", kWidth) + " " + number("%.0f", kHeight) +
                    "\" role=\"img\" aria-label=\"" + escape_html(chart.title) + "\">\n";
  out += grid(chart, x, y);
  for (size_t i = 0; i < chart.curves.size(); ++i) out += drawn(chart.curves[i], static_cast<int>(i), {x, y, chart.is_x_log});
  return out + "</svg>\n";
}

std::vector<double> axis_marks(double low, double high, int count) {
  std::vector<double> marks;
  if (!(high > low) || count < 1 || !std::isfinite(high - low)) return marks;
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  const double lead = rough / power - 1e-9;
  const double step = power * (lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 5 ? 5 : 10);
  const double first = std::ceil(low / step - 1e-9);
  for (int i = 0; i <= 3 * count; ++i) {
    const double mark = (first + i) * step;
    if (mark > high + step * 1e-9) break;
    marks.push_back(first + i == 0 ? 0 : mark);
  }
  return marks;
}

std::string escape_html(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '\n':
      case '\t':
        out += c;
        break;
      default:
        out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? "\u2400" : std::string(1, c);  // no such character in HTML
    }
  }
  return out;
}

}  // namespace gradus::train
