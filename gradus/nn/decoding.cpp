// The cache of sequences that are made piece by piece.
#include "gradus/nn/decoding.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/graph/mode.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/gather.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::nn {

using namespace core;

namespace {

thread_local DecodingScope* innermost = nullptr;
thread_local GenerationScope* innermost_generation = nullptr;

constexpr int64_t kLeastCapacity = 64;

// x (N, T, ...) as (N, capacity, ...), with zeros behind it.
Array with_room(const Array& x, int64_t capacity) {
  Dims sizes = x.shape().dims();
  sizes[1] = capacity - x.shape(1);
  return sizes[1] == 0 ? x : concatenate({x, zeros(Shape(sizes), x.dtype())}, 1);
}

}  // namespace

void DecodingCache::select(const Array& rows) {
  for (Slot& slot : slots_) {
    for (Array& array : slot.arrays) array = take(array, rows, slot.batch_axis);
  }
}

std::vector<Array> DecodingCache::arrays() const {
  std::vector<Array> out;
  for (const Slot& slot : slots_) out.insert(out.end(), slot.arrays.begin(), slot.arrays.end());
  return out;
}

DecodingScope::DecodingScope(DecodingCache& cache)
    : cache_(cache),
      position_(array(std::vector<int64_t>{cache.length_}, {})),
      capacity_(cache.capacity_),
      outer_(innermost),
      flags_before_(mode_flags()),
      exceptions_(std::uncaught_exceptions()) {
  if (is_tracing()) fail("DecodingScope", "it is opened inside a transform; a sequence is continued outside of any");
  innermost = this;
  set_mode_flags(flags_before_ | kSequenceFlag);
}

DecodingScope::~DecodingScope() {
  innermost = outer_;
  set_mode_flags(flags_before_);
  if (std::uncaught_exceptions() > exceptions_) return;
  for (size_t i = 0; i < staged_.size(); ++i) {
    if (i == cache_.slots_.size()) cache_.slots_.emplace_back();
    cache_.slots_[i] = std::move(staged_[i]);
  }
  cache_.length_ += std::max<int64_t>(count_, 0);
  cache_.capacity_ = capacity_;
}

DecodingScope* DecodingScope::current() { return innermost; }

void DecodingScope::expect(std::string_view layer, int64_t count) {
  if (is_tracing())
    fail(layer, "it is called by a transform, or a compiled function, inside a DecodingScope; a sequence is continued outside of any");
  if (count_ >= 0 && count_ != count) {
    fail(layer, "x has ", count, " positions, earlier layers of this call had ", count_, "; a sequence is continued by all of them alike");
  }
  count_ = count;
}

DecodingCache::Slot& DecodingScope::next_slot(std::string_view layer) {
  const size_t at = staged_.size();
  const bool is_first = cache_.slots_.empty();
  if (!is_first && (at >= cache_.slots_.size() || cache_.slots_[at].layer != layer)) {
    fail(layer, "the model goes another way than at the first call of this DecodingCache; a cache belongs to one model");
  }
  staged_.push_back({std::string(layer), is_first ? std::vector<Array>() : cache_.slots_[at].arrays});
  return staged_.back();
}

std::vector<Array> DecodingScope::append(std::string_view layer, const std::vector<Array>& x) {
  expect(layer, x[0].shape(1));
  const int64_t end = cache_.length_ + count_;
  if (end > capacity_) capacity_ = std::max({kLeastCapacity, 2 * capacity_, end});
  DecodingCache::Slot& slot = next_slot(layer);
  if (slot.arrays.empty()) {
    for (const Array& one : x) slot.arrays.push_back(with_room(one, capacity_));
    return slot.arrays;
  }
  const Array positions = position_ + arange(count_);
  for (size_t i = 0; i < x.size(); ++i) {
    Array& kept = slot.arrays[i];
    if (kept.shape(0) != x[i].shape(0)) {
      fail(layer, "x has ", x[i].shape(0), " sequences, the cache has ", kept.shape(0), "; they must be equal");
    }
    kept = with_room(kept, capacity_);
    kept = rule::write_rows(kept, x[i].astype(kept.dtype()), positions, 1);
  }
  return slot.arrays;
}

void DecodingScope::keep(std::vector<Array> arrays, int64_t batch_axis) {
  staged_.back().arrays = std::move(arrays);
  staged_.back().batch_axis = batch_axis;
}

std::vector<Array> DecodingScope::last(std::string_view layer, const std::function<std::vector<Array>()>& make) {
  DecodingCache::Slot& slot = next_slot(layer);
  if (slot.arrays.empty()) slot.arrays = make();
  return slot.arrays;
}

GenerationScope::GenerationScope() : outer_(innermost_generation), flags_before_(mode_flags()) {
  innermost_generation = this;
  set_mode_flags(flags_before_ | kSequenceFlag);
}
GenerationScope::~GenerationScope() {
  innermost_generation = outer_;
  set_mode_flags(flags_before_);
}
void GenerationScope::note_limit(int64_t positions) {
  for (GenerationScope* scope = innermost_generation; scope; scope = scope->outer_) {
    scope->limit_ = scope->limit_ ? std::min(scope->limit_, positions) : positions;
  }
}

}  // namespace gradus::nn
