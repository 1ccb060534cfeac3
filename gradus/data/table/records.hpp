// Delimited text as records of cells: quotes, comments and line ends. What cells mean is not decided here.
#pragma once

#include <cstdint>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::data {

class TextSource;

/// How records are written.
struct RecordStyle {
  char separator = ',';  ///< a blank stands for any number of blanks and tabs
  char line_end = '\n';  ///< or '\r'; CR LF is LF with a CR before it
  char comment = '\0';   ///< lines that begin with it are left out; '\0': none
};

/// What becomes of a record with more or fewer cells than the others.
enum class Ragged : uint8_t { refuse, skip, pad };
std::span<const std::string_view> enum_names(Ragged);

/// Reads records block by block. A block holds whole records, all with the same number of cells; empty lines are left out.
class RecordReader {
 public:
  static constexpr int64_t kAnyWidth = -1;
  /// Records have `width` cells; 0: as many as the first; kAnyWidth: each as many as it has.
  RecordReader(TextSource& source, RecordStyle style, Ragged ragged, int64_t width = 0);

  /// Reads the next block; false at the end. Throws naming line (from 1) of a quote that is not closed, of text behind a closing quote, of
  /// a record of another width, of a zero byte, of what is not UTF-8, and of what is longer than 64 MiB.
  bool next();
  /// Reads ahead what next() will give, perhaps in another thread, while cells of the present block are looked at; what is wrong there
  /// next() throws.
  void prepare();

  int64_t width() const { return width_; }
  int64_t width(int64_t record) const {
    return width_ > 0 ? width_ : block_.firsts[static_cast<size_t>(record) + 1] - block_.firsts[static_cast<size_t>(record)];
  }
  /// Records of the present block, and of those before it.
  int64_t size() const { return static_cast<int64_t>(block_.lines.size()); }
  int64_t records_before() const { return before_; }
  /// A cell of the block, without blanks around it, and without quotes where it has some; `scratch` holds what it must be put together in.
  std::string_view cell(int64_t record, int64_t column, std::string& scratch) const {
    const std::string_view raw = raw_cell(record, column);
    return raw.empty() || raw.front() != '"' ? raw : unquoted(raw, scratch);
  }
  /// The same with its quotes.
  std::string_view raw_cell(int64_t record, int64_t column) const {
    const auto at = static_cast<size_t>((width_ > 0 ? record * width_ : block_.firsts[static_cast<size_t>(record)]) + column);
    const char *begin = block_.text.data() + block_.cells[at].begin, *end = block_.text.data() + block_.cells[at].end;
    while (begin != end && is_blank(*begin)) ++begin;
    while (begin != end && is_blank(end[-1])) --end;
    return {begin, static_cast<size_t>(end - begin)};
  }
  /// The line that a record of the block begins in.
  int64_t line(int64_t record) const { return block_.lines[static_cast<size_t>(record)]; }

  /// What was counted up to the end of the present block.
  struct Counts {
    int64_t empty_lines = 0, comment_lines = 0;
    int64_t skipped = 0, padded = 0;  ///< ragged ones that were left out, and short ones that were filled up
    int64_t first_ragged_line = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  enum class Place : uint8_t { start, cell, quoted, after_quote, comment };
  static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
  static std::string_view unquoted(std::string_view raw, std::string& scratch);
  void read_block();
  void fill();
  void index();
  void index_slowly(size_t end);
  void skip_quoted();
  void end_cell(size_t at, size_t next);
  void end_record(size_t at);
  void settle_ragged(size_t cells);
  void check_text(size_t begin, size_t end) const;
  int64_t line_at(size_t position) const;
  std::string place_of_line(int64_t line) const;

  TextSource& source_;
  RecordStyle style_;
  Ragged ragged_;
  int64_t width_, before_ = 0;
  struct Cell {
    uint32_t begin, end;
  };
  struct Block {
    std::vector<char> text{};
    std::vector<Cell> cells{};
    std::vector<int64_t> lines{}, firsts{};  // firsts: of records of any width, where their cells begin, and where the last ones end
  };
  Block block_{};    // that is looked at
  Counts counts_{};  // up to its end
  // From here on of the block that is read.
  std::vector<char> text_{};
  size_t text_end_ = 0;      // of the text that is loaded
  size_t at_ = 0;            // up to here it is indexed
  size_t cell_begin_ = 0;    // of the cell that is open
  size_t record_begin_ = 0;  // of the record that is open
  size_t cells_open_ = 0;    // cells of the open record so far
  Place place_ = Place::start;
  int64_t line_ = 1;  // of at_
  int64_t record_line_ = 1, quote_line_ = 0;
  std::vector<Cell> cells_{};
  std::vector<int64_t> lines_{}, firsts_{};
  bool is_at_end_ = false, is_prepared_ = false;
  std::exception_ptr error_{};
  Counts counted_{};
};

}  // namespace gradus::data
