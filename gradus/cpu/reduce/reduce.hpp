// Reductions of arrays along axes.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

enum class ReduceKind : uint8_t { sum, mean, prod, max, min, any, all, argmax, argmin, var, stddev, norm, logsumexp };

struct Reduction {
  ReduceKind kind = ReduceKind::sum;
  Dims axes{};       ///< from the front, increasing
  int64_t ddof = 0;  ///< var, stddev: the sum of squares is divided by count - ddof
};

/// in -> out, where `in` has any strides and `out` is contiguous without the reduced axes (or with size 1 there: the same memory).
///
/// sum, prod       any dtype; out: int64 for bool and integers, else the input's. Accumulated in double.
/// mean            out: the input's, float32 for bool and integers, whose sum does not wrap around
/// max, min        out: the input's dtype; NaN wins. Of nothing: the infinity (lowest number), callers refuse it before.
/// any, all        out: bool; NaN is true
/// argmax, argmin  out: int64, the row-major position among the reduced axes; the first NaN wins, else the first of equals
/// var, logsumexp  floats; two passes: mean, then squared deviations; maximum, then exponentials
/// stddev, norm    floats; the root of the variance, of the sum of squares: right also where squares leave the range of double
///
/// Of nothing: sum and norm 0, prod 1, any false, all true, mean, var and stddev NaN, logsumexp -infinity.
/// The order of additions follows from shape and strides only.
KernelPtr prepare_reduce(const Layout& in, DType out, const Reduction& reduction);

}  // namespace gradus::cpu
