// Printing of arrays in NumPy's form (numpy/_core/arrayprint.py with its default options).
#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>

#include "gradus/base/text.hpp"
#include "gradus/graph/array.hpp"
#include "gradus/graph/evaluate.hpp"

namespace gradus {

using namespace core;

namespace {

constexpr int64_t kThreshold = 1000, kEdge = 3;  // above so many elements only so many at each end of an axis are shown
constexpr size_t kLineWidth = 75;
constexpr int kPrecision = 8;

// ---- digits

template <class T>
std::string shortest(T value, std::chars_format format) {
  char digits[512];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value, format).ptr);
}
std::string rounded(double value, std::chars_format format, int precision) {
  char digits[512];
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, value, format, precision).ptr);
}
// The shortest digits that a 16-bit float is read back from.
template <class T>
std::string shortest_16_bit(T value, std::chars_format format) {
  for (int precision = 1; precision < 10; ++precision) {
    const std::string text = rounded(static_cast<float>(value), std::chars_format::scientific, precision - 1);
    double read = 0;
    std::from_chars(text.data(), text.data() + text.size(), read);
    if (T(static_cast<float>(read)).bits == value.bits) return shortest(read, format);
  }
  return shortest(static_cast<float>(value), format);
}

// Before and after the point, and the exponent ("+08"), of a number's shortest digits, at most kPrecision of them after the point.
struct Digits {
  std::string whole{}, fraction{}, exponent{};
};
Digits split(const std::string& text) {
  Digits out;
  const size_t e = text.find('e'), point = std::min(text.find('.'), e);
  out.whole = text.substr(0, std::min(point, text.size()));
  if (point < std::min(e, text.size())) out.fraction = text.substr(point + 1, e == std::string::npos ? e : e - point - 1);
  if (e != std::string::npos) out.exponent = text.substr(e + 1);
  return out;
}
Digits cut(const std::string& text) {
  Digits out = split(text);
  while (!out.fraction.empty() && out.fraction.back() == '0') out.fraction.pop_back();
  return out;
}
template <class T>
Digits digits_of(T value, std::chars_format format) {
  Digits digits;
  if constexpr (sizeof(T) == 2) digits = cut(shortest_16_bit(value, format));
  else digits = cut(shortest(value, format));
  if (digits.fraction.size() > kPrecision) digits = cut(rounded(static_cast<double>(value), format, kPrecision));
  return digits;
}

std::string pad_left(const std::string& text, size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
}

// ---- one format for all elements shown

