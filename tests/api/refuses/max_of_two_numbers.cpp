// expects: deleted
// max(2, 3) would be the maximum of 2 along axis 3.
#include "gradus/gradus.hpp"

gradus::Array f() {
  return gradus::max(2, 3);  // refused
  return gradus::maximum(2, 3);
}
