// Golden products of matrices and what is composed of them. Decompositions are not among the ops yet.
#include <cmath>

#include "tests/golden/call.hpp"

namespace golden {
namespace {

using namespace gradus;
using namespace gradus::core;

Results tensordot_case(const Call& c) {
  const Json& axes = c.attrs()["axes"];
  if (axes.is_number()) return tensordot(c["a"], c["b"], axes.get<int64_t>());
  return tensordot(c["a"], c["b"], axes[0].get<std::vector<int64_t>>(), axes[1].get<std::vector<int64_t>>());
}
Results matrix_power(const Call& c) {
  if (c.integer("n") < 0) throw NotCovered("the inverse");
  return linalg::matrix_power(c["a"], c.integer("n"));
}
// Distances of all pairs of rows.
Results cdist(const Call& c) {
  const double p = c.number("p", 2);
  const Array distance = abs(expand_dims(c["a"], -2) - expand_dims(c["b"], -3));
  if (std::isinf(p)) return max(distance, -1);
  if (p == 1) return sum(distance, -1);
  if (p == 2) return sqrt(sum(square(distance), -1));
  return pow(sum(pow(distance, p), -1), 1 / p);
}
Results vander(const Call& c) {
  std::vector<Array> columns;
  const int64_t n = c.integer("N", c["x"].size());
  for (int64_t i = 0; i < n; ++i) columns.push_back(pow(c["x"], c.flag("increasing") ? i : n - 1 - i));
  return stack(columns, -1);
}
Results block_diag(const Call& c) {
  int64_t columns = 0, before = 0;
  for (const Array& m : c.list("matrices")) columns += m.shape(1);
  std::vector<Array> rows;
  for (const Array& m : c.list("matrices")) {
    rows.push_back(pad(m, {{0, 0}, {before, columns - before - m.shape(1)}}));
    before += m.shape(1);
  }
  return concatenate(rows);
}
// Norms that need no singular values: Frobenius, and largest or smallest sums of rows or columns.
Results matrix_norm(const Call& c) {
  const Array a = c["a"];
  const std::string name = c.attrs()["ord"].is_string() ? c.text("ord") : "";
  const Axes both{-2, -1};
  Array out;
  if (name == "fro") {
    out = sqrt(sum(square(a), both, keepdims));
  } else if (name == "nuc") {
    throw NotCovered("singular values");
  } else {
    const double order = c.number("ord");
    const int64_t summed = std::isinf(order) ? -1 : -2;
    if (!std::isinf(order) && std::fabs(order) != 1) throw NotCovered("singular values");
    const Array sums = sum(abs(a), summed, keepdims);
    out = order > 0 ? max(sums, both, keepdims) : min(sums, both, keepdims);
  }
  return c.flag("keepdims") ? out : squeeze(out, both);
}
const Entry table[] = {
    {"matmul",
     [](const Call& c) -> Results { return c.has("a") ? matmul(c["a"], c["b"]) : matmul(c["x"], c["y"]); }},  // edge calls them x, y
    {"matmul_transposed", [](const Call& c) -> Results { return matmul(transpose(c["a"]), transpose(c["b"])); }},
    {"matmul_self", [](const Call& c) -> Results { return matmul(c["a"], transpose(c["a"])); }},
    {"dot", [](const Call& c) -> Results { return dot(c["a"], c["b"]); }},
    {"vdot", [](const Call& c) -> Results { return vdot(c["a"], c["b"]); }},
    {"inner", [](const Call& c) -> Results { return inner(c["a"], c["b"]); }},
    {"outer", [](const Call& c) -> Results { return outer(c["a"], c["b"]); }},
    {"mv", [](const Call& c) -> Results { return matmul(c["a"], c["b"]); }},
    {"bmm", [](const Call& c) -> Results { return matmul(c["a"], c["b"]); }},
    {"addmm", [](const Call& c) -> Results { return c.number("beta") * c["c"] + c.number("alpha") * matmul(c["a"], c["b"]); }},
    {"baddbmm", [](const Call& c) -> Results { return c.number("beta") * c["c"] + c.number("alpha") * matmul(c["a"], c["b"]); }},
    {"tensordot", tensordot_case},
    {"multi_dot", [](const Call& c) -> Results { return linalg::multi_dot(c.list("matrices")); }},
    {"matrix_power", matrix_power},
    {"kron", [](const Call& c) -> Results { return kron(c["a"], c["b"]); }},
    {"trace", [](const Call& c) -> Results { return sum(diagonal(c["a"], 0, -2, -1), -1); }},
    {"cross", [](const Call& c) -> Results { return cross(c["a"], c["b"], c.integer("axis")); }},
    {"cdist", cdist},
    {"vander", vander},
    {"block_diag", block_diag},
    {"matrix_norm", matrix_norm},
    {"einsum", [](const Call& c) -> Results { return einsum(c.text("equation"), c.list("operands")); }},
};

}  // namespace

Table linalg_table() { return table; }

}  // namespace golden
