// The families of ops/ and of transform/, joined.
#include "gradus/transform/all_ops.hpp"

#include "gradus/ops/families.hpp"

namespace gradus::core {

std::span<const OpDef* const> all_ops() {
  static const std::vector<const OpDef*>& ops = *new std::vector<const OpDef*>([] {
    std::vector<const OpDef*> joined = families_of_ops();
    for (const auto& family : {checkpoint_ops(), custom_derivative_ops(), control_ops()})
      joined.insert(joined.end(), family.begin(), family.end());
    return joined;
  }());
  return ops;
}

const OpDef* find_op(std::string_view name) {
  for (const OpDef* op : all_ops()) {
    if (op->name == name) return op;
  }
  return nullptr;
}

}  // namespace gradus::core
