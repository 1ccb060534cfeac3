// Logistic and softmax regression under one function, from a start. Private to models/.
#pragma once

#include <string_view>

#include "gradus/models/logistic_problem.hpp"

namespace gradus::models::detail {

/// What fit_logistic and fit_softmax do; `op` names the caller in errors.
LinearFit fit_classes(std::string_view op, const Array& x, const Array& y, const LogisticOptions& options, bool is_softmax);
/// The numbers (P, K) of the problem for each alpha, each from the last one on.
std::vector<std::vector<double>> fit_alphas(std::string_view op, const LogisticProblem& problem, LogisticOptions options,
                                            std::span<const double> alphas);

}  // namespace gradus::models::detail
