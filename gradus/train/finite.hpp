// A loss that must be finite for the step to happen.
#pragma once

#include <string_view>

#include "gradus/graph/array.hpp"

namespace gradus::train::detail {

/// y = x, and a run that computes it fails where an element is not finite, before the run has written anything in place. Evaluated
/// together with an update, it makes the update happen only for a finite loss.
Array finite(const Array& x);

/// The hint of fit's error for a loss that is not finite, where the data is finite. The command line says it in the words of recipes.
inline constexpr std::string_view not_finite_hint =
    "a smaller learning rate, .clip_norm = 1, or inputs without nan; GRADUS_CHECK_NAN=1 names the op";

}  // namespace gradus::train::detail
