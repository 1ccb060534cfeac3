// What stands between [ and ]: numbers, slices, ellipsis, newaxis, index arrays, masks.
#pragma once

#include <optional>
#include <variant>

#include "gradus/graph/array.hpp"

namespace gradus {

/// An end of a slice: a number, or {} for open.
class SliceEnd {
 public:
  SliceEnd() = default;
  template <Integer T>
  SliceEnd(T value) : value_(Size(value).value()) {}  // NOLINT: implicit on purpose; above the largest int64: that, not a negative number
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
inline Slice slice() { return {}; }
inline Slice slice(SliceEnd end) { return {{}, end, 1}; }
inline Slice slice(SliceEnd begin, SliceEnd end, int64_t step = 1) { return {begin, end, step}; }

struct Ellipsis {};
struct NewAxis {};
inline constexpr Ellipsis ellipsis{};
inline constexpr NewAxis newaxis{};

/// One entry of an index.
class Index {
 public:
  template <Integer T>
  Index(T position) : value_(Size(position).value()) {}  // NOLINT: implicit on purpose; as of SliceEnd
  Index(bool) = delete;
  Index(const Slice& slice) : value_(slice) {}    // NOLINT: implicit on purpose
  Index(Ellipsis) : value_(Ellipsis{}) {}         // NOLINT: implicit on purpose
  Index(NewAxis) : value_(NewAxis{}) {}           // NOLINT: implicit on purpose
  Index(const Array& array) : value_(array) {}    // NOLINT: implicit on purpose; bool arrays are masks, integer arrays positions
  using Value = std::variant<int64_t, Slice, Ellipsis, NewAxis, Array>;
  const Value& value() const { return value_; }

 private:
  Value value_;
};

}  // namespace gradus
