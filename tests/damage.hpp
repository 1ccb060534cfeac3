// Damaged copies of a valid file, the same ones at every run, and what a reader may do with them: load or throw Error, in bounded memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <random>
#include <string>

#include "gradus/array/memory.hpp"
#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "tests/watched_new.hpp"

namespace gradus::testing {

/// One damaged copy for each seed: bits flipped, bytes overwritten, the end cut off or grown, a stretch removed or doubled.
inline std::string damaged(std::string bytes, uint32_t seed) {
  std::mt19937 random(seed);
  const auto below = [&](size_t bound) { return bound ? random() % bound : 0; };
  const size_t at = below(bytes.size()), length = std::min(bytes.size() - at, 1 + below(16));
  switch (random() % 7) {
    case 0: bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8)); break;
    case 1: bytes[at] = static_cast<char>(random()); break;
    case 2: bytes.replace(at, length, length, "\0\x7f\x80\xff"[below(4)]); break;
    case 3: bytes.resize(at); break;
    case 4: bytes.append(1 + below(64), static_cast<char>(random())); break;
    case 5: bytes.erase(at, length); break;
    case 6: bytes.insert(at, bytes.substr(at, length)); break;
  }
  return bytes;
}

/// A text with one of its numbers replaced by one at a border: zero, negative, the largest of some integer types, a float, no number at
/// all.
inline std::string with_odd_number(std::string text, uint32_t seed) {
  constexpr const char* odd[] = {"0", "-1", "1", "2", "255", "65536", "2147483647", "4294967296", "9007199254740993", "9223372036854775807",
                                 "-9223372036854775808", "18446744073709551616", "0.5", "1e300", "-1e-300", "[]", "\"x\"", "{}", "true"};
  std::mt19937 random(seed);
  const auto is_digit = [&](size_t at) { return at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])) != 0; };
  size_t begin = text.empty() ? 0 : random() % text.size();
  for (size_t tried = 0; tried < text.size() && !is_digit(begin); ++tried) begin = (begin + 1) % text.size();
  if (!is_digit(begin)) return text;
  while (begin > 0 && is_digit(begin - 1)) --begin;
  size_t end = begin;
  while (is_digit(end)) ++end;
  return text.replace(begin, end - begin, odd[random() % std::size(odd)]);
}

/// Calls `read`, which may throw Error and nothing else, and may hold at most `limit` bytes more than before while it runs.
template <class F>
void expect_careful(const F& read, int64_t limit, const std::string& what) {
  reset_peak_memory();
  watched_new::reset_peak();
  const int64_t arrays_before = memory_use().live, objects_before = watched_new::live();
  try {
    read();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find("gradus bug"), std::string::npos) << what << ": " << error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << what << ": " << error.what();
  }
  EXPECT_LE(memory_use().peak - arrays_before + watched_new::peak() - objects_before, limit) << what;
}

}  // namespace gradus::testing
