// Products of pairs of bfloat16: blocks of 32 x 32 in AMX's tiles, or of 6 x 64 in AVX-512's registers.
#include "gradus/cpu/matrix/pairs.hpp"

#if defined(__x86_64__) && defined(__linux__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace gradus::cpu {

namespace {

#define GRADUS_AMX __attribute__((target("amx-tile,amx-bf16")))
#define GRADUS_AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

// ---- AMX: tiles 0 to 3 are sums, 4 and 5 rows of a, 6 and 7 columns of b.

struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
// In memory as a whole: the instruction's operand, as compilers see it, is its first word only.
constexpr TileShapes tile_shapes;
GRADUS_AMX void open_amx() { _tile_loadconfig(&tile_shapes); }
GRADUS_AMX void close_amx() { _tile_release(); }

// Two blocks of 16 rows by two of 16 columns, or one of either.
template <bool kHasRows, bool kHasColumns>
GRADUS_AMX void amx_block(const uint16_t* a, int64_t a_row, const uint32_t* b, int64_t b_row, int64_t depth, bool is_first, float* c,
                          int64_t c_row) {
  const auto a_step = static_cast<size_t>(a_row) * 2, b_step = static_cast<size_t>(b_row) * 4, c_step = static_cast<size_t>(c_row) * 4;
  float* const lower = c + 16 * c_row;
  if (is_first) {
    _tile_zero(0);
    if (kHasColumns) _tile_zero(1);
    if (kHasRows) _tile_zero(2);
    if (kHasRows && kHasColumns) _tile_zero(3);
  } else {
    _tile_loadd(0, c, c_step);
    if (kHasColumns) _tile_loadd(1, c + 16, c_step);
    if (kHasRows) _tile_loadd(2, lower, c_step);
    if (kHasRows && kHasColumns) _tile_loadd(3, lower + 16, c_step);
  }
  for (int64_t p = 0; p < depth; p += 32, b += 16 * b_row) {
    _tile_loadd(4, a + p, a_step);
    _tile_loadd(6, b, b_step);
    _tile_dpbf16ps(0, 4, 6);
    if (kHasColumns) {
      _tile_loadd(7, b + 16, b_step);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (kHasRows) {
      _tile_loadd(5, a + 16 * a_row + p, a_step);
      _tile_dpbf16ps(2, 5, 6);
      if (kHasColumns) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, c, c_step);
  if (kHasColumns) _tile_stored(1, c + 16, c_step);
  if (kHasRows) _tile_stored(2, lower, c_step);
  if (kHasRows && kHasColumns) _tile_stored(3, lower + 16, c_step);
}
void multiply_amx(const uint16_t* a, int64_t a_row, const uint32_t* b, int64_t b_row, int64_t depth, bool is_first, float* c, int64_t c_row,
                  int64_t rows, int64_t columns) {
  for (int64_t j = 0; j < columns; j += 32) {
    const bool has_columns = j + 16 < columns;
    for (int64_t i = 0; i < rows; i += 32) {
      const bool has_rows = i + 16 < rows;
      const auto block = has_rows ? (has_columns ? amx_block<true, true> : amx_block<true, false>)
                                  : (has_columns ? amx_block<false, true> : amx_block<false, false>);
      block(a + i * a_row, a_row, b + j, b_row, depth, is_first, c + i * c_row + j, c_row);
    }
  }
}

// ---- AVX512-BF16

template <int kRows, int kVectors>
GRADUS_AVX512_BF16 void vector_block(const uint16_t* a, int64_t a_row, const uint32_t* b, int64_t b_row, int64_t depth, bool is_first,
                                     float* c, int64_t c_row) {
  __m512 sums[kRows][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) sums[r][v] = is_first ? _mm512_setzero_ps() : _mm512_loadu_ps(c + r * c_row + 16 * v);
  }
  for (int64_t p = 0; p < depth; p += 2, b += b_row) {
    __m512i row[kVectors];
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) row[v] = _mm512_loadu_si512(b + 16 * v);
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
      int pair;
      std::memcpy(&pair, a + r * a_row + p, sizeof(pair));
      const __m512i factor = _mm512_set1_epi32(pair);
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; ++v) sums[r][v] = _mm512_dpbf16_ps(sums[r][v], (__m512bh)factor, (__m512bh)row[v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; ++v) _mm512_storeu_ps(c + r * c_row + 16 * v, sums[r][v]);
  }
}
template <int kVectors>
void vector_rows(const uint16_t* a, int64_t a_row, const uint32_t* b, int64_t b_row, int64_t depth, bool is_first, float* c, int64_t c_row,
                 int64_t rows) {
  int64_t i = 0;
  for (; i + 6 <= rows; i += 6) vector_block<6, kVectors>(a + i * a_row, a_row, b, b_row, depth, is_first, c + i * c_row, c_row);
  for (; i + 2 <= rows; i += 2) vector_block<2, kVectors>(a + i * a_row, a_row, b, b_row, depth, is_first, c + i * c_row, c_row);
}
void multiply_vectors(const uint16_t* a, int64_t a_row, const uint32_t* b, int64_t b_row, int64_t depth, bool is_first, float* c,
                      int64_t c_row, int64_t rows, int64_t columns) {
  int64_t j = 0;
  for (; j + 64 <= columns; j += 64) vector_rows<4>(a, a_row, b + j, b_row, depth, is_first, c + j, c_row, rows);
  for (; j < columns; j += 16) vector_rows<1>(a, a_row, b + j, b_row, depth, is_first, c + j, c_row, rows);
}
void nothing() {}

// ---- what there is

uint64_t enabled_states() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}
// The kernel gives a process AMX's registers when it asks for them.
bool is_granted_amx() {
  constexpr long request = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, request, tile_data) == 0;
}

enum class Way : uint8_t { none, vectors, tiles };
Way find_way() {
  uint32_t a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return Way::none;  // the system saves wide registers
  const uint64_t states = enabled_states();
  constexpr uint64_t avx512_states = 0xe6, tile_states = 0x60000;
  if ((states & avx512_states) != avx512_states || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return Way::none;
  const bool has_avx512 = (b >> 16 & 1) && (b >> 30 & 1) && (b >> 31 & 1);
  const bool has_tiles = (d >> 22 & 1) && (d >> 24 & 1) && (states & tile_states) == tile_states;
  const bool has_vectors = has_avx512 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 5 & 1);
  if (!has_vectors) return Way::none;
  return has_tiles && is_granted_amx() ? Way::tiles : Way::vectors;
}

constexpr PairProduct by_tiles{multiply_amx, open_amx, close_amx, true}, by_vectors{multiply_vectors, nothing, nothing, false};

}  // namespace

const PairProduct* find_pair_product() {
  static const Way way = find_way();
  return way == Way::tiles ? &by_tiles : way == Way::vectors ? &by_vectors : nullptr;
}

}  // namespace gradus::cpu

#else

namespace gradus::cpu {

const PairProduct* find_pair_product() { return nullptr; }

}  // namespace gradus::cpu

#endif
