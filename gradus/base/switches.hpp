// Switches in the process's environment, for example GRADUS_VERBOSE=1.
#pragma once

#include <cstdlib>
#include <string_view>

namespace gradus::core {

/// Whether a variable switches something on: "0" is off, all else is on; `otherwise` where it is absent or empty.
inline bool is_switched_on(const char* variable, bool otherwise = false) {
  const char* value = std::getenv(variable);
  return value && *value ? std::string_view(value) != "0" : otherwise;
}

}  // namespace gradus::core
