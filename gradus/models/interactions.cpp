// Checks of interactions.
#include "gradus/models/interactions.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"

namespace gradus::models::detail {

using namespace core;

namespace {

constexpr int64_t kMostIds = int64_t{1} << 31;

std::vector<int64_t> checked_ids(std::string_view op, const char* name, const Array& ids, int64_t& count) {
  if (!ids.exists() || ids.rank() != 1 || ids.size() == 0)
    fail(op, name, " are ", ids.exists() ? to_text(ids.shape()) : std::string("missing"), "; they must be (N,), with one at least");
  const int64_t bound = count > 0 ? count : kMostIds;
  std::vector<int64_t> out(static_cast<size_t>(ids.size()));
  const auto check = [&](size_t i, auto value) {
    if (!(value >= 0 && value < static_cast<decltype(value)>(bound)) || static_cast<decltype(value)>(static_cast<int64_t>(value)) != value)
      fail(op, name, "[", i, "] is ", value, "; ids must be whole numbers from 0 to ", bound - 1);
    out[i] = static_cast<int64_t>(value);
  };
  if (ids.dtype().is_float()) {
    const std::vector<double> values = ids.to_vector<double>();
    for (size_t i = 0; i < values.size(); ++i) check(i, values[i]);
  } else {
    const std::vector<int64_t> values = ids.to_vector<int64_t>();
    for (size_t i = 0; i < values.size(); ++i) check(i, values[i]);
  }
  if (count == 0) count = *std::max_element(out.begin(), out.end()) + 1;
  return out;
}

}  // namespace

Pairs checked_pairs(std::string_view op, const Interactions& interactions, int64_t users, int64_t items) {
  for (const auto& [name, count] : {std::pair("users", users), std::pair("items", items)})
    if (count < 0 || count > kMostIds) fail(op, name, " is ", count, "; it must be from 0 to 2^31");
  Pairs out{.user_count = users, .item_count = items};
  out.users = checked_ids(op, "users", interactions.users, out.user_count);
  out.items = checked_ids(op, "items", interactions.items, out.item_count);
  if (out.users.size() != out.items.size())
    fail(op, "there are ", out.users.size(), " users and ", out.items.size(), " items; each interaction must have one of both");
  if (!interactions.values.exists()) {
    out.values.assign(out.users.size(), 1.0);
    return out;
  }
  if (interactions.values.shape() != interactions.users.shape())
    fail(op, "values are ", interactions.values.shape(), ", users ", interactions.users.shape(),
         "; there must be one for each interaction");
  out.values = interactions.values.to_vector<double>();
  for (size_t i = 0; i < out.values.size(); ++i)
    if (!std::isfinite(out.values[i])) fail(op, "values[", i, "] is ", out.values[i], "; values must be finite");
  return out;
}

ItemSets::ItemSets(const Pairs& pairs) {
  for (size_t i = 0; i < pairs.users.size(); ++i) sets_[pairs.users[i]].push_back(pairs.items[i]);
  for (auto& [user, items] : sets_) {
    std::sort(items.begin(), items.end());
    items.erase(std::unique(items.begin(), items.end()), items.end());
  }
}
const std::vector<int64_t>& ItemSets::of(int64_t user) const {
  const auto found = sets_.find(user);
  return found == sets_.end() ? none_ : found->second;
}

}  // namespace gradus::models::detail
