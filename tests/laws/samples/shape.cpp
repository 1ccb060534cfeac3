// Samples of ops that rearrange, select and write elements.
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

using Unary = std::function<Array(const Array&)>;
Sample of(std::string_view op, const Shape& shape, Unary f, Reference reference = {}) {
  return {.op = op, .inputs = {uniform(shape)}, .call = [f](const Arrays& x) { return Arrays{f(x[0])}; }, .reference = reference};
}

Plain reshaped(const Plain& x, std::vector<int64_t> shape) { return {std::move(shape), x.values}; }
Plain transposed(const Plain& x) {  // of rank 2
  Plain out{{x.shape[1], x.shape[0]}, {}};
  for (int64_t j = 0; j < x.shape[1]; ++j)
    for (int64_t i = 0; i < x.shape[0]; ++i) out.values.push_back(x.values[static_cast<size_t>(i * x.shape[1] + j)]);
  return out;
}
// Rows (slices along axis 0) of x, by number.
Plain rows(const Plain& x, const std::vector<int64_t>& which) {
  const int64_t width = x.shape[0] ? x.size() / x.shape[0] : 0;
  Plain out{x.shape, {}};
  out.shape[0] = static_cast<int64_t>(which.size());
  for (const int64_t row : which)
    for (int64_t k = 0; k < width; ++k) out.values.push_back(x.values[static_cast<size_t>(row * width + k)]);
  return out;
}

void add_views(Samples& out) {
  out.push_back(of("reshape", {2, 6}, [](const Array& x) { return reshape(x, {3, -1}); },
                   [](const auto& x) { return reshaped(x[0], {3, 4}); }));
  out.push_back(of("reshape", {4, 6}, [](const Array& x) { return reshape(transpose(x), {3, 8}); },
                   [](const auto& x) { return reshaped(transposed(x[0]), {3, 8}); }));
  out.push_back(of("reshape", {0, 3}, [](const Array& x) { return reshape(x, {3, 0, 2}); },
                   [](const auto& x) { return reshaped(x[0], {3, 0, 2}); }));
  out.push_back(of("reshape", {1}, [](const Array& x) { return squeeze(x); }, [](const auto& x) { return reshaped(x[0], {}); }));
  out.push_back(of("transpose", {3, 4}, [](const Array& x) { return transpose(x); }, [](const auto& x) { return transposed(x[0]); }));
  out.push_back(of("transpose", {2, 3, 4}, [](const Array& x) { return transpose(x, {2, 0, 1}); }));
  out.push_back(of("transpose", {2, 0, 4}, [](const Array& x) { return transpose(x, {1, 2, 0}); }));
  out.push_back(of("broadcast_to", {3, 1}, [](const Array& x) { return broadcast_to(x, {2, 3, 4}); }));
  out.push_back(of("broadcast_to", {}, [](const Array& x) { return broadcast_to(x, {5}); },
                   [](const auto& x) { return Plain{{5}, std::vector<double>(5, x[0].values[0])}; }));
  out.push_back(of("slice", {5, 4}, [](const Array& x) { return x[slice(1, 4)]; }, [](const auto& x) { return rows(x[0], {1, 2, 3}); }));
  out.push_back(of("slice", {5, 4}, [](const Array& x) { return x[slice({}, {}, -2)]; },
                   [](const auto& x) { return rows(x[0], {4, 2, 0}); }));
  out.push_back(of("slice", {5, 4}, [](const Array& x) { return x[{slice(3, 3), slice(1, {})}]; },
                   [](const auto&) { return Plain{{0, 3}, {}}; }));
  out.push_back(of("slice", {3, 4, 5}, [](const Array& x) { return x[{-1, ellipsis, slice({}, {}, 3)}]; }));
  out.push_back(of("slice", {1, 1}, [](const Array& x) { return flip(x); }, [](const auto& x) { return x[0]; }));
}

