// Random programs: whatever is planned together, held, cut, batched or computed again, the numbers are those of the plain program.
#include <numeric>

#include "gradus/plan/settings.hpp"
#include "tests/laws/program.hpp"

namespace laws {
namespace {

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
