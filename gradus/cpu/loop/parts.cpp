#include "gradus/cpu/loop/parts.hpp"

#include <algorithm>
#include <array>

#include "gradus/base/error.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/cpu/loop/loop_kernel.hpp"

namespace gradus::cpu {

namespace {

constexpr size_t kMostPointers = 64;

void* moved(void* pointer, int64_t bytes) { return pointer ? static_cast<std::byte*>(pointer) + bytes : nullptr; }

class PartedKernel final : public LoopKernel {
 public:
  explicit PartedKernel(std::vector<Part> parts) : parts_(std::move(parts)) {
    int64_t bytes = 0;
    for (const Part& part : parts_) {
      if (part.offsets.size() > kMostPointers) fail_bug("parts: too many operands");
      bytes = std::max(bytes, part.kernel->scratch_bytes);
      may_fail |= part.kernel->may_fail;
    }
    set_loop(static_cast<int64_t>(parts_.size()), bytes);
  }

  Status run_chunk(int64_t chunk, void* const* pointers, void*, void* scratch) const override {
    const Part& part = parts_[static_cast<size_t>(chunk)];
    std::array<void*, kMostPointers> own;
    for (size_t i = 0; i < part.offsets.size(); ++i) own[i] = moved(pointers[i], part.offsets[i]);
    return part.kernel->run(own.data(), scratch);
  }

 private:
  std::vector<Part> parts_;
};

}  // namespace

KernelPtr prepare_parts(std::vector<Part> parts) {
  const bool is_whole =
      parts.size() == 1 && std::all_of(parts[0].offsets.begin(), parts[0].offsets.end(), [](int64_t offset) { return offset == 0; });
  return is_whole ? parts[0].kernel : std::make_shared<PartedKernel>(std::move(parts));
}

KernelPtr prepare_packed(Packing packing, size_t operands) {
  struct Packed final : Kernel {
    Packed(Packing made, size_t operands) : operands_(operands) {
      own_ = made.kernel->scratch_bytes;
      for (const PackedInput& wanted : made.inputs) own_ = std::max(own_, wanted.pack->scratch_bytes);
      own_ = scratch_bytes = round_up(own_);
      for (const PackedInput& wanted : made.inputs) scratch_bytes += round_up(wanted.bytes);
      may_fail = made.kernel->may_fail;
      this->packing = std::make_shared<Packing>(std::move(made));
    }
    Status run(void* const* pointers, void* scratch) const override {
      std::array<void*, kMostPointers> own;
      std::copy_n(pointers, operands_, own.begin());
      int64_t at = own_;
      for (const PackedInput& wanted : packing->inputs) {
        void*& input = own[static_cast<size_t>(wanted.input)];
        void* const pack[] = {input, moved(scratch, at)};
        const Status status = wanted.pack->run(pack, scratch);
        if (!status.is_ok) return status;
        input = pack[1];
        at += round_up(wanted.bytes);
      }
      return packing->kernel->run(own.data(), scratch);
    }
    size_t operands_;
    int64_t own_ = 0;  // scratch of its kernels; the copies follow
  };
  if (operands > kMostPointers) fail_bug("packing: too many operands");
  return std::make_shared<Packed>(std::move(packing), operands);
}

}  // namespace gradus::cpu
