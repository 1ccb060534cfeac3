// Creators. Data is copied or computed at the call; one value everywhere is a view of a single element.
#include "gradus/ops/creation.hpp"

#include <cmath>
#include <cstring>

#include "gradus/array/buffer.hpp"
#include "gradus/base/convert.hpp"
#include "gradus/base/error.hpp"
#include "gradus/cpu/move/copy.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

using namespace core;

namespace {

std::string array_text(DType dtype, const Shape& shape) { return concat("array ", shape, " ", dtype); }

void check_size(std::string_view op, const Scalar& number) {
  if (number.is_too_large()) fail(op, static_cast<uint64_t>(number.integer()), " is above the largest int64, 9223372036854775807");
}

// Writes one number as an element of `dtype`; throws when it does not fit.
void store(std::string_view op, const Scalar& number, DType dtype, void* out) {
  check_size(op, number);
  visit_dtype(dtype, [&]<class T>(T) {
    T value;
    if constexpr (std::same_as<T, bool>) value = number.kind().is_float() ? number.real() != 0 : number.integer() != 0;
    else if constexpr (std::integral<T>) {
      if (number.kind().is_float()) {
        const double real = number.real();
        if (!(real >= -0x1p63 && real < 0x1p63) || std::trunc(real) != real) fail(op, real, " is not a number of ", dtype);
      }
      const int64_t integer = number.kind().is_float() ? static_cast<int64_t>(number.real()) : number.integer();
      if (integer < static_cast<int64_t>(std::numeric_limits<T>::min()) || integer > static_cast<int64_t>(std::numeric_limits<T>::max())) {
        fail(op, integer, " is out of the range of ", dtype, ", ", static_cast<int64_t>(std::numeric_limits<T>::min()), " to ",
             static_cast<int64_t>(std::numeric_limits<T>::max()));
      }
      value = static_cast<T>(integer);
    } else {
      value = number.kind().is_float() ? convert<T>(number.real()) : convert<T>(number.integer());
    }
    std::memcpy(out, &value, sizeof value);
  });
}

struct Walk {
  Dims sizes{};
  DType kind = bool_;
  bool is_empty_seen = false;

  // The nesting of the first element everywhere; the others must agree.
  void measure(const Literal& literal) {
    const Literal* at = &literal;
    while (at->is_list()) {
      sizes.push_back(static_cast<int64_t>(at->parts().size()));
      if (at->parts().empty()) break;
      at = &at->parts().front();
    }
    Dims place;
    check(literal, place);
  }
  static std::string place_text(const Dims& place) {
    std::string text;
    for (const int64_t index : place) text += concat("[", index, "]");
    return text;
  }
  void check(const Literal& literal, Dims& place) {
    const size_t depth = place.size();
    const bool must_be_list = depth < sizes.size();
    if (literal.is_list() != must_be_list) {
      fail("array", "element ", place_text(place), literal.is_list() ? " is a list" : " is a number", ", the first one at that depth is ",
           must_be_list ? "a list" : "a number", "; nesting must be equally deep everywhere");
    }
    if (!literal.is_list()) {
      kind = promote(kind, literal.number().kind());
      return;
    }
    if (static_cast<int64_t>(literal.parts().size()) != sizes[depth]) {
      fail("array", "list ", place_text(place), " has ", literal.parts().size(), " elements, the first one at that depth has ",
           sizes[depth], "; all must be equally long");
    }
    for (size_t i = 0; i < literal.parts().size(); ++i) {
      place.push_back(static_cast<int64_t>(i));
      check(literal.parts()[i], place);
      place.pop_back();
    }
  }
};

void store_all(const Literal& literal, DType dtype, std::byte*& out) {
  if (!literal.is_list()) {
    store("array", literal.number(), dtype, out);
    out += dtype.size();
    return;
  }
  for (const Literal& part : literal.parts()) store_all(part, dtype, out);
}

Array array_of(const Literal& values, const Shape* shape, const DType* dtype) {
  Walk walk;
  walk.measure(values);
  const Shape nested(walk.sizes);
  if (shape && nested.rank() > 1) fail("array", "the numbers are nested as ", nested, " and a shape is given too; give a flat list");
  if (shape && nested.size() != shape->size()) {
    fail("array", "there are ", nested.size(), " numbers, shape ", *shape, " has ", shape->size(), " elements; they must be equal");
  }
  const DType type = dtype ? *dtype : nested.size() == 0 || walk.kind.is_float() ? float32 : walk.kind;
  BufferPtr buffer = allocate(nested.size() * type.size(), array_text(type, nested));
  std::byte* out = buffer->data();
  store_all(values, type, out);
  return make_leaf(std::move(buffer), type, shape ? *shape : nested);
}

}  // namespace

