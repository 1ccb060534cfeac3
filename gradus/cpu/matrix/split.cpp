// Both operands are brought to tiles of three parts, each element once: the side with fewer lines first, for all threads; of the other one
// each chunk brings its own lines, a block at a time, which stays in the second cache while the panels of the first pass by.
#include "gradus/cpu/matrix/split.hpp"

#include "gradus/base/round_up.hpp"
#include "gradus/cpu/matrix/pairs.hpp"

#if defined(__x86_64__) && defined(__linux__)

#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 of its own header's values that are meant to be anything
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/parallel.hpp"
#include "gradus/cpu/loop/slots.hpp"

namespace gradus::cpu {

namespace {

#define GRADUS_SPLIT __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))
#define GRADUS_SPLIT_INLINE __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16"), always_inline)) inline

// A panel: 32 lines (rows of a, columns of b). A step of it: three parts, high to low, of two tiles of 16 lines by 32 of the depth.
constexpr int64_t kLines = 32, kDepth = 32, kTileBytes = 1024, kStepBytes = 6 * kTileBytes;
constexpr int64_t kBlockDepth = 512, kBlockLines = 384;        // of a block: its parts fill 1.2 MB
constexpr int64_t kSlabDepth = 1 << 14, kSlabBytes = 1 << 24;  // of what is brought to tiles for all threads at a time

// ---- products of panels

#define GRADUS_LOAD_A(part)                          \
  _tile_loadd(4, a + (2 * (part)) * kTileBytes, 64); \
  if (kHasRows) _tile_loadd(5, a + (2 * (part) + 1) * kTileBytes, 64)
#define GRADUS_LOAD_B(part)                          \
  _tile_loadd(6, b + (2 * (part)) * kTileBytes, 64); \
  if (kHasColumns) _tile_loadd(7, b + (2 * (part) + 1) * kTileBytes, 64)
#define GRADUS_ADD_PRODUCTS()               \
  _tile_dpbf16ps(0, 4, 6);                  \
  if (kHasColumns) _tile_dpbf16ps(1, 4, 7); \
  if (kHasRows) _tile_dpbf16ps(2, 5, 6);    \
  if (kHasRows && kHasColumns) _tile_dpbf16ps(3, 5, 7)

// to = a b: the small products first, over all steps, then those of the high parts. kHasRows, kHasColumns: there are more than 16.
template <bool kHasRows, bool kHasColumns>
GRADUS_SPLIT void multiply_panels(const std::byte* first_a, const std::byte* first_b, int64_t steps, float* to, int64_t to_row) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  const std::byte *a = first_a, *b = first_b;
  for (int64_t step = 0; step < steps; ++step, a += kStepBytes, b += kStepBytes) {
    GRADUS_LOAD_A(2);
    GRADUS_LOAD_B(0);
    GRADUS_ADD_PRODUCTS();
    GRADUS_LOAD_A(1);
    GRADUS_ADD_PRODUCTS();
    GRADUS_LOAD_B(1);
    GRADUS_ADD_PRODUCTS();
    GRADUS_LOAD_A(0);
    GRADUS_ADD_PRODUCTS();
    GRADUS_LOAD_B(2);
    GRADUS_ADD_PRODUCTS();
  }
  a = first_a;
  b = first_b;
  for (int64_t step = 0; step < steps; ++step, a += kStepBytes, b += kStepBytes) {
    GRADUS_LOAD_A(0);
    GRADUS_LOAD_B(0);
    GRADUS_ADD_PRODUCTS();
  }
  const size_t row_bytes = static_cast<size_t>(to_row) * sizeof(float);
  _tile_stored(0, to, row_bytes);
  if (kHasColumns) _tile_stored(1, to + 16, row_bytes);
  if (kHasRows) _tile_stored(2, to + 16 * to_row, row_bytes);
  if (kHasRows && kHasColumns) _tile_stored(3, to + 16 * to_row + 16, row_bytes);
}
using MultiplyPanels = void (*)(const std::byte*, const std::byte*, int64_t, float*, int64_t);
MultiplyPanels multiply_of(int64_t rows, int64_t columns) {
  if (rows > 16) return columns > 16 ? multiply_panels<true, true> : multiply_panels<true, false>;
  return columns > 16 ? multiply_panels<false, true> : multiply_panels<false, false>;
}

// ---- panels of operands

// The parts of 16 pairs of neighbours in depth, as words (the first of a pair in the lower half), to three places two tiles apart.
GRADUS_SPLIT_INLINE void store_parts(__m512 first, __m512 second, std::byte* to) {
  const __m512i interleaved = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19,
                                               3, 18, 2, 17, 1, 16, 0);
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
#pragma GCC unroll 3
  for (int part = 0; part < 3; ++part) {
    const __m512i words = _mm512_permutexvar_epi16(interleaved, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first)));
    _mm512_store_si512(to + 2 * part * kTileBytes, words);
    first = _mm512_sub_ps(first, _mm512_castsi512_ps(_mm512_slli_epi32(words, 16)));
    second = _mm512_sub_ps(second, _mm512_castsi512_ps(_mm512_and_si512(words, upper)));
  }
}

