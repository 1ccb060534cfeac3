// Samples of matrix products.
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

// (m, k) times (k, n)
Plain product(const Plain& a, const Plain& b) {
  const int64_t m = a.shape[0], k = a.shape[1], n = b.shape[1];
  Plain out{{m, n}, std::vector<double>(static_cast<size_t>(m * n), 0.0)};
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t l = 0; l < k; ++l)
        out.values[static_cast<size_t>(i * n + j)] += a.values[static_cast<size_t>(i * k + l)] * b.values[static_cast<size_t>(l * n + j)];
  return out;
}
Sample matmul_of(const Shape& a, const Shape& b, bool is_plain) {
  Sample out{.op = "matmul",
             .inputs = {uniform(a), uniform(b, -1, 1, 2)},
             .call = [](const Arrays& x) { return Arrays{matmul(x[0], x[1])}; },
             .same_bits = false};
  if (is_plain) out.reference = [](const auto& x) { return product(x[0], x[1]); };
  return out;
}

}  // namespace

Samples linalg_samples() {
  Samples out;
  for (const auto& [m, k, n] : std::vector<std::array<int64_t, 3>>{{3, 4, 5}, {1, 1, 1}, {0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {17, 33, 9}, {1, 40, 3}, {40, 1, 3}})
    out.push_back(matmul_of({m, k}, {k, n}, true));
  out.push_back(matmul_of({70, 65}, {65, 80}, true));
  out.back().orders = 1;
  out.push_back(matmul_of({2, 3, 4}, {4, 5}, false));
  out.push_back(matmul_of({2, 1, 3, 4}, {3, 4, 2}, false));
  out.push_back(matmul_of({4}, {4}, false));
  out.push_back(matmul_of({3, 4}, {4}, false));
  out.push_back(matmul_of({4}, {2, 4, 3}, false));
  out.push_back({.op = "matmul",
                 .inputs = {uniform({3, 4}), uniform({5, 4}, -1, 1, 2), uniform({5}, -1, 1, 3)},
                 .call = [](const Arrays& x) { return Arrays{tanh(matmul(x[0], transpose(x[1])) + x[2])}; },
                 .same_bits = false});
  out.push_back({.op = "matmul",
                 .inputs = {uniform({3, 4}), uniform({4, 5}, -1, 1, 2), uniform({5}, -1, 1, 3)},
                 .call = [](const Arrays& x) { return Arrays{linear(x[0], x[1], x[2])}; },
                 .same_bits = false});
  out.push_back({.op = "matmul",
                 .inputs = {uniform({2, 3, 4}), uniform({2, 4, 5}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{einsum("bij,bjk->bki", x[0], x[1]), einsum("bij,bjk->i", x[0], x[1])}; },
                 .same_bits = false});
  return out;
}

}  // namespace laws
