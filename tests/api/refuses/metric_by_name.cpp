// expects: a metric is a function: metrics::accuracy, not its name
// at most: 20 lines
// A metric is a function.
#include "gradus/gradus.hpp"

int main() {
  const gradus::data::Dataset set(gradus::zeros({4, 3}), gradus::zeros({4, 4}));
  gradus::nn::Dense model(4);
  gradus::train::fit(model, set, {.loss = gradus::loss::mean_squared_error, .metrics = {gradus::metrics::accuracy}});
  gradus::train::fit(model, set, {.loss = gradus::loss::mean_squared_error, .metrics = {"accuracy"}});  // refused
}
