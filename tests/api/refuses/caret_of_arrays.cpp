// expects: deleted
// x ^ 2 is no power; pow(x, 2).
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& x) {
  return x ^ 2;  // refused
  return pow(x, 2);
}
