// Tiles of parts: three bfloat16 numbers whose sum is a float32 one.
#include "gradus/cpu/matrix/parts.hpp"

#include "gradus/cpu/matrix/pairs.hpp"

#if defined(__x86_64__) && defined(__linux__)

#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wuninitialized"  // GCC 12 of its own header's values that are meant to be anything
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <algorithm>

#include "gradus/base/round_up.hpp"

namespace gradus::cpu {

namespace {

#define GRADUS_PARTS __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16")))
#define GRADUS_PARTS_INLINE __attribute__((target("amx-tile,amx-bf16,avx512f,avx512bw,avx512vl,avx512bf16"), always_inline)) inline

// A step is six tiles: of each part, high to low, one for 16 lines and one for the next 16.
constexpr int64_t kTileBytes = kStepBytes / 6;

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
GRADUS_PARTS void multiply_panels(const std::byte* first_a, const std::byte* first_b, int64_t steps, float* to, int64_t to_row) {
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
GRADUS_PARTS_INLINE void store_parts(__m512 first, __m512 second, std::byte* to) {
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
GRADUS_PARTS_INLINE void transpose_tile(std::byte* tile) {
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
GRADUS_PARTS void transpose_tiles(std::byte* step, int64_t halves) {
  for (int64_t part = 0; part < 3; ++part) {
    for (int64_t half = 0; half < halves; ++half) transpose_tile(step + (2 * part + half) * kTileBytes);
  }
}

GRADUS_PARTS_INLINE __mmask16 first_lanes(int64_t count) { return static_cast<__mmask16>((1u << std::clamp<int64_t>(count, 0, 16)) - 1); }
GRADUS_PARTS_INLINE void prefetch(const float* from, int64_t elements_on) {
  _mm_prefetch(reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(from) + static_cast<uintptr_t>(elements_on) * sizeof(float)),
               _MM_HINT_T0);
}
GRADUS_PARTS_INLINE __m512i larger(__m512i most, __m512 value) {
  return _mm512_max_epu32(most, _mm512_and_si512(_mm512_castps_si512(value), _mm512_set1_epi32(0x7fffffff)));
}

// `lines` lines of `depth` elements side by side. Rows of words are lines, or, with kIsTransposed, pairs of the depth.
template <bool kIsTransposed>
GRADUS_PARTS void pack_lines(const float* from, int64_t line_step, int64_t lines, int64_t depth, const Panels& to) {
  const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0),
                odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
  const int64_t steps = divide_up(depth, kStepDepth);
  for (int64_t panel = 0; panel * kPanelLines < lines; ++panel, from += kPanelLines * line_step) {
    std::byte* const tiles = to.first + panel * to.bytes;
    const int64_t count = std::min(kPanelLines, lines - panel * kPanelLines), halves = divide_up(count, 16);
    __m512i most = _mm512_setzero_si512();
    for (int64_t line = 0; line < 16 * halves; ++line) {
      std::byte* row = tiles + line / 16 * kTileBytes + line % 16 * 64;
      const float* in = from + std::min(line, count - 1) * line_step;
      for (int64_t step = 0; step < steps; ++step, row += kStepBytes) {
        const int64_t at = step * kStepDepth, left = line < count ? depth - at : 0;
        prefetch(in + at, 2 * line_step);
        prefetch(in + at, 2 * line_step + 16);
        __m512 low, high;
        if (left >= kStepDepth) {
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
GRADUS_PARTS void pack_depth(const float* from, int64_t depth_step, int64_t lines, int64_t depth, const Panels& to) {
  constexpr int64_t together = 4;
  for (int64_t first = 0; first * kPanelLines < lines; first += together) {
    const int64_t rest = lines - first * kPanelLines, halves = divide_up(std::min(rest, together * kPanelLines), 16);
    __m512i most[together];
    for (__m512i& value : most) value = _mm512_setzero_si512();
    for (int64_t step = 0; step * kStepDepth < depth; ++step) {
      std::byte* const tiles = to.first + first * to.bytes + step * kStepBytes;
      for (int64_t pair = 0; pair < 16; ++pair) {
        const int64_t p = step * kStepDepth + 2 * pair;
        const float* in = from + first * kPanelLines + std::min(p, depth - 1) * depth_step;
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
  constexpr uint32_t rounded_to_infinity = 0x7f7f8000u;  // the least that is, to bfloat16: its second part would be -infinity
  if (std::max(most_a, most_b) >= rounded_to_infinity) return true;
  if (most_a == 0 || most_b == 0) return false;
  const int a = static_cast<int>(most_a >> 23), b = static_cast<int>(most_b >> 23), product = a + b - 2 * 127;
  return std::min(a, b) < 127 - 80 || product < -70 || product > 95;
}

// to = a b in float32; b as rows of kPanelLines. Rows come in eights, of which the last may lie beyond `rows`.
GRADUS_PARTS void multiply_floats(const float* a, int64_t a_row, int64_t a_column, const float* b, int64_t rows, int64_t depth, float* to) {
  for (int64_t i = 0; i < rows; i += 8, to += 8 * kPanelLines) {
    const float* row[8];
    __m512 sums[8][2];
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      row[r] = a + std::min(i + r, rows - 1) * a_row;
      sums[r][0] = sums[r][1] = _mm512_setzero_ps();
    }
    for (int64_t p = 0; p < depth; ++p) {
      const __m512 low = _mm512_loadu_ps(b + p * kPanelLines), high = _mm512_loadu_ps(b + p * kPanelLines + 16);
#pragma GCC unroll 8
      for (int r = 0; r < 8; ++r) {
        const __m512 factor = _mm512_set1_ps(row[r][p * a_column]);
        sums[r][0] = _mm512_fmadd_ps(factor, low, sums[r][0]);
        sums[r][1] = _mm512_fmadd_ps(factor, high, sums[r][1]);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < 8; ++r) {
      _mm512_store_ps(to + r * kPanelLines, sums[r][0]);
      _mm512_store_ps(to + r * kPanelLines + 16, sums[r][1]);
    }
  }
}
void copy_columns(const float* b, int64_t b_row, int64_t b_column, int64_t depth, int64_t columns, float* to) {
  for (int64_t p = 0; p < depth; ++p, to += kPanelLines) {
    for (int64_t j = 0; j < kPanelLines; ++j) to[j] = j < columns ? b[p * b_row + j * b_column] : 0;
  }
}

// ---- blocks of the result

// c (+)= sums, rows of kPanelLines.
GRADUS_PARTS void store_block(float* sums, bool is_first, const PartsFinish& finish, float* c, int64_t c_row, int64_t rows,
                              int64_t columns) {
  const __mmask16 lanes[2] = {first_lanes(columns), first_lanes(columns - 16)};
  const int64_t halves = divide_up(columns, 16);
  for (int64_t half = 0; half < halves; ++half) {
    const __mmask16 mask = lanes[half];
    const __m512 bias = finish.bias ? _mm512_maskz_loadu_ps(mask, finish.bias + 16 * half) : _mm512_setzero_ps();
    for (int64_t i = 0; i < rows; ++i) {
      float *from = sums + i * kPanelLines + 16 * half, *to = c + i * c_row + 16 * half;
      __m512 value = _mm512_load_ps(from);
      if (!is_first) value = _mm512_add_ps(value, _mm512_maskz_loadu_ps(mask, to));
      if (finish.bias) value = _mm512_add_ps(value, bias);
      if (finish.activation) _mm512_store_ps(from, value);
      else _mm512_mask_storeu_ps(to, mask, value);
    }
  }
  if (!finish.activation) return;
  if (halves == 2) {
    finish.activation(sums, nullptr, nullptr, sums, rows * kPanelLines, 0);
  } else {
    for (int64_t i = 0; i < rows; ++i) finish.activation(sums + i * kPanelLines, nullptr, nullptr, sums + i * kPanelLines, 16, 0);
  }
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t half = 0; half < halves; ++half) {
      _mm512_mask_storeu_ps(c + i * c_row + 16 * half, lanes[half], _mm512_load_ps(sums + i * kPanelLines + 16 * half));
    }
  }
}

}  // namespace

bool has_parts() {
  const PairProduct* unit = find_pair_product();
  return unit && unit->is_by_tiles;
}

void make_panels(const Factor& factor, int64_t lines, int64_t depth) {
  if (factor.depth_step == 1) {
    (factor.is_right ? pack_lines<true> : pack_lines<false>)(factor.first, factor.line_step, lines, depth, factor.panels);
  } else {
    (factor.is_right ? pack_depth<false> : pack_depth<true>)(factor.first, factor.depth_step, lines, depth, factor.panels);
  }
}

void multiply_factors(const Factor& a, const Factor& b, int64_t rows, int64_t columns, int64_t depth, bool is_first,
                      const PartsFinish& finish, float* c, int64_t c_row, const PartsScratch& scratch) {
  const int64_t steps = divide_up(depth, kStepDepth);
  for (int64_t j = 0; j < columns; j += kPanelLines) {
    const int64_t width = std::min(kPanelLines, columns - j);
    const PartsFinish of_columns{finish.bias ? finish.bias + j : nullptr, finish.activation};
    for (int64_t i = 0; i < rows; i += kPanelLines) {
      const int64_t height = std::min(kPanelLines, rows - i);
      const Factor one = a.from(i, 0), other = b.from(j, 0);
      float* to = c + i * c_row + j;
      if (leaves_range(*one.panels.most, *other.panels.most)) {
        copy_columns(other.first, other.depth_step, other.line_step, depth, width, scratch.copy);
        multiply_floats(one.first, one.line_step, one.depth_step, scratch.copy, height, depth, scratch.sums);
      } else {
        const bool is_direct = is_first && height == kPanelLines && width == kPanelLines && !finish.bias && !finish.activation;
        multiply_of(height, width)(one.panels.first, other.panels.first, steps, is_direct ? to : scratch.sums,
                                   is_direct ? c_row : kPanelLines);
        if (is_direct) continue;
      }
      store_block(scratch.sums, is_first, of_columns, to, c_row, height, width);
    }
  }
}

}  // namespace gradus::cpu

#else

namespace gradus::cpu {

bool has_parts() { return false; }
void make_panels(const Factor&, int64_t, int64_t) {}
void multiply_factors(const Factor&, const Factor&, int64_t, int64_t, int64_t, bool, const PartsFinish&, float*, int64_t,
                      const PartsScratch&) {}

}  // namespace gradus::cpu

#endif
