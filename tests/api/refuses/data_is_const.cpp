// expects: invalid conversion|cannot initialize
// Values do not change.
#include "gradus/gradus.hpp"

void f(const gradus::Array& a) {
  float* p = a.data<float>();  // refused
}
