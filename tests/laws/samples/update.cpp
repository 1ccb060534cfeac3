// Samples of optimiser steps, and of the check that stops one.
#include "gradus/ops/update.hpp"

#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

constexpr double kRate = 0.1, kEpsilon = 1e-3, kKeep = 0.99, kBeta1 = 0.9, kBeta2 = 0.99;

Plain new_parameter(const std::vector<Plain>& x) {
  Plain out = x[0];
  for (size_t i = 0; i < out.values.size(); ++i) {
    const double g = x[1].values[i], m = kBeta1 * x[2].values[i] + (1 - kBeta1) * g, v = kBeta2 * x[3].values[i] + (1 - kBeta2) * g * g;
    out.values[i] = kKeep * x[0].values[i] - kRate * m / (std::sqrt(v) + kEpsilon);
  }
  return out;
}

Sample adam_of(const Shape& shape) {
  return {.op = "adam_update",
          .inputs = {uniform(shape), uniform(shape, 0.5, 1.5, 2), uniform(shape, -1, 1, 3), uniform(shape, 0.2, 1, 4)},
          .call =
              [](const Arrays& x) {
                const AdamUpdate next = adam_update(x[0], x[1], x[2], x[3], kRate, kEpsilon, kKeep, kBeta1, kBeta2);
                return Arrays{next.parameter, next.m, next.v};
              },
          .reference = new_parameter,
          .narrowest = float32};
}

}  // namespace

Samples update_samples() {
  Samples out{adam_of({3, 5}), adam_of({}), adam_of({0, 2}), adam_of({70})};
  for (const Shape& shape : {Shape{}, Shape{2, 3}})
    out.push_back({.op = "finite",
                   .inputs = {uniform(shape)},
                   .call = [](const Arrays& x) { return Arrays{finite(x[0])}; },
                   .reference = [](const std::vector<Plain>& x) { return x[0]; },
                   .refuses_specials = true});
  return out;
}

}  // namespace laws
