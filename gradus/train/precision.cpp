#include "gradus/train/precision.hpp"

#include "gradus/base/text.hpp"
#include "gradus/plan/backend.hpp"

namespace gradus::train {

std::span<const std::string_view> enum_names(Precision) {
  static constexpr std::string_view names[] = {"float32", "mixed_bfloat16"};
  return names;
}

std::string to_text(Precision precision) {
  const std::string name(enum_names(precision)[static_cast<size_t>(precision)]);
  if (precision == Precision::float32) return name;
  return core::concat(name, ": products in bfloat16 (", plan::current_backend().bfloat16_unit(), "), all else in float32");
}

}  // namespace gradus::train
