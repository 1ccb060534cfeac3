// Data whose meaning is not known yet: what a file, a recipe or a command line says.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/base/namespaces.hpp"

namespace gradus::core {

/// Nothing, a truth value, a number, a text, a list of values, or a table of named values in order.
class Datum {
 public:
  using List = std::vector<Datum>;
  using Table = std::vector<std::pair<std::string, Datum>>;

  Datum();
  Datum(bool flag);                                                                 // NOLINT: implicit on purpose, as are the others
  Datum(int64_t number);                                                            // NOLINT
  Datum(std::signed_integral auto number) : Datum(static_cast<int64_t>(number)) {}  // NOLINT
  Datum(double number);                                                             // NOLINT
  Datum(std::string text);                                                          // NOLINT
  Datum(std::string_view text);                                                     // NOLINT
  Datum(const char* text);                                                          // NOLINT
  Datum(List list);                                                                 // NOLINT
  Datum(Table table);                                                               // NOLINT
  Datum(const Datum& other);
  Datum(Datum&& other) noexcept;
  Datum& operator=(const Datum& other);
  Datum& operator=(Datum&& other) noexcept;
  ~Datum();

  /// Null if it is something else. An integer is no double.
  template <class T>
  const T* get_if() const {
    if constexpr (std::same_as<T, bool>) return kind_ == Kind::flag ? &flag_ : nullptr;
    else if constexpr (std::same_as<T, int64_t>) return kind_ == Kind::integer ? &integer_ : nullptr;
    else if constexpr (std::same_as<T, double>) return kind_ == Kind::real ? &real_ : nullptr;
    else if constexpr (std::same_as<T, std::string>) return kind_ == Kind::text ? &text_ : nullptr;
    else if constexpr (std::same_as<T, List>) return kind_ == Kind::list ? &list_ : nullptr;
    else return kind_ == Kind::table ? static_cast<const T*>(&table_) : nullptr;
  }
  bool exists() const { return kind_ != Kind::nothing; }
  /// Whether it is an integer or a double; and as a double.
  bool is_number() const { return get_if<int64_t>() || get_if<double>(); }
  double number() const { return get_if<int64_t>() ? static_cast<double>(*get_if<int64_t>()) : *get_if<double>(); }
  /// The value of that name in a table; null if it is no table or has none.
  const Datum* find(std::string_view name) const;

  friend bool operator==(const Datum& a, const Datum& b);

 private:
  enum class Kind : uint8_t { nothing, flag, integer, real, text, list, table };
  // One beside the other, not in a std::variant: that would cost every program that includes this a tenth of a second.
  Kind kind_ = Kind::nothing;
  bool flag_ = false;
  union {
    int64_t integer_ = 0;
    double real_;
  };
  std::string text_;
  List list_;
  Table table_;
};

/// The value of that name; null if there is none.
const Datum* find(const Datum::Table& table, std::string_view name);

/// For messages: `"four"`, `8.5`, `[1, 2, [...]]`, `a table`; long ones are cut.
std::string to_text(const Datum& value);

}  // namespace gradus::core
