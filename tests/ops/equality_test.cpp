// Equality of whole arrays.
#include "gradus/ops/equality.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"

namespace gradus {
namespace {

TEST(Equality, ArraysOfOtherShapesAreNotEqual) {
  EXPECT_TRUE(array_equal(array({1, 2}), array({1, 2})));
  EXPECT_FALSE(array_equal(array({1, 2}), array({1, 3})));
  EXPECT_FALSE(array_equal(array({1, 1}), array({1})));
  EXPECT_TRUE(array_equal(zeros({0, 3}), zeros({0, 3})));
  EXPECT_TRUE(array_equal(array({1, 2}), array({1.0, 2.0})));
}

TEST(Equality, NaNIsEqualToNothing) {
  EXPECT_FALSE(array_equal(array({NAN}), array({NAN})));
  EXPECT_FALSE(allclose(array({NAN}), array({NAN})));
  EXPECT_TRUE(allclose(array({NAN, 1.0}), array({NAN, 1.0}), {.equal_nan = true}));
}

TEST(Equality, ClosenessIsRelativeToTheSecond) {
  EXPECT_TRUE(allclose(array({100.001}), array({100.0}), {.relative = 1e-4}));
  EXPECT_FALSE(allclose(array({100.1}), array({100.0}), {.relative = 1e-4}));
  EXPECT_TRUE(allclose(array({{1.0, 1.0}}), array({1.0})));
  EXPECT_TRUE(allclose(array({INFINITY}), array({INFINITY})));
  EXPECT_FALSE(allclose(array({INFINITY}), array({-INFINITY})));
  EXPECT_FALSE(allclose(array({1.0}), array({INFINITY})));
  EXPECT_TRUE(allclose(array({true}), array({true})));
  EXPECT_THROW(allclose(array({1.0}), array({1.0}), {.relative = -1}), Error);
}

}  // namespace
}  // namespace gradus
