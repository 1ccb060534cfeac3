// Samples large enough that kernels work in blocks and on several threads. Numbers are multiples of 1/64, so that sums are exact in double
// and plain loops give the very same.
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

Array sixty_fourths(const Shape& shape, unsigned seed = 1) { return (laws::integers(shape, -96, 96, seed).astype(float64) / 64.0).eval(); }

Sample of(std::string_view op, Arrays inputs, ListFunction call, Reference reference = {}) {
  return {
      .op = op, .inputs = std::move(inputs), .call = std::move(call), .reference = std::move(reference), .orders = 1, .narrowest = float32};
}
Line running(Line v) {
  for (size_t i = 1; i < v.size(); ++i) v[i] += v[i - 1];
  return v;
}
void add_elementwise(Samples& out) {
  out.push_back(of(
      "add", {sixty_fourths({400, 350}), sixty_fourths({350}, 2)}, [](const Arrays& in) { return Arrays{tanh(in[0]) * in[1] + in[0]}; },
      [](const std::vector<Plain>& in) {
        return filled({400, 350}, [&](const Index& at) { return std::tanh(in[0][at]) * in[1][{at[1]}] + in[0][at]; });
      }));
  out.push_back(of(
      "contiguous", {sixty_fourths({400, 350})}, [](const Arrays& in) { return Arrays{contiguous(transpose(in[0]))}; },
      [](const std::vector<Plain>& in) {
        return filled({350, 400}, [&](const Index& at) { return in[0][{at[1], at[0]}]; });
      }));
  out.push_back(of("concatenate", {sixty_fourths({300, 350}), sixty_fourths({200, 350}, 2)},
                   [](const Arrays& in) { return Arrays{concatenate(in, 0), concatenate({in[1], in[1]}, 1)}; }));
  out.push_back(of("slice_update", {sixty_fourths({400, 350}), sixty_fourths({200, 300}, 2)},
                   [](const Arrays& in) { return Arrays{slice_update(in[0], in[1], Dims{1, 7}, Dims{2, 1})}; }));
}

void add_reductions(Samples& out) {
  const Array x = sixty_fourths({400, 350});
  for (const int64_t axis : {0, 1}) {
    out.push_back(of("sum", {x}, [axis](const Arrays& in) { return Arrays{sum(in[0], axis), sum(in[0])}; },
                     [axis](const std::vector<Plain>& in) { return reduced(in[0], axis, total); }));
    out.push_back(of("mean", {x}, [axis](const Arrays& in) { return Arrays{mean(in[0], axis), var(in[0], axis), logsumexp(in[0], axis)}; },
                     [axis](const std::vector<Plain>& in) {
                       return reduced(in[0], axis, average);
                     }));
    out.push_back(of("max", {x}, [axis](const Arrays& in) { return Arrays{max(in[0], axis), max(in[0]), min(in[0])}; },
                     [axis](const std::vector<Plain>& in) { return reduced(in[0], axis, largest); }));
    out.back().is_smooth = false;  // ties
    out.push_back(of("argmax", {x}, [axis](const Arrays& in) { return Arrays{argmax(in[0], axis), argmin(in[0])}; },
                     [axis](const std::vector<Plain>& in) { return reduced(in[0], axis, position<true>); }));
    out.back().orders = 0;
    out.push_back(of("cumsum", {x}, [axis](const Arrays& in) { return Arrays{cumsum(in[0], axis)}; },
                     [axis](const std::vector<Plain>& in) { return along(in[0], axis, running); }));
    out.push_back(of("argsort", {x}, [axis](const Arrays& in) { return Arrays{sort(in[0], axis), argsort(in[0], axis)}; },
                     [axis](const std::vector<Plain>& in) { return along(in[0], axis, sorted); }));
    out.back().is_smooth = false;
    out.push_back(of("softmax", {x}, [axis](const Arrays& in) { return Arrays{softmax(in[0], axis), log_softmax(in[0], axis)}; },
                     [axis](const std::vector<Plain>& in) { return along(in[0], axis, plain_softmax); }));
  }
  out.push_back(of("sum", {sixty_fourths({140000})}, [](const Arrays& in) { return Arrays{sum(in[0]), mean(in[0])}; },
                   [](const std::vector<Plain>& in) { return reduced(in[0], 0, total); }));
  out.push_back(of("sum", {sixty_fourths({30, 70, 60})}, [](const Arrays& in) { return Arrays{sum(in[0], 1), sum(in[0], {0, 2})}; },
                   [](const std::vector<Plain>& in) { return reduced(in[0], 1, total); }));
}

void add_norms(Samples& out) {
  const Array x = sixty_fourths({600, 230}), weight = uniform({230}, 0.5, 1.5, 2), bias = uniform({230}, -1, 1, 3);
  out.push_back(of(
      "layer_norm", {x, weight, bias}, [](const Arrays& in) { return Arrays{layer_norm(in[0], in[1], in[2])}; },
      [](const std::vector<Plain>& in) {
        return each_pair(each_pair(along(in[0], 1, [](Line v) { return standardized(std::move(v)); }), in[1], std::multiplies<double>()),
                         in[2], std::plus<double>());
      }));
  out.push_back(of("rms_norm", {x, weight}, [](const Arrays& in) { return Arrays{rms_norm(in[0], in[1])}; }));
  out.push_back(of(
      "batch_norm", {x, weight, bias},
      [](const Arrays& in) {
        const auto [y, mean, var] = batch_norm(in[0], in[1], in[2]);
        return Arrays{y, mean, var};
      },
      [](const std::vector<Plain>& in) {
        return each_pair(each_pair(along(in[0], 0, [](Line v) { return standardized(std::move(v)); }), in[1], std::multiplies<double>()),
                         in[2], std::plus<double>());
      }));
  out.push_back(of("softmax_cross_entropy", {sixty_fourths({3000, 20}), laws::integers({3000}, 0, 20)},
                   [](const Arrays& in) { return Arrays{softmax_cross_entropy(in[0], in[1])}; }));
}

