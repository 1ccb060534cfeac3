// expects: cannot convert|no viable conversion|not contextually convertible|deleted
// The larger of two arrays, element by element, is maximum(a, b).
#include <algorithm>

#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& a, const gradus::Array& b) {
  return std::max(a, b);  // refused
  return gradus::maximum(a, b);
}
