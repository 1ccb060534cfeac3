// Derivatives.
#include <array>
#include <cmath>
#include <tuple>
#include <utility>

#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

struct Line {
  Array w{}, b{};
  Array forward(const Array& x) const { return x * w + b; }
  GRADUS_PARTS(w, b)
};
struct Counted {
  nn::Dense layer{1};
  State calls{};
  Array forward(const Array& x) const {
    calls.set(calls({}, nn::init::zeros()) + 1);
    return layer(x);
  }
  GRADUS_PARTS(layer, calls)
};

static const Array x = array({1.0, 2.0, 3.0}), v = array({1.0, 0.0, -1.0});
static const auto f = [](const Array& a) { return sum(pow(a, 3)); };
static const auto h = [](const Array& a, const Array& b) { return sum(a * b); };
static const auto objective = [](const auto& m, const Array& input, const Array& y) { return loss::mean_squared_error(m(input), y); };

static void result_types() {  // 5.1
  const Array g = grad(f)(x);
  CHECK(allclose(g, 3 * square(x)));
  auto [value, grads] = value_and_grad(h)(x, v);
  auto [dx, dv] = grads;
  CHECK(value.item() == -2 && array_equal(dx, v) && array_equal(dv, x) && array_equal(grads[0], v));
  static_assert(std::is_same_v<decltype(grads), std::array<Array, 2>>);
  const std::vector<Array> many = grad([](const std::vector<Array>& all) { return sum(all[0] * all[1]); })(std::vector<Array>{x, v});
  CHECK(array_equal(many[1], x));
  const Line line{ones({3}), zeros({3})};
  auto [by_line, by_x] = grad([](const auto& m, const Array& a) { return sum(m(a)); })(line, x);
  static_assert(std::is_same_v<decltype(by_line), Gradients> && std::is_same_v<decltype(by_x), Array>);
  CHECK(array_equal(by_line["w"], x) && array_equal(by_x, ones({3})));
}

static void which_arguments() {  // 5.2
  const auto three = [](const Array& a, const Array& b, const Array& c) { return sum(a * b * c); };
  const auto [da, dc] = grad<0, 2>(three)(x, x, v);
  CHECK(array_equal(da, x * v) && array_equal(dc, x * x));
  // Without numbers all arguments count; an integer one is an error that names <0>.
  const auto scaled = [](const Array& a, const Array& n) { return sum(a * n); };
  CHECK(array_equal(grad<0>(scaled)(x, array({1, 2, 3})), x));
  std::string said;
  try {
    grad(scaled)(x, array({1, 2, 3}));
  } catch (const Error& error) {
    said = error.what();
  }
  CHECK(said.find("<0>") != std::string::npos);
}

