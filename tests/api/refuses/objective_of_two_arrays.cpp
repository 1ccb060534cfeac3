// expects: the function under a transform does not take these arguments
// at most: 27 lines
// grad(f) takes what f takes.
#include "gradus/gradus.hpp"

using namespace gradus;

int main() {
  const Array x = zeros({3});
  grad([](const Array& a) { return sum(a); })(x);
  grad([](const Array& x, const Array& y) { return sum(x * y); })(x);  // refused
}
