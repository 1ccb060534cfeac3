// Samples of ops that rearrange, select and write elements.
#include "gradus/ops/part_sums.hpp"
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

using Unary = std::function<Array(const Array&)>;
Sample of(std::string_view op, const Shape& shape, Unary f, Reference reference = {}) {
  return {.op = op, .inputs = {uniform(shape)}, .call = [f](const Arrays& x) { return Arrays{f(x[0])}; }, .reference = reference};
}

Plain reshaped(const Plain& x, Index shape) { return {std::move(shape), x.values}; }
// out[i] = x[place(i)], which gives no index (an empty one) where out is `otherwise`.
template <class F>
Reference moved(const Index& shape, const F& place, double otherwise = 0) {
  return [=](const std::vector<Plain>& x) {
    return filled(shape, [&](const Index& at) {
      const Index from = place(at);
      return from.empty() ? otherwise : x[0][from];
    });
  };
}
// Row i of the result is row which[i] of x.
Reference rows(const Index& shape, const Index& which) {
  return moved(shape, [which](Index at) {
    at[0] = which[static_cast<size_t>(at[0])];
    return at;
  });
}

void add_views(Samples& out) {
  out.push_back(of("reshape", {2, 6}, [](const Array& x) { return reshape(x, {3, -1}); },
                   [](const auto& x) { return reshaped(x[0], {3, 4}); }));
  out.push_back(of("reshape", {4, 6}, [](const Array& x) { return reshape(transpose(x), {3, 8}); },
                   [](const auto& x) {
                     const Plain turned = filled({6, 4}, [&](const Index& at) { return x[0][{at[1], at[0]}]; });
                     return reshaped(turned, {3, 8});
                   }));
  out.push_back(of("reshape", {0, 3}, [](const Array& x) { return reshape(x, {3, 0, 2}); },
                   [](const auto& x) { return reshaped(x[0], {3, 0, 2}); }));
  out.push_back(of("reshape", {1}, [](const Array& x) { return squeeze(x); }, [](const auto& x) { return reshaped(x[0], {}); }));
  out.push_back(of(
      "transpose", {3, 4}, [](const Array& x) { return transpose(x); }, moved({4, 3}, [](const Index& at) {
        return Index{at[1], at[0]};
      })));
  out.push_back(of("transpose", {2, 3, 4}, [](const Array& x) { return transpose(x, {2, 0, 1}); },
                   moved({4, 2, 3}, [](const Index& at) { return Index{at[1], at[2], at[0]}; })));
  out.push_back(of(
      "transpose", {2, 0, 4},
      [](const Array& x) {
        return transpose(x, {1, 2, 0});
      },
      [](const auto&) {
        return Plain{{0, 4, 2}, {}};
      }));
  out.push_back(of("broadcast_to", {3, 1}, [](const Array& x) { return broadcast_to(x, {2, 3, 4}); },
                   moved({2, 3, 4}, [](const Index& at) { return Index{at[1], 0}; })));
  out.push_back(of("broadcast_to", {}, [](const Array& x) { return broadcast_to(x, {5}); },
                   [](const auto& x) { return Plain{{5}, std::vector<double>(5, x[0].values[0])}; }));
  out.push_back(of("slice", {5, 4}, [](const Array& x) { return x[slice(1, 4)]; }, rows({3, 4}, {1, 2, 3})));
  out.push_back(of("slice", {5, 4}, [](const Array& x) { return x[slice({}, {}, -2)]; }, rows({3, 4}, {4, 2, 0})));
  out.push_back(of(
      "slice", {5, 4},
      [](const Array& x) {
        return x[{slice(3, 3), slice(1, {})}];
      },
      [](const auto&) {
        return Plain{{0, 3}, {}};
      }));
  out.push_back(of("slice", {3, 4, 5}, [](const Array& x) { return x[{-1, ellipsis, slice({}, {}, 3)}]; },
                   moved({4, 2}, [](const Index& at) { return Index{2, at[0], 3 * at[1]}; })));
  out.push_back(of(
      "slice", {1, 2}, [](const Array& x) { return flip(x); }, moved({1, 2}, [](const Index& at) {
        return Index{0, 1 - at[1]};
      })));
  out.push_back(of("slice", {2, 1}, [](const Array& x) { return x[1]; }, moved({1}, [](const Index&) { return Index{1, 0}; })));
  for (const Shape& shape : {Shape{3, 4}, Shape{0, 2}, Shape{}})
    out.push_back(of("contiguous", shape, [](const Array& x) { return contiguous(x); }, [](const auto& x) { return x[0]; }));
  out.push_back(of("contiguous", {3, 4}, [](const Array& x) { return contiguous(transpose(x)); },
                   moved({4, 3}, [](const Index& at) { return Index{at[1], at[0]}; })));
}

