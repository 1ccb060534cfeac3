// Nearest examples. |q - d|^2 = |q|^2 + |d|^2 - 2 q d in float32 loses digits where q and d are near: it only rules out rows, by a bound on
// its error.
#include "gradus/explain/nearest.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/graph/mode.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::explain {

using namespace core;

namespace {

constexpr std::string_view kOp = "nearest_examples", kLikenesses[] = {"euclidean", "cosine"};
constexpr int64_t kQueries = 64, kRows = 8192;

// A row that may be among the nearest: its distance lies between low and high.
struct Candidate {
  int64_t row;
  double low, high;
};

std::vector<double> lengths_of(const char* name, const Array& rows) {
  std::vector<double> all = sqrt(sum(square(rows), 1)).to_vector<double>();
  for (size_t i = 0; i < all.size(); ++i) {
    if (!std::isfinite(all[i]))
      fail(kOp, name, " has numbers in row ", i, " that are not finite, or too large to be squared; they must not be");
  }
  return all;
}

double exact_distance(Likeness by, const double* a, const double* b, size_t count) {
  double products = 0, squares = 0, other_squares = 0, difference = 0;
  for (size_t i = 0; i < count; ++i) {
    products += a[i] * b[i];
    squares += a[i] * a[i];
    other_squares += b[i] * b[i];
    difference += (a[i] - b[i]) * (a[i] - b[i]);
  }
  if (by == Likeness::euclidean) return std::sqrt(difference);
  const double lengths = std::sqrt(squares) * std::sqrt(other_squares);
  return lengths > 0 ? 1 - products / lengths : 1;
}

// Leaves out what is surely farther than `count` others.
void prune(std::vector<Candidate>& all, int64_t count) {
  if (static_cast<int64_t>(all.size()) <= count) return;
  std::vector<double> highs;
  for (const Candidate& one : all) highs.push_back(one.high);
  std::nth_element(highs.begin(), highs.begin() + count - 1, highs.end());
  const double bound = highs[static_cast<size_t>(count - 1)];
  std::erase_if(all, [&](const Candidate& one) { return one.low > bound; });
}

// The nearest of the candidates of one query.
void choose(const std::vector<Candidate>& all, const Array& data, const std::vector<double>& query, const NearestOptions& options,
            std::vector<int64_t>& rows, std::vector<double>& distances) {
  std::vector<std::pair<double, int64_t>> exact;
  constexpr size_t kPart = 256;
  for (size_t begin = 0; begin < all.size(); begin += kPart) {
    std::vector<int64_t> part;
    for (size_t i = begin; i < std::min(begin + kPart, all.size()); ++i) part.push_back(all[i].row);
    const std::vector<double> values = take(data, array(part), 0).to_vector<double>();
    for (size_t i = 0; i < part.size(); ++i) {
      exact.emplace_back(exact_distance(options.by, query.data(), values.data() + i * query.size(), query.size()), part[i]);
    }
  }
  std::sort(exact.begin(), exact.end());
  for (int64_t i = 0; i < options.count; ++i) {
    distances.push_back(exact[static_cast<size_t>(i)].first);
    rows.push_back(exact[static_cast<size_t>(i)].second);
  }
}

}  // namespace

std::span<const std::string_view> enum_names(Likeness) { return kLikenesses; }

NearestExamples nearest_examples(const Array& queries, const Array& data, const NearestOptions& options) {
  detail::check_background(kOp, data, queries);
  if (options.count < 1 || options.count > data.shape(0)) {
    fail(kOp, "count is ", options.count, ", there are ", data.shape(0), " rows; it must be at least 1 and at most that");
  }
  // bfloat16 products would be beyond the bound below.
  const bool is_wide = queries.dtype() == float64 || data.dtype() == float64 || !queries.dtype().is_float() || !data.dtype().is_float() ||
                       has_bfloat16_products();
  const DType dtype = is_wide ? float64 : float32;
  const int64_t width = data.size() / data.shape(0), asked = queries.shape(0);
  const Array flat = reshape(data, {data.shape(0), width}), of_queries = reshape(queries, {asked, width}).astype(dtype);
  // A sum of n products is off by at most n u times the sum of their sizes (Higham 2002, section 3.1); a few more for the other steps.
  const double unit = (static_cast<double>(width) + 8) * (is_wide ? 0x1p-53 : 0x1p-24);
  std::vector<int64_t> rows;
  std::vector<double> distances;
  std::vector<std::vector<double>> of_parts;  // lengths of the data's rows, taken with the first queries
  for (int64_t first = 0; first < asked; first += kQueries) {
    const Array block = detail::rows_of(of_queries, first, std::min(first + kQueries, asked));
    const std::vector<double> lengths = lengths_of("queries", block);
    std::vector<std::vector<Candidate>> candidates(lengths.size());
    for (int64_t begin = 0; begin < data.shape(0); begin += kRows) {
      const Array part = detail::rows_of(flat, begin, std::min(begin + kRows, data.shape(0))).astype(dtype);
      if (first == 0) of_parts.push_back(lengths_of("data", part));
      const std::vector<double>& others = of_parts[static_cast<size_t>(begin / kRows)];
      const std::vector<double> products = matmul(block, transpose(part)).to_vector<double>();
      for (size_t i = 0; i < lengths.size(); ++i) {
        for (size_t j = 0; j < others.size(); ++j) {
          const double a = lengths[i], b = others[j], product = products[i * others.size() + j];
          double near = a * a + b * b - 2 * product, error = 2 * unit * (a + b) * (a + b);
          if (options.by == Likeness::cosine) {
            near = a * b > 0 ? 1 - product / (a * b) : 1;
            error = a * b > 0 ? 4 * unit : 0;
          }
          candidates[i].push_back({begin + static_cast<int64_t>(j), near - error, near + error});
        }
        prune(candidates[i], options.count);
      }
    }
    const std::vector<double> values = block.to_vector<double>();
    for (size_t i = 0; i < lengths.size(); ++i) {
      const auto at = values.begin() + static_cast<int64_t>(i) * width;
      choose(candidates[i], flat, std::vector<double>(at, at + width), options, rows, distances);
    }
  }
  return {array(rows, {asked, options.count}), array(distances, {asked, options.count})};
}

}  // namespace gradus::explain
