// In which dtypes fit computes. docs/training.md has the rule.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gradus::train {

/// All in float32, or products on operands rounded to bfloat16 and the rest in float32: nn::MixedPrecision around each step.
enum class Precision { float32, mixed_bfloat16 };
std::span<const std::string_view> enum_names(Precision);

/// Products in bfloat16, all else in float32.
inline constexpr Precision mixed_bfloat16 = Precision::mixed_bfloat16;

/// "float32", or, with what the processor has for it, "mixed_bfloat16: products in bfloat16 (AMX), all else in float32".
std::string to_text(Precision precision);

}  // namespace gradus::train