// Tiles of words, 16 x 16, the other way round.
GRADUS_SPLIT_INLINE void transpose_tile(std::byte* tile) {
  __m512i r[16], s[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) r[i] = _mm512_load_si512(tile + 64 * i);
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {
    s[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    s[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(s[i], s[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(s[i], s[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(s[i + 1], s[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(s[i + 1], s[i + 3]);
  }
  // Quarter q of r[4 g + i]: rows 4 g to 4 g + 3 of column 4 q + i.
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const __m512i even_low = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88), odd_low = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    const __m512i even_high = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88), odd_high = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
    _mm512_store_si512(tile + 64 * i, _mm512_shuffle_i32x4(even_low, even_high, 0x88));
    _mm512_store_si512(tile + 64 * (4 + i), _mm512_shuffle_i32x4(odd_low, odd_high, 0x88));
    _mm512_store_si512(tile + 64 * (8 + i), _mm512_shuffle_i32x4(even_low, even_high, 0xdd));
    _mm512_store_si512(tile + 64 * (12 + i), _mm512_shuffle_i32x4(odd_low, odd_high, 0xdd));
  }
}

// Those of a step, of `halves` times 16 lines.
GRADUS_SPLIT void transpose_tiles(std::byte* step, int64_t halves) {
  for (int64_t part = 0; part < 3; ++part) {
    for (int64_t half = 0; half < halves; ++half) transpose_tile(step + (2 * part + half) * kTileBytes);
  }
}

GRADUS_SPLIT_INLINE __mmask16 first_lanes(int64_t count) { return static_cast<__mmask16>((1u << std::clamp<int64_t>(count, 0, 16)) - 1); }
GRADUS_SPLIT_INLINE void prefetch(const float* from, int64_t elements_on) {
  _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(from) + static_cast<uintptr_t>(elements_on) * sizeof(float)),
               _MM_HINT_T0);
}
GRADUS_SPLIT_INLINE __m512i larger(__m512i most, __m512 value) {
  return _mm512_max_epu32(most, _mm512_and_si512(_mm512_castps_si512(value), _mm512_set1_epi32(0x7fffffff)));
}

// Where panels go, and the bits of the largest magnitude of each.
struct Panels {
  std::byte* first;
  int64_t bytes;  // from panel to panel
  uint32_t* most;
};

// `lines` lines of `depth` elements side by side. Rows of words are lines, or, with kIsTransposed, pairs of the depth.
template <bool kIsTransposed>
GRADUS_SPLIT void pack_lines(const float* from, int64_t line_step, int64_t lines, int64_t depth, const Panels& to) {
  const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0),
                odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  const int64_t steps = divide_up(depth, kDepth);
  for (int64_t panel = 0; panel * kLines < lines; ++panel, from += kLines * line_step) {
    std::byte* const tiles = to.first + panel * to.bytes;
    const int64_t count = std::min(kLines, lines - panel * kLines), halves = divide_up(count, 16);
    __m512i most = _mm512_setzero_si512();
    for (int64_t line = 0; line < 16 * halves; ++line) {
      std::byte* row = tiles + line / 16 * kTileBytes + line % 16 * 64;
      const float* in = from + std::min(line, count - 1) * line_step;
      for (int64_t step = 0; step < steps; ++step, row += kStepBytes) {
        const int64_t at = step * kDepth, left = line < count ? depth - at : 0;
        prefetch(in + at, 2 * line_step);
        prefetch(in + at, 2 * line_step + 16);
        __m512 low, high;
        if (left >= kDepth) {
          low = _mm512_loadu_ps(in + at);
          high = _mm512_loadu_ps(in + at + 16);
        } else {
          low = _mm512_maskz_loadu_ps(first_lanes(left), in + at);
          high = left > 16 ? _mm512_maskz_loadu_ps(first_lanes(left - 16), in + at + 16) : _mm512_setzero_ps();
        }
        most = larger(larger(most, low), high);
        store_parts(_mm512_permutex2var_ps(low, even, high), _mm512_permutex2var_ps(low, odd, high), row);
      }
    }
    for (int64_t step = 0; kIsTransposed && step < steps; ++step) transpose_tiles(tiles + step * kStepBytes, halves);
    to.most[panel] = _mm512_reduce_max_epu32(most);
  }
}

// The same where it is the lines that lie side by side. Rows of words are pairs of the depth, or, with kIsTransposed, lines. Several panels
// at a time: longer pieces of memory are read in order.
template <bool kIsTransposed>
GRADUS_SPLIT void pack_depth(const float* from, int64_t depth_step, int64_t lines, int64_t depth, const Panels& to) {
  constexpr int64_t together = 4;
  for (int64_t first = 0; first * kLines < lines; first += together) {
    const int64_t rest = lines - first * kLines, halves = divide_up(std::min(rest, together * kLines), 16);
    __m512i most[together];
    for (__m512i& value : most) value = _mm512_setzero_si512();
    for (int64_t step = 0; step * kDepth < depth; ++step) {
      std::byte* const tiles = to.first + first * to.bytes + step * kStepBytes;
      for (int64_t pair = 0; pair < 16; ++pair) {
        const int64_t p = step * kDepth + 2 * pair;
        const float* in = from + first * kLines + std::min(p, depth - 1) * depth_step;
        const bool has_one = p < depth, has_two = p + 1 < depth;
        for (int64_t half = 0; half < halves; ++half, in += 16) {
          const __mmask16 lanes = first_lanes(rest - 16 * half);
          prefetch(in, 16 * depth_step);
          prefetch(in, 17 * depth_step);
          const __m512 one = has_one ? _mm512_maskz_loadu_ps(lanes, in) : _mm512_setzero_ps();
          const __m512 two = has_two ? _mm512_maskz_loadu_ps(lanes, in + depth_step) : _mm512_setzero_ps();
          most[half / 2] = larger(larger(most[half / 2], one), two);
          store_parts(one, two, tiles + half / 2 * to.bytes + half % 2 * kTileBytes + pair * 64);
        }
      }
      for (int64_t half = 0; kIsTransposed && half < halves; half += 2)
        transpose_tiles(tiles + half / 2 * to.bytes, std::min<int64_t>(2, halves - half));
    }
    for (int64_t panel = 0; 2 * panel < halves; ++panel) to.most[first + panel] = _mm512_reduce_max_epu32(most[panel]);
  }
}

// ---- blocks that are computed in float32

// Whether parts of such numbers, or their products, would leave the range of float32: by the bits of the largest magnitudes.
bool leaves_range(uint32_t most_a, uint32_t most_b) {
  if (most_a == 0 || most_b == 0) return std::max(most_a, most_b) >= 0x7f800000u;  // 0 times infinity
  const int a = static_cast<int>(most_a >> 23), b = static_cast<int>(most_b >> 23), product = a + b - 2 * 127;
  return std::max(a, b) == 255 || std::min(a, b) < 127 - 80 || product < -70 || product > 95;
}

// to = a b in float32; b as rows of kLines. Rows come in eights, of which the last may lie beyond `rows`.
GRADUS_SPLIT void multiply_floats(const float* a, int64_t a_row, int64_t a_column, const float* b, int64_t rows, int64_t depth, float* to) {
  for (int64_t i = 0; i < rows; i += 8, to += 8 * kLines) {
    const float* row[8];
    __m512 sums[8][2];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      row[r] = a + std::min(i + r, rows - 1) * a_row;
      sums[r][0] = sums[r][1] = _mm512_setzero_ps();
    }
    for (int64_t p = 0; p < depth; ++p) {
      const __m512 low = _mm512_loadu_ps(b + p * kLines), high = _mm512_loadu_ps(b + p * kLines + 16);
#pragma GCC unroll 8
      for (int r = 0; r < 8; ++r) {
        const __m512 factor = _mm512_set1_ps(row[r][p * a_column]);
        sums[r][0] = _mm512_fmadd_ps(factor, low, sums[r][0]);
        sums[r][1] = _mm512_fmadd_ps(factor, high, sums[r][1]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      _mm512_store_ps(to + r * kLines, sums[r][0]);
      _mm512_store_ps(to + r * kLines + 16, sums[r][1]);
    }
  }
}
void copy_columns(const float* b, int64_t b_row, int64_t b_column, int64_t depth, int64_t columns, float* to) {
  for (int64_t p = 0; p < depth; ++p, to += kLines) {
    for (int64_t j = 0; j < kLines; ++j) to[j] = j < columns ? b[p * b_row + j * b_column] : 0;
  }
}

// ---- blocks of the result

// What is done to sums before they are stored.
struct Finish {
  const float* bias = nullptr;  // of the block's first column
  TileLoop activation = nullptr;
};

// c (+)= sums, rows of kLines.
GRADUS_SPLIT void store_block(float* sums, bool is_first, const Finish& finish, float* c, int64_t c_row, int64_t rows, int64_t columns) {
  const __mmask16 lanes[2] = {first_lanes(columns), first_lanes(columns - 16)};
  const int64_t halves = divide_up(columns, 16);
  for (int64_t half = 0; half < halves; ++half) {
    const __mmask16 mask = lanes[half];
    const __m512 bias = finish.bias ? _mm512_maskz_loadu_ps(mask, finish.bias + 16 * half) : _mm512_setzero_ps();
    for (int64_t i = 0; i < rows; ++i) {
      float *from = sums + i * kLines + 16 * half, *to = c + i * c_row + 16 * half;
      __m512 value = _mm512_load_ps(from);
      if (!is_first) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, to));
      if (finish.bias) value = _mm512_add_ps(value, bias);
      if (finish.activation) _mm512_store_ps(from, value);
      else _mm512_mask_storeu_ps(to, mask, value);
    }
  }
  if (!finish.activation) return;
  if (halves == 2) {
    finish.activation(sums, nullptr, nullptr, sums, rows * kLines, 0);
  } else {
    for (int64_t i = 0; i < rows; ++i) finish.activation(sums + i * kLines, nullptr, nullptr, sums + i * kLines, 16, 0);
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t half = 0; half < halves; ++half) {
      _mm512_mask_storeu_ps(c + i * c_row + 16 * half, lanes[half], _mm512_load_ps(sums + i * kLines + 16 * half));
    }
  }
}

