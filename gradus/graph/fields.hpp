// Fields: the members of a struct as files, recipes, messages and the reference of keys see them. A struct names them once, by
// GRADUS_OPTIONS, GRADUS_FIELDS or GRADUS_PARTS; notes say what a name does not. Reading, writing, checking and documentation follow.
#pragma once

#include <array>
#include <concepts>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/array/dtype.hpp"
#include "gradus/base/datum.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/named.hpp"
#include "gradus/graph/array.hpp"
#include "gradus/graph/field_names.hpp"

namespace gradus::core {

/// Which finite numbers a field may be.
struct Range {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool excludes_low = false, excludes_high = false;

  bool contains(double number) const;
  /// "must not be negative", "must be at least 0 and below 1".
  std::string rule() const;
  /// "a number of at least 0", "a positive integer".
  std::string expected(bool is_integer) const;
};
namespace range {
inline constexpr Range any{}, not_negative{.low = 0}, above_zero{.low = 0, .excludes_low = true}, positive{.low = 1};
inline constexpr Range part{.low = 0, .high = 1},
    share{.low = 0, .high = 1, .excludes_high = true};  // share: of what is kept; at 1 nothing new would come in
}  // namespace range

/// What is said of a field besides its name, type and default.
struct FieldNote {
  std::string_view name{};
  std::string_view text{};      ///< one line for people, without a full stop
  Range range{};                ///< of numbers
  bool is_required = false;     ///< there is no default that makes sense
  std::string_view expected{};  ///< what it must be, where its type and range do not say it
};

/// Shared by all that one file or recipe makes.
struct FieldReading {
  bool is_file = false;  ///< of a model file: a field that is not given is an error; else it stays as it is
  int depth = 0;         ///< of things within things
  int64_t things = 0;
  std::map<int64_t, std::shared_ptr<void>> shared{};  ///< things that stand in several places, by their number
};
struct FieldWriting {
  std::map<const void*, int> shared{};
};

/// What is wrong with what was given for a field. place(): its path, "layers[2].units".
class FieldError : public Error {
 public:
  FieldError(std::string_view path, std::string_view problem) : Error(Kind::invalid, path, problem) {}
};

/// "mean, sum".
std::string join_names(std::span<const std::string_view> names);
/// The place of a text among the names; -1: it is none of them. Throws for one that is nearly a name.
int64_t find_name(std::span<const std::string_view> names, const Datum& given);
/// How values of a type are read and written; specialised beside the type. A member whose type has none is no field.
///   static std::string expected(const FieldNote& note, const T& now);   // "true or false"
///   static Datum write(const T& value, FieldWriting&);
///   static bool read(T& value, const Datum& given, const FieldNote& note, FieldReading&);   // false: it is not what was expected
/// and `static constexpr bool is_saved = false;` where model files leave it out. read may throw; what is wrong deeper is a FieldError.
template <class T>
struct FieldType {};
template <class T>
concept HasFieldType = requires(const T& value, const FieldNote& note) {
  FieldType<T>::expected(note, value);
};

template <>
struct FieldType<bool> {
  static std::string expected(const FieldNote&, bool) { return "true or false"; }
  static Datum write(bool value, FieldWriting&) { return value; }
  static bool read(bool& value, const Datum& given, const FieldNote&, FieldReading&);
};
template <>
struct FieldType<int64_t> {
  static std::string expected(const FieldNote& note, int64_t) { return note.range.expected(true); }
  static Datum write(int64_t value, FieldWriting&) { return value; }
  static bool read(int64_t& value, const Datum& given, const FieldNote& note, FieldReading&);
};
template <>
struct FieldType<double> {
  static std::string expected(const FieldNote& note, double) { return note.range.expected(false); }
  static Datum write(double value, FieldWriting&) { return value; }
  static bool read(double& value, const Datum& given, const FieldNote& note, FieldReading&);
};
template <>
struct FieldType<std::string> {
  static std::string expected(const FieldNote&, const std::string&) { return "a text in quotes"; }
  static Datum write(const std::string& value, FieldWriting&) { return value; }
  static bool read(std::string& value, const Datum& given, const FieldNote&, FieldReading&);
};
template <>
struct FieldType<std::vector<std::string>> {
  static std::string expected(const FieldNote&, const std::vector<std::string>&) { return "a list of texts"; }
  static Datum write(const std::vector<std::string>& value, FieldWriting&);
  static bool read(std::vector<std::string>& value, const Datum& given, const FieldNote&, FieldReading&);
};
/// Lists take one number as a list of one.
template <>
struct FieldType<std::vector<int64_t>> {
  static std::string expected(const FieldNote&, const std::vector<int64_t>&) { return "a list of integers"; }
  static Datum write(const std::vector<int64_t>& value, FieldWriting&);
  static bool read(std::vector<int64_t>& value, const Datum& given, const FieldNote& note, FieldReading&);
};
template <>
struct FieldType<std::vector<double>> {
  static std::string expected(const FieldNote&, const std::vector<double>&) { return "a list of numbers"; }
  static Datum write(const std::vector<double>& value, FieldWriting&);
  static bool read(std::vector<double>& value, const Datum& given, const FieldNote& note, FieldReading&);
};
template <>
struct FieldType<DType> {
  static std::string expected(const FieldNote&, DType) { return "the name of a dtype"; }
  static Datum write(DType value, FieldWriting&) { return value.name(); }
  static bool read(DType& value, const Datum& given, const FieldNote&, FieldReading&);
};

/// A list of numbers as a float32 array of rank 1.
template <>
struct FieldType<Array> {
  static std::string expected(const FieldNote&, const Array&) { return "a list of numbers"; }
  static Datum write(const Array& value, FieldWriting&);
  static bool read(Array& value, const Datum& given, const FieldNote& note, FieldReading&);
};
/// Enumerations have names, found by argument-dependent lookup, in order from 0:
///   std::span<const std::string_view> enum_names(Reduction);
template <class E>
requires std::is_enum_v<E> && requires(E value) { enum_names(value); }
struct FieldType<E> {
  static std::string expected(const FieldNote&, E value) { return concat("one of ", join_names(enum_names(value))); }
  static Datum write(E value, FieldWriting&) { return enum_names(value)[static_cast<size_t>(value)]; }
  static bool read(E& value, const Datum& given, const FieldNote&, FieldReading&) {
    const int64_t at = find_name(enum_names(value), given);
    if (at >= 0) value = static_cast<E>(at);
    return at >= 0;
  }
};
/// "none" is no value.
template <HasFieldType T>
struct FieldType<std::optional<T>> {
  static std::string expected(const FieldNote& note, const std::optional<T>& now) {
    return FieldType<T>::expected(note, now.value_or(T{})) + ", or \"none\"";
  }
  static Datum write(const std::optional<T>& value, FieldWriting& writing) {
    return value ? FieldType<T>::write(*value, writing) : Datum("none");
  }
  static bool read(std::optional<T>& value, const Datum& given, const FieldNote& note, FieldReading& reading) {
    if (given == Datum("none")) {
      value.reset();
      return true;
    }
    T some = value.value_or(T{});
    if (!FieldType<T>::read(some, given, note, reading)) return false;
    value = std::move(some);
    return true;
  }
};

/// One field of a type of objects.
struct FieldRow {
  std::string name{};
  FieldNote note{};
  bool is_saved = true;
  std::string (*expected)(const FieldNote& note, const void* object) = nullptr;
  Datum (*write)(const void* object, FieldWriting& writing) = nullptr;
  bool (*read)(void* object, const Datum& given, const FieldNote& note, FieldReading& reading) = nullptr;
  bool is_number = false;

