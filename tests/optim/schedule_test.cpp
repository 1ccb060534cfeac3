// Schedules against golden rates.
#include "gradus/optim/schedule.hpp"

#include <numeric>

#include "gradus/base/error.hpp"
#include "tests/golden_cases.hpp"

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

}  // namespace
}  // namespace gradus
