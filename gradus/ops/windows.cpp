#include "gradus/ops/windows.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus::rule {

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

namespace {

// "x is (N, C, H, W)": the permutation that puts the channels last, and what it gives.
std::string channels_last_hint(const Shape& x) {
  Dims axes{0}, sizes{x[0]};
  for (int64_t axis = 2; axis < x.rank(); ++axis) axes.push_back(axis), sizes.push_back(x[axis]);
  axes.push_back(1);
  sizes.push_back(x[1]);
  std::string list;
  for (const int64_t axis : axes) list += concat(list.empty() ? "" : ", ", axis);
  return concat("channels come last, and x seems to have them on axis 1: transpose(x, {", list, "}) is ", Shape(sizes));
}

}  // namespace

std::string hint_of_layout(const Shape& x, int64_t channels) {
  // Two equal sizes in the middle are rather those of an image, of which one happens to be the number of channels.
  const bool is_first = x.rank() >= 3 && x[1] == channels && x[x.rank() - 1] != channels && (x.rank() == 3 || x[1] != x[2]);
  return is_first ? channels_last_hint(x) : std::string();
}

std::string hint_of_images(const Shape& x) {
  const bool is_first = x.rank() == 4 && (x[1] == 1 || x[1] == 3) && x[2] == x[3] && x[2] > 3;
  return is_first ? channels_last_hint(x) : std::string();
}

std::string hint_of_rank(const Shape& x, int64_t spatial) {
  if (x.rank() != spatial + 1) return {};
  const int64_t last = x[spatial];
  if (last == 1 || last == 3) return "one example is a batch of one: expand_dims(x, 0)";
  if (spatial == 2 && x[1] == x[2]) return "gray images have one channel: expand_dims(x, -1)";
  return {};
}

WindowSizes window_sizes(std::string_view op, const Shape& x, const Dims& kernel, const Dims& strides, const Dims& dilation,
                         const Padding& padding) {
  const Dims in(std::span<const int64_t>(x.begin() + 1, x.end() - 1));
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
      throw Error(Error::Kind::invalid, op,
                  concat("the window reaches over ", reach, " positions along axis ", axis + 1, " (size ", kernel[axis], ", dilation ",
                         dilation[axis], "), the padded image has ", padded, "; it must have as many or more"))
          .with_hint(hint_of_images(x));
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

}  // namespace gradus::rule
