// What counts as an outlier of an image.
#include "gradus/cpu/conv/guard.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace gradus::cpu {
namespace {

bool has_outlier_at(size_t n, size_t place, float value) {
  std::vector<float> image(n, 1e-3f);
  image[place] = value;
  return has_outlier(image.data(), static_cast<int64_t>(n));
}

TEST(Outlier, is_what_is_not_finite_wherever_it_stands) {
  for (const size_t n : {1, 15, 64, 1000, 5000}) {
    for (const size_t place : {size_t{0}, n / 2, n - 1}) {
      for (const float value :
           {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
        EXPECT_TRUE(has_outlier_at(n, place, value)) << n << " " << place << " " << value;
    }
  }
}
TEST(Outlier, is_more_than_256_times_the_mean_size) {
  // 10,000 numbers of 1e-3 and one of v: the mean is about 1e-3 + v / 10,000.
  for (const float sign : {1.0f, -1.0f}) {
    EXPECT_FALSE(has_outlier_at(10001, 77, sign * 0.25f));
    EXPECT_TRUE(has_outlier_at(10001, 77, sign * 0.27f));
  }
}
TEST(Outlier, is_none_in_an_image_of_zeros_or_of_large_numbers_alone) {
  EXPECT_FALSE(has_outlier(std::vector<float>(100, 0.0f).data(), 100));
  EXPECT_FALSE(has_outlier(std::vector<float>(100, 1e30f).data(), 100));
  EXPECT_FALSE(has_outlier(nullptr, 0));
}

}  // namespace
}  // namespace gradus::cpu
