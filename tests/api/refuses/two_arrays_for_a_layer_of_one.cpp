// expects: no match for call|no matching function for call
// Wrong arguments are an error at the line of the call.
#include "gradus/gradus.hpp"

struct Net {
  gradus::nn::Dense first{4};
  gradus::Array forward(const gradus::Array& x) const { return first(x); }
  GRADUS_PARTS(first)
};

gradus::Array f(const Net& net, const gradus::Array& x) {
  return net(x, x);  // refused
  return net(x);
}
