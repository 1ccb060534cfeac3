// Decimal numbers in text.
#include "gradus/data/table/number_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace gradus::data {

namespace {

constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                              1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
constexpr uint64_t kExact = uint64_t{1} << 53;

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

// What a decimal number that is beyond float64 is near to: the power of ten of its first digit that is not 0 tells.
double beyond_range(std::string_view digits) {
  const size_t mark = std::min(digits.find_first_of("eE"), digits.size());
  const std::string_view mantissa = digits.substr(0, mark);
  const size_t point = std::min(mantissa.find('.'), mantissa.size()), first = mantissa.find_first_of("123456789");
  double power = first < point ? static_cast<double>(point - first) : -static_cast<double>(first - point);
  if (mark < digits.size()) {
    const bool is_small = digits.substr(mark + 1).starts_with('-');
    int64_t exponent = 0;
    for (const char c : digits.substr(mark + 1)) {
      if (is_digit(c)) exponent = std::min<int64_t>(exponent * 10 + (c - '0'), int64_t{1} << 40);
    }
    power += static_cast<double>(is_small ? -exponent : exponent);
  }
  return power > 0 ? std::numeric_limits<double>::infinity() : 0.0;
}

// Any decimal number without a sign, with a point.
bool read_slowly(std::string_view text, double& value) {
  if (text.empty() || !(is_digit(text[0]) || text[0] == '.' || text[0] == 'i' || text[0] == 'I')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return false;
  if (error == std::errc::result_out_of_range) value = beyond_range(text);
  return error == std::errc() || error == std::errc::result_out_of_range;
}

}  // namespace

bool read_number(std::string_view text, char mark, double& value) {
  const char *at = text.data(), *const end = at + text.size();
  if (at == end) return false;
  const bool is_negative = *at == '-';
  if (is_negative || *at == '+') ++at;
  const char* const begin = at;
  // Up to 19 digits are an integer; where it and the power of ten are exact, so is one rounding of their quotient (Clinger 1990).
  uint64_t digits = 0;
  int64_t count = 0, behind = 0;
  for (; at != end && is_digit(*at); ++at, ++count) digits = digits * 10 + static_cast<uint64_t>(*at - '0');
  if (at != end && *at == mark) {
    const char* const first = ++at;
    for (; at != end && is_digit(*at); ++at, ++count) digits = digits * 10 + static_cast<uint64_t>(*at - '0');
    behind = at - first;
  }
  if (at == end && count > 0 && count <= 19 && digits <= kExact && behind <= 22) {
    const double number = static_cast<double>(digits) / kPowers[behind];
    value = is_negative ? -number : number;
    return true;
  }
  const std::string_view rest(begin, static_cast<size_t>(end - begin));
  bool is_number;
  if (mark == '.') {
    is_number = read_slowly(rest, value);
  } else {
    if (rest.find('.') != std::string_view::npos || rest.size() > 4096) return false;
    std::string with_point(rest);
    std::replace(with_point.begin(), with_point.end(), mark, '.');
    is_number = read_slowly(with_point, value);
  }
  if (is_number && is_negative) value = -value;
  return is_number;
}

bool is_name(std::string_view number) {
  if (!number.empty() && (number[0] == '-' || number[0] == '+')) number.remove_prefix(1);
  if (number.size() < 2 || !std::all_of(number.begin(), number.end(), is_digit)) return false;
  if (number[0] == '0') return true;
  if (number.size() < 16) return false;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  return error != std::errc() || value > kExact;
}

}  // namespace gradus::data
