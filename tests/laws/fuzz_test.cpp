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

// With products, biases and relu behind them: a plan may absorb those, which may change bits (docs/plan.md).
TEST(programs, with_products_agree_whether_planned_or_op_by_op) {
  for_each_program([](unsigned seed) {
    const Arrays in = inputs_of(seed);
    const Program::Kinds kinds{.has_products = true, .length = 30};
    const ListFunction f = [&](const Arrays& x) { return chosen(Program(seed, kinds)(x), seed); };
    const auto all = [&] {
      Arrays out = f(in);
      const Arrays changes = gradients(f, in);
      out.insert(out.end(), changes.begin(), changes.end());
      return out;
    };
    const Arrays want = op_by_op(all), got = all();
    evaluate(got);
    ASSERT_EQ(got.size(), want.size());
    for (size_t k = 0; k < got.size(); ++k) laws::expect_near(got[k], want[k], {5e-2, 5e-2}, "planned");
    const Arrays held = Program(seed, kinds)(in);
    evaluate(held);
    for (size_t k = 0; k < 5; ++k) laws::expect_near(chosen(held, seed)[k], want[k], {5e-2, 5e-2}, "every value held");
  });
}

// Formulas: chains of element-wise ops on one array and on arithmetic of numbers alone.
class Formula {
 public:
  explicit Formula(unsigned seed) : engine_(seed) {}

  Array number(size_t longest) {
    Array y = draw();
    for (size_t k = engine_() % (longest + 1); k > 0; --k) {
      switch (engine_() % 6) {
        case 0: y = y * draw(); break;
        case 1: y = draw() / (square(y) + 1.5); break;
        case 2: y = y - draw(); break;
        case 3: y = where(y < draw(), Array(draw()) * draw(), y); break;
        case 4: y = clip(y, draw() - 2, Array(draw()) + 2); break;
        default: y = tanh(y) + number(longest / 4);
      }
    }
    return y;
  }
  Array of(const Array& x, int length, size_t longest) {
    Array y = x;
    for (int k = 0; k < length; ++k) {
      switch (engine_() % 7) {
        case 0: y = sin(y * number(longest)); break;
        case 1: y = y * tanh(x + number(longest)); break;
        case 2: y = y / (2 + square(y * number(longest))); break;
        case 3: y = gelu(y, GeluForm::tanh); break;
        case 4: y = where(x < number(longest), y * number(longest), number(longest)); break;
        case 5: y = exp(-square(y - number(longest))); break;
        default: y = sigmoid(y) - number(longest) * x;
      }
    }
    return y;
  }
  size_t pick(size_t count) { return engine_() % count; }

 private:
  double draw() { return static_cast<double>(engine_() % 2000) / 1000 - 1; }
  std::mt19937 engine_;
};

TEST(formulas, of_many_numbers_terms_and_outputs_give_the_same_bits_as_op_by_op) {
  for_each_program([](unsigned seed) {
    Array x = uniform({seed % 4 == 0 ? 1 : 5}, -1, 1, seed);
    if (seed % 3) x = x.astype(float32);
    x.eval();
    const auto make = [&] {
      Formula formula(seed);
      Array total = formula.number(3);
      Arrays out;
      for (size_t terms = 1 + formula.pick(70); terms > 0; --terms) {
        const Array term = formula.of(x, static_cast<int>(1 + formula.pick(3)), formula.pick(13));
        total = total + term;
        if (seed % 2) out.push_back(term);
      }
      out.push_back(total);
      return out;
    };
    const Arrays want = op_by_op(make), got = make();
    evaluate(got);
    expect_same_bits(got, want, "formula");
  });
}

TEST(formulas, have_derivatives_up_to_order_6_whose_bits_do_not_depend_on_planning) {
  for_each_program([](unsigned seed) {
    if (seed >= 40) return;
    const Array x = uniform({seed % 2 ? 1 : 3}, 0.2, 1, seed);
    const auto make = [&] {
      Arrays out;
      std::function<Array(const Array&)> f = [seed](const Array& at) {
        Formula formula(seed);
        return sum(formula.of(at, static_cast<int>(1 + formula.pick(3)), formula.pick(9)));
      };
      for (int order = 1; order <= 6; ++order) {
        f = [f](const Array& at) { return sum(grad(f)(at)); };
        out.push_back(f(x));
        if (order <= 4) out.push_back(f(x.astype(float32)));
      }
      return out;
    };
    const Arrays want = op_by_op(make), got = make();
    evaluate(got);
    expect_same_bits(got, want, "derivatives");
  });
}

}  // namespace
}  // namespace laws
