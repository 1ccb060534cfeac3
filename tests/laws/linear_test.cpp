// Work grows with the size of the problem and with the number of its pieces, and no faster: bytes moved, by the counters, by functions with
// their gradients at sizes n, 2n and 4n.
#include <gtest/gtest.h>

#include <set>

#include "gradus/graph/walk.hpp"
#include "gradus/nn/precision.hpp"
#include "gradus/transform/all_ops.hpp"
#include "gradus/plan/counters.hpp"
#include "gradus/transform/checkpoint.hpp"
#include "gradus/transform/control.hpp"
#include "gradus/transform/custom.hpp"
#include "tests/laws/sample.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

/// A function whose inputs grow with n.
struct Program {
  std::string name;
  std::function<Arrays(int64_t n)> inputs;
  ListFunction call;
};

Array of(const Shape& shape, unsigned seed = 1) { return uniform(shape, 0.1, 0.9, seed).astype(float32).eval(); }
/// Programs of one array (n, 24).
Program rows(std::string name, std::function<Array(const Array&)> f) {
  return {std::move(name), [](int64_t n) { return Arrays{of({n, 24})}; }, [f](const Arrays& x) { return Arrays{f(x[0])}; }};
}

std::set<std::string_view> names_of_ops(const Arrays& roots) {
  std::set<std::string_view> names;
  for (const Node* node : ancestors(roots)) names.insert(node->op().name);
  return names;
}

struct Work {
  int64_t bytes = 0, nodes = 0;
  std::set<std::string_view> ops{};
};
/// What the values and the gradients of their sum of squares move together.
Work work_of(const Program& program, int64_t n) {
  const Arrays inputs = program.inputs(n);
  Arrays floats;
  std::vector<size_t> places;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].dtype().is_float()) floats.push_back(inputs[i]), places.push_back(i);
  const auto f = [&](const Arrays& x) {
    Arrays all = inputs;
    for (size_t i = 0; i < places.size(); ++i) all[places[i]] = x[i];
    return program.call(all);
  };
  Work work;
  reset_counters();
  {
    Arrays roots;
    if (floats.empty()) {
      roots = f({});
    } else {
      auto [y, pullback] = vjp(f, floats);
      Arrays changes;
      for (const Array& each : y) changes.push_back(each.dtype().is_float() ? ones(each.shape(), each.dtype()) * 0.5 : Array());
      roots = y;
      for (Array& change : pullback(changes)) {
        if (change.exists()) roots.push_back(std::move(change));
      }
    }
    work.ops = names_of_ops(roots);
    work.nodes = static_cast<int64_t>(ancestors(roots).size());
    evaluate(roots);
  }
  work.bytes = counters().bytes_moved;
  return work;
}

void expect_linear(const Program& program, std::set<std::string_view>* seen = nullptr) {
  SCOPED_TRACE(program.name);
  constexpr int64_t kSize = 64;
  // What costs the same at every size (a table, a captured array) may only help.
  const Work one = work_of(program, kSize), two = work_of(program, 2 * kSize), four = work_of(program, 4 * kSize);
  EXPECT_GT(one.bytes, 0) << program.name;
  EXPECT_LE(static_cast<double>(two.bytes), 2.15 * static_cast<double>(one.bytes) + 2048) << program.name << " at n and 2n";
  EXPECT_LE(static_cast<double>(four.bytes), 2.15 * static_cast<double>(two.bytes) + 2048) << program.name << " at 2n and 4n";
  EXPECT_LE(static_cast<double>(four.nodes), 2.15 * static_cast<double>(two.nodes) + 16) << program.name << ", nodes recorded at 2n and 4n";
  if (seen) seen->insert(four.ops.begin(), four.ops.end());
}

// ---- every op

