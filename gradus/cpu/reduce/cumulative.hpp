// Running totals along one axis.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

enum class CumulativeKind : uint8_t { sum, prod, logsumexp, argmax, argmin };

/// in -> out, both contiguous and of one shape: out[i] takes in x[0] .. x[i] along `axis`, or with is_reverse x[i] .. x[n-1].
///
/// sum, prod       out: int64 for bool and integers, else the input's dtype; accumulated in double
/// logsumexp       floats
/// argmax, argmin  out: int64, the position of the extreme so far, of equals the last; the first NaN stays
KernelPtr prepare_cumulative(const Layout& in, CumulativeKind kind, int64_t axis, bool is_reverse);

/// h[i] = a[i] * h[i - 1] + b[i] along `axis`, h[-1] = 0; with is_reverse from the end, h[i] = a[i] * h[i + 1] + b[i]. is_shifted: the
/// factor is that of the place the step comes from, a[i - 1] or a[i + 1]. Inputs a, b and output of one shape and float dtype, contiguous;
/// in double.
KernelPtr prepare_recurrence(const Layout& in, int64_t axis, bool is_reverse, bool is_shifted);

}  // namespace gradus::cpu
