// Correlations and associations of columns, pair by pair.
#include "gradus/data/table/relations.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "gradus/base/parallel.hpp"
#include "gradus/base/text.hpp"

namespace gradus::data {

using namespace core;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// The rows of one column that take part.
struct Part {
  bool is_coded = false, is_complete = true;
  std::vector<double> numbers{};  // nan: missing or not finite
  std::vector<uint32_t> order{};  // of numbers that are there, from the least
  std::vector<double> ranks{};    // of complete columns
  std::vector<int32_t> codes{};   // -1: missing
  size_t categories = 0;
};

// Average ranks from 1 of the rows in `order` for which `is_there`; others keep what they have.
template <class Test>
void rank(const Part& part, const Test& is_there, std::vector<double>& ranks) {
  std::vector<uint32_t> tied;
  double before = 0, value = 0;
  const auto settle = [&] {
    const auto count = static_cast<double>(tied.size());
    for (const uint32_t row : tied) ranks[row] = before + (count + 1) / 2;
    before += count;
    tied.clear();
  };
  for (const uint32_t row : part.order) {
    if (!is_there(row)) continue;
    if (!tied.empty() && part.numbers[row] != value) settle();
    value = part.numbers[row];
    tied.push_back(row);
  }
  settle();
}

Part part_of(const Column& column, const std::vector<uint32_t>& rows) {
  Part out;
  out.is_coded = column.is_coded();
  if (out.is_coded) {
    out.categories = column.categories().size();
    for (const uint32_t row : rows) out.codes.push_back(column.codes()[row]);
    return out;
  }
  double largest = 0;
  for (const uint32_t row : rows) {
    const double x = column.numbers()[row];
    out.numbers.push_back(std::isfinite(x) ? x : kNan);
    if (std::isfinite(x)) largest = std::max(largest, std::abs(x));
    else out.is_complete = false;
  }
  // No measure depends on the unit, and squares of such numbers overflow.
  if (largest > 1e100) {
    for (double& x : out.numbers) x /= largest;
  }
  for (uint32_t i = 0; i < out.numbers.size(); ++i) {
    if (!std::isnan(out.numbers[i])) out.order.push_back(i);
  }
  std::sort(out.order.begin(), out.order.end(),
            [&](uint32_t a, uint32_t b) { return out.numbers[a] != out.numbers[b] ? out.numbers[a] < out.numbers[b] : a < b; });
  if (out.is_complete) {
    out.ranks.resize(out.numbers.size());
    rank(
        out, [](uint32_t) { return true; }, out.ranks);
  }
  return out;
}

// Over the rows where neither is nan.
double pearson(const std::vector<double>& x, const std::vector<double>& y) {
  double count = 0, mean_x = 0, mean_y = 0;
  const auto each = [&](const auto& use) {
    for (size_t i = 0; i < x.size(); ++i) {
      if (!std::isnan(x[i]) && !std::isnan(y[i])) use(x[i], y[i]);
    }
  };
  each([&](double a, double b) {
    ++count;
    mean_x += a;
    mean_y += b;
  });
  mean_x /= count;
  mean_y /= count;
  double xx = 0, yy = 0, xy = 0;
  bool is_x_constant = true, is_y_constant = true;
  double first_x = kNan, first_y = kNan;
  each([&](double a, double b) {
    if (std::isnan(first_x)) first_x = a, first_y = b;
    is_x_constant &= a == first_x;
    is_y_constant &= b == first_y;
    xx += (a - mean_x) * (a - mean_x);
    yy += (b - mean_y) * (b - mean_y);
    xy += (a - mean_x) * (b - mean_y);
  });
  if (count < 2 || is_x_constant || is_y_constant) return kNan;
  return std::clamp(xy / std::sqrt(xx) / std::sqrt(yy), -1.0, 1.0);
}

double spearman(const Part& x, const Part& y) {
  if (x.is_complete && y.is_complete) return pearson(x.ranks, y.ranks);
  std::vector<double> rank_x(x.numbers.size(), kNan), rank_y = rank_x;
  rank(
      x, [&](uint32_t row) { return !std::isnan(y.numbers[row]); }, rank_x);
  rank(
      y, [&](uint32_t row) { return !std::isnan(x.numbers[row]); }, rank_y);
  return pearson(rank_x, rank_y);
}

double cramer(const Part& x, const Part& y) {
  std::vector<double> of_x(x.categories), of_y(y.categories);
  std::unordered_map<uint64_t, double> cells;
  double count = 0;
  for (size_t i = 0; i < x.codes.size(); ++i) {
    if (x.codes[i] < 0 || y.codes[i] < 0) continue;
    const auto a = static_cast<size_t>(x.codes[i]), b = static_cast<size_t>(y.codes[i]);
    ++of_x[a];
    ++of_y[b];
    ++cells[a * y.categories + b];
    ++count;
  }
  const auto there = [](const std::vector<double>& counts) {
    return std::count_if(counts.begin(), counts.end(), [](double c) { return c > 0; });
  };
  const auto least = std::min(there(of_x), there(of_y));
  if (least < 2) return kNan;
  // chi^2 / n = sum of n_ij^2 / (n_i n_j) - 1, in an order that does not depend on the table of hashes.
  std::vector<std::pair<uint64_t, double>> ordered(cells.begin(), cells.end());
  std::sort(ordered.begin(), ordered.end());
  double sum = 0;
  for (const auto& [place, n] : ordered) sum += n / of_x[place / y.categories] * (n / of_y[place % y.categories]);
  return std::sqrt(std::clamp((sum - 1) / static_cast<double>(least - 1), 0.0, 1.0));
}

double correlation_ratio(const Part& groups, const Part& numbers) {
  std::vector<double> counts(groups.categories), means(groups.categories);
  double count = 0, mean = 0, first = kNan;
  bool is_constant = true;
  const auto each = [&](const auto& use) {
    for (size_t i = 0; i < groups.codes.size(); ++i) {
      if (groups.codes[i] >= 0 && !std::isnan(numbers.numbers[i])) use(static_cast<size_t>(groups.codes[i]), numbers.numbers[i]);
    }
  };
  each([&](size_t group, double x) {
    if (std::isnan(first)) first = x;
    is_constant &= x == first;
    ++counts[group];
    means[group] += x;
    ++count;
    mean += x;
  });
  const auto groups_there = std::count_if(counts.begin(), counts.end(), [](double c) { return c > 0; });
  if (groups_there < 2 || is_constant) return kNan;
  mean /= count;
  double between = 0, total = 0;
  for (size_t group = 0; group < means.size(); ++group) {
    if (counts[group] > 0) between += counts[group] * std::pow(means[group] / counts[group] - mean, 2);
  }
  each([&](size_t, double x) { total += (x - mean) * (x - mean); });
  return std::sqrt(std::clamp(between / total, 0.0, 1.0));
}

int64_t common_rows(const Part& x, const Part& y) {
  const size_t rows = x.is_coded ? x.codes.size() : x.numbers.size();
  const auto has = [](const Part& part, size_t i) { return part.is_coded ? part.codes[i] >= 0 : !std::isnan(part.numbers[i]); };
  int64_t count = 0;
  for (size_t i = 0; i < rows; ++i) count += has(x, i) && has(y, i);
  return count;
}

void relate_pair(const Part& x, const Part& y, Relation& out) {
  out.rows = common_rows(x, y);
  if (x.is_coded && y.is_coded) {
    out.measure = Measure::cramer;
    out.value = out.by_rank = cramer(x, y);
  } else if (x.is_coded || y.is_coded) {
    out.measure = Measure::ratio;
    out.value = out.by_rank = x.is_coded ? correlation_ratio(x, y) : correlation_ratio(y, x);
  } else {
    out.value = pearson(x.numbers, y.numbers);
    out.by_rank = spearman(x, y);
  }
}

// The columns that take part, and a note of those that could and do not.
std::vector<int64_t> related_columns(const Table& table, const DescribeOptions& options, std::vector<std::string>& notes) {
  std::vector<int64_t> out;
  int64_t left_out = 0;
  std::vector<std::string> too_many;
  for (int64_t i = 0; i < table.width(); ++i) {
    const Column& column = table.columns()[static_cast<size_t>(i)];
    if (!column.has_numbers() && !column.is_coded()) continue;
    const bool is_target = column.name() == options.target;
    if (column.is_coded() && static_cast<int64_t>(column.categories().size()) > options.most_categories) {
      too_many.push_back(column.name());
    } else if (!is_target && static_cast<int64_t>(out.size()) >= options.most_columns) {
      ++left_out;
    } else {
      out.push_back(i);
    }
  }
  if (!too_many.empty()) {
    const size_t count = too_many.size();
    too_many.resize(std::min<size_t>(count, 10));
    notes.push_back(concat("left out of relations, for more than ", options.most_categories, " categories: ", join(too_many),
                           count > 10 ? concat(" and ", count - 10, " more") : ""));
  }
  if (left_out > 0) notes.push_back(concat("left out of relations: ", left_out, " columns behind the first ", options.most_columns));
  return out;
}

}  // namespace

