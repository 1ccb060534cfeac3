// Layer-wise relevance propagation: the answer is handed back through the layers, each dividing what it gets among its inputs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "gradus/explain/target.hpp"
#include "gradus/nn/model.hpp"

namespace gradus::explain {

/// How a layer with weights divides the relevance R_k of its output k among its inputs a_j (Bach et al. 2015; Montavon et al. 2019):
///
///     epsilon   a_j w_jk / (z_k + epsilon sign z_k) R_k            what the layer did; a larger epsilon leaves out what is weak
///     gamma     the same with w + gamma max(w, 0) in place of w    what speaks for the answer counts more; for inputs that are not
///     negative z_plus    by the positive products a_j w_jk alone            nothing speaks against; results are smooth and never negative
///
/// z_k is the sum of all products and the bias.
enum class RelevanceRule { epsilon, gamma, z_plus };
std::span<const std::string_view> enum_names(RelevanceRule);

/// Options of relevance.
struct RelevanceOptions {
  Target target = largest;  ///< an output's index, one for each row, or largest
  RelevanceRule dense = RelevanceRule::epsilon;
  RelevanceRule convolution = RelevanceRule::epsilon;
  double epsilon = 1e-6;  ///< added to all denominators, in the direction of their sign; not negative
  double gamma = 0.25;    ///< not negative
  int64_t batch_size = 256;
};

/// What relevance gives. The values of a row add up to output - absorbed.
struct Relevance : Attribution {
  /// (N,) float64: what biases and epsilon have kept, and by z_plus outputs for which nothing speaks; else 0 up to rounding and epsilon.
  Array absorbed{};
};

/// The relevance of each number of x, of x's shape.
///
/// Known are Dense, Conv1D, Conv2D (a BatchNorm behind one of them counts as part of it, other ones hand on what they get), pooling (of the
/// largest: all to the largest), Flatten, Dropout, functions element by element (which hand on what they get), Residual (the two ways share
/// by what they bring), and Sequential of these. A softmax at the end is left out: what is explained is its logit. Any other layer is an
/// error that names it.
///
///   nn::Sequential net{nn::Conv2D(4, 3, relu), nn::MaxPooling2D(2), nn::Flatten(), nn::Dense(3)};
///   explain::relevance(net, images, {.convolution = explain::RelevanceRule::gamma}).values   // (4, 28, 28, 1)
Relevance relevance(const nn::Sequential& model, const Array& x, const RelevanceOptions& options = {});
Relevance relevance(const nn::Layer& model, const Array& x, const RelevanceOptions& options = {});
Relevance relevance(const nn::Model& model, const Array& x, const RelevanceOptions& options = {});

}  // namespace gradus::explain
