// Interactions, checked, and who has what. Private to models/.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gradus/models/recommendation.hpp"

namespace gradus::models::detail {

/// Ids and values, as they came.
struct Pairs {
  std::vector<int64_t> users{}, items{};
  std::vector<double> values{};
  int64_t user_count = 0, item_count = 0;
};
/// users and items: how many there may be; 0: as the largest id says. Throws for ids that are no whole numbers from 0 below that, for
/// values that are not finite, and where there are none.
Pairs checked_pairs(std::string_view op, const Interactions& interactions, int64_t users, int64_t items);

/// The items of each user, ascending, each once.
class ItemSets {
 public:
  ItemSets() = default;
  explicit ItemSets(const Pairs& pairs);
  /// Nothing for users that are not there.
  const std::vector<int64_t>& of(int64_t user) const;

 private:
  std::unordered_map<int64_t, std::vector<int64_t>> sets_{};
  std::vector<int64_t> none_{};
};

}  // namespace gradus::models::detail
