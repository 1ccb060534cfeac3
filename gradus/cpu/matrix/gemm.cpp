// Matrix products in three ways: dot products along contiguous rows, register tiles on operands where they lie, register tiles on packed
// blocks (any strides, 16-bit floats). Chunks of output blocks follow from the shape, so results do not depend on threads.
#include "gradus/cpu/matrix/gemm.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/backend/functions/activation.hpp"
#include "gradus/backend/functions/exponential.hpp"
#include "gradus/base/half.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/cpu/elementwise/loops.hpp"
#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/loop/slots.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/matrix/gemm.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/matrix/gemm-inl.hpp"

#ifndef GRADUS_CPU_GEMM_ONCE
#define GRADUS_CPU_GEMM_ONCE
namespace gradus::cpu {
namespace {

// Blocks of the output of one product, and how many of them (over all batch items) make a chunk.
struct Blocks {
  int64_t rows = 1, columns = 1;              // of a block; of what even blocks are cut in
  int64_t row_count = 1, column_count = 1;    // blocks a product
  int64_t chunks = 1;
  bool is_even = false;
  int64_t count(int64_t batch) const { return batch * row_count * column_count; }
};

enum class Way : uint8_t { dots, direct, packed };

// The part of `size` rows or columns that block `index` of `count` takes; steps of `step`, or even parts cut at multiples of it.
struct Part {
  int64_t begin, size;
};
Part part_of(int64_t size, int64_t index, int64_t count, int64_t step, bool is_even) {
  const auto cut = [&](int64_t i) { return i == count ? size : (is_even ? size * i / count / step : i) * step; };
  return {cut(index), cut(index + 1) - cut(index)};
}

// Everything that a run needs.
struct Gemm {
  Products products;
  bool has_bias = false;
  TileLoop activation = nullptr;  // of the sums' dtype
  Way way = Way::packed;
  Blocks blocks;
  SlotSizes slots;
  bool must_copy_b = false;  // direct: b is brought to rows in the slot first
  bool is_swapped = false;   // the product of the transposes, b^T a^T
};

template <class T>
using SumOf = std::conditional_t<std::is_same_v<T, double>, double, float>;

constexpr int64_t kChunkWork = 1 << 16;  // multiply-adds that are worth a chunk
constexpr int64_t kFewDots = 3;          // columns (rows) up to which a product is dot products

}  // namespace
}  // namespace gradus::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

template <class S>
inline constexpr int64_t kTileColumns = 2 * kLanes<S>;
template <class S>
inline constexpr int64_t kDepth = 1024 / static_cast<int64_t>(sizeof(S));

// ---- dots: c[i, j] = x[i, :] . v[j, :] for rows of unit stride and few rows of v.

