// The recorded call.
#include "gradus/transform/build.hpp"

#include <algorithm>

#include "gradus/graph/trace.hpp"
#include "gradus/ops/random.hpp"

namespace gradus {

namespace {
struct GeneratorGuard {
  random::GeneratorState before = random::state();
  ~GeneratorGuard() { random::set_state(before); }
};
}  // namespace

bool lacks_value(const Variable& variable, FunctionTag function) {
  if (!variable.cell || variable.cell->has_value()) return false;
  const std::vector<const void*>& missed = variable.cell->missed_by;
  return std::find(missed.begin(), missed.end(), function) == missed.end();
}

void build_variables(std::span<const Variable> variables, FunctionTag function, FunctionRef<void()> call) {
  {
    const GeneratorGuard generator;
    const TraceScope trace(TraceKind::building);
    const CellScope cells;
    call();
  }
  for (const Variable& variable : variables) {
    if (lacks_value(variable, function)) variable.cell->missed_by.push_back(function);
  }
}

}  // namespace gradus
