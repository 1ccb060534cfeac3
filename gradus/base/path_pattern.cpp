// Matching part by part; both loops go on from every place that is still possible, so that no pattern takes more than length times length.
#include "gradus/base/path_pattern.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"

namespace gradus::core {

namespace {

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Whether `pattern`, of which some items stand for any number of items, stands for `items`.
template <class Items, class IsMany, class IsEqual>
bool matches(const Items& pattern, const Items& items, const IsMany& is_many, const IsEqual& is_equal) {
  std::vector<bool> reached(items.size() + 1);  // the first so many items are matched by the pattern so far
  reached[0] = true;
  for (const auto& wanted : pattern) {
    std::vector<bool> next(items.size() + 1);
    if (is_many(wanted)) {
      bool is_reached = false;
      for (size_t i = 0; i <= items.size(); ++i) next[i] = is_reached |= reached[i];
    } else {
      for (size_t i = 0; i < items.size(); ++i) next[i + 1] = reached[i] && is_equal(wanted, items[i]);
    }
    reached = std::move(next);
  }
  return reached[items.size()];
}

bool matches_part(std::string_view pattern, std::string_view part) {
  return matches(
      pattern, part, [](char c) { return c == '*'; }, [](char a, char b) { return a == b; });
}

}  // namespace

bool matches_path(std::string_view pattern, std::string_view path) {
  return matches(
      parts_of(pattern), parts_of(path), [](std::string_view part) { return part == "**"; }, matches_part);
}

bool matches_any(std::span<const std::string> patterns, std::string_view path) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) { return matches_path(pattern, path); });
}

void check_patterns(std::string_view op, std::string_view what, std::span<const std::string> patterns, std::span<const std::string> paths) {
  for (const std::string& pattern : patterns) {
    if (std::any_of(paths.begin(), paths.end(), [&](const std::string& path) { return matches_path(pattern, path); })) continue;
    constexpr size_t kMost = 8;
    const std::string near = nearest(pattern, paths), more = paths.size() > kMost ? concat(" and ", paths.size() - kMost, " more") : "";
    fail(op, what, " \"", pattern, "\" matches no parameter; ",
         near.empty() ? concat("there are ", join(paths.first(std::min(kMost, paths.size()))), more) : concat("the nearest is ", near));
  }
}

}  // namespace gradus::core