static void modules() {  // 5.3, 5.4
  nn::Sequential model{nn::Dense(4, tanh), nn::Dense(1)};
  const Array input = random::normal({8, 3}), y = sum(input, -1, keepdims);
  optim::Adam optimizer(1e-2);
  const double before = objective(model, input, y).item();
  for (int i = 0; i < 50; ++i) {
    auto [value, grads] = value_and_grad<0>(objective)(model, input, y);
    optimizer.step(model, clip_by_norm(grads, 1.0));
  }
  CHECK(objective(model, input, y).item() < before && optimizer.steps() == 50);

  // The captured model is the argument: it gets its gradients too.
  auto [value, grads] = value_and_grad<0>([&](const auto&, const Array& a) { return mean(square(model(a) - y)); })(model, input);
  auto [same_value, same_grads] = value_and_grad<0>(objective)(model, input, y);
  CHECK(grads.size() == 4 && array_equal(grads["0.kernel"], same_grads["0.kernel"]) && value.item() == same_value.item());

  // The slots are put back, also after an exception.
  const Array kernel = nn::parameter(model, "0.kernel").get();
  try {
    grad<0>([](const auto& m, const Array& a) { return sum(matmul(m(a), zeros({7, 7}))); })(model, input);
    CHECK(false);
  } catch (const Error&) {
  }
  CHECK(array_equal(nn::parameter(model, "0.kernel").get(), kernel));

  // What is written to statistics inside survives, once.
  const Counted counted;
  grad<0>(objective)(counted, input, y);
  CHECK(counted.calls.get().item() == 1);

  // A model that is not reached is an error; so are nested variables not confused.
  bool is_refused = false;
  try {
    grad<0>([](const auto&, const Array& a) { return sum(a); })(model, input);
  } catch (const Error&) {
    is_refused = true;
  }
  CHECK(is_refused);
  // d/dx (x d/dy (x y)) = 2x, and not x, at any y.
  CHECK(grad([](const Array& a) { return a * grad([&](const Array& b) { return a * b; })(Array(2.0)); })(Array(3.0)).item() == 6);

  // The optimiser's state goes by path: moving and copying the model is harmless.
  const auto step = [&](auto& m, auto& o) { o.step(m, value_and_grad<0>(objective)(m, input, y).second); };
  nn::Sequential copy = model;
  optim::Adam copied = optimizer;
  step(model, optimizer);
  nn::Sequential moved = std::move(copy);
  step(moved, copied);
  CHECK(array_equal(model(input), moved(input)));

  // A struct of arrays is a model.
  Line line{zeros({1}), zeros({1})};
  optim::SGD descent(0.1);
  for (int i = 0; i < 200; ++i) descent.step(line, grad<0>(objective)(line, x, 3 * x + 2));
  CHECK(std::abs(line.w.item() - 3) < 0.1 && std::abs(line.b.item() - 2) < 0.2);
}

static void further_results() {  // 5.5
  auto [terms, slopes] = value_and_grad([](const Array& a) { return std::tuple{sum(square(a)), sum(a), max(a)}; })(x);
  auto [total, plain, largest] = terms;
  CHECK(total.item() == 14 && plain.item() == 6 && largest.item() == 3 && array_equal(slopes, 2 * x));

  nn::Dense model(1);
  const Array inputs = random::normal({32, 3});
  const data::Dataset set(inputs, sum(inputs, -1, keepdims));
  const auto parts = [](const nn::Dense& m, const data::Batch& batch) {
    return train::Terms{{"fit", mean(square(m(batch.x) - batch.y))}, {"size", 0.01 * sum(square(m.kernel))}};
  };
  const train::History history =
      train::fit(model, parts, set, {.optimizer = optim::SGD(0.1), .epochs = 3, .batch_size = 8, .verbose = false});
  CHECK(history.last("fit") < history.epochs[0].logs["fit"] && history.epochs[0].logs.contains("size"));
  CHECK(std::abs(history.last("loss") - history.last("fit") - history.last("size")) < 1e-5);
}

// A generic lambda without captures converts to a pointer to a function of arrays, if it compiles with one: nobody may try.
static void generic_lambdas_of_modules() {  // 5.3
  nn::Dense model(1);
  nn::build(model, {1, 3});
  auto [value, grads] = value_and_grad([](const auto& m) { return sum(m(ones({2, 3}))); })(model);
  CHECK(allclose(grads["kernel"], full({3, 1}, 2.0)));
  CHECK(grad([](const auto& m) { return sum(m(ones({2, 3}))); })(model)["bias"].item() == 2);
  CHECK(vjp([](const auto& m) { return m(ones({2, 3})); }, model).first.size() == 2);
  CHECK(vmap([](const auto& m, const Array& a) { return m(a); }, {whole, 0})(model, ones({4, 3})).size() == 4);
}

