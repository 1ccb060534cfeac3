// Gradients of the batches of one step, added up. Not for users.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "gradus/ops/compare.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/train/fit.hpp"

namespace gradus::train::detail {

/// The gradient of a loss over several batches: each batch's times what its mean divides by, added up in float32 or wider, over the sum of
/// those.
class GradientSums {
 public:
  /// What one batch of so many examples gave.
  void add(const Gradients& grads, const Measured& measured, int64_t examples) {
    is_sum_ = measured.is_sum;
    const Array divisor = measured.divisor.exists() ? measured.divisor : Array(static_cast<double>(examples));
    divisor_ = divisor_.exists() ? divisor_ + divisor : divisor;
    size_t at = 0;
    for (const Gradients::Entry& entry : grads) {
      const Array& grad = entry.second;
      const Array wide = grad.dtype() == float64 ? grad : grad.astype(float32);
      // The mean of a batch without a label that counts is NaN, and counts nothing.
      const Array part = is_sum_ ? wide : measured.divisor.exists() ? where(divisor == 0, 0, divisor * wide) : divisor * wide;
      Array& sum = sum_of(entry.first, at++);
      sum = sum.exists() ? sum + part : part;
    }
  }
  /// Adds what must be evaluated with the batch, so that its graph goes.
  void collect(std::vector<Array>& roots) const {
    roots.push_back(divisor_);
    for (const Gradients::Entry& entry : sums_) roots.push_back(entry.second);
  }
  /// What the mean over the batches so far divides by.
  const Array& divisor() const { return divisor_; }
  /// The gradient over all; nothing is held any more.
  Gradients take() {
    Gradients all(std::exchange(sums_, {}));
    return is_sum_ ? all : all.map([&](const Array& sum) { return sum / divisor_; });
  }

 private:
  // `at`: where it is if the paths come in the same order each time.
  Array& sum_of(const std::string& path, size_t at) {
    if (at < sums_.size() && sums_[at].first == path) return sums_[at].second;
    for (Gradients::Entry& entry : sums_) {
      if (entry.first == path) return entry.second;
    }
    return sums_.emplace_back(path, Array()).second;
  }

  std::vector<Gradients::Entry> sums_;
  Array divisor_;
  bool is_sum_ = false;
};

}  // namespace gradus::train::detail
