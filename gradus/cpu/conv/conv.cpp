// Chooses how a convolution is computed: oneDNN for float32 and bfloat16 where it has an optimised primitive, else own code; 16-bit floats
// by way of float32.
#include "gradus/cpu/conv/conv.hpp"

#include "gradus/base/round_up.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/cpu/conv/direct.hpp"
#include "gradus/cpu/conv/parted.hpp"
#include "gradus/cpu/elementwise/loops.hpp"

namespace gradus::cpu {

namespace {

// The same convolution with axes of size 1 in front, so that it has `rank` spatial axes.
ConvShape with_rank(ConvShape shape, size_t rank) {
  while (shape.rank() < rank) {
    for (Dims* ones : {&shape.in, &shape.kernel, &shape.out, &shape.strides, &shape.dilation}) ones->insert(0, 1);
    shape.pad_begin.insert(0, 0);
    shape.pad_end.insert(0, 0);
  }
  return shape;
}

int64_t x_size(const ConvShape& s) { return s.batch * s.in_size() * s.groups * s.in_channels; }
int64_t y_size(const ConvShape& s) { return s.batch * s.out_size() * s.groups * s.out_channels; }
int64_t w_size(const ConvShape& s) { return s.taps() * s.in_channels * s.groups * s.out_channels; }

bool has_work(const ConvShape& s) { return x_size(s) && y_size(s) && w_size(s); }

// Casts `count` contiguous elements, in chunks that follow from the count.
void cast(TileLoop loop, const void* from, int64_t from_size, void* to, int64_t to_size, int64_t count) {
  constexpr int64_t chunk_size = 1 << 15;
  const int64_t chunks = (count + chunk_size - 1) / chunk_size;
  parallel_for(chunks, [&](int64_t chunk) {
    const int64_t begin = chunk * chunk_size;
    loop(static_cast<const std::byte*>(from) + begin * from_size, nullptr, nullptr, static_cast<std::byte*>(to) + begin * to_size,
         std::min(chunk_size, count - begin), 0);
  });
}

// A float32 kernel for 16-bit operands: inputs are widened into scratch memory, the result is rounded once.
KernelPtr through_float32(DType dtype, KernelPtr kernel, std::vector<int64_t> sizes) {
  int64_t bytes = round_up(kernel->scratch_bytes);
  std::vector<int64_t> offsets;
  for (const int64_t size : sizes) {
    offsets.push_back(bytes);
    bytes += round_up(size * 4);
  }
  const TileLoop widen = find_cast(dtype, float32), narrow = find_cast(float32, dtype);
  return make_kernel(
      [=, sizes = std::move(sizes), offsets = std::move(offsets)](void* const* pointers, void* scratch) {
        void* wide[4];
        for (size_t i = 0; i < sizes.size(); ++i) wide[i] = static_cast<std::byte*>(scratch) + offsets[i];
        const size_t last = sizes.size() - 1;
        for (size_t i = 0; i < last; ++i) cast(widen, pointers[i], 2, wide[i], 4, sizes[i]);
        const Status status = kernel->run(wide, scratch);
        cast(narrow, wide[last], 4, pointers[last], 2, sizes[last]);
        return status;
      },
      bytes);
}

bool may_use_dnnl(DType dtype, const ConvShape& shape) { return (dtype == float32 || dtype == bfloat16) && has_work(shape); }
bool may_use_few(DType dtype, const ConvShape& shape) {
  return (dtype == float32 || dtype == float64) && has_work(shape) && shape.rank() <= 2 && has_few_channels(with_rank(shape, 2));
}

}  // namespace

KernelPtr prepare_conv(DType dtype, const ConvShape& shape, const Epilogue& epilogue) {
  // From about 32 terms up oneDNN fills its vectors as well (7 x 7 x 3: 106 GFLOP/s a core against 99; 3 x 3 x 1: 45 against 70).
  const bool is_short = dtype == float64 || shape.taps() * shape.in_channels <= 32;
  if (is_short && may_use_few(dtype, shape)) return few_conv(dtype, with_rank(shape, 2), epilogue);
  if (may_use_dnnl(dtype, shape)) {
    if (KernelPtr kernel = parted_conv(dtype, with_rank(shape, 2), epilogue)) return kernel;
  }
  if (dtype.is_16_bit()) {
    std::vector<int64_t> sizes{x_size(shape), w_size(shape)};
    if (epilogue.has_bias) sizes.push_back(shape.groups * shape.out_channels);
    sizes.push_back(y_size(shape));
    return through_float32(dtype, prepare_conv(float32, shape, epilogue), std::move(sizes));
  }
  return direct_conv(dtype, with_rank(shape, 3), epilogue);
}

KernelPtr prepare_conv_input_gradient(DType dtype, const ConvShape& shape) {
  if (may_use_dnnl(dtype, shape)) {
    if (KernelPtr kernel = parted_conv_input_gradient(dtype, with_rank(shape, 2))) return kernel;
  }
  if (dtype.is_16_bit()) {
    return through_float32(dtype, prepare_conv_input_gradient(float32, shape), {y_size(shape), w_size(shape), x_size(shape)});
  }
  return direct_conv_input_gradient(dtype, with_rank(shape, 3));
}

KernelPtr prepare_conv_weight_gradient(DType dtype, const ConvShape& shape) {
  if (may_use_few(dtype, shape)) return few_conv_weight_gradient(dtype, with_rank(shape, 2));
  if (may_use_dnnl(dtype, shape)) {
    if (KernelPtr kernel = parted_conv_weight_gradient(dtype, with_rank(shape, 2))) return kernel;
  }
  if (dtype.is_16_bit()) {
    return through_float32(dtype, prepare_conv_weight_gradient(float32, shape), {x_size(shape), y_size(shape), w_size(shape)});
  }
  return direct_conv_weight_gradient(dtype, with_rank(shape, 3));
}

}  // namespace gradus::cpu
