// Both operands are brought to tiles of three parts, each element once: the side with fewer lines first, for all threads; of the other one
// each chunk brings its own lines, a block at a time, which stays in the second cache while the panels of the first pass by.
#include "gradus/cpu/matrix/split.hpp"

#include <algorithm>
#include <limits>

#include "gradus/base/parallel.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/cpu/loop/slots.hpp"
#include "gradus/cpu/matrix/pairs.hpp"
#include "gradus/cpu/matrix/parts.hpp"

namespace gradus::cpu {

namespace {

constexpr int64_t kBlockDepth = 512, kBlockLines = 384;        // of a block: its parts fill 1.2 MB
constexpr int64_t kSlabDepth = 1 << 14, kSlabBytes = 1 << 24;  // of what is brought to tiles for all threads at a time

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};
// Part `index` of `count` of a range, in whole panels (or steps) from its beginning.
Range part_of(Range whole, int64_t index, int64_t count) {
  const int64_t panels = divide_up(whole.size(), kPanelLines);
  const auto cut = [&](int64_t i) { return std::min(whole.end, whole.begin + panels * i / count * kPanelLines); };
  return {cut(index), cut(index + 1)};
}

// Everything that a run needs. `first` is the side of fewer lines.
struct Split {
  Products products;
  bool has_bias = false;
  TileLoop activation = nullptr;
  int64_t first_lines = 0, second_lines = 0;
  bool is_first_left = false;                 // a's rows, not b's columns
  int64_t depth_slabs = 1, slabs = 1;         // of the depth, and of the first side's lines
  int64_t slab_panels = 0, slab_steps = 0;    // most of a slab
  int64_t block_panels = 0, block_steps = 0;  // most of a block
  int64_t first_parts = 1, second_parts = 1;  // chunks of a product
  int64_t item_chunks = 0;                    // or of a batch of products, each done by one thread; 0: of one product at a time
  SlotSizes slots;

  Range depth_slab(int64_t index) const { return part_of({0, products.k}, index, depth_slabs); }
  Range slab(int64_t index) const { return part_of({0, first_lines}, index, slabs); }
  int64_t slab_bytes() const {
    return round_up(slab_panels * static_cast<int64_t>(sizeof(uint32_t))) + slab_panels * slab_steps * kStepBytes;
  }
  int64_t slot_bytes() const {
    return PartsScratch::size(kBlockDepth) * static_cast<int64_t>(sizeof(float)) + block_panels * block_steps * kStepBytes +
           (item_chunks ? slab_bytes() : 0);
  }
};

// A slab of the first side.
struct Slab {
  uint32_t* most;  // of each panel
  std::byte* panels;
  Slab(const Split& split, std::byte* memory)
      : most(reinterpret_cast<uint32_t*>(memory)), panels(memory + round_up(split.slab_panels * static_cast<int64_t>(sizeof(uint32_t)))) {}
};
// Scratch of a chunk.
struct Scratch {
  PartsScratch parts;
  std::byte *block, *slab;
  Scratch(const Split& split, std::byte* slot)
      : parts(reinterpret_cast<float*>(slot)),
        block(slot + PartsScratch::size(kBlockDepth) * static_cast<int64_t>(sizeof(float))),
        slab(block + split.block_panels * split.block_steps * kStepBytes) {}
};

// One product.
struct Operands {
  Factor a, b;
  const float* bias;
  float* c;
};

// Some lines of a factor and some of its depth, with panels of their own.
Factor part_of(const Factor& factor, int64_t line, int64_t depth, const Panels& panels) {
  Factor part = factor;
  part.first += line * factor.line_step + depth * factor.depth_step;
  part.panels = panels;
  return part;
}
Factor slab_of(const Split& split, const Operands& in, Range lines, Range depth, const Slab& slab) {
  return part_of(split.is_first_left ? in.a : in.b, lines.begin, depth.begin,
                 {slab.panels, divide_up(depth.size(), kStepDepth) * kStepBytes, slab.most});
}

// Some lines of the second side, at most a block, by some panels of a slab, which has depth `slab_depth`.
void multiply_lines(const Split& split, const Operands& in, Range lines, Range slab_lines, Range panels, Range slab_depth,
                    const Factor& slab, const Scratch& scratch) {
  const int64_t depth_blocks = divide_up(slab_depth.size(), kBlockDepth);
  for (int64_t d = 0; d < depth_blocks; ++d) {
    const Range depth = part_of(slab_depth, d, depth_blocks);
    uint32_t most[kBlockLines / kPanelLines];
    const Factor block = part_of(split.is_first_left ? in.b : in.a, lines.begin, depth.begin,
                                 {scratch.block, divide_up(depth.size(), kStepDepth) * kStepBytes, most});
    make_panels(block, lines.size(), depth.size());
    const bool is_first = depth.begin == 0, is_last = depth.end == split.products.k;
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      const int64_t at = panel * kPanelLines;
      const Range other{slab_lines.begin + at, std::min(slab_lines.end, slab_lines.begin + at + kPanelLines)};
      const Factor factor = slab.from(at, depth.begin - slab_depth.begin);
      const Range rows = split.is_first_left ? other : lines, columns = split.is_first_left ? lines : other;
      const PartsFinish finish{is_last && in.bias ? in.bias + columns.begin : nullptr, is_last ? split.activation : nullptr};
      multiply_factors(split.is_first_left ? factor : block, split.is_first_left ? block : factor, rows.size(), columns.size(),
                       depth.size(), is_first, finish, in.c + rows.begin * split.products.n + columns.begin, split.products.n,
                       scratch.parts);
    }
  }
}

