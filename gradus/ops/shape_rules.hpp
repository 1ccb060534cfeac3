// What the families of shape, index and random share: helpers for batching and derivative rules. Not for users.
#pragma once

#include "gradus/base/error.hpp"
#include "gradus/graph/op_def.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::rule {

/// `first`, then the sizes of a shape or list.
inline Dims prepend(int64_t first, std::span<const int64_t> rest) {
  Dims out{first};
  for (const int64_t value : rest) out.push_back(value);
  return out;
}
/// The input with the batch as axis 0, whether it had one or not.
inline Array with_batch(const Array& x, bool is_batched, int64_t batch_size) {
  return is_batched ? x : broadcast_to(x, Shape(prepend(batch_size, x.shape())));
}
/// The tangent, or zeros like x where there is none.
inline Array or_zeros(const Array& tangent, const Array& x) { return tangent.exists() ? tangent : zeros_like(x); }

/// a * b and a + b of sizes; throws where that overflows.
inline int64_t multiply_sizes(std::string_view op, int64_t a, int64_t b) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) fail(op, "a size of ", a, " times ", b, " is too large");
  return product;
}
inline int64_t add_sizes(std::string_view op, int64_t a, int64_t b) {
  int64_t sum;
  if (__builtin_add_overflow(a, b, &sum)) fail(op, "a size of ", a, " plus ", b, " is too large");
  return sum;
}

/// Throws unless the window starts[i] + k * steps[i], k < sizes[i], lies inside `shape`.
void check_slice(std::string_view op, const Shape& shape, const Dims& starts, const Dims& sizes, const Dims& steps);

/// Whether x was recorded by the reverse of dynamic_slice: zeros but for a window (part_sums.hpp); and whole (may be empty) + such parts.
bool is_dynamic_part(const Array& x);
Array sum_of_dynamic_parts(Array whole, std::span<const Array> parts);

/// Memory in row-major order: what the plan inserts before kernels that need it.
extern const OpDef contiguous_op;

}  // namespace gradus::rule
