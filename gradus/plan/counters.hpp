// What the evaluator has done so far: for tests of laws, and for the curious.
#pragma once

#include <cstdint>

namespace gradus {

/// Running totals of the process.
struct Counters {
  int64_t plans_made = 0;       ///< graphs that were planned anew
  int64_t plan_hits = 0;        ///< evaluations that found their plan
  int64_t kernels_run = 0;      ///< steps executed
  int64_t products_run = 0;     ///< matrix products and convolutions among them
  int64_t loops_run = 0;        ///< parallel loops in which threads met, of all the process
  int64_t bytes_moved = 0;      ///< bytes that steps read and wrote, each operand counted once a step
  int64_t peak_arena = 0;       ///< largest arena of one run: intermediate results and scratch space, in bytes
  int64_t in_place_updates = 0; ///< outputs written over a dying input of the plan
  int64_t node_visits = 0;      ///< nodes touched by walks and passes
  int64_t cached_plans = 0;     ///< plans held now
  int64_t cached_plan_bytes = 0;
};
Counters counters();
void reset_counters();

}  // namespace gradus
