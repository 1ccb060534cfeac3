// Occlusion: how much the answer falls where a part of the input is covered.
#pragma once

#include <cstdint>
#include <vector>

#include "gradus/explain/features.hpp"
#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// Options of occlusion.
struct OcclusionOptions {
  Target target = largest;
  Scale scale = Scale::output;
  /// What is covered at a time: of images (N, H, W, C) {height, width}, of sequences (N, T, C) or (N, T) and of tables {length}, channels
  /// always together. Empty: an eighth of an image's sides, one step, one column.
  std::vector<int64_t> window{};
  std::vector<int64_t> stride{};  ///< from one window to the next, at most the window; empty: the window
  std::vector<Feature> groups{};  ///< covers these instead of windows: the one-hot columns of a category, parts of an image
  Array baseline{};               ///< what stands in place of what is covered, broadcast to a sample; empty: zeros
  int64_t batch_size = 1024;      ///< rows a call of the model
};

/// f(x) - f(x with a window covered), for every window that fits the image (the last ones are cut off at its end); each number of x gets
/// the mean over the windows that cover it (Zeiler and Fergus 2014). Needs no gradients: x may be integers too, `baseline` is the id that
/// covers. A number that the model ignores gets exactly 0 where the model's sums do not depend on it.
///
/// x  (N, H, W, C), (N, T, C), (N, T) or (N, columns)
///
///   nn::Sequential net{nn::Flatten(), nn::Dense(3)};
///   explain::occlusion(net, images, {.window = {7, 7}, .stride = {3, 3}}).values   // (4, 28, 28, 1)
Attribution occlusion(Function model, const Array& x, const OcclusionOptions& options = {});

}  // namespace gradus::explain