// One chunk of a product with a slab.
void multiply_part(const Split& split, const Operands& in, Range slab_lines, Range depth, int64_t part, const Factor& slab,
                   const Scratch& scratch) {
  const Range lines = part_of({0, split.second_lines}, part / split.first_parts, split.second_parts);
  const int64_t count = divide_up(slab_lines.size(), kPanelLines), index = part % split.first_parts;
  const Range panels{count * index / split.first_parts, count * (index + 1) / split.first_parts};
  const int64_t blocks = divide_up(lines.size(), kBlockLines);
  for (int64_t block = 0; block < blocks; ++block) {
    multiply_lines(split, in, part_of(lines, block, blocks), slab_lines, panels, depth, slab, scratch);
  }
}

template <class Body>
void for_slabs(const Split& split, Body&& body) {
  for (int64_t d = 0; d < split.depth_slabs; ++d) {
    for (int64_t s = 0; s < split.slabs; ++s) body(split.slab(s), split.depth_slab(d));
  }
}

void run_split(const Split& split, void* const* pointers, void* memory) {
  const Products& x = split.products;
  const PairProduct& tiles = *find_pair_product();
  const int64_t batch = x.batch_size();
  const auto operands_of = [&](int64_t item) {
    int64_t a_offset = 0, b_offset = 0;
    x.offsets(item, a_offset, b_offset);
    return Operands{{static_cast<const float*>(pointers[0]) + a_offset, x.a_row, x.a_column, false},
                    {static_cast<const float*>(pointers[1]) + b_offset, x.b_column, x.b_row, true},
                    split.has_bias ? static_cast<const float*>(pointers[2]) : nullptr,
                    static_cast<float*>(pointers[split.has_bias ? 3 : 2]) + item * x.m * x.n};
  };
  auto* bytes = static_cast<std::byte*>(memory);
  if (split.item_chunks) {
    Slots slots(split.slots, bytes);
    parallel_for(split.item_chunks, [&](int64_t chunk) {
      const Slots::Claim slot(slots);
      const Scratch scratch(split, slot.data());
      const Slab slab(split, scratch.slab);
      tiles.open();
      for (int64_t item = batch * chunk / split.item_chunks; item < batch * (chunk + 1) / split.item_chunks; ++item) {
        const Operands in = operands_of(item);
        for_slabs(split, [&](Range lines, Range depth) {
          const Factor factor = slab_of(split, in, lines, depth, slab);
          make_panels(factor, lines.size(), depth.size());
          for (int64_t part = 0; part < split.first_parts * split.second_parts; ++part) {
            multiply_part(split, in, lines, depth, part, factor, scratch);
          }
        });
      }
      tiles.close();
    });
    return;
  }
  const Slab slab(split, bytes);
  Slots slots(split.slots, bytes + split.slab_bytes());
  for (int64_t item = 0; item < batch; ++item) {
    const Operands in = operands_of(item);
    for_slabs(split, [&](Range lines, Range depth) {
      constexpr int64_t chunk_elements = 1 << 15;
      const Factor factor = slab_of(split, in, lines, depth, slab);
      const int64_t chunks = std::clamp<int64_t>(lines.size() * depth.size() / chunk_elements, 1, divide_up(lines.size(), kPanelLines));
      parallel_for(chunks, [&](int64_t chunk) {
        const Range some = part_of({0, lines.size()}, chunk, chunks);
        make_panels(factor.from(some.begin, 0), some.size(), depth.size());
      });
      parallel_for(split.first_parts * split.second_parts, [&](int64_t part) {
        const Slots::Claim slot(slots);
        tiles.open();
        multiply_part(split, in, lines, depth, part, factor, Scratch(split, slot.data()));
        tiles.close();
      });
    });
  }
}

