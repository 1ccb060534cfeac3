// Parameters of an op (axes, strides, flags): listed once, from which equality, hash, printing and saving follow; and which optional inputs
// it has.
#pragma once

#include <bit>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "gradus/array/dtype.hpp"
#include "gradus/array/shape.hpp"
#include "gradus/base/hash.hpp"
#include "gradus/graph/field_names.hpp"

namespace gradus {

class Subgraph;
/// A closed graph as a parameter of an op (scan, cond, checkpoint).
using SubgraphPtr = std::shared_ptr<const Subgraph>;

/// What one field of an op's parameters may be, for printing, saving and export.
using FieldValue = std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, DType, SubgraphPtr>;

namespace detail {

inline void hash_field(Hasher& hasher, int64_t value) { hasher.add(static_cast<uint64_t>(value)); }
inline void hash_field(Hasher& hasher, double value) { hasher.add(std::bit_cast<uint64_t>(value)); }
inline void hash_field(Hasher& hasher, DType value) { hasher.add(static_cast<uint64_t>(value.code())); }
inline void hash_field(Hasher& hasher, const std::string& value) { hasher.add_bytes(value.data(), value.size()); }
inline void hash_field(Hasher& hasher, std::span<const int64_t> values) {
  hasher.add(values.size());
  for (const int64_t value : values) hasher.add(static_cast<uint64_t>(value));
}
inline void hash_field(Hasher& hasher, const Shape& value) {
  hash_field(hasher, static_cast<std::span<const int64_t>>(value.dims()));
}
inline void hash_field(Hasher& hasher, const std::vector<int64_t>& value) { hash_field(hasher, std::span<const int64_t>(value)); }
inline void hash_field(Hasher& hasher, const Dims& value) { hash_field(hasher, static_cast<std::span<const int64_t>>(value)); }
void hash_field(Hasher& hasher, const SubgraphPtr& value);

template <class T>
decltype(auto) plain_field(const T& value) {
  if constexpr (std::is_enum_v<T> || (std::integral<T> && !std::same_as<T, bool>)) return static_cast<int64_t>(value);
  else if constexpr (std::same_as<T, bool>) return static_cast<int64_t>(value);
  else return (value);
}
template <class T>
FieldValue field_value(const T& value) {
  if constexpr (std::same_as<T, bool>) return value;
  else if constexpr (std::is_enum_v<T> || std::integral<T>) return static_cast<int64_t>(value);
  else if constexpr (std::convertible_to<const T&, std::span<const int64_t>>) {
    const std::span<const int64_t> span = value;
    return std::vector<int64_t>(span.begin(), span.end());
  } else return value;
}
bool equal_field(const SubgraphPtr& a, const SubgraphPtr& b);
inline bool equal_field(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }
template <class T>
bool equal_field(const T& a, const T& b) {
  return a == b;
}
}  // namespace detail

/// One named field with its value.
struct Field {
  std::string name;
  FieldValue value;
};

class ArgsBase {
 public:
  virtual ~ArgsBase() = default;
  Hash128 hash{};  ///< of all fields, made once
  virtual bool equals(const ArgsBase& other) const = 0;  // other: of the same op, so of the same type
  virtual std::vector<Field> fields() const = 0;
};

template <class T>
class TypedArgs final : public ArgsBase {
 public:
  explicit TypedArgs(T given) : value(std::move(given)) {
    Hasher hasher;
    std::apply([&](const auto&... field) { (detail::hash_field(hasher, detail::plain_field(field)), ...); }, value.tied_fields());
    hash = hasher.value();
  }
  bool equals(const ArgsBase& other) const override {
    return equal_tuples(value.tied_fields(), static_cast<const TypedArgs&>(other).value.tied_fields(),
                        std::make_index_sequence<std::tuple_size_v<decltype(value.tied_fields())>>());
  }
  std::vector<Field> fields() const override {
    std::vector<Field> out;
    std::apply(
        [&](const auto&... field) {
          (out.push_back({std::string(detail::name_at(T::field_names, out.size())), detail::field_value(field)}), ...);
        },
        value.tied_fields());
    return out;
  }
  const T value;

 private:
  template <class Tuple, size_t... I>
  static bool equal_tuples(const Tuple& a, const Tuple& b, std::index_sequence<I...>) {
    return (detail::equal_field(std::get<I>(a), std::get<I>(b)) && ...);
  }
};

/// Shared, immutable parameters of one recorded op; empty for ops without parameters.
class Args {
 public:
  Args() = default;
  template <class T>
    requires requires(const T& value) { value.tied_fields(); }
  Args(T value) : base_(std::make_shared<const TypedArgs<T>>(std::move(value))) {}  // NOLINT: implicit on purpose

  /// The parameters as the op's own struct.
  template <class T>
  const T& as() const {
    return static_cast<const TypedArgs<T>&>(*base_).value;
  }
  bool empty() const { return !base_; }
  /// Optional inputs of the op that the call goes without, as bits. Set by apply.
  uint32_t absent() const { return absent_; }
  void set_absent(uint32_t inputs) { absent_ = inputs; }
  /// Place of the op's input number `input` among those that the call has; -1: it goes without.
  int place(size_t input) const {
    if (!absent_) return static_cast<int>(input);
    if (absent_ >> input & 1) return -1;
    return static_cast<int>(input) - std::popcount(absent_ & ((uint32_t{1} << input) - 1));
  }
  void hash(Hasher& hasher) const {
    hasher.add(base_ ? base_->hash.low : 0);
    if (base_) hasher.add(base_->hash.high);
    if (absent_) hasher.add(absent_);
  }
  bool equals(const Args& other) const {
    if (absent_ != other.absent_) return false;
    return base_ == other.base_ || (base_ && other.base_ && base_->hash == other.base_->hash && base_->equals(*other.base_));
  }
  std::vector<Field> fields() const { return base_ ? base_->fields() : std::vector<Field>{}; }
  /// "axis=-1, keepdims=true".
  std::string text() const;

 private:
  std::shared_ptr<const ArgsBase> base_;
  uint32_t absent_ = 0;
};

}  // namespace gradus