static void one_function() {  // 5.6
  CHECK(allclose(vmap(grad([](const Array& a) { return tanh(a); }))(x), 1 - square(tanh(x))));
  CHECK(grad(tanh)(Array(0.0)).item() == 1 && array_equal(vmap(relu)(v), relu(v)) && array_equal(vmap(grad(relu))(x), ones({3})));
  CHECK(value_and_grad(tanh)(Array(0.0)).second.item() == 1 && jvp(tanh, v, v).first.size() == 3 && vjp(tanh, v).second(v).size() == 3);
  CHECK(jacobian(tanh)(x).shape() == Shape({3, 3}) && jacobian_forward(tanh)(x).shape() == Shape({3, 3}) &&
        hessian(tanh)(Array(0.5)).rank() == 0);
  CHECK(hvp(tanh, Array(0.5), Array(1.0)).rank() == 0 && array_equal(checkpoint(tanh)(x), tanh(x)) &&
        array_equal(compile(tanh)(x), tanh(x)));
}

static void the_others() {  // 5.7
  auto [y, dy] = jvp(f, x, v);
  CHECK(y.item() == 36 && dy.item() == 3 - 27);
  auto [p, dp] = jvp(h, args(x, v), args(v, x));
  CHECK(p.item() == -2 && dp.item() == 16);
  auto [z, pullback] = vjp(f, x);
  CHECK(allclose(pullback(Array(2.0f)), 6 * square(x)) && allclose(pullback(Array(1)), 3 * square(x)));
  const Array hv = hvp(f, x, v);
  CHECK(allclose(hv, 6 * x * v));
  CHECK(allclose(hessian(f)(x), diag(6 * x)) && allclose(jacobian([](const Array& a) { return square(a); })(x), diag(2 * x)));
  CHECK(allclose(vmap(f)(stack({x, 2 * x})), array({36.0, 288.0})));

  Line line{ones({3}), zeros({3})};
  const Array xs = random::normal({5, 3}), ys = random::normal({5, 3});
  const Gradients per_sample = vmap(grad<0>(objective), {whole, 0, 0})(line, xs, ys);
  CHECK(per_sample["w"].shape() == Shape({5, 3}));
  CHECK(allclose(per_sample["w"][2], grad<0>(objective)(line, xs[2], ys[2])["w"]));

  auto clipped = custom_vjp([](const Array& a) { return a; },
                            [](const Array& cotangent, const Array& /*y*/, const Array& /*x*/) { return clip(cotangent, -1, 1); });
  CHECK(array_equal(grad([&](const Array& a) { return sum(100 * clipped(a)); })(x), ones({3})));
  auto product = custom_vjp([](const Array& a, const Array& b) { return a * b; },
                            [](const Array& cotangent, const Array& /*y*/, const Array& a, const Array& b) {
                              return std::array{cotangent * b, 10 * cotangent * a};
                            });
  auto [da, db] = grad([&](const Array& a, const Array& b) { return sum(product(a, b)); })(x, v);
  CHECK(array_equal(da, v) && array_equal(db, 10 * x));
}

static void compiled() {  // 5.8
  auto plain = compile([](const Array& a) { return sum(square(a)); });
  CHECK(plain(x).item() == 14 && plain(2 * x).item() == 56);
  CHECK(array_equal(stop_gradient(x), x));

  nn::Sequential model{nn::Dense(4, tanh), nn::Dropout(0.1), nn::Dense(1)};
  optim::Adam optimizer(optim::cosine(1e-2, {.steps = 100}));
  const Array input = random::normal({8, 3}), target = sum(input, -1, keepdims);
  const nn::TrainingMode training;
  auto step = compile(
      [&](const Array& a, const Array& b) {
        auto [value, grads] = value_and_grad<0>(objective)(model, a, b);
        optimizer.step(model, grads);
        return value;
      },
      model, optimizer);
  const double before = step(input, target).item();
  for (int i = 0; i < 60; ++i) step(input, target);
  CHECK(step(input, target).item() < before && step.recordings() == 1 && optimizer.steps() == 62);

  // The default generator is state without being named: each call draws anew.
  auto draw = compile([](const Array& a) { return a + random::normal({3}); });
  CHECK(!array_equal(draw(x), draw(x)));
}

int main() {
  result_types();
  which_arguments();
  modules();
  further_results();
  generic_lambdas_of_modules();
  one_function();
  the_others();
  compiled();
}
