// Splits of tables: at random, in proportion, by groups, by time.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/data/dataset.hpp"
#include "gradus/data/table/table.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr size_t kMostStrata = 1000;

// Which of the distinct values of a column each row has, counted from 0 in the order of the values; missing ones are a value.
std::vector<int64_t> values_of(const Table& table, const std::string& name) {
  const Column& column = table[name];
  std::map<std::string, int64_t> seen;
  std::vector<std::string> cells;
  for (int64_t row = 0; row < column.size(); ++row) {
    cells.push_back(column.cell(row));
    seen.emplace(cells.back(), 0);
  }
  int64_t next = 0;
  for (auto& [cell, number] : seen) number = next++;
  std::vector<int64_t> out;
  for (const std::string& cell : cells) out.push_back(seen[cell]);
  return out;
}

// Rows of each value, each in random order.
std::vector<std::vector<int64_t>> shuffled_rows_by(const std::vector<int64_t>& values, uint64_t seed) {
  std::vector<std::vector<int64_t>> out;
  for (const int64_t row : permutation(static_cast<int64_t>(values.size()), seed)) {
    const auto value = static_cast<size_t>(values[static_cast<size_t>(row)]);
    if (value >= out.size()) out.resize(value + 1);
    out[value].push_back(row);
  }
  return out;
}

void check(const SplitBy& by) {
  if (!by.stratify.empty() + !by.group.empty() + !by.time.empty() > 1)
    fail("split", "more than one of stratify, group and time is given; name one");
}

std::vector<int64_t> rows_by_time(const Table& table, const std::string& name) {
  const std::span<const double> times = table[name].numbers();
  std::vector<int64_t> order(times.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  for (size_t i = 0; i < times.size(); ++i) {
    if (std::isnan(times[i])) fail("split", "row ", i, " of column \"", name, "\" has no time; leave such rows out, or split at random");
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return times[static_cast<size_t>(a)] < times[static_cast<size_t>(b)]; });
  return order;
}

std::vector<std::vector<int64_t>> strata(const Table& table, const std::string& name, uint64_t seed) {
  std::vector<std::vector<int64_t>> out = shuffled_rows_by(values_of(table, name), seed);
  if (out.size() > kMostStrata)
    fail("split", "column \"", name, "\" has ", out.size(), " different values; to stratify by it there may be ", kMostStrata);
  return out;
}

// How many rows of each stratum the first part gets: its share rounded down, and one more for the largest remainders.
std::vector<size_t> proportions(const std::vector<std::vector<int64_t>>& strata, size_t wanted, size_t rows) {
  std::vector<size_t> counts;
  std::vector<std::pair<double, size_t>> remainders;
  size_t given = 0;
  for (size_t i = 0; i < strata.size(); ++i) {
    const double share = static_cast<double>(strata[i].size()) * static_cast<double>(wanted) / static_cast<double>(rows);
    counts.push_back(static_cast<size_t>(share));
    remainders.emplace_back(static_cast<double>(counts[i]) - share, i);
    given += counts[i];
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; given < wanted; ++i, ++given) ++counts[remainders[i].second];
  return counts;
}

// Groups in random order, the first ones of about so many rows.
size_t groups_until(const std::vector<std::vector<int64_t>>& groups, size_t wanted) {
  size_t count = 0, rows = 0;
  while (count < groups.size() && rows + (groups[count].size() + 1) / 2 <= wanted) rows += groups[count++].size();
  return count;
}
std::vector<std::vector<int64_t>> shuffled_groups(const Table& table, const std::string& name, uint64_t seed) {
  std::vector<std::vector<int64_t>> by_value = shuffled_rows_by(values_of(table, name), seed), out;
  for (const int64_t i : permutation(static_cast<int64_t>(by_value.size()), seed, 1))
    out.push_back(std::move(by_value[static_cast<size_t>(i)]));
  return out;
}

void shuffle(std::vector<int64_t>& rows, uint64_t seed, uint64_t stream) {
  std::vector<int64_t> out;
  for (const int64_t i : permutation(static_cast<int64_t>(rows.size()), seed, stream)) out.push_back(rows[static_cast<size_t>(i)]);
  rows = std::move(out);
}

}  // namespace