template <int kRows, int kColumns, class S>
HWY_INLINE void dot_rows(const S* HWY_RESTRICT x, int64_t x_row, const S* HWY_RESTRICT v, int64_t v_row, int64_t k, S* HWY_RESTRICT c,
                         int64_t c_row, int64_t c_column) {
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  constexpr int kParts = kColumns == 1 ? 2 : 1;  // sums of a product, enough in all to hide the time of an addition
  using V = hn::Vec<decltype(d)>;
  V sums[kRows][kColumns][kParts];
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    GRADUS_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      GRADUS_UNROLL
      for (int part = 0; part < kParts; ++part) sums[r][j][part] = hn::Zero(d);
    }
  }
  const auto add = [&](auto load, int64_t p, int part) HWY_ATTR {
    V factors[kColumns];
    GRADUS_UNROLL
    for (int j = 0; j < kColumns; ++j) factors[j] = load(v + j * v_row + p);
    GRADUS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const V row = load(x + r * x_row + p);
      GRADUS_UNROLL
      for (int j = 0; j < kColumns; ++j) sums[r][j][part] = hn::MulAdd(row, factors[j], sums[r][j][part]);
    }
  };
  const auto whole = [&](const S* from) HWY_ATTR { return hn::LoadU(d, from); };
  int64_t p = 0;
  for (; p + kParts * lanes <= k; p += kParts * lanes) {
    add(whole, p, 0);
    if (kParts == 2) add(whole, p + lanes, 1);
  }
  if (kParts == 2 && p + lanes <= k) {
    add(whole, p, 0);
    p += lanes;
  }
  if (p < k) add([&](const S* from) HWY_ATTR { return load_first(d, from, k - p); }, p, kParts - 1);
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    GRADUS_UNROLL
    for (int j = 0; j < kColumns; ++j) {
      V sum = sums[r][j][0];
      if (kParts == 2) sum = hn::Add(sum, sums[r][j][kParts - 1]);
      c[r * c_row + j * c_column] = hn::GetLane(hn::SumOfLanes(d, sum));
    }
  }
}
template <int kColumns, class S>
void dots(const S* x, int64_t x_row, const S* v, int64_t v_row, int64_t k, S* c, int64_t c_row, int64_t c_column, int64_t count) {
  int64_t i = 0;
  for (; i + 4 <= count; i += 4) dot_rows<4, kColumns>(x + i * x_row, x_row, v, v_row, k, c + i * c_row, c_row, c_column);
  for (; i < count; ++i) dot_rows<1, kColumns>(x + i * x_row, x_row, v, v_row, k, c + i * c_row, c_row, c_column);
}
template <class S>
void few_dots(int64_t columns, const S* x, int64_t x_row, const S* v, int64_t v_row, int64_t k, S* c, int64_t c_row, int64_t c_column,
              int64_t count) {
  if (columns == 1) return dots<1>(x, x_row, v, v_row, k, c, c_row, c_column, count);
  if (columns == 2) return dots<2>(x, x_row, v, v_row, k, c, c_row, c_column, count);
  dots<3>(x, x_row, v, v_row, k, c, c_row, c_column, count);
}

// ---- packed.

// Panels of `width` neighbours, zero-padded: to[panel][p][i] = from[(panel * width + i) * stride + p * depth_stride].
template <class S, class T>
void pack(const T* from, int64_t stride, int64_t depth_stride, int64_t count, int64_t depth, int64_t width, S* to) {
  for (int64_t first = 0; first < count; first += width, to += width * depth) {
    const int64_t part = std::min(width, count - first);
    const T* in = from + first * stride;
    if (part < width) std::memset(static_cast<void*>(to), 0, static_cast<size_t>(width * depth) * sizeof(S));
    if (std::is_same_v<S, T> && stride == 1) {
      if (part == width) {
        for (int64_t p = 0; p < depth; ++p) std::memcpy(to + p * width, in + p * depth_stride, static_cast<size_t>(width) * sizeof(S));
      } else {
        for (int64_t p = 0; p < depth; ++p) std::memcpy(to + p * width, in + p * depth_stride, static_cast<size_t>(part) * sizeof(S));
      }
      continue;
    }
    if constexpr (std::is_same_v<S, T>) {
      if (depth_stride == 1) {
        transpose(in, stride, part, depth, to, width);
        continue;
      }
    }
    for (int64_t p = 0; p < depth; ++p) {
      for (int64_t i = 0; i < part; ++i) to[p * width + i] = static_cast<S>(in[i * stride + p * depth_stride]);
    }
  }
}