  std::string expected_of(const void* object) const { return note.expected.empty() ? expected(note, object) : std::string(note.expected); }
};
using FieldTable = std::vector<FieldRow>;

/// Assigns what is given to an object of the table's type. Throws a FieldError for a value of another type or range, a missing one, and one
/// that is not known. `others`: names that the caller has read itself.
void read_fields(const FieldTable& table, void* object, const Datum::Table& given, FieldReading& reading,
                 std::span<const std::string> others = {});
/// The same where other keys are read by others: none is unknown.
void assign_fields(const FieldTable& table, void* object, const Datum::Table& given, FieldReading& reading,
                   std::span<const std::string> others = {});
/// The text under `key`, which must be one of `names`. Throws a FieldError for a missing or another one, naming the nearest.
std::string read_name(const Datum::Table& given, std::string_view key, const std::vector<std::string>& names);
/// All fields that files keep.
Datum::Table write_fields(const FieldTable& table, const void* object, FieldWriting& writing);
/// Throws `op: momentum is -1; it must not be negative` for a number that is not in its range.
void check_fields(std::string_view op, const FieldTable& table, const void* object);

template <class T>
constexpr std::string_view names_of_fields(const T& object) {
  if constexpr (requires { T::field_names; }) return T::field_names;
  else if constexpr (requires { object.parts().names; }) return object.parts().names;
  else return {};
}
template <class T>
auto fields_tied(const T& object) {
  if constexpr (requires { object.tied_fields(); }) return object.tied_fields();
  else if constexpr (requires { object.parts().values; }) return object.parts().values;
  else return Members<>();
}
template <class T>
std::span<const FieldNote> notes_of() {
  if constexpr (requires { T::field_notes(); }) return T::field_notes();
  else return {};
}
FieldNote note_of(std::span<const FieldNote> notes, std::string_view name);
/// Throws if a note names no field.
void check_notes(std::span<const FieldNote> notes, const FieldTable& table);

template <class Owner, class T>
void add_fields(FieldTable& table, const T& example);
/// Options (GRADUS_OPTIONS) that a layer keeps as they are: their fields count as its own.
template <class T>
concept IsOptions = !HasFieldType<T> && requires(const T& value) {
  T::field_names;
  T::field_notes();
  value.tied_fields();
};

template <class T>
struct WholeObject {
  using Type = T;
  static const T& of(const void* object) { return *static_cast<const T*>(object); }
};
/// Member `kIndex` of what Owner finds in an object.
template <class Owner, size_t kIndex>
struct FieldAccess {
  using Holder = typename Owner::Type;
  using Type = std::remove_const_t<typename decltype(fields_tied(std::declval<const Holder&>()))::template Type<kIndex>>;
  static const Type& of(const void* object) { return fields_tied(Owner::of(object)).template get<kIndex>(); }

