// expects: fit takes a data set: train::fit\(model, data::Dataset\(x, y\), 
// at most: 20 lines
// A data set checks that inputs and targets fit.
#include "gradus/gradus.hpp"

int main() {
  const gradus::Array x = gradus::zeros({4, 3}), y = gradus::zeros({4, 4});
  gradus::nn::Dense model(4);
  gradus::train::fit(model, gradus::data::Dataset(x, y), {.loss = gradus::loss::mean_squared_error});
  gradus::train::fit(model, x, y, {.loss = gradus::loss::mean_squared_error});  // refused
}
