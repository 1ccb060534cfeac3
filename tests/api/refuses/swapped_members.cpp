// expects: must name every data member
// The members come in order of declaration.
#include "gradus/gradus.hpp"

struct Net {
  bool is_wide = false;
  gradus::nn::Dense first{4};
  bool is_deep = false;
  gradus::Array forward(const gradus::Array& x) const { return first(x); }
  GRADUS_PARTS(is_wide, is_deep, first)  // refused
};
