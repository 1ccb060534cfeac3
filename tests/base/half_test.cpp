// The two 16-bit floats, every one of them: what the bits mean, and which neighbour a float rounds to.
#include "gradus/base/half.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradus {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// The value by the definition of IEEE 754: sign, biased exponent, fraction.
double by_definition(uint16_t bits, int fraction_bits, int bias) {
  const int exponents = 1 << (15 - fraction_bits);
  const int exponent = (bits & 0x7fff) >> fraction_bits, fraction = bits & ((1 << fraction_bits) - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == exponents - 1) return fraction ? std::nan("") : sign * kInf;
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
}

template <class Half>
Half from_bits(int bits) {
  Half half;
  half.bits = static_cast<uint16_t>(bits);
  return half;
}

template <class Half>
void every_pattern_has_its_value_and_comes_back(int fraction_bits, int bias) {
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = from_bits<Half>(bits);
    const double want = by_definition(static_cast<uint16_t>(bits), fraction_bits, bias);
    if (std::isnan(want)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_TRUE(std::isnan(static_cast<float>(Half(value)))) << bits;
      ASSERT_EQ(std::signbit(static_cast<float>(Half(value))), bits >= 0x8000) << bits;
    } else {
      ASSERT_EQ(value, want) << bits;
      ASSERT_EQ(Half(value).bits, bits);
    }
  }
}

// Between each two neighbours: halfway goes to the even one, anything else to the nearer one.
template <class Half>
void floats_between_round_to_the_nearer_or_even_one(int infinity_bits) {
  for (int bits = 0; bits < infinity_bits; ++bits) {
    const double low = static_cast<float>(from_bits<Half>(bits));
    // The step above the largest finite value is as wide as the one below it.
    const double high = bits + 1 < infinity_bits ? static_cast<double>(static_cast<float>(from_bits<Half>(bits + 1)))
                                                 : 2 * low - static_cast<double>(static_cast<float>(from_bits<Half>(bits - 1)));
    const auto half_way = static_cast<float>((low + high) / 2);
    ASSERT_EQ(Half(half_way).bits, bits % 2 ? bits + 1 : bits) << half_way;
    ASSERT_EQ(Half(std::nextafter(half_way, 0.0f)).bits, bits) << half_way;
    ASSERT_EQ(Half(std::nextafter(half_way, kInf)).bits, bits + 1) << half_way;
    ASSERT_EQ(Half(-std::nextafter(half_way, kInf)).bits, (bits + 1) | 0x8000) << half_way;
  }
}

TEST(Float16, EveryPatternHasItsValueAndComesBack) { every_pattern_has_its_value_and_comes_back<float16_t>(10, 15); }
TEST(Float16, FloatsBetweenRoundToTheNearerOrEvenOne) { floats_between_round_to_the_nearer_or_even_one<float16_t>(0x7c00); }
TEST(Float16, FloatsBeyondTheLargestAreInfinite) {
  EXPECT_EQ(float16_t(65519.0f).bits, 0x7bff);
  EXPECT_EQ(float16_t(65520.0f).bits, 0x7c00);
  EXPECT_EQ(float16_t(1e30f).bits, 0x7c00);
  EXPECT_EQ(float16_t(-kInf).bits, 0xfc00);
  EXPECT_EQ(float16_t(1e-30f).bits, 0);
  EXPECT_EQ(float16_t(-1e-30f).bits, 0x8000);
}
TEST(Bfloat16, EveryPatternHasItsValueAndComesBack) { every_pattern_has_its_value_and_comes_back<bfloat16_t>(7, 127); }
TEST(Bfloat16, FloatsBetweenRoundToTheNearerOrEvenOne) { floats_between_round_to_the_nearer_or_even_one<bfloat16_t>(0x7f7f); }
TEST(Bfloat16, NanOfAnyPayloadStaysNan) {
  for (const uint32_t word : {0x7f800001u, 0x7fffffffu, 0xff800001u, 0xffffffffu, 0x7f808000u}) {
    EXPECT_TRUE(std::isnan(static_cast<float>(bfloat16_t(std::bit_cast<float>(word))))) << word;
    EXPECT_TRUE(std::isnan(static_cast<float>(float16_t(std::bit_cast<float>(word))))) << word;
  }
  EXPECT_EQ(bfloat16_t(std::numeric_limits<float>::max()).bits, 0x7f80);
}

}  // namespace
}  // namespace gradus
