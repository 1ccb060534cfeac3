// The coefficients of a linear model of tables, by the names of its features.
#pragma once

#include <string>

#include "gradus/nn/dense.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::cli {

/// A table for each output: intercept and the `most` largest coefficients, with standard errors and z where the model's file has them, and
/// what a unit more in the table's own units does. The kernel is (features, outputs).
std::string coefficients_text(const preprocess::Pipeline& pipeline, const nn::Dense& dense, const nn::ModelInfo& info, int64_t most);

}  // namespace gradus::cli
