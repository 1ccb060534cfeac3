// Checks of plans: that the passes left a graph, and the lowering a plan, which compute what was recorded. Off by default, on in the tests.
#pragma once

#include "gradus/plan/ir.hpp"
#include "gradus/plan/snapshot.hpp"

namespace gradus::plan {

/// Whether plans are verified. Also set by GRADUS_VERIFY_PLANS=1.
bool verifies_plans();
void set_verify_plans(bool is_on);

/// Throws "gradus bug: plan: after <pass>: ..." unless every value that is read or kept has one producer, which comes before its readers;
/// shapes and dtypes are those that the ops' rules give for their inputs; views lie within what they are views of; all that the snapshot
/// keeps is there, as it was recorded. Linear in values and edges.
void verify(const PlanGraph& graph, const Snapshot& snapshot, std::string_view pass);
/// Throws unless every step reads what is there by then, each storage is written once, parts of the arena that are in use at one time lie
/// apart, nothing donated is read or may fail later, and all that the snapshot keeps is published from memory that outlives the run.
void verify(const Plan& plan, const Snapshot& snapshot);

}  // namespace gradus::plan
