// Which backend is in use, and what stands for the ops that it lacks. set_backend: evaluate.cpp.
#include "gradus/plan/backend.hpp"

namespace gradus::plan {

ComposeRule replacement_of(const OpDef& op) {
  if (op.expand) return op.expand;
  if (op.elementwise || op.view || op.host || op.derivative.kind != Derivative::Kind::composed) return nullptr;
  return current_backend().find(op) ? nullptr : op.derivative.compose;
}

}  // namespace gradus::plan
