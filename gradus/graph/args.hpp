// Parameters of an op (axes, strides, flags): listed once, from which equality, hash, printing and saving follow; and which optional inputs
// it has.
#pragma once

#include <bit>
#include <memory>
#include <string>
#include <vector>

#include "gradus/array/dtype.hpp"
#include "gradus/array/shape.hpp"
#include "gradus/base/hash.hpp"
#include "gradus/graph/field_names.hpp"

namespace gradus::core {

class Subgraph;
/// A closed graph as a parameter of an op (scan, cond, checkpoint).
using SubgraphPtr = std::shared_ptr<const Subgraph>;

/// What one field of an op's parameters may be, for printing, saving and export.
class FieldValue {
 public:
  enum class Kind : uint8_t { flag, integer, real, text, sizes, dtype, graph };

  template <std::same_as<bool> T>
  FieldValue(T flag) : kind_(Kind::flag), flag_(flag) {}                                    // NOLINT: implicit on purpose
  FieldValue(int64_t number) : kind_(Kind::integer), integer_(number) {}                    // NOLINT
  FieldValue(double number) : kind_(Kind::real), real_(number) {}                           // NOLINT
  FieldValue(std::string text) : kind_(Kind::text), text_(std::move(text)) {}               // NOLINT
  FieldValue(std::vector<int64_t> sizes) : kind_(Kind::sizes), sizes_(std::move(sizes)) {}  // NOLINT
  FieldValue(DType dtype) : kind_(Kind::dtype), dtype_(dtype) {}                            // NOLINT
  FieldValue(SubgraphPtr graph) : kind_(Kind::graph), graph_(std::move(graph)) {}           // NOLINT

  Kind kind() const { return kind_; }
  /// Null if it is something else.
  template <class T>
  const T* get_if() const {
    if constexpr (std::same_as<T, bool>) return kind_ == Kind::flag ? &flag_ : nullptr;
    else if constexpr (std::same_as<T, int64_t>) return kind_ == Kind::integer ? &integer_ : nullptr;
    else if constexpr (std::same_as<T, double>) return kind_ == Kind::real ? &real_ : nullptr;
    else if constexpr (std::same_as<T, std::string>) return kind_ == Kind::text ? &text_ : nullptr;
    else if constexpr (std::same_as<T, std::vector<int64_t>>) return kind_ == Kind::sizes ? &sizes_ : nullptr;
    else if constexpr (std::same_as<T, DType>) return kind_ == Kind::dtype ? &dtype_ : nullptr;
    else return kind_ == Kind::graph ? static_cast<const T*>(&graph_) : nullptr;
  }
  /// f(value), a bool, int64_t, double, std::string, std::vector<int64_t>, DType or SubgraphPtr.
  template <class F>
  decltype(auto) visit(const F& f) const {
    switch (kind_) {
      case Kind::flag:
        return f(flag_);
      case Kind::integer:
        return f(integer_);
      case Kind::real:
        return f(real_);
      case Kind::text:
        return f(text_);
      case Kind::sizes:
        return f(sizes_);
      case Kind::dtype:
        return f(dtype_);
      case Kind::graph:
        break;
    }
    return f(graph_);
  }

 private:
  // One beside the other, as in Datum.
  Kind kind_;
  bool flag_ = false;
  int64_t integer_ = 0;
  double real_ = 0;
  std::string text_;
  std::vector<int64_t> sizes_;
  DType dtype_{};
  SubgraphPtr graph_;
};

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
/// One named field with its value.
struct Field {
  std::string name;
  FieldValue value;
};

/// Throws for a name that is none of "axis, keepdims".
[[noreturn]] void refuse_unknown_field(std::string_view op, std::string_view name, std::string_view known);
/// Throws `op: axis is "one"; it must be an integer`.
[[noreturn]] void refuse_field(std::string_view op, const Field& field, std::string_view expected);

template <class T>
bool assign_field(T& to, const FieldValue& from, std::string_view& expected) {
  if constexpr (std::same_as<T, bool>) {
    expected = "true or false";
    if (const bool* flag = from.get_if<bool>()) return to = *flag, true;
  } else if constexpr (std::is_enum_v<T> || std::integral<T>) {
    expected = "an integer that its type holds";
    const int64_t* number = from.get_if<int64_t>();
    if (number && static_cast<int64_t>(static_cast<T>(*number)) == *number) return to = static_cast<T>(*number), true;
  } else if constexpr (std::same_as<T, double>) {
    expected = "a number";
    if (const double* number = from.get_if<double>()) return to = *number, true;
    if (const int64_t* number = from.get_if<int64_t>()) return to = static_cast<double>(*number), true;
  } else if constexpr (std::same_as<T, SubgraphPtr>) {
    expected = "a graph";
    if (const SubgraphPtr* graph = from.get_if<SubgraphPtr>(); graph && *graph) return to = *graph, true;
  } else if constexpr (std::constructible_from<T, std::span<const int64_t>> || std::same_as<T, std::vector<int64_t>>) {
    expected = "a list of integers";
    if (const auto* sizes = from.get_if<std::vector<int64_t>>()) {
      if constexpr (std::same_as<T, std::vector<int64_t>>) to = *sizes;
      else to = T(std::span<const int64_t>(*sizes));
      return true;
    }
  } else {
    expected = std::same_as<T, DType> ? "a dtype" : "a text";
    if (const T* value = from.get_if<T>()) return to = *value, true;
  }
  return false;
}

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
    value.tied_fields().apply([&](const auto&... field) { (hash_field(hasher, plain_field(field)), ...); });
    hash = hasher.value();
  }
  bool equals(const ArgsBase& other) const override {
    return equal_fields(value.tied_fields(), static_cast<const TypedArgs&>(other).value.tied_fields(),
                        std::make_index_sequence<decltype(value.tied_fields())::kCount>());
  }
  std::vector<Field> fields() const override {
    std::vector<Field> out;
    value.tied_fields().apply([&](const auto&... field) {
      (out.push_back({std::string(name_at(T::field_names, out.size())), field_value(field)}), ...);
    });
    return out;
  }
  const T value;

 private:
  template <class Fields, size_t... I>
  static bool equal_fields(const Fields& a, const Fields& b, std::index_sequence<I...>) {
    return (equal_field(a.template get<I>(), b.template get<I>()) && ...);
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

/// The parameters of an op from their fields, as Args::fields gives them, in any order; those that are not given keep their defaults.
/// Throws for a field that T has not, naming the nearest, and for one of another type.
template <class T>
Args args_of(std::string_view op, std::span<const Field> fields) {
  T value;
  value.tied_fields().apply([&](const auto&... member) {
    for (const Field& field : fields) {
      size_t index = 0;
      std::string_view expected{};
      const auto assign = [&]<class M>(const M& to) {
        if (field.name != name_at(T::field_names, index++)) return false;
        if (!assign_field(const_cast<M&>(to), field.value, expected)) refuse_field(op, field, expected);
        return true;
      };
      if (!(assign(member) || ...)) refuse_unknown_field(op, field.name, T::field_names);
    }
  });
  return value;
}

}  // namespace gradus::core