Array array(const Literal& values) { return array_of(values, nullptr, nullptr); }
Array array(const Literal& values, DType dtype) { return array_of(values, nullptr, &dtype); }
Array array(const Literal& values, const Shape& shape) { return array_of(values, &shape, nullptr); }
Array array(const Literal& values, const Shape& shape, DType dtype) { return array_of(values, &shape, &dtype); }

namespace core {

Array array_from_memory(const void* data, DType dtype, const Shape& shape) {
  const int64_t bytes = shape.size() * dtype.size();
  if (bytes && !data) fail("array", "the pointer is null");
  BufferPtr buffer = allocate(bytes, array_text(dtype, shape));
  if (bytes) std::memcpy(buffer->data(), data, static_cast<size_t>(bytes));
  return make_leaf(std::move(buffer), dtype, shape);
}

Array array_on_memory(const void* data, DType dtype, const Shape& shape, std::function<void()> release) {
  if (shape.size() && !data) fail("from_buffer", "the pointer is null");
  return make_leaf(borrow(data, shape.size() * dtype.size(), std::move(release)), dtype, shape);
}

void check_count(size_t count, const Shape& shape) {
  if (static_cast<int64_t>(count) != shape.size()) {
    fail("array", "there are ", count, " numbers, shape ", shape, " has ", shape.size(), " elements; they must be equal");
  }
}

namespace {
template <class T>
void check_range(std::span<const T> values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] > static_cast<T>(INT64_MAX)) fail("array", "element ", i, " is ", values[i], ", above the largest int64");
  }
}
}  // namespace
void check_int64_range(std::span<const unsigned long> values) { check_range(values); }
void check_int64_range(std::span<const unsigned long long> values) { check_range(values); }

}  // namespace core

namespace {

Array filled(std::string_view op, const Shape& shape, const Scalar& value, DType dtype) {
  BufferPtr buffer = allocate(dtype.size(), "one number");
  store(op, value, dtype, buffer->data());
  return make_leaf(Value{std::move(buffer), Dims(static_cast<size_t>(shape.rank()), 0), 0}, Aval{dtype, shape, false});
}

// A number that an Array holds as a leaf.
const Node* number_of(const Array& value) {
  return value.exists() && value.is_weak() && value.node()->is_scalar() ? value.node() : nullptr;
}

Scalar scalar_of(const Node& node, DType kind) {
  if (kind.is_float()) return node.scalar().real;
  if (kind.is_bool()) return node.scalar().integer != 0;
  return node.scalar().integer;
}

DType default_dtype(const Array& value) { return value.is_weak() && value.dtype().is_float() ? float32 : value.dtype(); }

}  // namespace

Array zeros(const Shape& shape) { return filled("zeros", shape, 0, float32); }
Array zeros(const Shape& shape, DType dtype) { return filled("zeros", shape, 0, dtype); }
Array ones(const Shape& shape) { return filled("ones", shape, 1, float32); }
Array ones(const Shape& shape, DType dtype) { return filled("ones", shape, 1, dtype); }
Array filled(const Shape& shape, double value, DType dtype) {
  BufferPtr buffer = allocate(shape.size() * dtype.size(), concat("constant ", shape, " ", dtype));
  visit_dtype(dtype, [&]<class T>(T) {
    T* data = reinterpret_cast<T*>(buffer->data());
    std::fill(data, data + shape.size(), convert<T>(value));
  });
  return make_leaf(std::move(buffer), dtype, shape);
}

Array full(const Shape& shape, const Array& value) { return full(shape, value, value.exists() ? default_dtype(value) : float32); }
Array full(const Shape& shape, const Array& value, DType dtype) {
  if (!value.exists()) fail("full", "value is an empty Array; give it a value first");
  if (const Node* number = number_of(value)) return filled("full", shape, scalar_of(*number, value.dtype()), dtype);
  return broadcast_to(value.astype(dtype), shape);
}
Array zeros_like(const Array& x) { return zeros(x.shape(), x.is_weak() ? default_dtype(x) : x.dtype()); }
Array ones_like(const Array& x) { return ones(x.shape(), x.is_weak() ? default_dtype(x) : x.dtype()); }
Array full_like(const Array& x, const Array& value) { return full(x.shape(), value, x.is_weak() ? default_dtype(x) : x.dtype()); }

