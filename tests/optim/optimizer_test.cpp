// Optimisers against golden trajectories; state, failure, plain arrays.
#include "gradus/array/buffer.hpp"
#include "gradus/array/memory.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/optim/optim.hpp"
#include "gradus/plan/counters.hpp"
#include "tests/golden_cases.hpp"

namespace gradus {

using namespace core;
namespace {

using nlohmann::json;

double get(const json& attrs, const char* name, double otherwise) {
  return attrs.contains(name) && !attrs[name].is_null() ? attrs[name].get<double>() : otherwise;
}
bool is_on(const json& attrs, const char* name) { return attrs.value(name, false); }

// PyTorch's defaults where a case names none.
std::optional<optim::Optimizer> make(const std::string& op, const json& a) {
  const double lr = get(a, "lr", 0), wd = get(a, "weight_decay", op.starts_with("adamw") ? 0.01 : 0);
  const auto beta = [&](int i, double otherwise) {
    return a.contains("betas") ? a["betas"][static_cast<size_t>(i)].get<double>() : otherwise;
  };
  const double b1 = beta(0, 0.9), b2 = beta(1, 0.999), eps = get(a, "eps", 1e-8);
  using namespace optim;
  if (op == "sgd")
    return SGD(
        lr, {.momentum = get(a, "momentum", 0), .nesterov = is_on(a, "nesterov"), .weight_decay = wd, .dampening = get(a, "dampening", 0)});
  if (op == "adam") return Adam(lr, {.beta_1 = b1, .beta_2 = b2, .epsilon = eps, .weight_decay = wd, .amsgrad = is_on(a, "amsgrad")});
  if (op == "adamw") return AdamW(lr, {.beta_1 = b1, .beta_2 = b2, .epsilon = eps, .weight_decay = wd, .amsgrad = is_on(a, "amsgrad")});
  if (op == "adamax") return Adamax(lr, {.beta_1 = b1, .beta_2 = b2, .epsilon = eps, .weight_decay = wd});
  if (op == "nadam")
    return Nadam(lr, {.beta_1 = b1, .beta_2 = b2, .epsilon = eps, .weight_decay = wd, .momentum_decay = get(a, "momentum_decay", 0.004)});
  if (op == "radam") return RAdam(lr, {.beta_1 = b1, .beta_2 = b2, .epsilon = eps, .weight_decay = wd});
  if (op == "rmsprop") {
    return RMSprop(lr, {.rho = get(a, "alpha", 0.99),
                        .epsilon = eps,
                        .momentum = get(a, "momentum", 0),
                        .weight_decay = wd,
                        .centered = is_on(a, "centered")});
  }
  if (op == "adagrad") {
    return Adagrad(lr, {.initial_accumulator = get(a, "initial_accumulator_value", 0),
                        .epsilon = get(a, "eps", 1e-10),
                        .rate_decay = get(a, "lr_decay", 0),
                        .weight_decay = wd});
  }
  if (op == "adadelta") return Adadelta(lr, {.rho = get(a, "rho", 0.9), .epsilon = get(a, "eps", 1e-6), .weight_decay = wd});
  if (op == "rprop") {
    const auto pair = [&](const char* name, size_t i, double otherwise) { return a.contains(name) ? a[name][i].get<double>() : otherwise; };
    return Rprop(lr, {.shrink = pair("etas", 0, 0.5),
                      .grow = pair("etas", 1, 1.2),
                      .smallest_step = pair("step_sizes", 0, 1e-6),
                      .largest_step = pair("step_sizes", 1, 50)});
  }
  return std::nullopt;
}

TEST(Optimizer, FollowsGoldenTrajectories) {
  const testing::GoldenGroup group("optim");
  if (group.empty()) GTEST_SKIP() << "no golden files";
  int run = 0;
  for (const json& one : group.cases) {
    const std::string op = one["op"];
    if (!op.ends_with("_fixed")) continue;
    for (const DType dtype : {float64, float32}) {
      auto optimizer = make(op.substr(0, op.size() - 6), one["attrs"]);
      const json& tolerance = one[dtype == float64 ? "f64" : "f32"];
      if (!optimizer || tolerance.is_null()) continue;
      const Array grads = group.tensor(one, "inputs", "grads").astype(dtype), want = group.tensor(one, "outputs", "p");
      Array p = group.tensor(one, "inputs", "p0").astype(dtype);
      const double sign = is_on(one["attrs"], "maximize") ? -1 : 1;
      const int64_t steps = one["attrs"]["steps"];
      for (int64_t k = 0; k < steps; ++k) {
        optimizer->step(p, sign * grads[k]);
        testing::expect_close(p.to_vector<double>(), want[k + 1].to_vector<double>(), tolerance[0], tolerance[1],
                              one["id"].get<std::string>() + " " + std::string(dtype.name()) + " step " + std::to_string(k));
        if (HasFatalFailure()) return;
      }
      ++run;
    }
  }
  EXPECT_GE(run, 100);
}

TEST(Optimizer, ParameterWithoutGradientMakesNoStep) {
  const testing::GoldenGroup group("optim");
  if (group.empty()) GTEST_SKIP() << "no golden files";
  for (const json& one : group.cases) {
    if (one["op"] != "clip_grad_norm" || one["attrs"]["norm_type"] != 2.0) continue;
    const Array a = group.tensor(one, "inputs", "grad_a"), b = group.tensor(one, "inputs", "grad_b");
    const std::vector<Array> clipped = clip_by_norm(std::vector<Array>{a, b}, one["attrs"]["max_norm"]);
    size_t k = 0;
    for (const auto& [name, tensor] : one["outputs"].items()) {
      if (name.find("norm") != std::string::npos) continue;
      const Array want = group.tensors.at(tensor.get<std::string>());
      if (k < 2) testing::expect_close(clipped[k].to_vector<double>(), want.to_vector<double>(), 1e-9, 1e-10, one["id"]);
      ++k;
    }
    EXPECT_GE(k, 2u);
  }
}

TEST(Optimizer, SeveralArraysShareOneStepCount) {
  Array w = ones({2, 2}), b = zeros({2});
  optim::Adam adam(0.1);
  adam.step(std::tie(w, b), {ones({2, 2}), ones({2})});
  adam.step(std::tie(w, b), {ones({2, 2}), ones({2})});
  EXPECT_EQ(adam.steps(), 2);
  EXPECT_NEAR(w.to_vector<double>()[0], 0.8, 1e-5);
  EXPECT_NEAR(b.to_vector<double>()[1], -0.2, 1e-5);
}

TEST(Optimizer, ScheduleIsAskedEachStepAndMakesNoNewPlan) {
  Array p = ones({64});
  optim::SGD sgd([](int64_t step) { return 1.0 / static_cast<double>(step + 1); });
  const Array g = ones({64}).eval();
  p.eval();
  sgd.step(p, g + 0);
  const int64_t plans = counters().plans_made;
  for (int i = 0; i < 5; ++i) sgd.step(p, g + 0);
  EXPECT_LE(counters().plans_made, plans + 1);  // the first array was a broadcast number
  EXPECT_NEAR(p.to_vector<double>()[0], 1 - (1 + 1 / 2. + 1 / 3. + 1 / 4. + 1 / 5. + 1 / 6.), 1e-6);
  EXPECT_NEAR(sgd.learning_rate(), 1 / 7., 1e-12);
}

TEST(Optimizer, UpdatesInPlace) {
  Array p = array(std::vector<float>(4096, 1.f)), g = array(std::vector<float>(4096, 0.5f));
  optim::Adam adam(0.1);
  adam.step(p, g);
  const int64_t before = counters().in_place_updates;
  const void* memory = p.data<float>();
  adam.step(p, g);
  EXPECT_GE(counters().in_place_updates - before, 3);  // p, m, v
  EXPECT_EQ(p.data<float>(), memory);
}

TEST(Optimizer, StateGoesOnBitForBit) {
  const Array g = array({0.3, -0.2, 0.1});
  Array p = array({1.0, 2.0, 3.0});
  optim::Adam adam(0.1);
  for (int i = 0; i < 3; ++i) adam.step(p, g);
  optim::Adam other(0.1);
  other.set_state(adam.state());
  Array q = p;
  optim::Optimizer copy = adam;
  Array r = p;
  for (int i = 0; i < 3; ++i) {
    adam.step(p, g);
    other.step(q, g);
    copy.step(r, g);
  }
  EXPECT_EQ(p.to_vector<float>(), q.to_vector<float>());
  EXPECT_EQ(p.to_vector<float>(), r.to_vector<float>());
}

TEST(Optimizer, AFailedStepChangesNothing) {
  const Array g = array(std::vector<float>(1000, 0.5f));
  for (int countdown = 1; countdown < 20; ++countdown) {
    Array p = array(std::vector<float>(1000, 1.f));
    optim::Adam adam(0.1);
    adam.step(p, g);
    const std::vector<float> before = p.to_vector<float>();
    clear_memory_cache();
    fail_allocation_after(countdown);
    bool has_failed = false;
    try {
      adam.step(p, square(g));
    } catch (const Error& error) {
      has_failed = true;
      EXPECT_EQ(error.kind(), Error::Kind::memory);
    }
    fail_allocation_after(0);
    if (!has_failed) return;
    EXPECT_EQ(p.to_vector<float>(), before) << "allocation " << countdown;
    EXPECT_EQ(adam.steps(), 1);
    adam.step(p, square(g));
    EXPECT_NE(p.to_vector<float>(), before);
  }
}

TEST(Optimizer, WrongGradientsAreNamed) {
  const auto message = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  Array p = ones({2, 3});
  optim::SGD sgd(0.1);
  EXPECT_EQ(message([&] { sgd.step(p, ones({3, 2})); }), "sgd: the gradient is (3, 2) and the parameter is (2, 3); they must be equal");
  sgd.step(p, ones({2, 3}));
  p = ones({5});
  EXPECT_EQ(message([&] { sgd.step(p, ones({5})); }),
            "sgd: its state of parameter \"\" is of shape (2, 3), the parameter is (5,); each model needs an optimizer of its own");
  EXPECT_EQ(message([] { optim::SGD(0.1, {.nesterov = true}); }),
            "sgd: nesterov with momentum 0 and dampening 0; it needs a momentum and no dampening");
  EXPECT_EQ(
      message([] { optim::from_name("adm", 0.1); }),
      "optimizer: there is none called \"adm\"; known are sgd, adam, adamw, rmsprop, adagrad, adadelta, adamax, nadam, radam, rprop, asgd; "
      "did you mean adam?");
  EXPECT_EQ(message([] { optim::Adam(-1.0); }), "learning rate: it is -1; it must be finite and not negative");
}

// ---- plain arrays, one optimiser

struct Named {
  const char* name;
  optim::Optimizer optimizer;
};
std::vector<Named> every_optimizer() {
  using namespace optim;
  return {{"sgd", SGD(0.1, {.momentum = 0.9})},
          {"adam", Adam(0.1)},
          {"adam with amsgrad", Adam(0.1, {.amsgrad = true})},
          {"adamw", AdamW(0.1)},
          {"rmsprop", RMSprop(0.1, {.momentum = 0.5})},
          {"rmsprop, centered", RMSprop(0.1, {.centered = true})},
          {"adagrad", Adagrad(0.1, {.rate_decay = 0.1})},
          {"adadelta", Adadelta(0.1)},
          {"adamax", Adamax(0.1)},
          {"nadam", Nadam(0.1)},
          {"radam", RAdam(0.1)},
          {"rprop", Rprop(0.1)}};
}

TEST(Optimizer, ArraysThatAreSteppedInTurnHaveStatesOfTheirOwn) {
  const Array ga = array({5.0, 1.0}), gb = array({-0.001, 2.0}), gc = array({1.0, -1.0, 0.5});
  for (auto& [name, optimizer] : every_optimizer()) {
    optim::Optimizer alone_a = optimizer, alone_b = optimizer, alone_c = optimizer;
    Array a = array({1.0, 2.0}), b = array({1.0, 2.0}), c = array({1.0, 2.0, 3.0}), one = a, two = b, three = c;
    for (int i = 0; i < 4; ++i) {
      optimizer.step(a, ga);
      optimizer.step(b, gb);
      if (i % 2) optimizer.step(c, gc);
      alone_a.step(one, ga);
      alone_b.step(two, gb);
      if (i % 2) alone_c.step(three, gc);
      EXPECT_EQ(a.to_vector<float>(), one.to_vector<float>()) << name << " step " << i;
      EXPECT_EQ(b.to_vector<float>(), two.to_vector<float>()) << name << " step " << i;
      EXPECT_EQ(c.to_vector<float>(), three.to_vector<float>()) << name << " step " << i;
    }
    EXPECT_EQ(optimizer.state().parameters.size(), 3u) << name;
  }
}

TEST(Optimizer, VectorsAndTuplesThatAreSteppedInTurnHaveStatesOfTheirOwn) {
  for (auto& [name, optimizer] : every_optimizer()) {
    optim::Optimizer alone = optimizer, alone_tuple = optimizer;
    std::vector<Array> first = {array({1.0}), array({2.0})}, second = {array({3.0}), array({4.0})}, same = second;
    Array u = array({5.0}), v = array({6.0}), same_u = u, same_v = v;
    for (int i = 0; i < 3; ++i) {
      optimizer.step(first, {array({5.0}), array({-5.0})});
      optimizer.step(second, {array({-0.1}), array({0.3})});
      optimizer.step(std::tie(u, v), {array({0.7}), array({-0.2})});
      alone.step(same, {array({-0.1}), array({0.3})});
      alone_tuple.step(std::tie(same_u, same_v), {array({0.7}), array({-0.2})});
    }
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(second[i].item(), same[i].item()) << name;
    EXPECT_EQ(u.item(), same_u.item()) << name;
    EXPECT_EQ(v.item(), same_v.item()) << name;
  }
}

TEST(Optimizer, AnArrayThatIsReboundBetweenStepsGoesOnWithItsState) {
  const Array g = array({0.5, -0.5});
  const auto clipped = [](const Array& x) { return clip(x, -10, 10).eval(); };
  for (auto& [name, optimizer] : every_optimizer()) {
    optim::Optimizer other = optimizer, in_vectors = optimizer;
    Array p = array({1.0, 2.0}), q = p, w = p, b = p;
    for (int i = 0; i < 4; ++i) {
      optimizer.step(p, g);
      other.step(q, g);
      q = clipped(q);
      std::vector<Array> parameters{w, b};
      w = b = Array();
      in_vectors.step(parameters, {g, g});
      w = clipped(parameters[0]);
      b = clipped(parameters[1]);
    }
    EXPECT_EQ(p.to_vector<float>(), q.to_vector<float>()) << name;
    EXPECT_EQ(p.to_vector<float>(), w.to_vector<float>()) << name;
    EXPECT_EQ(p.to_vector<float>(), b.to_vector<float>()) << name;
    EXPECT_EQ(other.state().parameters.size(), 1u) << name;
    EXPECT_EQ(in_vectors.state().parameters.size(), 2u) << name;
  }
}

TEST(Optimizer, AnArrayIsKnownWhereverItLies) {
  const Array g = array({0.5});
  optim::Adam adam(0.1), other(0.1);
  Array a = array({1.0}), b = array({2.0}), same = a;
  adam.step(a, g);
  adam.step(b, -g);
  other.step(same, g);
  std::swap(a, b);  // b is what a was
  adam.step(b, g);
  other.step(same, g);
  EXPECT_EQ(b.item(), same.item());
  EXPECT_EQ(adam.state().parameters.size(), 2u);
}

TEST(Optimizer, ArraysThatAreGoneLeaveTheirPlaceToTheNext) {
  optim::Adam adam(0.1);
  for (int i = 0; i < 20; ++i) {
    Array p = array({1.0});
    adam.step(p, array({0.5}));
  }
  EXPECT_EQ(adam.state().parameters.size(), 1u);
}

TEST(Optimizer, CenteredRMSpropStaysFiniteUnderConstantGradients) {
  const Array g = linspace(0.001, 10, 2000);
  for (const DType dtype : {float32, float64, float16, bfloat16}) {
    Array p = zeros({2000}, dtype);
    optim::RMSprop optimizer(1e-9, {.centered = true});
    for (int i = 0; i < 600; ++i) optimizer.step(p, g.astype(dtype));
    for (const double value : p.to_vector<double>()) ASSERT_TRUE(std::isfinite(value)) << dtype.name();
    for (const optim::ParameterState& state : optimizer.state().parameters) {
      for (const double variance : state.arrays[0].to_vector<double>()) ASSERT_GE(variance, 0);
    }
  }
}

// ---- what a state holds

// Every optimiser goes on bit for bit from a state, of which each fact counts.
TEST(Optimizer, StateOfEveryOptimizerGoesOnBitForBit) {
  const Array g = array({0.3, -0.2}), h = array({0.1, 0.4});
  for (auto& [name, optimizer] : every_optimizer()) {
    const optim::Optimizer fresh = optimizer;
    std::vector<Array> p = {array({1.0, 2.0}), array({3.0, 4.0})};
    for (int i = 0; i < 7; ++i) optimizer.step(p, {i % 3 ? Array() : g, h});  // unequal step counts
    optimizer.set_rate_factor(0.25);
    const optim::OptimizerState state = optimizer.state();
    optim::Optimizer other = fresh;
    other.set_state(state);
    EXPECT_EQ(other.steps(), 7) << name;
    EXPECT_EQ(other.rate_factor(), 0.25) << name;
    EXPECT_EQ(other.state().parameters.size(), state.parameters.size());
    for (size_t i = 0; i < state.parameters.size(); ++i) {
      const optim::ParameterState &one = state.parameters[i], again = other.state().parameters[i];
      EXPECT_EQ(again.path, one.path) << name;
      EXPECT_EQ(again.t, one.t) << name;
      EXPECT_EQ(again.memory, one.memory) << name;
      for (size_t k = 0; k < one.arrays.size(); ++k)
        EXPECT_EQ(again.arrays[k].to_vector<float>(), one.arrays[k].to_vector<float>()) << name;
    }
    EXPECT_EQ(state.parameters[0].t + state.parameters[1].t, 10) << name;
    EXPECT_EQ(state.parameters[0].memory != 1, std::string(name) == "nadam");
    std::vector<Array> q = p;
    for (int i = 0; i < 3; ++i) {
      optimizer.step(p, {g, h});
      other.step(q, {g, h});
    }
    for (size_t i = 0; i < 2; ++i) EXPECT_EQ(p[i].to_vector<float>(), q[i].to_vector<float>()) << name;
    // Each fact by itself changes what follows, where the rule reads it.
    const auto moved = [&](const optim::OptimizerState& from) {
      optim::Optimizer changed = fresh;
      changed.set_state(from);
      std::vector<Array> x = {array({1.0, 2.0}), array({3.0, 4.0})};
      changed.step(x, {g, h});
      return x[0].to_vector<float>();
    };
    const std::vector<float> as_it_is = moved(state);
    optim::OptimizerState changed = state;
    changed.rate_factor = 1;
    EXPECT_EQ(moved(changed) != as_it_is, std::string(name) != "rprop") << name;
    changed = state;
    changed.parameters[0].memory *= 0.5;
    EXPECT_EQ(moved(changed) != as_it_is, std::string(name) == "nadam") << name;
    changed = state;
    changed.parameters[0].t += 1;
    const bool counts_steps = std::string(name).starts_with("ada") ? std::string(name) != "adadelta"
                                                                   : std::string(name) == "nadam" || std::string(name) == "radam";
    EXPECT_TRUE(!counts_steps || moved(changed) != as_it_is) << name;
  }
}

// Adam and its kin divide by 1 - beta^t with the t of each parameter.
TEST(Optimizer, ParametersOfUnequalStepCountsHaveTheirOwnBiasCorrections) {
  const Array g = array({0.3});
  for (auto& [name, optimizer] : every_optimizer()) {
    if (std::string(name) == "adagrad") continue;  // its rate falls with the parameter's own steps as well, but it has no correction
    optim::Optimizer alone = optimizer;
    std::vector<Array> p = {array({1.0}), array({1.0})};
    for (int i = 0; i < 5; ++i) optimizer.step(p, {g, Array()});
    optimizer.step(p, {g, g});
    Array q = array({1.0});
    alone.step(q, g);
    EXPECT_EQ(p[1].item(), q.item()) << name;
  }
  // Two steps by hand: m / (1 - b1^t) and v / (1 - b2^t) of a constant gradient are g and g^2, so that each step is the rate.
  optim::Adam adam(0.1);
  std::vector<Array> p = {array({1.0}, float64), array({1.0}, float64)};
  adam.step(p, {array({0.3}, float64), Array()});
  adam.step(p, {array({0.3}, float64), array({-0.7}, float64)});
  EXPECT_NEAR(p[0].item(), 0.8, 1e-6);
  EXPECT_NEAR(p[1].item(), 1.1, 1e-6);
}

}  // namespace
}  // namespace gradus
