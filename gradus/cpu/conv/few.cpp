// Convolutions of images with few channels, as first layers have: every tap of every channel at once, so that sums stay in registers.
// oneDNN fills a vector with input channels, of which there are one to four here.
#include <algorithm>
#include <cstring>

#include "gradus/backend/functions/activation.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/cpu/conv/direct.hpp"
#include "gradus/cpu/matrix/gemm.hpp"
#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/loop/slots.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/conv/few.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/matrix/gemm-inl.hpp"

#ifndef GRADUS_CPU_CONV_FEW_ONCE
#define GRADUS_CPU_CONV_FEW_ONCE
namespace gradus::cpu {
namespace {

constexpr int64_t kGroup = 8;

// Everything that a run needs.
struct Few {
  ConvShape shape;  // rank 2, one group
  bool has_bias = false;
  TileLoop activation = nullptr;
  // Windows are read from rows of `padded` columns: of the image itself, or copied with the padding around, kGroup rows of windows at a
  // time.
  int64_t padded = 0;
  bool must_copy = false;
  std::vector<int64_t> offsets;  // of each tap and channel, from the window's first element
  int64_t chunks = 1;
  SlotSizes slots;

  int64_t step() const { return shape.strides[1] * shape.in_channels; }
  int64_t row_step() const { return shape.strides[0] * padded * shape.in_channels; }
  // Rows of the image under `count` rows of windows.
  int64_t image_rows(int64_t count) const { return (count - 1) * shape.strides[0] + shape.dilation[0] * (shape.kernel[0] - 1) + 1; }
  int64_t terms() const { return static_cast<int64_t>(offsets.size()); }
};

}  // namespace
}  // namespace gradus::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// c[r] = bias + sum over t of x[r * step + offsets[t]] w[t], for kRows windows and kVectors vectors of output channels.
template <int kRows, int kVectors, class S>
HWY_NOINLINE void window_tile(const S* HWY_RESTRICT x, int64_t step, const int64_t* HWY_RESTRICT offsets, int64_t terms,
                              const S* HWY_RESTRICT w, int64_t w_row, const S* HWY_RESTRICT bias, bool is_relu, S* HWY_RESTRICT c,
                              int64_t c_row, int64_t columns) {
  const hn::ScalableTag<S> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int64_t lanes = kLanes<S>;
  const int64_t last = columns - (kVectors - 1) * lanes;
  const bool is_whole = last == lanes;
  const auto load = [&](const S* from, int v) HWY_ATTR {
    return v + 1 < kVectors || is_whole ? hn::LoadU(d, from + v * lanes) : load_first(d, from + v * lanes, last);
  };
  V sums[kRows][kVectors];
  GRADUS_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const V start = bias ? load(bias, v) : hn::Zero(d);
    GRADUS_UNROLL
    for (int r = 0; r < kRows; ++r) sums[r][v] = start;
  }
  for (int64_t t = 0; t < terms; ++t, w += w_row) {
    const S* at = x + offsets[t];
    V row[kVectors];
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) row[v] = load(w, v);
    GRADUS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const V factor = hn::Set(d, at[r * step]);
      GRADUS_UNROLL
      for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(factor, row[v], sums[r][v]);
    }
  }
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      V value = sums[r][v];
      if (is_relu) value = hn::IfThenZeroElse(hn::Lt(value, hn::Zero(d)), value);
      if (v + 1 < kVectors || is_whole) hn::StoreU(value, d, c + r * c_row + v * lanes);
      else store_first(d, c + r * c_row + v * lanes, last, value);
    }
  }
}

// Some rows of windows: in the image and in dy.
template <class S>
struct Windows {
  const S* x;
  const S* dy;
  int64_t rows, columns, x_row, x_step, dy_step;
};

