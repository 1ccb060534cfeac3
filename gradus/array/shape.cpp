// Checks of sizes and axes, broadcasting, strides.
#include "gradus/array/shape.hpp"

#include "gradus/base/error.hpp"

namespace gradus {

using namespace core;

namespace {
// Above this a byte count of 8-byte elements times a few more factors could overflow; no machine holds such an array.
constexpr int64_t kLargestCount = int64_t{1} << 48;
}  // namespace

Shape::Shape(std::initializer_list<Size> sizes) {
  for (const Size size : sizes) sizes_.push_back(size.value());
  check();
}

Shape::Shape(std::span<const int64_t> sizes) : sizes_(sizes) { check(); }

void Shape::check() {
  count_ = 1;
  bool is_too_large = false;
  for (const int64_t size : sizes_) {
    if (size < 0) fail("shape", core::to_text(std::span<const int64_t>(sizes_)), " has the size ", size, "; sizes must not be negative");
    is_too_large |= __builtin_mul_overflow(count_, size, &count_) || count_ > kLargestCount;
  }
  for (const int64_t size : sizes_) {
    if (size == 0) {
      count_ = 0;
      return;
    }
  }
  if (is_too_large) {
    fail("shape", core::to_text(std::span<const int64_t>(sizes_)), " has more than 2^48 elements; no machine holds such an array");
  }
}

std::string to_text(const Shape& shape) { return to_text(std::span<const int64_t>(shape.dims())); }

int64_t core::normalize_axis(std::string_view op, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank) {
    if (rank == 0) fail(op, "axis ", axis, " is out of range; a scalar has no axes");
    fail(op, "axis ", axis, " is out of range; an array of rank ", rank, " has axes ", -rank, " to ", rank - 1);
  }
  return axis < 0 ? axis + rank : axis;
}

Dims core::normalize_axes(std::string_view op, const Dims& axes, int64_t rank) {
  Dims out;
  for (const int64_t axis : axes) out.push_back(normalize_axis(op, axis, rank));
  std::sort(out.begin(), out.end());
  for (size_t i = 1; i < out.size(); ++i) {
    if (out[i] == out[i - 1]) fail(op, "axes ", to_text(std::span<const int64_t>(axes)), " name axis ", out[i], " twice");
  }
  return out;
}

Dims core::all_axes(int64_t rank) {
  Dims axes;
  for (int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  return axes;
}

Shape core::broadcast_shapes(std::string_view op, std::span<const Shape> shapes) {
  size_t rank = 0;
  for (const Shape& shape : shapes) rank = std::max(rank, shape.dims().size());
  Dims out(rank, 1);
  for (const Shape& shape : shapes) {
    const size_t offset = rank - shape.dims().size();
    for (size_t axis = 0; axis < shape.dims().size(); ++axis) {
      const int64_t size = shape.dims()[axis];
      int64_t& have = out[offset + axis];
      if (size == have || size == 1) continue;
      if (have != 1) {
        std::vector<std::string> texts;
        for (const Shape& each : shapes) texts.push_back(to_text(each));
        fail(op, "shapes ", join(texts, " and "), " do not broadcast: ", have, " meets ", size, " on axis ",
             static_cast<int64_t>(axis + offset) - static_cast<int64_t>(rank), "; sizes must be equal or 1, counted from the last axis");
      }
      have = size;
    }
  }
  return Shape(out);
}

Shape core::broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  if (a == b) return a;
  if (a.rank() == 0) return b;
  if (b.rank() == 0) return a;
  const Shape both[] = {a, b};
  return core::broadcast_shapes(op, both);
}

Dims core::contiguous_strides(const Shape& shape) {
  Dims strides(shape.dims().size(), 1);
  for (size_t axis = strides.size(); axis-- > 1;) strides[axis - 1] = strides[axis] * std::max<int64_t>(shape.dims()[axis], 1);
  return strides;
}

bool core::is_contiguous(const Shape& shape, const Dims& strides) {
  int64_t expected = 1;
  for (size_t axis = strides.size(); axis-- > 0;) {
    const int64_t size = shape.dims()[axis];
    if (size == 0) return true;
    if (size != 1 && strides[axis] != expected) return false;
    expected *= size;
  }
  return true;
}

}  // namespace gradus
