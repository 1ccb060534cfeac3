// Least-recently-used list with a map into it.
#include "gradus/plan/cache.hpp"

namespace gradus::plan {

CachedPlan* Cache::find(const Hash128& key) {
  const auto place = places_.find(key);
  if (place == places_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, place->second);
  return &place->second->cached;
}

void Cache::insert(const Hash128& key, CachedPlan plan) {
  bytes_ += plan.plan->bytes_held;
  entries_.push_front({key, std::move(plan)});
  places_[key] = entries_.begin();
  shrink();
}

void Cache::clear() {
  entries_.clear();
  places_.clear();
  bytes_ = 0;
}

void Cache::set_limit(int64_t bytes) {
  limit_ = bytes;
  shrink();
}

void Cache::shrink() {
  while (bytes_ > limit_ && entries_.size() > 1) {
    bytes_ -= entries_.back().cached.plan->bytes_held;
    places_.erase(entries_.back().key);
    entries_.pop_back();
  }
}

}  // namespace gradus::plan
