// Predicted and true numbers, read and checked, and the sums that most of their scores are made of. Not for users.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "gradus/metrics/class_data.hpp"
#include "gradus/metrics/sum.hpp"

namespace gradus::metrics::detail {

struct NumberData {
  size_t rows = 0, columns = 1;
  std::vector<double> output{}, target{};  ///< (rows, columns)
  std::vector<double> weights{};

  size_t size() const { return rows; }
  void append(const NumberData& other);
};
/// Throws, as `place`, for shapes that differ, weights that are none, and the first number that is not finite.
NumberData read_numbers(std::string_view place, const Array& output, const Array& target, const NumberOptions& options);

/// Of one column: what batches add to. Means and squares about them by Welford (1962), joined by Chan, Golub and LeVeque (1979); the rest
/// are compensated sums.
struct Moments {
  double weight = 0, count = 0;
  double target_mean = 0, target_squares = 0;  ///< of the targets about their mean
  double error_mean = 0, error_squares = 0;    ///< of target - output about its mean
  Sum absolute{}, squared{}, relative{}, symmetric{}, logarithmic{};
  double largest = 0;       ///< error
  double least_number = 0;  ///< the least of targets and outputs, if below 0

  void add(double output, double target, double weight, bool has_logs = true);
  void merge(const Moments& other);
};
/// Logarithms are most of the time that moments take.
enum class Logs : uint8_t { wanted, left_out };
/// One a column.
std::vector<Moments> moments_of(const NumberData& data, Weights weights, Logs logs = Logs::wanted);

}  // namespace gradus::metrics::detail
