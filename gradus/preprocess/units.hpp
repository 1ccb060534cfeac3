// From a pipeline's features back to its table: what a feature's number means there, and which category it stands for.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/preprocess/pipeline.hpp"

namespace gradus::preprocess {

/// What a feature's number x was before steps scaled it: shift + scale x, with scale above 0. Of "age" after Standardise() the age.
struct FeatureUnit {
  double shift = 0, scale = 1;
  std::string changed_by{};  ///< a step that changes it otherwise than by such a line, so that it has no way back; "": none
};

/// A column of categories, and the features by which a model sees them: one-hot columns, codes, or places in an order.
struct CategoryFeatures {
  std::string column{};
  std::vector<std::string> values{};  ///< that have a number, or a feature, of their own
  std::vector<int64_t> features{};    ///< of each value: the feature that is its number, in the feature's unit, where a row has that value
  std::vector<double> numbers{};
  std::string missing{};    ///< of one-hot columns, the feature of missing values; "" for none
  bool is_one_hot = false;  ///< a feature a value; else one feature for all of them
  bool is_ordered = false;  ///< numbers go up with the order of an ordinal column
};

/// Of a fitted pipeline.
///
///   preprocess::Pipeline pipeline{preprocess::Impute(preprocess::median), preprocess::Standardise(), preprocess::OneHot()};
///   pipeline.fit(table);
///   const preprocess::TableUnits units = preprocess::units_of(pipeline);
///   units.features[0].scale              // the deviation of the first number
struct TableUnits {
  std::vector<FeatureUnit> features{};  ///< as Pipeline::features() names them
  std::vector<CategoryFeatures> categories{};
};
TableUnits units_of(const Pipeline& pipeline);

}  // namespace gradus::preprocess
