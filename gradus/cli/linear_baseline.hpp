// What a linear model makes of the same rows, to show beside every result on a table.
#pragma once

#include <optional>

#include "gradus/data/dataset.hpp"
#include "gradus/metrics/summary.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::cli {

/// Outputs for the rows of `test`, as those of a model, of ridge, logistic or softmax regression (penalty 1) on the pipeline's features,
/// standardised, codes of at most 100 categories one column each; fitted to 20,000 training rows at most. Nothing where it would be large.
std::optional<metrics::SummaryBaseline> linear_baseline(const preprocess::Pipeline& pipeline, const data::Dataset& train,
                                                        const data::Dataset& test);

}  // namespace gradus::cli
