// Functions of shape.hpp that are made of its ops.
#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

using namespace core;

namespace {

// x from `start`, `size` elements along one axis.
Array part_of_axis(const Array& x, int64_t axis, int64_t start, int64_t size) {
  const auto at = static_cast<size_t>(axis);
  Dims starts(static_cast<size_t>(x.rank()), 0), sizes = x.shape().dims(), steps(static_cast<size_t>(x.rank()), 1);
  starts[at] = start;
  sizes[at] = size;
  return strided_slice(x, starts, sizes, steps);
}

std::string text_of(const std::vector<int64_t>& values) { return to_text(std::span<const int64_t>(values)); }

}  // namespace

Array ravel(const Array& x) { return reshape(x, NewShape(-1)); }
Array flatten(const Array& x) { return reshape(x, Shape(x.size())); }
Array flatten(const Array& x, int64_t start, int64_t end) {
  if (x.rank() == 0) return reshape(x, Shape(1));
  start = normalize_axis("flatten", start, x.rank());
  end = normalize_axis("flatten", end, x.rank());
  if (end < start) fail("flatten", "axis ", end, " comes before axis ", start, "; the second must not be before the first");
  Dims sizes;
  for (int64_t axis = 0; axis < x.rank(); ++axis) {
    if (axis > start && axis <= end) sizes.back() *= x.shape()[axis];
    else sizes.push_back(x.shape()[axis]);
  }
  return reshape(x, Shape(sizes));
}

Array squeeze(const Array& x) {
  Dims sizes;
  for (const int64_t size : x.shape()) {
    if (size != 1) sizes.push_back(size);
  }
  return reshape(x, Shape(sizes));
}
Array squeeze(const Array& x, const Axes& axes) {
  Dims sizes = x.shape().dims();
  const Dims dropped = normalize_axes("squeeze", axes.dims(), x.rank());
  for (size_t i = dropped.size(); i-- > 0;) {
    if (x.shape()[dropped[i]] != 1)
      fail("squeeze", "axis ", dropped[i], " of x ", x.shape(), " has size ", x.shape()[dropped[i]], "; it must be 1");
    sizes.erase(static_cast<size_t>(dropped[i]));
  }
  return reshape(x, Shape(sizes));
}
Array expand_dims(const Array& x, const Axes& axes) {
  Dims sizes = x.shape().dims();
  const Dims added = normalize_axes("expand_dims", axes.dims(), x.rank() + static_cast<int64_t>(axes.dims().size()));
  for (const int64_t axis : added) sizes.insert(static_cast<size_t>(axis), 1);
  return reshape(x, Shape(sizes));
}

Array transpose(const Array& x) {
  Dims axes = all_axes(x.rank());
  std::reverse(axes.begin(), axes.end());
  return transpose(x, axes);
}
Array swapaxes(const Array& x, int64_t axis1, int64_t axis2) {
  Dims axes = all_axes(x.rank());
  std::swap(axes[static_cast<size_t>(normalize_axis("swapaxes", axis1, x.rank()))],
            axes[static_cast<size_t>(normalize_axis("swapaxes", axis2, x.rank()))]);
  return transpose(x, axes);
}
Array moveaxis(const Array& x, const Axes& source, const Axes& destination) {
  if (source.dims().size() != destination.dims().size()) {
    fail("moveaxis", "source names ", source.dims().size(), " axes, destination ", destination.dims().size(), "; they must be as many");
  }
  normalize_axes("moveaxis", source.dims(), x.rank());
  normalize_axes("moveaxis", destination.dims(), x.rank());
  Dims order(static_cast<size_t>(x.rank()), -1);
  std::vector<bool> is_moved(static_cast<size_t>(x.rank()));
  for (size_t i = 0; i < source.dims().size(); ++i) {
    const int64_t from = normalize_axis("moveaxis", source.dims()[i], x.rank());
    order[static_cast<size_t>(normalize_axis("moveaxis", destination.dims()[i], x.rank()))] = from;
    is_moved[static_cast<size_t>(from)] = true;
  }
  int64_t next = 0;
  for (int64_t& axis : order) {
    if (axis >= 0) continue;
    while (is_moved[static_cast<size_t>(next)]) ++next;
    axis = next++;
  }
  return transpose(x, order);
}