bool has_unit_step(int64_t one, int64_t other) { return one == 1 || other == 1; }

}  // namespace

bool is_split_better(const Products& x) {
  if (!has_unit_step(x.a_row, x.a_column) || !has_unit_step(x.b_row, x.b_column) || x.k < kStepDepth) return false;
  // Bringing an element to tiles takes as long as some 54 multiplications beyond those that are saved (measured).
  if (1 / static_cast<double>(x.m) + 1 / static_cast<double>(x.n) > 0.0185) return false;
  const auto filled = [](int64_t size, int64_t step) { return static_cast<double>(size) / static_cast<double>(round_up(size, step)); };
  return filled(x.m, 16) * filled(x.n, 16) * filled(x.k, kStepDepth) > 0.6 && has_parts();
}

KernelPtr prepare_split(const Products& x, const Epilogue& epilogue, bool is_part) {
  Split split;
  split.products = x;
  split.has_bias = epilogue.has_bias;
  split.activation = activation_loop(epilogue.activation, float32);
  split.is_first_left = x.m <= x.n;
  split.first_lines = std::min(x.m, x.n);
  split.second_lines = std::max(x.m, x.n);
  split.depth_slabs = divide_up(x.k, kSlabDepth);
  split.slab_steps = divide_up(divide_up(x.k, kStepDepth), split.depth_slabs);
  const int64_t panels = divide_up(split.first_lines, kPanelLines),
                most_panels = std::max<int64_t>(1, kSlabBytes / (split.slab_steps * kStepBytes));
  split.slabs = divide_up(panels, most_panels);
  split.slab_panels = divide_up(panels, split.slabs);
  const int64_t second_panels = divide_up(split.second_lines, kPanelLines), batch = x.batch_size(),
                parts = is_part ? 1 : even_parts(x.work(), 1 << 22, 3);
  if (parts == 1 || batch >= parts) {
    split.item_chunks = parts;
  } else {
    const int64_t rest = divide_up(parts, batch);
    // Each part brings its lines of the second side to tiles, which takes about twice the time of reading those of the first.
    int64_t least = std::numeric_limits<int64_t>::max();
    for (int64_t first_parts = 1; first_parts <= std::min(rest, divide_up(panels, split.slabs)); first_parts *= 2) {
      const int64_t second_parts = std::min(rest / first_parts, second_panels);
      const int64_t cost = 2 * first_parts * second_panels + second_parts * panels;
      if (cost >= least || (2 * first_parts * second_parts <= rest && first_parts > 1)) continue;
      least = cost;
      split.first_parts = first_parts;
      split.second_parts = second_parts;
    }
  }
  split.block_panels = std::min(divide_up(second_panels, split.second_parts), kBlockLines / kPanelLines);
  split.block_steps = std::min(split.slab_steps, kBlockDepth / kStepDepth);
  split.slots = SlotSizes(split.slot_bytes(), split.item_chunks ? split.item_chunks : split.first_parts * split.second_parts);
  const int64_t scratch = split.slots.scratch_bytes() + (split.item_chunks ? 0 : split.slab_bytes());
  return make_kernel(
      [split = std::move(split)](void* const* pointers, void* memory) {
        run_split(split, pointers, memory);
        return Status{};
      },
      scratch);
}

}  // namespace gradus::cpu
