// What the planner knows of pooling. Not for users.
#pragma once

#include "gradus/graph/op_def.hpp"

namespace gradus::rule {

/// Max pooling with its taps as a hidden output, and the transpose of taking at those taps: dx = dy put at the taps.
extern const OpDef max_pool_op, pool_put_op;
/// x where y > 0, else 0: what passes of a change through relu, whose output is y.
extern const OpDef gate_op;
/// Whether no position is in two windows of this call of max_pool_op or pool_put_op.
bool has_disjoint_windows(const Args& args);

}  // namespace gradus::rule
