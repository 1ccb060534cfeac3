// Samples of convolution, pooling, normalisation, softmax and cross-entropy.
#include <cmath>

#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

// Channels last, no padding, no groups: by its definition.
Plain convolution(const Plain& x, const Plain& w, int64_t stride, int64_t dilation) {
  const int64_t n = x.shape[0], h = x.shape[1], v = x.shape[2], c = x.shape[3], kh = w.shape[0], kw = w.shape[1], o = w.shape[3];
  const int64_t oh = (h - dilation * (kh - 1) - 1) / stride + 1, ov = (v - dilation * (kw - 1) - 1) / stride + 1;
  Plain out{{n, oh, ov, o}, {}};
  for (int64_t b = 0; b < n; ++b)
    for (int64_t i = 0; i < oh; ++i)
      for (int64_t j = 0; j < ov; ++j)
        for (int64_t k = 0; k < o; ++k) {
          double sum = 0;
          for (int64_t p = 0; p < kh; ++p)
            for (int64_t q = 0; q < kw; ++q)
              for (int64_t m = 0; m < c; ++m)
                sum += x.values[static_cast<size_t>(((b * h + i * stride + p * dilation) * v + j * stride + q * dilation) * c + m)] *
                       w.values[static_cast<size_t>(((p * kw + q) * c + m) * o + k)];
          out.values.push_back(sum);
        }
  return out;
}
Sample conv_of(const Shape& x, const Shape& w, const Conv2DOptions& options, Reference reference = {}) {
  return {.op = "conv",
          .inputs = {uniform(x), uniform(w, -1, 1, 2)},
          .call = [options](const Arrays& in) { return Arrays{conv2d(in[0], in[1], options)}; },
          .reference = std::move(reference),
          .same_bits = false};
}
Plain by_rows(const Plain& x, const std::function<std::vector<double>(std::vector<double>)>& f) {
  const auto width = static_cast<size_t>(x.shape.back());
  Plain out{x.shape, {}};
  for (size_t i = 0; i < x.values.size(); i += width)
    for (const double value : f({x.values.begin() + static_cast<ptrdiff_t>(i), x.values.begin() + static_cast<ptrdiff_t>(i + width)}))
      out.values.push_back(value);
  return out;
}
std::vector<double> plain_softmax(std::vector<double> v) {
  double total = 0;
  for (double& x : v) total += x = std::exp(x);
  for (double& x : v) x /= total;
  return v;
}
std::vector<double> standardized(std::vector<double> v) {
  double m = 0, s = 0;
  for (const double x : v) m += x / static_cast<double>(v.size());
  for (const double x : v) s += (x - m) * (x - m) / static_cast<double>(v.size());
  for (double& x : v) x = (x - m) / std::sqrt(s + 1e-5);
  return v;
}

void add_convolutions(Samples& out) {
  out.push_back(conv_of({2, 5, 6, 3}, {3, 2, 3, 4}, {}, [](const auto& in) { return convolution(in[0], in[1], 1, 1); }));
  out.push_back(conv_of({1, 7, 8, 2}, {3, 3, 2, 5}, {.strides = 2, .dilation = 2}, [](const auto& in) { return convolution(in[0], in[1], 2, 2); }));
  out.push_back(conv_of({2, 5, 5, 1}, {3, 3, 1, 4}, {}, [](const auto& in) { return convolution(in[0], in[1], 1, 1); }));
  out.push_back(conv_of({1, 1, 1, 1}, {1, 1, 1, 1}, {}, [](const auto& in) { return convolution(in[0], in[1], 1, 1); }));
  out.push_back(conv_of({0, 5, 5, 2}, {3, 3, 2, 4}, {}, [](const auto& in) { return convolution(in[0], in[1], 1, 1); }));
  out.push_back(conv_of({2, 5, 5, 4}, {3, 3, 2, 6}, {.padding = same, .groups = 2}));
  out.push_back(conv_of({2, 4, 5, 3}, {3, 2, 1, 3}, {.strides = {2, 1}, .padding = {{0, 2}, {1, 0}}, .groups = 3}));
  const ListFunction conv = [](const Arrays& in) { return Arrays{conv2d(in[0], in[1], {.strides = 2, .padding = 1})}; };
  for (const std::string_view op : {"conv_input_gradient", "conv_weight_gradient"})
    out.push_back({.op = op,
                   .inputs = {uniform({2, 5, 5, 2}), uniform({3, 3, 2, 3}, -1, 1, 2), uniform({2, 3, 3, 3}, -1, 1, 3)},
                   .call = pulled(conv),
                   .same_bits = false});
  out.push_back({.op = "conv_input_gradient",
                 .inputs = {uniform({2, 3, 4, 3}), uniform({3, 2, 2, 3}, -1, 1, 2)},
                 .call = [](const Arrays& in) { return Arrays{conv_transpose2d(in[0], in[1], {.strides = 2, .padding = 1, .output_padding = 1})}; },
                 .same_bits = false});
  out.push_back({.op = "conv",
                 .inputs = {uniform({2, 6, 3}), uniform({3, 3, 2}, -1, 1, 2)},
                 .call = [](const Arrays& in) { return Arrays{conv1d(in[0], in[1], {.padding = same})}; },
                 .same_bits = false});
}

