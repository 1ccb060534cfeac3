// Samples of attention: masks of all kinds, shared heads, dropout; a reference score by score.
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;

// Whether query i of example n, head h may look at key j, and what its score is raised by.
struct Look {
  bool may = true;
  double bias = 0;
};
using Rule = std::function<Look(int64_t n, int64_t h, int64_t i, int64_t j)>;

Plain weights_of(const Plain& q, const Plain& k, const Rule& rule) {
  const int64_t group = q.shape[1] / k.shape[1];
  const Plain scores = filled({q.shape[0], q.shape[1], q.shape[2], k.shape[2]}, [&](const Index& at) {
    const Look look = rule ? rule(at[0], at[1], at[2], at[3]) : Look{};
    double sum = 0;
    for (int64_t c = 0; c < q.shape[3]; ++c) sum += q[{at[0], at[1], at[2], c}] * k[{at[0], at[1] / group, at[3], c}];
    return look.may ? sum / std::sqrt(static_cast<double>(q.shape[3])) + look.bias : -HUGE_VAL;
  });
  return along(scores, 3, [](Line v) {
    double most = -HUGE_VAL, total = 0;
    for (const double x : v) most = std::max(most, x);
    for (double& x : v) total += x = most == -HUGE_VAL && !std::isnan(x) ? 0 : std::exp(x - most);
    for (double& x : v) x = total == 0 ? 0 : x / total;
    return v;
  });
}
Plain attended(const Plain& q, const Plain& k, const Plain& v, const Rule& rule) {
  const Plain weights = weights_of(q, k, rule);
  const int64_t group = q.shape[1] / k.shape[1];
  return filled({q.shape[0], q.shape[1], q.shape[2], v.shape[3]}, [&](const Index& at) {
    double sum = 0;
    for (int64_t j = 0; j < k.shape[2]; ++j) sum += weights[{at[0], at[1], at[2], j}] * v[{at[0], at[1] / group, j, at[3]}];
    return sum;
  });
}

// The first three inputs are q, k and v; the call and the rule may read more.
void add_one(Samples& out, const Arrays& inputs, const std::function<AttentionOptions(const Arrays&)>& options,
             const std::function<Rule(const std::vector<Plain>&)>& rule, bool takes_specials = false) {
  const ListFunction call = [options](const Arrays& in) { return Arrays{attention(in[0], in[1], in[2], options(in))}; };
  out.push_back({.op = "attention",
                 .inputs = inputs,
                 .call = call,
                 .reference = [rule](const std::vector<Plain>& in) { return attended(in[0], in[1], in[2], rule(in)); },
                 .takes_specials = takes_specials});
  // Backwards, what is no float stands beside the inputs.
  Arrays floats, others;
  for (const Array& x : inputs) (x.dtype().is_float() ? floats : others).push_back(x);
  const ListFunction of_floats = [call, others](const Arrays& in) {
    Arrays all = in;
    all.insert(all.end(), others.begin(), others.end());
    return call(all);
  };
  floats.push_back(uniform({inputs[0].shape(0), inputs[0].shape(1), inputs[0].shape(2), inputs[2].shape(3)}, -1, 1, 9));
  out.push_back({.op = "attention_backward", .inputs = floats, .call = pulled(of_floats)});
}

AttentionOptions plain_options(const Arrays&) { return {}; }
Rule no_rule(const std::vector<Plain>&) { return {}; }
Arrays operands(int64_t examples, int64_t heads, int64_t kv_heads, int64_t queries, int64_t keys) {
  return {uniform({examples, heads, queries, 3}), uniform({examples, kv_heads, keys, 3}, -1.5, 1.5, 2),
          uniform({examples, kv_heads, keys, 2}, -1.5, 1.5, 3)};
}
Arrays with(Arrays inputs, const Array& more) {
  inputs.push_back(more);
  return inputs;
}

void add_masks(Samples& out) {
  add_one(
      out, with(operands(2, 2, 1, 5, 4), bools({2, 1, 5, 4})), [](const Arrays& in) { return AttentionOptions{.mask = in[3]}; },
      [](const std::vector<Plain>& in) {
        return [mask = in[3]](int64_t n, int64_t, int64_t i, int64_t j) { return Look{mask[{n, 0, i, j}] != 0}; };
      });
  add_one(
      out, with(operands(2, 2, 2, 1, 4), bools({2, 1, 1, 4}, 3)), [](const Arrays& in) { return AttentionOptions{.mask = in[3]}; },
      [](const std::vector<Plain>& in) {
        return [mask = in[3]](int64_t n, int64_t, int64_t, int64_t j) { return Look{mask[{n, 0, 0, j}] != 0}; };
      });
  add_one(
      out, with(operands(2, 2, 2, 5, 4), uniform({2, 1, 4}, -1, 1, 5)), [](const Arrays& in) { return AttentionOptions{.mask = in[3]}; },
      [](const std::vector<Plain>& in) {
        return [mask = in[3]](int64_t, int64_t h, int64_t, int64_t j) { return Look{true, mask[{h, 0, j}]}; };
      });
}