// A copy of x with y[i] written (or added) at place(i), in the order of i.
template <class F>
Plain written(Plain x, const Plain& y, const F& place, bool adds = false) {
  for_each_index(y.shape, [&](const Index& at) {
    double& element = x[place(at)];
    element = adds ? element + y[at] : y[at];
  });
  return x;
}

void add_updates(Samples& out) {
  out.push_back({.op = "slice_update",
                 .inputs = {uniform({5, 4}), uniform({2, 4}, -1, 1, 2)},
                 .call =
                     [](const Arrays& x) {
                       return Arrays{slice_update(x[0], x[1], Dims{1, 0}, Dims{2, 1})};
                     },
                 .reference =
                     [](const std::vector<Plain>& x) {
                       return written(x[0], x[1], [](const Index& at) { return Index{1 + 2 * at[0], at[1]}; });
                     }});
  out.push_back(
      {.op = "slice_update",
       .inputs = {uniform({5, 4}), uniform({4}, -1, 1, 2)},
       .call =
           [](const Arrays& x) {
             Array y = x[0];
             y.set(-2, x[1]);
             return Arrays{y};
           },
       .reference = [](const std::vector<Plain>& x) { return written(x[0], x[1], [](const Index& at) {
                                                        return Index{3, at[0]};
                                                      }); }});
  out.push_back({.op = "sum_windows",
                 .inputs = {uniform({2, 3})},
                 .call =
                     [](const Arrays& x) {
                       return Arrays{slice_scatter(x[0], Shape{4, 6}, Dims{3, 0}, Dims{-2, 2})};
                     },
                 .reference =
                     [](const std::vector<Plain>& x) {
                       return written(Plain{{4, 6}, std::vector<double>(24, 0.0)}, x[0], [](const Index& at) {
                         return Index{3 - 2 * at[0], 2 * at[1]};
                       });
                     }});
  const auto window_at = [](const Dims& starts, const Dims& steps) {
    return [=](const Index& at) {
      Index place = at;
      for (size_t axis = 0; axis < place.size(); ++axis) place[axis] = starts[axis] + at[axis] * steps[axis];
      return place;
    };
  };
  // The gradient of slices: the sum of their cotangents, apart (in order, interleaved, in a checkerboard) and overlapping.
  const auto add_sum = [&](const Index& shape, std::vector<std::pair<Dims, Dims>> places, std::vector<Shape> sizes) {
    const Shape whole{Dims(std::span<const int64_t>(shape))};
    Arrays inputs;
    for (size_t i = 0; i < sizes.size(); ++i) inputs.push_back(uniform(sizes[i], -1, 1, static_cast<unsigned>(i + 1)));
    out.push_back({.op = "sum_windows",
                   .inputs = inputs,
                   .call =
                       [=](const Arrays& values) {
                         Arrays parts;
                         for (size_t i = 0; i < values.size(); ++i)
                           parts.push_back(slice_scatter(values[i], whole, places[i].first, places[i].second));
                         return Arrays{sum_of_parts({}, parts)};
                       },
                   .reference =
                       [=](const std::vector<Plain>& values) {
                         Plain sum = filled(shape, [](const Index&) { return 0.0; });
                         for (size_t i = 0; i < values.size(); ++i)
                           sum = written(sum, values[i], window_at(places[i].first, places[i].second), true);
                         return sum;
                       }});
  };
  add_sum({4, 3}, {{{0, 0}, {1, 1}}, {{1, 0}, {1, 1}}, {{3, 0}, {1, 1}}}, {{1, 3}, {2, 3}, {1, 3}});
  add_sum({4, 3}, {{{0, 0}, {1, 1}}, {{2, 1}, {-1, 1}}}, {{1, 3}, {2, 2}});
  add_sum({5}, {{{0}, {2}}, {{3}, {-2}}}, {{3}, {2}});
  add_sum({4, 4}, {{{0, 0}, {1, 1}}, {{2, 2}, {1, 1}}, {{0, 2}, {1, 1}}}, {{2, 2}, {2, 2}, {2, 2}});
  add_sum({5, 2}, {{{0, 0}, {1, 1}}, {{1, 0}, {1, 1}}, {{2, 0}, {1, 1}}}, {{3, 2}, {3, 2}, {3, 2}});
  add_sum({6}, {{{0}, {2}}, {{0}, {3}}}, {{3}, {2}});
  out.push_back({.op = "add_windows",
                 .inputs = {uniform({5, 4}), uniform({4}, -1, 1, 2)},
                 .call =
                     [](const Arrays& x) {
                       Array y = x[0];
                       y.add(-2, x[1]);
                       return Arrays{y};
                     },
                 .reference =
                     [](const std::vector<Plain>& x) {
                       return written(
                           x[0], x[1],
                           [](const Index& at) {
                             return Index{3, at[0]};
                           },
                           true);
                     }});
  out.push_back({.op = "add_windows",  // an array read as a whole and in overlapping parts
                 .inputs = {uniform({5, 3}), uniform({5, 3}, -1, 1, 2), uniform({3, 3}, -1, 1, 3)},
                 .call =
                     [](const Arrays& x) {
                       const auto f = [&](const Arrays& in) { return Arrays{in[0] * x[1], in[0][slice(0, 3)] + in[0][slice(2, 5)]}; };
                       return tests::pull_back(f, {x[0]}, {x[1], x[2]});
                     },
                 .reference =
                     [=](const std::vector<Plain>& x) {
                       Plain sum = x[1];
                       for (double& value : sum.values) value *= value;
                       sum = written(sum, x[2], window_at({0, 0}, {1, 1}), true);
                       return written(sum, x[2], window_at({2, 0}, {1, 1}), true);
                     }});
  out.push_back({.op = "dynamic_slice",
                 .inputs = {uniform({5, 6}), array({1, 2})},
                 .call = [](const Arrays& x) { return Arrays{dynamic_slice(x[0], x[1], {3, 2})}; },
                 .reference = moved({3, 2}, [](const Index& at) { return Index{1 + at[0], 2 + at[1]}; })});
  out.push_back({.op = "dynamic_update_slice",
                 .inputs = {uniform({5, 6}), uniform({3, 2}, -1, 1, 2), array({1, 2})},
                 .call = [](const Arrays& x) { return Arrays{dynamic_update_slice(x[0], x[1], x[2])}; },
                 .reference =
                     [](const std::vector<Plain>& x) {
                       return written(x[0], x[1], [](const Index& at) { return Index{1 + at[0], 2 + at[1]}; });
                     }});
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
                 .call = [](const Arrays& x) { return Arrays{concatenate({x[1], x[0], x[1]}, 1), stack({x[0], 2 * x[0]}, -1)}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({2, 5, 3}, [&](const Index& at) {
                     return at[1] == 2 ? x[0][{at[0], 0, at[2]}] : x[1][{at[0], at[1] < 2 ? at[1] : at[1] - 3, at[2]}];
                   });
                 }});
  out.push_back(of("concatenate", {3, 4}, [](const Array& x) { return roll(x, {1, -1}, {0, 1}); },
                   moved({3, 4}, [](const Index& at) { return Index{(at[0] + 2) % 3, (at[1] + 1) % 4}; })));
  for (const PadMode mode : {PadMode::edge, PadMode::reflect, PadMode::symmetric, PadMode::wrap})
    out.push_back(of("gather", {4, 3}, [mode](const Array& x) { return pad(x, {{1, 2}, {2, 0}}, mode); }));
  out.push_back(of("slice_update", {4, 3}, [](const Array& x) { return pad(x, {{1, 2}, {2, 0}}, 0.5); },
                   moved({7, 5}, [](const Index& at) {
                     const bool is_inside = at[0] >= 1 && at[0] < 5 && at[1] >= 2;
                     return is_inside ? Index{at[0] - 1, at[1] - 2} : Index{};
                   }, 0.5)));
}

