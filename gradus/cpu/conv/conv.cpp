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

// An operand of a kernel that computes in float32.
struct WideOperand {
  DType dtype{};
  int64_t size = 0;    // elements
  int64_t offset = -1;  // of its float32 copy in scratch memory; -1: it needs none
};
// A float32 kernel for 16-bit operands: inputs are widened into scratch memory, the result, which comes last, is rounded once.
KernelPtr through_float32(KernelPtr kernel, std::vector<WideOperand> operands) {
  int64_t bytes = round_up(kernel->scratch_bytes);
  for (WideOperand& operand : operands) {
    if (operand.dtype == float32) continue;
    operand.offset = bytes;
    bytes += round_up(operand.size * 4);
  }
  return make_kernel(
      [kernel = std::move(kernel), operands = std::move(operands)](void* const* pointers, void* scratch) {
        void* wide[4];
        for (size_t i = 0; i < operands.size(); ++i) {
          const WideOperand& operand = operands[i];
          wide[i] = operand.offset < 0 ? pointers[i] : static_cast<std::byte*>(scratch) + operand.offset;
          const bool is_result = i + 1 == operands.size();
          if (operand.offset >= 0 && !is_result) cast(find_cast(operand.dtype, float32), pointers[i], 2, wide[i], 4, operand.size);
        }
        const Status status = kernel->run(wide, scratch);
        const size_t last = operands.size() - 1;
        const WideOperand& result = operands[last];
        if (result.offset >= 0) cast(find_cast(float32, result.dtype), wide[last], 4, pointers[last], 2, result.size);
        return status;
      },
      bytes);
}

bool may_use_dnnl(DType dtype, const ConvShape& shape) { return (dtype == float32 || dtype == bfloat16) && has_work(shape); }
bool may_use_few(DType dtype, const ConvShape& shape) {
  return (dtype == float32 || dtype == float64) && has_work(shape) && shape.rank() <= 2 && has_few_channels(with_rank(shape, 2));
}

}  // namespace

KernelPtr prepare_conv(ConvTypes types, const ConvShape& shape, const Epilogue& epilogue) {
  const DType dtype = types.operands;
  // From about 32 terms up oneDNN fills its vectors as well (7 x 7 x 3: 106 GFLOP/s a core against 99; 3 x 3 x 1: 45 against 70).
  const bool is_short = dtype == float64 || shape.taps() * shape.in_channels <= 32;
  if (is_short && may_use_few(dtype, shape)) return few_conv(dtype, with_rank(shape, 2), epilogue);
  if (may_use_dnnl(dtype, shape)) {
    if (KernelPtr kernel = parted_conv(types, with_rank(shape, 2), epilogue)) return kernel;
  }
  if (dtype.is_16_bit()) {
    std::vector<WideOperand> operands{{dtype, x_size(shape)}, {dtype, w_size(shape)}};
    if (epilogue.has_bias) operands.push_back({bias_dtype(types.result, epilogue), shape.groups * shape.out_channels});
    operands.push_back({types.result, y_size(shape)});
    return through_float32(prepare_conv(float32, shape, {epilogue.has_bias, epilogue.activation}), std::move(operands));
  }
  return direct_conv(dtype, with_rank(shape, 3), epilogue);
}

KernelPtr prepare_conv_input_gradient(ConvTypes types, const ConvShape& shape) {
  const DType dtype = types.operands;
  if (may_use_dnnl(dtype, shape)) {
    if (KernelPtr kernel = parted_conv_input_gradient(types, with_rank(shape, 2))) return kernel;
  }
  if (dtype.is_16_bit()) {
    return through_float32(prepare_conv_input_gradient(float32, shape),
                           {{dtype, y_size(shape)}, {dtype, w_size(shape)}, {types.result, x_size(shape)}});
  }
  return direct_conv_input_gradient(dtype, with_rank(shape, 3));
}

KernelPtr prepare_conv_weight_gradient(ConvTypes types, const ConvShape& shape) {
  const DType dtype = types.operands;
  if (may_use_few(dtype, shape)) return few_conv_weight_gradient(dtype, with_rank(shape, 2));
  // Of single taps with gaps between them oneDNN 2.6 multiplies bfloat16 at a seventh of float32's speed.
  const bool is_sparse = dtype == bfloat16 && shape.taps() == 1 && shape.in_size() > shape.out_size();
  if (may_use_dnnl(dtype, shape) && !is_sparse) {
    if (KernelPtr kernel = parted_conv_weight_gradient(types, with_rank(shape, 2))) return kernel;
  }
  if (dtype.is_16_bit()) {
    return through_float32(prepare_conv_weight_gradient(float32, shape),
                           {{dtype, x_size(shape)}, {dtype, y_size(shape)}, {types.result, w_size(shape)}});
  }
  return direct_conv_weight_gradient(dtype, with_rank(shape, 3));
}

}  // namespace gradus::cpu
