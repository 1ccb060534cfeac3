// Schedules against golden rates.
#include "gradus/optim/schedule.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "gradus/base/error.hpp"
#include "tests/golden_cases.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {
namespace {

using nlohmann::json;
using namespace optim;

std::optional<Schedule> make(const json& one) {
  const std::string op = one["op"];
  const json& a = one["attrs"];
  const double base = a["base_lr"];
  if (op == "step") return step(base, a["gamma"], a["step_size"]);
  if (op == "multistep") return milestones(base, a["gamma"], a["milestones"].get<std::vector<int64_t>>());
  if (op == "exponential") return exponential(base, a["gamma"]);
  if (op == "cosine") return cosine(base, {.steps = a["T_max"], .final_rate = a["eta_min"], .swings_back = true});
  if (op == "cosine_warm_restarts")
    return cosine_restarts(base, {.period = a["T_0"], .multiplier = a["T_mult"].get<double>(), .final_rate = a["eta_min"]});
  if (op == "linear") return linear(base * a["start_factor"].get<double>(), base * a["end_factor"].get<double>(), a["total_iters"]);
  if (op == "polynomial") return polynomial(base, a["total_iters"], a["power"]);
  if (op == "lambda") return inverse_time(base, 0.1);
  if (op == "multiplicative") return exponential(base, 0.95);
  if (op == "constant") return sequence({base * a["factor"].get<double>(), base}, {a["total_iters"].get<int64_t>()});
  if (op == "warmup_cosine") return warmup(a["warmup"], cosine(base, {.steps = a["T_max"], .swings_back = true}), a["start_factor"]);
  if (op == "one_cycle") {
    return one_cycle(a["max_lr"], {.steps = a["total_steps"],
                                   .rising = a["pct_start"],
                                   .initial_divisor = a["div_factor"],
                                   .final_divisor = a["final_div_factor"],
                                   .is_cosine = a["anneal_strategy"] == "cos",
                                   .has_three_phases = a["three_phase"]});
  }
  return std::nullopt;
}

TEST(Schedule, GivesGoldenRates) {
  const testing::GoldenGroup group("sched");
  if (group.empty()) GTEST_SKIP() << "no golden files";
  int run = 0;
  for (const json& one : group.cases) {
    const auto schedule = make(one);
    if (!schedule) continue;
    const std::vector<double> want = group.tensor(one, "outputs", "lr").to_vector<double>();
    std::vector<double> got;
    for (size_t t = 0; t < want.size(); ++t) got.push_back((*schedule)(static_cast<int64_t>(t)));
    testing::expect_close(got, want, 1e-10, 1e-12, one["id"].get<std::string>() + " " + one["attrs"].dump());
    ++run;
  }
  EXPECT_GE(run, 30);
}

TEST(Schedule, PlateauFollowsGoldenRates) {
  const testing::GoldenGroup group("sched");
  if (group.empty()) GTEST_SKIP() << "no golden files";
  for (const json& one : group.cases) {
    if (one["op"] != "plateau") continue;
    const json& a = one["attrs"];
    const double base = a["base_lr"];
    Plateau plateau({.factor = a["factor"],
                     .patience = a["patience"],
                     .threshold = a["threshold"],
                     .is_relative = a["threshold_mode"] == "rel",
                     .more_is_better = a["mode"] == "max",
                     .cooldown = a["cooldown"],
                     .smallest_factor = a["min_lr"].get<double>() / base});
    const std::vector<double> metrics = group.tensor(one, "inputs", "metrics").to_vector<double>(),
                              want = group.tensor(one, "outputs", "lr").to_vector<double>();
    std::vector<double> got;
    for (size_t t = 0; t < want.size(); ++t) {
      got.push_back(base * plateau.factor());
      if (t < metrics.size()) plateau.note(metrics[t]);
    }
    testing::expect_close(got, want, 1e-10, 1e-12, one["id"]);
  }
}

TEST(Schedule, WarmupRisesToTheRateAndCosineFallsToTheEnd) {
  const Schedule rate = cosine(1.0, {.steps = 100, .warmup = 10, .final_rate = 0.1});
  EXPECT_DOUBLE_EQ(rate(0), 0.1);
  EXPECT_DOUBLE_EQ(rate(9), 1.0);
  EXPECT_DOUBLE_EQ(rate(10), 1.0);
  EXPECT_DOUBLE_EQ(rate(100), 0.1);
  EXPECT_DOUBLE_EQ(rate(1000), 0.1);
  EXPECT_DOUBLE_EQ(rate.scaled(2)(9), 2.0);
}

TEST(Schedule, NegativeRatesAreErrors) {
  EXPECT_THROW(Schedule(-0.1), Error);
  const Schedule falling([](int64_t step) { return 1.0 - static_cast<double>(step); });
  EXPECT_DOUBLE_EQ(falling(1), 0);
  EXPECT_THROW(falling(2), Error);
}

// The steps at which each schedule turns, by hand: a schedule one step short or long differs in one of them.
TEST(Schedule, TurnsAtItsSteps) {
  const auto expect = [](const Schedule& rate, const std::vector<std::pair<int64_t, double>>& want, const char* name) {
    for (const auto& [step, value] : want) EXPECT_NEAR(rate(step), value, 1e-12) << name << " at step " << step;
  };
  expect(linear(1, 0.5, 5), {{0, 1}, {1, 0.9}, {4, 0.6}, {5, 0.5}, {6, 0.5}}, "linear");
  expect(polynomial(1, 4, 2), {{0, 1}, {1, 0.5625}, {3, 0.0625}, {4, 0}, {9, 0}}, "polynomial");
  expect(cosine(1, {.steps = 4}), {{0, 1}, {2, 0.5}, {3, (1 - std::sqrt(0.5)) / 2}, {4, 0}, {5, 0}}, "cosine");
  expect(cosine(1, {.steps = 6, .warmup = 2}), {{0, 0.5}, {1, 1}, {2, 1}, {4, 0.5}, {6, 0}}, "cosine with warm-up");
  expect(cosine_restarts(1, {.period = 2}), {{0, 1}, {1, 0.5}, {2, 1}, {3, 0.5}, {4, 1}}, "cosine_restarts");
  expect(cosine_restarts(1, {.period = 2, .multiplier = 2}), {{1, 0.5}, {2, 1}, {4, 0.5}, {6, 1}, {10, 0.5}, {14, 1}},
         "cosine_restarts, longer");
  expect(exponential(1, 0.5, 2), {{0, 1}, {1, std::sqrt(0.5)}, {2, 0.5}, {4, 0.25}}, "exponential");
  expect(step(1, 0.5, 3), {{0, 1}, {2, 1}, {3, 0.5}, {5, 0.5}, {6, 0.25}}, "step");
  expect(milestones(1, 0.5, {2, 5}), {{0, 1}, {1, 1}, {2, 0.5}, {4, 0.5}, {5, 0.25}}, "milestones");
  expect(inverse_time(1, 1), {{0, 1}, {1, 0.5}, {3, 0.25}}, "inverse_time");
  expect(warmup(4, linear(1, 0, 2)), {{0, 0}, {1, 0.25}, {3, 0.75}, {4, 1}, {5, 0.5}, {6, 0}}, "warmup");
  expect(sequence({1.0, linear(0.5, 0, 2), 0.1}, {2, 4}), {{0, 1}, {1, 1}, {2, 0.5}, {3, 0.25}, {4, 0.1}}, "sequence");
  expect(one_cycle(1, {.steps = 10, .rising = 0.5, .initial_divisor = 10, .final_divisor = 10, .is_cosine = false}),
         {{0, 0.1}, {4, 1}, {9, 0.01}, {10, 0.01}}, "one_cycle");
}

// The factor after each value noted.
std::vector<double> factors(Plateau plateau, const std::vector<double>& values) {
  std::vector<double> got;
  for (const double value : values) {
    plateau.note(value);
    got.push_back(plateau.factor());
  }
  return got;
}
using Factors = std::vector<double>;

TEST(Plateau, AValueBetterByJustTheThresholdIsNotBetter) {
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0, .threshold = 0}), {1, 1, 0.5}), (Factors{1, 0.5, 0.5}));
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0, .threshold = 0, .more_is_better = true}), {1, 1, 1.5}), (Factors{1, 0.5, 0.5}));
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0, .threshold = 0.25, .is_relative = false}), {1, 0.75, 0.5}),
            (Factors{1, 0.5, 0.5}));
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0, .threshold = 0.5, .is_relative = true}), {4, 2, 1}), (Factors{1, 0.5, 0.5}));
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0, .threshold = 0.5, .is_relative = true}), {-4, -6, -6.5}),
            (Factors{1, 0.5, 0.5}));
}

