// expects: no match|no matching
// The type of the result must be known to the compiler; grad<0>(f).
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& x) {
  const auto square_sum = [](const gradus::Array& x) { return sum(square(x)); };
  return gradus::grad(square_sum, 0)(x);  // refused
  return gradus::grad<0>(square_sum)(x);
}
