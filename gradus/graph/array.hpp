// Array: the handle that users hold. A value that may not have been computed yet.
#pragma once

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gradus/array/dtype.hpp"
#include "gradus/array/shape.hpp"
#include "gradus/base/convert.hpp"

namespace gradus::core {

class Node;

/// What is known of an array before it is computed.
struct Aval {
  DType dtype{};
  Shape shape{};
  bool is_weak = false;  ///< a number, or made of numbers only: takes the dtype of what it meets
};

}  // namespace gradus::core

namespace gradus {

class Index;

/// An n-dimensional array of one dtype: one output of a node of the graph. Copying copies the handle; the value never changes
/// (set, add and compound assignments rebind this variable only). Operations check their arguments at once and compute later.
class Array {
 public:
  /// Holds nothing; any use but assignment is an error.
  Array() = default;
  /// A weak number of rank 0.
  template <core::Number T>
  Array(T value) : Array(FromNumber{}, is_storage_kind<T>(), to_scalar(value)) {}  // NOLINT: implicit on purpose
  Array(const Array& other);
  Array(Array&& other) noexcept : node_(std::exchange(other.node_, nullptr)), index_(other.index_) {}
  Array& operator=(const Array& other) &;
  Array& operator=(Array&& other) & noexcept;
  ~Array();

  const Shape& shape() const;
  /// Size along `axis`; negative counts from the end.
  int64_t shape(int64_t axis) const;
  int64_t rank() const;
  /// Number of elements.
  int64_t size() const;
  DType dtype() const;
  /// Whether this handle holds an array at all.
  bool exists() const { return node_ != nullptr; }

  /// Computes the value now, if it is pending; returns *this.
  const Array& eval() const;
  /// The one element of an array of size 1, converted as astype converts.
  template <core::Number T = double>
  T item() const {
    return converted_item<T>();
  }
  /// The elements in row-major order, valid until this variable is rebound; T must be the dtype's type.
  template <core::Element T>
  const T* data() const& {
    return static_cast<const T*>(raw_data(core::dtype_of<T>(), core::is_storage_type<T>()));
  }
  template <core::Element T>
  const T* data() const&& = delete;
  /// All elements in row-major order, converted as astype converts.
  template <core::Element T>
  std::vector<T> to_vector() const;

  /// The same values in another dtype. To a float: the nearest one, half to even, rounded once. Floats to integers: toward zero; what does
  /// not fit becomes the nearest end of the range, NaN becomes 0. Integers to narrower ones keep their low bits. Anything to bool is "not
  /// zero".
  Array astype(DType dtype) const;

  /// The selected part; see ops/index.hpp for what an Index may be.
  Array operator[](const Index& index) const;
  Array operator[](std::initializer_list<Index> indices) const;
  /// Rebinds this variable to a copy in which the selected part is `value` (or has `value` added; repeated positions add up).
  void set(const Index& index, const Array& value) &;
  void set(std::initializer_list<Index> indices, const Array& value) &;
  void add(const Index& index, const Array& value) &;
  void add(std::initializer_list<Index> indices, const Array& value) &;

  explicit operator bool() const = delete;  // use all(a == b), any(...), array_equal(a, b) or .item()

  // For the floors above; users need none of these.
  /// A handle to output `index` of `node`.
  Array(core::Node* node, uint32_t index);
  core::Node* node() const { return node_; }
  uint32_t output_index() const { return index_; }
  const core::Aval& aval() const;
  bool is_weak() const { return aval().is_weak; }

 private:
  struct FromNumber {};
  union ScalarValue {
    double real;
    int64_t integer;
  };
  Array(FromNumber, DType kind, ScalarValue value);
  template <core::Number T>
  static constexpr DType is_storage_kind() {
    if constexpr (std::same_as<T, bool>) return bool_;
    else if constexpr (std::is_floating_point_v<T>) return float64;
    else return int64;
  }
  [[noreturn]] static void refuse_number(uint64_t above_int64);
  template <core::Number T>
  static constexpr ScalarValue to_scalar(T value) {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == 8) {
      if (value > static_cast<T>(std::numeric_limits<int64_t>::max())) refuse_number(value);
    }
    ScalarValue scalar{};
    if constexpr (std::is_floating_point_v<T>) scalar.real = static_cast<double>(value);
    else scalar.integer = static_cast<int64_t>(value);
    return scalar;
  }
  template <class T>
  T converted_item() const {
    const auto [real, integer, is_float] = read_item();
    return is_float ? core::convert<T>(real) : core::convert<T>(integer);
  }
  struct Item {
    double real;
    int64_t integer;
    bool is_float;
  };
  Item read_item() const;
  const void* raw_data(DType wanted, bool has_storage) const;
  void copy_to(DType wanted, void* out) const;

  core::Node* node_ = nullptr;
  uint32_t index_ = 0;
};

template <core::Element T>
std::vector<T> Array::to_vector() const {
  std::vector<T> out(static_cast<size_t>(size()));
  // Types that no dtype stores: from what every element is exactly.
  const auto copy_from = [&]<class Wide>(DType wide, Wide) {
    std::vector<Wide> plain(out.size());
    copy_to(wide, plain.data());
    for (size_t i = 0; i < out.size(); ++i) out[i] = core::convert<T>(plain[i]);
  };
  if constexpr (std::same_as<T, bool>) copy_from(bool_, uint8_t{});
  else if constexpr (core::is_storage_type<T>()) copy_to(core::dtype_of<T>(), out.data());
  else if (dtype().is_float()) copy_from(float64, double{});
  else copy_from(int64, int64_t{});
  return out;
}

/// As NumPy prints it: [[1. 2.]\n [3. 4.]]; shortest digits, at most 8 after the point; above 1,000 elements the middle is left out.
/// Evaluates.
std::ostream& operator<<(std::ostream& out, const Array& array);
std::string to_text(const Array& array);

}  // namespace gradus
