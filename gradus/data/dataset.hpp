// Datasets: inputs and targets of the same length, with what people call them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::data {

/// What people call a data set and its classes.
struct DatasetInfo {
  std::vector<std::string> class_names{};  ///< of integer labels 0, 1, ...; empty if the targets are no classes
  std::string name{};
  std::string description{};
};

/// Samples: row i of `x` is one input, row i of `y` its target.
///
/// x  (N, ...), any dtype
/// y  (N, ...), or empty when there are no targets. With class names: (N,) integers below their count. Never NaN.
///
/// The constructor evaluates y, and throws naming the first label that is NaN or out of range with its position.
///
///   data::Dataset set(x, y);
///   for (const auto& batch : data::batches(set, {.batch_size = 64})) model(batch.x);
class Dataset {
 public:
  Dataset() = default;
  explicit Dataset(Array x, Array y = {}, DatasetInfo info = {});

  /// From bytes 0 .. 255: `x` is bytes / 255 as float32, computed only when somebody reads it; batches are taken from the bytes.
  static Dataset from_bytes(Array bytes, Array y, DatasetInfo info = {});

  Array x{}, y{};
  std::vector<std::string> class_names{};
  std::string name{}, description{};
  Array weights{};  ///< (N,): how much each sample counts in a loss; empty: all the same. See weighted().

  /// Number of samples.
  int64_t size() const;
  bool has_targets() const { return y.exists(); }
  /// The array that batches take their inputs from: x, or the bytes behind it (then each is divided by 255).
  const Array& stored_x() const { return is_from_bytes() ? bytes_ : x; }
  bool is_from_bytes() const;

 private:
  Array bytes_{}, scaled_{};  // scaled_ is what x was made as: the bytes count only while x is still that array
};

/// The samples at `positions`, in that order; a position may repeat. Throws when one is out of range.
Dataset subset(const Dataset& set, std::span<const int64_t> positions);
/// Samples begin .. end-1.
Dataset subset(const Dataset& set, int64_t begin, int64_t end);
/// Two parts without common samples: `fraction` of them (rounded), drawn at random by `seed`, and the rest; both in random order.
std::pair<Dataset, Dataset> split(const Dataset& set, double fraction, uint64_t seed = 0);

/// The set with a weight for each sample: (N,) numbers, finite and not negative; kept as float32. They go along with subsets, splits and
/// batches. A loss of the library becomes sum_i w_i loss_i / N: it is divided by the number of samples, not by the sum of the weights, as
/// in Keras, so weights whose mean is 1 leave its size as it is. Metrics do not weigh. Throws naming the first weight that is none.
Dataset weighted(Dataset set, const Array& weights);
/// Throws for weights of a set that are not as weighted() takes them.
void check_weights(const Dataset& set);

/// "[3, 1]": the indices of the element at a row-major position, for messages.
std::string index_text(const Shape& shape, int64_t position);

/// 0 .. count-1 in an order that depends on `seed` and `stream` only.
std::vector<int64_t> permutation(int64_t count, uint64_t seed, uint64_t stream = 0);

}  // namespace gradus::data
