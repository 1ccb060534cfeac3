// expects: deleted
// a[true] would be a[1]; masks are bool arrays.
#include "gradus/gradus.hpp"

void f(const gradus::Array& a) {
  gradus::Array b = a[1];
  gradus::Array c = a[true];  // refused
}
