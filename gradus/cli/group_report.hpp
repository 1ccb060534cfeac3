// Whether a model of tables treats groups of rows alike: rates and gaps, as text.
#pragma once

#include <string>

#include "gradus/data/dataset.hpp"
#include "gradus/data/table/table.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::cli {

/// Of classes: the share of a favourable class in truth and in what the model says, its true and false positive rates, the accuracy, each
/// with an interval, and the largest gaps; of numbers: means and errors. Groups are the values of a column; a column of more than 12
/// numbers is cut into quarters. Groups of few rows are marked.
///
/// favourable  a class; "": the last one
/// Throws, of `place`, for a class that there is not, for one group only, and for more than 50.
std::string group_text(const preprocess::Pipeline& pipeline, const Array& output, const data::Dataset& set, const data::Column& column,
                       const std::string& favourable, const std::string& place);

}  // namespace gradus::cli
