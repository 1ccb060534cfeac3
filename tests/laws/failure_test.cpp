// Failures leave everything as it was: allocation refused at each point of a training step, memory limit, bad values.
#include <gtest/gtest.h>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/gradus.hpp"

namespace {

using namespace gradus;
using namespace gradus::core;
using Floats = std::vector<float>;

struct Net {
  Array w1 = random::normal(random::key(1), {6, 16}).eval(), b1 = zeros({16}) + 0.1, w2 = random::normal(random::key(2), {16, 3}).eval();
  GRADUS_PARTS(w1, b1, w2)
};
struct Step {
  Net net;
  optim::Adam optimizer{1e-2};
  Array x = random::normal(random::key(3), {20, 6}).eval(), y = random::integers(random::key(4), {20}, 0, 3).eval();
  Step() { net.b1.eval(); }

  double run() {
    auto [value, grads] = value_and_grad<0>([&](const Net& n, const Array& images) {
      return mean(logsumexp(matmul(tanh(matmul(images, n.w1) + n.b1), n.w2), -1) - 0.1 * sum(n.w2));
    })(net, x);
    // Read before the update: a failure after a finished step has nothing to put back.
    const double loss = value.item();
    optimizer.step(net, grads);
    return loss;
  }
  std::vector<Floats> values() const { return {net.w1.to_vector<float>(), net.b1.to_vector<float>(), net.w2.to_vector<float>()}; }
};

TEST(failure, an_allocation_refused_anywhere_in_a_step_leaves_the_parameters_bit_equal) {
  Step step;
  step.run();  // moments exist, plans are made
  const Step start = step;
  Step reference = start;
  reference.run();
  int failures = 0;
  for (int64_t countdown = 1; countdown < 1000; ++countdown) {
    Step attempt = start;
    clear_memory_cache();
    fail_allocation_after(countdown);
    bool has_failed = false;
    try {
      attempt.run();
    } catch (const Error& error) {
      has_failed = true;
      EXPECT_EQ(error.kind(), Error::Kind::memory) << error.what();
    }
    fail_allocation_after(0);
    if (!has_failed) break;
    ++failures;
    ASSERT_EQ(attempt.values(), start.values()) << "allocation " << countdown;
    attempt.run();  // and the step can be made after all, with the same result
    ASSERT_EQ(attempt.values(), reference.values()) << "allocation " << countdown;
  }
  EXPECT_GT(failures, 1);
}

TEST(failure, memory_above_the_limit_is_refused_with_sizes_before_anything_runs) {
  Array w = full({1000}, 1.0).eval();
  const Array kept = w;
  set_memory_limit(memory_use().live + (1 << 20));
  try {
    (zeros({1 << 20}) + w[0] + cumsum(ones({1 << 20}))).eval();
    ADD_FAILURE() << "nothing was refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), Error::Kind::memory);
    EXPECT_NE(std::string(error.what()).find("limit"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("MiB"), std::string::npos) << error.what();
  }
  set_memory_limit(int64_t{1} << 40);
  EXPECT_EQ(kept.to_vector<float>()[999], 1);
  EXPECT_EQ((w + 1).to_vector<float>()[0], 2);
}

TEST(failure, a_bad_index_leaves_the_arrays_pending_and_evaluable_again) {
  Array w = full({4}, 1.0).eval();
  const Array labels = array({1, 7, 2});
  const Array picked = embedding(random::normal({5, 2}), labels);
  Array next = w - 0.1 * sum(picked);
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      next.eval();
      ADD_FAILURE() << "7 was accepted";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("7"), std::string::npos) << error.what();
    }
  }
  EXPECT_EQ(w.to_vector<float>(), (Floats{1, 1, 1, 1}));
}

TEST(failure, sizes_that_overflow_are_refused_when_they_are_asked_for) {
  for (const auto& attempt : std::vector<std::function<void()>>{
           [] { zeros({int64_t{1} << 40, int64_t{1} << 40}); },
           [] { zeros({-1, 2}); },
           [] { broadcast_to(zeros({1}), {int64_t{1} << 62, 8}); },
           [] { tile(zeros({1000, 1000}), {int64_t{1} << 30, int64_t{1} << 30}); },
           [] { arange(0, 1e300, 1e-300); },
       })
    EXPECT_THROW(attempt(), Error);
}

}  // namespace
