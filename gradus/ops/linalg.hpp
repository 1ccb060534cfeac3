// Products of vectors, matrices and arrays, einsum, norms. Decompositions are not here.
#pragma once

#include <concepts>
#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"
#include "gradus/ops/reduce.hpp"

namespace gradus {

// All take numbers and bools; two arrays meet in their common dtype (array/dtype.hpp), which is the result's. Integers wrap around; float16
// and bfloat16 are summed in float32 and rounded once. Under nn::MixedPrecision float32 operands are rounded to bfloat16, and what they meet
// in is the result's dtype still.

/// Matrix product over the last two axes, as NumPy's: a (..., m, k) times b (..., k, n) is (..., m, n); leading axes broadcast. A vector a
/// counts as (1, k), a vector b as (k, 1), and that axis is absent in the result.
///
///   matmul(array({{1, 2}, {3, 4}}), array({1, 1}))   // [3, 7]
Array matmul(const Array& a, const Array& b);
/// As NumPy's: numbers multiply; for b of rank 1 or both of rank 2 it is matmul; else sums over a's last and b's second to last axis, with
/// all other axes of a, then of b.
Array dot(const Array& a, const Array& b);
/// Sum of a * b over all elements; equal sizes.
Array vdot(const Array& a, const Array& b);
/// Sums over the last axis of both: (..., k) and (_, k) give (..., _).
Array inner(const Array& a, const Array& b);
/// All products of an element of a and one of b: (a.size, b.size).
///
///   outer(array({1, 2, 3}), array({4, 5}))   // (3, 2)
Array outer(const Array& a, const Array& b);
/// Sums over the last `count` axes of a and the first `count` of b; 0 gives all products.
Array tensordot(const Array& a, const Array& b, int64_t count = 2);
/// Sums over axis pairs a_axes[i], b_axes[i]; then come the other axes of a, then those of b.
Array tensordot(const Array& a, const Array& b, const Axes& a_axes, const Axes& b_axes);
/// x w + b, with x (..., in), w (in, out), b (out,): the plan makes one pass of it.
Array linear(const Array& x, const Array& w, const Array& b);
/// Kronecker product: size of each axis a's times b's.
Array kron(const Array& a, const Array& b);
/// Cross product of vectors along `axis`, which has 3 elements (or 2: the one component that is left).
Array cross(const Array& a, const Array& b, int64_t axis = -1);

/// Sum of products by Einstein's convention, as NumPy's einsum: one letter an axis, "..." for the leading ones that broadcast, "->" and the
/// axes of the result; without it, the letters that occur once, in alphabetical order. A letter twice in one operand takes the diagonal;
/// letters that the result lacks are summed over.
///
///   einsum("ij,jk->ik", a, b)   einsum("ii->i", a)   einsum("bhqd,bhkd->bhqk", q, k)   einsum("...ij->...ji", x)
Array einsum(std::string_view equation, const std::vector<Array>& operands);
template <class... Operands>
  requires(sizeof...(Operands) > 0 && (std::convertible_to<const Operands&, Array> && ...))
Array einsum(std::string_view equation, const Operands&... operands) {
  return einsum(equation, std::vector<Array>{Array(operands)...});
}

namespace linalg {

/// Length of x as one vector: the root of the sum of squares. Floats; integers count as float32. The derivative at 0 is 0.
Array norm(const Array& x);
/// Length of the vectors (one axis) or Frobenius norm of the planes (several) along `axes`.
Array norm(const Array& x, const Axes& axes);
Array norm(const Array& x, const Axes& axes, KeepDims keep);
/// The p-norm, sum(|x|^p)^(1/p), over `axes`; p = infinity: the largest |x|, -infinity: the least, 0: the number of nonzeros.
Array vector_norm(const Array& x, double p, const Axes& axes);
Array vector_norm(const Array& x, double p, const Axes& axes, KeepDims keep);

/// Product of a chain of matrices in the order that needs the fewest multiplications; the first and the last may be vectors.
Array multi_dot(const std::vector<Array>& matrices);
/// x multiplied by itself n >= 0 times, for square matrices (..., m, m), by squaring.
Array matrix_power(const Array& x, int64_t n);

}  // namespace linalg
}  // namespace gradus
