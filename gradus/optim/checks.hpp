// Checks that options of optimisers and schedules share. Not for users.
#pragma once

#include <cmath>
#include <string_view>

#include "gradus/base/error.hpp"

namespace gradus::optim {

inline void check_finite(std::string_view op, std::string_view name, double value) {
  if (std::isinf(value)) core::fail(op, name, " is ", value, "; it must be finite");
}
inline void check_not_negative(std::string_view op, std::string_view name, double value) {
  if (!(value >= 0)) core::fail(op, name, " is ", value, "; it must not be negative");
  check_finite(op, name, value);
}
inline void check_part(std::string_view op, std::string_view name, double value) {
  if (!(value >= 0 && value <= 1)) core::fail(op, name, " is ", value, "; it must be from 0 to 1");
}

}  // namespace gradus::optim
