// expects: no match|no viable overloaded|cannot bind|invalid operands
// a[0] += 5 would change a temporary; a.add(0, 5) rebinds a.
#include "gradus/gradus.hpp"

void f(gradus::Array a) {
  a.add(0, 5);
  a[0] += 5;  // refused
}
