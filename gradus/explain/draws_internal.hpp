// Random numbers on the host: the same for a seed and stream, on every machine. Not for users.
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "gradus/base/philox.hpp"

namespace gradus::explain::detail {

/// The numbers of one (seed, stream).
class Draws {
 public:
  explicit Draws(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  uint64_t bits() {
    const auto words = core::philox(count_++, stream_, seed_);
    return uint64_t{words[0]} << 32 | words[1];
  }
  /// In [0, 1), a multiple of 2^-53.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// 0 .. count - 1, each with the same probability but for count / 2^53 of it.
  int64_t below(int64_t count) { return std::min(static_cast<int64_t>(uniform() * static_cast<double>(count)), count - 1); }
  /// 0 .. count - 1 in random order (Fisher and Yates).
  std::vector<int64_t> permutation(int64_t count) {
    std::vector<int64_t> order(static_cast<size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    for (int64_t last = count - 1; last > 0; --last)
      std::swap(order[static_cast<size_t>(last)], order[static_cast<size_t>(below(last + 1))]);
    return order;
  }

 private:
  uint64_t seed_, stream_, count_ = 0;
};

}  // namespace gradus::explain::detail
