// Texts as counts of terms.
#include "gradus/preprocess/terms.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/data/text/unicode.hpp"
#include "gradus/data/text/utf8.hpp"
#include "gradus/preprocess/encode.hpp"
#include "gradus/preprocess/numeric.hpp"

namespace gradus::preprocess {

using namespace core;
using data::Column;
using data::ColumnType;

std::span<const std::string_view> enum_names(TermUnit) {
  static constexpr std::string_view names[] = {"word", "character"};
  return names;
}
std::span<const FieldNote> TermsOptions::field_notes() {
  static constexpr Range kUnits{.low = 1, .high = 8};
  static constexpr FieldNote notes[] = {{"columns", "names of the columns; none: all that are texts"},
                                        {"unit", "what terms are made of"},
                                        {"ngram_low", "fewest units in a term", kUnits},
                                        {"ngram_high", "most units in a term", kUnits},
                                        {"most", "terms that are kept, the most frequent ones, or buckets", {.low = 1, .high = 1'000'000}},
                                        {"least_texts", "terms that fewer training texts have are left out", range::positive},
                                        {"idf", "the more texts have a term, the less it weighs"},
                                        {"sublinear", "1 + log(count) in place of the count"},
                                        {"unit_norm", "each text's row to length 1"}};
  return notes;
}

namespace {

TermsOptions checked_options(std::string_view step, TermsOptions options) {
  options = checked(step, std::move(options));
  if (options.ngram_low > options.ngram_high)
    fail(step, "ngram_low is ", options.ngram_low, " and ngram_high ", options.ngram_high, "; it must not be above it");
  return options;
}

// Words or characters of a text in lower case.
std::vector<std::string> units_of(std::string_view text, TermUnit unit) {
  std::string lower;
  const std::string valid = data::invalid_utf8(text) < 0 ? std::string(text) : data::replace_invalid_utf8(text);
  for (size_t at = 0; at < valid.size();)
    data::lower_case(data::next_code_point(valid, at), [&](char32_t c) { data::append_code_point(lower, c); });
  std::vector<std::string> out;
  std::string word;
  int64_t letters = 0;
  const auto end_word = [&] {
    if (letters >= 2) out.push_back(word);
    word.clear();
    letters = 0;
  };
  for (size_t at = 0; at < lower.size();) {
    const size_t begin = at;
    const char32_t c = data::next_code_point(lower, at);
    const std::string_view bytes = std::string_view(lower).substr(begin, at - begin);
    if (unit == TermUnit::character) {
      // White space counts as one blank.
      const bool is_blank = data::is_space(c);
      if (!is_blank || out.empty() || out.back() != " ") out.emplace_back(is_blank ? " " : bytes);
    } else if (data::is_chinese(c)) {
      end_word();
      out.emplace_back(bytes);
    } else if (data::is_any(c, data::kWord)) {
      word += bytes;
      ++letters;
    } else {
      end_word();
    }
  }
  end_word();
  return out;
}

// Calls f(term) for each term of a text.
template <class F>
void for_each_term(std::string_view text, const TermsOptions& options, const F& f) {
  const std::vector<std::string> units = units_of(text, options.unit);
  for (int64_t n = options.ngram_low; n <= options.ngram_high; ++n) {
    for (size_t begin = 0; begin + static_cast<size_t>(n) <= units.size(); ++begin) {
      std::string term = units[begin];
      for (size_t i = 1; i < static_cast<size_t>(n); ++i) term += (options.unit == TermUnit::word ? " " : "") + units[begin + i];
      f(term);
    }
  }
}

double idf(int64_t texts, int64_t with) { return std::log((1.0 + static_cast<double>(texts)) / (1.0 + static_cast<double>(with))) + 1; }

// The weights of one text by place: counts, damped, times the weights of terms, to length one.
void weigh(std::map<size_t, double>& counts, const std::vector<double>& weights, const TermsOptions& options) {
  double squares = 0;
  for (auto& [place, count] : counts) {
    if (options.sublinear && count != 0) count = std::copysign(1 + std::log(std::fabs(count)), count);
    if (options.idf) count *= weights[place];
    squares += count * count;
  }
  if (!options.unit_norm || squares == 0) return;
  for (auto& [place, count] : counts) count /= std::sqrt(squares);
}

std::vector<std::string> text_columns(std::string_view step, const Frame& frame, const std::vector<std::string>& named) {
  return chosen_columns(step, frame, named, {ColumnType::text});
}

// The frame without the texts, and with `width` columns for each, whose values `row_of(column, text)` gives by place.
template <class RowOf, class NameOf>
Frame replaced_texts(std::string_view step, const Frame& frame, const std::vector<std::string>& columns, const auto& width_of,
                     const RowOf& row_of, const NameOf& name_of) {
  const std::vector<size_t> places = places_of(step, frame, columns);
  Frame out = without(frame, places);
  for (size_t i = 0; i < places.size(); ++i) {
    const Column& column = frame[places[i]].column;
    const auto rows = static_cast<size_t>(column.size());
    std::vector<std::vector<double>> values(width_of(i), std::vector<double>(rows, 0.0));
    for (size_t row = 0; row < rows; ++row) {
      if (column.is_missing(static_cast<int64_t>(row))) continue;
      for (const auto& [place, weight] : row_of(i, column.texts()[static_cast<int64_t>(row)])) values[place][row] = weight;
    }
    for (size_t k = 0; k < values.size(); ++k)
      out.push_back({Column::numeric(name_of(i, k), std::move(values[k])), frame[places[i]].origin});
  }
  return out;
}

}  // namespace

Terms::Terms(TermsOptions given) : options(checked_options(kName, std::move(given))) {}

void Terms::learn(const Frame& frame, const Learning&) {
  state = {text_columns(kName, frame, options.columns), {}, {}};
  for (const size_t place : places_of(kName, frame, state.columns)) {
    struct Count {
      int64_t all = 0, texts = 0, last = -1;
    };
    std::unordered_map<std::string, Count> counts;
    const Column& column = frame[place].column;
    for (int64_t row = 0; row < column.size(); ++row) {
      if (column.is_missing(row)) continue;
      for_each_term(column.texts()[row], options, [&](const std::string& term) {
        Count& count = counts[term];
        ++count.all;
        count.texts += count.last != row;
        count.last = row;
      });
    }
    std::vector<std::pair<std::string, Count>> kept;
    for (auto& [term, count] : counts) {
      if (count.texts >= options.least_texts) kept.emplace_back(term, count);
    }
    // The most frequent ones, of several those first in the order of their bytes.
    std::sort(kept.begin(), kept.end(),
              [](const auto& a, const auto& b) { return a.second.all != b.second.all ? a.second.all > b.second.all : a.first < b.first; });
    if (static_cast<int64_t>(kept.size()) > options.most) kept.resize(static_cast<size_t>(options.most));
    std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    state.terms.emplace_back();
    state.weights.emplace_back();
    for (const auto& [term, count] : kept) {
      state.terms.back().push_back(term);
      state.weights.back().push_back(idf(column.size(), count.texts));
    }
  }
}

Frame Terms::apply(const Frame& frame, Treatments&) const {
  std::vector<std::unordered_map<std::string_view, size_t>> places(state.columns.size());
  for (size_t i = 0; i < places.size(); ++i) {
    for (size_t k = 0; k < state.terms[i].size(); ++k) places[i].emplace(state.terms[i][k], k);
  }
  const auto row_of = [&](size_t i, std::string_view text) {
    std::map<size_t, double> counts;
    for_each_term(text, options, [&](const std::string& term) {
      const auto found = places[i].find(term);
      if (found != places[i].end()) ++counts[found->second];
    });
    weigh(counts, state.weights[i], options);
    return counts;
  };
  return replaced_texts(
      kName, frame, state.columns, [&](size_t i) { return state.terms[i].size(); }, row_of,
      [&](size_t i, size_t k) { return state.columns[i] + ":" + state.terms[i][k]; });
}
void Terms::check() const {
  check_sizes(kName, state.columns.size(), {state.terms.size(), state.weights.size()});
  for (size_t i = 0; i < state.terms.size(); ++i) check_sizes(kName, state.terms[i].size(), {state.weights[i].size()});
}

HashedTerms::HashedTerms(TermsOptions given) : options(checked_options(kName, std::move(given))) {}

namespace {

std::map<size_t, double> hashed_counts(std::string_view text, const TermsOptions& options) {
  std::map<size_t, double> counts;
  for_each_term(text, options, [&](const std::string& term) {
    const auto hash = static_cast<int32_t>(murmur_hash(term));
    counts[static_cast<size_t>(std::abs(static_cast<int64_t>(hash))) % static_cast<size_t>(options.most)] += hash < 0 ? -1 : 1;
  });
  std::erase_if(counts, [](const auto& each) { return each.second == 0; });
  return counts;
}

}  // namespace

void HashedTerms::learn(const Frame& frame, const Learning&) {
  state = {text_columns(kName, frame, options.columns), {}};
  for (const size_t place : places_of(kName, frame, state.columns)) {
    const Column& column = frame[place].column;
    std::vector<int64_t> texts(static_cast<size_t>(options.most), 0);
    for (int64_t row = 0; row < column.size(); ++row) {
      if (column.is_missing(row)) continue;
      for (const auto& [bucket, count] : hashed_counts(column.texts()[row], options)) ++texts[bucket];
    }
    std::vector<double>& weights = state.weights.emplace_back();
    for (const int64_t with : texts) weights.push_back(idf(column.size(), with));
  }
}
Frame HashedTerms::apply(const Frame& frame, Treatments&) const {
  const auto row_of = [&](size_t i, std::string_view text) {
    std::map<size_t, double> counts = hashed_counts(text, options);
    weigh(counts, state.weights[i], options);
    return counts;
  };
  return replaced_texts(
      kName, frame, state.columns, [&](size_t) { return static_cast<size_t>(options.most); }, row_of,
      [&](size_t i, size_t k) { return concat(state.columns[i], ":hash_", k); });
}
void HashedTerms::check() const {
  check_sizes(kName, state.columns.size(), {state.weights.size()});
  for (const auto& weights : state.weights) check_sizes(kName, static_cast<size_t>(options.most), {weights.size()});
}

}  // namespace gradus::preprocess
