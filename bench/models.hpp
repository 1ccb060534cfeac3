// The networks that are timed.
#pragma once

#include "gradus/gradus.hpp"

namespace bench {

gradus::nn::Sequential multilayer_perceptron();  ///< 784-256-128-10, ReLU
gradus::nn::Sequential tutorial_cnn();           ///< 28x28x1: two 3x3 convolutions with pooling, 128, 10
gradus::nn::Sequential resnet18();               ///< 224x224x3 to 1,000 classes (He et al. 2016)

gradus::nn::Sequential dense_blocks();           ///< a GPT's six blocks of width 384 without what attention does between its projections

/// Random classes, (count,) in [0, classes).
gradus::Array labels(int64_t count, int64_t classes);

/// 784-400-(20, 20)-400-784 (Kingma and Welling 2014).
struct Autoencoder {
  gradus::nn::Dense encoder{400, gradus::relu}, mean{20}, log_variance{20}, decoder{400, gradus::relu}, logits{784};
  /// Bernoulli likelihood and Kullback-Leibler divergence, summed, of a fresh sample.
  gradus::Array objective(const gradus::Array& x) const;
  GRADUS_PARTS(encoder, mean, log_variance, decoder, logits)
};

}  // namespace bench
