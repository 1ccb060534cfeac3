// Element-wise functions: what each is, not how it is computed. Each backend has a way of its own; the families stand in functions/.
#pragma once

#include <cstdint>
#include <string_view>

#include "gradus/array/dtype.hpp"
#include "gradus/base/namespaces.hpp"

namespace gradus::backend {

enum class OutputKind : uint8_t { same, boolean };

/// One element-wise function. Its address is what it is known by.
struct Function {
  std::string_view name;
  int inputs = 1;
  OutputKind output = OutputKind::same;
  unsigned bool_inputs = 0;  ///< bit k set: operand k is bool, whatever the dtype

  constexpr DType output_dtype(DType dtype) const { return output == OutputKind::boolean ? bool_ : dtype; }
  constexpr bool is_bool_input(int input) const { return bool_inputs >> input & 1; }
};

/// Marks an op as a cast, to the dtype of its output; programs write it as an instruction without function.
inline constexpr Function cast_function{"cast"};

}  // namespace gradus::backend
