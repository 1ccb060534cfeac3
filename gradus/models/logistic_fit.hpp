// Logistic and softmax regression under one function, from a start. Private to models/.
#pragma once

#include <string_view>

#include "gradus/models/logistic_problem.hpp"

namespace gradus::models::detail {

/// What fit_logistic and fit_softmax do; `op` names the caller in errors. start, if given, is a fit of the same shape to begin from.
LinearFit fit_classes(std::string_view op, const Array& x, const Array& y, const LogisticOptions& options, bool is_softmax,
                      const LinearFit* start);

}  // namespace gradus::models::detail