// dw[t] += sum over windows i of x[i + offsets[t]] dy[i], for kRows terms t and kVectors vectors of output channels.
template <int kRows, int kVectors, class S>
HWY_NOINLINE void term_tile(const Windows<S>& windows, const int64_t* HWY_RESTRICT offsets, S* HWY_RESTRICT dw, int64_t dw_row,
                            int64_t columns) {
  const hn::ScalableTag<S> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int64_t lanes = kLanes<S>;
  const int64_t last = columns - (kVectors - 1) * lanes;
  const bool is_whole = last == lanes;
  const auto load = [&](const S* from, int v) HWY_ATTR {
    return v + 1 < kVectors || is_whole ? hn::LoadU(d, from + v * lanes) : load_first(d, from + v * lanes, last);
  };
  V sums[kRows][kVectors];
  int64_t at[kRows];
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    at[r] = offsets[r];
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) sums[r][v] = load(dw + r * dw_row, v);
  }
  const S* HWY_RESTRICT dy = windows.dy;
  for (int64_t j = 0; j < windows.rows; ++j) {
    const S* HWY_RESTRICT x = windows.x + j * windows.x_row;
    for (int64_t i = 0; i < windows.columns; ++i, x += windows.x_step, dy += windows.dy_step) {
      V row[kVectors];
      GRADUS_UNROLL
      for (int v = 0; v < kVectors; ++v) row[v] = load(dy, v);
      GRADUS_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const V factor = hn::Set(d, x[at[r]]);
        GRADUS_UNROLL
        for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(factor, row[v], sums[r][v]);
      }
    }
  }
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      if (v + 1 < kVectors || is_whole) hn::StoreU(sums[r][v], d, dw + r * dw_row + v * lanes);
      else store_first(d, dw + r * dw_row + v * lanes, last, sums[r][v]);
    }
  }
}

#undef GRADUS_FEW_SIZES
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2
#define GRADUS_FEW_SIZES(CASE) CASE(6) CASE(5) CASE(4) CASE(3)
inline constexpr int64_t kMostRows = 6;
#else
#define GRADUS_FEW_SIZES(CASE) CASE(14) CASE(13) CASE(12) CASE(11) CASE(10) CASE(9) CASE(8) CASE(7)
inline constexpr int64_t kMostRows = 14;
#endif

// Blocks of equal height that cover `count` rows; the last one may overlap the one before.
int64_t block_rows(int64_t count) { return (count + (count + kMostRows - 1) / kMostRows - 1) / ((count + kMostRows - 1) / kMostRows); }

template <int kVectors, class S>
void window_block(int64_t rows, const S* x, int64_t step, const int64_t* offsets, int64_t terms, const S* w, int64_t w_row, const S* bias,
                  bool is_relu, S* c, int64_t c_row, int64_t columns) {
  switch (rows) {
#define GRADUS_CASE(ROWS) \
  case ROWS: return window_tile<ROWS, kVectors>(x, step, offsets, terms, w, w_row, bias, is_relu, c, c_row, columns);
    GRADUS_FEW_SIZES(GRADUS_CASE)
#undef GRADUS_CASE
    default: break;
  }
  for (int64_t r = 0; r < rows; ++r)
    window_tile<1, kVectors>(x + r * step, step, offsets, terms, w, w_row, bias, is_relu, c + r * c_row, c_row, columns);
}
template <int kVectors, class S>
void term_block(int64_t rows, const Windows<S>& windows, const int64_t* offsets, S* dw, int64_t dw_row, int64_t columns) {
  switch (rows) {
#define GRADUS_CASE(ROWS) \
  case ROWS: return term_tile<ROWS, kVectors>(windows, offsets, dw, dw_row, columns);
    GRADUS_FEW_SIZES(GRADUS_CASE)
#undef GRADUS_CASE
    default: break;
  }
  for (int64_t r = 0; r < rows; ++r) term_tile<1, kVectors>(windows, offsets + r, dw + r * dw_row, dw_row, columns);
}