Array stack(const std::vector<Array>& arrays, int64_t axis) {
  if (arrays.empty()) fail("stack", "the list of arrays is empty; there must be one or more");
  axis = normalize_axis("stack", axis, arrays[0].rank() + 1);
  std::vector<Array> parts;
  for (size_t i = 0; i < arrays.size(); ++i) {
    if (arrays[i].shape() != arrays[0].shape()) {
      fail("stack", "array 0 is ", arrays[0].shape(), " and array ", i, " is ", arrays[i].shape(), "; the shapes must be equal");
    }
    parts.push_back(expand_dims(arrays[i], axis));
  }
  return concatenate(parts, axis);
}
Array hstack(const std::vector<Array>& arrays) {
  std::vector<Array> parts;
  for (const Array& x : arrays) parts.push_back(x.rank() == 0 ? reshape(x, 1) : x);
  return concatenate(parts, !parts.empty() && parts[0].rank() > 1 ? 1 : 0);
}
Array vstack(const std::vector<Array>& arrays) {
  std::vector<Array> parts;
  for (const Array& x : arrays) parts.push_back(x.rank() < 2 ? reshape(x, {1, -1}) : x);
  return concatenate(parts, 0);
}
Array dstack(const std::vector<Array>& arrays) {
  std::vector<Array> parts;
  for (const Array& x : arrays) parts.push_back(x.rank() < 2 ? reshape(x, {1, -1, 1}) : x.rank() == 2 ? expand_dims(x, 2) : x);
  return concatenate(parts, 2);
}
Array column_stack(const std::vector<Array>& arrays) {
  std::vector<Array> parts;
  for (const Array& x : arrays) parts.push_back(x.rank() < 2 ? reshape(x, {-1, 1}) : x);
  return concatenate(parts, 1);
}

std::vector<Array> split_sizes(const Array& x, const std::vector<int64_t>& sizes, int64_t axis) {
  axis = normalize_axis("split", axis, x.rank());
  int64_t total = 0;
  for (const int64_t size : sizes) {
    if (size < 0) fail("split", "sizes ", text_of(sizes), " hold ", size, "; they must not be negative");
    if (__builtin_add_overflow(total, size, &total)) fail("split", "sizes ", text_of(sizes), " are too large");
  }
  if (total != x.shape()[axis]) {
    fail("split", "sizes ", text_of(sizes), " add up to ", total, ", axis ", axis, " has size ", x.shape()[axis], "; they must be equal");
  }
  std::vector<Array> parts;
  int64_t start = 0;
  for (const int64_t size : sizes) {
    parts.push_back(part_of_axis(x, axis, start, size));
    start += size;
  }
  return parts;
}
std::vector<Array> split(const Array& x, int64_t count, int64_t axis) {
  axis = normalize_axis("split", axis, x.rank());
  const int64_t size = x.shape()[axis];
  if (count < 1 || size % count != 0) {
    fail("split", "axis ", axis, " has size ", size, ", count is ", count,
         "; count must divide the size (array_split makes unequal parts)");
  }
  return split_sizes(x, std::vector<int64_t>(static_cast<size_t>(count), size / count), axis);
}
std::vector<Array> split_at(const Array& x, const std::vector<int64_t>& positions, int64_t axis) {
  axis = normalize_axis("split_at", axis, x.rank());
  const int64_t size = x.shape()[axis];
  std::vector<Array> parts;
  int64_t start = 0;
  for (size_t i = 0; i <= positions.size(); ++i) {  // as slices: ends beyond the axis are clipped
    int64_t end = i == positions.size() ? size : positions[i];
    if (end < 0) end += size;
    end = std::clamp<int64_t>(end, 0, size);
    const int64_t first = std::min(start, size);
    parts.push_back(part_of_axis(x, axis, std::min(first, end), std::max<int64_t>(0, end - first)));
    start = end;
  }
  return parts;
}
std::vector<Array> array_split(const Array& x, int64_t count, int64_t axis) {
  if (count < 1) fail("array_split", "count is ", count, "; it must be 1 or more");
  const int64_t size = x.shape()[normalize_axis("array_split", axis, x.rank())];
  std::vector<int64_t> sizes;
  for (int64_t i = 0; i < count; ++i) sizes.push_back(size / count + (i < size % count ? 1 : 0));
  return split_sizes(x, sizes, axis);
}
std::vector<Array> unstack(const Array& x, int64_t axis) {
  axis = normalize_axis("unstack", axis, x.rank());
  std::vector<Array> parts;
  for (int64_t i = 0; i < x.shape()[axis]; ++i) parts.push_back(squeeze(part_of_axis(x, axis, i, 1), axis));
  return parts;
}

