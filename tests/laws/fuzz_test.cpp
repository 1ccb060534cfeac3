// Random programs: whatever is planned together, held, cut, batched or computed again, the numbers are those of the plain program.
#include <numeric>

#include "gradus/gradus.hpp"
#include "gradus/plan/settings.hpp"
#include "tests/laws/driver.hpp"

namespace laws {
namespace {

using namespace gradus;

// One random program: the same seed makes the same calls on any inputs of the same dtypes and shapes.
class Program {
 public:
  explicit Program(unsigned seed, int length = 50) : seed_(seed), length_(length) {}

  /// All values, in the order in which they were made.
  Arrays operator()(const Arrays& inputs) {
    engine_.seed(seed_);
    pool_ = inputs;
    for (int step = 0; step < length_; ++step) pool_.push_back(next());
    return std::move(pool_);
  }
  size_t draw(size_t count) { return engine_() % count; }

 private:
  // New values as often as old ones, so that programs grow deep.
  const Array& any() { return draw(2) == 0 ? pool_[pool_.size() - 1 - draw(std::min<size_t>(pool_.size(), 6))] : pool_[draw(pool_.size())]; }
  Array any_float() {
    const Array& x = any();
    return x.dtype().is_float() ? x : x.astype(float32);
  }
  bool fits(const Array& x, const Array& y) const {
    for (int64_t axis = 1; axis <= std::min(x.rank(), y.rank()); ++axis)
      if (x.shape(-axis) != y.shape(-axis) && x.shape(-axis) != 1 && y.shape(-axis) != 1) return false;
    return true;
  }
  Array partner(const Array& x) {
    for (int attempt = 0; attempt < 4; ++attempt) {
      const Array& y = any();
      if (fits(x, y)) return y;
    }
    return x;
  }
  // Bools go on as numbers.
  static Array number(const Array& x) { return x.dtype().is_bool() ? x.astype(int32) : x; }

  Array next() {
    switch (draw(5)) {
      case 0: return unary(any_float());
      case 1: {
        const Array x = any();
        return binary(x, partner(x));
      }
      case 2: return with_number(number(any()));
      case 3: return reduction(any_float());
      default: return rearranged(any());
    }
  }
  Array unary(const Array& x) {
    switch (draw(16)) {
      case 0: return sin(x);
      case 1: return tanh(x);
      case 2: return exp(tanh(x));
      case 3: return sigmoid(x);
      case 4: return relu(x);
      case 5: return abs(x);
      case 6: return -x;
      case 7: return sqrt(abs(x) + 0.5);
      case 8: return gelu(x);
      case 9: return square(tanh(x));
      case 10: return x.astype(float32);
      case 11: return x.astype(float64);
      case 12: return x.astype(bfloat16);
      case 13: return clip(x, -3, 3).astype(int32);
      case 14: return log1p(abs(x));
      default: return stop_gradient(x);
    }
  }
  Array binary(const Array& x, const Array& y) {
    switch (draw(9)) {
      case 0: return number(x) + y;
      case 1: return number(x) - number(y);
      case 2: return tanh(number(x)) * y;
      case 3: return number(x) / (2 + square(tanh(number(y))));
      case 4: return maximum(x, y);
      case 5: return minimum(x, y);
      case 6: return x > y;
      case 7: return where(x < y, x, y);
      default: return clip(number(x), -2, 2) * number(y);
    }
  }
  Array with_number(const Array& x) {
    switch (draw(5)) {
      case 0: return 0.5 * x;
      case 1: return 1 - x;
      case 2: return x + 0.25;
      case 3: return x / 3;
      default: return pow(clip(x, -2, 2), 2);
    }
  }
  Array reduction(const Array& x) {
    if (x.rank() == 0) return tanh(x);
    const auto axis = static_cast<int64_t>(draw(static_cast<size_t>(x.rank())));
    if (x.shape(axis) == 0) return x;
    switch (draw(9)) {
      case 0: return sum(x, axis);
      case 1: return mean(x, axis, keepdims);
      case 2: return max(x, axis);
      case 3: return min(x, axis, keepdims);
      case 4: return var(x, axis);
      case 5: return logsumexp(tanh(x), axis);
      case 6: return cumsum(x, axis);
      case 7: return softmax(tanh(x), axis);
      default: return sum(x);
    }
  }
  Array rearranged(const Array& x) {
    if (x.rank() == 0) return broadcast_to(x, {3});
    const auto axis = static_cast<int64_t>(draw(static_cast<size_t>(x.rank())));
    switch (draw(8)) {
      case 0: return transpose(x);
      case 1: return ravel(x);
      case 2: return flip(x, axis);
      case 3: return x.shape(0) > 1 ? x[slice(1, {})] : x;
      case 4: return x.shape(0) > 0 ? x[-1] : x;
      case 5: return x.size() < 200 ? concatenate({x, flip(x, axis)}, axis) : x;
      case 6: return expand_dims(x, axis);
      default: return x[{ellipsis, slice({}, {}, 2)}];
    }
  }

