// Samples of matrix products.
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

// NumPy's rule: batch axes broadcast, a vector is a row on the left and a column on the right.
Plain product(const Plain& a, const Plain& b) {
  const bool is_row = a.shape.size() == 1, is_column = b.shape.size() == 1;
  Plain x = a, y = b;
  if (is_row) x.shape.insert(x.shape.begin(), 1);
  if (is_column) y.shape.push_back(1);
  const size_t rank = std::max(x.shape.size(), y.shape.size());
  const auto lift = [&](Plain& p) { p.shape.insert(p.shape.begin(), rank - p.shape.size(), 1); };
  lift(x), lift(y);
  Index shape;
  for (size_t axis = 0; axis + 2 < rank; ++axis) shape.push_back(x.shape[axis] == 1 ? y.shape[axis] : x.shape[axis]);
  shape.push_back(x.shape[rank - 2]);
  shape.push_back(y.shape[rank - 1]);
  const auto inside = [&](Index at, const Plain& p) {
    for (size_t axis = 0; axis + 2 < rank; ++axis)
      if (p.shape[axis] == 1) at[axis] = 0;
    return at;
  };
  Plain out = filled(shape, [&](const Index& at) {
    double sum = 0;
    Index left = inside(at, x), right = inside(at, y);
    for (int64_t k = 0; k < x.shape[rank - 1]; ++k) {
      left[rank - 1] = right[rank - 2] = k;
      sum += x[left] * y[right];
    }
    return sum;
  });
  if (is_column) out.shape.pop_back();
  if (is_row) out.shape.erase(out.shape.end() - (is_column ? 1 : 2));
  return out;
}
Sample matmul_of(const Shape& a, const Shape& b) {
  return {.op = "matmul",
          .inputs = {uniform(a), uniform(b, -1, 1, 2)},
          .call = [](const Arrays& x) { return Arrays{matmul(x[0], x[1])}; },
          .reference = [](const std::vector<Plain>& x) { return product(x[0], x[1]); },
          .same_bits = false};
}

// Rounds on purpose: a step of finite differences is lost, and forward and reverse mode round other products.
Sample mixed_matmul_of(const Shape& a, const Shape& b) {
  Sample sample = matmul_of(a, b);
  sample.op = "mixed_matmul";
  sample.inputs = {eighths(a), eighths(b, 2)};
  sample.call = mixed(sample.call);
  sample.is_smooth = false;
  sample.sums = float32;
  sample.mode_tolerance = 0.02;
  return sample;
}

}  // namespace

Samples linalg_samples() {
  Samples out;
  for (const auto& [m, k, n] :
       std::vector<std::array<int64_t, 3>>{{3, 4, 5}, {1, 1, 1}, {0, 3, 2}, {3, 0, 2}, {3, 2, 0}, {17, 33, 9}, {1, 40, 3}, {40, 1, 3}})
    out.push_back(matmul_of({m, k}, {k, n}));
  out.push_back(matmul_of({70, 65}, {65, 80}));
  out.back().orders = 1;
  out.push_back(matmul_of({2, 3, 4}, {4, 5}));
  out.push_back(matmul_of({2, 1, 3, 4}, {3, 4, 2}));
  out.push_back(matmul_of({4}, {4}));
  out.push_back(matmul_of({3, 4}, {4}));
  out.push_back(matmul_of({4}, {2, 4, 3}));
  out.push_back({.op = "matmul",
                 .inputs = {uniform({3, 4}), uniform({5, 4}, -1, 1, 2), uniform({5}, -1, 1, 3)},
                 .call = [](const Arrays& x) { return Arrays{tanh(matmul(x[0], transpose(x[1])) + x[2])}; },
                 .reference = [](const std::vector<Plain>& x) {
                   const Plain y = product(x[0], filled({4, 5}, [&](const Index& at) { return x[1][{at[1], at[0]}]; }));
                   return each_pair(y, x[2], [](double v, double bias) { return std::tanh(v + bias); });
                 },
                 .same_bits = false,
                 .fits_bools = false});
  out.push_back({.op = "matmul",
                 .inputs = {uniform({3, 4}), uniform({4, 5}, -1, 1, 2), uniform({5}, -1, 1, 3)},
                 .call = [](const Arrays& x) { return Arrays{linear(x[0], x[1], x[2])}; },
                 .reference = [](const std::vector<Plain>& x) { return each_pair(product(x[0], x[1]), x[2], std::plus<double>()); },
                 .same_bits = false});
  out.push_back({.op = "matmul",
                 .inputs = {uniform({2, 3, 4}), uniform({2, 4, 5}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{einsum("bij,bjk->bki", x[0], x[1]), einsum("bij,bjk->i", x[0], x[1])}; },
                 .reference = [](const std::vector<Plain>& x) {
                   const Plain y = product(x[0], x[1]);
                   return filled({2, 5, 3}, [&](const Index& at) { return y[{at[0], at[2], at[1]}]; });
                 },
                 .same_bits = false});
  for (const auto& [m, k, n] : std::vector<std::array<int64_t, 3>>{{3, 4, 5}, {1, 1, 1}, {0, 3, 2}, {3, 0, 2}, {17, 33, 9}, {1, 40, 3}})
    out.push_back(mixed_matmul_of({m, k}, {k, n}));
  out.push_back(mixed_matmul_of({70, 65}, {65, 80}));
  out.back().orders = 1;
  out.push_back(mixed_matmul_of({2, 3, 4}, {4, 5}));
  out.push_back(mixed_matmul_of({2, 1, 3, 4}, {3, 4, 2}));
  return out;
}

}  // namespace laws