// ---- a run

struct Range {
  int64_t begin, end;
  int64_t size() const { return end - begin; }
};
// Part `index` of `count` of a range, in whole panels (or steps) from its beginning.
Range part_of(Range whole, int64_t index, int64_t count) {
  const int64_t panels = divide_up(whole.size(), kLines);
  const auto cut = [&](int64_t i) { return std::min(whole.end, whole.begin + panels * i / count * kLines); };
  return {cut(index), cut(index + 1)};
}

// The rows of a or the columns of b.
struct Side {
  int64_t lines = 0, line_step = 0, depth_step = 0;
  bool is_b = false;

  void pack(const float* from, Range range, Range depth, const Panels& to) const {
    from += range.begin * line_step + depth.begin * depth_step;
    if (depth_step == 1) return (is_b ? pack_lines<true> : pack_lines<false>)(from, line_step, range.size(), depth.size(), to);
    (is_b ? pack_depth<false> : pack_depth<true>)(from, depth_step, range.size(), depth.size(), to);
  }
};

// Everything that a run needs. `first` is the side of fewer lines.
struct Split {
  Products products;
  bool has_bias = false;
  TileLoop activation = nullptr;
  Side first, second;
  int64_t depth_slabs = 1, slabs = 1;         // of the depth, and of the first side's lines
  int64_t slab_panels = 0, slab_steps = 0;    // most of a slab
  int64_t block_panels = 0, block_steps = 0;  // most of a block
  int64_t first_parts = 1, second_parts = 1;  // chunks of a product
  int64_t item_chunks = 0;                    // or of a batch of products, each done by one thread; 0: of one product at a time
  SlotSizes slots;