// One block of the output, rows x columns at (row, column), through the whole depth.
template <class T, class U, class B, class S = SumOf<T>>
void packed_block(const Products& x, const T* a, const T* b, U* c, int64_t row, int64_t column, int64_t rows, int64_t columns,
                  std::byte* slot, const B* bias, TileLoop activation) {
  constexpr int64_t kWidth = kTileColumns<S>, lanes = kLanes<S>;
  const int64_t padded_rows = (rows + kTileRows - 1) / kTileRows * kTileRows, padded_columns = (columns + kWidth - 1) / kWidth * kWidth;
  S* packed_a = reinterpret_cast<S*>(slot);
  S* packed_b = packed_a + padded_rows * kDepth<S>;
  constexpr bool is_same = std::is_same_v<S, U>;
  S* out = nullptr;
  int64_t out_row = x.n;
  if constexpr (is_same) {
    out = c + row * x.n + column;
  } else {
    out = packed_b + padded_columns * kDepth<S>;
    out_row = columns;
  }
  for (int64_t p = 0; p == 0 || p < x.k; p += kDepth<S>) {  // once for a depth of 0: zeros
    const int64_t depth = std::min(kDepth<S>, x.k - p);
    pack<S>(a + row * x.a_row + p * x.a_column, x.a_row, x.a_column, rows, depth, kTileRows, packed_a);
    pack<S>(b + column * x.b_column + p * x.b_row, x.b_column, x.b_row, columns, depth, kWidth, packed_b);
    for (int64_t j = 0; j < columns; j += kWidth) {
      const S* from_b = packed_b + j * depth;
      const int64_t width = std::min(kWidth, columns - j);
      for (int64_t i = 0; i < rows; i += kTileRows) {
        const S* from_a = packed_a + i * depth;
        const int64_t height = std::min<int64_t>(kTileRows, rows - i);
        S* to = out + i * out_row + j;
        if (width > lanes) {
          multiply_tile<kTileRows, 2, true>(from_a, 1, kTileRows, from_b, kWidth, depth, p == 0, to, out_row, height, width);
        } else {
          multiply_tile<kTileRows, 1, true>(from_a, 1, kTileRows, from_b, kWidth, depth, p == 0, to, out_row, height, width);
        }
      }
    }
  }
  finish(out, out_row, rows, columns, bias ? bias + column : nullptr, activation);
  if constexpr (!is_same) {
    for (int64_t i = 0; i < rows; ++i) {
      U* to = c + (row + i) * x.n + column;
      for (int64_t j = 0; j < columns; ++j) to[j] = static_cast<U>(out[i * out_row + j]);
    }
  }
}

// ---- the loop over blocks.

// The few columns of b (n <= 3), or the few rows of a, beside long rows of the other.
template <class T>
void dots_block(const Products& x, const T* a, const T* b, T* c, Part rows, Part columns, std::byte* slot, bool is_new) {
  const bool is_tall = x.n <= kFewDots && x.n <= x.m;
  const T* few = is_tall ? b : a;
  int64_t few_row = is_tall ? x.b_column : x.a_row;
  const int64_t few_depth = is_tall ? x.b_row : x.a_column, count = is_tall ? x.n : x.m;
  if (few_depth != 1 && x.k > 1) {
    T* copy = reinterpret_cast<T*>(slot);
    for (int64_t j = 0; is_new && j < count; ++j) {
      for (int64_t p = 0; p < x.k; ++p) copy[j * x.k + p] = few[j * few_row + p * few_depth];
    }
    few = copy;
    few_row = x.k;
  }
  if (is_tall) few_dots(count, a + rows.begin * x.a_row, x.a_row, few, few_row, x.k, c + rows.begin * x.n, x.n, 1, rows.size);
  else few_dots(count, b + columns.begin * x.b_column, x.b_column, few, few_row, x.k, c + columns.begin, 1, x.n, columns.size);
}

template <class T, class U, class B>
void run_block(const Gemm& gemm, const T* a, const T* b, U* c, Part rows, Part columns, std::byte* slot, const B* bias, bool is_new) {
  const Products& x = gemm.products;
  if constexpr (std::is_same_v<T, SumOf<T>>) {
    if (gemm.way != Way::packed) {
      T* out = c + rows.begin * x.n + columns.begin;
      const T* left = a + rows.begin * x.a_row;
      if (gemm.way == Way::dots) {
        dots_block(x, a, b, c, rows, columns, slot, is_new);
      } else {
        int64_t b_row = x.b_row;
        if (gemm.must_copy_b) {
          T* copy = reinterpret_cast<T*>(slot);
          if (is_new) pack<T>(b, x.b_column, x.b_row, x.n, x.k, x.n, copy);
          b = copy;
          b_row = x.n;
        }
        // Even blocks are narrow: so much of b stays in L1 while the rows of a pass by.
        const int64_t most = gemm.blocks.is_even ? 128 : std::max<int64_t>(x.k, 1);
        for (int64_t p = 0; p == 0 || p < x.k; p += most) {
          multiply_direct(left + p * x.a_column, x.a_row, x.a_column, b + columns.begin + p * b_row, b_row, std::min(most, x.k - p), out,
                          x.n, rows.size, columns.size, p == 0);
        }
      }
      finish(out, x.n, rows.size, columns.size, bias ? bias + columns.begin : nullptr, gemm.activation);
      return;
    }
  }
  packed_block(x, a, b, c, rows.begin, columns.begin, rows.size, columns.size, slot, bias, gemm.activation);
}

