// Topological orders that stay near the order of recording.
#pragma once

#include <cstddef>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace gradus::plan {

/// Nodes 0 .. count-1, each of which comes after others.
class Waits {
 public:
  explicit Waits(size_t count = 0) : left_(count, 0), followers_(count) {}

  /// `node` comes after `source`; may be said several times.
  void add(int source, int node) {
    followers_[source].push_back(node);
    ++left_[node];
  }
  /// Calls enter(node) for each that waits for nobody.
  template <class Enter>
  void start(const Enter& enter) const {
    for (size_t node = 0; node < left_.size(); ++node) {
      if (left_[node] == 0) enter(static_cast<int>(node));
    }
  }
  /// Calls enter(node) for each for which `done` was the last to wait for.
  template <class Enter>
  void pass(int done, const Enter& enter) {
    for (const int node : followers_[done]) {
      if (--left_[node] == 0) enter(node);
    }
  }
  const std::vector<int>& followers(int node) const { return followers_[node]; }

 private:
  std::vector<int> left_;
  std::vector<std::vector<int>> followers_;
};

/// A node that may come now; the one with the lowest number of recording does.
using Ready = std::pair<int, int>;  // number of recording, node
using ReadyQueue = std::priority_queue<Ready, std::vector<Ready>, std::greater<>>;

}  // namespace gradus::plan