// What `count` rows of windows from `oh` on read: the image in place, or copied with zeros where the padding is.
template <class S>
const S* window_rows(const Few& few, const S* image, int64_t oh, int64_t count, S* slot) {
  const ConvShape& s = few.shape;
  const int64_t channels = few.shape.in_channels, row_size = s.in[1] * channels, first = oh * s.strides[0] - s.pad_begin[0];
  if (!few.must_copy) return image + first * row_size;
  const int64_t before = s.pad_begin[1] * channels, kept = std::min(row_size, few.padded * channels - before);
  for (int64_t i = 0; i < few.image_rows(count); ++i) {
    const int64_t ih = first + i;
    S* to = slot + i * few.padded * channels;
    std::memset(static_cast<void*>(to), 0, static_cast<size_t>(few.padded * channels) * sizeof(S));
    if (ih >= 0 && ih < s.in[0] && kept > 0) std::memcpy(to + before, image + ih * row_size, static_cast<size_t>(kept) * sizeof(S));
  }
  return slot;
}

// Calls body(first row of windows, count, what they read) for the share of `chunk`, in groups of rows of one image.
template <class S, class Body>
void for_each_group(const Few& few, const S* x, int64_t chunk, std::byte* slot, const Body& body) {
  const ConvShape& s = few.shape;
  const int64_t items = s.batch * s.out[0], end = items * (chunk + 1) / few.chunks;
  for (int64_t i = items * chunk / few.chunks; i < end;) {
    const int64_t count = std::min({end - i, s.out[0] - i % s.out[0], kGroup});
    body(i, count, window_rows(few, x + i / s.out[0] * s.in_size() * s.in_channels, i % s.out[0], count, reinterpret_cast<S*>(slot)));
    i += count;
  }
}

template <class S>
void run_forward(const Few& few, void* const* pointers, void* scratch) {
  const ConvShape& s = few.shape;
  const S* x = static_cast<const S*>(pointers[0]);
  const S* w = static_cast<const S*>(pointers[1]);
  const S* bias = few.has_bias ? static_cast<const S*>(pointers[2]) : nullptr;
  S* y = static_cast<S*>(pointers[few.has_bias ? 3 : 2]);
  const int64_t columns = s.out[1], outs = s.out_channels, rows = block_rows(columns);
  const TileLoop relu = find_loop(backend::relu_function, dtype_of<S>());
  const auto row_of_windows = [&](const S* from, S* to) HWY_ATTR {
    for (int64_t begin = 0; begin < columns; begin += rows) {
      const int64_t at = std::max<int64_t>(std::min(begin, columns - rows), 0);
      for (int64_t o = 0; o < outs; o += 2 * kLanes<S>) {
        const int64_t width = std::min(outs - o, 2 * kLanes<S>);
        const auto block = width > kLanes<S> ? window_block<2, S> : window_block<1, S>;
        block(rows, from + at * few.step(), few.step(), few.offsets.data(), few.terms(), w + o, outs, bias ? bias + o : nullptr,
              few.activation == relu, to + at * outs + o, outs, width);
      }
    }
    if (few.activation && few.activation != relu) few.activation(to, nullptr, nullptr, to, columns * outs, 0);
  };
  Slots slots(few.slots, scratch);
  parallel_for(few.chunks, [&](int64_t chunk) {
    const Slots::Claim slot(slots);
    for_each_group(few, x, chunk, slot.data(), [&](int64_t first, int64_t count, const S* from) {
      for (int64_t i = 0; i < count; ++i) row_of_windows(from + i * few.row_step(), y + (first + i) * columns * outs);
    });
  });
}

// Each chunk of image rows sums into its own copy of dw; the copies are added in order.
template <class S>
void run_weight_gradient(const Few& few, void* const* pointers, void* scratch) {
  const ConvShape& s = few.shape;
  const S* x = static_cast<const S*>(pointers[0]);
  const S* dy = static_cast<const S*>(pointers[1]);
  S* dw = static_cast<S*>(pointers[2]);
  const int64_t columns = s.out[1], outs = s.out_channels, terms = few.terms(), size = terms * outs, rows = block_rows(terms);
  S* copies = reinterpret_cast<S*>(static_cast<std::byte*>(scratch) + few.slots.scratch_bytes());
  Slots slots(few.slots, scratch);
  parallel_for(few.chunks, [&](int64_t chunk) {
    const Slots::Claim slot(slots);
    S* sums = chunk == 0 ? dw : copies + (chunk - 1) * size;
    std::memset(static_cast<void*>(sums), 0, static_cast<size_t>(size) * sizeof(S));
    for_each_group(few, x, chunk, slot.data(), [&](int64_t first, int64_t count, const S* from) HWY_ATTR {
      for (int64_t o = 0; o < outs; o += 2 * kLanes<S>) {
        const int64_t width = std::min(outs - o, 2 * kLanes<S>);
        const auto block = width > kLanes<S> ? term_block<2, S> : term_block<1, S>;
        const Windows<S> windows{from, dy + first * columns * outs + o, count, columns, few.row_step(), few.step(), outs};
        for (int64_t t = 0; t < terms; t += rows)
          block(std::min(rows, terms - t), windows, few.offsets.data() + t, sums + t * outs + o, outs, width);
      }
    });
  });
  for (int64_t chunk = 1; chunk < few.chunks; ++chunk) {
    const S* part = copies + (chunk - 1) * size;
    for (int64_t i = 0; i < size; ++i) dw[i] += part[i];
  }
}

