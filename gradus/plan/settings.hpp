// Switches of the evaluator, for debugging and tests. Process-wide.
#pragma once

#include <cstdint>

namespace gradus {

/// Evaluates every op by itself, without fusion, reuse of memory or in-place updates. Results are the same bits but for the passes that
/// docs/plan.md lists by name. Also set by GRADUS_OP_BY_OP=1.
void set_op_by_op(bool is_on);
bool is_op_by_op();
/// Evaluates op by op and throws at the first op whose result holds a NaN while its inputs held none, naming op and module path.
/// Also set by GRADUS_CHECK_NAN=1.
void set_check_nan(bool is_on);
bool is_check_nan();

/// Forgets all plans.
void clear_plans();
/// Bound on the memory of cached plans (default 256 MiB); the least recently used go first.
void set_plan_cache_bytes(int64_t bytes);

}  // namespace gradus
