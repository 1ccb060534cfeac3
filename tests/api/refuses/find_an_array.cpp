// expects: cannot convert|no viable conversion|deleted
// std::find would ask whether an array is true.
#include <algorithm>
#include <vector>

#include "gradus/gradus.hpp"

bool f(const std::vector<gradus::Array>& list, const gradus::Array& a) {
  return std::find(list.begin(), list.end(), a) != list.end();  // refused
  return gradus::array_equal(list[0], a);
}
