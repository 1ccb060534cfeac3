// expects: no match|no matching|cannot bind
// What compile assigns to must outlive it.
#include "gradus/gradus.hpp"

void f(gradus::nn::Sequential& model) {
  const auto twice = [](const gradus::Array& x) { return 2 * x; };
  gradus::compile(twice, model);
  gradus::compile(twice, gradus::nn::Sequential{gradus::nn::Dense(2)});  // refused
}
