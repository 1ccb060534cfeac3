// Comparisons with numbers that the tests of transforms share.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/graph/array.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/graph/print.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

inline void expect_values(const Array& actual, const std::vector<double>& expected, double tolerance = 1e-9) {
  ASSERT_EQ(static_cast<size_t>(actual.size()), expected.size());
  const std::vector<double> values = actual.to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i)
    EXPECT_NEAR(values[i], expected[i], tolerance * std::max(1.0, std::abs(expected[i]))) << "element " << i;
}
inline void expect_close(const Array& actual, const Array& expected, double tolerance = 1e-9) {
  ASSERT_EQ(actual.shape(), expected.shape());
  expect_values(actual, expected.to_vector<double>(), tolerance);
}

/// The message of the Error that f throws.
template <class F>
std::string message_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "(no error)";
}

/// Numbers that are neither special nor small: 0.3, 0.8, -0.5, ...
inline Array samples(const Shape& shape, double shift = 0) {
  std::vector<double> values(static_cast<size_t>(shape.size()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = 0.9 * std::sin(1.7 * static_cast<double>(i) + 0.4 + shift);
  return array(values, shape);
}

}  // namespace gradus