std::vector<Program> op_programs() {
  const auto index = [](int64_t n) { return laws::integers({n}, 0, n).eval(); };
  std::vector<Program> out;
  const auto one = [&](std::string name, std::function<Array(const Array&)> f) { out.push_back(rows(std::move(name), std::move(f))); };
  one("sum", [](const Array& x) { return sum(x, 0); });
  one("mean", [](const Array& x) { return mean(x, 1); });
  one("prod", [](const Array& x) { return prod(x, 0); });
  one("max", [](const Array& x) { return max(x, 0); });
  one("min", [](const Array& x) { return min(x, 1); });
  one("var", [](const Array& x) { return var(x, 0); });
  one("stddev", [](const Array& x) { return stddev(x, 0); });
  one("norm", [](const Array& x) { return linalg::norm(x, 1); });
  one("logsumexp", [](const Array& x) { return logsumexp(x, 0); });
  one("any, all", [](const Array& x) { return where(any(x > 0, 1) & all(x > 0, 1), 1.0, sum(x, 1)); });
  one("argmax, argmin", [](const Array& x) { return (argmax(x, 0) + argmin(x, 0)).astype(float32); });
  one("cumsum", [](const Array& x) { return cumsum(x, 0); });
  one("cumprod", [](const Array& x) { return cumprod(x, 0); });
  one("logcumsumexp", [](const Array& x) { return logcumsumexp(x, 0); });
  one("cummax", [](const Array& x) { return cummax(x, 0).first; });
  one("cummin", [](const Array& x) { return cummin(x, 0).first; });
  one("sort", [](const Array& x) { return sort(x, 0); });
  one("topk", [](const Array& x) { return topk(x, 8, 0).first; });
  one("argsort", [](const Array& x) { return take_along_axis(x, argsort(x, 0), 0); });
  one("reshape", [](const Array& x) { return reshape(x, {-1, 12}) * 2; });
  one("transpose", [](const Array& x) { return transpose(x) * 2; });
  one("broadcast_to", [](const Array& x) { return broadcast_to(x, {3, x.shape(0), 24}) * 2; });
  one("slice", [](const Array& x) { return x[slice(1, {}, 2)] * 2; });
  one("flip", [](const Array& x) { return flip(x, 0) * 2; });
  one("roll", [](const Array& x) { return roll(x, 5, 0); });
  one("pad", [](const Array& x) { return pad(x, {{1, 2}, 0}); });
  one("pad by reflection", [](const Array& x) { return pad(x, {{3, 2}, 1}, PadMode::reflect); });
  one("tile", [](const Array& x) { return tile(x, {2, 2}); });
  one("repeat", [](const Array& x) { return repeat(x, 3, 0); });
  one("contiguous", [](const Array& x) { return contiguous(transpose(x)); });
  one("sliding_windows", [](const Array& x) { return sliding_windows(x, 4, 0); });
  one("tril", [](const Array& x) { return tril(x); });
  one("diag", [](const Array& x) { return diagonal(x); });
  one("softmax", [](const Array& x) { return softmax(x); });
  one("softmax down", [](const Array& x) { return softmax(x, 0); });
  one("log_softmax", [](const Array& x) { return log_softmax(x); });
  one("ctc_loss", [](const Array& x) { return ctc_loss(reshape(x, {-1, 8, 3}), ones({x.shape(0), 2}, int64)); });
  const auto heads = [](const Array& x) { return reshape(x, {x.shape(0), 2, 3, 4}); };
  one("attention", [heads](const Array& x) { return attention(heads(x), heads(x * 2), heads(x * 3)); });
  one("rotary", [heads](const Array& x) { return rotary(heads(x)); });
  const auto weights = [](int64_t gates) { return RecurrentWeights{ones({6, gates * 5}), ones({5, gates * 5})}; };
  const auto steps = [](const Array& x) { return reshape(x, {x.shape(0), 4, 6}); };
  one("simple_rnn", [=](const Array& x) { return simple_rnn(steps(x), weights(1)).ys; });
  one("lstm", [=](const Array& x) { return lstm(steps(x), weights(4)).ys; });
  one("gru", [=](const Array& x) { return gru(steps(x), weights(3)).ys; });
  one("layer_norm", [](const Array& x) { return layer_norm(x); });
  one("rms_norm", [](const Array& x) { return rms_norm(x); });
  one("batch_norm", [](const Array& x) { return batch_norm(x, ones(24), zeros(24)).y; });
  one("dropout", [](const Array& x) { return dropout(x, 0.5, random::key(1)); });
  one("random", [](const Array& x) {
    return x * random::uniform(random::key(1), x.shape()) + random::normal(random::key(2), x.shape()) +
           random::truncated_normal(random::key(3), x.shape());
  });
  one("random_integers", [](const Array& x) {
    return x + random::integers(random::split<2>(random::key(1))[0], x.shape(), 0, 5) +
           expand_dims(random::permutation(random::key(2), x.shape(0)), 1);
  });
  one("searchsorted", [](const Array& x) { return searchsorted(array({0.1, 0.5}), x).astype(float32); });
  one("matmul", [](const Array& x) { return matmul(x, ones({24, 8})); });
  one("matmul in batches", [](const Array& x) { return matmul(reshape(x, {-1, 2, 24}), ones({24, 8})); });
  one("mixed matmul", [](const Array& x) {
    const nn::MixedPrecision mixed(bfloat16);
    return matmul(x, ones({24, 8}));
  });
  one("einsum", [](const Array& x) { return einsum("ij,kj->ik", x, ones({5, 24})); });
  one("einsum of three", [](const Array& x) { return einsum("ij,ij,j->i", x, x * 2, ones(24)); });
  one("identity, stop_gradient", [](const Array& x) { return checkpoint([](const Array& a) { return tanh(a) * stop_gradient(a); })(x); });
  one("concatenate", [](const Array& x) { return concatenate({x, x * 2}); });
  const auto images = [&](std::string name, std::function<Array(const Array&)> f) {
    out.push_back({std::move(name), [](int64_t n) { return Arrays{of({n, 6, 6, 3})}; }, [f](const Arrays& x) { return Arrays{f(x[0])}; }});
  };
  images("conv2d", [](const Array& x) { return conv2d(x, ones({3, 3, 3, 4})); });
  images("conv2d, weights", [](const Array& x) {
    return grad([&](const Array& w) { return sum(square(conv2d(x, w))); })(ones({3, 3, 3, 4}));
  });
  images("mixed conv2d", [](const Array& x) {
    const nn::MixedPrecision mixed(bfloat16);
    return conv2d(x, ones({3, 3, 3, 4}));
  });
  images("mixed conv2d, weights", [](const Array& x) {
    const nn::MixedPrecision mixed(bfloat16);
    return grad([&](const Array& w) { return sum(square(conv2d(x, w))); })(ones({3, 3, 3, 4}));
  });
  images("max_pool2d", [](const Array& x) { return max_pool2d(x, 2); });
  images("max_pool2d, overlapping", [](const Array& x) { return max_pool2d(x, 3, {.strides = 1}); });
  images("max_pool2d, order two", [](const Array& x) {
    return grad([](const Array& a) { return sum(power(max_pool2d(a, 2), 3)); })(x);
  });
  images("average_pool2d", [](const Array& x) { return average_pool2d(x, 2); });
  const auto indexed = [&](std::string name, ListFunction f) {
    out.push_back({std::move(name),
                   [=](int64_t n) {
                     return Arrays{of({n, 24}), index(n), of({n, 24}, 2), laws::integers({n, 24}, 0, n, 3).eval()};
                   },
                   std::move(f)});
  };
  indexed("take", [](const Arrays& x) { return Arrays{take(x[0], x[1], 0)}; });
  indexed("take from columns", [](const Arrays& x) { return Arrays{take(x[0], remainder(x[1][slice(0, 16)], 24), 1)}; });
  indexed("embedding", [](const Arrays& x) { return Arrays{embedding(x[0], x[1])}; });
  indexed("take_along_axis", [](const Arrays& x) { return Arrays{take_along_axis(x[0], x[3], 0)}; });
  indexed("index_copy", [](const Arrays& x) { return Arrays{index_copy(x[0], x[1], x[2], 0)}; });
  indexed("index_add", [](const Arrays& x) { return Arrays{index_add(x[0], x[1], x[2], 0)}; });
  indexed("scatter", [](const Arrays& x) { return Arrays{scatter(x[0], x[3], x[2], 0)}; });
  indexed("scatter_add", [](const Arrays& x) { return Arrays{scatter_add(x[0], x[3], x[2], 0)}; });
  indexed("unravel_index", [](const Arrays& x) {
    return Arrays{x[0] + sum(unravel_index(x[1], {x[0].shape(0), 24}), 1, keepdims).astype(float32)};
  });
  indexed("one_hot", [](const Arrays& x) { return Arrays{x[0] * one_hot(remainder(x[1], 24), 24)}; });
  indexed("dynamic_slice", [](const Arrays& x) { return Arrays{dynamic_slice(x[0], array({1, 2}), {20, 20})}; });
  indexed("dynamic_update_slice", [](const Arrays& x) { return Arrays{dynamic_update_slice(x[0], x[2][slice(0, 20)], array({3, 0}))}; });
  indexed("slice_update", [](const Arrays& x) {
    Array y = x[0];
    y.set(slice(1, 5), x[2][slice(0, 4)]);
    y.add(slice(3, 9), x[2][slice(0, 6)]);
    return Arrays{y};
  });
  indexed("cross entropy", [](const Arrays& x) { return Arrays{loss::sparse_categorical_crossentropy(x[0], remainder(x[1], 24))}; });
  return out;
}

