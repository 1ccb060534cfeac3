// Networks give the same bits on any number of threads, with and without neighbours that take the processors away.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <optional>
#include <thread>

#include "bench/models.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/gradus.hpp"

namespace {

using namespace gradus;
using namespace gradus::core;

// Sanitizers make everything ten times as slow.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kIsSlow = true;
#else
constexpr bool kIsSlow = false;
#endif

// Threads that compute without a pause, more than there are processors.
class Busy {
 public:
  Busy() {
    for (int i = 0; i < 3; ++i) {
      threads_.emplace_back([this] {
        for (volatile uint64_t count = 0; !is_over_.load(std::memory_order_relaxed);) count = count + 1;
      });
    }
  }
  ~Busy() {
    is_over_ = true;
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::atomic<bool> is_over_{false};
  std::vector<std::thread> threads_;
};

// Losses and parameters after three steps, from the same start.
template <class MakeOptimizer>
std::vector<float> train(const nn::Sequential& start, const MakeOptimizer& make_optimizer, const Array& x, const Array& y) {
  nn::Sequential model = start;
  auto optimizer = make_optimizer();
  const nn::TrainingMode training;
  std::vector<float> numbers;
  for (int step = 0; step < 3; ++step) {
    const auto objective = [](const nn::Sequential& m, const Array& in, const Array& target) {
      return loss::sparse_categorical_crossentropy(m(in), target);
    };
    auto [value, grads] = value_and_grad<0>(objective)(model, x, y);
    optimizer.step(model, grads);
    numbers.push_back(static_cast<float>(value.item()));
  }
  for (const Variable& each : parameters(model)) {
    const std::vector<float> values = each.get().to_vector<float>();
    numbers.insert(numbers.end(), values.begin(), values.end());
  }
  const std::vector<float> outputs = model(x).to_vector<float>();
  numbers.insert(numbers.end(), outputs.begin(), outputs.end());
  return numbers;
}

template <class MakeOptimizer>
void expect_same_bits(const nn::Sequential& start, const MakeOptimizer& make_optimizer, const Shape& shape, int64_t classes) {
  const Array x = random::uniform(random::key(1), shape).eval(), y = random::integers(random::key(2), {shape[0]}, 0, classes).eval();
  nn::build(start, shape);
  const int before = threads();
  set_threads(1);
  const std::vector<float> want = train(start, make_optimizer, x, y);
  const auto check = [&](int count) {
    set_threads(count);
    const std::vector<float> got = train(start, make_optimizer, x, y);
    ASSERT_EQ(got.size(), want.size());
    EXPECT_EQ(std::memcmp(got.data(), want.data(), got.size() * sizeof(float)), 0) << "with " << count << " threads";
  };
  for (const int count : {2, 3, 4, 8}) check(count);
  const Busy neighbours;
  for (const int count : {2, 4}) check(count);
  set_threads(before);
}

optim::Adam adam() { return optim::Adam(1e-3); }

TEST(bits, of_a_perceptron_do_not_depend_on_threads) {
  expect_same_bits(bench::multilayer_perceptron(), adam, {kIsSlow ? 32 : 128, 784}, 10);
}

TEST(bits, of_the_tutorial_cnn_do_not_depend_on_threads) {
  expect_same_bits(bench::tutorial_cnn(), adam, {kIsSlow ? 32 : 128, 28, 28, 1}, 10);
}

TEST(bits, of_resnet_18_do_not_depend_on_threads) {
  const auto make_optimizer = [] { return optim::SGD(0.01, optim::SGDOptions{.momentum = 0.9}); };
  const int64_t size = kIsSlow ? 64 : 224;
  expect_same_bits(bench::resnet18(), make_optimizer, {kIsSlow ? 2 : 8, size, size, 3}, 1000);
}

// Three convolutions of one image: rows and channels are shared where images are not.
TEST(bits, of_one_image_do_not_depend_on_threads) {
  const auto make_optimizer = [] { return optim::SGD(0.01); };
  const nn::Sequential model{nn::Conv2D(64, 3, relu),      nn::Conv2D(128, 3, {.strides = 2, .padding = 1}),
                             nn::Activation(relu),         nn::Conv2D(256, 3, relu),
                             nn::GlobalAveragePooling2D(), nn::Dense(10)};
  expect_same_bits(model, make_optimizer, {1, 40, 40, 8}, 10);
}

// Callers share the helpers, or keep their loops to themselves.
TEST(bits, of_callers_that_evaluate_at_once_are_those_of_one) {
  const nn::Sequential model = bench::tutorial_cnn();
  nn::build(model, {1, 28, 28, 1});
  constexpr int kCallers = 8;
  std::vector<Array> images;
  std::vector<std::vector<float>> want, got(kCallers);
  for (int caller = 0; caller < kCallers; ++caller) {
    images.push_back(random::uniform(random::key(caller), {1 + caller % 3, 28, 28, 1}).eval());
    want.push_back(model(images.back()).to_vector<float>());
  }
  const int before = threads();
  set_threads(4);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&, caller] {
      std::optional<SerialScope> alone;
      if (caller % 2) alone.emplace();
      for (int i = 0; i < 20; ++i) {
        const std::vector<float> numbers = model(images[caller]).to_vector<float>();
        got[caller].insert(got[caller].end(), numbers.begin(), numbers.end());
      }
    });
  }
  for (std::thread& each : callers) each.join();
  set_threads(before);
  for (int caller = 0; caller < kCallers; ++caller) {
    const size_t size = want[caller].size();
    ASSERT_EQ(got[caller].size(), 20 * size);
    for (size_t i = 0; i < 20; ++i)
      EXPECT_EQ(std::memcmp(&got[caller][i * size], want[caller].data(), size * sizeof(float)), 0) << "caller " << caller;
  }
}

}  // namespace
