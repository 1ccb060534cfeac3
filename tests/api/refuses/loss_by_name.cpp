// expects: a loss is a function: loss::mean_squared_error, not its name
// at most: 20 lines
// A loss is a function.
#include "gradus/gradus.hpp"

int main() {
  const gradus::data::Dataset set(gradus::zeros({4, 3}), gradus::zeros({4, 4}));
  gradus::nn::Dense model(4);
  gradus::train::fit(model, set, {.loss = gradus::loss::mean_squared_error});
  gradus::train::fit(model, set, {.loss = "mse"});  // refused
}