  Range depth_slab(int64_t index) const { return part_of({0, products.k}, index, depth_slabs); }
  Range slab(int64_t index) const { return part_of({0, first.lines}, index, slabs); }
  int64_t slab_bytes() const {
    return round_up(slab_panels * static_cast<int64_t>(sizeof(uint32_t))) + slab_panels * slab_steps * kStepBytes;
  }
  int64_t slot_bytes() const {
    constexpr int64_t floats = kLines * kLines + kBlockDepth * kLines;
    return floats * static_cast<int64_t>(sizeof(float)) + block_panels * block_steps * kStepBytes + (item_chunks ? slab_bytes() : 0);
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
  float *sums, *copy;  // a block of sums; columns of b as they are
  std::byte *block, *slab;
  Scratch(const Split& split, std::byte* slot)
      : sums(reinterpret_cast<float*>(slot)),
        copy(sums + kLines * kLines),
        block(reinterpret_cast<std::byte*>(copy + kBlockDepth * kLines)),
        slab(block + split.block_panels * split.block_steps * kStepBytes) {}
};

// One product.
struct Operands {
  const float *a, *b, *bias;
  float* c;
  const float* of(const Side& side) const { return side.is_b ? b : a; }
};

void pack_slab(const Split& split, const Operands& in, Range lines, Range depth, Range panels, const Slab& slab) {
  const int64_t panel_bytes = divide_up(depth.size(), kDepth) * kStepBytes;
  split.first.pack(in.of(split.first), {lines.begin + panels.begin * kLines, std::min(lines.end, lines.begin + panels.end * kLines)}, depth,
                   {slab.panels + panels.begin * panel_bytes, panel_bytes, slab.most + panels.begin});
}

// A block of the result: panels of a and b, through some of the depth.
void multiply_block(const Split& split, const Operands& in, Range rows, Range columns, Range depth, const std::byte* a, const std::byte* b,
                    bool is_in_range, const Scratch& scratch) {
  const Products& x = split.products;
  const bool is_first = depth.begin == 0, is_last = depth.end == x.k;
  const Finish finish{is_last && in.bias ? in.bias + columns.begin : nullptr, is_last ? split.activation : nullptr};
  float* to = in.c + rows.begin * x.n + columns.begin;
  if (is_in_range) {
    const bool is_direct = is_first && rows.size() == kLines && columns.size() == kLines && !finish.bias && !finish.activation;
    multiply_of(rows.size(), columns.size())(a, b, divide_up(depth.size(), kDepth), is_direct ? to : scratch.sums,
                                             is_direct ? x.n : kLines);
    if (is_direct) return;
  } else {
    copy_columns(in.b + depth.begin * x.b_row + columns.begin * x.b_column, x.b_row, x.b_column, depth.size(), columns.size(),
                 scratch.copy);
    multiply_floats(in.a + rows.begin * x.a_row + depth.begin * x.a_column, x.a_row, x.a_column, scratch.copy, rows.size(), depth.size(),
                    scratch.sums);
  }
  store_block(scratch.sums, is_first, finish, to, x.n, rows.size(), columns.size());
}

// Some lines of the second side, at most a block, by some panels of a slab.
void multiply_lines(const Split& split, const Operands& in, Range lines, Range slab_lines, Range panels, Range depth_slab, const Slab& slab,
                    const Scratch& scratch) {
  const int64_t panel_bytes = divide_up(depth_slab.size(), kDepth) * kStepBytes;
  const int64_t depth_blocks = divide_up(depth_slab.size(), kBlockDepth);
  for (int64_t d = 0; d < depth_blocks; ++d) {
    const Range depth = part_of(depth_slab, d, depth_blocks);
    const int64_t block_bytes = divide_up(depth.size(), kDepth) * kStepBytes;
    uint32_t most[kBlockLines / kLines];
    split.second.pack(in.of(split.second), lines, depth, {scratch.block, block_bytes, most});
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      const int64_t begin = slab_lines.begin + panel * kLines;
      const Range one{begin, std::min(slab_lines.end, begin + kLines)};
      const std::byte* of_one = slab.panels + panel * panel_bytes + (depth.begin - depth_slab.begin) / kDepth * kStepBytes;
      for (int64_t at = lines.begin, index = 0; at < lines.end; at += kLines, ++index) {
        const Range other{at, std::min(lines.end, at + kLines)};
        const std::byte* of_other = scratch.block + index * block_bytes;
        const bool is_in_range = !leaves_range(slab.most[panel], most[index]);
        if (split.first.is_b) multiply_block(split, in, other, one, depth, of_other, of_one, is_in_range, scratch);
        else multiply_block(split, in, one, other, depth, of_one, of_other, is_in_range, scratch);
      }
    }
  }
}

