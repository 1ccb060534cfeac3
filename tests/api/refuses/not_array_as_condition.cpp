// expects: deleted|no viable|invalid
// API.md 1.5.
#include "gradus/gradus.hpp"

bool f(const gradus::Array& a) {
  return a ? true : false;  // refused
  return true;
}
