// expects: a function is no layer: nn::Activation\(relu\) is
// at most: 20 lines
// nn::Activation(relu) is the layer; a bare tanh could not be found among its overloads.
#include "gradus/gradus.hpp"

int main() {
  gradus::nn::Sequential good{gradus::nn::Dense(2), gradus::nn::Activation(gradus::relu)};
  gradus::nn::Sequential bad{gradus::nn::Dense(2), gradus::relu};  // refused
}
