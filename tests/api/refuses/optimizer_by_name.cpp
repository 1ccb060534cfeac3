// expects: an optimiser is made by its constructor: .optimizer = optim::Adam\(1e-3\)
// at most: 20 lines
// A rate is an argument of an optimiser.
#include "gradus/gradus.hpp"

int main() {
  const gradus::data::Dataset set(gradus::zeros({4, 3}), gradus::zeros({4, 4}));
  gradus::nn::Dense model(4);
  gradus::train::fit(model, set, {.loss = gradus::loss::mean_squared_error, .optimizer = gradus::optim::Adam(1e-3)});
  gradus::train::fit(model, set, {.loss = gradus::loss::mean_squared_error, .optimizer = "adam"});  // refused
}
