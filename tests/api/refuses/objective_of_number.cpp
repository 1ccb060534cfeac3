// expects: the function returns a C\+\+ number, which has no derivative
// at most: 26 lines
// A number has forgotten what it was computed from.
#include "gradus/gradus.hpp"

using namespace gradus;

int main() {
  const Array x = zeros({3});
  grad([](const Array& a) { return sum(a); })(x);
  grad([](const Array& x) { return sum(x).item(); })(x);  // refused
}
