// A module of one's own, without its attention, which is not there yet; and "mathematics is code".
#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

struct Block {
  nn::LayerNorm norm{}, mlp_norm{};
  nn::Sequential mlp{nn::Dense(512, gelu), nn::Dense(128)};
  Array forward(const Array& x) const { Array h = x + norm(x); return h + mlp(mlp_norm(h)); }
  GRADUS_PARTS(norm, mlp_norm, mlp)
};

int main() {
  nn::Sequential model{Block{}, Block{}, nn::Dense(1)};
  const Array inputs = random::normal({4, 7, 128}), y = mean(inputs, -1, keepdims);
  optim::AdamW optimizer(1e-3);
  auto objective = [](const auto& m, const Array& x, const Array& target) { return loss::mean_squared_error(m(x), target); };
  const double before = objective(model, inputs, y).item();
  for (int i = 0; i < 10; ++i) {
    auto [value, grads] = value_and_grad<0>(objective)(model, inputs, y);
    optimizer.step(model, grads);
  }
  CHECK(objective(model, inputs, y).item() < before);

  auto f = [](const Array& a) { return sum(pow(a, 3)); };
  const Array x = array({1.0, -2.0}), v = array({0.5, 1.0}), xs = stack({x, v});
  CHECK(array_equal(grad(f)(x), 3 * square(x)) && array_equal(hessian(f)(x), diag(6 * x)));
  CHECK(jvp(f, x, v).second.item() == 1.5 + 12 && array_equal(vmap(grad(f))(xs), 3 * square(xs)));
}
