// The op behind finite(): a kernel that reports bad values runs before all updates (gradus/plan/lower.cpp).
#include "gradus/train/finite.hpp"

#include <cmath>

#include "gradus/ops/families.hpp"

namespace gradus::train::detail {

namespace {

constexpr Input finite_inputs[] = {{"x", floats}};

cpu::KernelPtr prepare_finite(const KernelCall& call) {
  const int64_t count = call.inputs[0].shape.size();
  return visit_dtype(call.inputs[0].dtype, [&]<class T>(T) {
    return cpu::make_kernel(
        [count](void* const* pointers, void*) {
          const T* x = static_cast<const T*>(pointers[0]);
          T* y = static_cast<T*>(pointers[1]);
          for (int64_t i = 0; i < count; ++i) {
            const auto value = static_cast<double>(x[i]);
            if (!std::isfinite(value)) return cpu::Status{false, "not finite: element {} is {}", i, value, 0};
            if (y) y[i] = x[i];
          }
          return cpu::Status{};
        },
        0, true);
  });
}

// y = x  =>  dx = dy
std::vector<Array> same(const RecordedCall&, std::span<const Array> changes) { return {changes.begin(), changes.end()}; }

constinit const OpDef finite_op{.name = "finite",
                                .inputs = finite_inputs,
                                .infer = same_as_first,
                                .derivative = custom(same, same),
                                .batch = batch_by_loop,
                                .cpu = {prepare_finite}};

}  // namespace

Array finite(const Array& x) { return apply(finite_op, {x}); }

}  // namespace gradus::train::detail

namespace gradus {

std::span<const OpDef* const> finite_ops() {
  static constexpr const OpDef* ops[] = {&train::detail::finite_op};
  return ops;
}

}  // namespace gradus
