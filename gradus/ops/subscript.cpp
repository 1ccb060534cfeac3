// Array::operator[], set and add. A subscript is taken apart into a window of the array (numbers and slices), a reshape (dropped and
// new axes), and index arrays on axes of the result.
#include "gradus/base/error.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/gather.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/shape_rules.hpp"
#include "gradus/ops/part_sums.hpp"

namespace gradus {

using namespace core;

namespace {

using Entries = std::span<const Index>;

// What one entry takes away from the axes of the array.
int64_t axes_taken(const Index& entry) {
  if (entry.is_ellipsis() || entry.is_newaxis()) return 0;
  const Array* array = entry.array();
  return array && array->dtype().is_bool() ? array->rank() : 1;
}

class Subscript {
 public:
  Subscript(const Array& x, Entries entries) : shape_(x.shape()) {
    int64_t taken = 0, ellipses = 0;
    for (const Index& entry : entries) {
      if (const Array* array = entry.array(); array && !array->exists()) fail("index", "an index is an empty Array; give it a value first");
      taken += axes_taken(entry);
      ellipses += entry.is_ellipsis();
    }
    if (ellipses > 1) fail("index", "there are ", ellipses, " ellipses; one is allowed");
    if (taken > shape_.rank()) fail("index", "there are indices for ", taken, " axes, the array is ", shape_, " of rank ", shape_.rank());
    const int64_t open = shape_.rank() - taken;
    for (const Index& entry : entries) entry.visit([&](const auto& value) { add(value, open); });
    if (!ellipses) add(ellipsis, open);
    broadcast_indices();
  }

  bool has_arrays() const { return !indices_.empty(); }

  /// The window that numbers and slices cut out, without index arrays.
  Array window(const Array& x) const { return reshape(strided_slice(x, starts_, sizes_, steps_), Shape(kept_)); }
  /// x with the window replaced by one of the same shape.
  Array put_window(const Array& x, const Array& window) const {
    if (Shape(sizes_) == shape_ && is_forward()) return reshape(window, shape_);
    return slice_update(x, reshape(window, Shape(sizes_)), starts_, steps_);
  }

  Array read(const Array& x) const {
    const Array part = window(x);
    return has_arrays() ? gather_rows(arrange(part), indices_, first_axis()) : part;
  }

  Array write(const Array& x, const Array& value, bool adds) const {
    if (!has_arrays()) {
      const Array full = spread(stored(x, value, adds), Shape(kept_), adds);
      const bool is_whole = Shape(sizes_) == shape_ && is_forward();
      if (adds && !is_whole && !x.dtype().is_bool()) return add_window(x, reshape(full, Shape(sizes_)), starts_, steps_);
      return put_window(x, adds ? window(x) + full : full);
    }
    const Array arranged = arrange(window(x));
    Dims sizes;
    for (int64_t axis = 0; axis < first_axis(); ++axis) sizes.push_back(arranged.shape()[axis]);
    for (const int64_t size : indices_[0].shape()) sizes.push_back(size);
    for (int64_t axis = first_axis() + count(); axis < arranged.rank(); ++axis) sizes.push_back(arranged.shape()[axis]);
    const Array full = spread(stored(x, value, adds), Shape(sizes), adds);
    return put_window(x, restore(scatter_rows(arranged, full, indices_, first_axis(), adds)));
  }

 private:
  int64_t count() const { return static_cast<int64_t>(indices_.size()); }
  int64_t next_axis() const { return static_cast<int64_t>(starts_.size()); }
  bool is_forward() const {
    for (size_t i = 0; i < steps_.size(); ++i) {
      if (steps_[i] != 1 && sizes_[i] > 1) return false;
    }
    return true;
  }

  void cut(int64_t start, int64_t size, int64_t step) {
    starts_.push_back(start);
    sizes_.push_back(size);
    steps_.push_back(step);
  }
  // Index arrays and numbers among them stand together if nothing else comes between.
  void note(bool is_advanced) {
    if (is_advanced && run_ == 2) is_together_ = false;
    if (is_advanced) run_ = 1;
    else if (run_ == 1) run_ = 2;
  }

