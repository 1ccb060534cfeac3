// Comparisons and tests, whose results are bool, and selection. In logic nonzero is true.
#pragma once

#include "gradus/backend/function.hpp"

namespace gradus::backend {

inline constexpr Function equal_function{"equal", 2, OutputKind::boolean};
inline constexpr Function not_equal_function{"not_equal", 2, OutputKind::boolean};
inline constexpr Function less_function{"less", 2, OutputKind::boolean};
inline constexpr Function less_equal_function{"less_equal", 2, OutputKind::boolean};
inline constexpr Function greater_function{"greater", 2, OutputKind::boolean};
inline constexpr Function greater_equal_function{"greater_equal", 2, OutputKind::boolean};
inline constexpr Function logical_and_function{"logical_and", 2, OutputKind::boolean};
inline constexpr Function logical_or_function{"logical_or", 2, OutputKind::boolean};
inline constexpr Function logical_xor_function{"logical_xor", 2, OutputKind::boolean};
inline constexpr Function logical_not_function{"logical_not", 1, OutputKind::boolean};
inline constexpr Function isnan_function{"isnan", 1, OutputKind::boolean};
inline constexpr Function isinf_function{"isinf", 1, OutputKind::boolean};
inline constexpr Function isfinite_function{"isfinite", 1, OutputKind::boolean};
inline constexpr Function signbit_function{"signbit", 1, OutputKind::boolean};
inline constexpr Function where_function{"where", 3, OutputKind::same, 1};  // operands (condition: bool, x, y)

}  // namespace gradus::backend
