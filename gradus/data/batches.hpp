// Batches of a dataset, made ahead of their use by a thread of their own.
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>

#include "gradus/data/dataset.hpp"

namespace gradus::data {

/// A few samples: x is (B, ...), y their targets or empty, weights (B,) or empty.
struct Batch {
  Array x{}, y{}, weights{};
  std::vector<Extra> extras{};  ///< (B, ...), as the set has them
  /// The extra of that name: batch["lengths"]. Throws for others, naming the nearest.
  const Array& operator[](std::string_view name) const { return extra_of(extras, name); }
  int64_t size() const { return x.shape(0); }
};

/// How a set is cut into batches. batch_size is at least 1, `first` not negative.
struct BatchOptions {
  int64_t batch_size = 32;
  bool shuffle = false;  ///< in an order that depends on seed and epoch only; of a set that is bucketed() by like lengths
  uint64_t seed = 0;
  bool drop_last = false;  ///< leave out the last batch when it is smaller
  bool prefetch = true;    ///< make the next two batches while the current one is used
  uint64_t epoch = 0;      ///< counts passes: each has its own order
  int64_t first = 0;       ///< leave out so many batches at the start: a pass is gone on with
  double scale = 0;        ///< if not 0: inputs become float32 and are multiplied by it
};

/// The batches of one pass over a set, in order; a range to be walked once.
///
///   for (const auto& batch : data::batches(set, {.batch_size = 128, .shuffle = true})) ...
///
/// Leaving the loop early stops and joins the thread. The set may go away meanwhile: its arrays are held.
class Batches {
 public:
  Batches(const Dataset& set, BatchOptions options);
  ~Batches();
  Batches(Batches&&) noexcept;

  /// Number of batches of the pass.
  int64_t count() const;
  /// The next batch, or null at the end; valid until the next call. Throws what went wrong in the thread.
  const Batch* next();

  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(Batches* range) : range_(range), batch_(range->next()) {}
    const Batch& operator*() const { return *batch_; }
    const Batch* operator->() const { return batch_; }
    Iterator& operator++() {
      batch_ = range_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return batch_ == nullptr; }

   private:
    Batches* range_ = nullptr;
    const Batch* batch_ = nullptr;
  };
  Iterator begin() { return Iterator(this); }
  std::default_sentinel_t end() const { return {}; }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Throws when batch_size is below 1, the set is empty of samples and has no shape, or its weights or extras are not one a sample.
Batches batches(const Dataset& set, BatchOptions options = {});

}  // namespace gradus::data
