// expects: one tangent for each argument
// Each argument has a tangent.
#include "gradus/gradus.hpp"

void f(const gradus::Array& x, const gradus::Array& v) {
  const auto product = [](const gradus::Array& a, const gradus::Array& b) { return a * b; };
  gradus::jvp(product, gradus::args(x, x), gradus::args(v));  // refused
  gradus::jvp(product, gradus::args(x, x), gradus::args(v, v));
}