void relate(const Table& table, const DescribeOptions& options, Description& out) {
  out.related = related_columns(table, options, out.notes);
  out.related_rows = std::min(table.rows(), std::max<int64_t>(options.most_rows, 0));
  if (out.related_rows < table.rows()) out.notes.push_back(concat("relations are those of ", out.related_rows, " rows, evenly spaced"));
  std::vector<uint32_t> rows;
  for (int64_t i = 0; i < out.related_rows; ++i)
    rows.push_back(
        static_cast<uint32_t>(static_cast<double>(i) * static_cast<double>(table.rows()) / static_cast<double>(out.related_rows)));
  std::vector<Part> parts(out.related.size());
  parallel_for(static_cast<int64_t>(parts.size()), [&](int64_t i) {
    const auto at = static_cast<size_t>(i);
    parts[at] = part_of(table.columns()[static_cast<size_t>(out.related[at])], rows);
  });
  std::vector<std::pair<size_t, size_t>> pairs;
  for (size_t i = 0; i < parts.size(); ++i) {
    for (size_t j = i + 1; j < parts.size(); ++j) {
      pairs.emplace_back(i, j);
      out.relations.push_back({.first = out.related[i], .second = out.related[j]});
    }
  }
  parallel_for(static_cast<int64_t>(pairs.size()), [&](int64_t k) {
    const auto [i, j] = pairs[static_cast<size_t>(k)];
    relate_pair(parts[i], parts[j], out.relations[static_cast<size_t>(k)]);
  });
}

}  // namespace gradus::data
