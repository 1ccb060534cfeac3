// What stands between [ and ]: numbers, slices, ellipsis, newaxis, index arrays, masks.
#pragma once

#include <optional>

#include "gradus/graph/array.hpp"

namespace gradus {

/// An end of a slice: a number, or {} for open.
class SliceEnd {
 public:
  SliceEnd() = default;
  template <core::Integer T>
  SliceEnd(T value)
      : value_(core::Size(value).value()) {}  // NOLINT: implicit on purpose; above the largest int64: that, not a negative number
  const std::optional<int64_t>& value() const { return value_; }

 private:
  std::optional<int64_t> value_;
};

/// begin:end:step of NumPy; ends may be negative (from the end), out of range (clipped) or open.
struct Slice {
  SliceEnd begin, end;
  int64_t step = 1;
};
/// slice() is `:`, slice(5) is `:5`, slice(1, 5) is `1:5`, slice(1, {}) is `1:`, slice({}, {}, -1) is `::-1`.
///
///   array({1, 2, 3})[slice({}, {}, -1)]   // [3, 2, 1]
inline Slice slice() { return {}; }
inline Slice slice(SliceEnd end) { return {{}, end, 1}; }
inline Slice slice(SliceEnd begin, SliceEnd end, int64_t step = 1) { return {begin, end, step}; }

/// `ellipsis` stands for all axes that an index does not name (NumPy's `...`, at most once), `newaxis` for a new axis of size 1 (its None).
///
///   zeros({2, 3, 4})[{ellipsis, newaxis, 0}]   // (2, 3, 1)
struct Ellipsis {};
struct NewAxis {};
inline constexpr Ellipsis ellipsis{};
inline constexpr NewAxis newaxis{};

/// One entry of an index.
class Index {
 public:
  template <core::Integer T>
  Index(T position) : kind_(Kind::position), position_(core::Size(position).value()) {}  // NOLINT: implicit on purpose; as of SliceEnd
  Index(bool) = delete;
  Index(const Slice& slice) : kind_(Kind::slice), slice_(slice) {}  // NOLINT: implicit on purpose
  Index(Ellipsis) : kind_(Kind::ellipsis) {}                        // NOLINT: implicit on purpose
  Index(NewAxis) : kind_(Kind::newaxis) {}                          // NOLINT: implicit on purpose
  Index(const Array& array) : kind_(Kind::array), array_(array) {}  // NOLINT: implicit; bool arrays are masks, integer ones positions

  bool is_ellipsis() const { return kind_ == Kind::ellipsis; }
  bool is_newaxis() const { return kind_ == Kind::newaxis; }
  /// The array; null for another kind of entry.
  const Array* array() const { return kind_ == Kind::array ? &array_ : nullptr; }
  /// f(entry), with an int64_t, Slice, Ellipsis, NewAxis or Array.
  template <class F>
  decltype(auto) visit(const F& f) const {
    switch (kind_) {
      case Kind::position:
        return f(position_);
      case Kind::slice:
        return f(slice_);
      case Kind::ellipsis:
        return f(Ellipsis{});
      case Kind::newaxis:
        return f(NewAxis{});
      case Kind::array:
        break;
    }
    return f(array_);
  }

 private:
  enum class Kind : uint8_t { position, slice, ellipsis, newaxis, array };
  Kind kind_;
  int64_t position_ = 0;
  Slice slice_{};
  Array array_;
};

}  // namespace gradus
