// expects: comma
// flags: -Werror
// a[0, 1] is a[1] in C++20; both compilers warn, and the installed target must not switch that off.
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& a) {
  gradus::Array b = a[{0, 1}];
  return a[0, 1];  // refused
  return b;
}
