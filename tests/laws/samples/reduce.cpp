// Samples of reductions, running totals and sorting.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

using OfLine = std::function<double(const Line&)>;

double product(const Line& v) { return std::accumulate(v.begin(), v.end(), 1.0, std::multiplies<double>()); }
double variance(const Line& v) {
  double squares = 0;
  for (const double x : v) squares += (x - average(v)) * (x - average(v));
  return squares / static_cast<double>(v.size());
}
double log_sum(const Line& v) {
  double sum = 0;
  for (const double x : v) sum += std::exp(x);
  return std::log(sum);
}
Line running(const Line& v, const OfLine& f) {
  Line out;
  for (size_t i = 1; i <= v.size(); ++i) out.push_back(f({v.begin(), v.begin() + static_cast<ptrdiff_t>(i)}));
  return out;
}

struct Reduction {
  std::string_view op;
  Array (*whole)(const Array&);
  Array (*axes)(const Array&, const Axes&);
  Array (*keeping)(const Array&, const Axes&, KeepDims);
  double (*plain)(const Line&);
  int orders = 2;
  bool of_nothing = true;
};
void add_reduction(Samples& out, const Reduction& r) {
  const Array x = distinct({3, 4, 2}, 0.07);
  const auto add = [&](const Array& input, ListFunction f, Reference reference) {
    out.push_back({.op = r.op, .inputs = {input}, .call = std::move(f), .reference = std::move(reference), .orders = r.orders});
  };
  add(x, [r](const Arrays& in) { return Arrays{r.whole(in[0])}; }, [r](const auto& in) { return reduced(flattened(in[0]), 0, r.plain); });
  for (const int64_t axis : {0, 1, 2})
    add(
        x, [r, axis](const Arrays& in) { return Arrays{r.axes(in[0], axis)}; },
        [r, axis](const auto& in) { return reduced(in[0], axis, r.plain); });
  add(x, [r](const Arrays& in) { return Arrays{r.keeping(in[0], {0, -1}, keepdims)}; }, {});
  add(
      uniform({1, 1}, 0.2, 0.4), [r](const Arrays& in) { return Arrays{r.axes(in[0], 0)}; },
      [r](const auto& in) { return reduced(in[0], 0, r.plain); });
  add(uniform({2, 0}), [r](const Arrays& in) { return Arrays{r.axes(in[0], 0)}; }, [](const auto&) { return Plain{{0}, {}}; });
  if (r.of_nothing) {
    add(
        uniform({2, 0}), [r](const Arrays& in) { return Arrays{r.axes(in[0], 1)}; },
        [r](const auto&) {
          return Plain{{2}, {r.plain({}), r.plain({})}};
        });
    if (std::isnan(r.plain({}))) out.back().orders = 0;  // a mean of nothing: NaN has no slope
  }
  add(
      distinct({5, 2000}, 2e-3),
      [r](const Arrays& in) {
        return Arrays{r.axes(in[0], 1), r.axes(in[0], 0)};
      },
      [r](const auto& in) { return reduced(in[0], 1, r.plain); });
  if (r.op == "prod") out.back().inputs = {uniform({5, 200}, 0.9, 1.1)};
}
double deviation(const Line& v) { return std::sqrt(variance(v)); }
double length(const Line& v) {
  double squares = 0;
  for (const double x : v) squares += x * x;
  return std::sqrt(squares);
}
double some(const Line& v) { return std::any_of(v.begin(), v.end(), [](double x) { return x != 0; }); }
double every(const Line& v) { return std::all_of(v.begin(), v.end(), [](double x) { return x != 0; }); }

void add_running(Samples& out, std::string_view op, Array (*f)(const Array&, int64_t), const OfLine& plain) {
  for (const int64_t axis : {0, 1}) {
    out.push_back({.op = op,
                   .inputs = {uniform({4, 3}, 0.3, 1.5)},
                   .call = [f, axis](const Arrays& x) { return Arrays{f(x[0], axis)}; },
                   .reference = [plain, axis](const auto& x) {
                     return along(x[0], axis, [&](const Line& line) { return running(line, plain); });
                   }});
  }
  out.push_back({.op = op, .inputs = {uniform({0, 3})}, .call = [f](const Arrays& x) { return Arrays{f(x[0], 0)}; },
                 .reference = [](const auto& x) { return x[0]; }});
  out.push_back({.op = op, .inputs = {uniform({1, 3}, 0.3, 1.5)}, .call = [f](const Arrays& x) { return Arrays{f(x[0], 0)}; },
                 .reference = [](const auto& x) { return x[0]; }});
}

