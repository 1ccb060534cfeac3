// Threads that build and evaluate shared nodes. ThreadSanitizer must find nothing here.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "gradus/gradus.hpp"

namespace {

using namespace gradus;
using namespace gradus::core;

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
  const std::vector<float> start = x.to_vector<float>();
  for (int round = 0; round < 50; ++round) {
    Array shared = floor(exp(x * 0.1)) + round;
    std::vector<std::vector<float>> results(kThreads);
    in_threads([&](int i) {
      Array mine = shared;
      for (int k = 0; k < 20; ++k) {
        const Array copy = mine;
        mine = copy + 1;
        if (k % 5 == i) mine.eval();
      }
      results[static_cast<size_t>(i)] = mine.to_vector<float>();
    });
    std::vector<float> expected = shared.to_vector<float>();  // whole numbers: sums are exact
    for (size_t j = 0; j < expected.size(); ++j) {
      ASSERT_EQ(expected[j], std::floor(std::exp(start[j] * 0.1f)) + static_cast<float>(round));
      expected[j] += 20;
    }
    for (const auto& result : results) EXPECT_EQ(result, expected);
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

TEST(threads, evaluate_one_node_of_several_outputs_from_all_sides) {
  const Array x = random::normal(random::key(4), {64, 32}).eval();
  for (int round = 0; round < 50; ++round) {
    const auto [values, indices] = topk(x + round, 5);
    std::vector<double> sums(kThreads);
    in_threads([&, values = values, indices = indices](int i) {
      const Array mine = i % 2 ? values : indices.astype(float32);
      sums[static_cast<size_t>(i)] = sum(mine).item();
    });
    EXPECT_EQ(sums[0], sums[2]);
    EXPECT_EQ(sums[1], sums[3]);
  }
}

// A loop runs on the host, step by step: its node is computed outside the evaluation lock.
TEST(threads, evaluate_one_loop_from_all_sides) {
  const Array xs = random::normal(random::key(5), {20, 8}).eval();
  for (int round = 0; round < 20; ++round) {
    const Array scale = exp(xs[0]) * (round + 1);
    const auto [last, all] = scan([&](const Array& h, const Array& x) { return std::pair{tanh(h + x * scale), h * 2}; }, zeros({8}), xs);
    const Array shared = sum(last) + sum(all);
    std::vector<double> values(kThreads);
    in_threads([&](int i) { values[static_cast<size_t>(i)] = (shared + i).item() - i; });
    for (const double value : values) EXPECT_NEAR(value, values[0], 1e-3);
  }
}

TEST(threads, build_and_evaluate_graphs_on_shared_nodes_of_all_kinds) {
  const Array x = random::normal(random::key(6), {16, 16}).eval();
  for (int round = 0; round < 20; ++round) {
    const Array pending = softmax(matmul(x, x) + round), view = transpose(pending), computed = (x * 2 + round).eval();
    std::vector<std::vector<float>> results(kThreads);
    in_threads([&](int i) {
      Array mine = pending;
      for (int k = 0; k < 10; ++k) {
        const auto f = [&](const Array& v) { return sum(v * pending + matmul(view, v) + computed); };  // captured: constants
        mine = grad(f)(mine) + 0.5 * view;
        if ((k + i) % 3 == 0) mine.eval();
        if ((k + i) % 4 == 0) transpose(mine).to_vector<float>();
      }
      results[static_cast<size_t>(i)] = mine.to_vector<float>();
    });
    for (const auto& result : results) EXPECT_EQ(result, results[0]);
  }
}

// Parameters are made under a lock by the first call; calling a const model is safe from many threads.
TEST(threads, call_one_const_model) {
  const Array images = random::normal(random::key(7), {4, 8, 8, 2}).eval();
  for (int round = 0; round < 5; ++round) {
    const nn::Sequential model{nn::Conv2D(4, 3, relu), nn::BatchNorm(),    nn::MaxPooling2D(2), nn::Dropout(0.5),
                               nn::Flatten(),          nn::Dense(8, tanh), nn::LayerNorm(),     nn::Dense(3, nn::Activation(softmax))};
    if (round % 2) nn::build(model, images.shape());
    std::vector<std::vector<float>> outputs(kThreads);
    in_threads([&](int i) {
      for (int k = 0; k < 5; ++k) outputs[static_cast<size_t>(i)] = model(images).to_vector<float>();
    });
    for (const auto& output : outputs) EXPECT_EQ(output, outputs[0]);
    EXPECT_EQ(model(images).to_vector<float>(), outputs[0]);
  }
}

TEST(threads, differentiate_copies_of_one_const_model_and_compile_for_themselves) {
  const Array x = random::normal(random::key(8), {16, 4}).eval(), y = random::normal(random::key(9), {16, 1}).eval();
  const nn::Sequential start{nn::Dense(8, tanh), nn::Dense(1)};
  nn::build(start, x.shape());
  std::vector<std::vector<float>> outputs(kThreads);
  in_threads([&](int i) {
    nn::Sequential model = start;
    optim::Adam optimizer(1e-2);
    const auto take_step = [&](const Array& inputs, const Array& targets) {
      auto [value, grads] = value_and_grad<0>(
          [](const auto& m, const Array& a, const Array& b) { return loss::mean_squared_error(m(a), b); })(model, inputs, targets);
      optimizer.step(model, grads);
      return value;
    };
    const auto compiled = compile(take_step, model, optimizer);
    for (int k = 0; k < 10; ++k) {
      if (i % 2) compiled(x, y).item();
      else take_step(x, y);
    }
    outputs[static_cast<size_t>(i)] = model(x).to_vector<float>();
  });
  for (const auto& output : outputs) EXPECT_EQ(output, outputs[0]);
}

TEST(threads, draw_from_the_default_generator_without_repeating) {
  std::vector<Array> draws(kThreads);
  in_threads([&](int i) { draws[static_cast<size_t>(i)] = random::uniform({100}).eval(); });
  for (int i = 0; i < kThreads; ++i)
    for (int j = 0; j < i; ++j) EXPECT_FALSE(array_equal(draws[static_cast<size_t>(i)], draws[static_cast<size_t>(j)]));
}

}  // namespace
