// Values that are read inside a transform: printing the loss, an `if` on a number. Whatever is read, when and of what, no bit of any result
// changes.
#include <sstream>
#include <thread>

#include "gradus/array/memory.hpp"
#include "gradus/plan/settings.hpp"
#include "tests/laws/program.hpp"

namespace laws {
namespace {

// Reads some of the values it is shown, one way or another.
class Reader {
 public:
  explicit Reader(unsigned seed) : engine_(seed) {}
  void operator()(const Array& x) {
    if (engine_() % 6) return;
    std::ostringstream text;
    switch (engine_() % 5) {
      case 0: x.eval(); break;
      case 1: sum(x).item(); break;
      case 2: text << x; break;
      case 3: x.to_vector<double>(); break;
      default:
        if (const Array floats = x.astype(float32); all(x == x).item<bool>()) floats.data<float>();
    }
  }

 private:
  std::mt19937 engine_;
};

void expect_equal(const Arrays& got, const Arrays& want, bool same_bits, const char* what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t k = 0; k < got.size(); ++k) {
    if (same_bits) expect_same_bits(got[k], want[k], what);
    else expect_near(got[k], want[k], {1e-5, 1e-6}, what);
  }
}

// ---- every op as a constant of differentiation ----

using Objective = std::function<Array(const Array&)>;

// What each transform makes of a scalar function of a scalar.
struct Transformed {
  const char* name;
  Arrays (*results)(const Objective&, const Array&);
};
constexpr Transformed kTransforms[] = {
    {"grad", [](const Objective& f, const Array& x) -> Arrays {
       const auto [value, change] = value_and_grad(f)(x);
       return {value, change};
     }},
    {"vjp", [](const Objective& f, const Array& x) -> Arrays {
       const auto [y, pullback] = vjp(f, x);
       return {y, pullback(Array(2.0))};
     }},
    {"jvp", [](const Objective& f, const Array& x) -> Arrays {
       const auto [y, dy] = jvp(f, x, ones({}, float64));
       return {y, dy};
     }},
    {"grad of checkpoint", [](const Objective& f, const Array& x) -> Arrays {
       const auto saved = checkpoint(f);
       return {saved(x), grad([&](const Array& at) { return saved(at); })(x)};
     }},
    {"hessian", [](const Objective& f, const Array& x) -> Arrays { return {hessian(f)(x)}; }},
    {"custom_vjp", [](const Objective& f, const Array& x) -> Arrays {
       const auto own = custom_vjp(f, [&f](const Array& cotangent, const Array&, const Array& at) { return cotangent * f(at); });
       return {own(x), grad([&](const Array& at) { return own(at); })(x)};
     }},
};

class reads : public EachFamily {};
GRADUS_ON_ALL_FAMILIES(reads);

TEST_P(reads, of_what_depends_on_any_op_as_a_constant_change_no_bit) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered) return;
    const Array x = full({}, 0.75, float64).eval();
    int64_t elements = 0;
    for (const Array& input : sample.inputs) elements += input.size();
    for (const bool is_pending : {false, true}) {
      const auto objective = [&](bool before, bool after) -> Objective {
        return [&sample, before, after, inputs = is_pending ? pending(sample.inputs) : sample.inputs](const Array& at) {
          Array first = 0.5 * at, second = 0.25;
          const Arrays outputs = sample.call(inputs);
          for (const Array& output : outputs) {
            if (output.exists() && output.size() > 0) first = first + mean(at * output.astype(float64));
          }
          if (before) first.item();
          for (const Array& output : outputs) {
            if (output.exists()) second = second + sum(square(at) * output.astype(float64));
          }
          const Array all = first + second;
          if (after) all.item();
          return all;
        };
      };
      for (const Transformed& transform : kTransforms) {
        SCOPED_TRACE(transform.name);
        const Arrays want = transform.results(objective(false, false), x);
        if (elements > 10'000) {  // the large ones once, under the first
          if (!is_pending) expect_equal(transform.results(objective(true, true), x), want, sample.same_bits, "read twice");
          break;
        }
        expect_equal(transform.results(objective(true, false), x), want, sample.same_bits, "read before");
        expect_equal(transform.results(objective(false, true), x), want, sample.same_bits, "read after");
        expect_equal(transform.results(objective(true, true), x), want, sample.same_bits, "read twice");
      }
    }
  });
}

TEST_P(reads, of_the_outputs_of_any_op_change_no_bit_of_its_derivatives) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || sample.orders == 0) return;
    const Arrays want = value_and_derivatives(sample);
    Sample read = sample;
    read.call = [&sample](const Arrays& inputs) {
      const Arrays outputs = sample.call(inputs);
      for (const Array& output : outputs) {
        if (output.exists()) sum(output.astype(float64)).item();
      }
      return outputs;
    };
    expect_equal(value_and_derivatives(read), want, sample.same_bits, "outputs read");
  });
}

// ---- programs ----

constexpr unsigned kPrograms = 100;

struct Case {
  ListFunction quiet, reading;
  Arrays in;
};
template <class F>
void for_each_program(const F& check) {
  for (unsigned seed = 0; seed < kPrograms; ++seed) {
    SCOPED_TRACE("program " + std::to_string(seed));
    Case program;
    program.in = inputs_of(seed);
    program.quiet = [seed](const Arrays& x) { return chosen(Program(seed)(x), seed); };
    program.reading = [seed](const Arrays& x) {
      Program made(seed);
      made.look = Reader(seed);
      return chosen(made(x), seed);
    };
    try {
      check(program);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "threw: " << error.what();
    }
    if (testing::Test::HasFailure()) return;
  }
}
Arrays pulled(const ListFunction& f, const Arrays& in) { return some_derivatives({.op = "program", .inputs = in, .call = f}); }
Arrays pushed(const ListFunction& f, const Arrays& in) {
  const Sample sample{.op = "program", .inputs = in, .call = f};
  const Smooth smooth(sample);
  return tests::push_forward(smooth, smooth.x, random_like(smooth.x, 5)).second;
}

