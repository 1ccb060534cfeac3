// expects: the state of compile is an Array, Parameter, module or optimiser
// at most: 20 lines
// A C++ number is a constant of the recording, not state.
#include "gradus/gradus.hpp"

void f(gradus::Array& total, double rate) {
  const auto twice = [](const gradus::Array& x) { return 2 * x; };
  gradus::compile(twice, total);
  gradus::compile(twice, rate);  // refused
}
