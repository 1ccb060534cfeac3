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
  const gradus::data::Dataset set(gradus::zeros({4, 3}), gradus::zeros({4, 4}));
  Net net{};
  gradus::train::fit(net, set, {.loss = gradus::loss::mean_squared_error});  // refused
}
