// expects: a struct becomes a module by GRADUS_PARTS
// at most: 20 lines
// What grad walks is what GRADUS_PARTS names.
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
  const auto objective = [](const auto& model, const gradus::Array& x) { return sum(model(x)); };
  Good good{};
  gradus::value_and_grad<0>(objective)(good, gradus::zeros({2, 3}));
  Net net{};
  gradus::value_and_grad<0>(objective)(net, gradus::zeros({2, 3}));  // refused
}
