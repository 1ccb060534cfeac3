// Sequences: gradients through loops of small steps, where what a step costs besides its arithmetic counts; CTC.
#include "bench/bench.hpp"
#include "gradus/gradus.hpp"

namespace bench {

using namespace gradus;

namespace {

constexpr int64_t kSteps = 614, kScalars = 60;

// Euler's steps of Lorenz's system of 1996, each variable an array of rank 0:  dc_i = (c_i+1 - c_i-2) c_i-1 - c_i + force.
Runner::Step scalars() {
  std::vector<Array> first;
  for (int64_t i = 0; i < kScalars; ++i) first.push_back(random::uniform({}));
  evaluate(first);
  return [first, forces = random::uniform({kSteps}).eval()] {
    const auto step = [](const std::vector<Array>& c, const Array& force) {
      std::vector<Array> next;
      for (size_t i = 0, n = c.size(); i < n; ++i) {
        next.push_back(c[i] + 0.01 * ((c[(i + 1) % n] - c[(i + n - 2) % n]) * c[(i + n - 1) % n] - c[i] + force));
      }
      return std::pair{next, c[0]};
    };
    const auto objective = [&](const std::vector<Array>& c) {
      const auto [last, seen] = scan(step, c, forces);
      return sum(square(seen)) + sum(square(stack(last)));
    };
    evaluate(grad(objective)(first));
  };
}

// The same system as one array.
Runner::Step vector_of_scalars() {
  return [first = random::uniform({kScalars}).eval(), forces = random::uniform({kSteps}).eval()] {
    const auto step = [](const Array& c, const Array& force) {
      return std::pair{c + 0.01 * ((roll(c, -1) - roll(c, 2)) * roll(c, 1) - c + force), c[0]};
    };
    const auto objective = [&](const Array& c) {
      const auto [last, seen] = scan(step, c, forces);
      return sum(square(seen)) + sum(square(last));
    };
    grad(objective)(first).eval();
  };
}

// Loss and gradient of the logits (16, 200, 32), targets of 20 to 40 labels.
Runner::Step ctc() {
  std::vector<int64_t> lengths;
  for (int64_t n = 0; n < 16; ++n) lengths.push_back(20 + n * 20 / 15);
  return [logits = random::normal({16, 200, 32}).eval(), targets = random::integers({16, 40}, 1, 32).eval(), lengths = array(lengths)] {
    grad([&](const Array& x) { return loss::ctc(x, targets, {.target_lengths = lengths}); })(logits).eval();
  };
}

}  // namespace

void sequences(Runner& run) {
  run("scan_grad_small", [] { return scalars(); });
  run("scan_grad_vector", [] { return vector_of_scalars(); });
  run("ctc_t200_v32_b16", [] { return ctc(); });
}

}  // namespace bench
