// A plan: what to run for a graph of a given structure. Immutable; all that a run writes is its own.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "gradus/backend/kernel.hpp"
#include "gradus/plan/snapshot.hpp"

namespace gradus::plan {

/// Output `index` of node number `node` of the snapshot.
struct Source {
  uint32_t node = 0, index = 0;
};

/// A piece of memory that steps address.
struct Storage {
  enum class Kind : uint8_t {
    leaf,    ///< an input's data: the output `source` of the snapshot
    scalar,  ///< a number of the snapshot
    arena,   ///< at `offset` in the run's arena
    result,  ///< a buffer of its own, for values that are kept
    donated  ///< a result in the memory of the leaf `source`
  };
  Kind kind = Kind::arena;
  Source source{};
  int64_t offset = 0, bytes = 0;
};

struct Operand {
  int storage = -1;  ///< -1: null (an output that nobody reads)
  int64_t byte_offset = 0;
  DType dtype{};
  int64_t size = 0;  ///< elements
  bool is_output = false;
};

struct Step {
  backend::KernelPtr kernel;
  uint32_t first_operand = 0, operand_count = 0;
  uint32_t node = 0;  ///< number in the snapshot, for messages
  bool is_update = false;  ///< writes over a donated leaf, or comes after such a step
  bool is_packed = false;  ///< reads kept copies of weights: see kernel->packing
  int64_t scratch_offset = 0;  ///< of the kernel's scratch space, in the arena
  int bundled = 1;  ///< steps that share its loop
};

/// A kept value: output `source` of the snapshot lies in `storage`.
struct Published {
  Source source{};
  int storage = -1;
  Dims strides{};
  int64_t offset = 0;  ///< elements
};

struct Plan {
  const MemorySpace* memory = nullptr;  ///< where its steps find arrays
  std::vector<Storage> storages;
  std::vector<Operand> operands;
  std::vector<Step> steps;
  std::vector<Published> published;
  int64_t arena_bytes = 0;  ///< intermediate results and scratch space
  int64_t products = 0, bytes_moved = 0, in_place = 0, bytes_held = 0;
};
using PlanPtr = std::shared_ptr<const Plan>;

/// What a step needs of scratch space, in whichever way it runs.
inline int64_t scratch_bytes_of(const backend::Kernel& kernel, bool is_packed) {
  if (!is_packed) return kernel.scratch_bytes;
  int64_t bytes = kernel.packing->kernel->scratch_bytes;
  for (const backend::PackedInput& wanted : kernel.packing->inputs) bytes = std::max(bytes, wanted.pack->scratch_bytes);
  return bytes;
}

/// Plans the snapshot's graph: simplify, absorb, fuse, order, lower, place. `report`, if given, gets a description after each pass.
PlanPtr make_plan(const Snapshot& snapshot, std::string* report = nullptr);
/// What a run needs besides the plan; used again by the next.
struct RunMemory {
  std::vector<std::byte*> base;
  std::vector<BufferPtr> buffers;
  std::vector<void*> pointers;
};
/// Runs it with the given nodes as the snapshot's (only those that are leaves are looked at, and others for messages where present).
/// Returns the kept values in the order of plan.published. Throws, with nothing changed, if memory or a value is bad.
std::vector<Value> run_plan(const Plan& plan, std::span<Node* const> nodes, RunMemory& memory);
/// Throws the error of a step that reported a bad value.
[[noreturn]] void report_failure(std::span<Node* const> nodes, const Step& step, const backend::Status& status);
/// Adds a run that has succeeded to the counters.
void count_run(const Plan& plan);

}  // namespace gradus::plan
