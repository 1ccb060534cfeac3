#include "gradus/cpu/loop/chain.hpp"

#include <algorithm>
#include <array>

#include "gradus/base/error.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/cpu/loop/parts.hpp"

namespace gradus::cpu {

using backend::ChainLink, backend::ChainOperand, backend::ChainSpec;

namespace {

// The links on one block. Pointers are those of the block's first example.
class Block final : public Kernel {
 public:
  struct Link {
    KernelPtr kernel{};
    std::vector<ChainOperand> operands{};
  };

  Block(std::vector<Link> links, int64_t own_bytes) : links_(std::move(links)) {
    for (const Link& link : links_) scratch_bytes = std::max(scratch_bytes, link.kernel->scratch_bytes);
    own_at_ = scratch_bytes = round_up(scratch_bytes);
    scratch_bytes += own_bytes;
  }

  Status run(void* const* pointers, void* scratch) const override {
    std::array<void*, kMostChainPointers> operands;
    auto* const own = static_cast<std::byte*>(scratch) + own_at_;
    for (const Link& link : links_) {
      for (size_t i = 0; i < link.operands.size(); ++i) {
        const ChainOperand& operand = link.operands[i];
        operands[i] = operand.own >= 0 ? own + operand.own : operand.pointer >= 0 ? pointers[operand.pointer] : nullptr;
      }
      const Status status = link.kernel->run(operands.data(), scratch);
      if (!status.is_ok) return status;
    }
    return {};
  }

 private:
  std::vector<Link> links_;
  int64_t own_at_ = 0;
};

// The pointers' steps. An operand read by several links has as many pointers as links.
std::vector<int64_t> steps_of(const ChainSpec& spec) {
  std::vector<int64_t> steps(spec.pointers, 0);
  for (const ChainLink& link : spec.links) {
    for (const ChainOperand& operand : link.operands) {
      if (operand.pointer >= 0) steps[static_cast<size_t>(operand.pointer)] = operand.step;
    }
  }
  return steps;
}

// Blocks of the links' kernels, by `choose(link, kernel)`.
template <class Choose>
std::vector<Part> blocks_of(const ChainSpec& spec, const Choose& choose) {
  const auto block_for = [&](bool is_whole) -> KernelPtr {
    std::vector<Block::Link> links;
    for (const ChainLink& link : spec.links) links.push_back({choose(link, is_whole ? link.whole : link.rest), link.operands});
    return std::make_shared<Block>(std::move(links), spec.own_bytes);
  };
  const int64_t rest = spec.batch % spec.block;
  const KernelPtr whole = block_for(true), last = rest ? block_for(false) : whole;
  const std::vector<int64_t> steps = steps_of(spec);
  std::vector<Part> parts;
  for (int64_t begin = 0; begin < spec.batch; begin += spec.block) {
    Part part{begin + spec.block <= spec.batch ? whole : last, {}};
    for (const int64_t step : steps) part.offsets.push_back(begin * step);
    parts.push_back(std::move(part));
  }
  return parts;
}

// Whether the last, shorter block can read the weights as the others have them.
bool agree(const KernelPtr& whole, const KernelPtr& rest) {
  const auto is_equal = [](const PackedInput& a, const PackedInput& b) { return a.input == b.input && a.layout == b.layout; };
  return !rest || (rest->packing && std::equal(whole->packing->inputs.begin(), whole->packing->inputs.end(), rest->packing->inputs.begin(),
                                               rest->packing->inputs.end(), is_equal));
}

bool is_packed(const ChainLink& link) {
  if (!link.whole->packing || !agree(link.whole, link.rest)) return false;
  const std::vector<PackedInput>& inputs = link.whole->packing->inputs;
  return std::all_of(inputs.begin(), inputs.end(), [&](const PackedInput& wanted) {
    const ChainOperand& operand = link.operands[static_cast<size_t>(wanted.input)];
    return operand.pointer >= 0 && operand.step == 0;
  });
}

}  // namespace

KernelPtr prepare_chain(const ChainSpec& spec) {
  if (spec.pointers > kMostChainPointers) fail_bug("chain: ", spec.pointers, " pointers");
  Packing packing;
  for (const ChainLink& link : spec.links) {
    if (link.whole->may_fail || link.operands.size() > kMostChainPointers)
      fail_bug("chain: a kernel that may fail, or has too many operands");
    if (!is_packed(link)) continue;
    for (PackedInput wanted : link.whole->packing->inputs) {
      wanted.input = link.operands[static_cast<size_t>(wanted.input)].pointer;
      packing.inputs.push_back(std::move(wanted));
    }
  }
  packing.kernel = prepare_parts(
      blocks_of(spec, [](const ChainLink& link, const KernelPtr& kernel) { return is_packed(link) ? kernel->packing->kernel : kernel; }));
  return packing.inputs.empty() ? packing.kernel : prepare_packed(std::move(packing), spec.pointers);
}

}  // namespace gradus::cpu
