// Plans of closed graphs, in the cache of the evaluator.
#pragma once

#include "gradus/plan/cache.hpp"

namespace gradus::plan {

/// The plan of `graph` for computed arguments, each the one output of its node; made if there is none. Null where an op of the host is in
/// it. Under the evaluation lock; valid until the next plan is made.
const CachedPlan* plan_of(const SubgraphPtr& graph, std::span<const Array* const> arguments, std::span<const Reuse> reuse);

}  // namespace gradus::plan
