// expects: deleted|ambiguous
// true is neither an axis nor keepdims.
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& x) {
  return sum(x, true);  // refused
  return sum(x, 0, gradus::keepdims);
}
