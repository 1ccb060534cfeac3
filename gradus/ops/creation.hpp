// Arrays from data and from shapes: array, zeros, full, arange, linspace, eye, meshgrid.
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::core {

/// One number with its kind (bool, int64 or float64): what a creator takes.
class Scalar {
 public:
  template <Number T>
  Scalar(T value) {  // NOLINT: implicit on purpose
    if constexpr (std::is_floating_point_v<T>) {
      kind_ = float64;
      real_ = static_cast<double>(value);
    } else {
      kind_ = std::same_as<T, bool> ? bool_ : int64;
      integer_ = static_cast<int64_t>(value);
      if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) is_too_large_ = integer_ < 0;
      real_ = static_cast<double>(value);
    }
  }
  DType kind() const { return kind_; }
  double real() const { return real_; }
  int64_t integer() const { return integer_; }
  /// Above the largest int64.
  bool is_too_large() const { return is_too_large_; }

 private:
  DType kind_ = int64;
  double real_ = 0;
  int64_t integer_ = 0;
  bool is_too_large_ = false;
};

/// A number or braces of literals: what stands between the brackets of array({{1, 2}, {3, 4}}).
class Literal {
 public:
  template <Number T>
  Literal(T value) : number_(value) {}  // NOLINT: implicit on purpose
  Literal(std::initializer_list<Literal> parts) : is_list_(true), parts_(parts) {}

  bool is_list() const { return is_list_; }
  const Scalar& number() const { return number_; }
  const std::vector<Literal>& parts() const { return parts_; }

 private:
  bool is_list_ = false;
  Scalar number_ = 0;
  std::vector<Literal> parts_;
};

}  // namespace gradus::core

namespace gradus {

/// An array of the numbers as they are nested: bool if all are bools, int64 if all are integers, else float32; or of `dtype`. With a
/// shape, the numbers must be a flat list of that many. Ragged nesting is an error that names the place.
///
///   array({{1, 2}, {3, 4}}, float64)   array({1, 2, 3, 4}, {2, 2})   array({{1}})   // (1, 1)
Array array(const core::Literal& values);
Array array(const core::Literal& values, DType dtype);
Array array(const core::Literal& values, const Shape& shape);
Array array(const core::Literal& values, const Shape& shape, DType dtype);

namespace core {
/// A copy of `shape.size()` elements of type `dtype` in row-major order.
Array array_from_memory(const void* data, DType dtype, const Shape& shape);
Array array_on_memory(const void* data, DType dtype, const Shape& shape, std::function<void()> release);
/// Throws if a container of `count` elements does not fill `shape`.
void check_count(size_t count, const Shape& shape);
/// Throws if a number is above the largest int64.
void check_int64_range(std::span<const unsigned long> values);
void check_int64_range(std::span<const unsigned long long> values);
template <Element T>
Array array_from_elements(std::span<const T> values, const Shape& shape) {
  if constexpr (is_storage_type<T>() && !std::same_as<T, bool>) {
    return array_from_memory(values.data(), dtype_of<T>(), shape);
  } else {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) check_int64_range(values);
    using Storage = std::conditional_t<std::same_as<T, bool>, uint8_t, std::conditional_t<dtype_of<T>() == int64, int64_t, int32_t>>;
    std::vector<Storage> converted(values.begin(), values.end());
    return array_from_memory(converted.data(), dtype_of<T>(), shape);
  }
}
}  // namespace core