Array tile(const Array& x, const Axes& counts) {
  const auto rank = std::max(counts.dims().size(), x.shape().dims().size());
  const size_t new_axes = rank - x.shape().dims().size(), unnamed = rank - counts.dims().size();
  Dims apart, repeated, joined;
  for (size_t axis = 0; axis < rank; ++axis) {
    const int64_t size = axis < new_axes ? 1 : x.shape().dims()[axis - new_axes],
                  count = axis < unnamed ? 1 : counts.dims()[axis - unnamed];
    if (count < 0)
      fail("tile", "counts ", to_text(std::span<const int64_t>(counts.dims())), " hold ", count, "; they must not be negative");
    apart.push_back(1);
    apart.push_back(size);
    repeated.push_back(count);
    repeated.push_back(size);
    joined.push_back(multiply_sizes("tile", count, size));
  }
  return reshape(broadcast_to(reshape(x, Shape(apart)), Shape(repeated)), Shape(joined));
}

Array repeat(const Array& x, int64_t count) { return repeat(ravel(x), count, 0); }
Array repeat(const Array& x, int64_t count, int64_t axis) {
  axis = normalize_axis("repeat", axis, x.rank());
  if (count < 0) fail("repeat", "count is ", count, "; it must not be negative");
  Dims repeated = x.shape().dims(), joined = repeated;
  repeated.insert(static_cast<size_t>(axis) + 1, count);
  joined[static_cast<size_t>(axis)] = multiply_sizes("repeat", x.shape()[axis], count);
  const Shape result(joined);  // before `repeated`, so that an error names the size that was asked for
  return reshape(broadcast_to(expand_dims(x, axis + 1), Shape(repeated)), result);
}
Array repeat_each(const Array& x, const std::vector<int64_t>& counts, int64_t axis) {
  axis = normalize_axis("repeat_each", axis, x.rank());
  if (static_cast<int64_t>(counts.size()) != x.shape()[axis]) {
    fail("repeat_each", "there are ", counts.size(), " counts, axis ", axis, " has size ", x.shape()[axis], "; they must be equal");
  }
  std::vector<int64_t> positions;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < 0) fail("repeat_each", "counts ", text_of(counts), " hold ", counts[i], "; they must not be negative");
    positions.insert(positions.end(), static_cast<size_t>(counts[i]), static_cast<int64_t>(i));
  }
  return take(x, array(positions), axis);
}

Array flip(const Array& x) { return flip(x, all_axes(x.rank())); }
Array flip(const Array& x, const Axes& axes) {
  Dims starts(static_cast<size_t>(x.rank()), 0), steps(static_cast<size_t>(x.rank()), 1);
  for (const int64_t axis : normalize_axes("flip", axes.dims(), x.rank())) {
    if (x.shape()[axis] < 2) continue;
    starts[static_cast<size_t>(axis)] = x.shape()[axis] - 1;
    steps[static_cast<size_t>(axis)] = -1;
  }
  return strided_slice(x, starts, x.shape().dims(), steps);
}

Array roll(const Array& x, int64_t shift) { return reshape(roll(ravel(x), shift, 0), x.shape()); }
Array roll(const Array& x, const Axes& shifts, const Axes& axes) {
  const Dims &by = shifts.dims(), &along = axes.dims();
  if (by.size() != along.size()) fail("roll", "there are ", by.size(), " shifts and ", along.size(), " axes; they must be as many");
  Array out = x;
  for (size_t i = 0; i < by.size(); ++i) {
    const int64_t axis = normalize_axis("roll", along[i], x.rank()), size = x.shape()[axis];
    if (size == 0) continue;
    const int64_t shift = (by[i] % size + size) % size;
    if (shift == 0) continue;
    out = concatenate({part_of_axis(out, axis, size - shift, shift), part_of_axis(out, axis, 0, size - shift)}, axis);
  }
  return out;
}
Array rot90(const Array& x, int64_t k, int64_t axis1, int64_t axis2) {
  axis1 = normalize_axis("rot90", axis1, x.rank());
  axis2 = normalize_axis("rot90", axis2, x.rank());
  if (axis1 == axis2) fail("rot90", "both axes are ", axis1, "; they must differ");
  switch ((k % 4 + 4) % 4) {
    case 0: return x;
    case 1: return swapaxes(flip(x, axis2), axis1, axis2);
    case 2: return flip(x, {axis1, axis2});
    default: return flip(swapaxes(x, axis1, axis2), axis2);
  }
}

