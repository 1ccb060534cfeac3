// Delimited text as records of cells.
#include "gradus/data/table/records.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/data/table/text_source.hpp"
#include "gradus/data/text/utf8.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr size_t kBlock = size_t{1} << 20, kLongestRecord = size_t{1} << 26;
constexpr size_t kMostColumns = 1'000'000;

constexpr uint64_t eight(char c) { return 0x0101010101010101u * static_cast<unsigned char>(c); }
// The highest bit of each byte of `word` that is the one of which `wanted` is made.
uint64_t matches(uint64_t word, uint64_t wanted) {
  constexpr uint64_t low = eight(0x7f);
  const uint64_t x = word ^ wanted;
  return ~(((x & low) + low) | x | low);
}

[[noreturn]] void fail_width(const std::string& place) {
  fail_io(place, "the line has more than ", kMostColumns, " cells; no more are read");
}

std::string cells_text(size_t cells) { return concat(cells, cells == 1 ? " cell" : " cells"); }

}  // namespace

std::span<const std::string_view> enum_names(Ragged) {
  static constexpr std::string_view names[] = {"refuse", "skip", "pad"};
  return names;
}

RecordReader::RecordReader(TextSource& source, RecordStyle style, Ragged ragged, int64_t width)
    : source_(source), style_(style), ragged_(ragged), width_(width), text_(kBlock) {}

std::string RecordReader::place_of_line(int64_t line) const { return concat(source_.path(), ":", line); }

// The line of a position at or behind at_, of which line_ is known.
int64_t RecordReader::line_at(size_t position) const {
  return line_ + std::count(text_.begin() + static_cast<std::ptrdiff_t>(at_), text_.begin() + static_cast<std::ptrdiff_t>(position),
                            style_.line_end);
}

void RecordReader::check_text(size_t begin, size_t end) const {
  const char* const text = text_.data() + begin;
  if (const void* zero = std::memchr(text, 0, end - begin)) {
    const auto at = static_cast<size_t>(static_cast<const char*>(zero) - text_.data());
    fail_io(place_of_line(line_at(at)),
            "there is a zero byte in the line; a text file has none (an encoding of two bytes a character must be named)");
  }
  if (const int64_t bad = invalid_utf8(std::string_view(text, end - begin)); bad >= 0) {
    const size_t at = begin + static_cast<size_t>(bad);
    char byte[8];
    std::snprintf(byte, sizeof byte, "0x%02x", static_cast<unsigned>(static_cast<unsigned char>(text_[at])));
    fail_io(place_of_line(line_at(at)), "byte ", byte, " is not UTF-8; name the encoding of the file, here perhaps \"",
            likely_encoding(source_.path()), "\"");
  }
}

// Moves the open record to the front and loads text behind it.
void RecordReader::fill() {
  if (record_begin_ > 0) {
    std::memmove(text_.data(), text_.data() + record_begin_, text_end_ - record_begin_);
    text_end_ -= record_begin_;
  } else if (text_end_ == text_.size()) {
    if (text_.size() >= kLongestRecord) {
      fail_io(place_of_line(record_line_), "the record that begins here is longer than ", kLongestRecord >> 20, " MiB",
              place_ == Place::quoted ? concat("; perhaps the quote that opens in line ", quote_line_, " is never closed") : "");
    }
    text_.resize(2 * text_.size());
  }
  record_begin_ = cell_begin_ = at_ = cells_open_ = 0;
  line_ = record_line_;
  place_ = Place::start;
  // A character that is cut short at the end of what was loaded is checked together with its rest.
  const size_t before = text_end_ - unfinished_utf8(std::string_view(text_.data(), text_end_));
  const auto room = static_cast<int64_t>(text_.size() - text_end_);
  const int64_t got = source_.read_some(text_.data() + text_end_, room);
  text_end_ += static_cast<size_t>(got);
  is_at_end_ = got < room;
  check_text(before, is_at_end_ ? text_end_ : text_end_ - unfinished_utf8(std::string_view(text_.data(), text_end_)));
}

