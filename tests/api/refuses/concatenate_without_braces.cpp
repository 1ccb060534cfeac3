// expects: invalid initialization|no viable conversion
// Lists stand in braces.
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& a, const gradus::Array& b) {
  return gradus::concatenate(a, b);  // refused
  return gradus::concatenate({a, b});
}