int64_t integer(const Plain& x, const Index& at) { return static_cast<int64_t>(x[at]); }

void add_gathers(Samples& out) {
  out.push_back({.op = "gather",
                 .inputs = {uniform({5, 3}), array({4, 0, 0, -1})},
                 .call = [](const Arrays& x) { return Arrays{take(x[0], x[1], 0)}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({4, 3}, [&](const Index& at) { return x[0][{(integer(x[1], {at[0]}) + 5) % 5, at[1]}]; });
                 }});
  out.push_back({.op = "gather",
                 .inputs = {uniform({2, 5, 3}), laws::integers({2, 2}, 0, 5), laws::integers({2}, 0, 3)},
                 .call = [](const Arrays& x) { return Arrays{take(x[0], x[1], 1), x[0][{slice(), x[1], x[2]}]}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({2, 2, 2, 3}, [&](const Index& at) { return x[0][{at[0], integer(x[1], {at[1], at[2]}), at[3]}]; });
                 }});
  out.push_back({.op = "gather",
                 .inputs = {uniform({5, 3}), zeros({0}, int64)},
                 .call = [](const Arrays& x) { return Arrays{take(x[0], x[1], 0)}; },
                 .reference = [](const std::vector<Plain>&) { return Plain{{0, 3}, {}}; }});
  out.push_back({.op = "embedding",
                 .inputs = {uniform({5, 3}), laws::integers({2, 4}, 0, 5)},
                 .call = [](const Arrays& x) { return Arrays{embedding(x[0], x[1])}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({2, 4, 3}, [&](const Index& at) { return x[0][{integer(x[1], {at[0], at[1]}), at[2]}]; });
                 }});
  out.push_back({.op = "gather_along",
                 .inputs = {uniform({5, 3}), laws::integers({2, 3}, 0, 5)},
                 .call = [](const Arrays& x) { return Arrays{take_along_axis(x[0], x[1], 0), gather(x[0], x[1], 0)}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({2, 3}, [&](const Index& at) { return x[0][{integer(x[1], at), at[1]}]; });
                 }});
}

