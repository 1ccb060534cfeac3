// expects: deleted
// No short circuit is possible; a | b.
#include "gradus/gradus.hpp"

gradus::Array f(const gradus::Array& a, const gradus::Array& b) {
  return (a > 0) || (b > 0);  // refused
  return (a > 0) | (b > 0);
}
