// expects: a function under a transform returns something
// at most: 27 lines
// What is differentiated is what the function returns.
#include "gradus/gradus.hpp"

using namespace gradus;

int main() {
  const Array x = zeros({3});
  grad([](const Array& a) { return sum(a); })(x);
  grad([](const Array& x) { sum(x); })(x);  // refused
}
