// Text from values, for messages: concat("x is ", 3, ", not ", shape). No formatting rules of its own beyond that.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

std::string to_text(bool value);
std::string to_text(int64_t value);
std::string to_text(uint64_t value);
/// The shortest decimal form that reads back as the same double: 0.1, 1e-07, nan, inf.
std::string to_text(double value);
/// The shortest decimal form that reads back as the same float.
std::string to_text(float value);
/// (2, 3); one element as (2,).
std::string to_text(std::span<const int64_t> values);

inline std::string to_text(std::string_view value) { return std::string(value); }
inline std::string to_text(const char* value) { return value; }
inline std::string to_text(const std::string& value) { return value; }
template <std::integral T>
  requires(!std::same_as<T, bool>)
std::string to_text(T value) {
  if constexpr (std::signed_integral<T>) {
    return to_text(static_cast<int64_t>(value));
  } else {
    return to_text(static_cast<uint64_t>(value));
  }
}

/// Joins the texts of its arguments; any type with a `to_text` found by argument-dependent lookup takes part.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  ((out += to_text(parts)), ...);
  return out;
}

/// "a, b and c" from {"a", "b", "c"}.
std::string join(std::span<const std::string> words, std::string_view separator = ", ");

/// The candidate nearest to `word` by edit distance, or "" if none is near enough to be a likely typing error.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace gradus::core
