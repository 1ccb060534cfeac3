// Convolutions as matrix products on images where they lie: a row of outputs, strided by channels, is a matrix; each tap multiplies it with
// a matrix of channels. Taps along a row of the kernel make one deeper product where all of them meet the image.
#include "gradus/cpu/conv/direct.hpp"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "gradus/base/parallel.hpp"
#include "gradus/cpu/matrix/gemm.hpp"
#include "gradus/cpu/highway_targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/conv/direct.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/matrix/gemm-inl.hpp"

#ifndef GRADUS_CPU_CONV_DIRECT_ONCE
#define GRADUS_CPU_CONV_DIRECT_ONCE
namespace gradus::cpu {
namespace {

// Everything that a run needs.
struct Direct {
  ConvShape shape;
  bool has_bias = false;
  TileLoop activation = nullptr;
  int64_t items = 0, chunks = 1;  // of the parallel loop: output rows, input rows or taps

  int64_t in_channels() const { return shape.groups * shape.in_channels; }
  int64_t out_channels() const { return shape.groups * shape.out_channels; }
  int64_t x_row() const { return shape.in[2] * in_channels(); }
  int64_t y_row() const { return shape.out[2] * out_channels(); }
  int64_t tap_size() const { return shape.in_channels * out_channels(); }
  bool is_depthwise() const { return shape.in_channels == 1 && shape.out_channels == 1 && shape.groups > 1; }
};

// Output positions [begin, end) along `axis` at which kernel position `tap` meets the image.
struct Range {
  int64_t begin, end;
};
Range meeting(const ConvShape& shape, size_t axis, int64_t tap) {
  const int64_t shift = shape.pad_begin[axis] - tap * shape.dilation[axis], stride = shape.strides[axis];
  const int64_t last = shape.in[axis] - 1 + shift;
  const int64_t begin = shift <= 0 ? 0 : (shift + stride - 1) / stride;
  return {begin, last < 0 ? begin : std::max(begin, std::min(shape.out[axis], last / stride + 1))};
}
// Input position of output position `at` under kernel position `tap`.
int64_t input_position(const ConvShape& shape, size_t axis, int64_t at, int64_t tap) {
  return at * shape.strides[axis] - shape.pad_begin[axis] + tap * shape.dilation[axis];
}
// Output position that reads input position `at` through `tap`, or -1.
int64_t output_position(const ConvShape& shape, size_t axis, int64_t at, int64_t tap) {
  const int64_t shifted = at + shape.pad_begin[axis] - tap * shape.dilation[axis];
  if (shifted < 0 || shifted % shape.strides[axis] != 0) return -1;
  const int64_t out = shifted / shape.strides[axis];
  return out < shape.out[axis] ? out : -1;
}

}  // namespace
}  // namespace gradus::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// to[i * to_row + c] += a[i * a_row + c] * b[c] for `rows` rows of `channels` channels.
template <class S>
void multiply_channels(const S* a, int64_t a_row, const S* b, S* to, int64_t to_row, int64_t rows, int64_t channels) {
  const hn::ScalableTag<S> d;
  for (int64_t i = 0; i < rows; ++i, a += a_row, to += to_row) {
    int64_t c = 0;
    for (; c + kLanes<S> <= channels; c += kLanes<S>) {
      hn::StoreU(hn::MulAdd(hn::LoadU(d, a + c), hn::LoadU(d, b + c), hn::LoadU(d, to + c)), d, to + c);
    }
    for (; c < channels; ++c) to[c] += a[c] * b[c];
  }
}
// to[c] += sum over i of a[i * a_row + c] * b[i * b_row + c].
template <class S>
void dot_channels(const S* a, int64_t a_row, const S* b, int64_t b_row, S* to, int64_t rows, int64_t channels) {
  const hn::ScalableTag<S> d;
  int64_t c = 0;
  for (; c + kLanes<S> <= channels; c += kLanes<S>) {
    auto sum = hn::LoadU(d, to + c);
    for (int64_t i = 0; i < rows; ++i) sum = hn::MulAdd(hn::LoadU(d, a + i * a_row + c), hn::LoadU(d, b + i * b_row + c), sum);
    hn::StoreU(sum, d, to + c);
  }
  for (; c < channels; ++c) {
    for (int64_t i = 0; i < rows; ++i) to[c] += a[i * a_row + c] * b[i * b_row + c];
  }
}

