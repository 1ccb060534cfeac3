// Places in one piece of memory for values whose lifetimes are known.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>

#include "gradus/base/round_up.hpp"

namespace gradus::plan {

/// Takes and gives back in the order in which values live; the first freed block that is large enough is taken again. Places and sizes are
/// multiples of 64 bytes.
class Arena {
 public:
  int64_t take(int64_t bytes) {
    bytes = rounded(bytes);
    for (auto block = free_.begin(); block != free_.end(); ++block) {
      if (block->second < bytes) continue;
      const int64_t offset = block->first, rest = block->second - bytes;
      free_.erase(block);
      if (rest) free_[offset + bytes] = rest;
      return offset;
    }
    int64_t offset = end_;
    if (!free_.empty() && free_.rbegin()->first + free_.rbegin()->second == end_) {  // grow the last free block
      offset = free_.rbegin()->first;
      free_.erase(std::prev(free_.end()));
    }
    end_ = offset + bytes;
    return offset;
  }
  void give_back(int64_t offset, int64_t bytes) {
    bytes = rounded(bytes);
    auto place = free_.emplace(offset, bytes).first;
    const auto after = std::next(place);
    if (after != free_.end() && place->first + place->second == after->first) {
      place->second += after->second;
      free_.erase(after);
    }
    if (place == free_.begin()) return;
    const auto before = std::prev(place);
    if (before->first + before->second != place->first) return;
    before->second += place->second;
    free_.erase(place);
  }
  int64_t size() const { return end_; }

 private:
  static int64_t rounded(int64_t bytes) { return core::round_up(std::max<int64_t>(bytes, 1)); }

  std::map<int64_t, int64_t> free_;
  int64_t end_ = 0;
};

}  // namespace gradus::plan