template <class T>
std::vector<std::string> words_of_floats(const std::vector<T>& values) {
  double largest = 0, smallest = INFINITY;
  bool is_finite = true, has_negative_infinity = false;
  for (const T value : values) {
    const double size = std::fabs(static_cast<double>(value));
    if (!std::isfinite(size)) {
      is_finite = false;
      has_negative_infinity |= static_cast<double>(value) == -INFINITY;
    } else if (size != 0) {
      largest = std::max(largest, size);
      smallest = std::min(smallest, size);
    }
  }
  const bool is_scientific = largest > 0 && (largest >= 1e8 || smallest < 0.0001 || largest / smallest > 1000);
  const auto format = is_scientific ? std::chars_format::scientific : std::chars_format::fixed;
  std::vector<Digits> digits;
  size_t left = 0, right = 0, exponent = 0;
  for (const T value : values) {
    digits.push_back(std::isfinite(static_cast<double>(value)) ? digits_of(value, format) : Digits{});
    left = std::max(left, digits.back().whole.size());
    right = std::max(right, digits.back().fraction.size());
    exponent = std::max(exponent, digits.back().exponent.size());
  }
  size_t width_right = right + (is_scientific ? exponent + 1 : 0);
  if (!is_finite) {
    const size_t needed = has_negative_infinity ? 4 : 3;
    left = std::max(left, needed > width_right + 1 ? needed - width_right - 1 : 0);
  }
  std::vector<std::string> words;
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = static_cast<double>(values[i]);
    if (!std::isfinite(value)) {
      words.push_back(pad_left(std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf", left + width_right + 1));
      continue;
    }
    Digits shown = digits[i];
    if (is_scientific && shown.fraction.size() < right) shown = split(rounded(value, format, static_cast<int>(right)));
    std::string word = pad_left(shown.whole, left) + "." + shown.fraction;
    if (is_scientific) {
      word += "e" + shown.exponent.substr(0, 1) + std::string(exponent - shown.exponent.size(), '0') + shown.exponent.substr(1);
    } else {
      word += std::string(right - shown.fraction.size(), ' ');
    }
    words.push_back(std::move(word));
  }
  return words;
}

template <class T>
std::vector<std::string> words_of(const std::vector<T>& values) {
  if constexpr (!std::is_integral_v<T>) {
    return words_of_floats(values);
  } else {
    std::vector<std::string> words;
    size_t width = 0;
    for (const T value : values) {
      words.push_back(to_text(static_cast<int64_t>(value)));
      width = std::max(width, words.back().size());
    }
    for (std::string& word : words) word = pad_left(word, width);
    return words;
  }
}

// ---- layout

class Printer {
 public:
  explicit Printer(const Array& array) : shape_(array.shape()), is_cut_(array.size() > kThreshold) {
    const void* data = row_major_data(array);
    if (shape_.size() == 0) return;
    collect(0, 0);
    if (array.dtype().is_bool()) {
      for (const int64_t at : shown_) words_.push_back(static_cast<const bool*>(data)[at] ? " True" : "False");
      return;
    }
    visit_dtype(array.dtype(), [&]<class T>(T) {
      std::vector<T> values;
      for (const int64_t at : shown_) values.push_back(static_cast<const T*>(data)[at]);
      if constexpr (!std::same_as<T, bool>) words_ = words_of(values);
    });
  }

  std::string text() {
    if (shape_.size() == 0) return "[]";
    return print(0, " ", kLineWidth);
  }

 private:
  bool is_cut(int64_t axis) const { return is_cut_ && shape_[axis] > 2 * kEdge; }

  void collect(int64_t axis, int64_t position) {
    if (axis == shape_.rank()) return shown_.push_back(position);
    for (int64_t i = 0; i < shape_[axis]; ++i) {
      if (is_cut(axis) && i == kEdge) i = shape_[axis] - kEdge;
      collect(axis + 1, position * shape_[axis] + i);
    }
  }

  void extend(std::string& done, std::string& line, const std::string& word, size_t width, const std::string& indent) {
    if (line.size() > indent.size() && line.size() + word.size() > width) {
      while (!line.empty() && line.back() == ' ') line.pop_back();
      done += line + "\n";
      line = indent;
    }
    line += word;
  }

  std::string print(int64_t axis, const std::string& indent, size_t width) {
    const int64_t left = shape_.rank() - axis, size = shape_[axis];
    std::string done, line = indent;
    for (int64_t i = 0; i < size; ++i) {
      const bool is_gap = is_cut(axis) && i == kEdge;
      if (is_gap) i = size - kEdge - 1;  // stands for all that is left out
      const bool is_last = i + 1 == size;
      if (left == 1) {
        extend(done, line, is_gap ? "..." : words_[next_++], is_last ? width : width - 1, indent);
        if (!is_last) line += ' ';
      } else {
        done += indent + (is_gap ? "..." : print(axis + 1, indent + " ", width - 1));
        if (!is_last) done += std::string(static_cast<size_t>(left - 1), '\n');
      }
    }
    if (left == 1) done += line;
    return "[" + done.substr(indent.size()) + "]";
  }

  Shape shape_;
  bool is_cut_;
  std::vector<int64_t> shown_;
  std::vector<std::string> words_;
  size_t next_ = 0;
};

// A number as Python prints it.
template <class T>
std::string number_text(T value) {
  if constexpr (std::same_as<T, bool>) return value ? "True" : "False";
  else if constexpr (std::is_integral_v<T>) return to_text(static_cast<int64_t>(value));
  else {
    const double real = static_cast<double>(value);
    if (!std::isfinite(real)) return to_text(real);
    const double size = std::fabs(real);
    const bool is_scientific = size != 0 && (size < 1e-4 || size >= 1e16);
    const auto format = is_scientific ? std::chars_format::scientific : std::chars_format::fixed;
    std::string text;
    if constexpr (sizeof(T) == 2) text = shortest_16_bit(value, format);
    else text = shortest(value, format);
    if (!is_scientific && text.find('.') == std::string::npos) text += ".0";
    return text;
  }
}

}  // namespace

std::string to_text(const Array& array) {
  if (array.rank() > 0) return Printer(array).text();
  const void* data = row_major_data(array);
  return visit_dtype(array.dtype(), [&]<class T>(T) { return number_text(*static_cast<const T*>(data)); });
}

std::ostream& operator<<(std::ostream& out, const Array& array) { return out << to_text(array); }

}  // namespace gradus
