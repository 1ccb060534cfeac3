// Loops over the steps of sequences, for compositions: one op however many steps there are. Not for users, who call scan
// (transform/control.hpp), where this is defined.
#pragma once

#include <vector>

#include "gradus/base/function_ref.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::rule {

/// One step: from the carries and the elements of the sequences, the next carries and, after them, what is kept of the step.
using StepFunction = core::FunctionRef<std::vector<Array>(const std::vector<Array>& carries, const std::vector<Array>& elements)>;

/// carries, kept[t] = step(carries, sequences[t]) along axis 1 of the sequences, or from its end. Returns the last carries, then what was
/// kept, stacked along axis 1.
std::vector<Array> loop_over_steps(const std::vector<Array>& carries, const std::vector<Array>& sequences, bool is_reversed,
                                   StepFunction step);

}  // namespace gradus::rule