  unsigned seed_;
  int length_;
  std::mt19937 engine_;
  Arrays pool_;
};

Arrays inputs_of(unsigned seed) {
  const DType dtype = seed % 3 == 0 ? float64 : float32;
  return {uniform({4, 6}, -1, 1, seed).astype(dtype).eval(), uniform({6}, -1, 1, seed + 1).astype(dtype).eval(),
          uniform({4, 1}, -1, 1, seed + 2).astype(float64).eval(), uniform({}, -1, 1, seed + 3).astype(float32).eval(),
          laws::integers({4, 6}, -3, 4, seed).astype(int32).eval(), bools({6}, seed)};
}
// Some of the values, the same for the same seed.
Arrays chosen(const Arrays& values, unsigned seed) {
  std::mt19937 engine(seed + 1000);
  Arrays out{values.back()};
  for (int k = 0; k < 4; ++k) out.push_back(values[engine() % values.size()]);
  return out;
}
constexpr unsigned kPrograms = 150;
template <class F>
void for_each_program(const F& check) {
  for (unsigned seed = 0; seed < kPrograms; ++seed) {
    SCOPED_TRACE("program " + std::to_string(seed));
    try {
      check(seed);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "threw: " << error.what();
    }
    if (testing::Test::HasFailure()) return;
  }
}
void expect_same_bits(const Arrays& got, const Arrays& want, const char* what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t k = 0; k < got.size(); ++k) laws::expect_same_bits(got[k], want[k], what);
}
Arrays op_by_op(const std::function<Arrays()>& make) {
  set_op_by_op(true);
  Arrays out = make();
  evaluate(out);
  set_op_by_op(false);
  return out;
}

TEST(programs, give_the_same_bits_whatever_is_held_or_cut) {
  for_each_program([](unsigned seed) {
    const Arrays in = inputs_of(seed);
    const Arrays want = op_by_op([&] { return chosen(Program(seed)(in), seed); });
    const Arrays alone = chosen(Program(seed)(in), seed);
    evaluate(alone);
    expect_same_bits(alone, want, "only the results held");
    const Arrays all = Program(seed)(in);
    evaluate(chosen(all, seed));
    expect_same_bits(chosen(all, seed), want, "every value held");
    const Arrays cut = Program(seed)(in);
    for (size_t k = seed % 5; k < cut.size(); k += 5) cut[k].eval();
    expect_same_bits(chosen(cut, seed), want, "cut in the middle");
  });
}

// The gradients of float inputs, through all float values that were chosen.
Arrays gradients(const ListFunction& f, const Arrays& in) {
  Sample sample{.op = "program", .inputs = in, .call = f};
  return some_derivatives(sample);
}

TEST(programs, have_gradients_whose_bits_do_not_depend_on_planning) {
  for_each_program([](unsigned seed) {
    const Arrays in = inputs_of(seed);
    const ListFunction f = [&](const Arrays& x) { return chosen(Program(seed)(x), seed); };
    const Arrays want = op_by_op([&] { return gradients(f, in); }), got = gradients(f, in);
    evaluate(got);
    expect_same_bits(got, want, "gradients");
  });
}

TEST(programs, have_the_same_gradients_in_both_modes) {
  for_each_program([](unsigned seed) {
    Arrays in = inputs_of(seed);
    const ListFunction f = [&](const Arrays& x) { return chosen(Program(seed)(x), seed); };
    const Sample sample{.op = "program", .inputs = in, .call = f};
    const Smooth smooth(sample);
    const Arrays v = random_like(smooth.x, seed), c = random_like(smooth(smooth.x), seed + 1);
    const auto dot = [](const Arrays& a, const Arrays& b) {
      double total = 0;
      for (size_t i = 0; i < a.size(); ++i) {
        const std::vector<double> p = numbers(a[i]), q = numbers(b[i]);
        total += std::inner_product(p.begin(), p.end(), q.begin(), 0.0);
      }
      return total;
    };
    const double forward = dot(tests::push_forward(smooth, smooth.x, v).second, c), reverse = dot(tests::pull_back(smooth, smooth.x, c), v);
    // Some values are of 16 bits: each rounds by up to 2^-9.
    EXPECT_NEAR(forward, reverse, 0.1 * std::max(1.0, std::fabs(forward)));
  });
}

TEST(programs, under_checkpoint_and_compile_give_the_same_bits) {
  for_each_program([](unsigned seed) {
    const Arrays in = inputs_of(seed);
    const auto f = [seed](const Arrays& x) { return chosen(Program(seed)(x), seed); };
    const Arrays want = f(in), want_gradients = gradients(f, in);
    evaluate(want);
    const auto saved = checkpoint(f);
    expect_same_bits(saved(in), want, "checkpoint");
    expect_same_bits(gradients(saved, in), want_gradients, "gradients of checkpoint");
    auto compiled = compile(f);
    for (int call = 0; call < 2; ++call) expect_same_bits(compiled(in), want, "compile");
  });
}

TEST(programs, under_vmap_agree_with_a_loop) {
  for_each_program([](unsigned seed) {
    const Arrays first = inputs_of(seed), second = inputs_of(seed + 3);  // of the same dtypes
    const auto f = [seed](const Arrays& x) { return chosen(Program(seed)(x), seed); };
    Arrays stacked;
    for (size_t i = 0; i < first.size(); ++i) stacked.push_back(stack({first[i], second[i]}).eval());
    const Arrays got = vmap(f)(stacked), one = f(first), two = f(second);
    for (size_t k = 0; k < got.size(); ++k) {
      ASSERT_EQ(got[k].dtype(), one[k].dtype());
      laws::expect_near(got[k], stack({one[k], two[k]}), {2e-2, 2e-2}, "vmap");
    }
  });
}

}  // namespace
}  // namespace laws
