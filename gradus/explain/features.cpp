// Groups of columns.
#include "gradus/explain/features.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"

namespace gradus::explain {

using namespace core;

std::vector<Feature> features(int64_t columns, const std::vector<Feature>& groups, const std::vector<std::string>& names) {
  constexpr std::string_view op = "features";
  if (columns < 1) fail(op, "there are ", columns, " columns; there must be at least one");
  if (!names.empty() && static_cast<int64_t>(names.size()) != columns) {
    fail(op, "there are ", names.size(), " names for ", columns, " columns; they must be equal, or no names be given");
  }
  const auto name_of = [&](int64_t column) { return names.empty() ? concat("column ", column) : names[static_cast<size_t>(column)]; };
  std::vector<bool> is_named(static_cast<size_t>(columns), false);
  std::vector<Feature> all;
  for (const Feature& group : groups) {
    if (group.columns.empty()) fail(op, "feature \"", group.name, "\" has no columns; it must have at least one");
    for (const int64_t column : group.columns) {
      if (column < 0 || column >= columns) fail(op, "feature \"", group.name, "\" has column ", column, "; there are ", columns);
      if (is_named[static_cast<size_t>(column)]) fail(op, name_of(column), " stands in two features; a column belongs to one");
      is_named[static_cast<size_t>(column)] = true;
    }
    all.push_back(group);
    if (all.back().name.empty()) all.back().name = name_of(group.columns[0]);
  }
  for (int64_t column = 0; column < columns; ++column) {
    if (!is_named[static_cast<size_t>(column)]) all.push_back({name_of(column), {column}});
  }
  const auto first = [](const Feature& feature) { return *std::min_element(feature.columns.begin(), feature.columns.end()); };
  std::stable_sort(all.begin(), all.end(), [&](const Feature& a, const Feature& b) { return first(a) < first(b); });
  return all;
}

std::vector<Feature> patches(const Shape& sample, const std::vector<int64_t>& window) {
  constexpr std::string_view op = "patches";
  const auto axes = static_cast<int64_t>(window.size());
  if (axes < 1 || axes > 2 || (sample.rank() != axes && sample.rank() != axes + 1)) {
    fail(op, "the window has ", axes, " sizes, the sample is ", sample, "; it must have one for each axis but the channels, 1 or 2 in all");
  }
  for (const int64_t size : window) {
    if (size < 1) fail(op, "the window's size is ", size, "; it must be at least 1");
  }
  const int64_t height = axes == 2 ? sample[0] : 1, width = sample[axes - 1], channels = sample.rank() > axes ? sample[axes] : 1;
  const int64_t rows = axes == 2 ? std::min(window[0], std::max<int64_t>(height, 1)) : 1,
                columns = std::min(window.back(), std::max<int64_t>(width, 1));
  std::vector<Feature> all;
  for (int64_t top = 0; top < height; top += rows) {
    for (int64_t left = 0; left < width; left += columns) {
      Feature patch{axes == 2 ? concat("rows ", top, " to ", std::min(top + rows, height) - 1, ", columns ", left, " to ",
                                       std::min(left + columns, width) - 1)
                              : concat("steps ", left, " to ", std::min(left + columns, width) - 1)};
      for (int64_t y = top; y < std::min(top + rows, height); ++y) {
        for (int64_t x = left; x < std::min(left + columns, width); ++x) {
          for (int64_t c = 0; c < channels; ++c) patch.columns.push_back((y * width + x) * channels + c);
        }
      }
      all.push_back(std::move(patch));
    }
  }
  return all;
}

}  // namespace gradus::explain
