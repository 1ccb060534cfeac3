#include "gradus/cpu/loop/loop_kernel.hpp"

#include <algorithm>

#include "gradus/base/lowest.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/base/parallel.hpp"

namespace gradus::cpu {

void LoopKernel::set_loop(int64_t chunks, int64_t chunk_bytes, int64_t shared_bytes) {
  loop_chunks = chunks;
  loop_shared_bytes = round_up(shared_bytes);
  slots_ = SlotSizes(chunk_bytes, chunks);
  scratch_bytes = loop_shared_bytes + slots_.scratch_bytes();
}

Status LoopKernel::run(void* const* pointers, void* scratch) const {
  begin(scratch);
  Slots slots(slots_, static_cast<std::byte*>(scratch) + loop_shared_bytes);
  if (loop_chunks == 1) {
    const Slots::Claim slot(slots);
    return run_chunk(0, pointers, scratch, slot.data());
  }
  Lowest<Status> failure;
  parallel_for(loop_chunks, [&](int64_t chunk) {
    if (failure.is_before(chunk)) return;
    const Slots::Claim slot(slots);
    if (const Status here = run_chunk(chunk, pointers, scratch, slot.data()); !here.is_ok) failure.take(chunk, here);
  });
  return failure.report();
}

KernelPtr prepare_bundle(std::span<const backend::BundledLoop> loops) {
  struct Bundle final : LoopKernel {
    struct Member {
      std::shared_ptr<const LoopKernel> kernel;
      int64_t first_chunk, first_pointer, shared;
    };

    explicit Bundle(std::span<const backend::BundledLoop> loops) {
      int64_t chunks = 0, pointers = 0, shared = 0, own = 0;
      for (const backend::BundledLoop& loop : loops) {
        auto shared_loop = std::static_pointer_cast<const LoopKernel>(loop.kernel);
        const LoopKernel& kernel = *shared_loop;
        may_fail |= kernel.may_fail;
        own = std::max(own, kernel.chunk_bytes());
        members.push_back({std::move(shared_loop), chunks, pointers, shared});
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
      const auto after =
          std::upper_bound(members.begin(), members.end(), chunk, [](int64_t at, const Member& member) { return at < member.first_chunk; });
      const Member& member = *std::prev(after);
      return member.kernel->run_chunk(chunk - member.first_chunk, pointers + member.first_pointer,
                                      static_cast<std::byte*>(shared) + member.shared, scratch);
    }

    std::vector<Member> members;
  };
  return std::make_shared<Bundle>(loops);
}

}  // namespace gradus::cpu
