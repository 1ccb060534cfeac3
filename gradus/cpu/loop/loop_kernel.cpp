#include "gradus/cpu/loop/loop_kernel.hpp"

#include <algorithm>

#include "gradus/base/lowest.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/base/threads.hpp"

namespace gradus::cpu {

void LoopKernel::set_loop(int64_t chunks, int64_t chunk_bytes, int64_t shared_bytes) {
  chunks_ = chunks;
  shared_bytes_ = round_up(shared_bytes);
  slots_ = SlotPlan(chunk_bytes, chunks);
  scratch_bytes = shared_bytes_ + slots_.scratch_bytes();
}

Status LoopKernel::run(void* const* pointers, void* scratch) const {
  begin(scratch);
  Slots slots(slots_, static_cast<std::byte*>(scratch) + shared_bytes_);
  if (chunks_ == 1) {
    const Slots::Claim slot(slots);
    return run_chunk(0, pointers, scratch, slot.data());
  }
  Lowest<Status> failure;
  parallel_for(chunks_, [&](int64_t chunk) {
    if (failure.is_before(chunk)) return;
    const Slots::Claim slot(slots);
    if (const Status here = run_chunk(chunk, pointers, scratch, slot.data()); !here.is_ok) failure.take(chunk, here);
  });
  return failure.report();
}

KernelPtr prepare_bundle(std::vector<BundledLoop> loops) {
  struct Bundle final : LoopKernel {
    struct Member {
      std::shared_ptr<const LoopKernel> kernel;
      int64_t first_chunk, first_pointer, shared;
    };

    explicit Bundle(std::vector<BundledLoop> loops) {
      int64_t chunks = 0, pointers = 0, shared = 0, own = 0;
      for (BundledLoop& loop : loops) {
        const LoopKernel& kernel = *loop.kernel;
        may_fail |= kernel.may_fail;
        own = std::max(own, kernel.chunk_bytes());
        members.push_back({std::move(loop.kernel), chunks, pointers, shared});
        chunks += kernel.chunks();
        pointers += loop.operands;
        shared += kernel.shared_bytes();
      }
      set_loop(chunks, own, shared);
    }

    void begin(void* shared) const override {
      for (const Member& member : members) member.kernel->begin(static_cast<std::byte*>(shared) + member.shared);
    }
    Status run_chunk(int64_t chunk, void* const* pointers, void* shared, void* scratch) const override {
      const auto after = std::upper_bound(members.begin(), members.end(), chunk, [](int64_t at, const Member& member) { return at < member.first_chunk; });
      const Member& member = *std::prev(after);
      return member.kernel->run_chunk(chunk - member.first_chunk, pointers + member.first_pointer, static_cast<std::byte*>(shared) + member.shared, scratch);
    }

    std::vector<Member> members;
  };
  return std::make_shared<Bundle>(std::move(loops));
}

}  // namespace gradus::cpu
