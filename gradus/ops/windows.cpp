#include "gradus/ops/windows.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

namespace {

constexpr int64_t kLargest = int64_t{1} << 31;  // so that no sum or product of two overflows

void check_values(std::string_view op, std::string_view what, const Dims& values, int64_t least) {
  for (size_t axis = 0; axis < values.size(); ++axis) {
    if (values[axis] >= least && values[axis] < kLargest) continue;
    fail(op, what, " is ", values[axis], " along axis ", axis + 1, "; it must be ", least, " or more, and less than 2^31");
  }
}

}  // namespace

void check_window(std::string_view op, const Dims& kernel, const Dims& strides, const Dims& dilation) {
  check_values(op, "kernel size", kernel, 1);
  check_values(op, "stride", strides, 1);
  check_values(op, "dilation", dilation, 1);
}

std::vector<PadWidth> side_widths(std::string_view op, const Padding& padding, size_t axes) {
  std::vector<PadWidth> widths = padding.widths();
  if (widths.size() == 1) widths.resize(axes, widths[0]);
  if (widths.size() != axes) fail(op, "padding names ", widths.size(), " axes; it must name one or all ", axes);
  for (const PadWidth& width : widths) check_values(op, "padding", {width.before, width.after}, 0);
  return widths;
}

WindowSizes window_sizes(std::string_view op, const Dims& in, const Dims& kernel, const Dims& strides, const Dims& dilation, const Padding& padding) {
  check_window(op, kernel, strides, dilation);
  WindowSizes out{strides, dilation, {}, {}, {}};
  const std::vector<PadWidth> widths = padding.is_same() ? std::vector<PadWidth>{} : side_widths(op, padding, in.size());
  for (size_t axis = 0; axis < in.size(); ++axis) {
    const int64_t reach = dilation[axis] * (kernel[axis] - 1) + 1;
    int64_t before = 0, after = 0;
    if (padding.is_same()) {
      const int64_t wanted = (in[axis] + strides[axis] - 1) / strides[axis];
      const int64_t missing = std::max<int64_t>((wanted - 1) * strides[axis] + reach - in[axis], 0);
      before = missing / 2;
      after = missing - before;
    } else {
      before = widths[axis].before;
      after = widths[axis].after;
    }
    const int64_t padded = in[axis] + before + after;
    if (padded < reach && !(padding.is_same() && in[axis] == 0)) {
      fail(op, "the window reaches over ", reach, " positions along axis ", axis + 1, " (size ", kernel[axis], ", dilation ", dilation[axis],
           "), the padded image has ", padded, "; it must have as many or more");
    }
    out.pad_begin.push_back(before);
    out.pad_end.push_back(after);
    out.out.push_back(padded < reach ? 0 : (padded - reach) / strides[axis] + 1);
  }
  return out;
}

Array merge_front(const Array& x) {
  Dims sizes{x.shape(0) * x.shape(1)};
  for (int64_t axis = 2; axis < x.rank(); ++axis) sizes.push_back(x.shape()[axis]);
  return reshape(x, Shape(sizes));
}

Array split_front(const Array& x, int64_t batch, int64_t count) {
  Dims sizes{batch, count};
  for (int64_t axis = 1; axis < x.rank(); ++axis) sizes.push_back(x.shape()[axis]);
  return reshape(x, Shape(sizes));
}

std::vector<Array> batch_of_none(const Call& call, std::span<const bool> is_batched) {
  std::vector<Array> inputs;
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    const Array& x = call[i];
    inputs.push_back(is_batched[i] ? zeros(Shape(std::span<const int64_t>(x.shape().begin() + 1, x.shape().end())), x.dtype()) : x);
  }
  std::vector<Array> out;
  for (const Array& output : apply_all(call.op, inputs, call.args)) out.push_back(zeros(Shape(prepend(0, output.shape())), output.dtype()));
  return out;
}

}  // namespace gradus
