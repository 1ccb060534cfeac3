// What the planner knows of pooling. Not for users.
#pragma once

#include "gradus/graph/op_def.hpp"

namespace gradus {

/// Max pooling with its taps as a hidden output, and the transpose of taking at those taps: dx = dy put at the taps.
extern const OpDef max_pool_op, pool_put_op;
/// 1 where x > 0, else 0, in the dtype of x: the slope of relu.
extern const OpDef step_op;
/// Whether no position is in two windows of this call of max_pool_op or pool_put_op.
bool has_disjoint_windows(const Args& args);

}  // namespace gradus
