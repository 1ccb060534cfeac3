// expects: a struct becomes one by GRADUS_PARTS
// at most: 20 lines
// What is saved is what GRADUS_PARTS names.
#include "gradus/gradus.hpp"

struct Net {
  gradus::nn::Dense first{4};
  gradus::Array forward(const gradus::Array& x) const { return first(x); }
};
struct Good {
  gradus::nn::Dense first{4};
  gradus::Array forward(const gradus::Array& x) const { return first(x); }
  GRADUS_PARTS(first)
};

int main() {
  Good good{};
  gradus::io::save(good, "model.gradus");
  Net net{};
  gradus::io::save(net, "model.gradus");  // refused
}
