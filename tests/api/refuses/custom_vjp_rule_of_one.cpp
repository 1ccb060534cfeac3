// expects: the rule of a custom derivative takes the cotangent \(or tangent\), the output, and the inputs
// at most: 20 lines
// Cotangent first, then output, then inputs.
#include "gradus/gradus.hpp"

using namespace gradus;

int main() {
  const auto same = [](const Array& x) { return x; };
  custom_vjp(same, [](const Array& cotangent, const Array&, const Array&) { return cotangent; })(zeros({3}));
  custom_vjp(same, [](const Array& cotangent) { return cotangent; })(zeros({3}));  // refused
}
