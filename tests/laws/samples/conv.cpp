// Samples of convolution and pooling.
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

// Windows of one spatial axis.
struct Taps {
  int64_t stride = 1, before = 0, after = 0, dilation = 1;
  int64_t count(int64_t size, int64_t kernel) const { return (size + before + after - dilation * (kernel - 1) - 1) / stride + 1; }
  int64_t place(int64_t window, int64_t tap) const { return window * stride - before + tap * dilation; }  // in the image, or outside
};
struct Plain2D {
  Taps rows{}, columns{};
  int64_t groups = 1;
};

// y[n, i, j, k] = sum over p, q, m of x[n, row of (i, p), column of (j, q), channel m of k's group] w[p, q, m, k]
Plain convolution(const Plain& x, const Plain& w, const Plain2D& a) {
  const int64_t outputs = w.shape[3] / a.groups;
  return filled({x.shape[0], a.rows.count(x.shape[1], w.shape[0]), a.columns.count(x.shape[2], w.shape[1]), w.shape[3]}, [&](const Index&
                                                                                                                                 at) {
    double sum = 0;
    for_each_index({w.shape[0], w.shape[1], w.shape[2]}, [&](const Index& tap) {
      const int64_t row = a.rows.place(at[1], tap[0]), column = a.columns.place(at[2], tap[1]);
      if (row < 0 || row >= x.shape[1] || column < 0 || column >= x.shape[2]) return;
      sum += x[{at[0], row, column, at[3] / outputs * w.shape[2] + tap[2]}] * w[{tap[0], tap[1], tap[2], at[3]}];
    });
    return sum;
  });
}
// dx, by going through the same products: x only gives its shape.
Plain input_gradient(const Plain& x, const Plain& w, const Plain& dy, const Plain2D& a) {
  Plain out{x.shape, std::vector<double>(x.values.size(), 0.0)};
  for_each_index(dy.shape, [&](const Index& at) {
    for_each_index({w.shape[0], w.shape[1], w.shape[2]}, [&](const Index& tap) {
      const int64_t row = a.rows.place(at[1], tap[0]), column = a.columns.place(at[2], tap[1]);
      if (row < 0 || row >= x.shape[1] || column < 0 || column >= x.shape[2]) return;
      out[{at[0], row, column, tap[2]}] += dy[at] * w[{tap[0], tap[1], tap[2], at[3]}];
    });
  });
  return out;
}
// Elements of a window and channel that lie in the image, handed to f as a list.
template <class F>
Plain pooled(const Plain& x, int64_t height, int64_t width, const Plain2D& a, const F& f) {
  return filled({x.shape[0], a.rows.count(x.shape[1], height), a.columns.count(x.shape[2], width), x.shape[3]}, [&](const Index& at) {
    std::vector<double> elements;
    for_each_index({height, width}, [&](const Index& tap) {
      const int64_t row = a.rows.place(at[1], tap[0]), column = a.columns.place(at[2], tap[1]);
      if (row >= 0 && row < x.shape[1] && column >= 0 && column < x.shape[2]) elements.push_back(x[{at[0], row, column, at[3]}]);
    });
    return f(elements);
  });
}
// A call of conv2d and the same in plain loops.
Sample conv_of(const Shape& x, const Shape& w, const Conv2DOptions& options, const Plain2D& plain) {
  return {.op = "conv",
          .inputs = {uniform(x), uniform(w, -1, 1, 2)},
          .call = [options](const Arrays& in) { return Arrays{conv2d(in[0], in[1], options)}; },
          .reference = [plain](const std::vector<Plain>& in) { return convolution(in[0], in[1], plain); },
          .same_bits = false};
}

// As mixed_matmul (linalg.cpp).
Sample mixed_of(Sample sample, std::string_view op) {
  sample.op = op;
  for (unsigned i = 0; i < sample.inputs.size(); ++i) sample.inputs[i] = eighths(sample.inputs[i].shape(), i + 1);
  sample.call = mixed(sample.call);
  sample.is_smooth = false;
  sample.sums = float32;
  sample.mode_tolerance = 0.05;
  sample.takes_specials = false;  // oneDNN multiplies channels of neighbouring pixels by padded zeros
  return sample;
}

