// expects: L-BFGS evaluates one objective again and again, which batches are not
// at most: 20 lines
// L-BFGS is no optimiser of fit.
#include "gradus/gradus.hpp"

int main() {
  const gradus::data::Dataset set(gradus::zeros({4, 3}), gradus::zeros({4, 4}));
  gradus::nn::Dense model(4);
  gradus::train::fit(model, set, {.loss = gradus::loss::mean_squared_error, .optimizer = gradus::optim::LBFGS()});  // refused
}
