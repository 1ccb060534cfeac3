// checkpoint: memory for time. What a function computes inside is not kept for the backward pass but computed again there.
#pragma once

#include "gradus/transform/recording.hpp"

namespace gradus {

namespace core {

/// The outputs of the recorded function as outputs of one op, which keeps only its inputs.
std::vector<Array> apply_checkpoint(Recording& recording, const std::vector<Array>& inputs, std::vector<Array> outputs);

template <class F>
class Checkpoint {
 public:
  explicit Checkpoint(F f) : f_(std::move(f)) {}
  template <class... A>
  auto operator()(A&&... arguments) const {
    const std::vector<Array> inputs = arrays_of(arguments...);
    Recording recording(TraceKind::checkpoint);
    auto value = call_replaced(f_, [&](const Array& x) { return recording.add(x); }, arguments...);
    return with_arrays(value, apply_checkpoint(recording, inputs, arrays_in(value)));
  }

 private:
  F f_;
};

}  // namespace core

/// f, of which the backward pass keeps only the inputs (and what f captured) and computes the rest again, with the same bits and the same
/// random numbers. Running statistics that f writes are written once.
///
///   Array h = checkpoint([&](const Array& x) { return block(x); })(x);
template <class F>
auto checkpoint(F f) {
  return core::Checkpoint<F>(std::move(f));
}
inline auto checkpoint(core::FunctionOfOne f) { return core::Checkpoint<Array (*)(const Array&)>(f.pointer()); }

}  // namespace gradus
