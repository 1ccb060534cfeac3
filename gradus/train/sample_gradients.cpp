// Products of matrices among the gradients of single samples are known by the op that has recorded them.
#include "gradus/train/sample_gradients.hpp"

#include "gradus/graph/node.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

Array wide(const Array& x) { return x.dtype() == float64 ? x : x.astype(float32); }

// (B,) beside (B, ...).
Array beside(const Array& factor, const Array& x) {
  std::vector<int64_t> sizes(static_cast<size_t>(x.rank()), 1);
  sizes[0] = factor.size();
  return reshape(factor, Shape(sizes));
}
Array sum_of_samples(const Array& x) { return sum(reshape(x, {x.shape(0), -1}), -1); }

}  // namespace

SampleGradient::SampleGradient(const Array& recorded) {
  const std::string_view op = recorded.node()->op().name;
  if (recorded.rank() == 3 && (op == "matmul" || op == "mixed_matmul")) {
    const Array a = recorded.node()->input_array(0), b = recorded.node()->input_array(1);
    const bool are_batches = a.rank() == 3 && b.rank() == 3 && a.shape(0) == recorded.shape(0) && b.shape(0) == recorded.shape(0);
    // A product over many steps costs more as its factors than as itself.
    const int64_t steps = a.shape(-1), rows = recorded.shape(1), columns = recorded.shape(2);
    if (are_batches && recorded.size() > 0 && steps > 0 && (steps == 1 || steps * (rows + columns) < rows * columns)) {
      a_ = wide(a);
      b_ = wide(b);
      return;
    }
  }
  whole_ = wide(recorded);
}

Array SampleGradient::squares() const {
  if (!is_product()) return sum_of_samples(whole_ * whole_);
  if (a_.shape(-1) == 1) return sum_of_samples(a_ * a_) * sum_of_samples(b_ * b_);
  const Array rows = matmul(swapaxes(a_, -1, -2), a_), columns = matmul(b_, swapaxes(b_, -1, -2));
  return maximum(sum_of_samples(rows * columns), 0);
}

Array SampleGradient::weighted_sum(const Array& factor) const {
  const Array is_used = factor > 0;
  const auto used = [&](const Array& x) { return where(beside(is_used, x), x, 0); };
  if (!is_product()) return sum(where(beside(is_used, whole_), beside(factor, whole_) * whole_, 0), 0);
  // sum_i f_i a_i b_i = A B, with the samples one below the other: A (n, B T), B (B T, m).
  const Array a = reshape(swapaxes(used(a_), -1, -2), {-1, a_.shape(1)}), b = reshape(beside(factor, b_) * used(b_), {-1, b_.shape(2)});
  return matmul(transpose(a), b);
}

}  // namespace gradus::train::detail
