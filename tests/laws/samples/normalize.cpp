// Samples of softmax, normalisation and cross-entropy.
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

Plain affine_of(const Plain& x, const Plain& weight, const Plain& bias) {
  return each_pair(each_pair(x, weight, std::multiplies<double>()), bias, std::plus<double>());
}
// J^T dy of one line, where J_ij = y_i ([i = j] - y_j) (softmax), or [i = j] - e^y_j (its logarithm)
Plain softmax_pulled(const Plain& x, const Plain& dy, bool is_log) {
  const Plain p = along(x, 2, plain_softmax);
  return filled(x.shape, [&](const Index& at) {
    double sum = 0;
    for (int64_t i = 0; i < x.shape[2]; ++i) {
      const Index other{at[0], at[1], i};
      const double same = i == at[2];
      sum += dy[other] * (is_log ? same - p[at] : p[other] * (same - p[at]));
    }
    return sum;
  });
}

void add_softmax(Samples& out) {
  const Array x = uniform({3, 2, 5});
  for (const int64_t axis : {2, 1, 0}) {
    out.push_back({.op = "softmax",
                   .inputs = {x},
                   .call = [axis](const Arrays& in) { return Arrays{softmax(in[0], axis)}; },
                   .reference = [axis](const std::vector<Plain>& in) { return along(in[0], axis, plain_softmax); }});
    out.push_back({.op = "log_softmax",
                   .inputs = {x},
                   .call = [axis](const Arrays& in) { return Arrays{log_softmax(in[0], axis)}; },
                   .reference = [axis](const std::vector<Plain>& in) { return along(in[0], axis, plain_log_softmax); }});
  }
  out.push_back({.op = "softmax",
                 .inputs = {x},
                 .call = [](const Arrays& in) { return Arrays{softmin(in[0])}; },
                 .reference = [](const std::vector<Plain>& in) { return along(each(in[0], std::negate<double>()), 2, plain_softmax); }});
  for (const Shape& shape : {Shape{0, 4}, Shape{3, 0}, Shape{3, 1}, Shape{2, 300}})
    for (const bool is_log : {false, true})
      out.push_back(
          {.op = is_log ? "log_softmax" : "softmax",
           .inputs = {uniform(shape)},
           .call = [is_log](const Arrays& in) { return Arrays{is_log ? log_softmax(in[0]) : softmax(in[0])}; },
           .reference = [is_log](const std::vector<Plain>& in) { return along(in[0], 1, is_log ? plain_log_softmax : plain_softmax); }});
  for (const bool is_log : {false, true})
    out.push_back({.op = is_log ? "log_softmax_backward" : "softmax_backward",
                   .inputs = {x, uniform(x.shape(), -1, 1, 4)},
                   .call = pulled([is_log](const Arrays& in) { return Arrays{is_log ? log_softmax(in[0]) : softmax(in[0])}; }),
                   .reference = [is_log](const std::vector<Plain>& in) { return softmax_pulled(in[0], in[1], is_log); }});
}

void add_row_norms(Samples& out) {
  const Array x = uniform({3, 2, 5}), weight = uniform({5}, 0.5, 1.5, 2), bias = uniform({5}, -1, 1, 3);
  const ListFunction affine = [](const Arrays& in) { return Arrays{layer_norm(in[0], in[1], in[2])}; };
  const ListFunction rms = [](const Arrays& in) { return Arrays{rms_norm(in[0], in[1])}; };
  for (const Shape& shape : {Shape{3, 2, 5}, Shape{2, 1}, Shape{0, 4}, Shape{2, 300}})
    out.push_back({.op = "layer_norm",
                   .inputs = {uniform(shape)},
                   .call = [](const Arrays& in) { return Arrays{layer_norm(in[0])}; },
                   .reference = [](const std::vector<Plain>& in) {
                     return along(in[0], static_cast<int64_t>(in[0].shape.size()) - 1, [](Line v) { return standardized(std::move(v)); });
                   },
                   .tolerance = 1e-5});
  out.push_back({.op = "layer_norm",
                 .inputs = {x, weight, bias},
                 .call = affine,
                 .reference = [](const std::vector<Plain>& in) {
                   return affine_of(along(in[0], 2, [](Line v) { return standardized(std::move(v)); }), in[1], in[2]);
                 },
                 .tolerance = 1e-5});
  out.push_back({.op = "rms_norm",
                 .inputs = {x, weight},
                 .call = rms,
                 .reference = [](const std::vector<Plain>& in) {
                   return affine_of(along(in[0], 2, [](Line v) { return standardized(std::move(v), false, 1e-6); }), in[1], Plain{{}, {0}});
                 },
                 .tolerance = 1e-5});
  out.push_back(
      {.op = "layer_norm_backward", .inputs = {x, weight, bias, uniform(x.shape(), -1, 1, 4)}, .call = pulled(affine), .tolerance = 1e-5});
  out.push_back({.op = "layer_norm_backward",  // without weight and bias: another rule of vmap
                 .inputs = {x, uniform(x.shape(), -1, 1, 4)},
                 .call = pulled([](const Arrays& in) { return Arrays{layer_norm(in[0])}; }),
                 .tolerance = 1e-5});
  out.push_back({.op = "rms_norm_backward", .inputs = {x, weight, uniform(x.shape(), -1, 1, 4)}, .call = pulled(rms), .tolerance = 1e-5});
}