// One row of outputs: image x, plane od, row oh.
template <class S>
void forward_row(const Direct& conv, const S* x, const S* w, const S* bias, S* y, int64_t od, int64_t oh) {
  const ConvShape& s = conv.shape;
  const int64_t in_channels = conv.in_channels(), out_channels = conv.out_channels();
  std::memset(static_cast<void*>(y), 0, static_cast<size_t>(conv.y_row()) * sizeof(S));
  const bool is_merged = s.groups == 1 && s.dilation[2] == 1 && s.kernel[2] > 1;
  // Output columns at which every tap of a kernel row meets the image.
  const Range inner{meeting(s, 2, 0).begin, is_merged ? std::max(meeting(s, 2, 0).begin, meeting(s, 2, s.kernel[2] - 1).end) : 0};
  const auto multiply = [&](const S* from, const S* tap, int64_t depth, Range columns) HWY_ATTR {
    if (columns.begin >= columns.end) return;
    for (int64_t g = 0; g < s.groups; ++g) {
      multiply_direct(from + g * s.in_channels, s.strides[2] * in_channels, int64_t{1}, tap + g * s.out_channels, out_channels, depth,
                      y + columns.begin * out_channels + g * s.out_channels, out_channels, columns.end - columns.begin, s.out_channels,
                      false);
    }
  };
  for (int64_t kd = 0; kd < s.kernel[0]; ++kd) {
    const int64_t id = input_position(s, 0, od, kd);
    if (id < 0 || id >= s.in[0]) continue;
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
      const int64_t ih = input_position(s, 1, oh, kh);
      if (ih < 0 || ih >= s.in[1]) continue;
      const S* row = x + (id * s.in[1] + ih) * conv.x_row();
      const S* taps = w + (kd * s.kernel[1] + kh) * s.kernel[2] * conv.tap_size();
      if (is_merged && inner.begin < inner.end) {
        multiply(row + input_position(s, 2, inner.begin, 0) * in_channels, taps, s.kernel[2] * in_channels, inner);
      }
      for (int64_t kw = 0; kw < s.kernel[2]; ++kw) {
        const S* tap = taps + kw * conv.tap_size();
        const Range all = meeting(s, 2, kw);
        if (conv.is_depthwise()) {
          multiply_channels(row + input_position(s, 2, all.begin, kw) * in_channels, s.strides[2] * in_channels, tap,
                            y + all.begin * out_channels, out_channels, all.end - all.begin, out_channels);
          continue;
        }
        const auto part = [&](Range columns) HWY_ATTR {
          if (columns.begin < columns.end)
            multiply(row + input_position(s, 2, columns.begin, kw) * in_channels, tap, s.in_channels, columns);
        };
        if (!is_merged || inner.begin >= inner.end) {
          part(all);
        } else {
          part({all.begin, std::min(all.end, inner.begin)});
          part({std::max(all.begin, inner.end), all.end});
        }
      }
    }
  }
  finish(y, out_channels, s.out[2], out_channels, bias, conv.activation);
}

template <class S>
void run_forward(const Direct& conv, void* const* pointers, void*) {
  const ConvShape& s = conv.shape;
  const S* x = static_cast<const S*>(pointers[0]);
  const S* w = static_cast<const S*>(pointers[1]);
  const S* bias = conv.has_bias ? static_cast<const S*>(pointers[2]) : nullptr;
  S* y = static_cast<S*>(pointers[conv.has_bias ? 3 : 2]);
  parallel_for(conv.chunks, [&](int64_t chunk) {
    for (int64_t i = conv.items * chunk / conv.chunks; i < conv.items * (chunk + 1) / conv.chunks; ++i) {
      const int64_t image = i / (s.out[0] * s.out[1]), row = i % (s.out[0] * s.out[1]);
      forward_row(conv, x + image * s.in[0] * s.in[1] * conv.x_row(), w, bias, y + i * conv.y_row(), row / s.out[1], row % s.out[1]);
    }
  });
}

