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
  const Array nine = array({9.0}), ten = array({10.0});  // 1 is a tenth of 10, and more than a tenth of 9
  for (const CloseOptions options :
       {CloseOptions{.relative = 0.105, .absolute = 0}, {.relative = 0, .absolute = 1}, {.relative = 0.05, .absolute = 0.5}}) {
    EXPECT_TRUE(isclose(nine, ten, options).item<bool>());
    EXPECT_EQ(isclose(ten, nine, options).item<bool>(), options.relative == 0);
  }
  const Array near = array({1.0}, float64), far = array({1 + 1.00001e-5}, float64);  // by the default, 1e-5 and 1e-8 beside it
  EXPECT_TRUE(isclose(near, far).item<bool>() && isclose(far, near).item<bool>());
  const Array most = array({100.0}, float64);
  EXPECT_TRUE(isclose(array({100.001 + 9e-9}, float64), most).item<bool>());
  EXPECT_FALSE(isclose(array({100.001 + 11e-9}, float64), most).item<bool>());
  EXPECT_TRUE(isclose(array({99.999 - 9e-9}, float64), most).item<bool>());
  EXPECT_FALSE(isclose(array({99.999 - 11e-9}, float64), most).item<bool>());
  EXPECT_TRUE(allclose(array({{1.0, 1.0}}), array({1.0})));
  EXPECT_TRUE(allclose(array({INFINITY}), array({INFINITY})));
  EXPECT_FALSE(allclose(array({INFINITY}), array({-INFINITY})));
  EXPECT_FALSE(allclose(array({1.0}), array({INFINITY})));
  EXPECT_TRUE(allclose(array({true}), array({true})));
  EXPECT_THROW(allclose(array({1.0}), array({1.0}), {.relative = -1}), Error);
}

}  // namespace
}  // namespace gradus
