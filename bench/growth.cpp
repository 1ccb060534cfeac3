// Gradients of loops that take an array apart step by step, at growing lengths: time must be a straight line (docs/speed.md shows the
// table).
#include "bench/bench.hpp"
#include "gradus/gradus.hpp"

namespace bench {

using namespace gradus;
using namespace gradus::core;

namespace {

using Parts = std::vector<Array>;

Parts by_unstack(const Array& x) { return unstack(x); }
Parts by_subscript(const Array& x) {
  Parts parts;
  for (int64_t t = 0; t < x.shape(0); ++t) parts.push_back(x[t]);
  return parts;
}
Parts by_split(const Array& x) {
  Parts parts = split(x, x.shape(0));
  for (Array& part : parts) part = squeeze(part, 0);
  return parts;
}

// The gradient of sum(h), h = tanh(x_t + h / 2) for each t.
Runner::Step unrolled(Parts (*take_apart)(const Array&), int64_t length) {
  return [=, x = random::uniform({length, 16, 384}).eval()] {
    grad([=](const Array& in) {
      Array h = zeros({16, 384});
      for (const Array& part : take_apart(in)) h = tanh(part + h * 0.5);
      return sum(h);
    })(x).eval();
  };
}
Runner::Step scanned(int64_t length) {
  return [x = random::uniform({length, 16, 384}).eval()] {
    grad([](const Array& in) {
      return sum(scan([](const Array& h, const Array& part) {
        const Array next = tanh(part + h * 0.5);
        return std::pair(next, next);
      }, zeros({16, 384}), in).first);
    })(x).eval();
  };
}

}  // namespace

void growth(Runner& run) {
  for (const int64_t length : {25, 50, 100, 200, 400}) {
    const std::string end = "_t" + std::to_string(length);
    run("unroll_unstack" + end, [=] { return unrolled(by_unstack, length); });
    run("unroll_subscript" + end, [=] { return unrolled(by_subscript, length); });
    run("unroll_split" + end, [=] { return unrolled(by_split, length); });
    run("unroll_scan" + end, [=] { return scanned(length); });
  }
  run("split_3_backward", [] {
    const Array x = random::normal({32, 64, 576}).eval();
    const Parts parts = split(random::normal({32, 64, 576}).eval(), 3, -1);
    Parts changes;
    for (const Array& part : parts) changes.push_back(contiguous(part).eval());
    return [=] { vjp([](const Array& in) { return split<3>(in, -1); }, x).second({changes[0], changes[1], changes[2]}).eval(); };
  });
  run("concatenate_3", [] {
    const Parts parts{random::normal({32, 64, 192}).eval(), random::normal({32, 64, 192}).eval(), random::normal({32, 64, 192}).eval()};
    return [=] { concatenate(parts, -1).eval(); };
  });
}

}  // namespace bench
