// A callback for the JSON parser, which by itself lets the last of equal keys win and nests without bound.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace gradus::io {

/// Calls on_twice(keys that lead to the key, the key last) for a key that stands twice in one object, and on_deep() for values nested more
/// than `deepest` deep. Both must throw.
template <class OnTwice, class OnDeep>
auto check_keys(int deepest, OnTwice on_twice, OnDeep on_deep) {
  using Event = nlohmann::json::parse_event_t;
  return [=, open = std::vector<std::set<std::string>>(), path = std::vector<std::string>()](int depth, Event event,
                                                                                             nlohmann::json& parsed) mutable {
    if (depth > deepest) on_deep();
    if (event == Event::object_start) {
      open.emplace_back();
      path.emplace_back();
    } else if (event == Event::object_end) {
      open.pop_back();
      path.pop_back();
    } else if (event == Event::key) {
      path.back() = parsed.get<std::string>();
      if (!open.back().insert(path.back()).second) on_twice(path);
    }
    return true;
  };
}

}  // namespace gradus::io
