// Categories as columns of zeros and ones, as places, as codes, in buckets.
#include "gradus/preprocess/encode.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/preprocess/categories.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;

namespace {

constexpr FieldNote kColumns{"columns", "names of the columns; none: all that are categorical or ordinal when it is its turn"};
constexpr std::string_view kUnknown = "of no known category, and taken as none of them";

std::vector<std::string> coded_columns(std::string_view step, const Frame& frame, const std::vector<std::string>& named) {
  return chosen_columns(step, frame, named, {ColumnType::categorical, ColumnType::ordinal});
}

// What a column of codes becomes, value by value: of the place of a known category, of an unknown one (-1), of a missing one (-2).
template <class F>
std::vector<double> looked_up(const Column& column, const std::vector<int64_t>& places, const F& value_of) {
  std::vector<double> out;
  out.reserve(static_cast<size_t>(column.size()));
  for (const int32_t code : column.codes()) out.push_back(value_of(code < 0 ? -2 : places[static_cast<size_t>(code)]));
  return out;
}

// "other", in brackets where that is a category.
std::string name_beside(const std::vector<std::string>& known, std::string name) {
  while (std::find(known.begin(), known.end(), name) != known.end()) name = "(" + name + ")";
  return name;
}

// Categories that training rows have, in their order.
KnownCategories known_categories(std::string_view step, const Frame& frame, const std::vector<std::string>& columns, int64_t least) {
  KnownCategories out{columns, {}};
  for (const size_t place : places_of(step, frame, columns)) {
    const Column& column = frame[place].column;
    const std::vector<int64_t> counts = counts_of(column);
    std::vector<std::string>& kept = out.categories.emplace_back();
    for (size_t i = 0; i < counts.size(); ++i) {
      // The order of an ordinal column is known whether or not its rows have all of it.
      if (counts[i] >= least || (column.type() == ColumnType::ordinal && least <= 1)) kept.push_back(column.categories()[i]);
    }
  }
  return out;
}

}  // namespace

std::span<const FieldNote> OneHotOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      kColumns,
      {"least", "categories that fewer training rows have are one column together", range::positive},
      {"most", "so many categories have a column of their own, the most frequent ones; 0: all", range::not_negative},
      {"drop_binary", "of two categories one column, for the second"},
      {"missing", "a column for missing values where training has some; else they are zeros throughout"}};
  return notes;
}
OneHot::OneHot(OneHotOptions given) : options(checked(kName, std::move(given))) {}

void OneHot::learn(const Frame& frame, const Learning&) {
  state = {coded_columns(kName, frame, options.columns), {}, {}, {}};
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const Column& column = frame[place].column;
    const std::vector<int64_t> counts = counts_of(column);
    std::vector<size_t> kept;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] >= std::max<int64_t>(options.least, 1)) kept.push_back(i);
    }
    if (options.most > 0 && static_cast<int64_t>(kept.size()) > options.most) {
      std::stable_sort(kept.begin(), kept.end(), [&](size_t a, size_t b) { return counts[a] > counts[b]; });
      kept.resize(static_cast<size_t>(options.most));
      std::sort(kept.begin(), kept.end());
    }
    int64_t rows = std::accumulate(counts.begin(), counts.end(), int64_t{0}), missing = column.size() - rows;
    for (const size_t i : kept) rows -= counts[i];
    std::vector<std::string>& categories = state.categories.emplace_back();
    for (const size_t i : kept) categories.push_back(column.categories()[i]);
    state.has_other.push_back(rows > 0);
    state.has_missing.push_back(options.missing && missing > 0);
  }
}

Frame OneHot::apply(const Frame& frame, Treatments& treatments) const {
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  Frame out = without(frame, places);
  for (size_t i = 0; i < places.size(); ++i) {
    const Column& column = frame[places[i]].column;
    const std::vector<std::string>& known = state.categories[i];
    const std::vector<int64_t> among = places_among(column, known);
    if (!state.has_other[i]) count_unknown(column, among, kUnknown, treatments);
    const bool drops_first = options.drop_binary && known.size() == 2 && !state.has_other[i] && !state.has_missing[i];
    const auto width = known.size() + static_cast<size_t>(state.has_other[i] + state.has_missing[i]);
    std::vector<std::vector<double>> flags(width, std::vector<double>(static_cast<size_t>(column.size()), 0.0));
    const std::span<const int32_t> codes = column.codes();
    for (size_t row = 0; row < codes.size(); ++row) {
      const int64_t at = codes[row] < 0 ? -2 : among[static_cast<size_t>(codes[row])];
      if (at >= 0) flags[static_cast<size_t>(at)][row] = 1;
      else if (at == -1 && state.has_other[i]) flags[known.size()][row] = 1;
      else if (at == -2 && state.has_missing[i]) flags[width - 1][row] = 1;
    }
    for (size_t k = drops_first; k < width; ++k) {
      const std::string value =
          k < known.size() ? known[k] : name_beside(known, k == known.size() && state.has_other[i] ? "other" : "missing");
      out.push_back({Column::numeric(column.name() + "=" + value, std::move(flags[k])), frame[places[i]].origin});
    }
  }
  return out;
}
void OneHot::check() const {
  check_sizes(kName, state.columns.size(), {state.categories.size(), state.has_other.size(), state.has_missing.size()});
  for (size_t i = 0; i < state.has_other.size(); ++i) {
    if ((state.has_other[i] | state.has_missing[i]) & ~int64_t{1}) fail(kName, "its state has a flag that is neither 0 nor 1");
  }
}