void add_indices(Samples& out) {
  const Array x = sixty_fourths({90, 40}), rows = laws::integers({4000}, 0, 90);
  out.push_back(of("gather", {x, rows}, [](const Arrays& in) { return Arrays{take(in[0], in[1], 0), embedding(in[0], in[1])}; },
                   [](const std::vector<Plain>& in) {
                     return filled({4000, 40}, [&](const Index& at) { return in[0][{static_cast<int64_t>(in[1][{at[0]}]), at[1]}]; });
                   }));
  out.push_back(of(
      "scatter_add", {x, rows, sixty_fourths({4000, 40}, 2)}, [](const Arrays& in) { return Arrays{index_add(in[0], in[1], in[2], 0)}; },
      [](const std::vector<Plain>& in) {
        Plain sums = in[0];
        for_each_index(in[2].shape, [&](const Index& at) { sums[{static_cast<int64_t>(in[1][{at[0]}]), at[1]}] += in[2][at]; });
        return sums;
      }));
  out.push_back(of("scatter_add_along", {x, laws::integers({4000, 40}, 0, 90), sixty_fourths({4000, 40}, 2)},
                   [](const Arrays& in) { return Arrays{scatter_add(in[0], in[1], in[2], 0), take_along_axis(in[0], in[1], 0)}; },
                   [](const std::vector<Plain>& in) {
                     Plain sums = in[0];
                     for_each_index(in[2].shape, [&](const Index& at) { sums[{static_cast<int64_t>(in[1][at]), at[1]}] += in[2][at]; });
                     return sums;
                   }));
  out.push_back(of("searchsorted", {sort(sixty_fourths({50})).eval(), sixty_fourths({300, 40}, 2)},
                   [](const Arrays& in) { return Arrays{searchsorted(in[0], in[1])}; }));
  out.back().orders = 0;
}

void add_products(Samples& out) {
  out.push_back(of(
      "matmul", {sixty_fourths({150, 130}), sixty_fourths({130, 170}, 2)}, [](const Arrays& in) { return Arrays{matmul(in[0], in[1])}; },
      [](const std::vector<Plain>& in) {
        return filled({150, 170}, [&](const Index& at) {
          double sum = 0;
          for (int64_t k = 0; k < 130; ++k) sum += in[0][{at[0], k}] * in[1][{k, at[1]}];
          return sum;
        });
      }));
  for (const int64_t channels : {1, 3, 8})
    out.push_back(of("conv", {sixty_fourths({2, 24, 24, channels}), sixty_fourths({3, 3, channels, 8}, 2)},
                     [](const Arrays& in) { return Arrays{conv2d(in[0], in[1], {.padding = same})}; },
                     [channels](const std::vector<Plain>& in) {
                       return filled({2, 24, 24, 8}, [&](const Index& at) {
                         double sum = 0;
                         for_each_index({3, 3, channels}, [&](const Index& tap) {
                           const int64_t row = at[1] + tap[0] - 1, column = at[2] + tap[1] - 1;
                           if (row < 0 || row > 23 || column < 0 || column > 23) return;
                           sum += in[0][{at[0], row, column, tap[2]}] * in[1][{tap[0], tap[1], tap[2], at[3]}];
                         });
                         return sum;
                       });
                     }));
  for (Sample& sample : out)
    if (sample.op == "matmul" || sample.op == "conv") sample.same_bits = sample.takes_specials = false;
}

void add_pools_and_draws(Samples& out) {
  out.push_back(of("max_pool", {sixty_fourths({3, 60, 60, 8})},
                   [](const Arrays& in) { return Arrays{max_pool2d(in[0], 3, {.strides = 2, .padding = 1})}; }));
  out.back().is_smooth = false;
  out.push_back(of("average_pool", {sixty_fourths({3, 60, 60, 8})},
                   [](const Arrays& in) { return Arrays{average_pool2d(in[0], 3, {.strides = 2, .padding = 1})}; }));
  const Array key = random::key(11).array();
  const auto key_in = [](const Arrays& in) { return random::Key::from_array(in[0]); };
  out.push_back(of("random_normal", {key}, [=](const Arrays& in) {
    return Arrays{random::normal(key_in(in), {300, 400}), random::uniform(key_in(in), {300, 400}),
                  random::integers(key_in(in), {300, 400}, 0, 1000)};
  }));
  out.back().orders = 0;
  out.push_back(of("dropout", {sixty_fourths({400, 350}), key},
                   [](const Arrays& in) { return Arrays{dropout(in[0], 0.3, random::Key::from_array(in[1]))}; }));
}

}  // namespace

Samples big_samples() {
  Samples out;
  add_elementwise(out);
  add_reductions(out);
  add_norms(out);
  add_indices(out);
  add_products(out);
  add_pools_and_draws(out);
  return out;
}

}  // namespace laws
