// Numbers that functions return to transforms: they become arrays of their own kind.
#include "gradus/transform/vmap.hpp"
#include "gradus/transform/control.hpp"
#include "tests/transform/support.hpp"

namespace gradus {
namespace {

TEST(Numbers, FromVmapAreRepeatedInTheirKind) {
  const auto repeated = [](const Array& number) { return vmap([&](const Array&) { return number; })(zeros({3})); };
  for (const auto& [number, dtype] :
       {std::pair{Array(2), int64}, {Array(2.5), float32}, {Array(true), bool_}, {array(2.5, float64), float64}}) {
    const Array out = repeated(number);
    EXPECT_EQ(out.dtype(), dtype);
    EXPECT_FALSE(out.is_weak());
    expect_values(out, std::vector<double>(3, number.astype(float64).item()));
  }
}

TEST(Numbers, FromScanAreStackedInTheirKind) {
  for (const auto& [number, dtype] :
       {std::pair{Array(2), int64}, {Array(2.5), float32}, {Array(true), bool_}, {array(2.5, float64), float64}}) {
    const auto [last, all] = scan(
        [&, number = number](const Array& total, const Array& x) {
          return std::pair{total + x, number};
        },
        zeros({}), ones({4}));
    EXPECT_EQ(all.dtype(), dtype);
    EXPECT_FALSE(all.is_weak());
    expect_values(all, std::vector<double>(4, number.astype(float64).item()));
    expect_values(last, {4});
  }
}

TEST(Numbers, FromBranchesMeetInOneDtype) {
  const auto choose = [](bool which, const Array& one, const Array& other) {
    return cond(array(which), [&](const Array&) { return one; }, [&](const Array&) { return other; }, zeros({}));
  };
  for (const bool which : {true, false}) {
    EXPECT_EQ(choose(which, Array(2), Array(3)).dtype(), int64);
    EXPECT_EQ((choose(which, Array(2.5), Array(3.5)) * ones({})).dtype(), float32) << choose(which, Array(2.5), Array(3.5)).is_weak();
    EXPECT_EQ(choose(which, array(2.5, float16), Array(3.5)).dtype(), float16);
    EXPECT_EQ(choose(which, Array(2.5), array(3.5, float16)).dtype(), float16);
    expect_values(choose(which, array(2.5, float64), Array(3.5)), {which ? 2.5 : 3.5});
  }
}

}  // namespace
}  // namespace gradus