/// A copy of a container's elements, whose type is kept (vector<double> gives float64); of shape (size,) or `shape`.
template <core::Element T>
Array array(std::span<const T> values, const Shape& shape) {
  core::check_count(values.size(), shape);
  return core::array_from_elements(values, shape);
}
template <core::Element T>
Array array(std::span<const T> values) {
  return array(values, Shape(values.size()));
}
template <core::Element T>
Array array(const std::vector<T>& values, const Shape& shape) {
  if constexpr (std::same_as<T, bool>) {
    const std::vector<uint8_t> bytes(values.begin(), values.end());
    core::check_count(bytes.size(), shape);
    return core::array_from_memory(bytes.data(), bool_, shape);
  } else {
    return array(std::span<const T>(values), shape);
  }
}
template <core::Element T>
Array array(const std::vector<T>& values) {
  return array(values, Shape(values.size()));
}
/// A copy of the `shape.size()` elements at `data`, row-major.
template <core::Element T>
Array array(const T* data, const Shape& shape) {
  return core::array_from_elements(std::span<const T>(data, static_cast<size_t>(shape.size())), shape);
}
/// An array on the caller's memory, which must stay as it is until `release` is called (from any thread, once); never written.
template <core::Element T>
Array from_buffer(const T* data, const Shape& shape, std::function<void()> release) {
  static_assert(core::is_storage_type<T>(), "from_buffer needs a type that is stored as it is; array(pointer, shape) converts");
  return core::array_on_memory(data, core::dtype_of<T>(), shape, std::move(release));
}

/// One value everywhere; costs no memory until something writes or reads it as plain memory. `value` is a number (bool, int64 or
/// float32 by its kind) or an array that broadcasts to `shape`.
Array zeros(const Shape& shape);
Array zeros(const Shape& shape, DType dtype);
Array ones(const Shape& shape);
Array ones(const Shape& shape, DType dtype);
Array full(const Shape& shape, const Array& value);
Array full(const Shape& shape, const Array& value, DType dtype);
/// Of the shape and dtype of x.
Array zeros_like(const Array& x);
Array ones_like(const Array& x);
Array full_like(const Array& x, const Array& value);
/// `value` everywhere, in memory of its own, where full() repeats one number: what is overwritten from step to step begins so.
Array filled(const Shape& shape, double value, DType dtype);

/// start, start + step, ... before stop: ceil((stop - start) / step) elements, each computed as start + i * step in double and rounded
/// once. int64 if all are integers, else float32; or `dtype`. step 0 is an error.
Array arange(core::Scalar stop);
Array arange(core::Scalar stop, DType dtype);
Array arange(core::Scalar start, core::Scalar stop);
Array arange(core::Scalar start, core::Scalar stop, DType dtype);
Array arange(core::Scalar start, core::Scalar stop, core::Scalar step);
Array arange(core::Scalar start, core::Scalar stop, core::Scalar step, DType dtype);
/// `count` points from start to stop, both included, evenly spaced; on a logarithmic scale base^start to base^stop.
Array linspace(double start, double stop, int64_t count = 50, DType dtype = float32);
Array logspace(double start, double stop, int64_t count = 50, double base = 10, DType dtype = float32);
/// (rows, columns) with ones on diagonal k (k > 0: above the main one).
Array eye(int64_t rows);
Array eye(int64_t rows, DType dtype);
Array eye(int64_t rows, int64_t columns, int64_t k = 0, DType dtype = float32);
/// (rows, columns) with ones on and below diagonal k.
Array tri(int64_t rows, int64_t columns, int64_t k = 0, DType dtype = float32);

/// The lower or upper triangle of the last two axes, with zeros elsewhere; diagonal k and what lies below or above it stays.
Array tril(const Array& x);
Array tril(const Array& x, int64_t k);
Array triu(const Array& x);
Array triu(const Array& x, int64_t k);
/// Rank 1: a matrix with x on diagonal k. Rank 2: the elements of diagonal k.
Array diag(const Array& x);
Array diag(const Array& x, int64_t k);
/// The diagonals of the planes of two axes, as the last axis.
Array diagonal(const Array& x, int64_t offset = 0, int64_t axis1 = 0, int64_t axis2 = 1);
/// (..., n) to (..., n + |offset|, n + |offset|), with x on the diagonal `offset`.
Array diag_embed(const Array& x, int64_t offset = 0);

/// How meshgrid orders its axes: xy (the default in NumPy) swaps the first two, ij does not.
enum class Indexing { xy, ij };
/// From vectors the coordinates of every point of their grid, one array a vector.
std::vector<Array> meshgrid(const std::vector<Array>& axes, Indexing indexing = Indexing::xy);

}  // namespace gradus