void add_batch_norm(Samples& out) {
  const Array x = uniform({3, 2, 5}), weight = uniform({5}, 0.5, 1.5, 2), bias = uniform({5}, -1, 1, 3);
  out.push_back({.op = "batch_norm",
                 .inputs = {x, weight, bias},
                 .call = [](const Arrays& in) {
                   const auto [y, mean, var] = batch_norm(in[0], in[1], in[2]);
                   return Arrays{y, mean, var};
                 },
                 .reference = [](const std::vector<Plain>& in) {
                   Plain rows{{6, 5}, in[0].values};
                   rows = affine_of(along(rows, 0, [](Line v) { return standardized(std::move(v)); }), in[1], in[2]);
                   return Plain{{3, 2, 5}, rows.values};
                 },
                 .tolerance = 1e-5});
  out.push_back({.op = "batch_norm_backward",
                 .inputs = {x, weight, bias, uniform(x.shape(), -1, 1, 4)},
                 .call = pulled([](const Arrays& in) { return Arrays{batch_norm(in[0], in[1], in[2]).y}; }),
                 .tolerance = 1e-5});
}

void add_cross_entropy(Samples& out) {
  const Array logits = uniform({4, 5}), labels = laws::integers({4}, 0, 5);
  for (const double smoothing : {0.0, 0.1}) {
    const CrossEntropyOptions options{.label_smoothing = smoothing, .ignore_label = 2};
    out.push_back({.op = "softmax_cross_entropy",
                   .inputs = {logits, array({0, 4, 2, 1})},  // the third does not count
                   .call = [options](const Arrays& in) { return Arrays{softmax_cross_entropy(in[0], in[1], options)}; },
                   .reference = [smoothing](const std::vector<Plain>& in) {
                     const Plain logs = along(in[0], 1, plain_log_softmax);
                     return filled({4}, [&](const Index& at) {
                       const auto label = static_cast<int64_t>(in[1][at]);
                       double mean = 0;
                       for (int64_t j = 0; smoothing > 0 && j < 5; ++j) mean += logs[{at[0], j}] / 5;
                       return label == 2 ? 0.0 : -(1 - smoothing) * logs[{at[0], label}] - smoothing * mean;
                     });
                   }});
  }
  out.push_back({.op = "softplus",
                 .inputs = {logits, uniform({4, 5}, 0, 1, 2)},
                 .call = [](const Arrays& in) { return Arrays{sigmoid_cross_entropy(in[0], in[1])}; },
                 .reference = [](const std::vector<Plain>& in) {
                   return each_pair(in[0], in[1], [](double x, double target) {  // 0 times infinity is 0
                     const double rate = x < 0 ? -target : 1 - target;
                     return std::log1p(std::exp(-std::fabs(x))) + (rate == 0 && std::isinf(x) ? 0 : rate * x);
                   });
                 }});
  out.push_back({.op = "softmax_cross_entropy_backward",
                 .inputs = {logits, uniform({4}, -1, 1, 2)},
                 .call = pulled([labels](const Arrays& in) { return Arrays{softmax_cross_entropy(in[0], labels)}; })});
  out.push_back({.op = "log_softmax",
                 .inputs = {logits, softmax(uniform({4, 5}, -1, 1, 2)).eval()},
                 .call = [](const Arrays& in) { return Arrays{softmax_cross_entropy_with_probabilities(in[0], in[1])}; },
                 .reference = [](const std::vector<Plain>& in) {
                   const auto product = [](double log, double target) { return target == 0 && log == -HUGE_VAL ? 0 : log * target; };
                   return reduced(each_pair(along(in[0], 1, plain_log_softmax), in[1], product), 1,
                                  [](const Line& v) { return -total(v); });
                 }});
}

}  // namespace

Samples normalize_samples() {
  Samples out;
  add_softmax(out);
  add_row_norms(out);
  add_batch_norm(out);
  add_cross_entropy(out);
  return out;
}

}  // namespace laws
