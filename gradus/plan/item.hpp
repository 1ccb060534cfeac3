// What a plan will run, before it has an order and memory. Private to plan/.
#pragma once

#include <utility>
#include <vector>

#include "gradus/plan/ir.hpp"

namespace gradus::plan {

/// One thing to run: a group, a chain or a single op.
struct Item {
  std::vector<int> ops{};
  std::vector<int> reads{}, writes{};             ///< values
  std::vector<std::pair<int, bool>> operands{};   ///< in the kernel's order, with whether it is written; empty: reads, then writes
  backend::KernelPtr kernel{};                        ///< null for a barrier
  std::vector<std::vector<int>> over{};           ///< for each write: the reads that it may lie over
  bool is_update = false;
  int bundled = 1;  ///< items in it
  int64_t scratch_offset = 0;
};

struct Items {
  std::vector<Item> items;
  std::vector<int> of_op;                          ///< -1: the op does not run
  std::vector<uint8_t> is_stored, is_base_kept;    ///< of values: whether it has memory; whether it or a view of it is kept
  int64_t products = 0;                            ///< matrix products and convolutions
};
/// What runs for a graph, with its kernels. Counts its visits in the graph.
Items make_items(PlanGraph& graph);

}  // namespace gradus::plan
