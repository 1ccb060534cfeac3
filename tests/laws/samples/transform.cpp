// Samples of ops that hold closed graphs: loops, branches, checkpoints, derivatives of one's own.
#include "gradus/transform/checkpoint.hpp"
#include "gradus/transform/control.hpp"
#include "gradus/transform/custom.hpp"
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

// h' = tanh(h w + x), y = 2 h' + x
Arrays recurrence(const Arrays& in, ScanOptions options) {
  const auto step = [&](const Array& h, const Array& x) {
    const Array next = tanh(matmul(h, in[2]) + x);
    return std::pair{next, 2.0 * next + x};
  };
  const auto [last, ys] = scan(step, in[0], in[1], options);
  return {last, ys};
}
// c' = c + x, y = c'
Array total(const Arrays& in) {
  const auto step = [](const Array& sum, const Array& x) {
    const Array next = sum + x;
    return std::pair{next, next};
  };
  return scan(step, in[0], in[1]).second;
}
Plain plain_total(const std::vector<Plain>& in) {
  return along(in[1], 0, [&, k = size_t{0}](std::vector<double> line) mutable {
    double sum = in[0].values[k++];
    for (double& x : line) x = sum += x;
    return line;
  });
}

void add_scans(Samples& out) {
  for (const bool is_reversed : {false, true})
    out.push_back({.op = "scan",
                   .inputs = {uniform({2, 3}), uniform({4, 2, 3}, -1, 1, 2), uniform({3, 3}, -1, 1, 3)},
                   .call = [is_reversed](const Arrays& in) { return recurrence(in, {.reverse = is_reversed}); },
                   .same_bits = false});
  for (const int64_t length : {5, 1, 0})
    out.push_back({.op = "scan",
                   .inputs = {uniform({3}), uniform({length, 3}, -1, 1, 2)},
                   .call = [](const Arrays& in) { return Arrays{total(in)}; },
                   .reference = plain_total});
  out.push_back({.op = "scan",  // integers ride along
                 .inputs = {uniform({3}), laws::integers({4}, 0, 3)},
                 .call = [](const Arrays& in) {
                   const auto step = [](const std::pair<Array, Array>& c, const Array& n) {
                     return std::pair{std::pair{c.first * sin(c.first + n), c.second + n}, c.first * c.second};
                   };
                   const auto [last, ys] = scan(step, std::pair{in[0], in[1][0]}, in[1]);
                   return Arrays{last.first, last.second, ys};
                 }});
}

void add_branches(Samples& out) {
  for (const double sign : {1.0, -1.0})
    out.push_back({.op = "cond",
                   .inputs = {uniform({}, sign - 0.1, sign + 0.1), uniform({3}), uniform({3}, 0.5, 1, 2)},
                   .call =
                       [](const Arrays& in) {
                         return Arrays{cond(
                             all(in[0] > 0), [&](const Array& x) { return sin(x) * in[2]; },
                             [&](const Array& x) { return exp(x) + 0.0 * in[2]; }, in[1])};
                       },
                   .reference =
                       [](const std::vector<Plain>& in) {
                         return each_pair(in[1], in[2],
                                          [&](double x, double y) { return in[0].values[0] > 0 ? std::sin(x) * y : std::exp(x) + 0 * y; });
                       }});
  out.push_back({.op = "while_loop",  // x -> x / 2 + sin x / 8 until it is small
                 .inputs = {uniform({}, 0.7, 0.9)},
                 .call =
                     [](const Arrays& in) {
                       return Arrays{
                           while_loop([](const Array& x) { return x > 0.1; }, [](const Array& x) { return x / 2 + sin(x) / 8; }, in[0])};
                     },
                 .reference =
                     [](const std::vector<Plain>& in) {
                       return each(in[0], [](double x) {
                         while (x > 0.1) x = x / 2 + std::sin(x) / 8;
                         return x;
                       });
                     },
                 .has_reverse = false});
}

void add_checkpoints(Samples& out) {
  const auto block = [](const Arrays& in) {
    return checkpoint([](const Array& x, const Array& w) { return tanh(matmul(sin(x), w)) * x; })(in[0], in[1]);
  };
  out.push_back({.op = "checkpoint",
                 .inputs = {uniform({2, 3}), uniform({3, 3}, -1, 1, 2)},
                 .call = [block](const Arrays& in) { return Arrays{block(in)}; },
                 .same_bits = false});
  out.push_back({.op = "checkpoint",
                 .inputs = {uniform({4}), laws::integers({4}, 0, 3)},
                 .call = [](const Arrays& in) {
                   return Arrays{checkpoint([&](const Array& x) { return exp(sin(x)) * in[1]; })(in[0])};
                 },
                 .reference = [](const std::vector<Plain>& in) {
                   return each_pair(in[0], in[1], [](double x, double n) { return std::exp(std::sin(x)) * n; });
                 }});
}

void add_custom(Samples& out) {
  // x^2 y with its own rule of either mode
  const auto product = [](const Array& x, const Array& y) { return square(x) * y; };
  const auto reference = [](const std::vector<Plain>& in) { return each_pair(in[0], in[1], [](double x, double y) { return x * x * y; }); };
  out.push_back({.op = "custom_vjp",
                 .inputs = {uniform({2, 3}), uniform({2, 3}, -1, 1, 2)},
                 .call = [product](const Arrays& in) {
                   const auto rule = [](const Array& dz, const Array&, const Array& x, const Array& y) {
                     return std::array{2 * x * y * dz, square(x) * dz};
                   };
                   return Arrays{custom_vjp(product, rule)(in[0], in[1])};
                 },
                 .reference = reference});
  out.push_back({.op = "custom_jvp",
                 .inputs = {uniform({2, 3}), uniform({2, 3}, -1, 1, 2)},
                 .call = [product](const Arrays& in) {
                   const auto rule = [](const std::array<Array, 2>& d, const Array&, const Array& x, const Array& y) {
                     return 2 * x * y * d[0] + square(x) * d[1];
                   };
                   return Arrays{custom_jvp(product, rule)(in[0], in[1])};
                 },
                 .reference = reference});
}

}  // namespace

Samples transform_samples() {
  Samples out;
  add_scans(out);
  add_branches(out);
  add_checkpoints(out);
  add_custom(out);
  return out;
}

}  // namespace laws