void add_sorting(Samples& out) {
  out.push_back({.op = "argsort",
                 .inputs = {distinct({3, 6})},
                 .call = [](const Arrays& x) { return Arrays{sort(x[0]), sort(x[0], 0, true)}; },
                 .reference = [](const auto& x) {
                   return along(x[0], 1, sorted);
                 }});
  out.push_back(
      {.op = "argsort", .inputs = {distinct({3, 6})}, .call = [](const Arrays& x) { return Arrays{argsort(x[0])}; }, .orders = 0});
  out.push_back({.op = "argsort",
                 .inputs = {distinct({7, 2})},
                 .call =
                     [](const Arrays& x) {
                       return Arrays{topk(x[0], 3, 0).first, topk(x[0], 2, 0, false).first};
                     },
                 .reference =
                     [](const auto& x) {
                       return along(x[0], 0, [](Line line) {
                         std::stable_sort(line.begin(), line.end(),
                                          [](double x, double y) { return x > y || (!std::isnan(x) && std::isnan(y)); });
                         line.resize(3);
                         return line;
                       });
                     }});
  out.push_back({.op = "searchsorted",
                 .inputs = {sort(distinct({6})).eval(), uniform({2, 3}, -0.2, 0.2)},
                 .call = [](const Arrays& x) { return Arrays{searchsorted(x[0], x[1]), searchsorted(x[0], x[1], Side::right)}; },
                 .orders = 0});
}

}  // namespace

Samples reduce_samples() {
  Samples out;
  add_reduction(out, {"sum", sum, sum, sum, total});
  add_reduction(out, {"mean", mean, mean, mean, average});
  add_reduction(out, {"prod", prod, prod, prod, product});
  add_reduction(out, {"max", max, max, max, largest, 2, false});
  add_reduction(out, {"min", min, min, min, smallest, 2, false});
  add_reduction(out, {"var", var, var, var, variance});
  add_reduction(out, {"stddev", stddev, stddev, stddev, deviation});
  add_reduction(out, {"norm", linalg::norm, linalg::norm, linalg::norm, length});
  add_reduction(out, {"logsumexp", logsumexp, logsumexp, logsumexp, log_sum, 2, false});
  add_reduction(out, {"any", any, any, any, some, 0});
  add_reduction(out, {"all", all, all, all, every, 0});
  for (const int64_t axis : {0, 1}) {
    out.push_back({.op = "argmax",
                   .inputs = {distinct({4, 5})},
                   .call = [axis](const Arrays& x) { return Arrays{argmax(x[0], axis)}; },
                   .reference = [axis](const auto& x) { return reduced(x[0], axis, position<true>); },
                   .orders = 0});
    out.push_back({.op = "argmin",
                   .inputs = {distinct({4, 5})},
                   .call = [axis](const Arrays& x) { return Arrays{argmin(x[0], axis)}; },
                   .reference = [axis](const auto& x) { return reduced(x[0], axis, position<false>); },
                   .orders = 0});
  }
  add_running(out, "cumsum", cumsum, total);
  add_running(out, "cumprod", cumprod, product);
  add_running(out, "logcumsumexp", logcumsumexp, log_sum);
  // Derivatives of products and of sums of exponentials: with zeros, from both ends, and of order two.
  out.push_back({.op = "recurrence",
                 .inputs = {array({{2.0, 0.0}, {3.0, -1.0}, {0.5, 0.0}, {4.0, 2.0}}, float64), uniform({4, 2}, -1, 1, 2)},
                 .call = pulled([](const Arrays& x) { return Arrays{cumprod(x[0], 0)}; }),
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({4, 2}, [&](const Index& at) {
                     double change = 0;
                     for (int64_t i = at[0]; i < 4; ++i) {
                       double others = 1;
                       for (int64_t k = 0; k <= i; ++k) others *= k == at[0] ? 1 : x[0][{k, at[1]}];
                       change += others * x[1][{i, at[1]}];
                     }
                     return change;
                   });
                 },
                 .takes_specials = false});
  out.push_back({.op = "recurrence",
                 .inputs = {uniform({5, 2}), uniform({5, 2}, -1, 1, 2)},
                 .call = pulled([](const Arrays& x) { return Arrays{logcumsumexp(x[0], 0)}; }),
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({5, 2}, [&](const Index& at) {
                     double change = 0, total = 0;
                     for (int64_t i = 0; i < 5; ++i) {
                       total += std::exp(x[0][{i, at[1]}]);
                       if (i >= at[0]) change += x[1][{i, at[1]}] * std::exp(x[0][at]) / total;
                     }
                     return change;
                   });
                 },
                 .takes_specials = false});
  out.push_back({.op = "cummax_position",
                 .inputs = {distinct({5, 3})},
                 .call = [](const Arrays& x) { return Arrays{cummax(x[0], 0).first}; },
                 .reference = [](const auto& x) {
                   return along(x[0], 0, [](const Line& line) { return running(line, largest); });
                 }});
  out.push_back({.op = "cummin_position",
                 .inputs = {distinct({5, 3})},
                 .call = [](const Arrays& x) { return Arrays{cummin(x[0], 1).first, cummin(x[0], 0).second}; },
                 .reference = [](const auto& x) {
                   return along(x[0], 1, [](const Line& line) { return running(line, smallest); });
                 }});
  add_sorting(out);
  return out;
}

}  // namespace laws
