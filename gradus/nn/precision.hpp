// Mixed precision: products of float32 arrays on operands rounded to bfloat16. docs/training.md has the rule and the reasons.
#pragma once

#include <cstdint>

#include "gradus/array/dtype.hpp"
#include "gradus/graph/mode.hpp"

namespace gradus::nn {

/// While it lives, matrix products and convolutions of this thread round float32 operands to bfloat16 and sum in float32; layers keep what
/// an activation reads and gives in bfloat16; norms, softmax, losses, reductions and all else stay as they are. What is recorded inside
/// is so for good: gradients, of any order, may be taken outside, and those of float32 arrays are float32. A compiled function is traced
/// once for each mode. `dtype` is bfloat16, or float32: plain products within an outer scope.
///
///   { nn::MixedPrecision mixed(bfloat16); auto [value, grads] = value_and_grad<0>(objective)(model, x, y); }
class MixedPrecision {
 public:
  explicit MixedPrecision(DType dtype);
  ~MixedPrecision();
  MixedPrecision(const MixedPrecision&) = delete;
  MixedPrecision& operator=(const MixedPrecision&) = delete;

  static bool is_on() { return has_bfloat16_products(); }

 private:
  uint64_t flags_before_;
};

}  // namespace gradus::nn
