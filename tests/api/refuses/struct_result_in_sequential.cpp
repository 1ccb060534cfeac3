// expects: a layer of Sequential takes one Array and returns one
// at most: 20 lines
// A module that returns a struct does not fit in Sequential.
#include "gradus/gradus.hpp"

struct Both {
  gradus::Array y{}, state{};
};
struct Cell {
  gradus::nn::Dense a{4};
  Both forward(const gradus::Array& x) const { return {a(x), x}; }
  GRADUS_PARTS(a)
};

int main() {
  gradus::nn::Sequential good{gradus::nn::Dense(2)};
  gradus::nn::Sequential bad{Cell{}};  // refused
}