// One row of dx; w is (taps, groups, out, in).
template <class S>
void input_gradient_row(const Direct& conv, const S* dy, const S* w, S* dx, int64_t id, int64_t ih) {
  const ConvShape& s = conv.shape;
  const int64_t in_channels = conv.in_channels(), out_channels = conv.out_channels();
  std::memset(static_cast<void*>(dx), 0, static_cast<size_t>(conv.x_row()) * sizeof(S));
  for (int64_t kd = 0; kd < s.kernel[0]; ++kd) {
    const int64_t od = output_position(s, 0, id, kd);
    if (od < 0) continue;
    for (int64_t kh = 0; kh < s.kernel[1]; ++kh) {
      const int64_t oh = output_position(s, 1, ih, kh);
      if (oh < 0) continue;
      const S* row = dy + (od * s.out[1] + oh) * conv.y_row();
      for (int64_t kw = 0; kw < s.kernel[2]; ++kw) {
        const Range columns = meeting(s, 2, kw);
        if (columns.begin >= columns.end) continue;
        const S* tap = w + ((kd * s.kernel[1] + kh) * s.kernel[2] + kw) * conv.tap_size();
        const S* from = row + columns.begin * out_channels;
        S* to = dx + input_position(s, 2, columns.begin, kw) * in_channels;
        const int64_t to_row = s.strides[2] * in_channels, count = columns.end - columns.begin;
        if (conv.is_depthwise()) {
          multiply_channels(from, out_channels, tap, to, to_row, count, in_channels);
          continue;
        }
        for (int64_t g = 0; g < s.groups; ++g) {
          multiply_direct(from + g * s.out_channels, out_channels, int64_t{1}, tap + g * s.out_channels * s.in_channels, s.in_channels,
                          s.out_channels, to + g * s.in_channels, to_row, count, s.in_channels, false);
        }
      }
    }
  }
}

template <class S>
void run_input_gradient(const Direct& conv, void* const* pointers, void* scratch) {
  const ConvShape& s = conv.shape;
  const S* dy = static_cast<const S*>(pointers[0]);
  const S* w = static_cast<const S*>(pointers[1]);
  S* dx = static_cast<S*>(pointers[2]);
  S* turned = static_cast<S*>(scratch);
  for (int64_t tap = 0; tap < s.taps(); ++tap) {
    for (int64_t g = 0; g < s.groups; ++g) {
      transpose(w + tap * conv.tap_size() + g * s.out_channels, conv.out_channels(), s.in_channels, s.out_channels,
                turned + tap * conv.tap_size() + g * s.out_channels * s.in_channels, s.in_channels);
    }
  }
  parallel_for(conv.chunks, [&](int64_t chunk) {
    for (int64_t i = conv.items * chunk / conv.chunks; i < conv.items * (chunk + 1) / conv.chunks; ++i) {
      const int64_t image = i / (s.in[0] * s.in[1]), row = i % (s.in[0] * s.in[1]);
      input_gradient_row(conv, dy + image * s.out[0] * s.out[1] * conv.y_row(), turned, dx + i * conv.x_row(), row / s.in[1],
                         row % s.in[1]);
    }
  });
}

