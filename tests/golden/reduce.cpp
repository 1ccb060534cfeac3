// Golden reductions and scans.
#include <cmath>

#include "tests/golden/call.hpp"

namespace golden {
namespace {

using namespace gradus;
using namespace gradus::core;

using Whole = Array (*)(const Array&);
using Along = Array (*)(const Array&, const Axes&);
using Keeping = Array (*)(const Array&, const Axes&, KeepDims);

// axis null: all axes.
Axes axes_of(const Call& c) { return c.is_set("axis") ? Axes(c.integers("axis")) : Axes(all_axes(c["x"].rank())); }
bool keeps(const Call& c) { return c.flag("keepdims"); }

template <Whole F, Along G, Keeping H>
Results reduced(const Call& c) {
  if (keeps(c)) return H(c["x"], axes_of(c), keepdims);
  return c.is_set("axis") ? G(c["x"], axes_of(c)) : F(c["x"]);
}
template <Array (*F)(const Array&, const Axes&, VarOptions)>
Results variance(const Call& c) {
  return F(c["x"], axes_of(c), {.ddof = c.integer("ddof", 0), .keep = keeps(c) ? KeepDims::yes : KeepDims::no});
}
Results norm_case(const Call& c) {
  const bool is_frobenius = c.is_set("ord") && c.attrs()["ord"] == "fro";
  return linalg::vector_norm(c["x"], is_frobenius ? 2 : c.number("ord", 2), axes_of(c), keeps(c) ? KeepDims::yes : KeepDims::no);
}
template <Array (*F)(const Array&), Array (*G)(const Array&, int64_t, KeepDims)>
Results position(const Call& c) {
  if (c.is_set("axis")) return G(c["x"], c.integer("axis"), keeps(c) ? KeepDims::yes : KeepDims::no);
  const Array out = F(c["x"]);
  return keeps(c) ? reshape(out, NewShape(Shape(std::vector<int64_t>(static_cast<size_t>(c["x"].rank()), 1)))) : out;
}
template <std::pair<Array, Array> (*F)(const Array&, int64_t, KeepDims)>
Results with_index(const Call& c) {
  const auto [values, places] = F(c["x"], c.integer("axis"), keeps(c) ? KeepDims::yes : KeepDims::no);
  return {{"values", values}, {"indices", places}};
}
Results median_case(const Call& c) {
  const Array x = c.is_set("axis") ? c["x"] : ravel(c["x"]);
  const int64_t axis = c.integer("axis", 0), n = x.shape(axis);
  const Array sorted = sort(x, axis);
  return 0.5 * (take(sorted, (n - 1) / 2, axis) + take(sorted, n / 2, axis));
}
Results median_lower(const Call& c) {
  const Array x = c.is_set("axis") ? c["x"] : ravel(c["x"]);
  const int64_t axis = c.integer("axis", 0), middle = (x.shape(axis) - 1) / 2;
  const Array values = take(sort(x, axis), middle, axis);
  if (!c.is_set("axis")) return values;
  return {{"values", values}, {"indices", take(argsort(x, axis), middle, axis)}};
}
// q-th quantile, between the two neighbours at position q (n - 1).
Results quantile(const Call& c) {
  const Array x = c.is_set("axis") ? c["x"] : ravel(c["x"]);
  const int64_t axis = c.integer("axis", 0), n = x.shape(axis);
  const std::string method = c.text("method", "linear");
  const Array sorted = moveaxis(sort(x, axis), axis, 0);
  std::vector<Array> parts;
  for (const double q : c["q"].to_vector<double>()) {
    const double at = q * static_cast<double>(n - 1), low = std::floor(at), high = std::ceil(at);
    double share = at - low;
    if (method == "lower") share = 0;
    else if (method == "higher") share = at > low ? 1 : 0;
    else if (method == "midpoint") share = at > low ? 0.5 : 0;
    else if (method == "nearest") share = std::nearbyint(at) - low;
    else if (method != "linear") throw NotCovered("quantile method " + method);
    parts.push_back((1 - share) * sorted[static_cast<int64_t>(low)] + share * sorted[static_cast<int64_t>(high)]);
  }
  return c["q"].rank() == 0 ? parts[0] : stack(parts);
}
Results diff_case(const Call& c) {
  const int64_t axis = c.integer("axis");
  Array x = moveaxis(c["x"], axis, 0);
  for (int64_t i = 0; i < c.integer("n", 1); ++i) x = x[slice(1, {})] - x[slice(-1)];
  return moveaxis(x, 0, axis);
}
Array areas(const Call& c) {  // of the trapezoids between neighbours along the axis, which comes first
  const Array y = moveaxis(c["y"], c.integer("axis"), 0);
  const Array pairs = 0.5 * (y[slice(1, {})] + y[slice(-1)]);
  if (!c.has("x")) return pairs * c.number("dx", 1);
  const Array x = c["x"], widths = x[slice(1, {})] - x[slice(-1)];
  if (x.rank() == c["y"].rank()) {
    const Array moved = moveaxis(x, c.integer("axis"), 0);
    return pairs * (moved[slice(1, {})] - moved[slice(-1)]);
  }
  Dims column(static_cast<size_t>(y.rank()), 1);
  column[0] = widths.size();
  return pairs * reshape(widths, NewShape(Shape(column)));
}
Array covariance(const Array& x, int64_t ddof) {
  const Array centred = x - mean(x, -1, keepdims);
  return matmul(centred, transpose(centred)) / static_cast<double>(x.shape(-1) - ddof);
}
Results corrcoef(const Call& c) {
  const Array cov = covariance(c["x"], 1), deviations = sqrt(diagonal(cov));
  return cov / (expand_dims(deviations, 0) * expand_dims(deviations, 1));
}
template <std::pair<Array, Array> (*F)(const Array&, int64_t)>
Results running_extreme(const Call& c) {
  const auto [values, places] = F(c["x"], c.integer("axis"));
  return {{"values", values}, {"indices", places}};
}
Results cumulative_trapezoid(const Call& c) { return moveaxis(cumsum(areas(c), 0), 0, c.integer("axis")); }

const Entry table[] = {
    {"sum", reduced<sum, sum, sum>},
    {"mean", reduced<mean, mean, mean>},
    {"prod", reduced<prod, prod, prod>},
    {"amax", reduced<max, max, max>},
    {"amin", reduced<min, min, min>},
    {"var", variance<var>},
    {"std", variance<stddev>},
    {"logsumexp", reduced<logsumexp, logsumexp, logsumexp>},
    {"norm", norm_case},
    {"argmax", position<argmax, argmax>},
    {"argmin", position<argmin, argmin>},
    {"max_with_index", with_index<max_with_index>},
    {"min_with_index", with_index<min_with_index>},
    {"cumsum", [](const Call& c) -> Results { return cumsum(c["x"], c.integer("axis")); }},
    {"int_cumsum", [](const Call& c) -> Results { return cumsum(c["x"], c.integer("axis")); }},
    {"cumprod", [](const Call& c) -> Results { return cumprod(c["x"], c.integer("axis")); }},
    {"logcumsumexp", [](const Call& c) -> Results { return logcumsumexp(c["x"], c.integer("axis")); }},
    {"cummax", running_extreme<cummax>},
    {"cummin", running_extreme<cummin>},
    {"all", reduced<all, all, all>},
    {"any", reduced<any, any, any>},
    {"count_nonzero", reduced<count_nonzero, count_nonzero, count_nonzero>},
    {"median", median_case},
    {"median_lower", median_lower},
    {"quantile", quantile},
    {"diff", diff_case},
    {"nansum", reduced<nansum, nansum, nansum>},
    {"nanmean", reduced<nanmean, nanmean, nanmean>},
    {"int_sum", reduced<sum, sum, sum>},
    {"bool_sum", reduced<sum, sum, sum>},
    {"trapezoid", [](const Call& c) -> Results { return sum(areas(c), 0); }},
    {"cumulative_trapezoid", cumulative_trapezoid},
    {"cov", [](const Call& c) -> Results { return covariance(c["x"], c.integer("ddof", 1)); }},
    {"corrcoef", corrcoef},
};

}  // namespace

Table reduce_table() { return table; }

}  // namespace golden