namespace {

template <class T>
[[noreturn]] void fail_too_many(T start, T stop, T step) {
  fail("arange", "start ", start, ", stop ", stop, " and step ", step, " give more than 2^48 elements; no machine holds such an array");
}

// Elements from start to before stop.
int64_t count_steps(double start, double stop, double step) {
  const double count = std::ceil((stop - start) / step);
  if (std::isnan(count)) fail("arange", "start ", start, ", stop ", stop, " and step ", step, " give no count; they must be finite");
  if (count > 0x1p48) fail_too_many(start, stop, step);
  return count <= 0 ? 0 : static_cast<int64_t>(count);
}

__extension__ using Wide = __int128;

int64_t count_steps(int64_t start, int64_t stop, int64_t step) {
  const Wide span = static_cast<Wide>(stop) - start, one = step > 0 ? 1 : -1;
  const Wide count = (span + step - one) / step;
  if (count <= 0 || (span > 0) != (step > 0)) return 0;
  if (count > (Wide{1} << 48)) fail_too_many(start, stop, step);
  return static_cast<int64_t>(count);
}

Array sequence(Scalar start, Scalar stop, Scalar step, const DType* dtype) {
  for (const Scalar& number : {start, stop, step}) {
    check_size("arange", number);
    if (number.kind().is_bool()) fail("arange", "a number is a bool; numbers must be integers or floats");
  }
  if (step.real() == 0) fail("arange", "step is 0; it must not be");
  const bool is_whole = !start.kind().is_float() && !stop.kind().is_float() && !step.kind().is_float();
  const int64_t count =
      is_whole ? count_steps(start.integer(), stop.integer(), step.integer()) : count_steps(start.real(), stop.real(), step.real());
  const DType type = dtype ? *dtype : is_whole ? int64 : float32;
  if (type.is_bool()) fail("arange", "dtype is bool; it must be a number's");
  const Shape shape(count);
  BufferPtr buffer = allocate(count * type.size(), array_text(type, shape));
  if (count && type.is_integer()) {  // the ends must fit; what lies between does too
    std::byte ends[2][8];
    store("arange", start, type, ends[0]);
    if (is_whole) store("arange", start.integer() + (count - 1) * step.integer(), type, ends[1]);
    else store("arange", start.real() + static_cast<double>(count - 1) * step.real(), type, ends[1]);
  }
  if (is_whole) cpu::fill_sequence(buffer->data(), type, count, start.integer(), step.integer());
  else cpu::fill_sequence(buffer->data(), type, count, start.real(), step.real());
  return make_leaf(std::move(buffer), type, shape);
}

// count values of f(0), f(1), ... in a float dtype.
template <class F>
Array computed(std::string_view op, int64_t count, DType dtype, F&& f) {
  if (count < 0) fail(op, "count is ", count, "; it must not be negative");
  if (!dtype.is_float()) fail(op, "dtype is ", dtype, "; it must be a float's");
  const Shape shape(count);
  BufferPtr buffer = allocate(count * dtype.size(), array_text(dtype, shape));
  for (int64_t i = 0; i < count; ++i) store(op, f(i), dtype, buffer->data() + i * dtype.size());
  return make_leaf(std::move(buffer), dtype, shape);
}

double point_between(double start, double stop, int64_t count, int64_t i) {
  if (i == 0 || count == 1) return start;
  if (i == count - 1) return stop;
  return start + (stop - start) / static_cast<double>(count - 1) * static_cast<double>(i);
}

// (rows, columns) of bool: whether `holds` of column - row.
template <class F>
Array matrix_where(std::string_view op, int64_t rows, int64_t columns, DType dtype, F&& holds) {
  if (rows < 0 || columns < 0) fail(op, "the matrix would be (", rows, ", ", columns, "); sizes must not be negative");
  const Shape shape{rows, columns};
  BufferPtr buffer = allocate(shape.size() * dtype.size(), array_text(dtype, shape));
  visit_dtype(dtype, [&]<class T>(T) {
    T* out = reinterpret_cast<T*>(buffer->data());
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t column = 0; column < columns; ++column) *out++ = T(holds(column - row) ? 1 : 0);
    }
  });
  return make_leaf(std::move(buffer), dtype, shape);
}

}  // namespace

Array arange(Scalar stop) { return sequence(stop.kind().is_float() ? Scalar(0.0) : Scalar(0), stop, 1, nullptr); }
Array arange(Scalar stop, DType dtype) { return sequence(0, stop, 1, &dtype); }
Array arange(Scalar start, Scalar stop) { return sequence(start, stop, 1, nullptr); }
Array arange(Scalar start, Scalar stop, DType dtype) { return sequence(start, stop, 1, &dtype); }
Array arange(Scalar start, Scalar stop, Scalar step) { return sequence(start, stop, step, nullptr); }
Array arange(Scalar start, Scalar stop, Scalar step, DType dtype) { return sequence(start, stop, step, &dtype); }

Array linspace(double start, double stop, int64_t count, DType dtype) {
  return computed("linspace", count, dtype, [=](int64_t i) { return point_between(start, stop, count, i); });
}
Array logspace(double start, double stop, int64_t count, double base, DType dtype) {
  return computed("logspace", count, dtype, [=](int64_t i) { return std::pow(base, point_between(start, stop, count, i)); });
}

