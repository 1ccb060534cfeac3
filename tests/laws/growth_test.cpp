// Long training loops hold no more memory at their end than after their first steps: no node, buffer or plan is left behind.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "gradus/array/buffer.hpp"
#include "gradus/gradus.hpp"
#include "gradus/plan/counters.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GRADUS_SANITIZED 1
extern "C" size_t __sanitizer_get_current_allocated_bytes();
#else
#define GRADUS_SANITIZED 0
#endif

namespace {

using namespace gradus;

// Sanitizers make a step about twenty times slower; a node left behind by each of 500 steps shows as well.
constexpr int kSteps = GRADUS_SANITIZED ? 500 : 10'000;
constexpr int kFirstSteps = kSteps / 10;  // until caches are full

// Bytes that malloc has given out: nodes, plans and buffers, live or cached.
int64_t heap_bytes() {
#if GRADUS_SANITIZED
  return static_cast<int64_t>(__sanitizer_get_current_allocated_bytes());
#else
  const struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
#endif
}

int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

struct Held {
  int64_t live = memory_use().live, cached = memory_use().cached, plans = counters().cached_plans,
          plan_bytes = counters().cached_plan_bytes;
  int64_t heap = heap_bytes(), resident = resident_bytes();
};

// Runs step(i) many times; what is held after the first tenth must suffice for the rest.
template <class F>
void expect_no_growth(F step) {
  for (int i = 0; i < kFirstSteps; ++i) step(i);
  const Held before;
  for (int i = kFirstSteps; i < kSteps; ++i) step(i);
  const Held after;
  EXPECT_EQ(after.live, before.live);
  EXPECT_EQ(after.plans, before.plans);
  EXPECT_EQ(after.plan_bytes, before.plan_bytes);
  EXPECT_LE(after.cached, before.cached + (1 << 18));
  // One node of some 300 bytes a step would be 2.7 MB, or 135 KB under sanitizers.
  EXPECT_LE(after.heap, before.heap + (GRADUS_SANITIZED ? 1 << 16 : 1 << 19));
  if (!GRADUS_SANITIZED) {  // their quarantines keep freed memory
    EXPECT_LE(after.resident, before.resident + (8 << 20));
  }
}

// A small network with dropout and batch statistics, on batches taken by slicing.
struct Training {
  Training() { nn::build(model, {kBatch, 8}); }

  auto objective() const {
    return [](const auto& net, const Array& images, const Array& labels) {
      return loss::sparse_categorical_crossentropy(net(images), labels);
    };
  }
  std::pair<Array, Array> batch(int i) const {
    const int64_t begin = i % (kSamples / kBatch) * kBatch;
    return {x[slice(begin, begin + kBatch)], y[slice(begin, begin + kBatch)]};
  }

  static constexpr int64_t kSamples = 256, kBatch = 16;
  Array x = random::normal(random::key(1), {kSamples, 8}).eval(), y = random::integers(random::key(2), {kSamples}, 0, 3).eval();
  nn::Sequential model{nn::Dense(16, relu), nn::BatchNorm(), nn::Dropout(0.1), nn::Dense(16, tanh), nn::Dense(3)};
  optim::Adam optimizer{optim::cosine(1e-3, {.steps = kSteps})};
};

TEST(growth, training_whose_loss_is_read_holds_no_more_at_its_end) {
  Training t;
  double total = 0;
  expect_no_growth([&](int i) {
    const nn::TrainingMode training;
    const auto [images, labels] = t.batch(i);
    auto [value, grads] = value_and_grad<0>(t.objective())(t.model, images, labels);
    t.optimizer.step(t.model, grads);
    total += value.item();
  });
  EXPECT_TRUE(std::isfinite(total));
}

TEST(growth, training_whose_loss_is_never_read_holds_no_more_at_its_end) {
  Training t;
  expect_no_growth([&](int i) {
    const nn::TrainingMode training;
    const auto [images, labels] = t.batch(i);
    auto [value, grads] = value_and_grad<0>(t.objective())(t.model, images, labels);
    t.optimizer.step(t.model, clip_by_norm(grads, 1.0));
  });
}

TEST(growth, a_loss_summed_but_not_read_is_no_growing_graph) {
  Training t;
  Array total = zeros({});
  expect_no_growth([&](int i) {
    const auto [images, labels] = t.batch(i);
    auto [value, grads] = value_and_grad<0>(t.objective())(t.model, images, labels);
    total += value;
    t.optimizer.step(t.model, grads);
    if (i % 10 == 9) total.eval();
  });
}

TEST(growth, compiled_training_holds_no_more_at_its_end) {
  Training t;
  auto step = compile([&](const Array& images, const Array& labels) {
    auto [value, grads] = value_and_grad<0>(t.objective())(t.model, images, labels);
    t.optimizer.step(t.model, grads);
    return value;
  }, t.model, t.optimizer);
  expect_no_growth([&](int i) {
    const nn::TrainingMode training;
    const auto [images, labels] = t.batch(i);
    const Array value = step(images, labels);
    if (i % 10 == 0) value.item();
  });
  EXPECT_EQ(step.recordings(), 1);
}

TEST(growth, updates_written_by_hand_and_never_evaluated_hold_no_more_at_their_end) {
  const Training t;
  Array w = zeros({8, 3}), b = zeros({3});
  expect_no_growth([&](int i) {
    const auto [images, labels] = t.batch(i);
    auto [value, grads] = value_and_grad([x = images, y = labels](const Array& weights, const Array& bias) {
      return loss::sparse_categorical_crossentropy(matmul(x, weights) + bias, y);
    })(w, b);
    w -= 0.1 * grads[0];
    b -= 0.1 * grads[1];
  });
}

}  // namespace
