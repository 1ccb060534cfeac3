// Loops over steps as scans.
#include "gradus/ops/steps.hpp"

#include "gradus/base/error.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/control.hpp"

namespace gradus {

using namespace core;

std::vector<Array> rule::loop_over_steps(const std::vector<Array>& carries, const std::vector<Array>& sequences, bool is_reversed,
                                         StepFunction step) {
  std::vector<Array> by_step;
  for (const Array& sequence : sequences) by_step.push_back(moveaxis(sequence, 1, 0));
  ScanCall call(carries, by_step, {.reverse = is_reversed});
  call.begin();
  const auto symbols = [&](size_t count) {
    std::vector<Array> out;
    while (out.size() < count) out.push_back(call.next_symbol());
    return out;
  };
  const std::vector<Array> now = symbols(carries.size()), elements = symbols(by_step.size()), all = step(now, elements);
  const auto kept = all.begin() + static_cast<std::ptrdiff_t>(carries.size());
  if (!call.end({all.begin(), kept}, {kept, all.end()})) fail_bug("a loop over steps carries a number; its carries must be arrays");
  std::vector<Array> out = call.outputs();
  for (size_t i = carries.size(); i < out.size(); ++i) out[i] = moveaxis(out[i], 0, 1);
  return out;
}

}  // namespace gradus
