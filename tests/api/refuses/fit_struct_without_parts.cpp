// expects: a struct becomes one by GRADUS_PARTS
// at most: 20 lines
// A module is a struct with GRADUS_PARTS.
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
  const gradus::data::Dataset set(gradus::zeros({4, 3}), gradus::zeros({4, 4}));
  Good good{};
  gradus::train::fit(good, set, {.loss = gradus::loss::mean_squared_error});
  Net net{};
  gradus::train::fit(net, set, {.loss = gradus::loss::mean_squared_error});  // refused
}