// dw at one tap of one group.
template <class S>
void weight_gradient_tap(const Direct& conv, const S* x, const S* dy, S* dw, int64_t tap, int64_t g) {
  const ConvShape& s = conv.shape;
  const int64_t in_channels = conv.in_channels(), out_channels = conv.out_channels();
  const int64_t kw = tap % s.kernel[2], kh = tap / s.kernel[2] % s.kernel[1], kd = tap / s.kernel[2] / s.kernel[1];
  S* to = dw + tap * conv.tap_size() + g * s.out_channels;
  for (int64_t i = 0; i < s.in_channels; ++i) {
    std::memset(static_cast<void*>(to + i * out_channels), 0,
                static_cast<size_t>(conv.is_depthwise() ? out_channels : s.out_channels) * sizeof(S));
  }
  const Range planes = meeting(s, 0, kd), rows = meeting(s, 1, kh), columns = meeting(s, 2, kw);
  if (columns.begin >= columns.end) return;
  const int64_t count = columns.end - columns.begin, x_step = s.strides[2] * in_channels;
  for (int64_t image = 0; image < s.batch; ++image) {
    for (int64_t od = planes.begin; od < planes.end; ++od) {
      for (int64_t oh = rows.begin; oh < rows.end; ++oh) {
        const S* from = x + ((image * s.in[0] + input_position(s, 0, od, kd)) * s.in[1] + input_position(s, 1, oh, kh)) * conv.x_row() +
                        input_position(s, 2, columns.begin, kw) * in_channels + g * s.in_channels;
        const S* by = dy + ((image * s.out[0] + od) * s.out[1] + oh) * conv.y_row() + columns.begin * out_channels + g * s.out_channels;
        if (conv.is_depthwise()) {
          dot_channels(from, x_step, by, out_channels, to, count, out_channels);
        } else {
          multiply_direct(from, int64_t{1}, x_step, by, out_channels, count, to, out_channels, s.in_channels, s.out_channels, false);
        }
      }
    }
  }
}

template <class S>
void run_weight_gradient(const Direct& conv, void* const* pointers, void*) {
  const int64_t groups = conv.is_depthwise() ? 1 : conv.shape.groups;
  parallel_for(conv.chunks, [&](int64_t chunk) {
    for (int64_t i = conv.items * chunk / conv.chunks; i < conv.items * (chunk + 1) / conv.chunks; ++i) {
      weight_gradient_tap(conv, static_cast<const S*>(pointers[0]), static_cast<const S*>(pointers[1]), static_cast<S*>(pointers[2]),
                          i / groups, i % groups);
    }
  });
}

