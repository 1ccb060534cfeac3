// Nearest examples: which rows of a training set are most like one that is explained.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "gradus/graph/array.hpp"

namespace gradus::explain {

/// The length of the difference, or 1 - cosine of the angle (1 beside a vector of zeros).
enum class Likeness { euclidean, cosine };
std::span<const std::string_view> enum_names(Likeness);

/// Options of nearest_examples.
struct NearestOptions {
  int64_t count = 5;
  Likeness by = Likeness::euclidean;
};

/// The nearest rows of each query.
struct NearestExamples {
  Array rows{};       ///< (Q, count) int64, nearest first; of equally near ones the first
  Array distances{};  ///< (Q, count) float64
};

/// Nearest neighbours, exact: products of matrices leave what can be among them, distances of those are taken in float64. Of rows as they
/// are, or of what a layer makes of them: explain::activations(model, rows, "dense").
///
/// queries  (Q, ...)
/// data     (N, ...), at least `count` rows, of the same sample shape
///
///   explain::nearest_examples(array({{0.9}}), array({{3.0}, {1.0}, {0.0}}), {.count = 2}).rows   // [[1, 2]]
NearestExamples nearest_examples(const Array& queries, const Array& data, const NearestOptions& options = {});

}  // namespace gradus::explain
