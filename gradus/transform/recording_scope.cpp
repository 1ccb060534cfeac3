// Binding of variables, and the end of the scope.
#include "gradus/transform/recording_scope.hpp"

namespace gradus::core {

RecordingScope::~RecordingScope() {
  draws_.reset();
  if (generator_before_) random::set_state(*generator_before_);
  for (auto member = members_before_.rbegin(); member != members_before_.rend(); ++member) *member->first = std::move(member->second);
}

void RecordingScope::bind(const Variable& variable, Array value) {
  if (variable.cell) {
    cells_.bind(variable.cell, std::move(value));
  } else {
    members_before_.emplace_back(variable.member, *variable.member);
    *variable.member = std::move(value);
  }
}

}  // namespace gradus::core
