// What layers keep from one call to the next while a sequence is made piece by piece: keys and values of attention, states of recurrences.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::nn {

/// The memory of a batch of sequences that a model continues. A call of the model inside a DecodingScope takes only the new tokens: causal
/// attention looks at the keys and values that earlier calls have kept, positions count on, and the call costs what its own tokens cost.
///
///   nn::DecodingCache cache;
///   const auto next = [&](const Array& ids) {   // (N, T) new ids -> (N, T, classes), of these positions
///     nn::DecodingScope scope(cache);
///     return model(ids);
///   };
class DecodingCache {
 public:
  /// Positions that have gone through the model.
  int64_t length() const { return length_; }
  /// Row i of the batch goes on as row rows[i] was: (M,) integers, for beam search.
  void select(const Array& rows);
  /// Everything that is kept: to be evaluated together with the result of a call.
  std::vector<Array> arrays() const;

 private:
  friend class DecodingScope;
  // What one layer keeps. Layers come by in the same order at each call of a model.
  struct Slot {
    std::string layer{};
    std::vector<Array> arrays{};
    int64_t batch_axis = 0;
  };
  std::vector<Slot> slots_{};
  int64_t length_ = 0;
  int64_t capacity_ = 0;  // positions that the arrays of keys and values have room for
};

/// One call of a model that continues `cache`, in this thread. What the call adds is kept when the scope ends; if it ends by an exception,
/// the cache is as it was. Not for calls inside a transform.
class DecodingScope {
 public:
  explicit DecodingScope(DecodingCache& cache);
  ~DecodingScope();
  DecodingScope(const DecodingScope&) = delete;
  DecodingScope& operator=(const DecodingScope&) = delete;

  /// The innermost open scope of this thread; null if there is none. What follows is for layers.
  static DecodingScope* current();

  /// Notes that this call has `count` new positions; throws where another layer has said otherwise.
  void expect(std::string_view layer, int64_t count);
  /// Positions before those of this call: as a number, and as an array of rank 0 (int64), so that every call has the same plan.
  int64_t first() const { return cache_.length_; }
  Array position() const { return position_; }
  /// Each x (N, T, ...) behind what earlier calls have kept: (N, capacity, ...). What lies behind the new positions counts for nothing.
  std::vector<Array> append(std::string_view layer, const std::vector<Array>& x);
  /// What the layer kept at the last call; at the first one what `make` gives. keep() says what it keeps of this call.
  std::vector<Array> last(std::string_view layer, const std::function<std::vector<Array>()>& make);
  void keep(std::vector<Array> arrays, int64_t batch_axis = 0);

 private:
  DecodingCache::Slot& next_slot(std::string_view layer);
  DecodingCache& cache_;
  std::vector<DecodingCache::Slot> staged_{};  // of the layers that have come by
  Array position_;
  int64_t count_ = -1;  // new positions; -1: nobody has said it yet
  int64_t capacity_ = 0;
  DecodingScope* outer_;
  uint64_t flags_before_;
  int exceptions_;
};

/// While one lives, this thread makes a sequence: every id that calls take counts, also those of an Embedding's padding, as nothing is
/// filled up (makes_sequence()); a DecodingScope is the same in this. It hears how many positions the model takes, with a cache and
/// without.
class GenerationScope {
 public:
  GenerationScope();
  ~GenerationScope();
  GenerationScope(const GenerationScope&) = delete;
  GenerationScope& operator=(const GenerationScope&) = delete;

  /// Positions that the layers of calls so far take at most; 0: none has said it.
  int64_t limit() const { return limit_; }
  /// Notes, for all that are open in this thread, that the model takes no more than so many positions.
  static void note_limit(int64_t positions);

 private:
  GenerationScope* outer_;
  uint64_t flags_before_;
  int64_t limit_ = 0;
};

}  // namespace gradus::nn
