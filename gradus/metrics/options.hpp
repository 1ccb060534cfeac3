// What scores of a whole set are told beside outputs and targets.
#pragma once

#include <cstdint>
#include <optional>

#include "gradus/graph/array.hpp"

namespace gradus::metrics {

/// What the outputs of a classifier are.
enum class Outputs : uint8_t {
  logits,        ///< what losses take: sigmoid or softmax makes probabilities of them
  probabilities  ///< 0 to 1; those of one sample add up to 1
};

/// Over which classes a share is taken. A class counts that occurs among the targets or the predictions, of samples that weigh more than 0.
enum class Average : uint8_t {
  automatic,  ///< binary for two classes, else macro
  binary,     ///< of class 1 alone
  macro,      ///< mean over the classes
  micro,      ///< of the counts of all classes together
  weighted    ///< mean over the classes, each as often as its targets occur
};

/// How an area under a curve is taken of more than two classes.
enum class MultiClass : uint8_t {
  one_vs_rest,  ///< each class against all others
  one_vs_one    ///< each pair of classes by itself (Hand and Till 2001)
};

/// Options of scores of classes. Outputs and targets are
///     output (...,) or (..., 1)    one number a sample: that of class 1 of two
///     output (..., C)              one number a class
///     target (...) or (..., 1)     labels 0 to C - 1, of any dtype: 0.0 and 1.0, or bools, are labels too
///     target (..., C)              one-hot rows
/// Leading axes are samples. They are read as float64. NaN is refused, with its position.
struct ClassOptions {
  Outputs outputs = Outputs::logits;
  Array weights{};  ///< of the samples, as many: finite, not negative, one above 0; empty: all 1
  Average average = Average::automatic;
  MultiClass multi_class = MultiClass::one_vs_rest;
  double zero_division = 0;         ///< a share of nothing, such as the precision where nothing is predicted; NaN: such a class is left out
  double threshold = 0.5;           ///< of two classes: 1 is predicted where its probability is larger
  std::optional<int64_t> ignore{};  ///< samples with this label do not count, -100 say; means leave the class out, if it is one
};

/// Options of scores of numbers. Outputs and targets are (N,), (N, 1) or (N, K), finite; of K columns the mean of their scores is given.
struct NumberOptions {
  Array weights{};  ///< (N,): as those of ClassOptions
};

}  // namespace gradus::metrics
