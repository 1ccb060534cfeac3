// expects: deleted|no match|no viable
// Positions are integers.
#include "gradus/gradus.hpp"

void f(const gradus::Array& a) {
  gradus::Array c = a[0.5];  // refused
}