TEST(Plateau, WaitsForPatienceAndCoolsDown) {
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 2}), {1, 1, 1, 1, 1, 1, 1}), (Factors{1, 1, 1, 0.5, 0.5, 0.5, 0.25}));
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0, .cooldown = 2}), {1, 1, 1, 1, 1, 1}), (Factors{1, 0.5, 0.5, 0.5, 0.25, 0.25}));
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0, .smallest_factor = 0.3}), {1, 1, 1, 1}), (Factors{1, 0.5, 0.3, 0.3}));
}

TEST(Plateau, NanIsNeverTheBestAndAnythingIsBetterThanInfinity) {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 1}), {nan, 3, 2, 1}), (Factors{1, 1, 1, 1}));
  EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0}), {3, nan, 2, nan}), (Factors{1, 0.5, 0.5, 0.25}));
  for (const bool is_relative : {false, true}) {
    EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0, .is_relative = is_relative}), {infinity, 3, 2, 2}), (Factors{1, 1, 1, 0.5}));
    EXPECT_EQ(factors(Plateau({.factor = 0.5, .patience = 0, .is_relative = is_relative, .more_is_better = true}), {-infinity, 3, 4, 4}),
              (Factors{1, 1, 1, 0.5}));
  }
}

TEST(Plateau, SaysWhenItLowersTheFactor) {
  Plateau plateau({.factor = 0.5, .patience = 0, .smallest_factor = 0.5});
  EXPECT_FALSE(plateau.note(1));
  EXPECT_TRUE(plateau.note(1));
  EXPECT_FALSE(plateau.note(1));  // it is as small as it may be
}

