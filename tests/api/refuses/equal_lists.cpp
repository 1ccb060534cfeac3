// expects: cannot convert|no viable conversion|not contextually convertible|deleted
// == of two vectors would ask whether arrays are true.
#include <vector>

#include "gradus/gradus.hpp"

bool f(const std::vector<gradus::Array>& a, const std::vector<gradus::Array>& b) {
  return a == b;  // refused
  return a.size() == b.size();
}