std::pair<std::vector<int64_t>, std::vector<int64_t>> split_positions(const Table& table, double fraction, uint64_t seed,
                                                                      const SplitBy& by) {
  if (!(fraction > 0 && fraction < 1)) fail("split", "fraction is ", fraction, "; it must be above 0 and below 1");
  check(by);
  const auto rows = static_cast<size_t>(table.rows());
  const auto wanted = static_cast<size_t>(std::llround(fraction * static_cast<double>(rows)));
  std::vector<int64_t> first, rest;
  if (!by.time.empty()) {
    rest = rows_by_time(table, by.time);
    first.assign(rest.end() - static_cast<std::ptrdiff_t>(wanted), rest.end());
    rest.resize(rows - wanted);
  } else if (!by.stratify.empty()) {
    const auto parts = strata(table, by.stratify, seed);
    const std::vector<size_t> counts = proportions(parts, wanted, rows);
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto cut = parts[i].begin() + static_cast<std::ptrdiff_t>(counts[i]);
      first.insert(first.end(), parts[i].begin(), cut);
      rest.insert(rest.end(), cut, parts[i].end());
    }
  } else if (!by.group.empty()) {
    const auto groups = shuffled_groups(table, by.group, seed);
    const size_t count = groups_until(groups, wanted);
    for (size_t i = 0; i < groups.size(); ++i)
      (i < count ? first : rest).insert((i < count ? first : rest).end(), groups[i].begin(), groups[i].end());
  } else {
    rest = permutation(static_cast<int64_t>(rows), seed);
    first.assign(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(wanted));
    rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(wanted));
  }
  if (by.time.empty()) {
    shuffle(first, seed, 2);
    shuffle(rest, seed, 3);
  }
  if (first.empty() || rest.empty())
    fail("split", fraction, " of ", rows, " rows", by.group.empty() ? "" : concat(" in the groups of \"", by.group, "\""), " leaves ",
         first.size(), " and ", rest.size(), "; both parts need a row");
  return {std::move(first), std::move(rest)};
}

std::pair<Table, Table> split(const Table& table, double fraction, uint64_t seed, const SplitBy& by) {
  const auto [first, rest] = split_positions(table, fraction, seed, by);
  return {table.take(first), table.take(rest)};
}

std::vector<int64_t> folds(const Table& table, int64_t k, uint64_t seed, const SplitBy& by) {
  const int64_t rows = table.rows();
  if (k < 2 || k > rows) fail("folds", "k is ", k, "; it must be 2 to the number of rows, ", rows);
  check(by);
  std::vector<int64_t> out(static_cast<size_t>(rows));
  if (!by.time.empty()) {
    const std::vector<int64_t> order = rows_by_time(table, by.time);
    for (int64_t i = 0; i < rows; ++i) out[static_cast<size_t>(order[static_cast<size_t>(i)])] = i * k / rows;
  } else if (!by.group.empty()) {
    // The largest groups first, each to the fold that has the fewest rows.
    auto groups = shuffled_groups(table, by.group, seed);
    if (static_cast<int64_t>(groups.size()) < k)
      fail("folds", "k is ", k, " and \"", by.group, "\" has ", groups.size(), " groups; k can be at most that");
    std::stable_sort(groups.begin(), groups.end(), [](const auto& a, const auto& b) { return a.size() > b.size(); });
    std::vector<size_t> sizes(static_cast<size_t>(k), 0);
    for (const auto& group : groups) {
      const auto fold = static_cast<size_t>(std::min_element(sizes.begin(), sizes.end()) - sizes.begin());
      sizes[fold] += group.size();
      for (const int64_t row : group) out[static_cast<size_t>(row)] = static_cast<int64_t>(fold);
    }
  } else {
    const auto parts = by.stratify.empty() ? std::vector<std::vector<int64_t>>{permutation(rows, seed)} : strata(table, by.stratify, seed);
    int64_t next = 0;  // goes on from one stratum to the next, so that the folds are of the same size
    for (const auto& part : parts) {
      for (const int64_t row : part) out[static_cast<size_t>(row)] = next++ % k;
    }
  }
  return out;
}

}  // namespace gradus::data
