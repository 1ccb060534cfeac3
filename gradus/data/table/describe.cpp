// Summaries of columns.
#include "gradus/data/table/describe.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <tuple>

#include "gradus/base/error.hpp"
#include "gradus/base/hash.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/data/table/date_text.hpp"
#include "gradus/data/table/relations.hpp"
#include "gradus/data/text/utf8.hpp"

namespace gradus::data {

using namespace core;

std::span<const std::string_view> enum_names(Measure) {
  static constexpr std::string_view names[] = {"correlation", "cramer", "ratio"};
  return names;
}

namespace {

// Runs of equal values: where each begins, and how long it is.
struct Run {
  size_t first = 0;
  int64_t count = 0;
};
template <class Same>
std::vector<Run> runs_of(size_t size, const Same& same) {
  std::vector<Run> out;
  for (size_t i = 0; i < size; ++i) {
    if (i == 0 || !same(i - 1, i)) out.push_back({i, 0});
    ++out.back().count;
  }
  return out;
}

// The `most` longest runs, of two as long the first one.
std::vector<Run> longest(std::vector<Run> runs, int64_t most) {
  const auto count = std::min(runs.size(), static_cast<size_t>(std::max<int64_t>(most, 0)));
  const auto end = runs.begin() + static_cast<std::ptrdiff_t>(count);
  std::partial_sort(runs.begin(), end, runs.end(),
                    [](const Run& a, const Run& b) { return a.count != b.count ? a.count > b.count : a.first < b.first; });
  runs.resize(count);
  return runs;
}

double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const double low = sorted[below], high = sorted[std::min(below + 1, sorted.size() - 1)], part = place - static_cast<double>(below);
  return part == 0 || low == high ? low : low * (1 - part) + high * part;
}

Histogram histogram_of(const std::vector<double>& sorted, int64_t bins) {
  Histogram out{sorted.front(), sorted.back(), {}};
  const double width = out.high - out.low;
  if (!std::isfinite(width)) return out;
  const auto is_whole = [](double x) { return x == std::floor(x); };
  if (width < static_cast<double>(bins) && std::all_of(sorted.begin(), sorted.end(), is_whole)) {
    bins = static_cast<int64_t>(width) + 1;
    out.low -= 0.5;
    out.high += 0.5;
  } else if (width == 0) {
    out.counts = {static_cast<int64_t>(sorted.size())};
    return out;
  }
  const double step = (out.high - out.low) / static_cast<double>(bins);
  auto from = sorted.begin();
  for (int64_t i = 1; i <= bins; ++i) {
    const auto to = i == bins ? sorted.end() : std::lower_bound(from, sorted.end(), out.low + static_cast<double>(i) * step);
    out.counts.push_back(to - from);
    from = to;
  }
  return out;
}

// Numbers of a summary from its finite values in order.
void summarise(const std::vector<double>& sorted, int64_t bins, ColumnSummary& out) {
  if (sorted.empty()) return;
  const auto count = static_cast<double>(sorted.size());
  out.minimum = sorted.front();
  out.lower_quartile = quantile(sorted, 0.25);
  out.median = quantile(sorted, 0.5);
  out.upper_quartile = quantile(sorted, 0.75);
  out.maximum = sorted.back();
  // Near the end of float64 sums and squares overflow: then in units of the largest number.
  const double largest = std::max(std::abs(out.minimum), std::abs(out.maximum)), unit = largest > 1e140 ? largest : 1;
  double sum = 0, squares = 0, rest = 0;
  for (const double x : sorted) sum += x / unit;
  const double mean = sum / count;
  for (const double x : sorted) {
    const double off = x / unit - mean;
    rest += off;
    squares += off * off;
  }
  out.mean = (mean + rest / count) * unit;
  if (sorted.size() > 1) out.deviation = std::sqrt(std::max(squares - rest * rest / count, 0.0) / (count - 1)) * unit;
  out.histogram = histogram_of(sorted, bins);
}

void summarise_numbers(const Column& column, const DescribeOptions& options, ColumnSummary& out) {
  std::vector<double> all;
  for (const double x : column.numbers()) {
    if (!std::isnan(x)) all.push_back(x == 0 ? 0.0 : x);
  }
  out.missing = out.rows - static_cast<int64_t>(all.size());
  std::sort(all.begin(), all.end());
  const std::vector<Run> runs = runs_of(all.size(), [&](size_t a, size_t b) { return all[a] == all[b]; });
  out.distinct = static_cast<int64_t>(runs.size());
  for (const Run& run : longest(runs, options.frequent)) {
    const double value = all[run.first];
    out.frequent.push_back({column.type() == ColumnType::date ? date_text(value) : core::to_text(value), run.count});
  }
  const auto is_infinite = [](double x) { return std::isinf(x); };
  out.infinite = std::count_if(all.begin(), all.end(), is_infinite);
  if (out.infinite > 0) all.erase(std::remove_if(all.begin(), all.end(), is_infinite), all.end());
  summarise(all, options.bins, out);
}

void summarise_codes(const Column& column, const DescribeOptions& options, ColumnSummary& out) {
  const std::vector<std::string>& categories = column.categories();
  std::vector<Run> counts(categories.size());
  for (size_t i = 0; i < counts.size(); ++i) counts[i].first = i;
  for (const int32_t code : column.codes()) {
    if (code < 0) ++out.missing;
    else ++counts[static_cast<size_t>(code)].count;
  }
  std::erase_if(counts, [](const Run& run) { return run.count == 0; });
  out.distinct = static_cast<int64_t>(counts.size());
  for (const Run& run : longest(std::move(counts), options.frequent)) out.frequent.push_back({categories[run.first], run.count});
}

void summarise_texts(const Column& column, const DescribeOptions& options, ColumnSummary& out) {
  struct Text {
    Hash128 hash{};
    int64_t row = 0;
    bool operator<(const Text& other) const {
      return std::tie(hash.low, hash.high, row) < std::tie(other.hash.low, other.hash.high, other.row);
    }
  };
  const Texts& texts = column.texts();
  std::vector<Text> all;
  std::vector<double> lengths;
  for (int64_t row = 0; row < column.size(); ++row) {
    if (texts.is_missing(row)) {
      ++out.missing;
      continue;
    }
    Hasher hasher;
    hasher.add_bytes(texts[row].data(), texts[row].size());
    all.push_back({hasher.value(), row});
    const bool is_text = column.type() == ColumnType::text;
    if (is_text)
      lengths.push_back(
          static_cast<double>(invalid_utf8(texts[row]) < 0 ? count_code_points(texts[row]) : static_cast<int64_t>(texts[row].size())));
  }
  std::sort(all.begin(), all.end());
  std::vector<Run> runs = runs_of(all.size(), [&](size_t a, size_t b) { return all[a].hash == all[b].hash; });
  out.distinct = static_cast<int64_t>(runs.size());
  for (Run& run : runs) run.first = static_cast<size_t>(all[run.first].row);
  for (const Run& run : longest(std::move(runs), options.frequent))
    out.frequent.push_back({std::string(texts[static_cast<int64_t>(run.first)]), run.count});
  std::sort(lengths.begin(), lengths.end());
  summarise(lengths, options.bins, out);
}

ColumnSummary summary_of(const Column& column, const DescribeOptions& options) {
  ColumnSummary out;
  out.name = column.name();
  out.type = column.type();
  out.rows = column.size();
  if (column.has_numbers()) summarise_numbers(column, options, out);
  else if (column.is_coded()) summarise_codes(column, options, out);
  else summarise_texts(column, options, out);
  return out;
}

int64_t duplicates_in(const Table& table) {
  std::vector<Hasher> rows(static_cast<size_t>(table.rows()));
  for (const Column& column : table.columns()) {
    if (column.has_numbers()) {
      const std::span<const double> numbers = column.numbers();
      for (size_t row = 0; row < rows.size(); ++row) {
        const double plain = numbers[row] == 0 ? 0.0 : numbers[row];
        uint64_t bits = ~uint64_t{0};  // of all nan
        if (!std::isnan(plain)) std::memcpy(&bits, &plain, sizeof bits);
        rows[row].add(bits);
      }
    } else if (column.is_coded()) {
      const std::span<const int32_t> codes = column.codes();
      for (size_t row = 0; row < rows.size(); ++row) rows[row].add(static_cast<uint64_t>(int64_t{codes[row]}));
    } else {
      const Texts& texts = column.texts();
      for (size_t row = 0; row < rows.size(); ++row) {
        const std::string_view text = texts[static_cast<int64_t>(row)];
        rows[row].add(texts.is_missing(static_cast<int64_t>(row)));
        rows[row].add_bytes(text.data(), text.size());
      }
    }
  }
  std::vector<Hash128> hashes;
  hashes.reserve(rows.size());
  for (const Hasher& row : rows) hashes.push_back(row.value());
  std::sort(hashes.begin(), hashes.end(),
            [](const Hash128& a, const Hash128& b) { return std::tie(a.low, a.high) < std::tie(b.low, b.high); });
  return static_cast<int64_t>(hashes.end() - std::unique(hashes.begin(), hashes.end()));
}

// What is odd about columns; each kind in one line.
void add_notes(const std::vector<ColumnSummary>& columns, std::vector<std::string>& notes) {
  const auto note = [&](const char* what, const std::function<bool(const ColumnSummary&)>& is_so) {
    std::vector<std::string> names;
    for (const ColumnSummary& column : columns) {
      if (is_so(column)) names.push_back(column.name);
    }
    const size_t count = names.size();
    if (count > 10) names.resize(10);
    if (count > 0) notes.push_back(concat(what, ": ", join(names), count > 10 ? concat(" and ", count - 10, " more") : ""));
  };
  note("no value at all", [](const ColumnSummary& c) { return c.rows > 0 && c.missing == c.rows; });
  note("one value only", [](const ColumnSummary& c) { return c.rows > 1 && c.distinct == 1; });
  note("all values differ, as those of an identifier do", [](const ColumnSummary& c) {
    const bool has_names = c.type == ColumnType::categorical || c.type == ColumnType::ordinal;
    return has_names && c.rows > 20 && c.distinct == c.rows;
  });
  note("numbers that are not finite", [](const ColumnSummary& c) { return c.infinite > 0; });
}

}  // namespace

const Relation* Description::relation(int64_t a, int64_t b) const {
  const auto found = std::find_if(relations.begin(), relations.end(),
                                  [&](const Relation& each) { return each.first == std::min(a, b) && each.second == std::max(a, b); });
  return found == relations.end() ? nullptr : &*found;
}

Description describe(const Table& table, const DescribeOptions& options) {
  if (options.bins < 1) fail("describe", "bins is ", options.bins, "; it must be at least 1");
  if (!options.target.empty()) (void)table[options.target];
  Description out;
  out.rows = table.rows();
  out.columns.resize(static_cast<size_t>(table.width()));
  parallel_for(table.width(), [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    out.columns[at] = summary_of(table.columns()[at], options);
  });
  out.duplicates = duplicates_in(table);
  add_notes(out.columns, out.notes);
  relate(table, options, out);
  return out;
}

}  // namespace gradus::data
