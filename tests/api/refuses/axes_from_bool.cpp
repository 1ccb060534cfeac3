// expects: deleted
// true is no axis.
#include "gradus/gradus.hpp"

void f(const gradus::Array& x) {
  gradus::Array a = gradus::squeeze(x, 0);
  gradus::Array b = gradus::squeeze(x, true);  // refused
}
