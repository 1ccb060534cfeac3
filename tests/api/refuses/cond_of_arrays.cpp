// expects: cond takes two functions and their arguments
// at most: 20 lines
// Branches are functions: only one of them is computed.
#include "gradus/gradus.hpp"

using namespace gradus;

int main() {
  const Array x = zeros({3});
  cond(Array(true), [](const Array& a) { return 2 * a; }, [](const Array& a) { return a; }, x);
  cond(Array(true), 2 * x, x);  // refused
}
