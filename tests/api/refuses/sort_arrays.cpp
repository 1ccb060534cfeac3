// expects: cannot convert|no viable conversion|not contextually convertible|deleted
// API.md 1.5: arrays have no order.
#include <algorithm>
#include <vector>

#include "gradus/gradus.hpp"

void f(std::vector<gradus::Array>& list) {
  list.clear();
  std::sort(list.begin(), list.end());  // refused
}
