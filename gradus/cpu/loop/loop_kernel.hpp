// Kernels that are one parallel loop, whose chunks others may run too: several such kernels make one loop. Private to cpu/ and the planner.
#pragma once

#include <span>

#include "gradus/backend/chain.hpp"
#include "gradus/cpu/kernel.hpp"
#include "gradus/cpu/loop/slots.hpp"

namespace gradus::cpu {

/// A loop of chunks that may run in any order and in any threads, each once.
class LoopKernel : public Kernel {
 public:
  /// `shared`: shared_bytes() bytes, the same for all chunks of a run, which begin() has seen. `scratch`: chunk_bytes() bytes of this
  /// chunk's own. Both are aligned to 64.
  virtual Status run_chunk(int64_t chunk, void* const* pointers, void* shared, void* scratch) const = 0;
  /// Comes before all chunks of a run.
  virtual void begin(void* /*shared*/) const {}
  /// Of several chunks that fail the first counts.
  Status run(void* const* pointers, void* scratch) const final;

  int64_t chunks() const { return loop_chunks; }
  int64_t chunk_bytes() const { return slots_.slot_bytes(); }
  int64_t shared_bytes() const { return loop_shared_bytes; }

 protected:
  /// Called once, by the constructor.
  void set_loop(int64_t chunks, int64_t chunk_bytes = 0, int64_t shared_bytes = 0);

 private:
  SlotSizes slots_;
};

/// A loop from a function object: body(chunk, pointers), which cannot fail.
template <class Body>
KernelPtr make_loop_kernel(int64_t chunks, Body body) {
  struct Made final : LoopKernel {
    Made(int64_t chunks, Body body) : body(std::move(body)) { set_loop(chunks); }
    Status run_chunk(int64_t chunk, void* const* pointers, void*, void*) const override {
      body(chunk, pointers);
      return {};
    }
    Body body;
  };
  return std::make_shared<Made>(chunks, std::move(body));
}

/// The loops as one. Pointers: those of the first, then those of the second ... None reads what another writes.
KernelPtr prepare_bundle(std::span<const backend::BundledLoop> loops);

}  // namespace gradus::cpu