using Run = void (*)(const Direct&, void* const*, void*);
Run find_forward(DType dtype) { return dtype == float64 ? run_forward<double> : run_forward<float>; }
Run find_input_gradient(DType dtype) { return dtype == float64 ? run_input_gradient<double> : run_input_gradient<float>; }
Run find_weight_gradient(DType dtype) { return dtype == float64 ? run_weight_gradient<double> : run_weight_gradient<float>; }

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {
namespace {

HWY_EXPORT(find_forward);
HWY_EXPORT(find_input_gradient);
HWY_EXPORT(find_weight_gradient);

using Run = void (*)(const Direct&, void* const*, void*);

// ---- integers: plain loops over all pairs (output position, tap) that meet.

template <class T, class Body>
void for_each_pair(const ConvShape& s, const Body& body) {
  for (int64_t image = 0; image < s.batch; ++image) {
    for (int64_t tap = 0; tap < s.taps(); ++tap) {
      const int64_t kw = tap % s.kernel[2], kh = tap / s.kernel[2] % s.kernel[1], kd = tap / s.kernel[2] / s.kernel[1];
      const Range planes = meeting(s, 0, kd), rows = meeting(s, 1, kh), columns = meeting(s, 2, kw);
      for (int64_t od = planes.begin; od < planes.end; ++od) {
        for (int64_t oh = rows.begin; oh < rows.end; ++oh) {
          for (int64_t ow = columns.begin; ow < columns.end; ++ow) {
            const int64_t in = ((image * s.in[0] + input_position(s, 0, od, kd)) * s.in[1] + input_position(s, 1, oh, kh)) * s.in[2] +
                               input_position(s, 2, ow, kw);
            body(in, ((image * s.out[0] + od) * s.out[1] + oh) * s.out[2] + ow, tap);
          }
        }
      }
    }
  }
}

enum class Wanted { y, dx, dw };

template <class T>
void run_integers(const ConvShape& s, Wanted wanted, void* const* pointers) {
  using U = std::make_unsigned_t<T>;
  const int64_t in_channels = s.groups * s.in_channels, out_channels = s.groups * s.out_channels;
  U* x = static_cast<U*>(pointers[wanted == Wanted::dx ? 2 : 0]);
  U* w = static_cast<U*>(pointers[wanted == Wanted::dw ? 2 : 1]);
  U* y = static_cast<U*>(pointers[wanted == Wanted::y ? 2 : wanted == Wanted::dx ? 0 : 1]);
  if (wanted == Wanted::y) std::fill_n(y, s.batch * s.out_size() * out_channels, U(0));
  if (wanted == Wanted::dx) std::fill_n(x, s.batch * s.in_size() * in_channels, U(0));
  if (wanted == Wanted::dw) std::fill_n(w, s.taps() * s.in_channels * out_channels, U(0));
  for_each_pair<T>(s, [&](int64_t in, int64_t out, int64_t tap) {
    for (int64_t g = 0; g < s.groups; ++g) {
      for (int64_t i = 0; i < s.in_channels; ++i) {
        U& from = x[in * in_channels + g * s.in_channels + i];
        for (int64_t o = g * s.out_channels; o < (g + 1) * s.out_channels; ++o) {
          U& weight = w[(tap * s.in_channels + i) * out_channels + o];
          U& to = y[out * out_channels + o];
          if (wanted == Wanted::y) to = static_cast<U>(to + from * weight);
          else if (wanted == Wanted::dx) from = static_cast<U>(from + to * weight);
          else weight = static_cast<U>(weight + from * to);
        }
      }
    }
  });
}

KernelPtr prepare_integers(DType dtype, const ConvShape& shape, Wanted wanted) {
  return make_kernel([=](void* const* pointers, void*) {
    if (dtype == uint8) run_integers<uint8_t>(shape, wanted, pointers);
    else if (dtype == int32) run_integers<int32_t>(shape, wanted, pointers);
    else run_integers<int64_t>(shape, wanted, pointers);
    return Status{};
  });
}

KernelPtr prepare_floats(Direct conv, int64_t items, Run run, int64_t scratch_bytes) {
  conv.items = items;
  const double chunks = conv.shape.work() / (1 << 16);
  conv.chunks = static_cast<int64_t>(std::clamp(chunks, 1.0, static_cast<double>(std::max<int64_t>(items, 1))));
  return make_kernel(
      [conv, run](void* const* pointers, void* scratch) {
        run(conv, pointers, scratch);
        return Status{};
      },
      scratch_bytes);
}

}  // namespace

KernelPtr direct_conv(DType dtype, const ConvShape& shape, const Epilogue& epilogue) {
  if (!dtype.is_float()) return prepare_integers(dtype, shape, Wanted::y);
  const Direct conv{shape, epilogue.has_bias, activation_loop(epilogue.activation, dtype)};
  return prepare_floats(conv, shape.batch * shape.out[0] * shape.out[1], HWY_DYNAMIC_DISPATCH(find_forward)(dtype), 0);
}

KernelPtr direct_conv_input_gradient(DType dtype, const ConvShape& shape) {
  if (!dtype.is_float()) return prepare_integers(dtype, shape, Wanted::dx);
  const Direct conv{shape};
  return prepare_floats(conv, shape.batch * shape.in[0] * shape.in[1], HWY_DYNAMIC_DISPATCH(find_input_gradient)(dtype),
                        conv.tap_size() * shape.taps() * dtype.size());
}

KernelPtr direct_conv_weight_gradient(DType dtype, const ConvShape& shape) {
  if (!dtype.is_float()) return prepare_integers(dtype, shape, Wanted::dw);
  const Direct conv{shape};
  return prepare_floats(conv, shape.taps() * (conv.is_depthwise() ? 1 : shape.groups), HWY_DYNAMIC_DISPATCH(find_weight_gradient)(dtype),
                        0);
}

}  // namespace gradus::cpu
#endif