bool RecordReader::next() {
  before_ += size();
  if (!std::exchange(is_prepared_, false)) read_block();
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  std::swap(block_.text, text_);
  std::swap(block_.cells, cells_);
  std::swap(block_.lines, lines_);
  std::swap(block_.firsts, firsts_);
  counts_ = counted_;
  // The record that is open goes on in the other text.
  const size_t left = text_end_ - record_begin_;
  if (text_.size() < block_.text.size()) text_.resize(block_.text.size());
  std::memcpy(text_.data(), block_.text.data() + record_begin_, left);
  text_end_ = left;
  record_begin_ = 0;
  return size() > 0;
}

void RecordReader::prepare() {
  if (is_prepared_) return;
  is_prepared_ = true;
  try {
    read_block();
  } catch (...) {
    error_ = std::current_exception();
  }
}

// Up to the end of a block with a record in it, or of the file.
void RecordReader::read_block() {
  lines_.clear();
  cells_.clear();
  firsts_.assign(1, 0);
  while (lines_.empty()) {
    if (is_at_end_ && record_begin_ == text_end_) return;
    cells_.clear();
    if (!is_at_end_) fill();
    index();
    if (cells_open_ > kMostColumns) fail_width(place_of_line(record_line_));
    if (is_at_end_ && record_begin_ < text_end_) {
      if (place_ == Place::quoted) fail_io(place_of_line(quote_line_), "a quote that opens in this line is never closed");
      if (place_ == Place::comment) ++counted_.comment_lines;
      else end_record(text_end_);
      record_begin_ = text_end_;
    }
  }
  const size_t whole = width_ > 0 ? lines_.size() * static_cast<size_t>(width_) : static_cast<size_t>(firsts_.back());
  cells_.resize(whole);
}

void RecordReader::index() {
  if (style_.comment != '\0' || style_.separator == ' ') {
    index_slowly(text_end_);
    return;
  }
  const uint64_t separator = eight(style_.separator), line_end = eight(style_.line_end), quote = eight('"');
  while (at_ + 8 <= text_end_) {
    if (place_ == Place::quoted) {
      skip_quoted();
      index_slowly(std::min(at_ + 2, text_end_));  // mostly the quote and the separator behind it
      continue;
    }
    uint64_t word;
    std::memcpy(&word, text_.data() + at_, 8);
    if (matches(word, quote) || place_ == Place::after_quote) {
      if (place_ == Place::start || place_ == Place::cell) {
        const auto begin = text_.begin() + static_cast<std::ptrdiff_t>(cell_begin_), end = text_.begin() + static_cast<std::ptrdiff_t>(at_);
        place_ = std::all_of(begin, end, is_blank) ? Place::start : Place::cell;
      }
      index_slowly(at_ + 8);
      continue;
    }
    place_ = Place::cell;
    const size_t base = at_;
    for (uint64_t found = matches(word, separator) | matches(word, line_end); found; found &= found - 1) {
      const size_t position = base + static_cast<size_t>(std::countr_zero(found) >> 3);
      if (text_[position] == style_.separator) end_cell(position, position + 1);
      else end_record(position);
    }
    at_ = base + 8;
  }
  if (place_ == Place::cell) {
    const auto begin = text_.begin() + static_cast<std::ptrdiff_t>(cell_begin_), end = text_.begin() + static_cast<std::ptrdiff_t>(at_);
    if (std::all_of(begin, end, is_blank)) place_ = Place::start;
  }
  index_slowly(text_end_);
}

// Within quotes, up to the next one.
void RecordReader::skip_quoted() {
  const char* const begin = text_.data() + at_;
  const void* quote = std::memchr(begin, '"', text_end_ - at_);
  const char* const end = quote ? static_cast<const char*>(quote) : text_.data() + text_end_;
  if (std::memchr(begin, style_.line_end, static_cast<size_t>(end - begin))) line_ += std::count(begin, end, style_.line_end);
  at_ = static_cast<size_t>(end - text_.data());
}

