// Small networks whose weights are given by a formula, so that other systems can have the same.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "gradus/explain/explain.hpp"
#include "gradus/gradus.hpp"

namespace explain_tests {

using namespace gradus;

/// scale * sin(a i + b) + shift for element number i, float64.
inline Array waves(const Shape& shape, double a, double b, double scale, double shift = 0) {
  return reshape(sin(a * arange(shape.size()).astype(float64) + b) * scale + shift, shape);
}

/// Two convolutions with pooling between them and four outputs, in float64; `of_captum` in the tests is what captum 0.9.0 gives for it.
inline nn::Sequential image_net(bool has_bias) {
  nn::Sequential net{nn::Conv2D(2, 3, relu), nn::MaxPooling2D(2), nn::Conv2D(3, 3, relu), nn::Flatten(), nn::Dense(4)};
  nn::build(net, {1, 10, 10, 1}, float64);
  const double bias = has_bias ? 0.1 : 0;
  const std::vector<Array> values{waves({3, 3, 1, 2}, 1.3, 0.2, 0.5, 0.05), waves({2}, 0.7, 0.1, bias),
                                  waves({3, 3, 2, 3}, 0.9, 0.4, 0.4, 0.1),  waves({3}, 1.7, 0.3, bias),
                                  waves({12, 4}, 0.37, 0.5, 0.3),           waves({4}, 2.1, 0.6, bias)};
  const std::vector<Variable> variables = gradus::parameters(net);
  for (size_t i = 0; i < values.size(); ++i) variables[i].set(values[i]);
  return net;
}
inline Array image_rows() { return abs(waves({2, 10, 10, 1}, 0.61, 0.05, 1.0)); }

/// A sum that no two elements enter alike.
inline double fingerprint(const Array& values) {
  const Array flat = reshape(values.astype(float64), {-1});
  return sum(flat * sin(arange(1, flat.size() + 1).astype(float64))).item();
}
inline double at(const Array& values, int64_t i, int64_t j) { return values[{i, j}].item(); }
inline double total(const Array& values) { return sum(values.astype(float64)).item(); }

/// tanh(x W + b) W' + b' with 5 inputs and 2 outputs, in float64.
inline Array table_net(const Array& x) {
  return matmul(tanh(matmul(x, waves({5, 6}, 0.8, 0.3, 0.9)) + waves({6}, 1.1, 0.2, 0.3)), waves({6, 2}, 0.5, 0.9, 0.8)) +
         waves({2}, 1, 0.4, 0.2);
}
inline Array table_background() { return waves({7, 5}, 0.77, 0.1, 1.0); }
inline Array table_rows() { return waves({2, 5}, 1.9, 0.6, 1.2); }

/// The text of the error that `f` throws; "" if it throws none.
template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
#define EXPECT_ERROR(words, ...) \
  EXPECT_NE(error_of([&] { (void)(__VA_ARGS__); }).find(words), std::string::npos) << error_of([&] { (void)(__VA_ARGS__); })

inline std::vector<double> numbers(const Array& values) { return values.to_vector<double>(); }

}  // namespace explain_tests
