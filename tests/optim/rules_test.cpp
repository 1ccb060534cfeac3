// Rules of optimisers by hand: two steps from 1 with gradients 1 and -0.5, and the options that are refused.
#include <cmath>
#include <functional>
#include <limits>

#include "gradus/gradus.hpp"
#include "tests/temporary_folder.hpp"

namespace gradus {

using namespace core;
namespace {

using testing::error_of;

constexpr double kRate = 0.1, kGradients[] = {1, -0.5};

std::vector<double> two_steps(optim::Optimizer optimizer) {
  Array p = array({1.0}, float64);
  std::vector<double> found;
  for (const double gradient : kGradients) {
    optimizer.step(p, array({gradient}, float64));
    found.push_back(p.to_vector<double>()[0]);
  }
  return found;
}
void expect_steps(optim::Optimizer optimizer, double first, double second, int line) {
  const std::vector<double> found = two_steps(std::move(optimizer));
  EXPECT_NEAR(found[0], first, 1e-9) << "line " << line;
  EXPECT_NEAR(found[1], second, 1e-9) << "line " << line;
}

TEST(Rules, OfMomentum) {
  expect_steps(optim::SGD(kRate), 0.9, 0.95, __LINE__);
  expect_steps(optim::SGD(kRate, {.momentum = 0.5}), 0.9, 0.9, __LINE__);                      // velocities 1, then 0.5 - 0.5
  expect_steps(optim::SGD(kRate, {.momentum = 0.5, .nesterov = true}), 0.85, 0.9, __LINE__);   // 1 + 0.5, then -0.5 + 0.5 * 0
  expect_steps(optim::SGD(kRate, {.weight_decay = 2}), 0.7, 0.61, __LINE__);                   // 1 + 2, then -0.5 + 1.4
  expect_steps(optim::SGD(kRate, {.momentum = 0.5, .dampening = 0.2}), 0.9, 0.89, __LINE__);   // 1, then 0.5 - 0.8 * 0.5
}

TEST(Rules, OfAdam) {
  const double e = 1e-3;
  // m: 0.1, 0.04; v: 0.01, 0.0124 with beta_2 0.99
  const double first = 1 - kRate * 1 / (1 + e), m = 0.04 / 0.19, v = std::sqrt(0.0124 / 0.0199);
  expect_steps(optim::Adam(kRate, {.beta_1 = 0.9, .beta_2 = 0.99, .epsilon = e}), first, first - kRate * m / (v + e), __LINE__);
  const double kept = first - kRate * 0.5;  // 1 (1 - rate decay) before the step
  const double before = (1 - kRate * 0.5) - kRate / (1 + e);
  EXPECT_NEAR(kept, before, 1e-12);
  expect_steps(optim::AdamW(kRate, {.beta_1 = 0.9, .beta_2 = 0.99, .epsilon = e, .weight_decay = 0.5}), before,
               before * (1 - kRate * 0.5) - kRate * m / (v + e), __LINE__);
}

TEST(Rules, OfRunningSquares) {
  const double e = 1e-3;
  // v: 0.1, 0.115
  const double first = 1 - kRate / (std::sqrt(0.1) + e);
  expect_steps(optim::RMSprop(kRate, {.rho = 0.9, .epsilon = e}), first, first + kRate * 0.5 / (std::sqrt(0.115) + e), __LINE__);
  const double a = 1 - kRate / (std::sqrt(1.25) + e);
  expect_steps(optim::Adagrad(kRate, {.initial_accumulator = 0.25, .epsilon = e}), a, a + kRate * 0.5 / (std::sqrt(1.5) + e), __LINE__);
  expect_steps(optim::Adagrad(kRate, {.initial_accumulator = 0.25, .epsilon = e, .rate_decay = 1}), a,
               a + kRate / 2 * 0.5 / (std::sqrt(1.5) + e), __LINE__);
  // s: 0.5, 0.375; steps d: sqrt(u + e) / sqrt(s + e) g
  const double d1 = std::sqrt(e) / std::sqrt(0.5 + e), u = 0.5 * d1 * d1, d2 = -0.5 * std::sqrt(u + e) / std::sqrt(0.375 + e);
  expect_steps(optim::Adadelta(1.0, {.rho = 0.5, .epsilon = e}), 1 - d1, 1 - d1 - d2, __LINE__);
  // u: 1 + e, then 0.99 (1 + e) against 0.5 + e
  const double x = 1 - kRate / (1 + e);
  expect_steps(optim::Adamax(kRate, {.beta_1 = 0.9, .beta_2 = 0.99, .epsilon = e}), x, x - kRate / 0.19 * 0.04 / (0.99 * (1 + e)),
               __LINE__);
}

TEST(Rules, OfSigns) {
  // The sign turns: the step halves, and this gradient is forgotten.
  expect_steps(optim::Rprop(kRate), 0.9, 0.9, __LINE__);
  Array p = array({1.0}, float64);
  optim::Rprop rprop(kRate, {.shrink = 0.5, .grow = 2, .smallest_step = 0.06, .largest_step = 0.3});
  std::vector<double> found;
  for (const double gradient :
       {1.0, 3.0, 0.1, -1.0, -1.0, -1.0, 1.0, 1.0}) {  // steps 0.1, 0.2, 0.3 (not 0.4), 0.15 unused, 0.15, 0.3, 0.15 unused, 0.15
    rprop.step(p, array({gradient}, float64));
    found.push_back(p.to_vector<double>()[0]);
  }
  const double want[] = {0.9, 0.7, 0.4, 0.4, 0.55, 0.85, 0.85, 0.7};
  for (size_t i = 0; i < 8; ++i) EXPECT_NEAR(found[i], want[i], 1e-9) << i;
}

// Periods of 2, 6 and 18 steps begin at 0, 2 and 8; all of one length at each multiple.
TEST(Rules, OfCosinesThatRestart) {
  const auto rate = [](int64_t since, double period) { return 0.1 + 0.9 * (1 + std::cos(M_PI * static_cast<double>(since) / period)) / 2; };
  const optim::Schedule growing = optim::cosine_restarts(1.0, {.period = 2, .multiplier = 3, .final_rate = 0.1});
  const optim::Schedule even = optim::cosine_restarts(1.0, {.period = 4, .final_rate = 0.1});
  for (int64_t step = 0; step < 26; ++step) {
    EXPECT_NEAR(growing(step), step < 2 ? rate(step, 2) : step < 8 ? rate(step - 2, 6) : rate(step - 8, 18), 1e-12) << step;
    EXPECT_NEAR(even(step), rate(step % 4, 4), 1e-12) << step;
  }
  EXPECT_NEAR(growing(26), 1, 1e-12);
}

TEST(Rules, OfNames) {
  for (const char* name : {"sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "radam", "rprop"}) {
    const optim::Optimizer optimizer = optim::from_name(name, 0.25);
    EXPECT_EQ(optimizer.name(), name);
    EXPECT_EQ(optimizer.learning_rate(), 0.25) << name;
  }
  EXPECT_EQ(
      error_of([] { optim::from_name("adan", 0.1); }).rfind("optimizer: there is none called \"adan\"; known are sgd, adam, adamw", 0), 0u);
}

TEST(Rules, OfSignsAloneHoldForGradientsOfAnySize) {
  for (const double size : {1e-30, 1e20}) {
    optim::Rprop optimizer(0.1);
    Array p = array({0.0f});
    for (const double gradient : {size, size, -size, -size}) optimizer.step(p, array({static_cast<float>(gradient)}));
    EXPECT_NEAR(p.item(), -0.1 - 0.12 + 0.06, 1e-6) << size;  // the third gradient is forgotten
  }
}

TEST(Rules, RefuseWrongOptions) {
  const auto refused = [](auto make, std::string_view what) {
    const std::string error = error_of([&] { make(); });
    EXPECT_EQ(error.rfind(what, 0), 0u) << error << " for " << what;
  };
  refused([] { optim::Adam(0.1, {.beta_1 = 1}); }, "adam: beta_1 is 1; ");
  refused([] { optim::Adam(0.1, {.beta_2 = -0.1}); }, "adam: beta_2 is -0.1; ");
  refused([] { optim::AdamW(0.1, {.epsilon = -1}); }, "adamw: epsilon is -1; ");
  refused([] { optim::Adamax(0.1, {.weight_decay = -1}); }, "adamax: weight_decay is -1; ");
  refused([] { optim::Nadam(0.1, {.beta_1 = 1.5}); }, "nadam: beta_1 is 1.5; ");
  refused([] { optim::RAdam(0.1, {.beta_2 = 1}); }, "radam: beta_2 is 1; ");
  refused([] { optim::RMSprop(0.1, {.rho = 1}); }, "rmsprop: rho is 1; ");
  refused([] { optim::RMSprop(0.1, {.epsilon = -1}); }, "rmsprop: epsilon is -1; ");
  refused([] { optim::Adadelta(0.1, {.weight_decay = -1}); }, "adadelta: weight_decay is -1; ");
  refused([] { optim::Adagrad(0.1, {.initial_accumulator = -1}); }, "adagrad: initial_accumulator is -1; ");
  refused([] { optim::Adagrad(0.1, {.epsilon = -1}); }, "adagrad: epsilon is -1; ");
  refused([] { optim::SGD(0.1, {.weight_decay = -1}); }, "sgd: weight_decay is -1; ");
  refused([] { optim::SGD(0.1, {.momentum = 0.9, .nesterov = true, .dampening = 0.1}); },
          "sgd: nesterov with momentum 0.9 and dampening 0.1; ");
  refused([] { optim::SGD(0.1, {.nesterov = true}); }, "sgd: nesterov with momentum 0 and dampening 0; ");
  refused([] { optim::cosine_restarts(1.0, {.period = 0}); }, "cosine_restarts: ");
  refused([] { optim::cosine_restarts(1.0, {.multiplier = 0.5}); }, "cosine_restarts: multiplier is 0.5; ");
  refused([] { optim::exponential(1.0, 0.5, 0); }, "exponential: ");
  refused([] { optim::step(1.0, 0.5, 0); }, "step: ");
  EXPECT_EQ(error_of([] { optim::Adam(0.1, {.beta_1 = 0, .beta_2 = 0, .epsilon = 0}); }), "");
}

// Each option with a number below its range, above it where there is an end, infinity and NaN: the error names option and value.
TEST(Rules, RefuseEveryOptionOutOfRange) {
  constexpr double infinity = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const auto refused = [](std::string_view op, std::string_view option, const std::function<void(double)>& make,
                          std::vector<double> values) {
    for (const double value : values) {
      const std::string error = error_of([&] { make(value); });
      const std::string start = concat(op, ": ", option, " is ", value);
      const char next = error.size() > start.size() ? error[start.size()] : '\0';
      EXPECT_TRUE(error.rfind(start, 0) == 0 && (next == ';' || next == ' ')) << error << " for " << op << " " << option << " " << value;
    }
  };
  const std::vector<double> wrong = {-0.5, infinity, -infinity, nan}, wrong_share = {-0.5, 1, 1.5, infinity, nan},
                            wrong_part = {-0.5, 1.5, infinity, nan};
#define REFUSED(name, type, option, values) refused(name, #option, [](double v) { optim::type(0.1, {.option = v}); }, values)
  REFUSED("sgd", SGD, momentum, wrong);
  REFUSED("sgd", SGD, weight_decay, wrong);
  REFUSED("sgd", SGD, dampening, wrong_part);
  REFUSED("rmsprop", RMSprop, rho, wrong_share);
  REFUSED("rmsprop", RMSprop, epsilon, wrong);
  REFUSED("rmsprop", RMSprop, momentum, wrong);
  REFUSED("rmsprop", RMSprop, weight_decay, wrong);
  REFUSED("adagrad", Adagrad, initial_accumulator, wrong);
  REFUSED("adagrad", Adagrad, epsilon, wrong);
  REFUSED("adagrad", Adagrad, rate_decay, wrong);
  REFUSED("adagrad", Adagrad, weight_decay, wrong);
  REFUSED("adadelta", Adadelta, rho, wrong_share);
  REFUSED("adadelta", Adadelta, epsilon, wrong);
  REFUSED("adadelta", Adadelta, weight_decay, wrong);
  REFUSED("rprop", Rprop, shrink, wrong_part);
  REFUSED("rprop", Rprop, grow, (std::vector<double>{0.5, -1, infinity, nan}));
  REFUSED("rprop", Rprop, smallest_step, (std::vector<double>{-0.5, infinity, nan, 51}));
  REFUSED("rprop", Rprop, largest_step, wrong);
  REFUSED("nadam", Nadam, momentum_decay, wrong);
#define REFUSED_OF_ADAM(name, type)                 \
  REFUSED(name, type, beta_1, wrong_share);         \
  REFUSED(name, type, beta_2, wrong_share);         \
  REFUSED(name, type, epsilon, wrong);              \
  REFUSED(name, type, weight_decay, wrong)
  REFUSED_OF_ADAM("adam", Adam);
  REFUSED_OF_ADAM("adamw", AdamW);
  REFUSED_OF_ADAM("adamax", Adamax);
  REFUSED_OF_ADAM("nadam", Nadam);
  REFUSED_OF_ADAM("radam", RAdam);
#undef REFUSED_OF_ADAM
#undef REFUSED
  refused("cosine", "rate", [](double v) { optim::cosine(v); }, wrong);
  refused("cosine", "final_rate", [](double v) { optim::cosine(1, {.final_rate = v}); }, wrong);
  refused("cosine_restarts", "rate", [](double v) { optim::cosine_restarts(v); }, wrong);
  refused("cosine_restarts", "multiplier", [](double v) { optim::cosine_restarts(1, {.multiplier = v}); }, {0.5, -1, infinity, nan});
  refused("cosine_restarts", "final_rate", [](double v) { optim::cosine_restarts(1, {.final_rate = v}); }, wrong);
  refused("exponential", "rate", [](double v) { optim::exponential(v, 0.5); }, wrong);
  refused("exponential", "factor", [](double v) { optim::exponential(1, v); }, wrong);
  refused("step", "factor", [](double v) { optim::step(1, v, 2); }, wrong);
  refused("milestones", "factor", [](double v) { optim::milestones(1, v, {3}); }, wrong);
  refused("linear", "first", [](double v) { optim::linear(v, 0, 3); }, wrong);
  refused("linear", "last", [](double v) { optim::linear(1, v, 3); }, wrong);
  refused("polynomial", "power", [](double v) { optim::polynomial(1, 3, v); }, wrong);
  refused("inverse_time", "decay", [](double v) { optim::inverse_time(1, v); }, wrong);
  refused("warmup", "first_factor", [](double v) { optim::warmup(3, 1.0, v); }, wrong);
  refused("one_cycle", "max_rate", [](double v) { optim::one_cycle(v); }, wrong);
  refused("one_cycle", "rising", [](double v) { optim::one_cycle(1, {.rising = v}); }, {0, 1, -1, infinity, nan});
  refused("one_cycle", "initial_divisor", [](double v) { optim::one_cycle(1, {.initial_divisor = v}); }, {0, -1, infinity, nan});
  refused("one_cycle", "final_divisor", [](double v) { optim::one_cycle(1, {.final_divisor = v}); }, {0, -1, infinity, nan});
  refused("plateau", "factor", [](double v) { optim::Plateau({.factor = v}); }, {0, 1, -1, infinity, nan});
  refused("plateau", "threshold", [](double v) { optim::Plateau({.threshold = v}); }, wrong);
  refused("plateau", "smallest_factor", [](double v) { optim::Plateau({.smallest_factor = v}); }, wrong_part);
  refused("scaled", "factor", [](double v) { optim::Schedule(1.0).scaled(v); }, wrong);
  EXPECT_EQ(error_of([] { optim::Rprop(0.1, {.shrink = 1, .grow = 1, .smallest_step = 50}); }), "");
}

}  // namespace
}  // namespace gradus