std::span<const FieldNote> OrdinalOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"columns", "names of the columns; none: all that are ordinal"},
                                        {"unknown", "what a category that training did not have becomes"}};
  return notes;
}
void Ordinal::learn(const Frame& frame, const Learning&) {
  const auto columns =
      options.columns.empty() ? chosen_columns(kName, frame, {}, {ColumnType::ordinal}) : coded_columns(kName, frame, options.columns);
  state = known_categories(kName, frame, columns, 1);
}
Frame Ordinal::apply(const Frame& frame, Treatments& treatments) const {
  Frame out = frame;
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  for (size_t i = 0; i < places.size(); ++i) {
    const Column& column = frame[places[i]].column;
    const std::vector<int64_t> among = places_among(column, state.categories[i]);
    count_unknown(column, among, concat("of no known category, and become ", options.unknown), treatments);
    const auto value = [&](int64_t at) { return at >= 0 ? static_cast<double>(at) : at == -1 ? options.unknown : std::nan(""); };
    out[places[i]].column = Column::numeric(column.name(), looked_up(column, among, value));
  }
  return out;
}
void Ordinal::check() const { check_sizes(kName, state.columns.size(), {state.categories.size()}); }

std::span<const FieldNote> CodesOptions::field_notes() {
  static constexpr FieldNote notes[] = {kColumns, {"least", "categories that fewer training rows have count as unknown", range::positive}};
  return notes;
}
Codes::Codes(CodesOptions given) : options(checked(kName, std::move(given))) {}
void Codes::learn(const Frame& frame, const Learning&) {
  state = known_categories(kName, frame, coded_columns(kName, frame, options.columns), options.least);
}
Frame Codes::apply(const Frame& frame, Treatments& treatments) const {
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  Frame out = without(frame, places);
  for (size_t i = 0; i < places.size(); ++i) {
    const Column& column = frame[places[i]].column;
    const std::vector<int64_t> among = places_among(column, state.categories[i]);
    count_unknown(column, among, "of no known category, and become code 0", treatments);
    const auto value = [](int64_t at) { return static_cast<double>(std::max<int64_t>(at, -1) + 1); };
    out.push_back({Column::numeric(column.name(), looked_up(column, among, value)), frame[places[i]].origin});
  }
  return out;
}
void Codes::check() const { check_sizes(kName, state.columns.size(), {state.categories.size()}); }

uint32_t murmur_hash(std::string_view text, uint32_t seed) {
  const auto mixed = [](uint32_t k) {
    k *= 0xcc9e2d51u;
    k = k << 15 | k >> 17;
    return k * 0x1b873593u;
  };
  uint32_t hash = seed;
  size_t at = 0;
  for (; at + 4 <= text.size(); at += 4) {
    uint32_t word;
    std::memcpy(&word, text.data() + at, 4);
    hash ^= mixed(word);
    hash = hash << 13 | hash >> 19;
    hash = hash * 5 + 0xe6546b64u;
  }
  uint32_t rest = 0;
  for (size_t i = text.size(); i > at; --i) rest = rest << 8 | static_cast<unsigned char>(text[i - 1]);
  if (at < text.size()) hash ^= mixed(rest);
  hash ^= static_cast<uint32_t>(text.size());
  hash = (hash ^ hash >> 16) * 0x85ebca6bu;
  hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
  return hash ^ hash >> 16;
}

std::span<const FieldNote> HashingOptions::field_notes() {
  static constexpr FieldNote notes[] = {kColumns,
                                        {"buckets", "columns that come out of it", {.low = 1, .high = 1'000'000}},
                                        {"alternate_sign", "1 or -1 by the hash, so that categories that meet cancel out in the mean"}};
  return notes;
}
Hashing::Hashing(HashingOptions given) : options(checked(kName, std::move(given))) {}
void Hashing::learn(const Frame& frame, const Learning&) { state = {coded_columns(kName, frame, options.columns)}; }
Frame Hashing::apply(const Frame& frame, Treatments&) const {
  const std::vector<size_t> places = places_of(kName, frame, state.columns);
  if (places.empty()) return frame;
  Frame out = without(frame, places);
  const auto rows = static_cast<size_t>(rows_of(frame)), buckets = static_cast<size_t>(options.buckets);
  std::vector<std::vector<double>> values(buckets, std::vector<double>(rows, 0.0));
  for (const size_t place : places) {
    const Column& column = frame[place].column;
    std::vector<std::pair<size_t, double>> by_code;
    for (const std::string& category : column.categories()) {
      const auto hash = static_cast<int32_t>(murmur_hash(column.name() + "=" + category));
      const auto size = static_cast<size_t>(std::abs(static_cast<int64_t>(hash)));
      by_code.emplace_back(size % buckets, options.alternate_sign && hash < 0 ? -1.0 : 1.0);
    }
    const std::span<const int32_t> codes = column.codes();
    for (size_t row = 0; row < rows; ++row) {
      if (codes[row] >= 0) values[by_code[static_cast<size_t>(codes[row])].first][row] += by_code[static_cast<size_t>(codes[row])].second;
    }
  }
  for (size_t i = 0; i < buckets; ++i) out.push_back({Column::numeric(concat("hash_", i), std::move(values[i])), ""});
  return out;
}

}  // namespace gradus::preprocess