using Run = void (*)(const Few&, void* const*, void*);
Run find_forward(DType dtype) { return dtype == float64 ? run_forward<double> : run_forward<float>; }
Run find_weight_gradient(DType dtype) { return dtype == float64 ? run_weight_gradient<double> : run_weight_gradient<float>; }

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {
namespace {

HWY_EXPORT(find_forward);
HWY_EXPORT(find_weight_gradient);

using Run = void (*)(const Few&, void* const*, void*);

Few make_few(DType dtype, const ConvShape& shape, int64_t most_chunks) {
  Few few;
  few.shape = shape;
  few.padded = (shape.out[1] - 1) * shape.strides[1] + shape.dilation[1] * (shape.kernel[1] - 1) + 1;
  few.must_copy =
      shape.pad_begin[0] > 0 || shape.pad_begin[1] > 0 || few.padded > shape.in[1] || few.image_rows(shape.out[0]) > shape.in[0];
  if (!few.must_copy) few.padded = shape.in[1];
  for (int64_t kh = 0; kh < shape.kernel[0]; ++kh) {
    for (int64_t kw = 0; kw < shape.kernel[1]; ++kw) {
      for (int64_t c = 0; c < shape.in_channels; ++c)
        few.offsets.push_back((kh * shape.dilation[0] * few.padded + kw * shape.dilation[1]) * shape.in_channels + c);
    }
  }
  const int64_t items = shape.batch * shape.out[0];
  few.chunks = static_cast<int64_t>(std::clamp(shape.work() / (1 << 17), 1.0, static_cast<double>(std::min(items, most_chunks))));
  if (few.must_copy) few.slots = SlotSizes(few.image_rows(kGroup) * few.padded * shape.in_channels * dtype.size(), few.chunks);
  return few;
}

KernelPtr make(Few few, Run run, int64_t scratch_bytes) {
  return make_kernel(
      [few = std::move(few), run](void* const* pointers, void* scratch) {
        run(few, pointers, scratch);
        return Status{};
      },
      scratch_bytes);
}

}  // namespace

bool has_few_channels(const ConvShape& shape) {
  return shape.rank() == 2 && shape.groups == 1 && shape.in_channels <= 4 && shape.out_channels >= 8 &&
         shape.taps() * shape.in_channels <= 256;
}

KernelPtr few_conv(DType dtype, const ConvShape& shape, const Epilogue& epilogue) {
  Few few = make_few(dtype, shape, 256);
  few.has_bias = epilogue.has_bias;
  few.activation = activation_loop(epilogue.activation, dtype);
  const int64_t bytes = few.slots.scratch_bytes();
  return make(std::move(few), HWY_DYNAMIC_DISPATCH(find_forward)(dtype), bytes);
}

KernelPtr few_conv_weight_gradient(DType dtype, const ConvShape& shape) {
  Few few = make_few(dtype, shape, 32);
  const int64_t bytes = few.slots.scratch_bytes() + (few.chunks - 1) * few.terms() * shape.out_channels * dtype.size();
  return make(std::move(few), HWY_DYNAMIC_DISPATCH(find_weight_gradient)(dtype), bytes);
}

}  // namespace gradus::cpu
#endif
