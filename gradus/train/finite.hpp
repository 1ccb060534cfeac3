// A loss that must be finite for the step to happen.
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus::train::detail {

/// y = x, and a run that computes it fails where an element is not finite, before the run has written anything in place. Evaluated
/// together with an update, it makes the update happen only for a finite loss.
Array finite(const Array& x);

}  // namespace gradus::train::detail
