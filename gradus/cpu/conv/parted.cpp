#include "gradus/cpu/conv/parted.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <new>

#include "gradus/backend/functions/arithmetic.hpp"
#include "gradus/base/hash.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/cpu/conv/cut.hpp"
#include "gradus/cpu/onednn/dnnl.hpp"
#include "gradus/cpu/elementwise/loops.hpp"
#include "gradus/cpu/loop/loop_kernel.hpp"
#include "gradus/cpu/loop/parts.hpp"

namespace gradus::cpu {

namespace {

// Weights of some channels, as the kernels of the parts that compute these want them.
struct Slice {
  int64_t w = 0;         // where they begin in the weights
  PackedInput packed{};  // pack is null: as they are
  int64_t at = 0;        // bytes to where their packed copy begins
};

using MakePart = std::function<KernelPtr(const ConvPart&)>;

// A convolution that reads weights at input 1, from its parts. Null where a part has no kernel, or parts want the same weights in several
// layouts. `offsets`: of a part's operands in bytes, with that of the weights as they are, which have this dtype.
KernelPtr assemble(DType weights, std::span<const ConvPart> parts, const MakePart& make,
                   const std::function<std::vector<int64_t>(const ConvPart&)>& offsets) {
  std::vector<Slice> slices;
  std::vector<Part> runs;
  int64_t bytes = 0;
  for (const ConvPart& part : parts) {
    const KernelPtr kernel = make(part);
    if (!kernel) return nullptr;
    const PackedInput packed = kernel->packing ? kernel->packing->inputs[0] : PackedInput{};
    auto slice = std::find_if(slices.begin(), slices.end(), [&](const Slice& each) { return each.w == part.w; });
    if (slice == slices.end()) {
      slice = slices.insert(slices.end(), {part.w, packed, bytes});
      bytes += round_up(packed.bytes);
    }
    if (!packed.pack != !slices[0].packed.pack || packed.layout != slice->packed.layout) return nullptr;
    Part run{packed.pack ? kernel->packing->kernel : kernel, offsets(part)};
    if (packed.pack) run.offsets[1] = slice->at;
    runs.push_back(std::move(run));
  }
  const size_t operands = runs[0].offsets.size();
  if (!slices[0].packed.pack) return prepare_parts(std::move(runs));
  std::vector<Part> copies;
  Hasher layout;
  for (const Slice& slice : slices) {
    copies.push_back({slice.packed.pack, {slice.w * weights.size(), slice.at}});
    layout.add_bytes(&slice.packed.layout, sizeof(Hash128));
    layout.add(static_cast<uint64_t>(slice.w));
  }
  const PackedInput all{1, slices.size() == 1 ? slices[0].packed.layout : layout.value(), bytes, prepare_parts(std::move(copies))};
  return prepare_packed({{all}, prepare_parts(std::move(runs))}, operands);
}

// The first cut of which every part can be computed; the last one is none.
KernelPtr first_possible(ConvWay way, const ConvShape& whole, const std::function<KernelPtr(std::span<const ConvPart>)>& make) {
  const ConvCut best = choose_cut(way, whole);
  const ConvCut none{whole.batch, INT64_MAX, INT64_MAX};
  for (const ConvCut& cut : {best, ConvCut{best.images, INT64_MAX, INT64_MAX}, none}) {
    const std::vector<ConvPart> parts = parts_of(way, whole, cut);
    if (parts.empty()) continue;
    if (KernelPtr kernel = make(parts)) return kernel;
  }
  return nullptr;
}

// Terms of a weight gradient, computed beside each other. Whoever finishes the last one adds them up, in order.
class TermSum final : public LoopKernel {
 public:
  struct Term {
    std::shared_ptr<const ConvTerm> kernel;
    int64_t x, dy;  // bytes
  };
  explicit TermSum(std::vector<Term> terms) : terms_(std::move(terms)), add_(find_loop(backend::add_function, float32)) {
    const ConvTerm& first = *terms_[0].kernel;
    bytes_ = round_up(first.elements * 4);
    int64_t own = 0;
    for (const Term& term : terms_) own = std::max(own, term.kernel->scratch_bytes);
    if (first.finish) own = std::max(own, first.finish->scratch_bytes);
    const auto count = static_cast<int64_t>(terms_.size());
    set_loop(count, own, bytes_ * count + static_cast<int64_t>(sizeof(Count)));
  }

  void begin(void* shared) const override { new (&count_of(shared)) Count(0); }

