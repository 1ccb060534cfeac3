// Sums whose rounding does not grow with their length. Not for users.
#pragma once

#include <cmath>

namespace gradus::metrics::detail {

/// Neumaier's compensated sum (1974): what each addition rounds away is kept.
class Sum {
 public:
  Sum() = default;
  Sum(double value, double rest) : value_(value), rest_(rest) {}
  void add(double x) {
    const double next = value_ + x;
    rest_ += std::abs(value_) >= std::abs(x) ? (value_ - next) + x : (x - next) + value_;
    value_ = next;
  }
  void add(const Sum& other) {
    add(other.value_);
    rest_ += other.rest_;
  }
  /// Infinite terms leave no rest that says anything.
  double value() const { return std::isfinite(value_) ? value_ + rest_ : value_; }
  double high() const { return value_; }
  double low() const { return rest_; }

 private:
  double value_ = 0, rest_ = 0;
};

}  // namespace gradus::metrics::detail
