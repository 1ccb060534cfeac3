// Children of fork(): they have one thread, and compute with threads of their own.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "gradus/gradus.hpp"
#include "tests/forked_child.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

constexpr const char* kLeftUnfinished =
    "evaluate: this process was forked while a thread was evaluating arrays, and cannot evaluate any; fork() while no evaluation runs";

class Fork : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::kForkedChildrenHaveThreads)
      GTEST_SKIP() << "ThreadSanitizer starts no threads in the child of a process that had several";
    set_threads(2);
  }
  ~Fork() override { set_threads(before_); }
  const int before_ = threads();
};

using testing::exit_code_of_child;

// Products, convolutions, fused chains and training: 0 if all are right.
int compute() {
  if (sum(exp(zeros({300'000})) + 1).item<float>() != 600'000) return 1;
  if (matmul(ones({300, 300}), ones({300, 300})).to_vector<float>()[17] != 300) return 2;
  if (conv2d(ones({4, 28, 28, 16}), ones({3, 3, 16, 32})).to_vector<float>()[0] != 144) return 3;
  nn::Sequential model{nn::Dense(4), nn::Dense(3)};
  const train::History history = train::fit(model, data::make_blobs(100), {.loss = loss::sparse_categorical_crossentropy, .epochs = 2});
  return history.epochs.size() == 2 ? 0 : 4;
}

TEST_F(Fork, AChildEvaluatesAndTrains) {
  ASSERT_EQ(compute(), 0);
  EXPECT_EQ(exit_code_of_child(compute), 0);
  EXPECT_EQ(exit_code_of_child([] { return exit_code_of_child(compute); }), 0) << "a child's child";
  EXPECT_EQ(compute(), 0);
}

TEST_F(Fork, AChildEvaluatesWhatItsParentLeftPending) {
  const Array x = ones({500, 500}), pending = matmul(x, x) + 1;
  EXPECT_EQ(exit_code_of_child([&] { return pending.to_vector<float>()[3] == 501 ? 0 : 1; }), 0);
  EXPECT_EQ(pending.to_vector<float>()[3], 501);
}

TEST_F(Fork, InMidEvaluationTheChildComputesOrSaysWhyNot) {
  std::atomic<bool> is_over = false;
  const Array x = ones({256, 256});
  matmul(x, x).eval();  // what is made at first use is there: a fork in the middle of that leaves its guard locked in the child for ever
  std::thread other([&] {
    while (!is_over) matmul(x, x).eval();
  });
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    const int code = exit_code_of_child([] {
      const Array held = ones({10}) + 1;  // and its destructor
      try {
        return held.to_vector<float>()[9] == 2 ? 0 : 1;
      } catch (const Error& error) {
        if (std::string(error.what()) != kLeftUnfinished) return 3;
      }
      grad([](const Array& x) { return sum(x * x); });
      return 2;
    });
    EXPECT_TRUE(code == 0 || code == 2) << code;
    refused += code == 2;
  }
  is_over = true;
  other.join();
  EXPECT_GT(refused, 0) << "of 20; the other thread does nothing else";
}

TEST_F(Fork, BatchesOfTheParentSayThatTheyEndHere) {
  const data::Dataset set = data::make_blobs(1000);
  data::Batches begun = data::batches(set, {.batch_size = 10});
  ASSERT_NE(begun.next(), nullptr);
  EXPECT_EQ(exit_code_of_child([&] {
              {
                const data::Batches moved = std::move(begun);
                if (testing::error_of([&] { const_cast<data::Batches&>(moved).next(); }) !=
                    "batches: the process was forked after they were begun; begin anew in the child") {
                  return 1;
                }
              }  // nothing to wait for
              data::Batches own = data::batches(set, {.batch_size = 10});
              int count = 0;
              while (own.next()) ++count;
              return count == 100 ? 0 : 2;
            }),
            0);
  int count = 1;
  while (begun.next()) ++count;
  EXPECT_EQ(count, 100);
}

}  // namespace
}  // namespace gradus
