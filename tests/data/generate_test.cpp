// Generated sets: where their points lie, how they scatter, and which class each has.
#include "gradus/data/generate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "gradus/data/dataset.hpp"
#include "gradus/ops/creation.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using testing::error_of;
using Floats = std::vector<float>;

struct Moments {
  double mean = 0, deviation = 0;
};
Moments moments_of(const std::vector<double>& values) {
  Moments m;
  for (const double v : values) m.mean += v / static_cast<double>(values.size());
  for (const double v : values) m.deviation += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  m.deviation = std::sqrt(m.deviation);
  return m;
}

TEST(Generated, WavesSwingAsOftenAsTheirClassSays) {
  const data::Dataset set = data::make_waves(6, {.classes = 3, .steps = 16, .noise = 0, .seed = 5});
  EXPECT_EQ(set.x.shape(), (Shape{6, 16, 1}));
  EXPECT_EQ(set.y.to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2, 0, 1, 2}));
  const Floats x = set.x.to_vector<float>();
  for (size_t i = 0; i < 6; ++i) {
    // The share of all power at that frequency, by its Fourier coefficient: all of it.
    const auto turns = static_cast<double>(i % 3 + 1);
    double real = 0, imaginary = 0;
    for (size_t step = 0; step < 16; ++step) {
      const double angle = 2 * std::numbers::pi * turns * static_cast<double>(step) / 16;
      real += static_cast<double>(x[16 * i + step]) * std::cos(angle);
      imaginary += static_cast<double>(x[16 * i + step]) * std::sin(angle);
    }
    EXPECT_NEAR(std::hypot(real, imaginary), 8, 1e-5) << i;
  }
  EXPECT_NE(x[0], x[48]);  // another place to begin
  EXPECT_EQ(error_of([] { data::make_waves(3, {.steps = 0}); }), "make_waves: steps is 0; it must be 1 or more");
}

TEST(Generated, LabelsGoRoundTheClasses) {
  for (const data::Dataset& set : {data::make_blobs(7, {.classes = 3}), data::make_spirals(7, {.classes = 3})}) {
    EXPECT_EQ(set.y.to_vector<int64_t>(), (std::vector<int64_t>{0, 1, 2, 0, 1, 2, 0}));
    EXPECT_EQ(set.class_names, (std::vector<std::string>{"class 0", "class 1", "class 2"}));
    EXPECT_EQ(set.x.shape(), (Shape{7, 2}));
  }
  EXPECT_EQ(data::make_moons(5).class_names.size(), 2u);
  EXPECT_EQ(data::make_blobs(4, {.classes = 2, .features = 5}).x.shape(), (Shape{4, 5}));
  EXPECT_EQ(data::make_linear(4, {.weights = {1, 2, 3}}).x.shape(), (Shape{4, 3}));
  EXPECT_EQ(data::make_linear(4, {.weights = {1, 2, 3}}).y.shape(), (Shape{4, 1}));
}

TEST(Generated, MoonsWithoutNoiseAreTwoHalfCircles) {
  const data::Dataset set = data::make_moons(400, {.noise = 0, .seed = 3});
  const Floats x = set.x.to_vector<float>();
  double reach[2] = {0, 0};
  for (size_t i = 0; i < 400; ++i) {
    const double u = x[2 * i], v = x[2 * i + 1];
    if (i % 2 == 0) {
      EXPECT_NEAR(u * u + v * v, 1, 1e-5);
      EXPECT_GE(v, -1e-6);
    } else {
      EXPECT_NEAR((u - 1) * (u - 1) + (v - 0.5) * (v - 0.5), 1, 1e-5);
      EXPECT_LE(v, 0.5 + 1e-6);
    }
    reach[i % 2] = std::max(reach[i % 2], std::abs(i % 2 == 0 ? u : u - 1));
  }
  EXPECT_GT(std::min(reach[0], reach[1]), 0.99);
}

TEST(Generated, SpiralsWithoutNoiseWindOutwards) {
  const data::Dataset set = data::make_spirals(600, {.classes = 3, .noise = 0, .seed = 3});
  const Floats x = set.x.to_vector<float>();
  double least = 10, most = 0;
  for (size_t i = 0; i < 600; ++i) {
    const double u = x[2 * i], v = x[2 * i + 1], radius = std::hypot(u, v), t = (radius - 0.2) / 2.8;
    const double angle = 2 * std::numbers::pi * static_cast<double>(i % 3) / 3 + 1.5 * std::numbers::pi * t;
    EXPECT_NEAR(u, radius * std::cos(angle), 1e-4);
    EXPECT_NEAR(v, radius * std::sin(angle), 1e-4);
    least = std::min(least, radius);
    most = std::max(most, radius);
  }
  EXPECT_NEAR(least, 0.2, 0.05);
  EXPECT_NEAR(most, 3, 0.05);
}

