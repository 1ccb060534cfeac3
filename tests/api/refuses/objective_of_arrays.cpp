// expects: an objective takes the model and a batch
// at most: 20 lines
// An objective takes (model, batch).
#include "gradus/gradus.hpp"

using namespace gradus;

int main() {
  const data::Dataset set(zeros({4, 3}), zeros({4, 4}));
  nn::Dense model(4);
  train::fit(model, [](const auto& m, const data::Batch& batch) { return mean(m(batch.x)); }, set, {});
  train::fit(model, [](const auto& m, const Array& x, const Array&) { return mean(m(x)); }, set, {});  // refused
}
