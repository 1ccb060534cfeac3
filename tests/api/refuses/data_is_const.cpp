// expects: invalid conversion|cannot initialize
// API.md 1.11: values do not change.
#include "gradus/gradus.hpp"

void f(const gradus::Array& a) {
  float* p = a.data<float>();  // refused
}
