// Permutation importance.
#include "gradus/explain/permutation_importance.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/base/error.hpp"
#include "gradus/explain/draws_internal.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::explain {

using namespace core;

namespace {

constexpr std::string_view kOp = "permutation_importance";

// The model's outputs at rows made batch by batch.
template <class Rows>
Array outputs_at(Function model, int64_t count, int64_t batch_size, const Rows& rows) {
  const nn::TrainingMode inference(false);
  std::vector<Array> parts;
  for (int64_t begin = 0; begin < count; begin += batch_size) {
    const int64_t end = std::min(begin + batch_size, count);
    parts.push_back(model(rows(begin, end)).eval());
    if (parts.back().rank() == 0 || parts.back().shape(0) != end - begin) {
      fail(kOp, "the model gives ", parts.back().shape(), " for ", end - begin, " rows; it must give as many rows");
    }
  }
  return concatenate(parts);
}

double deviation_of(const std::vector<double>& values, double mean) {
  if (values.size() < 2) return 0;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace

double Score::operator()(const Array& output, const Array& target) const {
  const Array value = function_(output, target);
  if (value.size() != 1) fail(kOp, "the score is ", value.shape(), "; it must be one number");
  const double number = value.item();
  if (!std::isfinite(number)) fail(kOp, "the score is ", number, "; it must be finite");
  return number;
}

std::vector<size_t> Importance::order() const {
  std::vector<size_t> all(means.size());
  std::iota(all.begin(), all.end(), size_t{0});
  std::stable_sort(all.begin(), all.end(), [&](size_t a, size_t b) { return means[a] > means[b]; });
  return all;
}

Importance permutation_importance(Function model, const Array& x, const Array& y, const Score& score, const PermutationOptions& options) {
  if (x.rank() < 2 || x.shape(0) < 2) fail(kOp, "x is ", x.shape(), "; it must be (rows, columns) with at least 2 rows");
  if (y.rank() == 0 || y.shape(0) != x.shape(0)) fail(kOp, "y is ", y.shape(), ", x has ", x.shape(0), " rows; they must be as many");
  detail::check_positive(kOp, "repeats", options.repeats);
  detail::check_positive(kOp, "batch_size", options.batch_size);
  const int64_t rows = x.shape(0), columns = x.size() / rows;
  const std::vector<Feature> all = features(columns, options.groups, options.names);
  const Array flat = reshape(x, {rows, columns});

  Importance found;
  found.score =
      score(outputs_at(model, rows, options.batch_size, [&](int64_t begin, int64_t end) { return detail::rows_of(x, begin, end); }), y);
  std::vector<Array> orders;
  for (int64_t repeat = 0; repeat < options.repeats; ++repeat) {
    orders.push_back(array(detail::Draws(static_cast<uint64_t>(options.seed), static_cast<uint64_t>(repeat)).permutation(rows)));
  }
  for (const Feature& feature : all) {
    std::vector<uint8_t> mask(static_cast<size_t>(columns), 0);
    for (const int64_t column : feature.columns) mask[static_cast<size_t>(column)] = 1;
    const Array is_shuffled = array(mask, {1, columns}) != 0;
    std::vector<double> falls;
    for (const Array& order : orders) {
      const Array output = outputs_at(model, rows, options.batch_size, [&](int64_t begin, int64_t end) {
        const Array other = take(flat, detail::rows_of(order, begin, end), 0);
        return reshape(where(is_shuffled, other, detail::rows_of(flat, begin, end)), detail::with_rows(x.shape(), end - begin));
      });
      const double fall = found.score - score(output, y);
      falls.push_back(options.more_is_better ? fall : -fall);
    }
    const double mean = std::accumulate(falls.begin(), falls.end(), 0.0) / static_cast<double>(falls.size());
    found.names.push_back(feature.name);
    found.means.push_back(mean);
    found.deviations.push_back(deviation_of(falls, mean));
    found.repeats.push_back(std::move(falls));
  }
  return found;
}

}  // namespace gradus::explain