Array eye(int64_t rows) { return eye(rows, rows); }
Array eye(int64_t rows, DType dtype) { return eye(rows, rows, 0, dtype); }
Array eye(int64_t rows, int64_t columns, int64_t k, DType dtype) {
  return matrix_where("eye", rows, columns, dtype, [k](int64_t offset) { return offset == k; });
}
Array tri(int64_t rows, int64_t columns, int64_t k, DType dtype) {
  return matrix_where("tri", rows, columns, dtype, [k](int64_t offset) { return offset <= k; });
}

namespace {

// column - row for every element of the last two axes.
Array offsets_of(std::string_view op, const Array& x) {
  if (x.rank() < 2) fail(op, "x is ", x.shape(), "; it must have rank 2 or more");
  return arange(x.shape(-1)) - expand_dims(arange(x.shape(-2)), 1);
}

constexpr int64_t kLargestOffset = int64_t{1} << 31;

// Rank 2 and more: diagonal `offset` of the last two axes as the last axis.
Array last_diagonal(const Array& x, int64_t offset) {
  const int64_t rows = x.shape(-2), columns = x.shape(-1);
  offset = std::clamp(offset, -rows, columns);
  const int64_t row = offset < 0 ? -offset : 0, column = offset > 0 ? offset : 0;
  const int64_t length = std::max<int64_t>(0, std::min(rows - row, columns - column));
  Dims sizes = x.shape().dims();
  sizes.pop_back();
  sizes.back() = multiply_sizes("diagonal", rows, columns);
  const Array flat = reshape(x, Shape(sizes));
  Dims starts(sizes.size(), 0), steps(sizes.size(), 1);
  starts.back() = length ? row * columns + column : 0;
  steps.back() = columns + 1;
  sizes.back() = length;
  return strided_slice(flat, starts, sizes, steps);
}

}  // namespace

Array tril(const Array& x) { return tril(x, 0); }
Array tril(const Array& x, int64_t k) { return where(offsets_of("tril", x) <= k, x, zeros({}, x.dtype())); }
Array triu(const Array& x) { return triu(x, 0); }
Array triu(const Array& x, int64_t k) { return where(offsets_of("triu", x) >= k, x, zeros({}, x.dtype())); }

Array diag(const Array& x) { return diag(x, 0); }
Array diag(const Array& x, int64_t k) {
  if (x.rank() == 1) return diag_embed(x, k);
  if (x.rank() == 2) return last_diagonal(x, k);
  fail("diag", "x is ", x.shape(), "; it must have rank 1 or 2");
}
Array diagonal(const Array& x, int64_t offset, int64_t axis1, int64_t axis2) {
  axis1 = normalize_axis("diagonal", axis1, x.rank());
  axis2 = normalize_axis("diagonal", axis2, x.rank());
  if (axis1 == axis2) fail("diagonal", "both axes are ", axis1, "; they must differ");
  return last_diagonal(moveaxis(x, {axis1, axis2}, {-2, -1}), offset);
}
Array diag_embed(const Array& x, int64_t offset) {
  if (x.rank() == 0) fail("diag_embed", "x is a scalar; it must have rank 1 or more");
  if (offset < -kLargestOffset || offset > kLargestOffset) fail("diag_embed", "offset is ", offset, "; it must lie within 2^31 of 0");
  const int64_t length = x.shape(-1), size = length + std::abs(offset);
  Dims flat = x.shape().dims(), starts(flat.size(), 0), steps(flat.size(), 1), sizes = flat;
  flat.back() = multiply_sizes("diag_embed", size, size);
  starts.back() = offset < 0 ? -offset * size : offset;
  steps.back() = size + 1;
  sizes.back() = size;
  sizes.push_back(size);
  return reshape(slice_scatter(x, Shape(flat), starts, steps), Shape(sizes));
}

std::vector<Array> meshgrid(const std::vector<Array>& axes, Indexing indexing) {
  const bool swaps = indexing == Indexing::xy && axes.size() > 1;
  Dims sizes;
  for (const Array& axis : axes) {
    if (axis.rank() > 1) fail("meshgrid", "an array is ", axis.shape(), "; each must be a vector");
    sizes.push_back(axis.size());
  }
  if (swaps) std::swap(sizes[0], sizes[1]);
  std::vector<Array> grids;
  for (size_t i = 0; i < axes.size(); ++i) {
    Dims own(axes.size(), 1);
    own[swaps && i < 2 ? 1 - i : i] = axes[i].size();
    grids.push_back(broadcast_to(reshape(axes[i], Shape(own)), Shape(sizes)));
  }
  return grids;
}

}  // namespace gradus
