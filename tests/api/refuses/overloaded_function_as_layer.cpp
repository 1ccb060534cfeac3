// expects: a function is no layer: nn::Activation\(softmax\) is
// at most: 20 lines
// The function is picked out of its overloads by nn::Activation.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Sequential good{gradus::nn::Dense(2), gradus::nn::Activation(gradus::softmax)};
  gradus::nn::Sequential bad{gradus::nn::Dense(2), gradus::softmax};  // refused
}
