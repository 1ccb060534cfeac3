// The families of ops, listed once. A static library would drop object files that nobody names; this names them.
#include "gradus/ops/families.hpp"

#include <vector>

#include "gradus/graph/leaf.hpp"

namespace gradus::rule {

std::span<const OpDef* const> leaf_ops() {
  static constexpr const OpDef* ops[] = {&data_op, &scalar_op, &placeholder_op, &identity_op, &stop_gradient_op, &cast_op, &barrier_op};
  return ops;
}

std::vector<const OpDef*> families_of_ops() {
  std::vector<const OpDef*> joined;
  for (const auto& family : {
           leaf_ops(),
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
           ctc_ops(),
           linalg_ops(),
           conv_ops(),
           pool_ops(),
           attention_ops(),
           rotary_ops(),
           recurrent_ops(),
           update_ops(),
       }) {
    joined.insert(joined.end(), family.begin(), family.end());
  }
  return joined;
}

}  // namespace gradus::rule
