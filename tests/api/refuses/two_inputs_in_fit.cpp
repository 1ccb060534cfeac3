// expects: the model is called with one array and returns one
// at most: 20 lines
// A model of several inputs is trained with an objective.
#include "gradus/gradus.hpp"

struct Sum {
  gradus::nn::Dense a{4}, b{4};
  gradus::Array forward(const gradus::Array& x, const gradus::Array& y) const { return a(x) + b(y); }
  GRADUS_PARTS(a, b)
};

int main() {
  const gradus::data::Dataset set(gradus::zeros({4, 3}), gradus::zeros({4, 4}));
  Sum sum{};
  gradus::train::fit(sum, [](const auto& m, const gradus::data::Batch& batch) { return mean(m(batch.x, batch.y)); }, set, {});
  gradus::train::fit(sum, set, {.loss = gradus::loss::mean_squared_error});  // refused
}
