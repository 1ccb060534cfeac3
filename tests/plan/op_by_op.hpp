// Evaluation op by op while an object lives.
#pragma once

#include "gradus/plan/settings.hpp"

namespace gradus {

struct OpByOp {
  OpByOp() { set_op_by_op(true); }
  ~OpByOp() { set_op_by_op(false); }
};

}  // namespace gradus
