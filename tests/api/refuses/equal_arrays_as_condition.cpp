// expects: deleted
// all(a == b), any(...) or array_equal(a, b) is meant.
#include "gradus/gradus.hpp"

int f(const gradus::Array& a, const gradus::Array& b) {
  if (gradus::array_equal(a, b)) return 1;
  if (a == b) return 2;  // refused
  return 0;
}
