// expects: discards qualifiers|no viable overloaded|cannot bind|expects an lvalue|no match
// a[{0, 1}] = 5 would assign to a temporary; a.set({0, 1}, 5) rebinds a.
#include "gradus/gradus.hpp"

void f(gradus::Array a) {
  a.set({0, 1}, 5);
  a[{0, 1}] = 5;  // refused
}
