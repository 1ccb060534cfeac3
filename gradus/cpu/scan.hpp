// Running totals along one axis.
#pragma once

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

enum class ScanKind : uint8_t { sum, prod, logsumexp, argmax, argmin };

/// in -> out, both contiguous and of one shape: out[i] takes in x[0] .. x[i] along `axis`, or with is_reverse x[i] .. x[n-1].
///
/// sum, prod       out: int64 for bool and integers, else the input's dtype; accumulated in double
/// logsumexp       floats
/// argmax, argmin  out: int64, the position of the extreme so far, of equals the last; the first NaN stays
KernelPtr prepare_scan(const Layout& in, ScanKind kind, int64_t axis, bool is_reverse);

}  // namespace gradus::cpu
