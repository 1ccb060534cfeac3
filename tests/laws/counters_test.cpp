// Laws by counters: how often is planned, run and visited, not how long it takes.
#include <gtest/gtest.h>

#include "gradus/array/buffer.hpp"
#include "gradus/gradus.hpp"
#include "gradus/graph/pending.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/plan/settings.hpp"
#include "tests/watched_new.hpp"

namespace {

using namespace gradus;
using namespace gradus::core;

// The pending bound as it is by default, whatever a test did with it.
struct LiftedBound {
  LiftedBound() { set_pending_bound(0, 0); }
  ~LiftedBound() { set_pending_bound(20000, int64_t{2} << 30); }
};

struct Regression {
  Array x = random::uniform({100, 3}).eval(), y = random::uniform({100, 1}).eval(), w = zeros({3, 1}), b = zeros({1});
  auto objective() const {
    return [this](const Array& weights, const Array& bias) { return mean(square(matmul(x, weights) + bias - y)); };
  }
};

TEST(counters, the_tutorial_loop_makes_at_most_3_plans_in_1000_iterations) {
  Regression r;
  clear_plans();
  reset_counters();
  for (int i = 0; i < 1000; ++i) {
    auto [value, grads] = value_and_grad(r.objective())(r.w, r.b);
    r.w -= 0.1 * grads[0];
    r.b -= 0.1 * grads[1];
  }
  evaluate({r.w, r.b});
  EXPECT_LE(counters().plans_made, 3);
}

TEST(counters, a_learning_rate_that_changes_makes_no_new_plan) {
  Regression r;
  clear_plans();
  reset_counters();
  for (int i = 0; i < 50; ++i) {
    auto [value, grads] = value_and_grad(r.objective())(r.w, r.b);
    const double rate = 0.1 / (1 + i);
    r.w -= rate * grads[0];
    r.b -= rate * grads[1];
    value.item();
  }
  EXPECT_LE(counters().plans_made, 4);
}

TEST(counters, equal_numbers_that_part_later_do_not_share_a_plan_in_error) {
  const Array x = array({1.0, 2.0, 3.0});
  const auto mix = [&](double a, double b) { return (x * a + x * b).to_vector<float>(); };
  EXPECT_EQ(mix(0.5, 0.5), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(mix(0.5, 1.5), (std::vector<float>{2, 4, 6}));
  EXPECT_EQ(mix(1, 0), (std::vector<float>{1, 2, 3}));
}

TEST(counters, an_epoch_of_sliced_batches_makes_at_most_2_plans) {
  const Array data = random::normal({1000, 8}).eval();
  const Array w = random::normal({8, 4}).eval();
  clear_plans();
  reset_counters();
  for (int64_t begin = 0; begin < 1000; begin += 32) {
    const Array batch = data[slice(begin, std::min<int64_t>(begin + 32, 1000))];  // the last one has 8 rows
    mean(tanh(matmul(batch, w))).item();
  }
  EXPECT_LE(counters().plans_made, 2);
}

TEST(counters, the_loss_read_before_or_after_the_update_costs_the_same_products) {
  int64_t products[2];
  for (const bool before : {false, true}) {
    Regression r;
    reset_counters();
    for (int i = 0; i < 5; ++i) {
      auto [value, grads] = value_and_grad(r.objective())(r.w, r.b);
      if (before) value.item();
      r.w -= 0.1 * grads[0];
      r.b -= 0.1 * grads[1];
      evaluate({r.w, r.b});
      if (!before) value.item();
    }
    products[before] = counters().products_run;
  }
  EXPECT_EQ(products[0], products[1]);
}

TEST(counters, many_shapes_stay_within_the_plan_caches_bound) {
  const int64_t bound = 200 * 1024;
  clear_plans();
  set_plan_cache_bytes(bound);
  const Array w = random::normal({8, 8}).eval();
  for (int64_t length = 1; length <= 500; ++length) {
    softmax(matmul(zeros({length, 8}) + 1, w)).eval();
    ASSERT_LE(counters().cached_plan_bytes, bound) << "at length " << length;
  }
  EXPECT_GT(counters().cached_plans, 0);
  set_plan_cache_bytes(int64_t{256} << 20);
}

// Walks, hashing and six passes, each over nodes and edges (two a node).
constexpr int64_t kVisitsANode = 24;

// Products, chains, reductions and values with many readers.
Array mixture(int64_t nodes) {
  const Array x = full({2, 2}, 0.1).eval();
  Array y = x, shared = x;
  for (int64_t i = 0; i < nodes / 5; ++i) {
    y = tanh(y + x) * 0.5 + shared;
    if (i % 10 == 9) shared = mean(matmul(y, x), 0);
  }
  return y;
}

TEST(counters, planning_visits_each_node_a_bounded_number_of_times) {
  const LiftedBound lifted;
  double visits_a_node[3];
  const int64_t sizes[] = {1000, 10000, 100000};
  for (int i = 0; i < 3; ++i) {
    const Array y = mixture(sizes[i]);
    clear_plans();
    reset_counters();
    y.eval();
    visits_a_node[i] = static_cast<double>(counters().node_visits) / static_cast<double>(sizes[i]);
  }
  EXPECT_GT(visits_a_node[0], 0);
  EXPECT_LT(visits_a_node[1], 1.2 * visits_a_node[0]);
  EXPECT_LT(visits_a_node[2], 1.2 * visits_a_node[1]);
}

TEST(counters, planning_30000_nodes_visits_each_at_most_as_often_as_there_are_passes_and_edges) {
  const LiftedBound lifted;
  const int64_t nodes = 30000;
  const Array y = mixture(nodes);
  clear_plans();
  reset_counters();
  y.eval();
  EXPECT_LE(counters().node_visits, kVisitsANode * nodes);
  reset_counters();
  const Array again = mixture(nodes);
  again.eval();
  EXPECT_EQ(counters().plans_made, 0);
  EXPECT_LE(counters().node_visits, kVisitsANode * nodes / 2);  // a plan that is found costs its snapshot only
}

TEST(counters, a_value_with_thousands_of_readers_is_planned_in_linear_work) {
  const LiftedBound lifted;
  double visits[2];
  const int64_t sizes[] = {500, 5000};
  for (int i = 0; i < 2; ++i) {
    const Array x = full({2, 2}, 0.1).eval(), hub = matmul(x, x);
    Array total = x;
    for (int64_t k = 0; k < sizes[i]; ++k) total = total + sin(hub * static_cast<double>(k));
    clear_plans();
    reset_counters();
    total.eval();
    visits[i] = static_cast<double>(counters().node_visits) / static_cast<double>(sizes[i]);
  }
  EXPECT_LT(visits[1], 1.3 * visits[0]);
}

TEST(counters, a_chain_of_a_million_nodes_is_built_walked_run_and_freed) {
  const LiftedBound lifted;
  Array x = zeros({2}).eval();
  for (int i = 0; i < 1000000; ++i) x = x + 1;
  EXPECT_GE(ancestors(std::span(&x, 1)).size(), 1000000u);
  EXPECT_EQ(x.to_vector<float>()[1], 1e6f);
}

TEST(counters, a_million_pending_nodes_are_freed_without_being_run) {
  const LiftedBound lifted;
  const Array start = zeros({2}).eval();
  const int64_t arrays = memory_use().live, objects = gradus::testing::watched_new::live();
  reset_counters();
  Array x = start;
  for (int i = 0; i < 1000000; ++i) x = x * 0.5 + x;
  EXPECT_GE(ancestors(std::span(&x, 1)).size(), 2000001u);
  EXPECT_GT(gradus::testing::watched_new::live() - objects, 2000000 * 100);
  x = Array();
  EXPECT_EQ(counters().kernels_run, 0);
  EXPECT_EQ(memory_use().live, arrays);
  EXPECT_LT(gradus::testing::watched_new::live() - objects, 1 << 16);
  EXPECT_EQ((start + 1).to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(counters, the_gradient_of_a_long_chain_needs_no_stack) {
  const LiftedBound lifted;
  const auto f = [](const Array& x) {
    Array y = x;
    for (int i = 0; i < 200000; ++i) y = y * 1.0;
    return sum(y);
  };
  EXPECT_EQ(grad(f)(array({1.0, 2.0})).to_vector<float>(), (std::vector<float>{1, 1}));
}

TEST(counters, a_loop_that_never_evaluates_is_cut_by_the_pending_bound) {
  set_pending_bound(1000, 0);
  reset_counters();
  Array x = zeros({4});
  for (int i = 0; i < 20000; ++i) x = x + 1;
  EXPECT_GT(counters().kernels_run, 0);
  set_pending_bound(20000, int64_t{2} << 30);
  EXPECT_EQ(x.to_vector<float>()[0], 20000);
}

TEST(counters, pending_bytes_are_bounded_too) {
  set_pending_bound(0, 1 << 20);
  reset_counters();
  std::vector<Array> kept;
  Array x = zeros({1 << 16});
  for (int i = 0; i < 64; ++i) x = x + 1;
  EXPECT_GT(counters().kernels_run, 0);
  set_pending_bound(20000, int64_t{2} << 30);
}

TEST(counters, updates_work_in_place) {
  Array w = full({256, 256}, 1.0).eval();
  (w - 0.1 * w).eval();
  const Array x = full({256, 256}, 0.5).eval();
  reset_peak_memory();
  const int64_t before = memory_use().live;
  for (int i = 0; i < 20; ++i) {
    w -= 0.1 * x;
    w.eval();
  }
  EXPECT_LE(memory_use().peak - before, 256 * 256 * 4);  // at most one more buffer, at the first step
}

TEST(counters, memory_of_intermediates_follows_their_lifetimes) {
  const Array x = full({1 << 18}, 1.0).eval();  // 1 MiB
  Array y = x;
  for (int i = 0; i < 40; ++i) y = cumsum(y * 0.5);  // cannot fuse across the running sum
  reset_peak_memory();
  const int64_t before = memory_use().live;
  y.eval();
  EXPECT_LE(memory_use().peak - before, 5 * (1 << 20));
}

TEST(counters, a_step_of_a_loop_allocates_nothing) {
  const auto blocks = [](int64_t length) {
    const Array xs = full({length, 3}, 0.1).eval(), w = ones({3}).eval();
    const auto run = [&] {
      const auto step = [&](const std::pair<Array, Array>& c, const Array& x) {
        const Array next = tanh(c.first * w + x);
        return std::pair{std::pair{next, c.second + sum(next)}, c.first};
      };
      const auto f = [&](const Array& x) {
        const auto [last, ys] = scan(step, std::pair{zeros({3}), zeros({})}, x);
        return sum(ys) + last.second;
      };
      grad(f)(xs).eval();
    };
    run();
    const int64_t before = gradus::testing::watched_new::taken();
    run();
    return gradus::testing::watched_new::taken() - before;
  };
  const int64_t few = blocks(100);
  EXPECT_LT(std::abs(blocks(1100) - few), 100);
}

}  // namespace
