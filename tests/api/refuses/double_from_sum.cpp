// expects: cannot convert|no viable conversion|conversion
// sum(a) is an array; .item() computes it and reads it.
#include "gradus/gradus.hpp"

double f(const gradus::Array& a) {
  double d = sum(a);  // refused
  return sum(a).item();
}