TEST(programs_read, under_vjp_and_jvp_give_the_same_bits) {
  for_each_program([](const Case& program) {
    expect_equal(pulled(program.reading, program.in), pulled(program.quiet, program.in), true, "vjp");
    expect_equal(pushed(program.reading, program.in), pushed(program.quiet, program.in), true, "jvp");
  });
}

TEST(programs_read, under_checkpoint_give_the_same_bits) {
  for_each_program([](const Case& program) {
    const Arrays want = program.quiet(program.in);
    const auto saved = checkpoint(program.reading);
    expect_equal(saved(program.in), want, true, "checkpoint");
    expect_equal(pulled(saved, program.in), pulled(program.quiet, program.in), true, "gradients of checkpoint");
  });
}

TEST(programs_read, under_nested_grad_and_hessian_give_the_same_bits) {
  for_each_program([](const Case& program) {
    const Array x = program.in[1].astype(float64).eval();
    const auto scalar = [&](const ListFunction& f) -> Objective {
      return [&program, f](const Array& at) {
        Arrays in = program.in;
        in[1] = at;
        Array total = 0.0;
        for (const Array& y : f(in)) {
          if (y.dtype().is_float()) total = total + sum(tanh(y.astype(float64)));
        }
        return total;
      };
    };
    const auto twice = [&](const ListFunction& f) -> Arrays {
      const Objective value = scalar(f);
      return {grad([&](const Array& at) { return sum(grad(value)(at) * at); })(x), hessian(value)(x)};
    };
    expect_equal(twice(program.reading), twice(program.quiet), true, "second derivatives");
  });
}

// ---- training ----

std::vector<float> trained(bool prints) {
  const Array x = random::uniform(random::key(1), {8, 3}), labels = array({0, 1, 2, 0, 1, 2, 0, 1});
  random::seed(7);
  nn::Sequential model{nn::Dense(4, relu), nn::Dense(3)};
  nn::build(model, {8, 3});
  optim::Adam optimizer(1e-2);
  std::ostringstream out;
  const auto objective = [&](const auto& m) {
    const Array logits = m(x / 255), loss = loss::sparse_categorical_crossentropy(logits, labels);
    if (prints) {
      out << loss.item() << logits;
      for (const Variable& parameter : parameters(m)) out << parameter.get();
      if (all(argmax(logits, -1) == labels).template item<bool>()) out << "all right";
    }
    return loss;
  };
  for (int step = 0; step < 5; ++step) {
    const auto [value, grads] = value_and_grad<0>(objective)(model);
    optimizer.step(model, grads);
  }
  std::vector<float> out_values;
  for (const Variable& parameter : parameters(model)) {
    const std::vector<float> values = parameter.get().to_vector<float>();
    out_values.insert(out_values.end(), values.begin(), values.end());
  }
  return out_values;
}

TEST(reads, of_loss_logits_and_parameters_in_an_objective_change_nothing_of_what_is_trained) {
  const std::vector<float> quiet = trained(false), printing = trained(true);
  ASSERT_EQ(quiet.size(), printing.size());
  for (size_t i = 0; i < quiet.size(); ++i) EXPECT_NEAR(printing[i], quiet[i], 1e-5) << i;  // biases ride on products where nothing is read
}

TEST(reads, of_a_constant_that_other_threads_evaluate_at_the_same_time_change_nothing) {
  const Array x = random::normal(random::key(3), {16, 16}).eval();
  for (int round = 0; round < 10; ++round) {
    const Array shared = tanh(matmul(x, x) + round);
    std::vector<std::vector<float>> changes(4);
    std::vector<std::thread> threads;
    for (size_t k = 0; k < changes.size(); ++k) {
      threads.emplace_back([&, k] {
        changes[k] = grad([&](const Array& at) {
          const Array c = exp(shared), first = sum(c * at);
          first.item();
          return first + sum(square(at) * c * shared);
        })(x).to_vector<float>();
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (const std::vector<float>& each : changes) EXPECT_EQ(each, changes[0]);
  }
}

// ---- what a read costs in memory ----

TEST(reads, of_a_loss_that_is_kept_hold_none_of_the_arrays_behind_it) {
  const Array w = random::normal(random::key(1), {256, 256}).eval();
  const auto objective = [](const Array& at) {
    Array h = at;
    for (int layer = 0; layer < 4; ++layer) h = tanh(matmul(h, at));
    const Array loss = mean(h);
    loss.item();
    return loss;
  };
  Arrays losses;
  int64_t live = 0;
  for (int step = 0; step < 4; ++step) {
    losses.push_back(value_and_grad(objective)(w).first);
    if (step == 0) live = memory_use().live;
  }
  EXPECT_LT(memory_use().live - live, w.size() * 4);
}

TEST(reads, of_values_that_are_dropped_keep_nothing_while_the_trace_goes_on) {
  const Array w = random::normal(random::key(1), {256, 256}).eval();
  int64_t first = 0, last = 0;
  grad([&](const Array& at) {
    for (int round = 0; round < 8; ++round) {
      sum(matmul(at, at)).item();
      (round == 0 ? first : last) = memory_use().live;
    }
    return sum(at);
  })(w);
  EXPECT_LT(last - first, w.size() * 4);
}

}  // namespace
}  // namespace laws