// Samples of element-wise ops, each of their inputs with rows of 24 numbers taken from it.
std::vector<Program> elementwise_programs() {
  std::vector<Program> out;
  for (const Sample& sample : elementwise_samples()) {
    if (std::any_of(sample.inputs.begin(), sample.inputs.end(), [](const Array& x) { return x.size() == 0; })) continue;
    const auto inputs = [given = sample.inputs](int64_t n) {
      Arrays out;
      for (const Array& x : given) out.push_back(take(ravel(x), remainder(reshape(arange(n * 24), {n, 24}), x.size()), 0).eval());
      return out;
    };
    out.push_back({std::string(sample.op), inputs, sample.call});
  }
  return out;
}

// Ops that hold what others do, are leaves or run on the host; ops of which a program above records only the derivative's form.
constexpr std::string_view kElsewhere[] = {"data", "scalar", "placeholder", "barrier", "custom_vjp", "custom_jvp", "cond", "while_loop",
                                           "scan", "adam_update", "finite"};

TEST(linear, every_op_and_its_gradient_move_bytes_in_proportion_to_the_size) {
  std::set<std::string_view> seen(std::begin(kElsewhere), std::end(kElsewhere));
  for (const Program& program : op_programs()) expect_linear(program, &seen);
  for (const Program& program : elementwise_programs()) expect_linear(program, &seen);
  for (const OpDef* op : all_ops()) EXPECT_TRUE(seen.contains(op->name)) << op->name << " is in none of the programs above; add one";
}

