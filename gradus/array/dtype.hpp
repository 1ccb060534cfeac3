// Element types, and the table that says which type two of them meet in.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "gradus/base/half.hpp"

namespace gradus {

/// The type of an array's elements, as a value. The eight constants below are all there are.
class DType {
 public:
  enum class Code : uint8_t { bool_, uint8, int32, int64, float16, bfloat16, float32, float64 };

  DType() = default;  // float32
  constexpr explicit DType(Code code) : code_(code) {}

  constexpr Code code() const { return code_; }
  /// Bytes an element takes.
  constexpr int64_t size() const {
    constexpr int64_t sizes[] = {1, 1, 4, 8, 2, 2, 4, 8};
    return sizes[static_cast<int>(code_)];
  }
  /// float16, bfloat16, float32 or float64.
  constexpr bool is_float() const { return code_ >= Code::float16; }
  /// float16 or bfloat16: stored in 16 bits, computed in float32.
  constexpr bool is_16_bit() const { return code_ == Code::float16 || code_ == Code::bfloat16; }
  /// uint8, int32 or int64.
  constexpr bool is_integer() const { return code_ >= Code::uint8 && code_ <= Code::int64; }
  constexpr bool is_bool() const { return code_ == Code::bool_; }
  /// "float32" and the like.
  constexpr std::string_view name() const {
    constexpr std::string_view names[] = {"bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64"};
    return names[static_cast<int>(code_)];
  }
  friend constexpr bool operator==(DType, DType) = default;

 private:
  Code code_ = Code::float32;
};

/// All dtypes there are: C++'s bool, uint8_t, int32_t, int64_t, float and double, and float16_t and bfloat16_t of base/half.hpp.
inline constexpr DType bool_{DType::Code::bool_}, uint8{DType::Code::uint8}, int32{DType::Code::int32}, int64{DType::Code::int64},
    float16{DType::Code::float16}, bfloat16{DType::Code::bfloat16}, float32{DType::Code::float32}, float64{DType::Code::float64};

/// Its name: "float32".
std::string to_text(DType dtype);
}  // namespace gradus

namespace gradus::core {

inline constexpr int kDTypeCount = 8;
/// The dtype of a name; throws for an unknown one, naming `place`.
DType dtype_from_name(std::string_view name, std::string_view place);

/// C++ numbers that become arrays: arithmetic types that are not characters of text.
template <class T>
concept Number = std::is_arithmetic_v<T> && !std::same_as<T, char> && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                 !std::same_as<T, char16_t> && !std::same_as<T, char32_t> && !std::same_as<T, long double>;
/// What an array can be read as.
template <class T>
concept Element = Number<T> || std::same_as<T, float16_t> || std::same_as<T, bfloat16_t>;

/// The dtype that stores a C++ type: any signed or unsigned integer of 8 bytes is int64, of 2 or 4 bytes int32, of 1 byte uint8.
template <Element T>
constexpr DType dtype_of() {
  if constexpr (std::same_as<T, bool>) return bool_;
  else if constexpr (std::same_as<T, float>) return float32;
  else if constexpr (std::same_as<T, double>) return float64;
  else if constexpr (std::same_as<T, float16_t>) return float16;
  else if constexpr (std::same_as<T, bfloat16_t>) return bfloat16;
  else if constexpr (sizeof(T) == 8 || (sizeof(T) == 4 && std::is_unsigned_v<T>)) return int64;
  else if constexpr (std::same_as<T, unsigned char>) return uint8;
  else return int32;
}
/// Whether memory of T can be taken as it is: T has the size and meaning of dtype_of<T>().
template <Element T>
constexpr bool is_storage_type() {
  return sizeof(T) == static_cast<size_t>(dtype_of<T>().size()) && (!std::is_unsigned_v<T> || sizeof(T) == 1);
}

}  // namespace gradus::core

namespace gradus {

/// The dtype in which an array of `a` and an array of `b` meet:
///
///               bool  uint8 int32 int64 f16   bf16  f32   f64
///     bool      bool  uint8 int32 int64 f16   bf16  f32   f64
///     uint8           uint8 int32 int64 f16   bf16  f32   f64
///     int32                 int32 int64 f16   bf16  f32   f64
///     int64                       int64 f16   bf16  f32   f64
///     f16                               f16   f32   f32   f64
///     bf16                                    bf16  f32   f64
///     f32                                           f32   f64
///     f64                                                 f64
///
/// An integer never widens a float (as in PyTorch and JAX); the two 16-bit floats meet in float32.
constexpr DType promote(DType a, DType b) {
  if (a == b) return a;
  const DType high = a.code() > b.code() ? a : b, low = a.code() > b.code() ? b : a;
  return high == bfloat16 && low == float16 ? float32 : high;
}
/// The dtype that an array of `array` takes when it meets a number of kind bool, int64 or float64: the array's own
/// within its kind; a float with an integer or bool array gives float32; an integer with a bool array gives int64.
constexpr DType promote_with_number(DType array, DType number) {
  if (array.is_float() || number.is_bool()) return array;
  if (number.is_float()) return float32;
  return array.is_bool() ? int64 : array;
}

}  // namespace gradus

namespace gradus::core {

/// Calls f with a value of the C++ type that stores `dtype`: visit_dtype(x.dtype(), [&]<class T>(T) { ... }).
template <class F>
decltype(auto) visit_dtype(DType dtype, F&& f) {
  switch (dtype.code()) {
    case DType::Code::bool_: return f(bool{});
    case DType::Code::uint8: return f(uint8_t{});
    case DType::Code::int32: return f(int32_t{});
    case DType::Code::int64: return f(int64_t{});
    case DType::Code::float16: return f(float16_t{});
    case DType::Code::bfloat16: return f(bfloat16_t{});
    case DType::Code::float32: return f(float{});
    case DType::Code::float64: break;
  }
  return f(double{});
}

}  // namespace gradus::core
