// expects: compile assigns to the state behind its function: it must not be const
// at most: 20 lines
// An optimiser counts its steps.
#include "gradus/gradus.hpp"

void f(gradus::optim::Adam& moving, const gradus::optim::Adam& fixed) {
  const auto twice = [](const gradus::Array& x) { return 2 * x; };
  gradus::compile(twice, moving);
  gradus::compile(twice, fixed);  // refused
}