  void add(int64_t position, int64_t) {
    const int64_t axis = next_axis(), size = shape_[axis];
    if (position < -size || position >= size) {
      fail("index", "position ", position, " is out of range; axis ", axis, " has size ", size);
    }
    cut(position < 0 ? position + size : position, 1, 1);
    note(true);
  }
  void add(const Slice& slice, int64_t) {
    const int64_t axis = next_axis(), size = shape_[axis], step = slice.step;
    if (step == 0) fail("index", "the step of a slice of axis ", axis, " is 0; it must not be");
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    const auto end_of = [&](const SliceEnd& end, int64_t open) {
      if (!end.value()) return open;
      const int64_t at = *end.value();
      return std::clamp(at < 0 ? at + size : at, low, high);
    };
    const int64_t begin = end_of(slice.begin, step > 0 ? low : high), end = end_of(slice.end, step > 0 ? high : low);
    const int64_t span = step > 0 ? end - begin : begin - end;
    const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
    const int64_t length = span <= 0 ? 0 : static_cast<int64_t>((static_cast<uint64_t>(span) - 1) / stride) + 1;
    cut(length ? begin : 0, length, length > 1 ? step : 1);
    kept_.push_back(length);
    note(false);
  }
  void add(Ellipsis, int64_t open) {
    for (int64_t i = 0; i < open; ++i) {
      kept_.push_back(shape_[next_axis()]);
      cut(0, shape_[next_axis()], 1);
    }
    note(false);
  }
  void add(NewAxis, int64_t) {
    kept_.push_back(1);
    note(false);
  }
  void add(const Array& index, int64_t) {
    if (index.dtype().is_bool()) return add_mask(index);
    add_array(as_index("index", index));
  }
  void add_array(const Array& index) {
    axes_.push_back(static_cast<int64_t>(kept_.size()));
    indices_.push_back(index);
    kept_.push_back(shape_[next_axis()]);
    cut(0, shape_[next_axis()], 1);
    note(true);
  }
  void add_mask(const Array& mask) {
    if (mask.rank() == 0) fail("index", "a mask is a scalar; it must have rank 1 or more");
    for (int64_t axis = 0; axis < mask.rank(); ++axis) {
      const int64_t size = shape_[next_axis() + axis];
      if (mask.shape()[axis] != size) {
        fail("index", "the mask is ", mask.shape(), ", the array is ", shape_, "; their sizes must be equal, axis ", next_axis() + axis,
             " has ", size);
      }
    }
    for (const Array& positions : nonzero(mask)) add_array(positions);
  }

  void broadcast_indices() {
    if (indices_.size() < 2) return;
    std::vector<Shape> shapes;
    for (const Array& index : indices_) shapes.push_back(index.shape());
    const Shape all = broadcast_shapes("index", shapes);
    for (Array& index : indices_) index = broadcast_to(index, all);
  }

  // Axes that index arrays select on: where they are if together, else in front.
  int64_t first_axis() const { return is_together_ ? axes_[0] : 0; }
  Dims order() const {
    Dims order = axes_;
    for (int64_t axis = 0; axis < static_cast<int64_t>(kept_.size()); ++axis) {
      if (std::find(axes_.begin(), axes_.end(), axis) == axes_.end()) order.push_back(axis);
    }
    return order;
  }
  Array arrange(const Array& part) const { return is_together_ ? part : transpose(part, order()); }
  Array restore(const Array& arranged) const {
    if (is_together_) return arranged;
    const Dims from = order();
    Dims back(from.size());
    for (size_t i = 0; i < from.size(); ++i) back[static_cast<size_t>(from[i])] = static_cast<int64_t>(i);
    return transpose(arranged, back);
  }

