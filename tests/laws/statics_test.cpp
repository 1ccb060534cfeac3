// Start and end (CORE.md 15): static arrays record before main and are destroyed after it, whatever order the files come in.
#include <gtest/gtest.h>

#include "gradus/gradus.hpp"

namespace {

using namespace gradus;

// Recorded before main; destroyed, still pending, after it.
const Array early = array({1.0f, 2.0f}) + 1;
const Array never_evaluated = cumsum(early * 2);

TEST(statics, record_before_main) { EXPECT_EQ(early.to_vector<float>(), (std::vector<float>{2, 3})); }

TEST(statics, outlive_main) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static const Array computed = (matmul(ones({64, 64}), ones({64, 64})) + 1).eval();
        static const Array pending = exp(computed) + random::normal({64, 64});
        static const Array view = computed[slice(1, 3)];
        std::exit(computed.to_vector<float>()[0] == 65 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// Destroyed after everything that was made later, the plan cache and the allocator among it if they were ordinary objects.
struct LastUser {
  Array x;
  ~LastUser() {
    if (x.exists() && (x + 1).to_vector<float>()[0] != 2) std::_Exit(3);
  }
};

TEST(statics, may_still_compute_when_they_are_destroyed) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        static LastUser user;
        user.x = ones({1000});
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
