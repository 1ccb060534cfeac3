// The plan cache: least recently used plans go when a bound of bytes is passed. Under the evaluation lock.
#pragma once

#include <list>
#include <unordered_map>

#include "gradus/plan/plan.hpp"

namespace gradus::plan {

/// A plan; for a closed graph also its snapshot, in which each call replaces the arguments, and the graph that keeps its nodes alive.
struct CachedPlan {
  PlanPtr plan;
  std::shared_ptr<Snapshot> snapshot{};
  SubgraphPtr graph{};
  std::vector<uint32_t> outputs{};  ///< of a closed graph: where in plan->published each output is
};

class Cache {
 public:
  /// The plan of this key, marked as used now; null if there is none. Valid until the next insert.
  CachedPlan* find(const Hash128& key);
  void insert(const Hash128& key, CachedPlan plan);
  void clear();
  void set_limit(int64_t bytes);
  int64_t plans() const { return static_cast<int64_t>(places_.size()); }
  int64_t bytes() const { return bytes_; }

 private:
  void shrink();
  struct Entry {
    Hash128 key;
    CachedPlan cached;
  };
  std::list<Entry> entries_;  // most recent first
  std::unordered_map<Hash128, std::list<Entry>::iterator, Hash128Low> places_;
  int64_t bytes_ = 0, limit_ = int64_t{256} << 20;
};

}  // namespace gradus::plan
