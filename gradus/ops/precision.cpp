#include "gradus/ops/precision.hpp"

#include "gradus/graph/mode.hpp"

namespace gradus {

Array in_product_dtype(const Array& x) {
  return has_bfloat16_products() && x.exists() && x.dtype() == float32 && !x.is_weak() ? x.astype(bfloat16) : x;
}

bool rule::is_mixed_product(const Array& a, const Array& b) {
  if (!has_bfloat16_products() || !a.exists() || !b.exists() || a.is_weak() || b.is_weak()) return false;
  const auto is_narrow = [](const Array& x) { return x.dtype() == float32 || x.dtype() == bfloat16; };
  return is_narrow(a) && is_narrow(b) && (a.dtype() == float32 || b.dtype() == float32);
}

DType rule::loss_dtype(const Array& x) { return has_bfloat16_products() && x.dtype() == bfloat16 ? float32 : x.dtype(); }

}  // namespace gradus