TEST(Generated, NoiseIsNormalOfTheAskedSize) {
  const int64_t n = 20000;
  const data::Dataset blobs = data::make_blobs(n, {.classes = 1, .spread = 2, .seed = 5});
  const data::Dataset line = data::make_linear(n, {.weights = {0}, .bias = 3, .noise = 0.5, .seed = 5});
  const data::Dataset moons = data::make_moons(n, {.noise = 0.1, .seed = 5});
  const auto check = [&](std::vector<double> values, double mean, double deviation) {
    const Moments m = moments_of(values);
    const double error = deviation / std::sqrt(static_cast<double>(values.size()));
    EXPECT_NEAR(m.mean, mean, 5 * error);
    EXPECT_NEAR(m.deviation, deviation, 5 * error);
    const auto within = std::count_if(values.begin(), values.end(), [&](double v) { return std::abs(v - mean) < deviation; });
    EXPECT_NEAR(static_cast<double>(within) / static_cast<double>(values.size()), 0.6827, 0.02);
  };
  const std::vector<double> x = blobs.x.to_vector<double>();
  std::vector<double> first, second;
  for (size_t i = 0; i < x.size(); i += 2) first.push_back(x[i]), second.push_back(x[i + 1]);
  check(first, moments_of(first).mean, 2);
  check(second, moments_of(second).mean, 2);
  EXPECT_GT(std::abs(moments_of(first).mean - moments_of(second).mean), 0.1);  // a centre of its own in each direction
  check(line.y.to_vector<double>(), 3, 0.5);
  const std::vector<double> m = moons.x.to_vector<double>();
  std::vector<double> off;  // across the first moon, where its bend does not matter much
  for (size_t i = 0; i < static_cast<size_t>(n); i += 2) off.push_back(std::hypot(m[2 * i], m[2 * i + 1]) - 1);
  EXPECT_NEAR(moments_of(off).deviation, 0.1, 0.01);
}

TEST(Generated, CentresFillTheSquareAndFeaturesTheUnitInterval) {
  std::vector<double> centres = data::make_blobs(2000, {.classes = 2000, .spread = 0, .seed = 1}).x.to_vector<double>();
  std::vector<double> features = data::make_linear(4000, {.weights = {1}, .seed = 1}).x.to_vector<double>();
  for (auto& [values, low, high] : {std::tuple(centres, -10.0, 10.0), std::tuple(features, 0.0, 1.0)}) {
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    EXPECT_GE(*least, low);
    EXPECT_LT(*most, high);
    EXPECT_NEAR(*least, low, 0.01 * (high - low));
    EXPECT_NEAR(*most, high, 0.01 * (high - low));
    EXPECT_NEAR(moments_of(values).deviation, (high - low) / std::sqrt(12), 0.02 * (high - low));
  }
}

TEST(Generated, WrongOptionsAreNamed) {
  EXPECT_EQ(error_of([] { data::make_moons(10, {.noise = -1}); }), "make_moons: noise is -1; it must be a number of at least 0");
  EXPECT_EQ(error_of([] { data::make_moons(0); }), "make_moons: samples is 0; it must be 1 or more");
  EXPECT_EQ(error_of([] { data::make_spirals(10, {.classes = 0}); }), "make_spirals: classes is 0; it must be 1 or more");
  EXPECT_EQ(error_of([] { data::make_blobs(10, {.classes = 0}); }), "make_blobs: classes is 0; it must be 1 or more");
  EXPECT_EQ(error_of([] { data::make_blobs(10, {.features = 0}); }), "make_blobs: features is 0; it must be 1 or more");
  EXPECT_EQ(error_of([] { data::make_linear(10, {.weights = {}}); }), "make_linear: weights is empty; it must hold one number a feature");
  EXPECT_NE(error_of([] { data::make_linear(10, {.noise = INFINITY}); }), "");
  EXPECT_EQ(data::make_moons(1).size(), 1);
}

}  // namespace
}  // namespace gradus