// One chunk of a product with a slab.
void multiply_part(const Split& split, const Operands& in, Range slab_lines, Range depth, int64_t part, const Slab& slab,
                   const Scratch& scratch) {
  const Range lines = part_of({0, split.second.lines}, part / split.first_parts, split.second_parts);
  const int64_t count = divide_up(slab_lines.size(), kLines), index = part % split.first_parts;
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
    return Operands{static_cast<const float*>(pointers[0]) + a_offset, static_cast<const float*>(pointers[1]) + b_offset,
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
          pack_slab(split, in, lines, depth, {0, divide_up(lines.size(), kLines)}, slab);
          for (int64_t part = 0; part < split.first_parts * split.second_parts; ++part)
            multiply_part(split, in, lines, depth, part, slab, scratch);
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
      constexpr int64_t chunk_elements = 1 << 16;
      const int64_t panels = divide_up(lines.size(), kLines);
      const int64_t chunks = std::clamp<int64_t>(lines.size() * depth.size() / chunk_elements, 1, panels);
      parallel_for(chunks, [&](int64_t chunk) {
        pack_slab(split, in, lines, depth, {panels * chunk / chunks, panels * (chunk + 1) / chunks}, slab);
      });
      parallel_for(split.first_parts * split.second_parts, [&](int64_t part) {
        const Slots::Claim slot(slots);
        tiles.open();
        multiply_part(split, in, lines, depth, part, slab, Scratch(split, slot.data()));
        tiles.close();
      });
    });
  }
}

