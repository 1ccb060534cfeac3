// expects: chosen by a number that is too large
// Arguments count from 0.
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& x) {
  const auto square_sum = [](const gradus::Array& x) { return sum(square(x)); };
  gradus::Array g = gradus::grad<1>(square_sum)(x);  // refused
  return gradus::grad<0>(square_sum)(x);
}