void add_convolutions(Samples& out) {
  out.push_back(conv_of({2, 5, 6, 3}, {3, 2, 3, 4}, {}, {}));
  out.push_back(
      conv_of({1, 7, 8, 2}, {3, 3, 2, 5}, {.strides = 2, .dilation = 2}, {{.stride = 2, .dilation = 2}, {.stride = 2, .dilation = 2}}));
  out.push_back(conv_of({2, 5, 5, 1}, {3, 3, 1, 4}, {}, {}));
  out.push_back(conv_of({1, 1, 1, 1}, {1, 1, 1, 1}, {}, {}));
  out.push_back(conv_of({0, 5, 5, 2}, {3, 3, 2, 4}, {}, {}));
  out.push_back(
      conv_of({2, 5, 5, 4}, {3, 3, 2, 6}, {.padding = same, .groups = 2}, {{.before = 1, .after = 1}, {.before = 1, .after = 1}, 2}));
  out.push_back(conv_of({2, 4, 5, 3}, {3, 2, 1, 3}, {.strides = {2, 1}, .padding = {{0, 2}, {1, 0}}, .groups = 3},
                        {{.stride = 2, .after = 2}, {.before = 1}, 3}));
  const ListFunction conv = [](const Arrays& in) { return Arrays{conv2d(in[0], in[1], {.strides = 2, .padding = 1})}; };
  for (const std::string_view op : {"conv_input_gradient", "conv_weight_gradient"})
    out.push_back({.op = op,
                   .inputs = {uniform({2, 5, 5, 2}), uniform({3, 3, 2, 3}, -1, 1, 2), uniform({2, 3, 3, 3}, -1, 1, 3)},
                   .call = pulled(conv),
                   .reference = [](const std::vector<Plain>& in) {
                     const Taps taps{.stride = 2, .before = 1, .after = 1};
                     return input_gradient(in[0], in[1], in[2], {taps, taps});
                   },
                   .same_bits = false});
  out.push_back(
      {.op = "conv_input_gradient",
       .inputs = {uniform({2, 3, 4, 3}), uniform({3, 2, 2, 3}, -1, 1, 2)},
       .call = [](const Arrays& in) { return Arrays{conv_transpose2d(in[0], in[1], {.strides = 2, .padding = 1, .output_padding = 1})}; },
       .same_bits = false});
  out.push_back({.op = "conv",
                 .inputs = {uniform({2, 6, 3}), uniform({3, 3, 2}, -1, 1, 2)},
                 .call = [](const Arrays& in) { return Arrays{conv1d(in[0], in[1], {.padding = same})}; },
                 .same_bits = false});
  for (size_t i = 0, plain = out.size(); i < plain; ++i) {
    static constexpr std::pair<std::string_view, std::string_view> names[] = {
        {"conv", "mixed_conv"}, {"conv_input_gradient", "mixed_conv_input_gradient"}, {"conv_weight_gradient", "mixed_conv_weight_gradient"}};
    for (const auto& [op, name] : names) {
      if (out[i].op == op) out.push_back(mixed_of(out[i], name));
    }
  }
}

void add_pooling(Samples& out) {
  const Array x = distinct({2, 5, 6, 3}, 0.02);
  const Plain2D halves{{.stride = 2}, {.stride = 2}};
  out.push_back({.op = "max_pool",
                 .inputs = {x},
                 .call = [](const Arrays& in) { return Arrays{max_pool2d(in[0], 2)}; },
                 .reference = [=](const std::vector<Plain>& in) { return pooled(in[0], 2, 2, halves, largest); }});
  out.push_back({.op = "max_pool",
                 .inputs = {x},
                 .call = [](const Arrays& in) { return Arrays{max_pool2d(in[0], {3, 2}, {.strides = 1, .padding = 1})}; },
                 .reference = [](const std::vector<Plain>& in) {
                   return pooled(in[0], 3, 2, {{.before = 1, .after = 1}, {.before = 1, .after = 1}}, largest);
                 }});
  out.push_back({.op = "max_pool",
                 .inputs = {distinct({1, 2, 2, 1})},
                 .call = [](const Arrays& in) { return Arrays{max_pool2d(in[0], 2)}; },
                 .reference = [=](const std::vector<Plain>& in) { return pooled(in[0], 2, 2, halves, largest); }});
  out.push_back({.op = "max_pool",
                 .inputs = {distinct({0, 4, 4, 2})},
                 .call = [](const Arrays& in) { return Arrays{max_pool2d(in[0], 2)}; },
                 .reference = [=](const std::vector<Plain>& in) { return pooled(in[0], 2, 2, halves, largest); }});
  out.push_back({.op = "gate",  // the slope of relu goes through the pooling
                 .inputs = {x, uniform({2, 2, 3, 3}, -1, 1, 2)},
                 .call = pulled([](const Arrays& in) { return Arrays{max_pool2d(relu(in[0]), 2)}; }),
                 .is_smooth = false});
  for (const std::string_view op : {"pool_put", "pool_take"}) {
    Sample sample{.op = op,
                  .inputs = {x, uniform({2, 2, 3, 3}, -1, 1, 2)},
                  .call = pulled([](const Arrays& in) { return Arrays{max_pool2d(in[0], 2)}; })};
    if (op == "pool_take") {  // recorded by the derivative of pool_put
      sample.inputs.push_back(x);
      sample.call = pulled(sample.call);
    }
    out.push_back(sample);
  }
  out.push_back({.op = "average_pool",
                 .inputs = {x},
                 .call =
                     [](const Arrays& in) {
                       return Arrays{average_pool2d(in[0], 3, {.strides = 2, .padding = 1}), average_pool2d(in[0], 2)};
                     },
                 .reference =
                     [](const std::vector<Plain>& in) {
                       const Taps taps{.stride = 2, .before = 1, .after = 1};
                       return pooled(in[0], 3, 3, {taps, taps}, average);
                     }});
  out.push_back({.op = "average_pool_gradient",
                 .inputs = {x, uniform({2, 2, 3, 3}, -1, 1, 2)},
                 .call = pulled([](const Arrays& in) { return Arrays{average_pool2d(in[0], 2)}; })});
}

}  // namespace

Samples conv_samples() {
  Samples out;
  add_convolutions(out);
  add_pooling(out);
  return out;
}

}  // namespace laws