// T: of the operands; U: of the result; B: of the bias.
template <class T, class U = T, class B = U>
void run_gemm(const Gemm& gemm, void* const* pointers, void* scratch) {
  const Products& x = gemm.products;
  const Blocks& blocks = gemm.blocks;
  const T* a = static_cast<const T*>(pointers[gemm.is_swapped ? 1 : 0]);
  const T* b = static_cast<const T*>(pointers[gemm.is_swapped ? 0 : 1]);
  const B* bias = gemm.has_bias ? static_cast<const B*>(pointers[2]) : nullptr;
  U* c = static_cast<U*>(pointers[gemm.has_bias ? 3 : 2]);
  const int64_t a_product = blocks.row_count * blocks.column_count, count = blocks.count(x.batch_size());
  Slots slots(gemm.slots, scratch);
  parallel_for(blocks.chunks, [&](int64_t chunk) {
    const Slots::Claim slot(slots);
    int64_t previous = -1;
    for (int64_t i = count * chunk / blocks.chunks; i < count * (chunk + 1) / blocks.chunks; ++i) {
      const int64_t item = i / a_product, block = i % a_product;
      int64_t a_offset = 0, b_offset = 0;
      x.offsets(item, a_offset, b_offset);
      run_block(gemm, a + a_offset, b + b_offset, c + item * x.m * x.n,
                part_of(x.m, block / blocks.column_count, blocks.row_count, blocks.rows, blocks.is_even),
                part_of(x.n, block % blocks.column_count, blocks.column_count, blocks.columns, blocks.is_even), slot.data(), bias,
                item != previous);
      previous = item;
    }
  });
}

auto find_run(DType dtype, DType result, DType bias) -> void (*)(const Gemm&, void* const*, void*) {
  if (dtype == float64) return run_gemm<double>;
  if (dtype == float16) return run_gemm<float16_t>;
  if (dtype == float32) return run_gemm<float>;
  if (result == float32) return run_gemm<bfloat16_t, float>;
  return bias == float32 ? run_gemm<bfloat16_t, bfloat16_t, float> : run_gemm<bfloat16_t>;
}

