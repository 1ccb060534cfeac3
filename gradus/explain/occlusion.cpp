// Occlusion by windows or groups of columns.
#include "gradus/explain/occlusion.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::explain {

using namespace core;

namespace {

constexpr std::string_view kOp = "occlusion";

// Windows by their corners, so that many large ones cost no memory; or lists of columns.
class Covers {
 public:
  Covers(const Shape& sample, const OcclusionOptions& options) {
    if (!options.groups.empty()) {
      groups_ = options.groups;
      features(sample.size(), groups_);  // checks
      return;
    }
    if (sample.rank() < 1 || sample.rank() > 3) fail(kOp, "a sample is ", sample, "; it must have rank 1 to 3, or groups be given");
    const int64_t axes = sample.rank() == 3 ? 2 : 1;
    height_ = axes == 2 ? sample[0] : 1;
    width_ = axes == 2 ? sample[1] : sample[0];
    channels_ = sample.rank() == 1 ? 1 : sample[sample.rank() - 1];
    std::vector<int64_t> window = options.window;
    if (window.empty()) {
      window =
          axes == 2 ? std::vector<int64_t>{std::max<int64_t>(height_ / 8, 1), std::max<int64_t>(width_ / 8, 1)} : std::vector<int64_t>{1};
    }
    const std::vector<int64_t> stride = options.stride.empty() ? window : options.stride;
    check_sizes("window", window, axes, sample);
    check_sizes("stride", stride, axes, sample);
    for (size_t axis = 0; axis < window.size(); ++axis) {
      if (stride[axis] > window[axis])
        fail(kOp, "the stride is ", stride[axis], ", the window ", window[axis], "; it must be at most the window");
    }
    rows_ = axes == 2 ? corners(height_, window[0], stride[0]) : std::vector<int64_t>{0};
    columns_ = corners(width_, window.back(), stride.back());
    window_height_ = axes == 2 ? window[0] : 1;
    window_width_ = window.back();
  }

  int64_t size() const { return static_cast<int64_t>(groups_.empty() ? rows_.size() * columns_.size() : groups_.size()); }

  // visit(position) for each place in the flattened sample that cover number `index` covers.
  template <class F>
  void visit(int64_t index, const F& visit) const {
    if (!groups_.empty()) {
      for (const int64_t column : groups_[static_cast<size_t>(index)].columns) visit(column);
      return;
    }
    const int64_t top = rows_[static_cast<size_t>(index) / columns_.size()], left = columns_[static_cast<size_t>(index) % columns_.size()];
    for (int64_t y = top; y < std::min(top + window_height_, height_); ++y) {
      const int64_t begin = (y * width_ + left) * channels_, end = (y * width_ + std::min(left + window_width_, width_)) * channels_;
      for (int64_t position = begin; position < end; ++position) visit(position);
    }
  }

 private:
  static void check_sizes(const char* name, const std::vector<int64_t>& sizes, int64_t axes, const Shape& sample) {
    if (static_cast<int64_t>(sizes.size()) != axes) {
      fail(kOp, "the ", name, " has ", sizes.size(), " sizes, a sample is ", sample, "; it must have ", axes);
    }
    for (const int64_t size : sizes) detail::check_positive(kOp, name, size);
  }
  static std::vector<int64_t> corners(int64_t size, int64_t window, int64_t stride) {
    std::vector<int64_t> all{0};
    while (all.back() + window < size) all.push_back(all.back() + stride);
    return all;
  }

  std::vector<Feature> groups_{};
  std::vector<int64_t> rows_{}, columns_{};
  int64_t height_ = 1, width_ = 1, channels_ = 1, window_height_ = 1, window_width_ = 1;
};

}  // namespace

Attribution occlusion(Function model, const Array& x, const OcclusionOptions& options) {
  const detail::Explained explained(kOp, model, x, options.target, options.scale, options.batch_size);
  const Shape sample = detail::sample_shape(x.shape());
  const Covers covers(sample, options);
  const Array flat = reshape(x, {x.shape(0), sample.size()}),
              baseline = reshape(detail::sample_like(kOp, "baseline", options.baseline, x), {1, sample.size()});
  const auto width = static_cast<size_t>(sample.size());
  // Point number row * covers + cover.
  const auto points = [&](int64_t begin, int64_t end) {
    std::vector<uint8_t> is_covered(static_cast<size_t>(end - begin) * width, 0);
    std::vector<int64_t> rows;
    for (int64_t point = begin; point < end; ++point) {
      rows.push_back(point / covers.size());
      covers.visit(point % covers.size(),
                   [&](int64_t position) { is_covered[static_cast<size_t>(point - begin) * width + static_cast<size_t>(position)] = 1; });
    }
    const Array mask = array(is_covered, {end - begin, sample.size()}) != 0;
    return reshape(where(mask, baseline, take(flat, array(rows), 0)), detail::with_rows(x.shape(), end - begin));
  };
  const std::vector<double> covered = explained.values(x.shape(0) * covers.size(), points, [&](int64_t i) { return i / covers.size(); });

  std::vector<double> values(static_cast<size_t>(x.size()), 0.0), counts(width, 0.0);
  for (int64_t cover = 0; cover < covers.size(); ++cover)
    covers.visit(cover, [&](int64_t position) { counts[static_cast<size_t>(position)] += 1; });
  for (size_t point = 0; point < covered.size(); ++point) {
    const size_t row = point / static_cast<size_t>(covers.size());
    const double fall = explained.output()[row] - covered[point];
    covers.visit(static_cast<int64_t>(point) % covers.size(), [&](int64_t position) {
      values[row * width + static_cast<size_t>(position)] += fall / counts[static_cast<size_t>(position)];
    });
  }
  return explained.attribution(array(values, x.shape()).astype(x.dtype().is_float() ? x.dtype() : float32));
}

}  // namespace gradus::explain