void RecordReader::index_slowly(size_t end) {
  const bool splits_at_blanks = style_.separator == ' ';
  for (; at_ < end; ++at_) {
    const char c = text_[at_];
    const bool is_separator = splits_at_blanks ? c == ' ' || c == '\t' : c == style_.separator;
    if (place_ == Place::quoted) {
      if (c == '"') place_ = Place::after_quote;
      else if (c == style_.line_end) ++line_;
    } else if (place_ == Place::comment) {
      if (c != style_.line_end) continue;
      ++counted_.comment_lines;
      ++line_;
      record_line_ = line_;
      record_begin_ = cell_begin_ = at_ + 1;
      place_ = Place::start;
    } else if (c == style_.line_end) {
      end_record(at_);
      place_ = Place::start;
    } else if (is_separator) {
      if (splits_at_blanks && place_ == Place::start) {
        cell_begin_ = at_ + 1;
        continue;
      }
      end_cell(at_, at_ + 1);
      place_ = Place::start;
    } else if (place_ == Place::after_quote) {
      if (c == '"') place_ = Place::quoted;
      else if (!is_blank(c))
        fail_io(place_of_line(line_), "\"", std::string_view(&c, 1),
                "\" follows a closing quote; a cell ends there, and a quote in it is doubled");
    } else if (place_ == Place::start) {
      if (c == '"') {
        place_ = Place::quoted;
        quote_line_ = line_;
      } else if (style_.comment != '\0' && c == style_.comment && at_ == record_begin_) {
        place_ = Place::comment;
      } else if (!is_blank(c)) {
        place_ = Place::cell;
      }
    }
  }
}

void RecordReader::end_cell(size_t at, size_t next) {
  cells_.push_back({static_cast<uint32_t>(cell_begin_), static_cast<uint32_t>(at)});
  cell_begin_ = next;
  ++cells_open_;
}

void RecordReader::end_record(size_t at) {
  // Blanks at the end of a line that is split at blanks begin no cell.
  const bool begins_none =
      style_.separator == ' ' && cells_open_ > 0 &&
      std::all_of(text_.begin() + static_cast<std::ptrdiff_t>(cell_begin_), text_.begin() + static_cast<std::ptrdiff_t>(at), is_blank);
  if (!begins_none) end_cell(at, at + 1);
  cell_begin_ = at + 1;
  const size_t cells = cells_open_;
  cells_open_ = 0;
  const auto is_empty = [&] { return std::all_of(text_.begin() + cells_.back().begin, text_.begin() + cells_.back().end, is_blank); };
  if (cells == 1 && is_empty()) {
    cells_.pop_back();
    counted_.empty_lines += at < text_end_;
  } else {
    if (width_ == 0) width_ = static_cast<int64_t>(cells);
    if (cells > kMostColumns) fail_width(place_of_line(record_line_));
    if (width_ == kAnyWidth) firsts_.push_back(static_cast<int64_t>(cells_.size()));
    if (static_cast<int64_t>(cells) != width_ && width_ != kAnyWidth) settle_ragged(cells);
    else lines_.push_back(record_line_);
  }
  ++line_;
  record_line_ = line_;
  record_begin_ = std::min(at + 1, text_end_);
}

void RecordReader::settle_ragged(size_t cells) {
  const auto wanted = static_cast<size_t>(width_);
  if (ragged_ == Ragged::refuse) {
    fail_io(place_of_line(record_line_), "the line has ", cells_text(cells), ", the first one ", wanted,
            "; they must be equal, or ragged be \"skip\" or \"pad\"");
  }
  if (counted_.first_ragged_line == 0) counted_.first_ragged_line = record_line_;
  if (ragged_ == Ragged::skip || cells > wanted) {
    cells_.resize(cells_.size() - cells);
    ++counted_.skipped;
    return;
  }
  const uint32_t end = cells_.back().end;
  cells_.resize(cells_.size() + wanted - cells, {end, end});
  ++counted_.padded;
  lines_.push_back(record_line_);
}

std::string_view RecordReader::unquoted(std::string_view raw, std::string& scratch) {
  std::string_view text = raw.substr(1, raw.size() - 2);
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  if (text.find('"') == std::string_view::npos) return text;
  scratch.clear();
  for (size_t i = 0; i < text.size(); ++i) {
    scratch += text[i];
    if (text[i] == '"') ++i;  // the first of two
  }
  return scratch;
}

}  // namespace gradus::data
