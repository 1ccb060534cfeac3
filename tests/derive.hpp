// Derivatives of functions of lists of arrays: any number of inputs and outputs. For the golden runner and the laws.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "gradus/gradus.hpp"

namespace tests {

using Arrays = std::vector<gradus::Array>;
using ListFunction = std::function<Arrays(const Arrays&)>;

/// The cotangents of x for the cotangents of f(x).
inline Arrays pull_back(const ListFunction& f, const Arrays& x, const Arrays& cotangents) {
  const auto [y, pullback] = gradus::vjp(f, x);
  return pullback(cotangents);
}
/// f(x) and its tangents for the tangents of x.
inline std::pair<Arrays, Arrays> push_forward(const ListFunction& f, const Arrays& x, const Arrays& tangents) {
  auto [y, dy] = gradus::jvp(f, x, tangents);
  return {y, dy};
}

}  // namespace tests