TEST(Schedules, APlateauIsOfTheWhole) {
  using testing::error_of;
  const std::string rest = " has a plateau, which counts for all of a run; give it to the whole: .with_plateau(...)";
  EXPECT_EQ(error_of([] { sequence({1.0, plateau(0.5, {})}, {3}); }), "sequence: schedule 1" + rest);
  EXPECT_EQ(error_of([] { chained(1, {plateau(0.5, {}), 1.0}); }), "chained: schedule 0" + rest);
  const Schedule whole = sequence({1.0, 0.5}, {3}).with_plateau({.patience = 4});
  ASSERT_TRUE(whole.on_plateau());
  EXPECT_EQ(whole.on_plateau()->patience, 4);
  EXPECT_EQ(whole(2), 1.0);
  EXPECT_EQ(whole(3), 0.5);
  EXPECT_EQ(sequence({1.0, 0.5, 0.25}, {3, 3})(3), 0.25) << "one of no steps";
}
TEST(Schedules, ThreePhasesNeedRoomForTheThird) {
  using testing::error_of;
  EXPECT_EQ(error_of([] { one_cycle(1, {.steps = 10, .rising = 0.6, .has_three_phases = true}); }),
            "one_cycle: rising is 0.6; with three phases, of which two are as long, it must be at most 0.5");
  const Schedule half = one_cycle(1, {.steps = 10, .rising = 0.5, .is_cosine = false, .has_three_phases = true});
  EXPECT_DOUBLE_EQ(half(4), 1);
  EXPECT_NEAR(half(8), half(0), 1e-12);
  EXPECT_LT(half(9), half(8));
}

}  // namespace
}  // namespace gradus
