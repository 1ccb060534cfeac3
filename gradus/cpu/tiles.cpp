#include "gradus/cpu/tiles.hpp"

#include <algorithm>
#include <array>

#include "gradus/base/error.hpp"
#include "gradus/cpu/round_up.hpp"

namespace gradus::cpu {

namespace {

constexpr size_t kMostPointers = 8;

void* moved(void* pointer, int64_t bytes) { return pointer ? static_cast<std::byte*>(pointer) + bytes : nullptr; }

Status run_tile(const TiledSpec& spec, const KernelPair& pair, int64_t begin, void* const* pointers, void* middle, void* scratch) {
  std::array<void*, kMostPointers> first{}, second{};
  const size_t inputs = spec.input_steps.size();
  for (size_t i = 0; i < inputs; ++i) first[i] = moved(pointers[i], begin * spec.input_steps[i]);
  first[inputs] = middle;
  second[0] = middle;
  for (size_t i = 0; i < spec.output_steps.size(); ++i) second[i + 1] = moved(pointers[inputs + i], begin * spec.output_steps[i]);
  const Status status = pair.first->run(first.data(), scratch);
  return status.is_ok ? pair.second->run(second.data(), scratch) : status;
}

}  // namespace

KernelPtr prepare_tiled(TiledSpec spec) {
  if (std::max(spec.input_steps.size(), spec.output_steps.size()) + 1 > kMostPointers) fail_bug("tiles: too many operands");
  int64_t own = 0;
  for (const KernelPair* pair : {&spec.whole, &spec.rest}) {
    for (const KernelPtr& kernel : {pair->first, pair->second}) {
      if (!kernel) continue;
      if (kernel->may_fail) fail_bug("tiles: a kernel that may fail");
      own = std::max(own, kernel->scratch_bytes);
    }
  }
  own = round_up(own);
  const int64_t scratch_bytes = own + round_up(spec.middle_bytes);
  return make_kernel(
      [spec = std::move(spec), own](void* const* pointers, void* scratch) {
        void* const middle = moved(scratch, own);
        for (int64_t begin = 0; begin < spec.batch; begin += spec.tile) {
          const KernelPair& pair = begin + spec.tile <= spec.batch ? spec.whole : spec.rest;
          const Status status = run_tile(spec, pair, begin, pointers, middle, scratch);
          if (!status.is_ok) return status;
        }
        return Status{};
      },
      scratch_bytes);
}

}  // namespace gradus::cpu
