// Columns of tables: a name, a type, and values some of which may be missing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/data/table/date_text.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::data {

/// What the values of a column are.
///
///     numeric      numbers; nan is missing
///     categorical  one of some names, in no order
///     ordinal      one of some names, from the least to the greatest
///     text         words
///     date         moments, in seconds since 1970-01-01 00:00 UTC; nan is missing
///     image        paths of image files
enum class ColumnType : uint8_t { numeric, categorical, ordinal, text, date, image };
std::span<const std::string_view> enum_names(ColumnType);
std::string_view name_of(ColumnType type);

/// Texts one behind the other in one piece of memory; each may be missing.
class Texts {
 public:
  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  std::string_view operator[](int64_t i) const {
    const int64_t begin = i == 0 ? 0 : ends_[static_cast<size_t>(i - 1)];
    return std::string_view(bytes_).substr(static_cast<size_t>(begin), static_cast<size_t>(ends_[static_cast<size_t>(i)] - begin));
  }
  bool is_missing(int64_t i) const { return missing_[static_cast<size_t>(i)]; }
  void add(std::string_view text) { add(text, false); }
  void add_missing() { add({}, true); }

 private:
  void add(std::string_view text, bool is_missing) {
    bytes_ += text;
    ends_.push_back(static_cast<int64_t>(bytes_.size()));
    missing_.push_back(is_missing);
  }
  std::string bytes_{};
  std::vector<int64_t> ends_{};
  std::vector<bool> missing_{};
};

/// One column. A value: copies share the memory, which nobody changes.
///
///   data::Column::numeric("age", {31, std::nan(""), 47})
///   data::Column::categorical("colour", {"red", "blue", "red"})   // categories in the order of their bytes: blue, red
class Column {
 public:
  Column() = default;
  static Column numeric(std::string name, std::vector<double> values);
  /// `order` is how their texts were meant, where that made a difference.
  static Column date(std::string name, std::vector<double> seconds, std::optional<DateOrder> order = {});
  /// Texts; empty ones are missing.
  static Column categorical(std::string name, const std::vector<std::string>& texts);
  /// Texts that are among `order`, from the least to the greatest; empty ones are missing. Throws naming the first other one.
  static Column ordinal(std::string name, const std::vector<std::string>& texts, std::vector<std::string> order);
  static Column text(std::string name, const std::vector<std::string>& texts);
  static Column text(std::string name, Texts texts, ColumnType type = ColumnType::text);
  /// By places in `categories`; -1 is missing. Throws for another place, and for a category twice.
  static Column coded(std::string name, ColumnType type, std::vector<int32_t> codes, std::vector<std::string> categories);

  const std::string& name() const { return name_; }
  ColumnType type() const { return type_; }
  int64_t size() const { return size_; }
  bool is_coded() const { return type_ == ColumnType::categorical || type_ == ColumnType::ordinal; }
  bool has_numbers() const { return type_ == ColumnType::numeric || type_ == ColumnType::date; }
  bool is_missing(int64_t row) const;
  int64_t missing() const;

  /// Of numeric and date columns; throws for others.
  std::span<const double> numbers() const;
  /// Of dates, how 3/4/2024 was meant in their texts; nothing where none could be read in two ways.
  std::optional<DateOrder> date_order() const;
  /// Of categorical and ordinal ones: places in categories(), -1 where missing; throws for others.
  std::span<const int32_t> codes() const;
  const std::vector<std::string>& categories() const;
  /// Of text and image columns; throws for others.
  const Texts& texts() const;

  /// A value as it would be written: "31", "red", "2024-02-29"; "" where missing.
  std::string cell(int64_t row) const;

  /// The same values under another name; some of the rows, which may repeat.
  Column renamed(std::string name) const;
  Column take(std::span<const int64_t> rows) const;
  /// As another type. numeric to categorical by the texts of numbers; texts and categories to one another, to numbers and to dates; throws
  /// naming row and value of what does not fit.
  Column as(ColumnType type) const;

 private:
  struct Values;
  Column(std::string name, ColumnType type, int64_t size, std::shared_ptr<const Values> values);
  [[noreturn]] void fail_type(const char* wanted) const;

  std::string name_{};
  ColumnType type_ = ColumnType::numeric;
  int64_t size_ = 0;
  std::shared_ptr<const Values> values_{};
};

}  // namespace gradus::data
