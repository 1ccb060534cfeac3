// expects: must name every data member
// A member that GRADUS_PARTS leaves out would silently not train.
#include "gradus/gradus.hpp"

struct Net {
  gradus::nn::Dense first{4}, second{2};
  gradus::Array forward(const gradus::Array& x) const { return second(first(x)); }
  GRADUS_PARTS(first)  // refused
};
