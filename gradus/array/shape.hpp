// Shapes, requested shapes and axes: three types, so that each place accepts just what has a meaning there.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "gradus/base/small_vector.hpp"

namespace gradus::core {

/// Integers as sizes and axes: any width and sign, but no bool and no character.
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> && !std::same_as<T, wchar_t> &&
                  !std::same_as<T, char8_t> && !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

/// One size, from any integer (so that braces do not reject `{v.size(), 2}` as narrowing).
class Size {
 public:
  template <Integer T>
  constexpr Size(T value) : value_(static_cast<int64_t>(value)) {  // NOLINT: implicit on purpose
    if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) {
      if (value > static_cast<T>(std::numeric_limits<int64_t>::max())) value_ = std::numeric_limits<int64_t>::max();
    }
  }
  constexpr int64_t value() const { return value_; }

 private:
  int64_t value_;
};

}  // namespace gradus::core

namespace gradus {

/// The sizes of an array, none negative, whose product fits in 2^48 elements. Shape(3) and Shape{3} are both (3,).
class Shape {
 public:
  Shape() = default;  // rank 0: one element
  Shape(std::initializer_list<core::Size> sizes);
  template <core::Integer T>
  Shape(T size) : Shape({core::Size(size)}) {}  // NOLINT: implicit on purpose
  Shape(std::span<const int64_t> sizes);  // NOLINT: implicit on purpose
  Shape(const core::Dims& sizes) : Shape(std::span<const int64_t>(sizes)) {}
  Shape(const std::vector<int64_t>& sizes) : Shape(std::span<const int64_t>(sizes)) {}

  int64_t rank() const { return static_cast<int64_t>(sizes_.size()); }
  /// Number of elements.
  int64_t size() const { return count_; }
  /// The size along an axis from 0 to rank - 1; not checked.
  int64_t operator[](int64_t axis) const { return sizes_[static_cast<size_t>(axis)]; }
  const int64_t* begin() const { return sizes_.begin(); }
  const int64_t* end() const { return sizes_.end(); }
  const core::Dims& dims() const { return sizes_; }
  operator std::span<const int64_t>() const { return sizes_; }
  std::vector<int64_t> to_vector() const { return {begin(), end()}; }
  friend bool operator==(const Shape& a, const Shape& b) { return a.sizes_ == b.sizes_; }

 private:
  void check();

  core::Dims sizes_;
  int64_t count_ = 1;
};

/// As Python writes tuples: (2, 3), (3,), ().
std::string to_text(const Shape& shape);

}  // namespace gradus
/// size() counts elements, not axes: ranges measure begin() to end(), so that std::span(shape) is its sizes.
template <>
inline constexpr bool std::ranges::disable_sized_range<gradus::Shape> = true;
namespace gradus {

/// A requested shape: one size may be -1, "whatever is left".
class NewShape {
 public:
  NewShape(std::initializer_list<core::Size> sizes) {
    for (const core::Size size : sizes) sizes_.push_back(size.value());
  }
  template <core::Integer T>
  NewShape(T size) : sizes_{static_cast<int64_t>(size)} {}  // NOLINT: implicit on purpose
  NewShape(const Shape& shape) : sizes_(shape.dims()) {}    // NOLINT: implicit on purpose
  NewShape(const std::vector<int64_t>& sizes) : sizes_(std::span<const int64_t>(sizes)) {}  // NOLINT: implicit on purpose
  const core::Dims& dims() const { return sizes_; }

 private:
  core::Dims sizes_;
};

/// One axis or several; negative ones count from the end. `sum(x, true)` does not compile.
class Axes {
 public:
  template <core::Integer T>
  Axes(T axis) : axes_{static_cast<int64_t>(axis)} {}  // NOLINT: implicit on purpose
  Axes(std::initializer_list<core::Size> axes) {
    for (const core::Size axis : axes) axes_.push_back(axis.value());
  }
  Axes(const core::Dims& axes) : axes_(axes) {}                                      // NOLINT: implicit on purpose
  Axes(const std::vector<int64_t>& axes) : axes_(std::span<const int64_t>(axes)) {}  // NOLINT: implicit on purpose
  Axes(bool) = delete;
  const core::Dims& dims() const { return axes_; }

 private:
  core::Dims axes_;
};

}  // namespace gradus

namespace gradus::core {

/// `axis` counted from the front, 0 <= axis < rank; throws `op: axis ... is out of range` otherwise.
int64_t normalize_axis(std::string_view op, int64_t axis, int64_t rank);
/// All of `axes` from the front, in increasing order; throws when one is out of range or given twice.
Dims normalize_axes(std::string_view op, const Dims& axes, int64_t rank);
/// 0, 1, ..., rank - 1.
Dims all_axes(int64_t rank);
/// The shape that all of `shapes` broadcast to by NumPy's rule; throws naming op and shapes.
Shape broadcast_shapes(std::string_view op, std::span<const Shape> shapes);
Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);
/// Row-major strides, in elements.
Dims contiguous_strides(const Shape& shape);
/// Whether memory with these strides is row-major without holes (axes of size 1 do not matter).
bool is_contiguous(const Shape& shape, const Dims& strides);

}  // namespace gradus::core
