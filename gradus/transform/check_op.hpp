// The checks of transform/check.hpp for ops.
#pragma once

#include <span>
#include <vector>

#include "gradus/graph/op_def.hpp"
#include "gradus/transform/check.hpp"

namespace gradus::core {

/// Inputs and parameters of one call of an op.
struct OpSample {
  std::vector<Array> inputs;
  Args args{};
};
/// check_gradients for an op at each sample, with every input batched alone and all together; and, for an op of kind composed, its results
/// against its composition.
CheckReport check_op(const OpDef& op, std::span<const OpSample> samples, const CheckOptions& options = {});
inline CheckReport check_op(const OpDef& op, std::initializer_list<OpSample> samples, const CheckOptions& options = {}) {
  return check_op(op, std::span<const OpSample>(samples.begin(), samples.size()), options);
}

}  // namespace gradus::core
