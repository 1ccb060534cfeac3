// Divergences and epsilons of the accountant against Opacus 1.6.0 (RDPAccountant, its usual orders), and what they must be by mathematics.
#include "gradus/train/accountant.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/temporary_folder.hpp"

namespace gradus {

namespace {

using testing::error_of;

TEST(Accountant, EpsilonIsThatOfOpacus) {
  // rate, noise, steps, delta, epsilon: RDPAccountant().history = [(noise, rate, steps)]; get_privacy_spent(delta=delta)
  struct Case {
    double rate, noise;
    int64_t steps;
    double delta, epsilon;
  };
  constexpr Case cases[] = {{0.004266666666666667, 1.1, 14062, 1e-05, 2.5965558689607486},
                            {0.01, 1, 1000, 1e-05, 2.1013652716430564},
                            {0.001, 0.7, 10000, 1e-06, 2.4730394785007035},
                            {0.1, 4, 1000, 1e-05, 3.736241517996425},
                            {1, 10, 100, 1e-05, 4.728507067217623},
                            {0.02, 1.5, 5000, 1e-07, 6.218554442357139},
                            {0.004, 0.6, 3000, 1e-05, 6.090664072665036},
                            {0.0001, 0.8, 100000, 1e-06, 1.0797628165220994},
                            {0.25, 2, 50, 1e-05, 4.881608174464326},
                            {0.01, 8, 10000, 1e-05, 0.4808488123032748},
                            {0.5, 1.0, 10, 0.001, 8.54248309541142},
                            {0.01, 0.45, 200, 1e-05, 12.717257191099817}};
  for (const Case& each : cases) {
    const double epsilon = train::epsilon_of({each.noise, each.rate, each.steps}, each.delta);
    EXPECT_NEAR(epsilon, each.epsilon, 1e-8 * each.epsilon) << each.rate << " " << each.noise;
  }
}

TEST(Accountant, DivergenceIsThatOfOpacus) {
  EXPECT_NEAR(train::renyi_divergence(1.0, 0.01, 1.1), 9.241470982855839e-05, 1e-11);
  EXPECT_NEAR(train::renyi_divergence(1.0, 0.01, 2), 0.00017181342207453428, 1e-16);
  EXPECT_NEAR(train::renyi_divergence(1.0, 0.01, 32), 11.246275937048072, 1e-11);
  EXPECT_NEAR(train::renyi_divergence(0.7, 0.2, 3.7), 1.5985155505874957, 1e-11);
  EXPECT_NEAR(train::renyi_divergence(5, 0.5, 63), 0.6468958119949503, 1e-12);
}

TEST(Accountant, DivergenceOfOrderTwoHasItsClosedForm) {
  // A = 1 + q^2 (exp(1 / sigma^2) - 1), also where A - 1 is below the last digit of 1.
  for (const double q : {0.3, 1e-3, 1e-8, 1e-12}) {
    for (const double sigma : {0.6, 1.0, 7.0}) {
      const double want = std::log1p(q * q * std::expm1(1 / (sigma * sigma)));
      EXPECT_NEAR(train::renyi_divergence(sigma, q, 2), want, 1e-12 * want) << q << " " << sigma;
    }
  }
}

TEST(Accountant, DivergenceGrowsWithTheOrderAndFromIntegersToFractions) {
  for (const double q : {1e-6, 1e-3, 0.2}) {
    double before = 0;
    for (double order = 1.1; order < 12; order += 0.05) {
      const double now = train::renyi_divergence(0.8, q, order);
      EXPECT_GE(now, before * (1 - 1e-3)) << q << " " << order;
      before = now;
    }
  }
}

TEST(Accountant, BordersOfItsArguments) {
  EXPECT_EQ(train::renyi_divergence(1, 0, 3), 0);
  EXPECT_EQ(train::renyi_divergence(0, 0.5, 3), HUGE_VAL);
  EXPECT_EQ(train::renyi_divergence(2, 1, 3), 3.0 / 8);
  EXPECT_EQ(train::epsilon_of({.noise_multiplier = 0, .sampling_rate = 0.1}, 1e-5), HUGE_VAL);
  EXPECT_EQ(train::epsilon_of({.steps = 0}, 1e-5), 0);
  EXPECT_EQ(train::PrivacyAccountant().epsilon(1e-5), 0);
  EXPECT_TRUE(std::isfinite(train::epsilon_of({.noise_multiplier = 0.05, .sampling_rate = 0.9, .steps = 1000000}, 1e-9)));
  EXPECT_EQ(error_of([] { train::epsilon_of({.noise_multiplier = -1}, 1e-5); }),
            "privacy: noise_multiplier is -1; it must be a finite number of at least 0");
  EXPECT_EQ(error_of([] { train::epsilon_of({.sampling_rate = NAN}, 1e-5); }), "privacy: sampling_rate is nan; it must be from 0 to 1");
  EXPECT_EQ(error_of([] { train::epsilon_of({.steps = -2}, 1e-5); }), "privacy: steps is -2; it must not be negative");
  EXPECT_EQ(error_of([] { train::epsilon_of({}, 1); }), "privacy: delta is 1; it must lie between 0 and 1, and well below 1 / samples");
  EXPECT_EQ(error_of([] { train::renyi_divergence(1, 0.1, 1); }), "privacy: an order is 1; it must be finite and above 1");
  EXPECT_EQ(error_of([] { train::PrivacyAccountant(std::vector<double>{}); }),
            "privacy: there are no orders; leave them out, or give some numbers above 1");
}

TEST(Accountant, PartsAddUp) {
  train::PrivacyAccountant once, twice, mixed, other;
  once.add({1.1, 0.01, 700});
  twice.add({1.1, 0.01, 300});
  twice.add({1.1, 0.01, 400});
  EXPECT_EQ(once.epsilon(1e-5), twice.epsilon(1e-5));
  EXPECT_EQ(twice.parts().size(), 1u);
  mixed.add({1.1, 0.01, 700});
  mixed.add({2.0, 0.02, 100});
  mixed.add({1.1, 0.01, 5});
  other.add({1.1, 0.01, 5});
  other.add({2.0, 0.02, 100});
  other.add({1.1, 0.01, 700});
  EXPECT_NEAR(mixed.epsilon(1e-5), other.epsilon(1e-5), 1e-12);
  EXPECT_GT(mixed.epsilon(1e-5), once.epsilon(1e-5));
}

TEST(Accountant, NoiseIsTheLeastThatKeepsToEpsilon) {
  // Opacus' get_noise_multiplier(target_epsilon=3, target_delta=1e-5, sample_rate=0.01, steps=1000, epsilon_tolerance=1e-4)
  EXPECT_NEAR(train::noise_for(3, 1e-5, {.sampling_rate = 0.01, .steps = 1000}), 0.8646106719970703, 1e-3);
  for (const double epsilon : {0.3, 1.0, 8.0, 50.0}) {
    const double noise = train::noise_for(epsilon, 1e-6, {.sampling_rate = 0.02, .steps = 500});
    EXPECT_LE(train::epsilon_of({noise, 0.02, 500}, 1e-6), epsilon);
    EXPECT_GT(train::epsilon_of({noise * 0.999, 0.02, 500}, 1e-6), epsilon);
  }
  train::PrivacyAccountant spent;
  spent.add({1.0, 0.01, 400});
  EXPECT_GT(train::noise_for(3, 1e-5, {.sampling_rate = 0.01, .steps = 1000}, spent), 0.88);
  spent.add({0.3, 0.01, 4000});
  EXPECT_NE(error_of([&] {
              train::noise_for(3, 1e-5, {.sampling_rate = 0.01, .steps = 1000}, spent);
            }).find("privacy: no noise keeps 1000 steps to an epsilon of 3 at delta 1e-05; the most noise gives "),
            std::string::npos);
}

}  // namespace

}  // namespace gradus
