// One column while its cells come in.
#include "gradus/data/table/column_builder.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/data/table/number_text.hpp"
#include "gradus/data/table/other_tables.hpp"

namespace gradus::data {

using namespace core;

namespace {

// More different words than this, and more than half of the cells: they are kept as texts.
constexpr size_t kFewWords = 20'000;
// A column of up to so many different words is categorical whatever they are.
constexpr size_t kFewCategories = 20;
constexpr double kWordsOfText = 2.5, kLettersOfText = 60;

double words_in(std::string_view text) { return 1.0 + static_cast<double>(std::count(text.begin(), text.end(), ' ')); }
constexpr int kRecentBits = 12;

// Of length, beginning, middle and end; never of more than there is.
size_t few_bits(std::string_view word) {
  uint64_t first = 0, middle = 0, last = 0;
  if (word.size() < 8) {
    std::memcpy(&first, word.data(), word.size());
  } else {
    std::memcpy(&first, word.data(), 8);
    std::memcpy(&middle, word.data() + (word.size() - 8) / 2, 8);
    std::memcpy(&last, word.data() + word.size() - 8, 8);
  }
  return static_cast<size_t>(((first ^ std::rotl(last, 29) ^ std::rotl(middle, 47)) + word.size()) * 0x9E3779B97F4A7C15u >>
                             (64 - kRecentBits));
}

}  // namespace

ColumnBuilder::ColumnBuilder(std::string name, std::optional<ColumnKind> kind, const TableOptions& options, char decimal)
    : name_(std::move(name)), options_(options), decimal_(decimal), has_kind_(kind.has_value()) {
  dates_ = options.date_order;
  for (const std::string& mark : options.missing) {
    double value = 0;
    if (read_number(mark, decimal, value) && std::isfinite(value)) number_marks_.push_back(value);
  }
  if (!kind) return;
  type_ = kind->type;
  order_ = kind->order;
  if (kind->dates) dates_ = kind->dates;
  if (type_ == ColumnType::numeric || (type_ == ColumnType::date && dates_)) return;
  way_ = type_ == ColumnType::text || type_ == ColumnType::image ? Way::texts : Way::words;
  for (const std::string& word : order_) {
    if (!places_.emplace(word, static_cast<int32_t>(words_.size())).second)
      fail(concat("column \"", name_, "\""), "the category \"", word, "\" stands there twice");
    words_.push_back(word);
  }
}

void ColumnBuilder::note_misfit(std::string_view cell, int64_t line, const std::string& path, const char* wanted) {
  const std::string shown = printable(cell, 40);
  if (options_.misfit == Misfit::refuse)
    fail_io(concat(path, ":", line), "column \"", name_, "\": expected ", wanted, ", got \"", shown, "\"");
  if (misfits_++ == 0) {
    first_misfit_line_ = line;
    first_misfit_ = shown;
  }
}

bool ColumnBuilder::add_number(std::string_view cell) {
  double value;
  if (read_number(cell, decimal_, value)) {
    if (std::find(number_marks_.begin(), number_marks_.end(), value) != number_marks_.end()) value = std::nan("");
    else if (cell.size() > 1 && !has_kind_ && is_name(cell)) return false;
  } else if (is_missing_mark(cell, options_)) {
    value = std::nan("");
  } else if (is_missing_number(cell)) {
    value = std::nan("");
    took_number_marks_ = true;
  } else {
    return false;
  }
  numbers_.push_back(value);
  return true;
}

int32_t ColumnBuilder::code_of(std::string_view cell) {
  if (cell.empty() || cell == last_missing_) return -1;
  // Of few rows and a million columns it would be most of the memory.
  if (recent_.empty() && codes_.size() >= size_t{1} << kRecentBits) recent_.assign(size_t{1} << kRecentBits, -1);
  int32_t none = -1;
  int32_t& recent = recent_.empty() ? none : recent_[few_bits(cell)];
  if (recent >= 0 && words_[static_cast<size_t>(recent)] == cell) return recent;
  const auto found = places_.find(cell);
  if (found != places_.end()) return recent = found->second;
  if (is_missing_mark(cell, options_)) {
    last_missing_ = cell;
    return -1;
  }
  recent = static_cast<int32_t>(words_.size());
  words_.emplace_back(cell);
  places_.emplace(std::string(cell), recent);
  return recent;
}

void ColumnBuilder::spell_out() {
  way_ = Way::texts;
  for (const int32_t code : codes_) {
    if (code < 0) texts_.add_missing();
    else texts_.add(words_[static_cast<size_t>(code)]);
  }
  codes_ = {};
  words_ = {};
  places_ = {};
  recent_ = {};
}

void ColumnBuilder::add_word(std::string_view cell) {
  if (way_ == Way::texts) {
    if (is_missing_mark(cell, options_)) texts_.add_missing();
    else texts_.add(cell);
    return;
  }
  codes_.push_back(code_of(cell));
  if (!has_kind_ && words_.size() > kFewWords && 2 * words_.size() > codes_.size()) spell_out();
}

// Whether a text is a date does not depend on the order of day and month: of two numbers up to 12 each may be either.
void ColumnBuilder::add_date(std::string_view cell, int64_t line, const std::string& path) {
  int32_t code = code_of(cell);
  double seconds;
  while (are_dates_.size() < words_.size()) are_dates_.push_back(read_date(words_[are_dates_.size()], DateOrder::month_first, seconds));
  if (code >= 0 && !are_dates_[static_cast<size_t>(code)]) {
    note_misfit(cell, line, path, "a date");
    code = -1;
  }
  codes_.push_back(code);
}

// As a number while all are; then as a word.
void ColumnBuilder::add_freely(std::string_view cell) {
  if (way_ == Way::numbers) {
    if (add_number(cell)) return;
    needs_again_ = took_number_marks_ || !std::all_of(numbers_.begin(), numbers_.end(), [](double x) { return std::isnan(x); });
    way_ = Way::words;
    if (!needs_again_) codes_.assign(numbers_.size(), -1);
    numbers_ = {};
    if (needs_again_) return;
  }
  add_word(cell);
}

void ColumnBuilder::add(std::string_view cell, int64_t line, const std::string& path) {
  if (!has_kind_) {
    add_freely(cell);
  } else if (type_ == ColumnType::numeric) {
    if (add_number(cell)) return;
    note_misfit(cell, line, path, "a number");
    numbers_.push_back(std::nan(""));
  } else if (way_ == Way::numbers) {
    double seconds = std::nan("");
    if (!read_date(cell, *dates_, seconds) && !is_missing_mark(cell, options_)) note_misfit(cell, line, path, "a date");
    numbers_.push_back(seconds);
  } else if (type_ == ColumnType::date) {
    add_date(cell, line, path);
  } else if (!order_.empty()) {
    const auto found = places_.find(cell);
    if (found == places_.end() && !is_missing_mark(cell, options_)) note_misfit(cell, line, path, "one of its categories");
    codes_.push_back(found == places_.end() ? -1 : found->second);
  } else {
    add_word(cell);
    if (type_ != ColumnType::date || word_lines_.size() == words_.size()) return;
    word_lines_.push_back(line);
    path_ = path;
  }
}

void ColumnBuilder::add(const RecordReader& records, int64_t column, const Span& span, const std::string& path) {
  auto left_out = span.left_out.begin();
  for (int64_t record = span.first; record < span.end && !needs_again_; ++record) {
    if (left_out != span.left_out.end() && *left_out == record) ++left_out;
    else add(records.cell(record, column, scratch_), records.line(record), path);
  }
}

void ColumnBuilder::begin_again() {
  needs_again_ = false;
  way_ = Way::words;
  numbers_ = {};
  codes_ = {};
  words_ = {};
  word_lines_ = {};
  places_ = {};
  texts_ = {};
  recent_ = {};
  are_dates_ = {};
}

// False where one is none; where the kind is a date, no row is of such a word.
bool ColumnBuilder::dates_of(DateOrder order, std::vector<double>& seconds) const {
  seconds.clear();
  double value;
  if (way_ == Way::texts) {
    for (int64_t i = 0; i < texts_.size(); ++i) {
      if (!texts_.is_missing(i) && !read_date(texts_[i], order, value)) return false;
      seconds.push_back(texts_.is_missing(i) ? std::nan("") : value);
    }
    return true;
  }
  std::vector<double> by_word;
  for (const std::string& word : words_) {
    const bool is_one = read_date(word, order, value);
    if (!is_one && !has_kind_) return false;
    by_word.push_back(is_one ? value : std::nan(""));
  }
  for (const int32_t code : codes_) seconds.push_back(code < 0 ? std::nan("") : by_word[static_cast<size_t>(code)]);
  return has_kind_ || !words_.empty();
}

namespace {

// Dates in which a number above 12 tells which is the day; the first of each order.
struct SettledDates {
  std::string day_first{}, month_first{};

