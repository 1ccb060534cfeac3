// CTC: against the sum over all paths; lengths, equal labels, examples without alignment.
#include "tests/laws/sample.hpp"

namespace laws {

using namespace gradus;

namespace {

struct Lengths {
  std::vector<int64_t> inputs, targets;
};

// By all paths of classes.
Plain plain_ctc(const Plain& logits, const Plain& targets, const Lengths& lengths, int64_t blank) {
  const Plain log_p = along(logits, 2, plain_log_softmax);
  const int64_t classes = logits.shape[2];
  return filled({logits.shape[0]}, [&](const Index& at) {
    const auto n = static_cast<size_t>(at[0]);
    std::vector<int64_t> path(static_cast<size_t>(lengths.inputs[n]), 0), wanted;
    for (int64_t s = 0; s < lengths.targets[n]; ++s) wanted.push_back(static_cast<int64_t>(targets[{at[0], s}]));
    double total = 0;
    while (true) {
      std::vector<int64_t> labels;
      double product = 0;
      for (size_t t = 0; t < path.size(); ++t) {
        if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) labels.push_back(path[t]);
        product += log_p[{at[0], static_cast<int64_t>(t), path[t]}];
      }
      if (labels == wanted) total += std::exp(product);
      if (std::isnan(product)) return product;
      size_t place = path.size();
      while (place > 0 && ++path[place - 1] == classes) path[--place] = 0;
      if (place == 0) return -std::log(total);
    }
  });
}

Sample sample(const Array& logits, const Array& targets, const Lengths& lengths, int64_t blank) {
  const CtcOptions options{.input_lengths = array(lengths.inputs), .target_lengths = array(lengths.targets), .blank = blank};
  return {.op = "ctc_loss",
          .inputs = {logits, targets},
          .call = [options](const Arrays& in) { return Arrays{ctc_loss(in[0], in[1], options)}; },
          .reference = [lengths, blank](const std::vector<Plain>& in) { return plain_ctc(in[0], in[1], lengths, blank); }};
}

}  // namespace

Samples ctc_samples() {
  return {
      sample(uniform({3, 5, 3}), array({{1, 2}, {2, 2}, {1, 1}}), {{5, 4, 3}, {2, 2, 1}}, 0),
      sample(uniform({2, 4, 3}, -1, 1, 2), array({{1, 0, 1}, {0, 0, 0}}), {{4, 3}, {3, 0}}, 2),
      sample(uniform({1, 1, 2}), zeros({1, 0}, int64).eval(), {{1}, {0}}, 1),
  };
}

}  // namespace laws
