// The key of a plan: graphs that differ in one fact have different keys, equal graphs the same.
#include <gtest/gtest.h>

#include "gradus/base/threads.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/cumulative.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/sort.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/plan/snapshot.hpp"

namespace gradus::plan {

using namespace core;
namespace {

using Arrays = std::vector<Array>;

// An array in memory of its own, row by row.
Array dense(const Shape& shape, DType dtype = float32) {
  return reshape(arange(shape.size(), float32) + 1, NewShape(shape)).astype(dtype).eval();
}

Hash128 key_of(const Arrays& roots) {
  Snapshot snapshot;
  take_snapshot(roots, snapshot);
  return snapshot.key;
}
// Of what `make` records, with nothing held but its roots.
template <class F>
Hash128 key_of_made(const F& make) {
  return key_of(make());
}

// A node of 41 outputs.
Arrays many_outputs(const Array& x) { return apply_all(barrier_op, Arrays(41, x)); }

TEST(Key, OfEqualGraphsIsEqual) {
  const auto make = [] { return Arrays{sum(full({4}, 2.0) * 3) + 1}; };
  EXPECT_EQ(key_of_made(make), key_of_made(make));
}

TEST(Key, HoldsWhichOutputsAreKept) {
  const Array x = dense({4});
  // Held: the last output and one other.
  const auto key = [&](size_t held) {
    Arrays outputs = many_outputs(x);
    const Array last = outputs[40], other = outputs[held];
    outputs.clear();
    return key_of({last + 1, last});
  };
  std::vector<Hash128> keys;
  for (size_t held = 0; held <= 40; ++held) keys.push_back(key(held));
  for (size_t a = 0; a < keys.size(); ++a) {
    EXPECT_EQ(keys[a], key(a)) << a;
    for (size_t b = 0; b < a; ++b) EXPECT_FALSE(keys[a] == keys[b]) << a << " and " << b;
  }
}

TEST(Key, HoldsWhichLeavesAreDonated) {
  const auto key = [](bool is_held) {
    Array x = dense({4});
    const Array y = x + 1, held = is_held ? x : Array();
    x = Array();
    return key_of({y});
  };
  EXPECT_FALSE(key(true) == key(false));
}

TEST(Key, HoldsTheFactsOfLeaves) {
  const auto key = [](const Array& leaf) { return key_of({leaf + leaf}); };
  const Array x = dense({4, 6}), wide = dense({4, 12}), tall = dense({6, 4});
  const Arrays leaves{x,
                      dense({4, 6}, float64),
                      dense({4, 6}, float16),
                      dense({6, 4}),
                      dense({24}),
                      dense({4, 6, 1}),
                      wide[{ellipsis, slice({}, {}, 2)}],
                      wide[{ellipsis, slice(0, 6)}],
                      transpose(tall),
                      flip(x, 0),
                      broadcast_to(dense({6}), {4, 6}),
                      Array(2.0),
                      Array(2),
                      Array(true),
                      make_scalar(2.0),
                      make_scalar(int64_t{2})};
  for (size_t a = 0; a < leaves.size(); ++a) {
    for (size_t b = 0; b < a; ++b) EXPECT_FALSE(key(leaves[a]) == key(leaves[b])) << a << " and " << b;
  }
  // But neither values nor places: numbers, and slices one behind the other.
  EXPECT_EQ(key(Array(2.0)), key(Array(3.0)));
  EXPECT_EQ(key(wide[{ellipsis, slice(0, 6)}]), key(wide[{ellipsis, slice(6, 12)}]));
}

TEST(Key, HoldsWhetherTwoLeavesAreOne) {
  const Array a = dense({4}), b = dense({4});
  EXPECT_FALSE(key_of({a * a}) == key_of({a * b}));
  EXPECT_FALSE(key_of({a * b + a}) == key_of({a * b + b}));
}

TEST(Key, HoldsTheOpsAndTheirParameters) {
  const Array x = dense({4, 6}), i = dense({4}, int32);
  const Arrays roots{sum(x),
                     max(x),
                     sum(x, 0),
                     sum(x, 1),
                     sum(x, 0, keepdims),
                     mean(x, 0),
                     var(x, 0),
                     var(x, 0, {.ddof = 1}),
                     cumsum(x, 0),
                     cumsum(x, 1),
                     exp(x).astype(float64),
                     exp(x).astype(float16),
                     pow(x, 2.5),
                     pow(x, 3.5),
                     sort(x, 0),
                     sort(x, 1),
                     reshape(exp(x), {24}),
                     reshape(exp(x), {6, 4}),
                     exp(x)[slice(1)],
                     exp(x)[slice(1, 3)],
                     one_hot(i, 3),
                     one_hot(i, 4)};
  for (size_t a = 0; a < roots.size(); ++a) {
    for (size_t b = 0; b < a; ++b) EXPECT_FALSE(key_of({roots[a]}) == key_of({roots[b]})) << a << " and " << b;
  }
}

TEST(Key, HoldsHowManyInputsAnOpHas) {
  const Array a = dense({4}), b = dense({4});
  EXPECT_FALSE(key_of({concatenate({a, b}, 0)}) == key_of({concatenate({a, b, b}, 0)}));
  EXPECT_FALSE(key_of({concatenate({a, b, a}, 0)}) == key_of({concatenate({a, b, b}, 0)}));
}

TEST(Key, HoldsTheRootsAndTheirOrder) {
  const Array a = dense({4}), y = exp(a), z = exp(y);
  EXPECT_FALSE(key_of({y}) == key_of({z}));
  EXPECT_FALSE(key_of({z}) == key_of({z, y}));
  EXPECT_FALSE(key_of({y, z}) == key_of({z, y}));
}

TEST(Key, HoldsTheSettings) {
  const Array y = exp(dense({4}));
  const Hash128 plain = key_of({y});
  set_op_by_op(true);
  const Hash128 op_by_op = key_of({y});
  set_op_by_op(false);
  set_check_nan(true);
  const Hash128 check_nan = key_of({y});
  set_check_nan(false);
  const int before = threads();
  set_threads(before + 1);
  const Hash128 other_threads = key_of({y});
  set_threads(before);
  EXPECT_EQ(key_of({y}), plain);
  EXPECT_FALSE(op_by_op == plain);
  EXPECT_FALSE(check_nan == plain);
  EXPECT_FALSE(other_threads == plain);
  EXPECT_FALSE(op_by_op == check_nan);
}

// ---- keys of calls of closed graphs ----

Subgraph closed(const Aval& aval, Array (*f)(const Array&)) {
  Array x = make_placeholder(aval);
  Array y = f(x);
  return Subgraph({x}, {y});
}
Hash128 call_key_of(const Subgraph& graph, const Array& argument, Reuse reuse = Reuse::fixed) {
  const Array* arguments[] = {&argument};
  return call_key(graph, arguments, {&reuse, 1});
}

TEST(CallKey, HoldsTheGraphTheArgumentAndWhetherItDies) {
  const Aval aval{float32, {4, 6}, false};
  const auto doubled = [](const Array& x) { return x * 2; };
  const auto tripled = [](const Array& x) { return x * 3; };
  const auto summed = [](const Array& x) { return sum(x, 0); };
  const Array x = dense({4, 6}), tall = dense({6, 4});
  const Hash128 key = call_key_of(closed(aval, doubled), x);
  EXPECT_EQ(call_key_of(closed(aval, doubled), x), key);
  EXPECT_EQ(call_key_of(closed(aval, doubled), dense({4, 6})), key);
  EXPECT_FALSE(call_key_of(closed(aval, tripled), x) == key);  // its numbers are constants of the graph
  EXPECT_FALSE(call_key_of(closed(aval, summed), x) == key);
  EXPECT_FALSE(call_key_of(closed(aval, doubled), transpose(tall)) == key);
  const Hash128 dying = call_key_of(closed(aval, doubled), x, Reuse::dying), moving = call_key_of(closed(aval, doubled), x, Reuse::moving);
  EXPECT_FALSE(dying == key);
  EXPECT_FALSE(moving == key);
  EXPECT_FALSE(moving == dying);
  EXPECT_EQ(call_key_of(closed(aval, doubled), dense({4, 6}), Reuse::dying), dying);
}

TEST(CallKey, HoldsTheSettings) {
  const Subgraph graph = closed({float32, {4}, false}, [](const Array& x) { return exp(x); });
  const Array x = dense({4});
  const Hash128 plain = call_key_of(graph, x);
  set_check_nan(true);
  EXPECT_FALSE(call_key_of(graph, x) == plain);
  set_check_nan(false);
  const int before = threads();
  set_threads(before + 1);
  EXPECT_FALSE(call_key_of(graph, x) == plain);
  set_threads(before);
  EXPECT_EQ(call_key_of(graph, x), plain);
}

TEST(CallKey, HoldsHowManyOutputsThereAre) {
  const Array x = make_placeholder({float32, {4}, false}), y = exp(x);
  EXPECT_FALSE(Subgraph({x}, {y}).hash() == Subgraph({x}, {y, y}).hash());
  EXPECT_FALSE(Subgraph({x}, {y, x}).hash() == Subgraph({x}, {x, y}).hash());
}

TEST(CallKey, HoldsWhetherAParameterIsANumber) {
  const auto same = [](const Array& x) { return exp(x); };
  EXPECT_FALSE(closed({float64, {}, true}, same).hash() == closed({float64, {}, false}, same).hash());
}

}  // namespace
}  // namespace gradus::plan
