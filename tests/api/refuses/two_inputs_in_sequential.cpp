// expects: a layer of Sequential takes one Array and returns one
// at most: 20 lines
// Only modules with one input and one output fit in Sequential.
#include "gradus/gradus.hpp"

struct Sum {
  gradus::nn::Dense a{4}, b{4};
  gradus::Array forward(const gradus::Array& x, const gradus::Array& y) const { return a(x) + b(y); }
  GRADUS_PARTS(a, b)
};

int main() {
  gradus::nn::Sequential good{gradus::nn::Dense(2)};
  gradus::nn::Sequential bad{gradus::nn::Dense(2), Sum{}};  // refused
}