void add_pooling(Samples& out) {
  const Array x = distinct({2, 5, 6, 3}, 0.02);
  out.push_back({.op = "max_pool", .inputs = {x}, .call = [](const Arrays& in) { return Arrays{max_pool2d(in[0], 2)}; }});
  out.push_back({.op = "max_pool",
                 .inputs = {x},
                 .call = [](const Arrays& in) { return Arrays{max_pool2d(in[0], {3, 2}, {.strides = 1, .padding = 1})}; }});
  out.push_back({.op = "max_pool",
                 .inputs = {distinct({1, 2, 2, 1})},
                 .call = [](const Arrays& in) { return Arrays{max_pool2d(in[0], 2)}; },
                 .reference = [](const auto& in) { return Plain{{1, 1, 1, 1}, {*std::max_element(in[0].values.begin(), in[0].values.end())}}; }});
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
                 .call = [](const Arrays& in) { return Arrays{average_pool2d(in[0], 2), average_pool2d(in[0], 3, {.strides = 2, .padding = 1})}; }});
  out.push_back({.op = "average_pool_gradient",
                 .inputs = {x, uniform({2, 2, 3, 3}, -1, 1, 2)},
                 .call = pulled([](const Arrays& in) { return Arrays{average_pool2d(in[0], 2)}; })});
}

void add_normalisation(Samples& out) {
  const Array x = uniform({3, 2, 5}), weight = uniform({5}, 0.5, 1.5, 2), bias = uniform({5}, -1, 1, 3);
  for (const int64_t axis : {2, 1, 0}) {
    out.push_back({.op = "softmax", .inputs = {x}, .call = [axis](const Arrays& in) { return Arrays{softmax(in[0], axis)}; }});
    out.push_back({.op = "log_softmax", .inputs = {x}, .call = [axis](const Arrays& in) { return Arrays{log_softmax(in[0], axis)}; }});
    if (axis != 2) continue;
    out[out.size() - 2].reference = [](const auto& in) { return by_rows(in[0], plain_softmax); };
    out.back().reference = [](const auto& in) {
      return by_rows(in[0], [](std::vector<double> v) {
        v = plain_softmax(v);
        for (double& p : v) p = std::log(p);
        return v;
      });
    };
  }
  out.push_back({.op = "softmax", .inputs = {uniform({0, 4})}, .call = [](const Arrays& in) { return Arrays{softmax(in[0])}; },
                 .reference = [](const auto& in) { return in[0]; }});
  const auto of = [](Array (*f)(const Array&)) { return [f](const Arrays& in) { return Arrays{f(in[0])}; }; };
  out.push_back({.op = "softmax_backward", .inputs = {x, uniform(x.shape(), -1, 1, 4)}, .call = pulled(of(softmax))});
  out.push_back({.op = "log_softmax_backward", .inputs = {x, uniform(x.shape(), -1, 1, 4)}, .call = pulled(of(log_softmax))});
  out.push_back({.op = "layer_norm", .inputs = {x}, .call = of(layer_norm), .reference = [](const auto& in) { return by_rows(in[0], standardized); }, .tolerance = 1e-5});
  const ListFunction affine = [](const Arrays& in) { return Arrays{layer_norm(in[0], in[1], in[2])}; };
  out.push_back({.op = "layer_norm", .inputs = {x, weight, bias}, .call = affine, .tolerance = 1e-5});
  out.push_back({.op = "layer_norm_backward", .inputs = {x, weight, bias, uniform(x.shape(), -1, 1, 4)}, .call = pulled(affine), .tolerance = 1e-5});
  const ListFunction rms = [](const Arrays& in) { return Arrays{rms_norm(in[0], in[1])}; };
  out.push_back({.op = "rms_norm", .inputs = {x, weight}, .call = rms, .tolerance = 1e-5});
  out.push_back({.op = "rms_norm_backward", .inputs = {x, weight, uniform(x.shape(), -1, 1, 4)}, .call = pulled(rms), .tolerance = 1e-5});
  const ListFunction batch = [](const Arrays& in) {
    const auto [y, mean, var] = batch_norm(in[0], in[1], in[2]);
    return Arrays{y, mean, var};
  };
  out.push_back({.op = "batch_norm", .inputs = {x, weight, bias}, .call = batch, .tolerance = 1e-5});
  out.push_back({.op = "batch_norm_backward",
                 .inputs = {x, weight, bias, uniform(x.shape(), -1, 1, 4)},
                 .call = pulled([](const Arrays& in) { return Arrays{batch_norm(in[0], in[1], in[2]).y}; }),
                 .tolerance = 1e-5});
}

void add_cross_entropy(Samples& out) {
  const Array logits = uniform({4, 5}), labels = laws::integers({4}, 0, 5);
  const ListFunction sparse = [](const Arrays& in) { return Arrays{softmax_cross_entropy(in[0], in[1], {.label_smoothing = 0.1})}; };
  out.push_back({.op = "softmax_cross_entropy", .inputs = {logits, labels}, .call = sparse});
  out.push_back({.op = "softmax_cross_entropy_backward",
                 .inputs = {logits, uniform({4}, -1, 1, 2)},
                 .call = pulled([labels](const Arrays& in) { return Arrays{softmax_cross_entropy(in[0], labels)}; })});
  out.push_back({.op = "log_softmax",
                 .inputs = {logits, softmax(uniform({4, 5}, -1, 1, 2)).eval()},
                 .call = [](const Arrays& in) { return Arrays{softmax_cross_entropy_with_probabilities(in[0], in[1])}; }});
}

}  // namespace

Samples conv_samples() {
  Samples out;
  add_convolutions(out);
  add_pooling(out);
  add_normalisation(out);
  add_cross_entropy(out);
  return out;
}

}  // namespace laws
