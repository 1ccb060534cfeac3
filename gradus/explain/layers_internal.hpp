// Calls of a model in which one layer's result is looked at or moved. Not for users.
#pragma once

#include "gradus/explain/layers.hpp"

namespace gradus::explain::detail {

/// The model at x, of which the result of call `number` has `shift` added (unless that is empty) and is handed out as `*result`.
Array call_with_shift(Function model, const Array& x, int64_t number, const Array& shift, Array* result);

}  // namespace gradus::explain::detail