void add_positions(Samples& out) {
  const auto causal = [](const Arrays&) { return AttentionOptions{.causal = true}; };
  add_one(out, operands(1, 4, 2, 5, 5), causal,
          [](const std::vector<Plain>&) { return [](int64_t, int64_t, int64_t i, int64_t j) { return Look{j <= i}; }; });
  add_one(
      out, operands(1, 2, 2, 5, 6), [](const Arrays&) { return AttentionOptions{.window = 2}; },
      [](const std::vector<Plain>&) { return [](int64_t, int64_t, int64_t i, int64_t j) { return Look{std::abs(i - j) < 2}; }; });
  add_one(
      out, with(with(operands(3, 2, 2, 5, 6), array({6, 0, 4})), array({1, 0, -2})),
      [](const Arrays& in) { return AttentionOptions{.causal = true, .window = 3, .lengths = in[3], .offset = in[4]}; },
      [](const std::vector<Plain>& in) {
        return [lengths = in[3], offset = in[4]](int64_t n, int64_t, int64_t i, int64_t j) {
          const auto position = i + static_cast<int64_t>(offset[{n}]);
          return Look{static_cast<double>(j) < lengths[{n}] && j <= position && position - j < 3};
        };
      });
  add_one(
      out, with(operands(1, 2, 1, 5, 5), uniform({2}, 0.1, 1, 4)),
      [](const Arrays& in) { return AttentionOptions{.causal = true, .slopes = in[3]}; },
      [](const std::vector<Plain>& in) {
        return [slopes = in[3]](int64_t, int64_t h, int64_t i, int64_t j) {
          return Look{j <= i, -slopes[{h}] * static_cast<double>(i - j)};
        };
      });
}

Plain turned(const Plain& x, double first, int64_t width, bool is_interleaved) {
  return filled(x.shape, [&](const Index& at) {
    const int64_t c = at[3], half = width / 2, pair = is_interleaved ? c / 2 : c % half;
    if (c >= width) return x[at];
    const bool is_second = is_interleaved ? c % 2 : c >= half;
    Index other = at;
    other[3] = is_interleaved ? c ^ 1 : (c + half) % width;
    const double angle =
        (first + static_cast<double>(at[2])) * std::pow(100.0, -2.0 * static_cast<double>(pair) / static_cast<double>(width));
    return x[at] * std::cos(angle) + (is_second ? 1 : -1) * x[other] * std::sin(angle);
  });
}
void add_rotary(Samples& out) {
  for (const bool is_interleaved : {false, true}) {
    const RotaryOptions options{.base = 100, .width = 4, .interleaved = is_interleaved};
    out.push_back(
        {.op = "rotary",
         .inputs = {uniform({2, 2, 3, 5}), array(7)},
         .call = [options](const Arrays& in) { return Arrays{rotary(in[0], in[1], options)}; },
         .reference = [is_interleaved](const std::vector<Plain>& in) { return turned(in[0], in[1].values[0], 4, is_interleaved); },
         .takes_specials = false});
  }
  out.push_back({.op = "rotary", .inputs = {uniform({2, 3, 2, 4}), laws::integers({2, 3}, 0, 9)}, .call = [](const Arrays& in) {
                   return Arrays{rotary(in[0], in[1], {.time_first = true})};
                 }});
}

}  // namespace

Samples attention_samples() {
  Samples out;
  add_rotary(out);
  add_one(out, operands(2, 2, 2, 5, 4), plain_options, no_rule, true);
  add_one(out, operands(2, 4, 2, 1, 4), plain_options, no_rule, true);
  add_one(out, operands(2, 2, 2, 5, 0), plain_options, no_rule);
  add_one(out, operands(0, 2, 2, 5, 4), plain_options, no_rule);
  add_masks(out);
  add_positions(out);
  out.push_back({.op = "attention",
                 .inputs = {uniform({2, 5, 4, 3}), uniform({2, 4, 2, 3}, -1.5, 1.5, 2), uniform({2, 4, 2, 2}, -1.5, 1.5, 3)},
                 .call = [](const Arrays& in) { return Arrays{attention(in[0], in[1], in[2], {.time_first = true})}; },
                 .reference =
                     [](const std::vector<Plain>& in) {
                       const auto heads_first = [](const Plain& x) {
                         return filled({x.shape[0], x.shape[2], x.shape[1], x.shape[3]}, [&](const Index& at) {
                           return x[{at[0], at[2], at[1], at[3]}];
                         });
                       };
                       return heads_first(attended(heads_first(in[0]), heads_first(in[1]), heads_first(in[2]), {}));
                     }});
  const ListFunction dropped = [](const Arrays& in) {
    return Arrays{attention(in[0], in[1], in[2], {.causal = true, .dropout = 0.4, .key = random::key(3)})};
  };
  out.push_back({.op = "attention", .inputs = operands(2, 2, 1, 5, 6), .call = dropped});
  out.push_back(
      {.op = "attention_backward", .inputs = with(operands(2, 2, 1, 5, 6), uniform({2, 2, 5, 2}, -1, 1, 9)), .call = pulled(dropped)});
  return out;
}

}  // namespace laws
