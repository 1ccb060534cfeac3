// expects: no match|no matching|could not convert
// API.md 3.2: 10 is no layer.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Sequential good{gradus::nn::Dense(10)};
  gradus::nn::Sequential bad{10};  // refused
}
