// Small datasets made from a seed.
#include "gradus/data/generate.hpp"

#include <cmath>
#include <numbers>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/base/philox.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::data {

using namespace core;

namespace {

// Draws in order; the same seed gives the same values.
class Draws {
 public:
  explicit Draws(uint64_t seed) : seed_(seed) {}
  /// In [0, 1).
  double uniform() {
    const auto bits = philox(count_++, 0, seed_);
    return static_cast<double>((uint64_t{bits[0]} << 32 | bits[1]) >> 11) * 0x1p-53;
  }
  double normal() {  // Box and Muller
    const double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }

 private:
  uint64_t seed_, count_ = 0;
};

template <class T>
Array to_array(const std::vector<T>& values, const Shape& shape) {
  BufferPtr buffer = allocate(shape.size() * static_cast<int64_t>(sizeof(T)), "generated data");
  std::copy(values.begin(), values.end(), reinterpret_cast<T*>(buffer->data()));
  return make_leaf(std::move(buffer), dtype_of<T>(), shape);
}

void check(std::string_view op, int64_t samples, double noise, int64_t classes = 1) {
  if (samples < 1) fail(op, "samples is ", samples, "; it must be 1 or more");
  if (!(noise >= 0) || std::isinf(noise)) fail(op, "noise is ", noise, "; it must be a number of at least 0");
  if (classes < 1) fail(op, "classes is ", classes, "; it must be 1 or more");
}

Dataset classified(const char* name, const std::vector<float>& x, const std::vector<int64_t>& y, const Shape& sample, int64_t classes) {
  const auto samples = static_cast<int64_t>(y.size());
  DatasetInfo info{.name = name};
  for (int64_t i = 0; i < classes; ++i) info.class_names.push_back(concat("class ", i));
  Dims sizes{samples};
  for (const int64_t size : sample) sizes.push_back(size);
  return Dataset(to_array(x, Shape(sizes)), to_array(y, {samples}), info);
}

// Points of plane curves, one curve a class: `point(label, t, turn)` with t in [0, 1).
template <class Point>
Dataset curves(const char* name, int64_t samples, int64_t classes, const CurveOptions& options, Point point) {
  check(concat("make_", name), samples, options.noise, classes);
  Draws draws(options.seed);
  std::vector<float> x;
  std::vector<int64_t> y;
  for (int64_t i = 0; i < samples; ++i) {
    const auto [u, v] = point(i % classes, draws.uniform());
    x.push_back(static_cast<float>(u + options.noise * draws.normal()));
    x.push_back(static_cast<float>(v + options.noise * draws.normal()));
    y.push_back(i % classes);
  }
  return classified(name, x, y, {2}, classes);
}

}  // namespace

Dataset make_linear(int64_t samples, const LinearOptions& options) {
  check("make_linear", samples, options.noise);
  const auto features = static_cast<int64_t>(options.weights.size());
  if (features < 1) fail("make_linear", "weights is empty; it must hold one number a feature");
  Draws draws(options.seed);
  std::vector<float> x, y;
  for (int64_t i = 0; i < samples; ++i) {
    double target = options.bias + options.noise * draws.normal();
    for (const double weight : options.weights) {
      x.push_back(static_cast<float>(draws.uniform()));
      target += weight * x.back();
    }
    y.push_back(static_cast<float>(target));
  }
  return Dataset(to_array(x, {samples, features}), to_array(y, {samples, 1}), {.name = "linear"});
}

Dataset make_blobs(int64_t samples, const BlobsOptions& options) {
  check("make_blobs", samples, options.spread, options.classes);
  if (options.features < 1) fail("make_blobs", "features is ", options.features, "; it must be 1 or more");
  Draws draws(options.seed);
  std::vector<double> centres(static_cast<size_t>(Shape({options.classes, options.features}).size()));
  for (double& centre : centres) centre = 20 * draws.uniform() - 10;
  std::vector<float> x;
  std::vector<int64_t> y;
  for (int64_t i = 0; i < samples; ++i) {
    const int64_t label = i % options.classes;
    for (int64_t feature = 0; feature < options.features; ++feature) {
      x.push_back(static_cast<float>(centres[static_cast<size_t>(label * options.features + feature)] + options.spread * draws.normal()));
    }
    y.push_back(label);
  }
  return classified("blobs", x, y, {options.features}, options.classes);
}

Dataset make_moons(int64_t samples, const CurveOptions& options) {
  return curves("moons", samples, 2, options, [](int64_t label, double t) {
    const double angle = std::numbers::pi * t;
    return label == 0 ? std::pair(std::cos(angle), std::sin(angle)) : std::pair(1 - std::cos(angle), 0.5 - std::sin(angle));
  });
}

Dataset make_spirals(int64_t samples, const CurveOptions& options) {
  return curves("spirals", samples, options.classes, options, [&](int64_t label, double t) {
    const double radius = 0.2 + 2.8 * t, offset = 2 * std::numbers::pi * static_cast<double>(label) / static_cast<double>(options.classes);
    const double angle = offset + 1.5 * std::numbers::pi * t;
    return std::pair(radius * std::cos(angle), radius * std::sin(angle));
  });
}

Dataset make_waves(int64_t samples, const WaveOptions& options) {
  check("make_waves", samples, options.noise, options.classes);
  if (options.steps < 1) fail("make_waves", "steps is ", options.steps, "; it must be 1 or more");
  Draws draws(options.seed);
  std::vector<float> x;
  std::vector<int64_t> y;
  for (int64_t i = 0; i < samples; ++i) {
    const int64_t label = i % options.classes;
    const double begin = draws.uniform();
    for (int64_t step = 0; step < options.steps; ++step) {
      const double turns = begin + static_cast<double>((label + 1) * step) / static_cast<double>(options.steps);
      x.push_back(static_cast<float>(std::sin(2 * std::numbers::pi * turns) + options.noise * draws.normal()));
    }
    y.push_back(label);
  }
  return classified("waves", x, y, {options.steps, 1}, options.classes);
}

}  // namespace gradus::data
