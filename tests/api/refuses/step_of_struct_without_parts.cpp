// expects: a struct becomes one by GRADUS_PARTS
// at most: 20 lines
// An optimiser finds parameters by their paths.
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
  gradus::optim::Adam optimizer;
  Good good{};
  optimizer.step(good, gradus::Gradients());
  Net net{};
  optimizer.step(net, gradus::Gradients());  // refused
}
