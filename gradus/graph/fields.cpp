// Reading, writing and checking of fields.
#include "gradus/graph/fields.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/array/buffer.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::core {

bool Range::contains(double number) const {
  return std::isfinite(number) && (excludes_low ? number > low : number >= low) && (excludes_high ? number < high : number <= high);
}

std::string Range::rule() const {
  const bool has_low = std::isfinite(low), has_high = std::isfinite(high);
  if (!has_low && !has_high) return "must be finite";
  if (!has_high) return low == 0 && !excludes_low ? "must not be negative" : concat("must be ", excludes_low ? "above " : "at least ", low);
  if (!has_low) return concat("must be ", excludes_high ? "below " : "at most ", high);
  if (!excludes_low && !excludes_high) return concat("must be from ", low, " to ", high);
  if (excludes_low && excludes_high) return concat("must lie between ", low, " and ", high);
  return concat("must be ", excludes_low ? "above " : "at least ", low, " and ", excludes_high ? "below " : "at most ", high);
}

std::string Range::expected(bool is_integer) const {
  const bool has_low = std::isfinite(low), has_high = std::isfinite(high);
  const std::string_view kind = is_integer ? "an integer" : "a number";
  const auto text = [&](double number) { return is_integer ? to_text(static_cast<int64_t>(number)) : to_text(number); };
  if (has_low && has_high)
    return concat(kind, excludes_low ? " above " : " from ", text(low), excludes_high ? " to below " : " to ", text(high));
  if (has_low && is_integer && low == 1) return "a positive integer";
  if (has_low) return concat(kind, excludes_low ? " above " : " of at least ", text(low));
  if (has_high) return concat(kind, excludes_high ? " below " : " of at most ", text(high));
  return std::string(kind);
}

namespace {

template <class T, class Read>
bool read_list(std::vector<T>& value, const Datum& given, const Read& read) {
  std::vector<T> out;
  const auto take = [&](const Datum& entry) {
    T number{};
    if (!read(number, entry)) return false;
    out.push_back(number);
    return true;
  };
  const Datum::List* list = given.get_if<Datum::List>();
  if (!(list ? std::all_of(list->begin(), list->end(), take) : take(given))) return false;
  value = std::move(out);
  return true;
}
template <class T>
Datum list_of(const std::vector<T>& values) {
  return Datum::List(values.begin(), values.end());
}

std::string below(std::string_view name, std::string_view path) {
  return concat(name, path.empty() || path.front() == '[' ? "" : ".", path);
}

std::vector<std::string> known_names(const FieldTable& table, std::span<const std::string> others) {
  std::vector<std::string> known(others.begin(), others.end());
  for (const FieldRow& row : table) known.push_back(row.name);
  return known;
}

// Where a name is missing, one that is given and nearly it is the mistake.
[[noreturn]] void fail_missing(const std::string& missing, const std::string& expected, const Datum::Table& given,
                               const std::vector<std::string>& known) {
  const std::string names[] = {missing};
  for (const auto& [name, value] : given) {
    if (std::find(known.begin(), known.end(), name) != known.end() || nearest(name, names).empty()) continue;
    throw FieldError(name, concat("unknown key; did you mean \"", missing, "\"?"));
  }
  throw FieldError(missing, concat("is missing; it must be ", expected));
}

}  // namespace

bool FieldType<bool>::read(bool& value, const Datum& given, const FieldNote&, FieldReading&) {
  const bool* flag = given.get_if<bool>();
  if (flag) value = *flag;
  return flag;
}
bool FieldType<int64_t>::read(int64_t& value, const Datum& given, const FieldNote& note, FieldReading&) {
  const int64_t* number = given.get_if<int64_t>();
  if (!number || !note.range.contains(static_cast<double>(*number))) return false;
  value = *number;
  return true;
}
bool FieldType<double>::read(double& value, const Datum& given, const FieldNote& note, FieldReading&) {
  if (!given.is_number() || !note.range.contains(given.number())) return false;
  value = given.number();
  return true;
}
bool FieldType<std::string>::read(std::string& value, const Datum& given, const FieldNote&, FieldReading&) {
  const std::string* text = given.get_if<std::string>();
  if (text) value = *text;
  return text;
}
Datum FieldType<std::vector<std::string>>::write(const std::vector<std::string>& value, FieldWriting&) { return list_of(value); }
bool FieldType<std::vector<std::string>>::read(std::vector<std::string>& value, const Datum& given, const FieldNote& note,
                                               FieldReading& reading) {
  if (!given.get_if<Datum::List>()) return false;
  return read_list(value, given,
                   [&](std::string& text, const Datum& entry) { return FieldType<std::string>::read(text, entry, note, reading); });
}
Datum FieldType<std::vector<int64_t>>::write(const std::vector<int64_t>& value, FieldWriting&) { return list_of(value); }
bool FieldType<std::vector<int64_t>>::read(std::vector<int64_t>& value, const Datum& given, const FieldNote& note, FieldReading& reading) {
  return read_list(value, given,
                   [&](int64_t& number, const Datum& entry) { return FieldType<int64_t>::read(number, entry, note, reading); });
}
Datum FieldType<std::vector<double>>::write(const std::vector<double>& value, FieldWriting&) { return list_of(value); }
bool FieldType<std::vector<double>>::read(std::vector<double>& value, const Datum& given, const FieldNote& note, FieldReading& reading) {
  return read_list(value, given, [&](double& number, const Datum& entry) { return FieldType<double>::read(number, entry, note, reading); });
}
bool FieldType<DType>::read(DType& value, const Datum& given, const FieldNote& note, FieldReading&) {
  const std::string* name = given.get_if<std::string>();
  if (!name) return false;
  value = dtype_from_name(*name, note.name);
  return true;
}

