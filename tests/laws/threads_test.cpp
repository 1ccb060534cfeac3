// Threads that build and evaluate shared nodes (CORE.md 12). ThreadSanitizer must find nothing here.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "gradus/gradus.hpp"

namespace {

using namespace gradus;

constexpr int kThreads = 4;
template <class F>
void in_threads(F f) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&f, i] { f(i); });
  for (std::thread& thread : threads) thread.join();
}

TEST(threads, share_pending_nodes_and_evaluate_them_at_once) {
  const Array x = random::normal(random::key(1), {64, 64}).eval();
  for (int round = 0; round < 20; ++round) {
    const Array shared = tanh(matmul(x, x) + round);
    std::vector<double> sums(kThreads);
    in_threads([&](int i) { sums[static_cast<size_t>(i)] = (sum(shared * (i + 1)) / (i + 1)).item(); });
    for (const double value : sums) EXPECT_NEAR(value, sums[0], 1e-2);
  }
}

TEST(threads, copy_and_drop_handles_while_others_evaluate) {
  const Array x = random::normal(random::key(2), {32, 32}).eval();
  for (int round = 0; round < 50; ++round) {
    Array shared = exp(x * 0.1) + round;
    in_threads([&](int i) {
      Array mine = shared;
      for (int k = 0; k < 20; ++k) {
        const Array copy = mine;
        mine = copy + 1;
        if (k % 5 == i) mine.eval();
      }
    });
  }
}

TEST(threads, differentiate_independently) {
  const Array x = random::normal(random::key(3), {16}).eval();
  std::vector<std::vector<float>> grads(kThreads);
  in_threads([&](int i) {
    const auto f = [](const Array& v) { return sum(sin(v) * v); };
    for (int k = 0; k < 30; ++k) grads[static_cast<size_t>(i)] = grad(f)(x).to_vector<float>();
  });
  for (const auto& g : grads) EXPECT_EQ(g, grads[0]);
}

TEST(threads, evaluate_one_node_from_all_sides) {
  for (int round = 0; round < 50; ++round) {
    const Array shared = cumsum(full({1000}, 0.5)) * 2;
    std::atomic<int> right = 0;
    in_threads([&](int) { right += shared.to_vector<float>()[999] == 1000; });
    EXPECT_EQ(right, kThreads);
  }
}

TEST(threads, draw_from_the_default_generator_without_repeating) {
  std::vector<Array> draws(kThreads);
  in_threads([&](int i) { draws[static_cast<size_t>(i)] = random::uniform({100}).eval(); });
  for (int i = 0; i < kThreads; ++i)
    for (int j = 0; j < i; ++j) EXPECT_FALSE(array_equal(draws[static_cast<size_t>(i)], draws[static_cast<size_t>(j)]));
}

}  // namespace