  Status run_chunk(int64_t chunk, void* const* pointers, void* shared, void* scratch) const override {
    const Term& term = terms_[static_cast<size_t>(chunk)];
    auto* const sums = static_cast<std::byte*>(shared);
    void* const own[] = {static_cast<std::byte*>(pointers[0]) + term.x, static_cast<std::byte*>(pointers[1]) + term.dy,
                         sums + chunk * bytes_};
    const Status status = term.kernel->run(own, scratch);
    if (count_of(shared).fetch_add(1, std::memory_order_acq_rel) + 1 != chunks() || !status.is_ok) return status;
    return add_up(sums, static_cast<std::byte*>(pointers[2]), scratch);
  }

 private:
  using Count = std::atomic<int64_t>;  // of the terms that are there
  Count& count_of(void* shared) const { return *reinterpret_cast<Count*>(static_cast<std::byte*>(shared) + bytes_ * chunks()); }

  // In pieces that stay in the first cache from term to term; then brought to the layout of the result.
  Status add_up(std::byte* sums, std::byte* to, void* scratch) const {
    const ConvTerm& first = *terms_[0].kernel;
    constexpr int64_t piece = 2048;
    for (int64_t begin = 0; begin < first.elements; begin += piece) {
      const int64_t size = std::min(piece, first.elements - begin);
      std::byte* const out = (first.finish ? sums : to) + begin * 4;
      const std::byte* total = sums + begin * 4;
      for (size_t term = 1; term < terms_.size(); ++term) {
        add_(total, sums + static_cast<int64_t>(term) * bytes_ + begin * 4, nullptr, out, size, 0);
        total = out;
      }
    }
    void* const own[] = {sums, to};
    return first.finish ? first.finish->run(own, scratch) : Status{};
  }

  std::vector<Term> terms_;
  TileLoop add_;
  int64_t bytes_ = 0;  // of a term
};

KernelPtr sum_of_terms(ConvTypes types, std::span<const ConvPart> parts, bool asks_winograd) {
  std::vector<TermSum::Term> terms;
  for (const ConvPart& part : parts) {
    auto kernel = dnnl_conv_weight_gradient_term(types, part, asks_winograd);
    if (!kernel || (!terms.empty() && kernel->layout != terms[0].kernel->layout)) return nullptr;
    terms.push_back({std::move(kernel), part.x * types.operands.size(), part.y * types.operands.size()});
  }
  return std::make_shared<TermSum>(std::move(terms));
}

}  // namespace

KernelPtr parted_conv(ConvTypes types, const ConvShape& shape, const Epilogue& epilogue) {
  const bool asks_winograd = prefers_winograd(types.operands, shape, ConvWay::forward);
  const int64_t size = types.operands.size(), of_result = types.result.size(), of_bias = bias_dtype(types.result, epilogue).size();
  const auto offsets = [=, &epilogue](const ConvPart& part) {
    std::vector<int64_t> bytes{part.x * size, part.w * size};
    if (epilogue.has_bias) bytes.push_back(part.w * of_bias);
    bytes.push_back(part.y * of_result);
    return bytes;
  };
  const auto make = [&](const ConvPart& part) { return dnnl_conv_forward(types, part, epilogue, asks_winograd); };
  return first_possible(ConvWay::forward, shape,
                        [&](std::span<const ConvPart> parts) { return assemble(types.operands, parts, make, offsets); });
}

KernelPtr parted_conv_input_gradient(ConvTypes types, const ConvShape& shape) {
  const bool asks_winograd = prefers_winograd(types.operands, shape, ConvWay::input_gradient);
  const int64_t size = types.operands.size(), of_result = types.result.size();
  const auto offsets = [=](const ConvPart& part) { return std::vector<int64_t>{part.y * size, part.w * size, part.x * of_result}; };
  const auto make = [&](const ConvPart& part) { return dnnl_conv_input_gradient(types, part, asks_winograd); };
  return first_possible(ConvWay::input_gradient, shape,
                        [&](std::span<const ConvPart> parts) { return assemble(types.operands, parts, make, offsets); });
}

KernelPtr parted_conv_weight_gradient(ConvTypes types, const ConvShape& shape) {
  const bool asks_winograd = prefers_winograd(types.operands, shape, ConvWay::weight_gradient);
  const int64_t size = types.operands.size(), of_result = types.result.size();
  return first_possible(ConvWay::weight_gradient, shape, [&](std::span<const ConvPart> parts) -> KernelPtr {
    if (parts.size() > 1 && parts[0].w == parts[1].w) return sum_of_terms(types, parts, asks_winograd);
    std::vector<Part> slices;
    for (const ConvPart& part : parts) {
      const KernelPtr kernel = dnnl_conv_weight_gradient(types, part, asks_winograd);
      if (!kernel) return nullptr;
      slices.push_back({kernel, {part.x * size, part.y * size, part.w * of_result}});
    }
    return prepare_parts(std::move(slices));
  });
}

}  // namespace gradus::cpu