Datum FieldType<Array>::write(const Array& value, FieldWriting&) {
  return value.exists() ? Datum(list_of(value.to_vector<double>())) : Datum(Datum::List());
}
bool FieldType<Array>::read(Array& value, const Datum& given, const FieldNote& note, FieldReading& reading) {
  std::vector<double> numbers;
  if (!FieldType<std::vector<double>>::read(numbers, given, note, reading)) return false;
  BufferPtr buffer = allocate(static_cast<int64_t>(numbers.size() * sizeof(float)), "a list of numbers");
  std::transform(numbers.begin(), numbers.end(), reinterpret_cast<float*>(buffer->data()),
                 [](double number) { return static_cast<float>(number); });
  value = make_leaf(std::move(buffer), float32, {static_cast<int64_t>(numbers.size())});
  return true;
}

std::string join_names(std::span<const std::string_view> names) { return join(std::vector<std::string>(names.begin(), names.end())); }
int64_t find_name(std::span<const std::string_view> names, const Datum& given) {
  const std::string* text = given.get_if<std::string>();
  if (!text) return -1;
  const auto at = std::find(names.begin(), names.end(), *text);
  if (at != names.end()) return at - names.begin();
  const std::string near = nearest(*text, std::vector<std::string>(names.begin(), names.end()));
  if (near.empty()) return -1;
  throw FieldError("", concat("\"", *text, "\" is unknown; did you mean \"", near, "\"?"));
}

void assign_fields(const FieldTable& table, void* object, const Datum::Table& given, FieldReading& reading,
                   std::span<const std::string> others) {
  const std::vector<std::string> known = known_names(table, others);
  for (const FieldRow& row : table) {
    const Datum* value = find(given, row.name);
    if (!value && (row.note.is_required || (reading.is_file && row.is_saved)))
      fail_missing(row.name, row.expected_of(object), given, known);
    if (!value) continue;
    bool is_right = false;
    try {
      is_right = row.read(object, *value, row.note, reading);
    } catch (const FieldError& error) {
      throw FieldError(below(row.name, error.place()), error.problem());
    } catch (const Error& error) {
      throw FieldError(row.name, error.problem());
    }
    if (!is_right) throw FieldError(row.name, concat("expected ", row.expected_of(object), ", got ", *value));
  }
}

void read_fields(const FieldTable& table, void* object, const Datum::Table& given, FieldReading& reading,
                 std::span<const std::string> others) {
  assign_fields(table, object, given, reading, others);
  const std::vector<std::string> known = known_names(table, others);
  for (const auto& [name, value] : given) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    if (reading.is_file) throw FieldError(name, "is not known to this version");
    const std::string near = nearest(name, known);
    throw FieldError(name,
                     near.empty() ? concat("unknown key; known here: ", join(known)) : concat("unknown key; did you mean \"", near, "\"?"));
  }
}

std::string read_name(const Datum::Table& given, std::string_view key, const std::vector<std::string>& names) {
  const Datum* value = find(given, key);
  if (!value) fail_missing(std::string(key), concat("one of ", join(names)), given, {});
  const std::string* text = value->get_if<std::string>();
  if (!text) throw FieldError(key, concat("expected a text in quotes, got ", *value));
  if (std::find(names.begin(), names.end(), *text) != names.end()) return *text;
  const std::string near = nearest(*text, names);
  throw FieldError(key, near.empty() ? concat("expected one of ", join(names), ", got ", *value)
                                     : concat("\"", *text, "\" is unknown; did you mean \"", near, "\"?"));
}

Datum::Table write_fields(const FieldTable& table, const void* object, FieldWriting& writing) {
  Datum::Table out;
  for (const FieldRow& row : table) {
    if (!row.is_saved) continue;
    try {
      out.emplace_back(row.name, row.write(object, writing));
    } catch (const FieldError& error) {
      throw FieldError(below(row.name, error.place()), error.problem());
    }
  }
  return out;
}

void check_fields(std::string_view op, const FieldTable& table, const void* object) {
  FieldWriting writing;
  for (const FieldRow& row : table) {
    if (!row.is_number) continue;
    const Datum value = row.write(object, writing);
    const double number = value.number();
    if (row.note.range.contains(number)) continue;
    fail(op, row.name, " is ", value, "; it ",
         number > 0 && std::isinf(number) && std::isinf(row.note.range.high) ? "must be finite" : row.note.range.rule());
  }
}

Datum write_named(std::string_view name, const Datum::Table& parameters) {
  if (parameters.empty()) return name;
  Datum::Table table{{"name", name}};
  table.insert(table.end(), parameters.begin(), parameters.end());
  return table;
}

FieldNote note_of(std::span<const FieldNote> notes, std::string_view name) {
  for (const FieldNote& note : notes) {
    if (note.name == name) return note;
  }
  return {.name = name};
}

void check_notes(std::span<const FieldNote> notes, const FieldTable& table) {
  for (const FieldNote& note : notes) {
    if (std::none_of(table.begin(), table.end(), [&](const FieldRow& row) { return row.name == note.name; })) {
      fail_bug("there is a note on ", note.name, ", and no such field");
    }
  }
}

}  // namespace gradus::core
