// expects: forward must be const: Array forward\(const Array& x\) const
// at most: 20 lines
// forward is const.
#include "gradus/gradus.hpp"

struct Net {
  gradus::nn::Dense first{4};
  gradus::Array forward(const gradus::Array& x) { return first(x); }
  GRADUS_PARTS(first)
};

int main() {
  gradus::nn::Dense(4)(gradus::zeros({2, 3}));
  Net net{};
  net(gradus::zeros({2, 3}));  // refused
}