  static Array stored(const Array& x, const Array& value, bool adds) {
    const char* op = adds ? "add" : "set";
    if (!value.exists()) fail(op, "value is an empty Array; give it a value first");
    const bool loses = (value.dtype().is_float() && !x.dtype().is_float()) || (value.dtype().is_integer() && x.dtype().is_bool());
    if (loses)
      fail(op, "the array has dtype ", x.dtype(), ", the value has ", value.dtype(),
           ", which it cannot hold; convert one of them with astype");
    return value.dtype() == x.dtype() && !value.is_weak() ? value : value.astype(x.dtype());
  }
  // `value` as often as the selected part asks for; leading sizes of 1 do not count.
  static Array spread(const Array& value, const Shape& part, bool adds) {
    Dims sizes = value.shape().dims();
    while (static_cast<int64_t>(sizes.size()) > part.rank() && sizes[0] == 1) sizes.erase(0);
    bool fits = static_cast<int64_t>(sizes.size()) <= part.rank();
    for (size_t i = 1; fits && i <= sizes.size(); ++i) {
      const int64_t size = sizes[sizes.size() - i];
      fits = size == 1 || size == part[part.rank() - static_cast<int64_t>(i)];
    }
    if (!fits) {
      fail(adds ? "add" : "set", "the value is ", value.shape(), " and the selected part ", part,
           "; the value's sizes must be equal or 1, counted from the last axis");
    }
    return broadcast_to(reshape(value, Shape(sizes)), part);
  }

  Shape shape_;
  Dims starts_, sizes_, steps_;  // the window
  Dims kept_;                    // its shape without dropped axes and with new ones
  std::vector<Array> indices_;
  Dims axes_;  // of kept_, one an index array
  bool is_together_ = true;
  int run_ = 0;  // 0: no number or array yet, 1: the last entry was one, 2: something else came after
};

// x where the mask is false, else the number: no position needs to be known.
bool write_where(const Array& x, Entries entries, const Array& value, bool adds, Array& out) {
  const Array* mask = entries.size() == 1 ? entries[0].array() : nullptr;
  if (!mask || !mask->exists() || !mask->dtype().is_bool() || !value.exists() || value.rank() != 0) return false;
  if (mask->rank() == 0 || mask->rank() > x.rank()) return false;
  for (int64_t axis = 0; axis < mask->rank(); ++axis) {
    if (mask->shape()[axis] != x.shape()[axis]) return false;
  }
  if (value.dtype().is_float() && !x.dtype().is_float()) return false;
  if (value.dtype().is_integer() && x.dtype().is_bool()) return false;
  Dims sizes = mask->shape().dims();
  while (static_cast<int64_t>(sizes.size()) < x.rank()) sizes.push_back(1);
  const Array stored = value.astype(x.dtype());
  out = where(reshape(*mask, Shape(sizes)), adds ? x + stored : stored, x);
  return true;
}

Array written(const Array& x, Entries entries, const Array& value, bool adds) {
  Array out;
  if (write_where(x, entries, value, adds, out)) return out;
  return Subscript(x, entries).write(x, value, adds);
}

}  // namespace

Array Array::operator[](const Index& index) const { return Subscript(*this, Entries(&index, 1)).read(*this); }
Array Array::operator[](std::initializer_list<Index> indices) const {
  return Subscript(*this, Entries(indices.begin(), indices.size())).read(*this);
}
void Array::set(const Index& index, const Array& value) & { *this = written(*this, Entries(&index, 1), value, false); }
void Array::set(std::initializer_list<Index> indices, const Array& value) & {
  *this = written(*this, Entries(indices.begin(), indices.size()), value, false);
}
void Array::add(const Index& index, const Array& value) & { *this = written(*this, Entries(&index, 1), value, true); }
void Array::add(std::initializer_list<Index> indices, const Array& value) & {
  *this = written(*this, Entries(indices.begin(), indices.size()), value, true);
}

}  // namespace gradus