void add_updates(Samples& out) {
  out.push_back({.op = "slice_update",
                 .inputs = {uniform({5, 4}), uniform({2, 4}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{slice_update(x[0], x[1], Dims{1, 0}, Dims{2, 1})}; }});
  out.push_back({.op = "slice_update",
                 .inputs = {uniform({5, 4}), uniform({4}, -1, 1, 2)},
                 .call = [](const Arrays& x) {
                   Array y = x[0];
                   y.set(-2, x[1]);
                   return Arrays{y};
                 }});
  out.push_back({.op = "slice_update",
                 .inputs = {uniform({2, 3})},
                 .call = [](const Arrays& x) { return Arrays{slice_scatter(x[0], Shape{4, 6}, Dims{3, 0}, Dims{-2, 2})}; }});
  out.push_back({.op = "dynamic_slice",
                 .inputs = {uniform({5, 6}), array({1, 2})},
                 .call = [](const Arrays& x) { return Arrays{dynamic_slice(x[0], x[1], {3, 2})}; }});
  out.push_back({.op = "dynamic_update_slice",
                 .inputs = {uniform({5, 6}), uniform({3, 2}, -1, 1, 2), array({1, 2})},
                 .call = [](const Arrays& x) { return Arrays{dynamic_update_slice(x[0], x[1], x[2])}; }});
  out.push_back({.op = "concatenate",
                 .inputs = {uniform({2, 3}), uniform({4, 3}, -1, 1, 2), uniform({0, 3})},
                 .call = [](const Arrays& x) { return Arrays{concatenate(x, 0)}; },
                 .reference = [](const std::vector<Plain>& x) {
                   Plain joined{{6, 3}, x[0].values};
                   joined.values.insert(joined.values.end(), x[1].values.begin(), x[1].values.end());
                   return joined;
                 }});
  out.push_back({.op = "concatenate",
                 .inputs = {uniform({2, 1, 3}), uniform({2, 2, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{concatenate({x[1], x[0], x[1]}, 1), stack({x[0], 2 * x[0]}, -1)}; }});
  out.push_back(of("concatenate", {3, 4}, [](const Array& x) { return roll(x, {1, -1}, {0, 1}); }));
  for (const PadMode mode : {PadMode::edge, PadMode::reflect, PadMode::symmetric, PadMode::wrap})
    out.push_back(of("concatenate", {4, 3}, [mode](const Array& x) { return pad(x, {{1, 2}, {2, 0}}, mode) * 1; }));
  out.push_back(of("slice_update", {4, 3}, [](const Array& x) { return pad(x, {{1, 2}, {2, 0}}, 0.5); }));
}

void add_selections(Samples& out) {
  out.push_back({.op = "gather",
                 .inputs = {uniform({5, 3}), array({4, 0, 0, -1})},
                 .call = [](const Arrays& x) { return Arrays{take(x[0], x[1], 0)}; },
                 .reference = [](const std::vector<Plain>& x) { return rows(x[0], {4, 0, 0, 4}); }});
  out.push_back({.op = "gather",
                 .inputs = {uniform({2, 5, 3}), laws::integers({2, 2}, 0, 5), laws::integers({2}, 0, 3)},
                 .call = [](const Arrays& x) { return Arrays{take(x[0], x[1], 1), x[0][{slice(), x[1], x[2]}]}; }});
  out.push_back({.op = "gather",
                 .inputs = {uniform({5, 3}), zeros({0}, int64)},
                 .call = [](const Arrays& x) { return Arrays{take(x[0], x[1], 0)}; },
                 .reference = [](const std::vector<Plain>& x) { return rows(x[0], {}); }});
  out.push_back({.op = "embedding",
                 .inputs = {uniform({5, 3}), laws::integers({2, 4}, 0, 5)},
                 .call = [](const Arrays& x) { return Arrays{embedding(x[0], x[1])}; }});
  out.push_back({.op = "scatter",
                 .inputs = {uniform({5, 3}), array({4, 0, 2}), uniform({3, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{index_copy(x[0], x[1], x[2], 0)}; }});
  out.push_back({.op = "scatter_add",
                 .inputs = {uniform({5, 3}), array({4, 0, 4}), uniform({3, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{index_add(x[0], x[1], x[2], 0)}; }});
  out.push_back({.op = "scatter_add",
                 .inputs = {uniform({5, 3}), laws::integers({2, 4}, 0, 5), uniform({2, 4, 3}, -1, 1, 2)},
                 .call = pulled([](const Arrays& x) { return Arrays{x[0][x[1]]}; }),
                 .orders = 0,
                 .has_vmap = false});
  out.push_back({.op = "gather_along",
                 .inputs = {uniform({5, 3}), laws::integers({2, 3}, 0, 5)},
                 .call = [](const Arrays& x) { return Arrays{take_along_axis(x[0], x[1], 0), gather(x[0], x[1], 0)}; }});
  out.push_back({.op = "scatter_along",
                 .inputs = {uniform({5, 3}), array({{0, 1, 2}, {3, 4, 0}}), uniform({2, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{scatter(x[0], x[1], x[2], 0)}; }});
  out.push_back({.op = "scatter_add_along",
                 .inputs = {uniform({5, 3}), laws::integers({4, 3}, 0, 5), uniform({4, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{scatter_add(x[0], x[1], x[2], 0)}; }});
  out.push_back({.op = "one_hot",
                 .inputs = {laws::integers({2, 3}, 0, 4)},
                 .call = [](const Arrays& x) { return Arrays{one_hot(x[0], 4)}; },
                 .reference = [](const std::vector<Plain>& x) {
                   Plain hot{{2, 3, 4}, {}};
                   for (const double index : x[0].values)
                     for (int k = 0; k < 4; ++k) hot.values.push_back(k == index);
                   return hot;
                 },
                 .orders = 0});
}

}  // namespace

Samples shape_samples() {
  Samples out;
  add_views(out);
  add_updates(out);
  add_selections(out);
  return out;
}

}  // namespace laws
