// expects: convert|conversion|no match
// keepdims is a word, not a bool.
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& x) {
  return sum(x, 0, true);  // refused
  return sum(x, 0, gradus::keepdims);
}