void add_scatters(Samples& out) {
  // Of whole rows by a list of positions, and of single elements by positions along axis 0.
  const auto by_rows = [](bool adds) {
    return [adds](const std::vector<Plain>& x) {
      return written(x[0], x[2], [&](const Index& at) { return Index{integer(x[1], {at[0]}), at[1]}; }, adds);
    };
  };
  const auto by_elements = [](bool adds) {
    return [adds](const std::vector<Plain>& x) {
      return written(x[0], x[2], [&](const Index& at) { return Index{integer(x[1], at), at[1]}; }, adds);
    };
  };
  out.push_back({.op = "scatter",
                 .inputs = {uniform({5, 3}), array({4, 0, 2}), uniform({3, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{index_copy(x[0], x[1], x[2], 0)}; },
                 .reference = by_rows(false)});
  out.push_back({.op = "scatter",  // a place written twice keeps the last
                 .inputs = {uniform({5, 3}), array({4, 0, 4}), uniform({3, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{index_copy(x[0], x[1], x[2], 0)}; },
                 .reference = by_rows(false)});
  out.push_back({.op = "scatter_add",
                 .inputs = {uniform({5, 3}), array({4, 0, 4}), uniform({3, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{index_add(x[0], x[1], x[2], 0)}; },
                 .reference = by_rows(true)});
  out.push_back({.op = "scatter_add",
                 .inputs = {uniform({5, 3}), zeros({0}, int64), uniform({0, 3})},
                 .call = [](const Arrays& x) { return Arrays{index_add(x[0], x[1], x[2], 0)}; },
                 .reference = by_rows(true)});
  out.push_back({.op = "scatter_add",
                 .inputs = {uniform({5, 3}), laws::integers({2, 4}, 0, 5), uniform({2, 4, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) {
                   return tests::pull_back([&](const Arrays& table) { return Arrays{embedding(table[0], x[1])}; }, {x[0]}, {x[2]});
                 },
                 .reference = [](const std::vector<Plain>& x) {
                   return written(each(x[0], [](double) { return 0; }), x[2],
                                  [&](const Index& at) { return Index{integer(x[1], {at[0], at[1]}), at[2]}; }, true);
                 }});
  out.push_back({.op = "last_rows",  // of three sets of one row, and of one element of a matrix
                 .inputs = {uniform({2, 3}), uniform({3, 3}, -1, 1, 2)},
                 .call =
                     [](const Arrays& x) {
                       const auto f = [](const Arrays& in) { return Arrays{index_copy(in[0], array({1, -1, 0}), in[1], 0)}; };
                       return tests::pull_back(f, x, {broadcast_to(array({{1.0}, {2.0}}), {2, 3})});
                     },
                 .reference = [](const std::vector<Plain>& x) { return each(x[0], [](double) { return 0; }); }});
  out.push_back({.op = "last_rows",
                 .inputs = {laws::integers({7}, 0, 3)},
                 .call =
                     [](const Arrays& x) {
                       const auto f = [&](const Arrays& v) { return Arrays{index_copy(zeros({200, 2}, float64), x[0], v[0], 0)}; };
                       return tests::pull_back(f, {ones({7, 2}, float64)}, {ones({200, 2}, float64)});
                     },
                 .reference =
                     [](const std::vector<Plain>& x) {
                       return filled({7, 2}, [&](const Index& at) {
                         bool is_last = true;
                         for (int64_t i = at[0] + 1; i < 7; ++i) is_last &= integer(x[0], {i}) != integer(x[0], {at[0]});
                         return is_last ? 1.0 : 0.0;
                       });
                     },
                 .orders = 0});
  out.push_back({.op = "last_along",
                 .inputs = {uniform({2, 2}), array({{0, 1}, {0, 0}, {1, 1}}), uniform({3, 2}, -1, 1, 2)},
                 .call =
                     [](const Arrays& x) {
                       const auto f = [&](const Arrays& in) { return Arrays{scatter(in[0], x[1], in[1], 0)}; };
                       const Arrays changes = tests::pull_back(f, {x[0], x[2]}, {ones({2, 2}, float64)});
                       return Arrays{changes[1] + 0.0 * x[2], changes[0] + 0.0 * x[0]};
                     },
                 .reference = [](const std::vector<Plain>&) { return Plain{{3, 2}, {0, 0, 1, 1, 1, 1}}; },
                 .takes_specials = false});
  out.push_back({.op = "scatter_along",
                 .inputs = {uniform({5, 3}), array({{0, 1, 2}, {3, 4, 0}}), uniform({2, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{scatter(x[0], x[1], x[2], 0)}; },
                 .reference = by_elements(false)});
  out.push_back({.op = "scatter_add_along",
                 .inputs = {uniform({5, 3}), laws::integers({4, 3}, 0, 5), uniform({4, 3}, -1, 1, 2)},
                 .call = [](const Arrays& x) { return Arrays{scatter_add(x[0], x[1], x[2], 0)}; },
                 .reference = by_elements(true)});
  out.push_back({.op = "unravel_index",
                 .inputs = {laws::integers({2, 3}, 0, 20)},
                 .call = [](const Arrays& x) { return Arrays{unravel_index(x[0], {4, 5})}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({2, 3, 2}, [&](const Index& at) {
                     const auto flat = integer(x[0], {at[0], at[1]});
                     return at[2] ? flat % 5 : flat / 5;
                   });
                 },
                 .orders = 0});
  out.push_back({.op = "one_hot",
                 .inputs = {laws::integers({2, 3}, 0, 4)},
                 .call = [](const Arrays& x) { return Arrays{one_hot(x[0], 4)}; },
                 .reference = [](const std::vector<Plain>& x) {
                   return filled({2, 3, 4}, [&](const Index& at) { return at[2] == integer(x[0], {at[0], at[1]}); });
                 },
                 .orders = 0});
}

}  // namespace

Samples shape_samples() {
  Samples out;
  add_views(out);
  add_updates(out);
  add_gathers(out);
  add_scatters(out);
  return out;
}

}  // namespace laws