  void look(std::string_view text) {
    const size_t mark = std::min(text.find_first_of("/.-"), text.size()),
                 second = std::min(text.find_first_of("/.-", mark + 1), text.size());
    double a = 0, b = 0;
    if (mark > 2 || second == text.size() || !read_number(text.substr(0, mark), '.', a) ||
        !read_number(text.substr(mark + 1, second - mark - 1), '.', b))
      return;
    if (a > 12 && day_first.empty()) day_first = text;
    if (b > 12 && month_first.empty()) month_first = text;
  }
};

}  // namespace

bool ColumnBuilder::find_dates(std::vector<double>& seconds, std::vector<std::string>& notes) {
  SettledDates settled;
  if (!dates_) {
    for (const std::string& word : words_) settled.look(word);
    for (int64_t i = 0; i < texts_.size(); ++i) settled.look(texts_[i]);
  }
  const DateOrder order = dates_                                                      ? *dates_
                          : !settled.day_first.empty() && settled.month_first.empty() ? DateOrder::day_first
                                                                                      : DateOrder::month_first;
  if (!dates_of(order, seconds)) return false;
  const bool are_contradictory = !settled.day_first.empty() && !settled.month_first.empty();
  if (are_contradictory) {
    const std::string problem = concat("column \"", name_, "\": \"", printable(settled.day_first, 40), "\" begins with the day, \"",
                                       printable(settled.month_first, 40), "\" with the month; ");
    if (!has_kind_) {
      notes.push_back(problem + "they are read as words, and date_order reads them as dates");
      return false;
    }
    notes.push_back(problem + "dates that may be either are read as month/day; date_order = \"day_first\" reads them the other way");
  }
  std::vector<double> other;
  const auto are_same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  const bool is_settled = !settled.day_first.empty() || !settled.month_first.empty();
  const bool is_open = !dates_ && !is_settled && dates_of(DateOrder::day_first, other) &&
                       !std::equal(seconds.begin(), seconds.end(), other.begin(), are_same);
  if (is_open)
    notes.push_back(concat("column \"", name_, "\": dates are read as month/day; date_order = \"day_first\" reads them the other way"));
  if (is_settled || is_open) dates_ = order;
  return true;
}

ColumnType ColumnBuilder::type_of_words() const {
  double words = 0, letters = 0;
  int64_t count = 0;
  bool are_images = true;
  const auto look = [&](std::string_view text) {
    words += words_in(text);
    letters += static_cast<double>(text.size());
    ++count;
    are_images &= is_image_path(text);
  };
  for (const std::string& word : words_) look(word);
  for (int64_t i = 0; i < texts_.size(); ++i) {
    if (!texts_.is_missing(i)) look(texts_[i]);
  }
  if (count == 0) return ColumnType::categorical;
  if (are_images) return ColumnType::image;
  const double n = static_cast<double>(count);
  const bool is_wordy = words / n >= kWordsOfText || letters / n >= kLettersOfText;
  const bool is_mostly_different = way_ == Way::texts || 2 * words_.size() > codes_.size();
  return is_wordy && is_mostly_different && count > static_cast<int64_t>(kFewCategories) ? ColumnType::text : ColumnType::categorical;
}

Column ColumnBuilder::words_as_codes(ColumnType type) {
  if (way_ == Way::texts) {
    Column out = texts_as_codes(name_, texts_);
    begin_again();
    return out;
  }
  if (!order_.empty()) return Column::coded(name_, type, std::exchange(codes_, {}), order_);
  std::vector<int32_t> order(words_.size()), place(words_.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int32_t a, int32_t b) { return words_[static_cast<size_t>(a)] < words_[static_cast<size_t>(b)]; });
  std::vector<std::string> categories;
  for (size_t i = 0; i < order.size(); ++i) {
    place[static_cast<size_t>(order[i])] = static_cast<int32_t>(i);
    categories.push_back(std::move(words_[static_cast<size_t>(order[i])]));
  }
  for (int32_t& code : codes_) code = code < 0 ? -1 : place[static_cast<size_t>(code)];
  Column out = Column::coded(name_, type, std::move(codes_), std::move(categories));
  codes_ = {};
  words_ = {};
  places_ = {};
  recent_ = {};
  return out;
}

