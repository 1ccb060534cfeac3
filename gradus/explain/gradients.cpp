// Explanations by gradients.
#include "gradus/explain/gradients.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/explain/draws_internal.hpp"
#include "gradus/explain/explained_internal.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::explain {

using namespace core;
using detail::Explained;

namespace {

constexpr std::string_view kSmoothKinds[] = {"mean", "squared", "variance"};

// change(gradients, rows) of each batch of rows.
Attribution from_gradients(std::string_view op, Function model, const Array& x, const GradientOptions& options,
                           Array (*change)(const Array& gradients, const Array& rows)) {
  detail::check_float(op, x);
  const Explained explained(op, model, x, options.target, options.scale, options.batch_size);
  std::vector<Array> parts;
  for (int64_t begin = 0; begin < x.shape(0); begin += options.batch_size) {
    const int64_t end = std::min(begin + options.batch_size, x.shape(0));
    const Array rows = detail::rows_of(x, begin, end);
    parts.push_back(change(explained.slopes(rows, arange(begin, end)).gradients, rows).eval());
  }
  return explained.attribution(concatenate(parts));
}

// Mean and sum of squared distances from it, joined part by part (Chan, Golub, LeVeque 1983): one pass, and no digits lost.
struct Moments {
  Array mean{}, squares{};
  double count = 0;

  void add(const Array& values) {
    const auto more = static_cast<double>(values.shape(0));
    const Array center = gradus::mean(values, 0), spread = sum(square(values - center), 0);
    if (count == 0) {
      mean = center;
      squares = spread;
    } else {
      const Array shift = center - mean;
      squares = squares + spread + square(shift) * (count * more / (count + more));
      mean = mean + shift * (more / (count + more));
    }
    count += more;
    evaluate({mean, squares});
  }
  Array variance() const { return squares / (count - 1); }
};

}  // namespace

std::span<const std::string_view> enum_names(SmoothKind) { return kSmoothKinds; }

Attribution gradients(Function model, const Array& x, const GradientOptions& options) {
  return from_gradients("gradients", model, x, options, [](const Array& g, const Array&) { return g; });
}
Attribution saliency(Function model, const Array& x, const GradientOptions& options) {
  return from_gradients("saliency", model, x, options, [](const Array& g, const Array&) { return abs(g); });
}
Attribution gradient_times_input(Function model, const Array& x, const GradientOptions& options) {
  return from_gradients("gradient_times_input", model, x, options, [](const Array& g, const Array& rows) { return g * rows; });
}

Attribution smooth_grad(Function model, const Array& x, const SmoothGradOptions& options) {
  constexpr std::string_view op = "smooth_grad";
  detail::check_float(op, x);
  const bool is_variance = options.kind == SmoothKind::variance;
  if (options.samples < (is_variance ? 2 : 1)) fail(op, "samples is ", options.samples, "; it must be at least ", is_variance ? 2 : 1);
  if (!(options.noise >= 0) || std::isinf(options.noise)) fail(op, "noise is ", options.noise, "; it must be finite and not negative");
  const Explained explained(op, model, x, options.target, options.scale, options.batch_size);
  const random::Key key = random::key(options.seed);
  std::vector<Array> rows;
  for (int64_t row = 0; row < x.shape(0); ++row) {
    const Array at = detail::rows_of(x, row, row + 1), spread = (max(at) - min(at)) * options.noise;
    const Array noise = random::normal(random::fold_in(key, row), detail::with_rows(x.shape(), options.samples), 0, 1, x.dtype());
    const Array points = (at + spread * noise).eval();
    Moments moments;
    for (int64_t begin = 0; begin < options.samples; begin += options.batch_size) {
      const int64_t end = std::min(begin + options.batch_size, options.samples);
      const Array slopes = explained.slopes(detail::rows_of(points, begin, end), detail::all_owned_by(row, end - begin)).gradients;
      moments.add(options.kind == SmoothKind::squared ? square(slopes) : slopes);
    }
    rows.push_back((is_variance ? moments.variance() : moments.mean).eval());
  }
  return explained.attribution(stack(rows));
}

SampledAttribution expected_gradients(Function model, const Array& x, const Array& background, const ExpectedGradientsOptions& options) {
  constexpr std::string_view op = "expected_gradients";
  detail::check_float(op, x);
  detail::check_background(op, background, x);
  if (options.samples < 2) fail(op, "samples is ", options.samples, "; it must be at least 2");
  const Explained explained(op, model, x, options.target, options.scale, options.batch_size);
  const Array origins = background.astype(x.dtype());
  std::vector<Array> rows, errors;
  for (int64_t row = 0; row < x.shape(0); ++row) {
    const Array at = detail::rows_of(x, row, row + 1);
    detail::Draws draws(static_cast<uint64_t>(options.seed), static_cast<uint64_t>(row));
    Moments moments;
    for (int64_t begin = 0; begin < options.samples; begin += options.batch_size) {
      const int64_t count = std::min(options.batch_size, options.samples - begin);
      std::vector<int64_t> drawn;
      std::vector<double> parts;
      for (int64_t i = 0; i < count; ++i) {
        drawn.push_back(draws.below(origins.shape(0)));
        parts.push_back(draws.uniform());
      }
      Dims along(static_cast<size_t>(x.rank()), 1);
      along[0] = count;
      const Array from = take(origins, array(drawn), 0), way = at - from;
      const Array points = from + way * reshape(array(parts), Shape(along)).astype(x.dtype());
      moments.add(explained.slopes(points, detail::all_owned_by(row, count)).gradients * way);
    }
    rows.push_back(moments.mean);
    errors.push_back(sqrt(moments.variance() / moments.count).eval());
  }
  SampledAttribution found{explained.attribution(stack(rows)), stack(errors), array(detail::background_means(explained, background))};
  found.errors.eval();
  return found;
}

}  // namespace gradus::explain