namespace {

void check_widths(const Array& x, const std::vector<PadWidth>& widths) {
  if (static_cast<int64_t>(widths.size()) != x.rank()) {
    fail("pad", "there are ", widths.size(), " widths, x has rank ", x.rank(), "; there must be one an axis");
  }
  for (size_t axis = 0; axis < widths.size(); ++axis) {
    if (widths[axis].before < 0 || widths[axis].after < 0) {
      fail("pad", "the width of axis ", axis, " is {", widths[axis].before, ", ", widths[axis].after, "}; widths must not be negative");
    }
  }
}

// The position inside 0 .. size-1 that a position outside repeats.
int64_t inside(int64_t position, int64_t size, PadMode mode) {
  if (mode == PadMode::edge) return std::clamp<int64_t>(position, 0, size - 1);
  if (mode == PadMode::wrap) return (position % size + size) % size;
  if (size == 1) return 0;
  const int64_t period = mode == PadMode::reflect ? 2 * size - 2 : 2 * size;
  const int64_t at = (position % period + period) % period;
  if (at < size) return at;
  return mode == PadMode::reflect ? period - at : period - 1 - at;
}

}  // namespace

Array pad(const Array& x, const std::vector<PadWidth>& widths, const Array& value) {
  check_widths(x, widths);
  if (value.rank() != 0) fail("pad", "value is ", value.shape(), "; it must be one number");
  Dims sizes, starts;
  bool is_same = true;
  for (size_t axis = 0; axis < widths.size(); ++axis) {
    sizes.push_back(add_sizes("pad", add_sizes("pad", x.shape().dims()[axis], widths[axis].before), widths[axis].after));
    starts.push_back(widths[axis].before);
    is_same &= widths[axis].before == 0 && widths[axis].after == 0;
  }
  if (is_same) return x;
  return slice_update(full(Shape(sizes), value, x.dtype()), x, starts, Dims(sizes.size(), 1));
}
Array pad(const Array& x, const std::vector<PadWidth>& widths) { return pad(x, widths, Array(0)); }
Array pad(const Array& x, const std::vector<PadWidth>& widths, PadMode mode) {
  if (mode == PadMode::constant) return pad(x, widths);
  check_widths(x, widths);
  Array out = x;
  for (size_t axis = 0; axis < widths.size(); ++axis) {
    const int64_t size = x.shape().dims()[axis];
    const auto [before, after] = widths[axis];
    if (before == 0 && after == 0) continue;
    if (size == 0) fail("pad", "axis ", axis, " of x ", x.shape(), " is empty; only a constant can pad it");
    Shape(add_sizes("pad", add_sizes("pad", size, before), after));  // refuses what no machine holds
    std::vector<int64_t> positions;
    for (int64_t i = -before; i < size + after; ++i) positions.push_back(inside(i, size, mode));
    out = take(out, array(positions), static_cast<int64_t>(axis));
  }
  return out;
}

Array sliding_windows(const Array& x, int64_t size, int64_t axis, int64_t step) {
  axis = normalize_axis("sliding_windows", axis, x.rank());
  if (size < 1 || step < 1 || size > x.shape()[axis]) {
    fail("sliding_windows", "size is ", size, " and step ", step, ", axis ", axis, " has size ", x.shape()[axis],
         "; both must be 1 or more and a window must fit");
  }
  const int64_t count = (x.shape()[axis] - size) / step + 1;
  std::vector<int64_t> positions;
  for (int64_t window = 0; window < count; ++window) {
    for (int64_t i = 0; i < size; ++i) positions.push_back(window * step + i);
  }
  return moveaxis(take(x, array(positions, {count, size}), axis), axis + 1, -1);
}

}  // namespace gradus
