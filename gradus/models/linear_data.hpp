// Tables as linear models are fitted to them: checked, in float64, weighted. Private to models/.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"
#include "gradus/models/linear.hpp"

namespace gradus::models::detail {

/// x and its targets, evaluated.
struct LinearData {
  Array x{}, y{};                 ///< (N, D), (N, K), float64
  std::vector<double> weights{};  ///< (N,)
  double total_weight = 0;
  int64_t rows = 0, columns = 0, targets = 0;
  int64_t counted_rows = 0;  ///< with a weight above 0
  bool is_vector = false;    ///< y was (N,)
};
/// x as a table of finite numbers; throws naming the first that is none.
Array checked_table(std::string_view op, const Array& x, const char* name = "x");
/// (N,) weights, 1 where `weights` is empty; their sum is above 0.
std::vector<double> checked_weights(std::string_view op, const Array& weights, int64_t rows);
LinearData checked_data(std::string_view op, const Array& x, const Array& y, const Array& weights);
/// Throws for an alpha that is negative, an l1_ratio that is no share, and the like.
void check_penalty(std::string_view op, double alpha, double l1_ratio);
void check_stopping(std::string_view op, double tolerance, int64_t iterations);

/// (N, D) with the weighted mean taken from each column and each row times the root of its weight; means (D,). Without intercept means are
/// 0.
struct Centred {
  Array x{}, y{};
  std::vector<double> x_mean{}, y_mean{};
};
Centred centred(const LinearData& data, bool use_intercept);

/// A float64 array of values.
Array array_of(std::vector<double> values, const Shape& shape);
/// Coefficients (D, K) and intercepts (K,) in the shapes that fits have.
void set_coefficients(LinearFit& fit, std::vector<double> coefficients, std::vector<double> intercept, int64_t targets, bool is_vector);
/// Notes it where the certificate is not met.
void note_convergence(LinearFit& fit);
/// What is left of the first target by these coefficients: deviation and r2; `parameters` is what the degrees of freedom lack.
void set_residuals(LinearFit& fit, const LinearData& data, bool use_intercept, double parameters);

}  // namespace gradus::models::detail