// Rows that packed blocks are a multiple of, for the block sizes above.
int tile_rows() { return kTileRows; }

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {
namespace {

HWY_EXPORT(find_run);
HWY_EXPORT(tile_rows);

constexpr int64_t kSmallWork = 1 << 18;    // multiply-adds
constexpr int64_t kMediumMatrix = 1 << 19;  // bytes of b
constexpr int64_t kSmallMatrix = 1 << 15;  // elements of b up to which it is read where it lies: it stays in L2
constexpr int64_t kTinyMatrix = 1 << 13;   // up to which this is as fast as oneDNN for any number of rows
constexpr int64_t kLongRow = 512;          // elements of a's rows up to which it is done

bool is_unit(int64_t stride, int64_t size) { return stride == 1 || size == 1; }

// c (m, 1) = a v is c^T (1, m) = v^T a^T, read along a's unit stride.
bool is_better_swapped(const Products& x) { return x.n == 1 && x.m != 1 && x.a_row == 1; }
Products swapped(Products x) {
  std::swap(x.m, x.n);
  std::swap(x.a_row, x.b_column);
  std::swap(x.a_column, x.b_row);
  std::swap(x.a_batch, x.b_batch);
  return x;
}

// Products of few rows beyond the small ones: b is read where it lies, by each thread its own columns.
bool is_medium(DType dtype, const Products& x) {
  return x.m <= 64 && x.m * x.n * x.k > kSmallWork && x.k * x.n * dtype.size() <= kMediumMatrix && is_unit(x.b_column, x.n) &&
         is_unit(x.a_column, x.k);
}

Way choose_way(DType dtype, const Products& x) {
  if (dtype != float32 && dtype != float64) return Way::packed;
  if (x.k == 0) return Way::direct;
  // Dot products of several columns take turns at their sums: worth it for long ones.
  const auto are_dots = [&](int64_t few, int64_t few_depth, int64_t many, int64_t many_row, int64_t many_depth) {
    if (few > std::min(kFewDots, many) || !is_unit(many_depth, x.k)) return false;
    return few == 1 ? is_unit(few_depth, x.k) && (many == 1 || many_row != 1) : x.k >= 64;
  };
  if (are_dots(x.n, x.b_row, x.m, x.a_row, x.a_column)) return Way::dots;
  if (x.m < x.n && are_dots(x.m, x.a_column, x.n, x.b_column, x.b_row)) return Way::dots;
  if (x.m == 1 && is_unit(x.b_column, x.n)) return Way::direct;
  const bool must_copy_b = !is_unit(x.b_column, x.n);
  if (is_medium(dtype, x) || (x.m <= kFewDots && !must_copy_b)) return Way::direct;
  if (x.k * x.n <= kSmallMatrix && (x.m * x.n * x.k <= kSmallWork || (x.k <= kLongRow && !must_copy_b))) return Way::direct;
  return Way::packed;
}

Blocks choose_blocks(DType dtype, const Products& x, Way way) {
  Blocks blocks;
  const int64_t batch = x.batch_size();
  if (way == Way::packed) {
    int64_t rows = 192, columns = 256;  // slices of a and b take half of a 1 MB L2
    // Enough blocks for several threads, as long as a block is worth packing for.
    while (batch * divide_up(x.m, rows) * divide_up(x.n, columns) < 8 && rows > 48) {
      if (x.m > rows / 2) rows /= 2;
      else if (columns > 64 && x.n > columns / 2) columns /= 2;
      else break;
    }
    const int64_t tile = HWY_DYNAMIC_DISPATCH(tile_rows)();
    rows = divide_up(divide_up(x.m, divide_up(x.m, rows)), tile) * tile;
    columns = divide_up(divide_up(x.n, divide_up(x.n, columns)), 32) * 32;
    blocks.rows = rows;
    blocks.columns = columns;
  } else if (way == Way::direct && x.m > kFewDots && is_medium(dtype, x)) {
    // Even parts, columns first: no part is less than 32 wide or 24 high.
    const int64_t wanted = std::clamp<int64_t>(divide_up(x.m * x.n * x.k, 4 * kChunkWork), 1, 16);
    blocks.column_count = std::clamp<int64_t>(x.n / 32, 1, wanted);
    blocks.row_count = std::clamp<int64_t>(x.m / 24, 1, divide_up(wanted, blocks.column_count));
    blocks.is_even = true;
    blocks.columns = 32;
  } else {
    // Thin products split along their one long axis, others by rows.
    const bool is_flat = x.m == 1 || (x.m <= kFewDots && x.m < x.n && (way == Way::dots || is_unit(x.b_column, x.n)));
    const int64_t line = is_flat ? x.k * x.m : x.k * x.n;
    const int64_t work = way == Way::dots && std::min(x.m, x.n) > 1 ? 4 * kChunkWork : kChunkWork;  // these copy the few columns first
    const int64_t lines = std::max<int64_t>(1, divide_up(work, std::max<int64_t>(1, line)));
    blocks.rows = is_flat ? x.m : divide_up(lines, 24) * 24;
    blocks.columns = is_flat ? std::max<int64_t>(divide_up(lines, 128) * 128, way == Way::direct && x.m == 1 ? 1024 : 0) : x.n;
  }
  if (!blocks.is_even) {
    blocks.row_count = divide_up(x.m, blocks.rows);
    blocks.column_count = divide_up(x.n, blocks.columns);
  }
  const double block_work = x.work() / static_cast<double>(blocks.count(batch));
  const auto together = static_cast<int64_t>(std::clamp(static_cast<double>(kChunkWork) / std::max(block_work, 1.0), 1.0, 1e9));
  blocks.chunks = std::max<int64_t>(1, divide_up(blocks.count(batch), together));
  return blocks;
}

int64_t slot_bytes(const Gemm& gemm, DType dtype) {
  const Products& x = gemm.products;
  if (gemm.way == Way::dots) return std::min(x.m, x.n) == 1 ? 0 : std::min(x.m, x.n) * x.k * dtype.size();
  if (gemm.way == Way::direct) return gemm.must_copy_b ? x.k * x.n * dtype.size() : 0;
  const int64_t sum_bytes = dtype == float64 ? 8 : 4;
  const int64_t depth = 1024 / sum_bytes, columns = divide_up(gemm.blocks.columns, 32) * 32;
  const int64_t block = dtype == float64 || dtype == float32 ? 0 : gemm.blocks.rows * gemm.blocks.columns;
  return ((gemm.blocks.rows + columns) * depth + block) * sum_bytes;
}

}  // namespace

int64_t Products::batch_size() const {
  int64_t count = 1;
  for (const int64_t size : batch) count *= size;
  return count;
}
void Products::offsets(int64_t index, int64_t& a, int64_t& b) const {
  a = b = 0;
  for (size_t axis = batch.size(); axis-- > 0;) {
    const int64_t at = index % batch[axis];
    index /= batch[axis];
    a += at * a_batch[axis];
    b += at * b_batch[axis];
  }
}
double Products::work() const {
  return static_cast<double>(batch_size()) * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

int64_t even_parts(double work, double least, int most) {
  return int64_t{1} << static_cast<int>(std::clamp(std::round(std::log2(work / least)), 0.0, static_cast<double>(most)));
}

bool is_by_rows(int64_t k, int64_t n, int64_t b_column) {
  return n > kFewDots && k > 0 && k <= kLongRow && k * n <= kTinyMatrix && b_column == 1;
}

bool is_small(const Products& products) {
  const Products& x = products;
  if (x.m * x.n * x.k <= kSmallWork || x.m == 1 || x.n == 1) return true;
  if (x.n <= kFewDots) return is_unit(x.a_column, x.k);
  if (is_by_rows(x.k, x.n, x.b_column)) return true;
  if (x.m <= kFewDots) return is_unit(x.b_row, x.k);
  // Under AVX-512 oneDNN gives threads whole blocks of 64 columns: for few rows and, say, 129 columns one would wait half of the time.
  if (HWY_DYNAMIC_DISPATCH(tile_rows)() < 12) return false;
  const int64_t widest = divide_up(divide_up(x.n, 64), 2) * 64;
  return is_medium(float32, x) && 5 * x.n < 6 * widest;
}

TileLoop activation_loop(Activation activation, DType dtype) {
  switch (activation) {
    case Activation::none: break;
    case Activation::relu: return find_loop(backend::relu_function, dtype);
    case Activation::sigmoid: return find_loop(backend::sigmoid_function, dtype);
    case Activation::tanh: return find_loop(backend::tanh_function, dtype);
    case Activation::gelu: return find_loop(backend::gelu_function, dtype);
    case Activation::silu: return find_loop(backend::silu_function, dtype);
  }
  return nullptr;
}

KernelPtr prepare_gemm(DType dtype, DType result, const Products& products, const Epilogue& epilogue) {
  Gemm gemm;
  gemm.is_swapped = epilogue.is_empty() && is_better_swapped(products);
  gemm.products = gemm.is_swapped ? swapped(products) : products;
  gemm.has_bias = epilogue.has_bias;
  gemm.activation = activation_loop(epilogue.activation, compute_dtype(dtype));
  gemm.way = choose_way(dtype, gemm.products);
  gemm.blocks = choose_blocks(dtype, gemm.products, gemm.way);
  gemm.must_copy_b = gemm.way == Way::direct && !is_unit(gemm.products.b_column, gemm.products.n);
  gemm.slots = SlotSizes(slot_bytes(gemm, dtype), gemm.blocks.chunks);
  const auto run = HWY_DYNAMIC_DISPATCH(find_run)(dtype, result, bias_dtype(result, epilogue));
  const int64_t scratch = gemm.slots.scratch_bytes();
  return make_kernel(
      [gemm = std::move(gemm), run](void* const* pointers, void* memory) {
        run(gemm, pointers, memory);
        return Status{};
      },
      scratch);
}

}  // namespace gradus::cpu
#endif