Column ColumnBuilder::take(std::vector<std::string>& notes) {
  if (way_ == Way::numbers) {
    has_kind_ = true;
    std::vector<double> numbers = std::exchange(numbers_, {});
    return type_ == ColumnType::date ? Column::date(name_, std::move(numbers), dates_) : Column::numeric(name_, std::move(numbers));
  }
  std::vector<double> seconds;
  if (!has_kind_) {
    type_ = find_dates(seconds, notes) ? ColumnType::date : type_of_words();
    has_kind_ = true;
  } else if (type_ == ColumnType::date) {
    find_dates(seconds, notes);
  }
  if (type_ == ColumnType::date) {
    begin_again();
    return Column::date(name_, std::move(seconds), dates_);
  }
  if (type_ == ColumnType::text || type_ == ColumnType::image) {
    if (way_ == Way::words) spell_out();
    return Column::text(name_, std::exchange(texts_, {}), type_);
  }
  return words_as_codes(type_);
}

std::optional<std::string> ColumnBuilder::misfits() const {
  if (misfits_ == 0) return {};
  return concat("column \"", name_, "\": ", misfits_, misfits_ == 1 ? " cell is" : " cells are",
                " of another type and taken as missing, the first in line ", first_misfit_line_, ": \"", first_misfit_, "\"");
}

Column build_column(const std::string& name, const CellsInLines& given, const TableOptions& options, std::vector<std::string>& notes) {
  const auto kind = options.types.find(name);
  ColumnBuilder builder(name, kind == options.types.end() ? std::nullopt : std::optional(kind->second), options, '.');
  for (int pass = 0; pass < 2; ++pass) {
    for (int64_t row = 0; row < given.cells.size() && !builder.needs_again(); ++row)
      builder.add(given.cells[row], given.lines[static_cast<size_t>(row)], given.path);
    if (!builder.needs_again()) break;
    builder.begin_again();
  }
  Column out = builder.take(notes);
  if (const auto misfits = builder.misfits()) notes.push_back(*misfits);
  return out;
}

}  // namespace gradus::data
