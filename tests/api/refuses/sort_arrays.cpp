// expects: cannot convert|no viable conversion|not contextually convertible|deleted
// Arrays have no order.
#include <algorithm>
#include <vector>

#include "gradus/gradus.hpp"

void f(std::vector<gradus::Array>& list) {
  list.clear();
  std::sort(list.begin(), list.end());  // refused
}
