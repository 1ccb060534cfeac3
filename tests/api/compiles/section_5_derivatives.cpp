// API.md 5: derivatives.
#include <array>
#include <tuple>

#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

int main() {
  const Array x = array({1.0, 2.0, 3.0}), v = array({1.0, 0.0, -1.0});
  const auto f = [](const Array& a) { return sum(pow(a, 3)); };
  const auto h = [](const Array& a, const Array& b) { return sum(a * b); };

  // 5.1: result types follow the number of arguments.
  const Array g = grad(f)(x);
  CHECK(allclose(g, 3 * square(x)));
  auto [value, grads] = value_and_grad(h)(x, v);
  auto [dx, dv] = grads;
  CHECK(value.item() == -2 && array_equal(dx, v) && array_equal(dv, x) && array_equal(grads[0], v));
  static_assert(std::is_same_v<decltype(grads), std::array<Array, 2>>);

  // 5.2: which arguments.
  const auto three = [](const Array& a, const Array& b, const Array& c) { return sum(a * b * c); };
  const auto [da, dc] = grad<0, 2>(three)(x, x, v);
  CHECK(array_equal(da, x * v) && array_equal(dc, x * x));
  const std::vector<Array> many = grad([](const std::vector<Array>& all) { return sum(all[0] * all[1]); })(std::vector<Array>{x, v});
  CHECK(array_equal(many[1], x));

  // 5.5: extra results.
  auto [terms, slopes] = value_and_grad([](const Array& a) { return std::tuple{sum(square(a)), sum(a), max(a)}; })(x);
  auto [total, plain, largest] = terms;
  CHECK(total.item() == 14 && plain.item() == 6 && largest.item() == 3 && array_equal(slopes, 2 * x));

  // 5.6: a transform of one function picks it out of its overloads.
  CHECK(allclose(vmap(grad([](const Array& a) { return tanh(a); }))(x), 1 - square(tanh(x))));
  CHECK(grad(tanh)(Array(0.0)).item() == 1 && array_equal(vmap(relu)(v), relu(v)));

  // 5.7: the others.
  auto [y, dy] = jvp(f, x, v);
  CHECK(y.item() == 36 && dy.item() == 3 - 27);
  auto [p, dp] = jvp(h, args(x, v), args(v, x));
  CHECK(p.item() == -2 && dp.item() == 16);
  auto [z, pullback] = vjp(f, x);
  CHECK(allclose(pullback(Array(2.0f)), 6 * square(x)));
  const Array hv = hvp(f, x, v);
  CHECK(allclose(hv, 6 * x * v));
  CHECK(allclose(hessian(f)(x), diag(6 * x)) && allclose(jacobian([](const Array& a) { return square(a); })(x), diag(2 * x)));
  CHECK(allclose(vmap(f)(stack({x, 2 * x})), array({36.0, 288.0})));
  auto clipped = custom_vjp([](const Array& a) { return a; },
                            [](const Array& cotangent, const Array& /*y*/, const Array& /*x*/) { return clip(cotangent, -1, 1); });
  CHECK(array_equal(grad([&](const Array& a) { return sum(100 * clipped(a)); })(x), ones({3})));

  // 5.8: compile.
  Array w = ones({3});
  auto step = compile([](const Array& a) { return sum(square(a)); });
  CHECK(step(x).item() == 14 && step(2 * x).item() == 56);
  CHECK(array_equal(stop_gradient(x), x));
}
