// expects: no match|no matching
// Several arguments stand in args(...); braces cannot be deduced.
#include "gradus/gradus.hpp"

void f(const gradus::Array& x, const gradus::Array& v) {
  const auto product = [](const gradus::Array& a, const gradus::Array& b) { return a * b; };
  gradus::jvp(product, gradus::args(x, x), gradus::args(v, v));
  gradus::jvp(product, {x, x}, {v, v});  // refused
}