  static void add_to(FieldTable& table, std::string_view names) {
    if constexpr (HasFieldType<Type>) {
      using Kind = FieldType<Type>;
      FieldRow row{.name = std::string(name_at(names, kIndex)), .is_number = std::same_as<Type, double> || std::same_as<Type, int64_t>};
      row.note = note_of(notes_of<Holder>(), row.name);
      if constexpr (requires { Kind::is_saved; }) row.is_saved = Kind::is_saved;
      row.expected = [](const FieldNote& note, const void* object) { return Kind::expected(note, of(object)); };
      row.write = [](const void* object, FieldWriting& writing) { return Kind::write(of(object), writing); };
      // Members are tied as const where one list serves all uses; the object is not.
      row.read = [](void* object, const Datum& given, const FieldNote& note, FieldReading& reading) {
        return Kind::read(const_cast<Type&>(of(object)), given, note, reading);
      };
      table.push_back(std::move(row));
    } else if constexpr (IsOptions<Type>) {
      add_fields<FieldAccess>(table, Type{});
    }
  }
};
template <class Owner, class T>
void add_fields(FieldTable& table, const T& example) {
  using Tied = decltype(fields_tied(example));
  [&]<size_t... kIndex>(std::index_sequence<kIndex...>) { (FieldAccess<Owner, kIndex>::add_to(table, names_of_fields(example)), ...); }
  (std::make_index_sequence<Tied::kCount>());
  check_notes(notes_of<T>(), table);
}

/// The fields of T: what GRADUS_OPTIONS, GRADUS_FIELDS or GRADUS_PARTS names and has a FieldType. `example`: any object of it.
template <class T>
const FieldTable& fields_of(const T& example) {
  static const FieldTable* table = [&] {
    auto* rows = new FieldTable;
    add_fields<WholeObject<T>>(*rows, example);
    return rows;
  }();
  return *table;
}

/// Options of what has none.
struct NoFields {
  GRADUS_FIELDS()
};

/// A type of objects: its fields, and one with all defaults.
struct Described {
  const FieldTable* fields = nullptr;
  const void* defaults = nullptr;
};
template <class T>
Described described() {
  static const T* defaults = new T();
  return {&fields_of(*defaults), defaults};
}

/// A thing by name, with parameters if it has some: "relu", or {name = "leaky_relu", slope = 0.2}.
Datum write_named(std::string_view name, const Datum::Table& parameters);
/// The same read: by the rows of a table, which have read(parameters, reading, keys that were read). False: it is neither a text nor a
/// table.
template <class T, class Row>
bool read_named(T& value, const Datum& given, const Named<Row>& kinds, FieldReading& reading) {
  static const std::string others[] = {"name"};
  if (const std::string* name = given.get_if<std::string>()) {
    value = kinds[*name].read({}, reading, {});
    return true;
  }
  const Datum::Table* table = given.get_if<Datum::Table>();
  if (table) value = kinds[read_name(*table, "name", kinds.names())].read(*table, reading, std::span<const std::string>(others));
  return table;
}

/// The options, if their numbers are in their ranges: `adam: beta_1 is 1.5; it must be at least 0 and below 1`.
template <class T>
T checked(std::string_view op, T options) {
  check_fields(op, fields_of(options), &options);
  return options;
}

}  // namespace gradus::core
