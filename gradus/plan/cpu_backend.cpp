// The processor as a backend: the entries that stand in the ops' own blocks, and the programs, chains and bundles of cpu/.
#include "gradus/plan/cpu_backend.hpp"

#include "gradus/cpu/elementwise/program.hpp"
#include "gradus/cpu/environment.hpp"
#include "gradus/cpu/loop/chain.hpp"
#include "gradus/cpu/loop/loop_kernel.hpp"
#include "gradus/cpu/move/copy.hpp"

namespace gradus::plan {

namespace {

class CpuBackend final : public Backend {
 public:
  std::string_view name() const override { return "processor"; }
  std::string description() const override { return cpu::environment(); }
  const KernelEntry* find(const OpDef& op) const override { return op.kernel.prepare ? &op.kernel : nullptr; }
  bool has(const backend::Function&) const override { return true; }
  BackendLimits limits() const override {
    return {cpu::kMaxProgramInputs, cpu::kMaxProgramInstructions, cpu::kMaxProgramOutputs, cpu::kMostChainPointers, true};
  }
  std::string_view bfloat16_unit() const override { return cpu::bfloat16_unit(); }
  backend::KernelPtr prepare_program(const backend::ProgramSpec& spec) const override { return cpu::prepare_program(spec); }
  backend::KernelPtr prepare_chain(const backend::ChainSpec& spec) const override { return cpu::prepare_chain(spec); }
  backend::KernelPtr prepare_bundle(std::span<const backend::BundledLoop> loops) const override { return cpu::prepare_bundle(loops); }
  const MemorySpace* memory() const override { return nullptr; }
};

}  // namespace

const Backend& cpu_backend() {
  static const CpuBackend* const backend = new CpuBackend;
  return *backend;
}

void copy_to_rows(const Shape& shape, const Dims& strides, int64_t element_size, const void* from, void* to) {
  cpu::StridedCopy(shape, strides, contiguous_strides(shape), element_size).run(from, to);
}

}  // namespace gradus::plan
