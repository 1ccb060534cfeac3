// Small datasets made from a seed, for tutorials and tests.
#pragma once

#include <cstdint>
#include <vector>

#include "gradus/data/dataset.hpp"

namespace gradus::data {

/// Options of make_linear. No weights, or a noise that is negative or not finite, are errors.
struct LinearOptions {
  std::vector<double> weights{3.0};  ///< one a feature
  double bias = 2.0, noise = 0.1;
  uint64_t seed = 0;
};
/// y = x w + bias + noise * normal, x uniform in [0, 1): x (N, features), y (N, 1), float32.
Dataset make_linear(int64_t samples, const LinearOptions& options = {});

/// Options of make_blobs. classes and features at least 1; spread finite and not negative.
struct BlobsOptions {
  int64_t classes = 3, features = 2;
  double spread = 1.0;  ///< standard deviation about each centre; centres are uniform in [-10, 10)
  uint64_t seed = 0;
};
/// One normal cloud a class: x (N, features) float32, y (N,) int64. Classes take turns.
///
///   data::make_blobs(6).x   // (6, 2)
Dataset make_blobs(int64_t samples, const BlobsOptions& options = {});

/// Options of make_moons and make_spirals. classes at least 1; noise finite and not negative.
struct CurveOptions {
  int64_t classes = 2;  ///< of spirals; moons are always two
  double noise = 0.1;   ///< standard deviation added to both coordinates
  uint64_t seed = 0;
};
/// Two interleaved half circles: x (N, 2) float32, y (N,) int64. Classes take turns.
Dataset make_moons(int64_t samples, const CurveOptions& options = {});
/// `classes` arms that turn about the origin: x (N, 2) float32, y (N,) int64. Classes take turns.
Dataset make_spirals(int64_t samples, const CurveOptions& options = {});

/// Options of make_waves. classes and steps at least 1; noise finite and not negative.
struct WaveOptions {
  int64_t classes = 4, steps = 32;
  double noise = 0.3;  ///< standard deviation added to each value
  uint64_t seed = 0;
};
/// Sines that swing label + 1 times within their steps, from a random place on: x (N, steps, 1) float32, y (N,) int64. Classes take turns.
///
///   data::make_waves(6, {.steps = 20}).x   // (6, 20, 1)
Dataset make_waves(int64_t samples, const WaveOptions& options = {});

}  // namespace gradus::data
