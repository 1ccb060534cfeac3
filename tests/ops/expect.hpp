// Expectations on arrays and on messages.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::test {

/// `got` has this shape and these values, to rounding.
inline void expect_values(const Array& got, const Shape& shape, const std::vector<double>& want, double tolerance = 1e-6) {
  ASSERT_EQ(got.shape(), shape) << to_text(got.shape());
  const std::vector<double> values = got.to_vector<double>();
  ASSERT_EQ(values.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_TRUE(std::abs(values[i] - want[i]) <= tolerance * (1 + std::abs(want[i])) || values[i] == want[i] ||
                (std::isnan(values[i]) && std::isnan(want[i])))
        << "element " << i << " is " << values[i] << ", not " << want[i];
  }
}

/// `call` throws an Error with exactly this text.
template <class F>
void expect_error(F&& call, const std::string& text) {
  try {
    call();
    ADD_FAILURE() << "no error; expected: " << text;
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()), text);
  }
}

}  // namespace gradus::test
