// Features: which numbers of a sample count as one when a model's answer is divided among them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/array/shape.hpp"

namespace gradus::explain {

/// Columns of a table that count as one feature: a number by itself, the one-hot columns of a category, columns that only make sense
/// together. Of images and other samples the columns are places in the flattened sample.
struct Feature {
  std::string name{};  ///< by default that of its first column
  std::vector<int64_t> columns{};
};

/// One feature a column, or what `groups` says: columns that no group names are features of their own. They are ordered by their first
/// column. `names` are the columns', or empty: "column 0", ... Throws for a column that is out of range or named twice, an empty group, and
/// names that are not as many as columns.
///
///   explain::features(4, {{"colour", {1, 2, 3}}}).size()   // 2
std::vector<Feature> features(int64_t columns, const std::vector<Feature>& groups = {}, const std::vector<std::string>& names = {});

/// The parts of an image (H, W, C) or a sequence (T, C) as features: windows of the given size side by side, with all channels; those at
/// the end may be smaller.
///
///   explain::patches({28, 28, 1}, {7, 7}).size()   // 16
std::vector<Feature> patches(const Shape& sample, const std::vector<int64_t>& window);

}  // namespace gradus::explain
