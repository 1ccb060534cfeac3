// expects: a number, text or pointer is no layer
// at most: 20 lines
// 10 is no layer.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Sequential good{gradus::nn::Dense(10)};
  gradus::nn::Sequential bad{10};  // refused
}
