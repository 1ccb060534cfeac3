// The recorded call.
#include "gradus/transform/build.hpp"

#include <algorithm>

#include "gradus/transform/recording_scope.hpp"

namespace gradus::core {

bool lacks_value(const Variable& variable, FunctionTag function) {
  if (!variable.cell || variable.cell->has_value()) return false;
  const std::vector<const void*>& missed = variable.cell->missed_by;
  return std::find(missed.begin(), missed.end(), function) == missed.end();
}

void build_variables(std::span<const Variable> variables, FunctionTag function, FunctionRef<void()> call) {
  {
    RecordingScope scope(TraceKind::building);
    scope.forget_draws();
    for (const Variable& variable : variables) {
      if (variable.member) scope.bind(variable, *variable.member);
    }
    call();
  }
  for (const Variable& variable : variables) {
    if (lacks_value(variable, function)) variable.cell->missed_by.push_back(function);
  }
}

void build_lacking(std::span<const Variable> variables, FunctionTag function, FunctionRef<void()> call) {
  const auto lacks = [&](const Variable& variable) { return lacks_value(variable, function); };
  if (std::any_of(variables.begin(), variables.end(), lacks)) build_variables(variables, function, call);
}

}  // namespace gradus::core