// Parts of the work, as many as 2, 4, 8 or 16 threads share evenly, of some 40 us or more; sixteen of large products only.
int64_t parts_of(double work) {
  constexpr double least_work = 1 << 22;
  return int64_t{1} << static_cast<int>(std::clamp(std::round(std::log2(work / least_work)), 0.0, 3.0));
}

bool has_unit_step(int64_t one, int64_t other) { return one == 1 || other == 1; }

}  // namespace

bool is_split_better(const Products& x) {
  constexpr int64_t least = 24;
  if (std::min({x.m, x.n, x.k}) < least || !has_unit_step(x.a_row, x.a_column) || !has_unit_step(x.b_row, x.b_column)) return false;
  const auto filled = [](int64_t size, int64_t step) { return static_cast<double>(size) / static_cast<double>(round_up(size, step)); };
  if (filled(x.m, 16) * filled(x.n, 16) * filled(x.k, kDepth) < 0.6) return false;
  const PairProduct* unit = find_pair_product();
  return unit && unit->is_by_tiles;
}

KernelPtr prepare_split(const Products& x, const Epilogue& epilogue, bool is_part) {
  Split split;
  split.products = x;
  split.has_bias = epilogue.has_bias;
  split.activation = activation_loop(epilogue.activation, float32);
  split.first = {x.m, x.a_row, x.a_column, false};
  split.second = {x.n, x.b_column, x.b_row, true};
  if (x.n < x.m) std::swap(split.first, split.second);
  split.depth_slabs = divide_up(x.k, kSlabDepth);
  split.slab_steps = divide_up(divide_up(x.k, kDepth), split.depth_slabs);
  const int64_t panels = divide_up(split.first.lines, kLines),
                most_panels = std::max<int64_t>(1, kSlabBytes / (split.slab_steps * kStepBytes));
  split.slabs = divide_up(panels, most_panels);
  split.slab_panels = divide_up(panels, split.slabs);
  const int64_t second_panels = divide_up(split.second.lines, kLines), batch = x.batch_size(), parts = is_part ? 1 : parts_of(x.work());
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
  split.block_panels = std::min(divide_up(second_panels, split.second_parts), kBlockLines / kLines);
  split.block_steps = std::min(split.slab_steps, kBlockDepth / kDepth);
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

#else

namespace gradus::cpu {

bool is_split_better(const Products&) { return false; }
KernelPtr prepare_split(const Products&, const Epilogue&, bool) { return nullptr; }

}  // namespace gradus::cpu

#endif
