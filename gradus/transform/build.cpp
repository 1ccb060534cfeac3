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
// Plain arrays of modules, as they were.
struct SlotGuard {
  std::span<const Variable> variables;
  const std::vector<Array>& before;
  ~SlotGuard() {
    for (size_t i = 0; i < variables.size(); ++i) {
      if (variables[i].slot) *variables[i].slot = before[i];
    }
  }
};
}  // namespace

bool lacks_value(const Variable& variable, FunctionTag function) {
  if (!variable.cell || variable.cell->has_value()) return false;
  const std::vector<const void*>& missed = variable.cell->missed_by;
  return std::find(missed.begin(), missed.end(), function) == missed.end();
}

void build_variables(std::span<const Variable> variables, FunctionTag function, FunctionRef<void()> call) {
  std::vector<Array> slots;
  for (const Variable& variable : variables) slots.push_back(variable.slot ? *variable.slot : Array());
  const SlotGuard guard{variables, slots};
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
