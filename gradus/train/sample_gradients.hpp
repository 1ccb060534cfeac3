// Gradients of single samples: their norms, and sums with a factor for each sample. Not for users.
#pragma once

#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::train::detail {

/// The gradient of one parameter for each of B samples, (B, ...), as vmap has recorded it; nothing is computed yet.
///
/// Where it is a product of matrices a (B, n, T) and b (B, T, m), as of a Dense layer, it is not made at all: the product is n m numbers a
/// sample, its factors are T (n + m).
class SampleGradient {
 public:
  explicit SampleGradient(const Array& recorded);

  /// (B,): the sum of the squares of each sample's numbers. For products |a^T b|^2 = sum((a a^T) * (b b^T)) over T x T matrices
  /// (Goodfellow, "Efficient per-example gradient computations", 2015), where these are smaller.
  Array squares() const;
  /// sum_i factor[i] gradient[i]; a sample whose factor is 0 counts as none, also where it is not finite.
  Array weighted_sum(const Array& factor) const;

 private:
  Array whole_{}, a_{}, b_{};  // the gradient, or the factors of one
  bool is_product() const { return a_.exists(); }
};

}  // namespace gradus::train::detail
