// expects: deleted
// Whether all or any elements are meant must be said.
#include "gradus/gradus.hpp"

bool f(const gradus::Array& a) {
  if (a) return true;  // refused
  return false;
}
