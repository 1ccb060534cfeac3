// expects: compile assigns to the state behind its function: it must not be const
// at most: 20 lines
// State is assigned to.
#include "gradus/gradus.hpp"

void f(gradus::nn::Sequential& model, const gradus::nn::Sequential& fixed) {
  const auto twice = [](const gradus::Array& x) { return 2 * x; };
  gradus::compile(twice, model);
  gradus::compile(twice, fixed);  // refused
}
