// expects: returns an Array|no type|no match
// What a transform sees are arrays.
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& x) {
  gradus::grad([](const gradus::Array&) { return "text"; })(x);  // refused
  return gradus::grad([](const gradus::Array& x) { return sum(x); })(x);
}
