// One column while its cells come in. Not for users.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "gradus/data/table/dialect.hpp"
#include "gradus/data/table/records.hpp"
#include "gradus/data/table/table.hpp"

namespace gradus::data {

/// Collects the cells of one column. Without a kind it takes them as numbers as long as all are; the first that is none makes it words,
/// and where it has dropped numbers by then, needs_again() says that the cells must be given again from the first one.
class ColumnBuilder {
 public:
  ColumnBuilder(std::string name, std::optional<ColumnKind> kind, const TableOptions& options, char decimal);

  /// The cells of records `first` .. end-1 of a block but for those that are left out. Throws naming the line where one does not fit the
  /// kind.
  struct Span {
    int64_t first = 0, end = 0;
    std::vector<int64_t> left_out{};  ///< in order
  };
  void add(const RecordReader& records, int64_t column, const Span& span, const std::string& path);
  /// One cell, of that line of the file.
  void add(std::string_view cell, int64_t line, const std::string& path);

  bool needs_again() const { return needs_again_; }
  /// Begins again, as words.
  void begin_again();
  /// The column so far, and then nothing; the type of the kind, or that which the cells have.
  Column take(std::vector<std::string>& notes);
  /// What it has become: for the next piece of the same file.
  ColumnKind kind() const { return {type_, order_, dates_}; }
  /// How many cells so far are of another type and taken as missing, in words; nothing where none is.
  std::optional<std::string> misfits() const;

 private:
  enum class Way : uint8_t { numbers, words, texts };  // words: each different one once
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  bool add_number(std::string_view cell);
  void add_freely(std::string_view cell);
  void add_word(std::string_view cell);
  int32_t code_of(std::string_view cell);
  void spell_out();
  void add_date(std::string_view cell, int64_t line, const std::string& path);
  bool dates_of(DateOrder order, std::vector<double>& seconds) const;
  bool find_dates(std::vector<double>& seconds, std::vector<std::string>& notes);
  ColumnType type_of_words() const;
  Column words_as_codes(ColumnType type);
  void note_misfit(std::string_view cell, int64_t line, const std::string& path, const char* wanted);

  std::string name_;
  const TableOptions& options_;
  char decimal_;
  bool has_kind_, needs_again_ = false, took_number_marks_ = false;
  ColumnType type_ = ColumnType::numeric;
  std::vector<std::string> order_{};
  std::optional<DateOrder> dates_{};
  Way way_ = Way::numbers;
  std::vector<double> numbers_{};
  std::vector<int32_t> codes_{};
  std::vector<std::string> words_{};
  std::vector<int64_t> word_lines_{};  // of dates, the line in which each word came first
  std::string path_{};
  std::unordered_map<std::string, int32_t, Hash, std::equal_to<>> places_{};
  Texts texts_{};
  std::vector<int32_t> recent_{};       // codes by a few bits of their words; -1: none
  std::string last_missing_{};          // the mark that came last
  std::vector<double> number_marks_{};  // marks of missing values that are numbers: -999
  std::vector<bool> are_dates_{};       // of words_, where the kind is a date
  int64_t misfits_ = 0, first_misfit_line_ = 0;
  std::string first_misfit_{}, scratch_{};
};

/// A categorical column of texts most of which differ; empty ones are missing.
Column texts_as_codes(const std::string& name, const Texts& texts);

/// A column of cells that are all there; `lines` are those that they stand in, for errors.
struct CellsInLines {
  const Texts& cells;
  std::span<const int64_t> lines;
  const std::string& path;
};
Column build_column(const std::string& name, const CellsInLines& given, const TableOptions& options, std::vector<std::string>& notes);

}  // namespace gradus::data
