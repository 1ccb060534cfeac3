// How the evaluator's parts count. All under the evaluation lock.
#pragma once

#include "gradus/plan/counters.hpp"

namespace gradus::plan {

Counters& live_counters();
inline void note_visits(int64_t visits) { live_counters().node_visits += visits; }

}  // namespace gradus::plan
