// expects: a struct becomes one by GRADUS_PARTS
// at most: 20 lines
// A module names its parts.
#include "gradus/gradus.hpp"

struct Net {
  gradus::nn::Dense first{4};
  gradus::Array forward(const gradus::Array& x) const { return first(x); }
};

int main() {
  gradus::nn::Sequential good{gradus::nn::Dense(2)};
  gradus::nn::Sequential bad{Net{}};  // refused
}
