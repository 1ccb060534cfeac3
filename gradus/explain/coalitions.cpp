// The worth of sets of features.
#include <algorithm>
#include <numeric>
#include <utility>

#include "gradus/explain/coalitions_internal.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::explain::detail {

using namespace core;

namespace {

constexpr int64_t kMostValues = 1 << 18;  // that are kept at a time

}  // namespace

Coalitions::Coalitions(const Explained& explained, const Array& x, const Array& background, std::vector<Feature> features)
    : explained_(explained), sample_(x.shape()), features_(std::move(features)) {
  x_ = reshape(x, {x.shape(0), x.size() / x.shape(0)});
  background_ = reshape(background.astype(x.dtype()), {background.shape(0), x_.shape(1)}).eval();
}

std::vector<std::string> Coalitions::names() const {
  std::vector<std::string> all;
  for (const Feature& feature : features_) all.push_back(feature.name);
  return all;
}

std::vector<double> Coalitions::values(int64_t row, int64_t count, Fill fill) const {
  const auto columns = static_cast<size_t>(x_.shape(1));
  std::vector<uint8_t> is_known(features_.size());
  const Array at = rows_of(x_, row, row + 1);
  const auto points = [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> mask(static_cast<size_t>(end - begin) * columns);
    std::vector<int64_t> origins;
    for (int64_t point = begin; point < end; ++point) {
      origins.push_back(fill(point, is_known.data()));
      uint8_t* const places = mask.data() + static_cast<size_t>(point - begin) * columns;
      for (size_t feature = 0; feature < features_.size(); ++feature) {
        for (const int64_t column : features_[feature].columns) places[column] = is_known[feature];
      }
    }
    const Array mixed = where(array(mask, {end - begin, x_.shape(1)}) != 0, at, take(background_, array(origins), 0));
    return reshape(mixed, with_rows(sample_, end - begin));
  };
  evaluations_ += count;
  return explained_.values(count, points, [&](int64_t) { return row; });
}

std::vector<double> Coalitions::worths(int64_t row, int64_t count, FillSet fill) const {
  const int64_t origins = background_rows(), part = std::max<int64_t>(1, kMostValues / origins);
  std::vector<double> worths;
  worths.reserve(static_cast<size_t>(count));
  for (int64_t begin = 0; begin < count; begin += part) {
    const int64_t sets = std::min(part, count - begin);
    const std::vector<double> each = values(row, sets * origins, [&](int64_t point, uint8_t* is_known) {
      fill(begin + point / origins, is_known);
      return point % origins;
    });
    for (int64_t set = 0; set < sets; ++set) {
      const auto first = each.begin() + set * origins;
      worths.push_back(std::accumulate(first, first + origins, 0.0) / static_cast<double>(origins));
    }
  }
  return worths;
}

}  // namespace gradus::explain::detail