// ---- many pieces

std::vector<Program> piece_programs() {
  std::vector<Program> out;
  const auto one = [&](std::string name, std::function<Array(const Array&)> f) { out.push_back(rows(std::move(name), std::move(f))); };
  const auto unrolled = [](const std::vector<Array>& parts) {
    Array h = zeros_like(parts[0]);
    for (const Array& part : parts) h = tanh(part + h * 0.5);
    return h;
  };
  const auto each_row = [](const Array& x) {
    std::vector<Array> parts;
    for (int64_t t = 0; t < x.shape(0); ++t) parts.push_back(x[t]);
    return parts;
  };
  one("unstack", [=](const Array& x) { return unrolled(unstack(x)); });
  one("x[t]", [=](const Array& x) { return unrolled(each_row(x)); });
  one("x[t][i]", [=](const Array& x) {
    Array h = zeros({});
    for (const Array& row : each_row(x)) h = tanh(h + row[3] * row[{slice(0, 2)}][1]);
    return h;
  });
  one("split", [=](const Array& x) { return unrolled(split(x, x.shape(0))); });
  one("split in unequal parts", [=](const Array& x) {
    Array h = zeros(24);
    for (const Array& part : array_split(x, x.shape(0) * 2 / 3)) h = tanh(part[-1] + h * 0.5);
    return h;
  });
  one("split of split", [=](const Array& x) {
    Array h = zeros({1, 12});
    for (const Array& part : split(x, x.shape(0))) {
      for (const Array& half : split(part, 2, 1)) h = tanh(half + h * 0.5);
    }
    return h;
  });
  one("the rest, again and again", [](const Array& x) {
    Array h = zeros(24), rest = x;
    while (rest.shape(0) > 0) {
      h = tanh(rest[0] + h * 0.5);
      rest = rest[slice(1, {})];
    }
    return h;
  });
  one("overlapping windows", [](const Array& x) {
    Array h = zeros({3, 24});
    for (int64_t t = 0; t + 3 <= x.shape(0); ++t) h = tanh(x[slice(t, t + 3)] + h * 0.5);
    return h;
  });
  one("read whole and in parts", [=](const Array& x) { return unrolled(each_row(x)) + sum(square(x), 0); });
  one("x[t] of an array that is computed", [=](const Array& x) { return unrolled(each_row(sin(x) * 2)); });
  one("take per step", [](const Array& x) {
    Array h = zeros(24);
    for (int64_t t = 0; t < x.shape(0); ++t) h = tanh(take(x, array(t), 0) + h * 0.5);
    return h;
  });
  one("embedding per step", [](const Array& x) {
    Array h = zeros({4, 24});
    for (int64_t t = 0; t < x.shape(0); ++t) h = tanh(embedding(x, array({0, 1, 2, 1})) + h * 0.5);
    return h;
  });
  one("take_along_axis per step", [](const Array& x) {
    Array h = zeros({1, 24});
    for (int64_t t = 0; t < x.shape(0); ++t) h = tanh(take_along_axis(x, full({1, 24}, t, int64), 0) + h * 0.5);
    return h;
  });
  one("dynamic_slice per step", [](const Array& x) {
    Array h = zeros({1, 24});
    for (int64_t t = 0; t < x.shape(0); ++t) h = tanh(dynamic_slice(x, array({t, int64_t{0}}), {1, 24}) + h * 0.5);
    return h;
  });
  one("set per step", [](const Array& x) {
    Array y = zeros(x.shape()), h = zeros(24);
    for (int64_t t = 0; t < x.shape(0); ++t) {
      h = tanh(x[t] + h * 0.5);
      y.set(t, h);
    }
    return y;
  });
  one("add per step", [](const Array& x) {
    Array y = x * 2, h = zeros(24);
    for (int64_t t = 0; t < x.shape(0); ++t) {
      h = tanh(x[t] + h * 0.5);
      y.add(t, h);
    }
    return y;
  });
  one("set by index per step", [](const Array& x) {
    Array y = x * 2, h = zeros({2, 24});
    for (int64_t t = 0; t < x.shape(0); ++t) {
      h = tanh(x[slice(t, t + 1)] + h * 0.5);
      y.set(array({t, int64_t{0}}), h);
    }
    return y;
  });
  one("add by index per step", [](const Array& x) {
    Array y = x * 2, h = zeros({2, 24});
    for (int64_t t = 0; t < x.shape(0); ++t) {
      h = tanh(x[slice(t, t + 1)] + h * 0.5);
      y.add(array({t, int64_t{0}}), h);
    }
    return y;
  });
  one("scatter per step", [](const Array& x) {
    Array y = x * 2, h = zeros({1, 24});
    for (int64_t t = 0; t < x.shape(0); ++t) {
      h = tanh(x[slice(t, t + 1)] + h * 0.5);
      y = scatter(y, full({1, 24}, t, int64), h, 0);
    }
    return y;
  });
  one("dynamic_update_slice per step", [](const Array& x) {
    Array y = x * 2, h = zeros({1, 24});
    for (int64_t t = 0; t < x.shape(0); ++t) {
      h = tanh(x[slice(t, t + 1)] + h * 0.5);
      y = dynamic_update_slice(y, h, array({t, int64_t{0}}));
    }
    return y;
  });
  one("stack of steps", [=](const Array& x) {
    std::vector<Array> hs{zeros(24)};
    for (const Array& part : unstack(x)) hs.push_back(tanh(part + hs.back() * 0.5));
    return stack(hs);
  });
  one("concatenate of many", [=](const Array& x) { return concatenate(each_row(x * 2)); });
  one("one parameter in every step", [](const Array& x) {
    const Array w = x[slice(0, 24)];
    Array h = zeros({4, 24});
    for (int64_t t = 0; t < x.shape(0); ++t) h = tanh(matmul(h, w) + 1);
    return h;
  });
  one("x[t] in checkpoints", [=](const Array& x) {
    Array h = zeros(24);
    for (const Array& part : each_row(x)) h = checkpoint([](const Array& a, const Array& b) { return tanh(a + b * 0.5); })(part, h);
    return h;
  });
  one("x[t] of an array that checkpoints take whole", [](const Array& x) {
    Array h = zeros(24);
    for (int64_t t = 0; t < x.shape(0); ++t) h = checkpoint([t](const Array& a, const Array& b) { return tanh(a[t] + b * 0.5); })(x, h);
    return h;
  });
  one("x[t], order two", [=](const Array& x) {
    return grad([=](const Array& a) { return sum(square(grad([=](const Array& b) { return sum(unrolled(each_row(b))); })(a))); })(x);
  });
  one("x[t], forward mode", [=](const Array& x) {
    return jvp([=](const Array& a) { return unrolled(each_row(a)); }, x, ones(x.shape(), x.dtype())).second;
  });
  one("x[t] under vmap", [=](const Array& x) {
    return vmap([=](const Array& column) { return grad([=](const Array& a) { return sum(square(unrolled(each_row(a)))); })(column); },
                {1})(x);
  });
  one("take of a captured array in a scan", [](const Array& x) {
    return scan([&](const Array& h, const Array& t) {
             const Array next = tanh(take(x, t, 0) + h * 0.5);
             return std::pair{next, next};
           }, zeros(24), arange(x.shape(0))).second;
  });
  one("a slice of a captured array in a scan", [](const Array& x) {
    return scan([&](const Array& h, const Array& t) {
             const Array next = tanh(x[slice(0, 1)] * t + h * 0.5);
             return std::pair{next, next};
           }, zeros({1, 24}), arange(x.shape(0)).astype(float32)).second;
  });
  one("scan", [](const Array& x) {
    return scan([](const Array& h, const Array& part) {
             const Array next = tanh(part + h * 0.5);
             return std::pair{next, next};
           }, zeros(24), x).second;
  });
  return out;
}

TEST(linear, gradients_of_many_pieces_move_bytes_in_proportion_to_their_number) {
  for (const Program& program : piece_programs()) {
    try {
      expect_linear(program);
    } catch (const std::exception& error) {
      ADD_FAILURE() << program.name << " threw: " << error.what();
    }
  }
}

}  // namespace
}  // namespace laws
