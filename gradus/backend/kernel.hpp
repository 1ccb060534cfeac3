// What a kernel is: prepared once for given layouts, then run many times on pointers. Kernels know no graph.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gradus/array/view.hpp"
#include "gradus/base/hash.hpp"
#include "gradus/base/namespaces.hpp"

namespace gradus::backend {

/// How a run ended. Kernels never throw: they run inside parallel regions and between in-place writes.
struct Status {
  bool is_ok = true;
  const char* problem = "";   ///< a literal, with {} where the numbers below stand, in their order: "matrix {} is singular: pivot {} is 0"
  int64_t position = 0;       ///< row-major position of the first offending element, say
  double value = 0;           ///< its value
  int64_t bound = 0;          ///< the limit it broke

  /// "index out of range: element 5 is 12; it must be at most 9".
  std::string text() const;
};

struct Packing;

/// Bytes that a run moves where it is not all of inputs and outputs; -1: all.
struct PartialBytes {
  int64_t first_input = -1;  ///< read of the first input
  int64_t in_place = -1;  ///< read and written altogether, where the output lies over the first input: of kernels that change a part of it
};

/// A computation with everything decided: primitives made, loops chosen, scratch space known.
class Kernel {
 public:
  virtual ~Kernel() = default;
  /// Computes the outputs. `pointers` are the first elements of the inputs, then of the outputs, in the order of prepare(); `scratch` has
  /// scratch_bytes bytes, aligned to 64. An output that nobody reads has a null pointer. Allocates nothing; several threads may run one
  /// kernel at once.
  virtual Status run(void* const* pointers, void* scratch) const = 0;

  int64_t scratch_bytes = 0;
  bool may_fail = false;  ///< whether run() can report a bad value; such kernels run before anything is written in place
  std::shared_ptr<const Packing> packing{};  ///< a faster way where an input stays the same from run to run
  PartialBytes partial{};                    ///< for the counters
  int64_t loop_chunks = 0;        ///< chunks of the one parallel loop that it is, which others may join (Backend::bundle); 0: it is none
  int64_t loop_shared_bytes = 0;  ///< of its scratch, while the loop runs
};
using KernelPtr = std::shared_ptr<const Kernel>;

/// An input in a layout of a kernel's own.
struct PackedInput {
  int input = 0;
  Hash128 layout{};   ///< equal for kernels that want equal copies
  int64_t bytes = 0;  ///< of the copy
  KernelPtr pack{};   ///< input -> copy
};

/// A kernel that would rather have some inputs (weights) in layouts of its own. Who runs it may keep the copies with the inputs' buffers.
struct Packing {
  std::vector<PackedInput> inputs{};
  KernelPtr kernel{};  ///< the same computation, with the copies in the inputs' places
};

/// A kernel from a function object: make_kernel([=](void* const* p, void* scratch) { ... return Status{}; }).
template <class Run>
std::shared_ptr<Kernel> make_kernel(Run run, int64_t scratch_bytes = 0, bool may_fail = false) {
  struct Made final : Kernel {
    explicit Made(Run body) : body(std::move(body)) {}
    Status run(void* const* pointers, void* scratch) const override { return body(pointers, scratch); }
    Run body;
  };
  auto kernel = std::make_shared<Made>(std::move(run));
  kernel->scratch_bytes = scratch_bytes;
  kernel->may_fail = may_fail;
  return kernel;
}

}  // namespace gradus::backend
