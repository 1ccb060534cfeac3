// A strided window on memory that somebody else owns: what kernels read and write.
#pragma once

#include "gradus/array/dtype.hpp"
#include "gradus/array/shape.hpp"

namespace gradus::core {

/// Where the elements of an array lie, counted in elements from its first one. A stride of 0 repeats (broadcast); strides may be
/// negative (reversed slices).
struct Layout {
  DType dtype{};
  Shape shape{};
  Dims strides{};

  static Layout contiguous(DType dtype, const Shape& shape) { return {dtype, shape, contiguous_strides(shape)}; }
  bool is_contiguous() const { return core::is_contiguous(shape, strides); }
  int64_t rank() const { return shape.rank(); }
  int64_t size() const { return shape.size(); }
  int64_t bytes() const { return shape.size() * dtype.size(); }
  friend bool operator==(const Layout&, const Layout&) = default;
};

}  // namespace gradus::core
