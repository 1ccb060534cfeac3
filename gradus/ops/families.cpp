// The families of ops, listed once. A static library would drop object files that nobody names; this names them.
#include "gradus/ops/families.hpp"

#include <vector>

#include "gradus/graph/leaf.hpp"

namespace gradus {

std::span<const OpDef* const> leaf_ops() {
  static constexpr const OpDef* ops[] = {&data_op, &scalar_op, &placeholder_op, &identity_op, &stop_gradient_op, &barrier_op};
  return ops;
}

std::span<const OpDef* const> all_ops() {
  static const std::vector<const OpDef*>& ops = *new std::vector<const OpDef*>([] {
    std::vector<const OpDef*> joined;
    for (const auto& family : {
             leaf_ops(),
             checkpoint_ops(),
             custom_derivative_ops(),
             control_ops(),
             elementwise_ops(),
             math_ops(),
             compare_ops(),
             activation_ops(),
             reduce_ops(),
             cumulative_ops(),
             shape_ops(),
             part_ops(),
             index_ops(),
             sort_ops(),
             random_ops(),
             normalize_ops(),
             cross_entropy_ops(),
             linalg_ops(),
             conv_ops(),
             pool_ops(),
             update_ops(),
             finite_ops(),
         })
      joined.insert(joined.end(), family.begin(), family.end());
    return joined;
  }());
  return ops;
}

const OpDef* find_op(std::string_view name) {
  for (const OpDef* op : all_ops())
    if (op->name == name) return op;
  return nullptr;
}

}  // namespace gradus
