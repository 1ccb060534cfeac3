// Optimisers against golden trajectories; state, failure, plain arrays.
#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/index.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/optim/optim.hpp"
#include "gradus/plan/counters.hpp"
#include "tests/golden_cases.hpp"

namespace gradus {
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
  Array q = ones({5});
  EXPECT_EQ(message([&] { sgd.step(q, ones({5})); }),
            "sgd: its state of parameter \"\" is of shape (2, 3), the parameter is (5,); each model needs an optimizer of its own");
  EXPECT_EQ(message([] { optim::SGD(0.1, {.nesterov = true}); }),
            "sgd: nesterov with momentum 0 and dampening 0; it needs a momentum and no dampening");
  EXPECT_EQ(message([] { optim::from_name("adm", 0.1); }),
            "optimizer: there is none called \"adm\"; known are sgd, adam, adamw, rmsprop, adagrad, adadelta, adamax, nadam, radam, rprop; "
            "did you mean adam");
  EXPECT_EQ(message([] { optim::Adam(-1.0); }), "learning rate: it is -1; it must be finite and not negative");
}

}  // namespace
}  // namespace gradus
