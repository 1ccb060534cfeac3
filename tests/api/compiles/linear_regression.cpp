// Linear regression from first principles: y = 3x + 2 + noise.
#include "gradus/gradus.hpp"
#include "tests/api/compiles/check.hpp"

using namespace gradus;

int main() {
  Array x = random::uniform({100, 1}), y = 3 * x + 2 + 0.1 * random::normal({100, 1});
  Array w = zeros({1, 1}), b = zeros({1});
  auto objective = [&](const Array& w, const Array& b) { return mean(square(matmul(x, w) + b - y)); };
  for (int i = 0; i < 1000; ++i) {
    auto [value, grads] = value_and_grad(objective)(w, b);
    w -= 0.1 * grads[0];
    b -= 0.1 * grads[1];
  }
  CHECK(w.item() > 2.7 && w.item() < 3.3 && b.item() > 1.8 && b.item() < 2.2);
}
