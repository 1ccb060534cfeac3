// Single ops, and chains of them.
#include "bench/bench.hpp"
#include "gradus/gradus.hpp"

namespace bench {

using namespace gradus;

void arrays(Runner& run) {
  const auto square_pair = [](int64_t n) { return std::pair(random::uniform({n, n}).eval(), random::uniform({n, n}).eval()); };
  run("add_2x2", [&] { return [p = square_pair(2)] { (p.first + p.second).eval(); }; });
  run("tanh20_backward", [] {
    return [x = random::uniform({2, 2}).eval()] {
      const auto chain = [](const Array& a) {
        Array y = a;
        for (int i = 0; i < 20; ++i) y = tanh(y);
        return sum(y);
      };
      grad(chain)(x).eval();
    };
  });
  run("elementwise_chain_4m", [] {
    return [a = random::uniform(1 << 22).eval(), b = random::uniform(1 << 22).eval()] {
      const Array y = tanh(a * b + a) * 0.5 + b;  // named first: parts of an expression that is still alive would be stored
      y.eval();
    };
  });
  const auto over_rows = [&](const char* name, Array (*op)(const Array&)) {
    run(name, [=] { return [op, x = random::normal({4096, 1024}).eval()] { op(x).eval(); }; });
  };
  over_rows("softmax_4096x1024", softmax);
  over_rows("sum_axis0_4096x1024", [](const Array& x) { return sum(x, 0); });
  over_rows("layer_norm_4096x1024", layer_norm);
  over_rows("transpose_copy_4096x1024", [](const Array& x) { return contiguous(transpose(x)); });
  for (const int64_t n : {64, 256, 1024}) {
    run("matmul_" + std::to_string(n), [&] { return [p = square_pair(n)] { matmul(p.first, p.second).eval(); }; });
  }
  run("matmul_1024_bf16", [&] {
    const auto [a, b] = square_pair(1024);
    return [a = a.astype(bfloat16).eval(), b = b.astype(bfloat16).eval()] { matmul(a, b).eval(); };
  });
  const auto product = [&](int64_t m, int64_t k, int64_t n) {
    run("matmul_" + std::to_string(m) + "x" + std::to_string(k) + "x" + std::to_string(n),
        [=] { return [a = random::uniform({m, k}).eval(), b = random::uniform({k, n}).eval()] { matmul(a, b).eval(); }; });
  };
  const auto heads = [] {
    std::vector<Array> qkv;
    for (int i = 0; i < 3; ++i) qkv.push_back(random::normal({4, 8, 1024, 64}).eval());
    return qkv;
  };
  const auto attend = [](const Array& q, const Array& k, const Array& v) { return attention(q, k, v, {.causal = true}); };
  run("attention_1024_causal", [=] { return [=, x = heads()] { attend(x[0], x[1], x[2]).eval(); }; });
  run("attention_1024_causal_grad", [=] {
    return [=, x = heads()] {
      const auto total = [=](const Array& q, const Array& k, const Array& v) { return sum(attend(q, k, v)); };
      const auto [value, grads] = value_and_grad(total)(x[0], x[1], x[2]);
      evaluate({value, grads[0], grads[1], grads[2]});
    };
  });
  product(37, 513, 129);   // columns that no block divides
  product(5000, 7, 3);     // fewer columns than lanes
  product(5000, 513, 3);
}

}  // namespace bench
