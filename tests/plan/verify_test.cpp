// The verifier finds what is wrong with a plan that was broken on purpose, one fact at a time.
#include <gtest/gtest.h>

#include "gradus/base/error.hpp"
#include "gradus/ops/activation.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/plan/verify.hpp"

namespace gradus::plan {

using namespace core;
namespace {

template <class F>
std::string complaint(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
#define EXPECT_COMPLAINT(statement, text) \
  EXPECT_NE(complaint([&] { statement; }).find(text), std::string::npos) << complaint([&] { statement; })

Array dense(const Shape& shape) { return reshape(arange(shape.size(), float32) * 1e-3, NewShape(shape)).eval(); }

// w is dying: it is held by nobody but the graph. Two products, a bias, a chain, a view, an update.
class Verify : public ::testing::Test {
 protected:
  Verify() {
    Array w = dense({64, 64});
    const Array x = dense({64, 64});
    const auto square_of = [&](const Array& hidden) { return matmul(hidden, matmul(x, hidden)); };
    loss_ = sum(exp(transpose(square_of(relu(matmul(x, w) + dense({64})))) * 0.5));
    updated_ = w - 0.1 * w;
    w = Array();
    const Array roots[] = {loss_, updated_};
    take_snapshot(roots, snapshot_);
    graph_ = simplify(snapshot_, true);
    make_contiguous(graph_);
    plan_ = *make_plan(snapshot_);
  }

  int op_named(std::string_view name) const {
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      if (graph_.ops[at].op->name == name) return static_cast<int>(at);
    }
    return -1;
  }
  void check_graph() const { verify(graph_, snapshot_, "test"); }
  void check_plan() const { verify(plan_, snapshot_); }
  int storage_of(Storage::Kind kind) const {
    for (size_t at = 0; at < plan_.storages.size(); ++at) {
      if (plan_.storages[at].kind == kind) return static_cast<int>(at);
    }
    return -1;
  }

  Array loss_, updated_;
  Snapshot snapshot_;
  PlanGraph graph_;
  Plan plan_;
};

TEST_F(Verify, WhatThePassesMakeIsRight) {
  EXPECT_EQ(complaint([&] { check_graph(); }), "");
  EXPECT_EQ(complaint([&] { check_plan(); }), "");
  for (const bool is_op_by_op : {false, true}) {
    set_op_by_op(is_op_by_op);
    set_verify_plans(true);
    EXPECT_EQ(complaint([&] { make_plan(snapshot_); }), "");
    set_op_by_op(false);
  }
}

TEST_F(Verify, AnOpBeforeItsInputsIsFound) {
  std::swap(graph_.ops[op_named("matmul")], graph_.ops[op_named("exp")]);
  EXPECT_COMPLAINT(check_graph(), "which no earlier op makes");
}

TEST_F(Verify, AValueWithTwoProducersIsFound) {
  graph_.ops[op_named("exp")].outputs = graph_.ops[op_named("matmul")].outputs;
  EXPECT_COMPLAINT(check_graph(), "is made by op");
}

TEST_F(Verify, AnOpThatIsDeadThoughReadIsFound) {
  graph_.ops[op_named("relu")].is_dead = true;
  EXPECT_COMPLAINT(check_graph(), "which no earlier op makes");
}

TEST_F(Verify, AnotherShapeIsFound) {
  graph_.values[graph_.ops[op_named("matmul")].outputs[0]].layout = Layout::contiguous(float32, {32, 128});
  EXPECT_COMPLAINT(check_graph(), "its rule");
}

TEST_F(Verify, AnotherDTypeIsFound) {
  graph_.values[graph_.ops[op_named("exp")].outputs[0]].layout.dtype = float64;
  EXPECT_COMPLAINT(check_graph(), "exp");
}

TEST_F(Verify, StridesThatAKernelDoesNotTakeAreFound) {
  PlanOp& total = graph_.ops[op_named("sum")];
  const uint32_t takes = total.op->kernel.strided_inputs;
  Layout& layout = graph_.values[total.inputs[0]].layout;
  std::swap(layout.strides[0], layout.strides[1]);
  EXPECT_COMPLAINT(check_graph(), takes & 1 ? "is computed but not contiguous" : "contiguous");
}

TEST_F(Verify, AViewOutsideItsMemoryIsFound) {
  for (PlanValue& value : graph_.values) {
    if (value.kind == PlanValue::Kind::view) value.offset = 1;
  }
  EXPECT_COMPLAINT(check_graph(), "leaves value");
}

TEST_F(Verify, AKeptValueThatIsNotMarkedIsFound) {
  for (PlanValue& value : graph_.values) value.is_kept = false;
  EXPECT_COMPLAINT(check_graph(), "of the snapshot is kept, value");
}

TEST_F(Verify, AKeptValueThatNoOpMakesIsFound) {
  graph_.ops[op_named("sum")].is_dead = true;  // only the caller reads it
  EXPECT_COMPLAINT(check_graph(), "which no earlier op makes");
}

TEST_F(Verify, AGroupThatIsNotInOrderIsFound) {
  fuse(graph_, true);
  for (Group& group : graph_.groups) std::reverse(group.ops.begin(), group.ops.end());
  EXPECT_COMPLAINT(check_graph(), "is not in order");
}

TEST_F(Verify, AStepBeforeWhatItReadsIsFound) {
  std::swap(plan_.steps.front(), plan_.steps[2]);
  EXPECT_COMPLAINT(check_plan(), "reads what no step before it has written");
}

TEST_F(Verify, AStepTwiceIsFound) {
  plan_.steps.insert(plan_.steps.begin() + 1, plan_.steps.front());
  EXPECT_COMPLAINT(check_plan(), "write the same value");
}

TEST_F(Verify, DyingDataThatIsReadAfterTheUpdateIsFound) {
  ASSERT_GE(storage_of(Storage::Kind::donated), 0);
  std::rotate(plan_.steps.begin(), plan_.steps.end() - 1, plan_.steps.end());
  for (Step& step : plan_.steps) step.is_update = true;
  EXPECT_COMPLAINT(check_plan(), "has written over it");
}

TEST_F(Verify, AStepThatMayFailAfterTheUpdateIsFound) {
  plan_.steps.back().is_update = false;
  EXPECT_COMPLAINT(check_plan(), "may fail, or is no update");
  plan_.steps.back().is_update = true;
  const auto failing = backend::make_kernel([](void* const*, void*) { return backend::Status{}; }, 0, true);
  plan_.steps.back().kernel = failing;
  EXPECT_COMPLAINT(check_plan(), "may fail, or is no update");
}

TEST_F(Verify, DataThatOthersHoldIsNotWrittenOver) {
  std::fill(snapshot_.is_donated.begin(), snapshot_.is_donated.end(), 0);
  EXPECT_COMPLAINT(check_plan(), "data that others hold is written over");
}

TEST_F(Verify, ValuesInOnePlaceAtOneTimeAreFound) {
  for (Storage& storage : plan_.storages) storage.offset = 0;
  EXPECT_COMPLAINT(check_plan(), "still in use");
}

TEST_F(Verify, AnArenaThatIsTooSmallIsFound) {
  plan_.arena_bytes -= 64;
  EXPECT_COMPLAINT(check_plan(), "outside the arena");
}

TEST_F(Verify, AResultOfAnotherSizeIsFound) {
  plan_.storages[storage_of(Storage::Kind::result)].bytes += 4;
  EXPECT_COMPLAINT(check_plan(), "into");
}

TEST_F(Verify, AKeptValueThatIsNotPublishedIsFound) {
  plan_.published.pop_back();
  EXPECT_COMPLAINT(check_plan(), "are published");
}

TEST_F(Verify, AKeptValueInTheArenaIsFound) {
  plan_.published[0].storage = storage_of(Storage::Kind::arena);
  EXPECT_COMPLAINT(check_plan(), "a kept value lies in the arena");
}

TEST_F(Verify, APlanForAnotherSetOfKeptValuesIsFound) {
  snapshot_.is_kept[snapshot_.first_value[loss_.node()->number]] = 0;
  EXPECT_COMPLAINT(check_plan(), "a value that nobody keeps is published");
}

}  // namespace
}  // namespace gradus::plan
