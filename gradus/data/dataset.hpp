// Datasets: inputs and targets of the same length, with what people call them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/base/datum.hpp"
#include "gradus/data/text/tokenizer.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::data {

/// What people call a data set and its classes.
struct DatasetInfo {
  std::vector<std::string> class_names{};  ///< of integer labels 0, 1, ...; empty if the targets are no classes
  std::string name{};
  std::string description{};
};

/// A further array of the samples beside x and y, by name: (N, ...).
struct Extra {
  std::string name{};
  Array values{};
  std::string lengths{};  ///< the extra that says how many steps, places of axis 1, each sample has; "": all
};

/// Batches of like lengths. multiple and window are at least 1.
struct Bucketing {
  int64_t multiple = 8;  ///< batches are cut to their longest sample, rounded up to a multiple of this: few shapes, few plans
  int64_t window = 50;   ///< so many batches are sorted by length at a time; the order of batches stays random
};

/// The values of the extra of that name; throws for others, naming the nearest.
const Array& extra_of(const std::vector<Extra>& extras, std::string_view name);

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
  Array weights{};                       ///< (N,): how much each sample counts in a loss; empty: all the same. See weighted().
  std::vector<Extra> extras{};           ///< see with_extra(); they go along with subsets, splits and batches
  std::string x_lengths{}, y_lengths{};  ///< extras that say how many steps each sample of x and y has; "": all
  std::optional<Bucketing> bucketing{};  ///< see bucketed()
  Tokenizer tokenizer{};                 ///< what made x of texts; none: x is not made of texts. Model files take it from here
  std::shared_ptr<const core::Datum> pipeline{};  ///< what made x of a table, preprocess::Pipeline::to_datum(); goes to model files too

  /// The extra of that name; throws for others, naming the nearest.
  const Array& operator[](std::string_view name) const;

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
/// Throws for extras that are not as with_extra() takes them, and lengths that are not as bucketed() takes them.
void check_extras(const Dataset& set);

/// The set with a further array. Throws if its first size is not the number of samples, or the name is taken.
Dataset with_extra(Dataset set, Extra extra);
/// The set, whose shuffled passes put samples of like lengths together and cut each batch to its longest one; the order depends on seed and
/// epoch only. Passes in order are not cut. Throws for a set that has no x_lengths, or lengths that are not integers of 0 to the number of
/// steps, one a sample.
///
///   data::Dataset set = data::bucketed(data::translation_set(pairs, tokenizer, tokenizer));
///   for (const auto& batch : data::batches(set, {.shuffle = true})) batch.x.shape();   // (32, 8), (32, 24), ...
Dataset bucketed(Dataset set, Bucketing bucketing = {});

/// "[3, 1]": the indices of the element at a row-major position, for messages.
std::string index_text(const Shape& shape, int64_t position);

/// 0 .. count-1 in an order that depends on `seed` and `stream` only.
std::vector<int64_t> permutation(int64_t count, uint64_t seed, uint64_t stream = 0);

}  // namespace gradus::data
