// expects: deleted|no viable|invalid
// An Array is never a bool.
#include "gradus/gradus.hpp"

bool f(const gradus::Array& a) {
  return a ? true : false;  // refused
  return true;
}
