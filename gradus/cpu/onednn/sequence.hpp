// A kernel that runs oneDNN primitives one after another, in one thread. Seen by the files dnnl*.cpp only; differences between oneDNN 2 and
// 3 stay in them.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <optional>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

#include "gradus/base/hash.hpp"
#include "gradus/cpu/onednn/dnnl.hpp"
#include "gradus/cpu/loop/parts.hpp"

namespace gradus::cpu {

const dnnl::engine& dnnl_engine();
dnnl::memory::data_type dnnl_type(DType dtype);
dnnl::memory::desc dnnl_desc(DType dtype, std::span<const int64_t> sizes, std::span<const int64_t> strides);
/// A description that lets oneDNN choose the layout.
dnnl::memory::desc dnnl_any(DType dtype, std::span<const int64_t> sizes);
/// User scratchpad, and the epilogue's activation as a post-op.
dnnl::primitive_attr dnnl_attributes(const Epilogue& epilogue = {});
/// What distinguishes a memory layout.
Hash128 layout_hash(const dnnl::memory::desc& desc);
/// Whether a primitive description is one of the optimised implementations.
bool is_optimised(const dnnl::primitive_desc_base& primitive);

/// Primitives with their arguments: pointers of the run, or places in scratch memory.
class DnnlSequence final : public Kernel {
 public:
  struct Argument {
    int role;                 ///< DNNL_ARG_...
    dnnl::memory::desc desc;
    int pointer;              ///< which pointer of the run; negative: scratch memory
    int64_t offset = 0;       ///< in scratch memory
  };

  DnnlSequence() = default;
  ~DnnlSequence() override;

  /// Room for `bytes` bytes in scratch memory; returns its offset.
  int64_t reserve(size_t bytes);
  /// Adds a primitive; its scratchpad is reserved.
  void add(const dnnl::primitive& primitive, std::vector<Argument> arguments, const dnnl::memory::desc& scratchpad);
  /// The same with one more argument, a result that the primitive makes in layout `made`; brought to its own layout after that if they
  /// differ.
  void add(const dnnl::primitive& primitive, std::vector<Argument> arguments, const Argument& result, const dnnl::memory::desc& made,
           const dnnl::memory::desc& scratchpad);
  /// Adds a copy from one layout to another.
  void add_reorder(Argument from, Argument to);
  /// An argument at `pointer` in layout `given`, brought to layout `wanted` first if they differ.
  Argument input(int role, int pointer, const dnnl::memory::desc& given, const dnnl::memory::desc& wanted);

  Status run(void* const* pointers, void* scratch) const override;

 private:
  // Images between channels last and blocks of 16 channels, float32: own code.
  struct BlockCopy {
    int64_t rows, row_size, rows_per_image, channels;  // row_size in positions
    bool is_into_blocks;
    void run(const float* from, float* to) const;
  };
  static std::optional<BlockCopy> block_copy(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

  struct Step {
    dnnl::primitive primitive;
    std::vector<Argument> arguments;
    std::optional<BlockCopy> block_copy{};  // instead of a primitive
  };
  struct Context;
  std::unique_ptr<Context> make_context() const;

  std::vector<Step> steps_;
  mutable std::array<std::atomic<Context*>, 16> spare_{};  // memory objects of earlier runs, for later ones
};

/// A copy from one layout to another, from pointer 0 to pointer 1, in one thread.
KernelPtr reorder(const dnnl::memory::desc& from, const dnnl::memory::desc& to);
/// The same in parts for the threads, cut along the outermost axis of `to`, which has no gaps; one part where `to` has no such axis.
std::vector<Part> reorder_parts(const dnnl::memory::desc& from, const dnnl::memory::desc& to);

/// The living kernel of this key, else a new one by `make` (which may return null; an error of oneDNN counts as null). `make` asks for no
/// other. What it makes runs in one thread.
KernelPtr shared_kernel(const Hash128& key, const std::function<KernelPtr()>& make);

/// Adds what distinguishes a kernel to its key: every number that went into its descriptions.
class DnnlKey {
 public:
  explicit DnnlKey(std::string_view kind);
  DnnlKey& add(std::span<const int64_t> values);
  DnnlKey& add(int64_t value);
  DnnlKey& add(const Epilogue& epilogue);
  Hash128 value() const { return hasher_.value(); }

 private:
  Hasher hasher_;
};

}  // namespace gradus::cpu
