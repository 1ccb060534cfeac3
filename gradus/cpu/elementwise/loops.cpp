// From a function to its loops.
#include "gradus/cpu/elementwise/loops.hpp"

#include <unordered_map>

#include "gradus/base/error.hpp"

namespace gradus::cpu {

const FunctionLoops& loops_of(const Function& function) {
  static const std::unordered_map<const Function*, const FunctionLoops*>* const rows = [] {
    auto* all = new std::unordered_map<const Function*, const FunctionLoops*>;
    for (const auto table :
         {arithmetic_loops(), compare_loops(), exponential_loops(), trigonometric_loops(), special_loops(), activation_loops()}) {
      for (const FunctionLoops& row : table) (*all)[row.function] = &row;
    }
    return all;
  }();
  const auto found = rows->find(&function);
  if (found == rows->end()) fail_bug(function.name, " has no loops");
  return *found->second;
}

}  // namespace gradus::cpu
