// What a model, or a unit inside it, answers to most: an input made by climbing its gradient.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "gradus/explain/target.hpp"

namespace gradus::explain {

/// Options of maximise.
struct MaximiseOptions {
  Target target = largest;  ///< of a model with several outputs the index of one, or a function; where no layer is named
  Scale scale = Scale::output;
  std::string layer{};  ///< instead of an output: the mean over all places of channel `unit` of what this layer gives (find_layer)
  int64_t unit = 0;
  int64_t steps = 200;
  double learning_rate = 0.05;  ///< of Adam
  double l2 = 0.01;             ///< times the mean of x^2, taken off
  double total_variation = 0;   ///< times the mean |difference| of neighbours along the axes but the channels, taken off: smooth images
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();  ///< of the numbers of x
  Array start{};     ///< a sample; empty: normal noise of deviation 0.1 about the middle of low and high, or about 0
  int64_t seed = 0;  ///< of the noise
  DType dtype = float32;
};

/// What maximise gives.
struct Maximised {
  Array x{};                     ///< of the sample's shape
  double value = 0;              ///< the explained number at x, without what was taken off
  std::vector<double> values{};  ///< before each step
};

/// Activation maximisation (Erhan et al. 2009; Simonyan, Vedaldi, Zisserman 2014): climbs, by Adam, the explained number less the
/// penalties.
///
/// sample  the shape of one input, without the batch
///
///   nn::Sequential net{nn::Conv2D(4, 3, relu), nn::Flatten(), nn::Dense(3)};
///   explain::maximise(net, {8, 8, 1}, {.target = 2, .steps = 5}).x   // (8, 8, 1)
Maximised maximise(Function model, const Shape& sample, const MaximiseOptions& options = {});

}  // namespace gradus::explain
