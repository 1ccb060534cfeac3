#include "gradus/cpu/recurrent/panels.hpp"

#include <algorithm>

#include "gradus/base/parallel.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/loop/parts.hpp"
#include "gradus/cpu/loop/slots.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/recurrent/panels.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/matrix/gemm-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

template <class S>
void pack_block(const Panels& panels, const void* from, int64_t block, void* out) {
  const int64_t width = panels.width(), begin = block * width, count = std::min(width, panels.units - begin), step = panels.gates * width;
  const S* matrix = static_cast<const S*>(from) + panels.offset;
  S* to = static_cast<S*>(out) + block * panels.block_size();
  if (count < width) std::fill_n(to, panels.block_size(), S{0});
  if (panels.is_transposed) {
    transpose(matrix + begin * panels.row, panels.row, count, panels.depth, to, step);
    return;
  }
  for (int64_t k = 0; k < panels.depth; ++k) {
    for (int64_t gate = 0; gate < panels.gates; ++gate) {
      std::copy_n(matrix + k * panels.row + gate * panels.units + begin, count, to + k * step + gate * width);
    }
  }
}

}  // namespace

using PackBlock = void (*)(const Panels&, const void*, int64_t, void*);
PackBlock find_pack(DType dtype) { return dtype == float64 ? pack_block<double> : pack_block<float>; }
int64_t lanes_of(DType dtype) { return dtype == float64 ? kLanes<double> : kLanes<float>; }

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_pack);
HWY_EXPORT(lanes_of);

int64_t vector_lanes(DType dtype) { return HWY_DYNAMIC_DISPATCH(lanes_of)(dtype); }
int64_t vectors_of(int64_t units, int64_t lanes) {
  const int64_t vectors = (units + lanes - 1) / lanes;
  return vectors % 4 == 0 || vectors > 8 ? 4 : 2;
}
int64_t state_row(int64_t count, int64_t lanes) {
  const int64_t vectors = (count + lanes - 1) / lanes;
  return (vectors + (vectors % 4 == 0)) * lanes;
}

namespace {

constexpr int64_t kMostRows = 48;           // of a chunk: its state stays in cache from step to step
constexpr int64_t kChunkWork = 1 << 17;     // multiply-adds that are worth a chunk

KernelPtr prepare_packing(DType dtype, std::vector<Panels> panels) {
  const auto pack = HWY_DYNAMIC_DISPATCH(find_pack)(dtype);
  int64_t blocks = 0;
  for (const Panels& of : panels) blocks += of.blocks();
  return make_kernel([=, panels = std::move(panels)](void* const* p, void*) {
    parallel_for(blocks, [&](int64_t block) {
      std::byte* to = static_cast<std::byte*>(p[1]);
      for (const Panels& of : panels) {
        if (block < of.blocks()) return pack(of, p[0], block, to);
        block -= of.blocks();
        to += of.size() * dtype.size();
      }
    });
    return Status{};
  });
}

Hash128 layout_of(DType dtype, std::span<const Panels> panels) {
  Hasher hasher;
  hasher.add_bytes("recurrent", 9);
  hasher.add(static_cast<uint64_t>(dtype.code()));
  for (const Panels& of : panels) {
    for (const int64_t value : {of.depth, of.units, of.gates, of.vectors, of.lanes, of.row, of.offset, int64_t{of.is_transposed}}) {
      hasher.add(static_cast<uint64_t>(value));
    }
  }
  return hasher.value();
}

Status check_lengths(const int64_t* lengths, int64_t count, int64_t steps) {
  constexpr const char *low = "length is out of range: element {} is {}; it must be at least {} (of a mask -1: its padding must stand at the end)",
                       *high = "length is out of range: element {} is {}; it must be at most {}";
  for (int64_t i = 0; i < count; ++i) {
    if (lengths[i] >= 0 && lengths[i] <= steps) continue;
    return {false, lengths[i] < 0 ? low : high, i, static_cast<double>(lengths[i]), lengths[i] < 0 ? 0 : steps};
  }
  return {};
}

// A row has the same bits in any chunk, so that here chunks may follow from the number of threads: the larger they are, the less often the
// weights are read.
int64_t chunk_count(const Recurrence& of, std::span<const Panels> panels) {
  int64_t work = 0;
  for (const Panels& each : panels) work += each.depth * each.units * each.gates;
  const int64_t worth = std::max<int64_t>(1, of.batch * of.steps * work / kChunkWork);
  const int64_t parts = std::min<int64_t>({threads(), worth, of.batch});
  const int64_t rows = std::clamp<int64_t>((of.batch + parts - 1) / std::max<int64_t>(1, parts), 1, kMostRows);
  const int64_t chunks = (of.batch + rows - 1) / rows;
  return std::min(of.batch, (chunks + parts - 1) / std::max<int64_t>(1, parts) * parts);
}

}  // namespace

KernelPtr prepare_rows(RowsKernel rows) {
  if (rows.of.batch == 0) return make_kernel([](void* const*, void*) { return Status{}; });
  std::vector<Panels> panels;
  Packing packing;
  for (const PackedWeights& of : rows.weights) {
    int64_t size = 0;
    for (const Panels& each : of.panels) size += each.size();
    panels.insert(panels.end(), of.panels.begin(), of.panels.end());
    packing.inputs.push_back({of.input, layout_of(rows.of.dtype, of.panels), std::max<int64_t>(64, size * rows.of.dtype.size()),
                              prepare_packing(rows.of.dtype, of.panels)});
  }
  const int64_t chunks = chunk_count(rows.of, panels), most = (rows.of.batch + chunks - 1) / chunks;
  const SlotSizes sizes(round_up(rows.row_bytes * most), chunks);
  const size_t operands = rows.operands;
  const bool checks_lengths = rows.checks_lengths;
  packing.kernel = make_kernel(
      [=, rows = std::move(rows), panels = std::move(panels)](void* const* p, void* scratch) {
        const Recurrence& of = rows.of;
        if (rows.checks_lengths) {
          const Status status = check_lengths(static_cast<const int64_t*>(p[rows.lengths]), of.batch, of.steps);
          if (!status.is_ok) return status;
        }
        Slots slots(sizes, scratch);
        parallel_for(chunks, [&](int64_t chunk) {
          const Slots::Claim slot(slots);
          rows.run(of, panels.data(), p, of.batch * chunk / chunks, of.batch * (chunk + 1) / chunks, slot.data());
        });
        return Status{};
      },
      sizes.scratch_bytes(), checks_lengths);
  return prepare_packed(std::move(packing), operands);
}

}  // namespace gradus::cpu
#endif
