// The laws: what must hold for every op, sample by sample.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "gradus/base/error.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/plan/settings.hpp"
#include "tests/laws/sample.hpp"

namespace laws {

const Samples& all_samples() {
  static const Samples samples = [] {
    Samples out;
    for (Samples family : {leaf_samples(), elementwise_samples(), shape_samples(), reduce_samples(), linalg_samples(), conv_samples(), update_samples(),
                           transform_samples()})
      for (Sample& sample : family) out.push_back(std::move(sample));
    return out;
  }();
  return samples;
}

namespace {

using namespace gradus;

std::string describe(const Sample& sample, size_t number) {
  std::string out = "op " + std::string(sample.op) + ", sample " + std::to_string(number) + " with";
  for (const Array& x : sample.inputs) out += " " + to_text(x.dtype()) + " " + to_text(x.shape());
  return out;
}
// Calls check(sample) for each sample; GRADUS_LAW_OP limits it to one op. Exceptions are failures of that sample.
template <class F>
void for_each_sample(F check) {
  const char* only = std::getenv("GRADUS_LAW_OP");
  size_t number = 0;
  for (const Sample& sample : all_samples()) {
    ++number;
    if (only && sample.op != only) continue;
    SCOPED_TRACE(describe(sample, number - 1));
    try {
      check(sample);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "threw: " << error.what();
    }
  }
}

std::vector<double> numbers(const Array& x) { return x.to_vector<double>(); }
Plain plain(const Array& x) { return {x.shape().to_vector(), numbers(x)}; }

void expect_near(const Array& got, const Array& want, double relative, double absolute, const char* what) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  const std::vector<double> a = numbers(got), b = numbers(want);
  double scale = 0;
  for (const double value : b)
    if (std::isfinite(value)) scale = std::max(scale, std::fabs(value));
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i]) continue;
    ASSERT_LE(std::fabs(a[i] - b[i]), absolute + relative * scale) << what << ", element " << i << ": " << a[i] << ", want " << b[i];
  }
}
void expect_near(const Arrays& got, const Arrays& want, double relative, double absolute, const char* what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) expect_near(got[i], want[i], relative, absolute, what);
}
bool same_bits(const Array& a, const Array& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  return visit_dtype(a.dtype(), [&]<class T>(T) {
    if constexpr (std::same_as<T, bool>) return a.to_vector<bool>() == b.to_vector<bool>();
    else return a.size() == 0 || std::memcmp(a.data<T>(), b.data<T>(), static_cast<size_t>(a.size()) * sizeof(T)) == 0;
  });
}

// The sample as a function of its float inputs alone, with what derivatives can see of its outputs.
struct Smooth {
  explicit Smooth(const Sample& sample) : sample(sample) {
    for (size_t i = 0; i < sample.inputs.size(); ++i)
      if (sample.inputs[i].dtype().is_float()) places.push_back(i), x.push_back(sample.inputs[i]);
  }
  const Sample& sample;
  std::vector<size_t> places;
  Arrays x;

  Arrays operator()(const Arrays& values) const {
    Arrays inputs = sample.inputs;
    for (size_t i = 0; i < places.size(); ++i) inputs[places[i]] = values[i];
    Arrays out;
    for (const Array& y : sample.call(inputs))
      if (y.exists() && y.dtype().is_float()) out.push_back(y);
    return out;
  }
};
Arrays random_like(const Arrays& xs, unsigned seed) {
  Arrays out;
  for (const Array& x : xs) out.push_back(uniform(x.shape(), -1, 1, seed++).astype(x.dtype()).eval());
  return out;
}
double dot(const Arrays& a, const Arrays& b) {
  double total = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (!a[i].exists()) continue;
    const std::vector<double> p = numbers(a[i]), q = numbers(b[i]);
    for (size_t k = 0; k < p.size(); ++k) total += p[k] * q[k];
  }
  return total;
}
Arrays moved(const Arrays& x, const Arrays& direction, double step) {
  Arrays out;
  for (size_t i = 0; i < x.size(); ++i) out.push_back((x[i] + step * direction[i]).eval());
  return out;
}

// d/dt <c, f(x + t v)> at 0: by central differences of fourth order, forward mode and reverse mode. All three must agree.
void check_directional(const ListFunction& f, const Arrays& x, double tolerance, unsigned seed, const char* what) {
  const Arrays v = random_like(x, seed);
  const Arrays c = random_like(f(x), seed + 50);
  const auto along = [&](double t) { return dot(c, f(moved(x, v, t))); };
  const double h = 1e-4;
  const double differences = (8 * (along(h) - along(-h)) - (along(2 * h) - along(-2 * h))) / (12 * h);
  const double forward = dot(tests::push_forward(f, x, v).second, c);
  const double reverse = dot(tests::pull_back(f, x, c), v);
  const double scale = std::max({1.0, std::fabs(differences), std::fabs(along(0))});
  EXPECT_NEAR(forward, reverse, 1e-10 * scale) << what << ": forward against reverse mode";
  EXPECT_NEAR(forward, differences, tolerance * scale) << what << ": forward mode against differences";
  EXPECT_NEAR(reverse, differences, tolerance * scale) << what << ": reverse mode against differences";
}

TEST(ops, every_op_has_a_sample_that_records_it) {
  std::set<std::string_view> sampled;
  for_each_sample([&](const Sample& sample) {
    ASSERT_TRUE(find_op(sample.op)) << "there is no op of that name";
    bool is_recorded = false;
    for (const Node* node : ancestors(sample.call(sample.inputs))) is_recorded |= node->op().name == sample.op;
    EXPECT_TRUE(is_recorded) << "the sample does not record the op";
    sampled.insert(sample.op);
  });
  for (const OpDef* op : all_ops()) EXPECT_TRUE(sampled.count(op->name)) << op->name << " has no sample";
}

TEST(ops, values_agree_with_plain_loops) {
  for_each_sample([](const Sample& sample) {
    if (!sample.reference) return;
    std::vector<Plain> inputs;
    for (const Array& x : sample.inputs) inputs.push_back(plain(x));
    const Plain want = sample.reference(inputs);
    const Array got = sample.call(sample.inputs).at(0);
    EXPECT_EQ(got.shape().to_vector(), want.shape);
    expect_near(got, array(want.values, Shape(want.shape)), 1e-13, 1e-14, "value");
  });
}

TEST(ops, first_derivatives_agree_with_differences_forward_and_in_reverse) {
  for_each_sample([](const Sample& sample) {
    if (sample.orders < 1) return;
    const Smooth f(sample);
    for (unsigned seed : {10u, 20u}) check_directional(f, f.x, sample.tolerance, seed, "order 1");
  });
}

TEST(ops, second_derivatives_agree_with_differences_forward_and_in_reverse) {
  for_each_sample([](const Sample& sample) {
    if (sample.orders < 2) return;
    const Smooth f(sample);
    const Arrays c = random_like(f(f.x), 70);
    // The gradient of <c, f>, by reverse mode; and the derivative along v, by forward mode; as functions of x and c.
    const size_t inputs = f.x.size();
    const ListFunction gradient = [&](const Arrays& in) {
      return tests::pull_back(f, Arrays(in.begin(), in.begin() + static_cast<ptrdiff_t>(inputs)),
                              Arrays(in.begin() + static_cast<ptrdiff_t>(inputs), in.end()));
    };
    Arrays in = f.x;
    in.insert(in.end(), c.begin(), c.end());
    check_directional(gradient, in, 10 * sample.tolerance, 30, "order 2, of the reverse rule");
    const Arrays v = random_like(f.x, 90);
    const ListFunction slope = [&](const Arrays& x) { return tests::push_forward(f, x, v).second; };
    check_directional(slope, f.x, 10 * sample.tolerance, 40, "order 2, of the forward rule");
  });
}

// The batches: for input i, three arrays of its kind.
Arrays batch_of(const Array& x, unsigned seed) {
  Arrays out{x};
  for (unsigned k = 1; k < 3; ++k) {
    if (x.dtype().is_float()) out.push_back((x + 0.01 * uniform(x.shape(), -1, 1, seed + k)).astype(x.dtype()).eval());
    else out.push_back(x);
  }
  return out;
}
void check_batching(const Sample& sample, const std::vector<bool>& is_batched, bool with_gradient) {
  std::vector<Arrays> batches;
  Arrays stacked;  // of the batched inputs
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    batches.push_back(batch_of(sample.inputs[i], static_cast<unsigned>(i)));
    if (is_batched[i]) stacked.push_back(stack(batches.back()).eval());
  }
  const auto one = [&](const Arrays& in) -> Arrays {
    if (!with_gradient) return sample.call(in);
    Sample moved = sample;
    moved.inputs = in;
    const Smooth f(moved);
    Arrays shapes = f(f.x), c;
    for (size_t k = 0; k < shapes.size(); ++k) c.push_back(uniform(shapes[k].shape(), -1, 1, 5));
    return tests::pull_back(f, f.x, c);
  };
  const auto at_once = [&](const Arrays& in) {
    Arrays inputs;
    size_t next = 0;
    for (size_t i = 0; i < sample.inputs.size(); ++i) inputs.push_back(is_batched[i] ? in[next++] : batches[i][0]);
    return one(inputs);
  };
  const Arrays got = vmap(at_once)(stacked);
  std::vector<Arrays> rows;
  for (size_t k = 0; k < 3; ++k) {
    Arrays inputs;
    for (size_t i = 0; i < sample.inputs.size(); ++i) inputs.push_back(batches[i][is_batched[i] ? k : 0]);
    const Arrays outputs = one(inputs);
    rows.resize(outputs.size());
    for (size_t o = 0; o < outputs.size(); ++o) rows[o].push_back(outputs[o]);
  }
  Arrays want;
  for (const Arrays& row : rows) want.push_back(stack(row));
  expect_near(got, want, 1e-12, 1e-13, "vmap against a loop");
}

TEST(ops, vmap_agrees_with_a_loop) {
  for_each_sample([](const Sample& sample) {
    const size_t count = sample.inputs.size();
    if (!sample.has_vmap || count == 0) return;
    for (size_t mask = 1; mask < (size_t{1} << count); ++mask) {
      std::vector<bool> is_batched;
      for (size_t i = 0; i < count; ++i) is_batched.push_back(mask >> i & 1);
      SCOPED_TRACE("batched inputs: mask " + std::to_string(mask));
      check_batching(sample, is_batched, false);
      if (sample.orders > 0) check_batching(sample, is_batched, true);
    }
  });
}

TEST(ops, vmap_over_an_empty_batch_and_a_batch_of_one_works) {
  for_each_sample([](const Sample& sample) {
    if (!sample.has_vmap || sample.inputs.empty()) return;
    const Arrays once = sample.call(sample.inputs);
    for (const int64_t size : {0, 1}) {
      Arrays stacked;
      for (const Array& x : sample.inputs) {
        Dims sizes = x.shape().dims();
        sizes.insert(0, size);
        stacked.push_back(size == 1 ? reshape(x, NewShape(Shape(sizes))) : zeros(Shape(sizes), x.dtype()));
      }
      const Arrays got = vmap([&](const Arrays& in) { return sample.call(in); })(stacked);
      for (size_t k = 0; k < got.size(); ++k) {
        Dims sizes = once[k].shape().dims();
        sizes.insert(0, size);
        EXPECT_EQ(got[k].shape(), Shape(sizes)) << "batch of " << size;
        got[k].eval();
        if (size == 1) expect_near(got[k][0], once[k], 1e-12, 1e-13, "batch of one");
      }
    }
  });
}

// The same values in other places of memory.
struct Variant {
  const char* name;
  Array (*make)(const Array&);
};
Array spread_out(const Array& x) {  // every second element along the last axis
  if (x.rank() == 0) return stack({x, x}).eval()[1];
  Dims sizes = x.shape().dims();
  sizes.push_back(2);
  const Array doubled = broadcast_to(expand_dims(x, -1), Shape(sizes));
  Dims flat = x.shape().dims();
  flat.back() *= 2;
  const Array wide = (reshape(doubled, NewShape(Shape(flat))).astype(x.dtype())).eval();
  return wide[{ellipsis, slice({}, {}, 2)}];
}
Array columns_first(const Array& x) { return transpose(array(transpose(x).to_vector<double>(), transpose(x).shape()).astype(x.dtype()).eval()); }
Array inside_another(const Array& x) { return stack({x, x, x}).eval()[1]; }
Array backwards(const Array& x) { return flip((flip(x) + zeros(x.shape(), x.dtype())).astype(x.dtype()).eval()); }
constexpr Variant kVariants[] = {
    {"strided", spread_out}, {"transposed", columns_first}, {"with an offset", inside_another}, {"reversed", backwards}};

TEST(ops, memory_layouts_of_the_same_values_give_the_same_results) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered) return;
    const Arrays want = sample.call(sample.inputs);
    for (const Variant& variant : kVariants) {
      Arrays inputs;
      for (const Array& x : sample.inputs) inputs.push_back(variant.make(x));
      expect_near(sample.call(inputs), want, 1e-13, 1e-14, variant.name);
      for (size_t i = 0; i < inputs.size(); ++i) {  // one by one: a kernel may take one input strided and not the other
        Arrays mixed = sample.inputs;
        mixed[i] = inputs[i];
        expect_near(sample.call(mixed), want, 1e-13, 1e-14, variant.name);
      }
    }
    Arrays repeated, copied;  // the same row everywhere: stride 0, and the same in memory of its own
    for (const Array& x : sample.inputs) {
      const bool has_rows = x.rank() > 0 && x.shape(0) > 0 && x.dtype().is_float();
      const Array row = has_rows ? broadcast_to(x[slice(1)], x.shape()) : x;
      repeated.push_back(row);
      copied.push_back(array(row.to_vector<double>(), row.shape()).astype(x.dtype()).eval());
    }
    expect_near(sample.call(repeated), sample.call(copied), 1e-13, 1e-14, "broadcast");
  });
}

TEST(ops, every_float_dtype_agrees_with_float64) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || !sample.reference) return;
    for (const DType dtype : {float32, bfloat16, float16}) {
      if (dtype.size() < sample.narrowest.size()) continue;
      Arrays narrow, wide;
      for (const Array& x : sample.inputs) {
        narrow.push_back(x.dtype().is_float() ? x.astype(dtype) : x);
        wide.push_back(x.dtype().is_float() ? narrow.back().astype(float64) : x);  // the rounded values
      }
      const Arrays got = sample.call(narrow), want = sample.call(wide);
      const double epsilon = dtype == float32 ? 6e-7 : dtype == float16 ? 1e-3 : 8e-3;
      for (size_t k = 0; k < got.size(); ++k) {
        SCOPED_TRACE(to_text(dtype));
        EXPECT_EQ(got[k].dtype().is_float(), want[k].dtype().is_float());
        expect_near(got[k], want[k], 8 * epsilon, epsilon, "dtype");
      }
    }
  });
}

TEST(ops, every_dtype_that_an_op_accepts_runs_and_no_other_is_accepted_in_silence) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered) return;
    for (int code = 0; code < kDTypeCount; ++code) {
      const DType dtype{static_cast<DType::Code>(code)};
      Arrays inputs;
      for (const Array& x : sample.inputs) inputs.push_back(x.astype(dtype));
      try {
        for (const Array& y : sample.call(inputs)) y.eval();
      } catch (const Error& error) {
        EXPECT_NE(error.kind(), Error::Kind::bug) << to_text(dtype) << ": " << error.what();
      }
    }
  });
}

TEST(ops, nan_and_infinity_are_ordinary_input) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered) return;
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double special : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity, 0.0, 1e300, -1e300}) {
      for (const DType dtype : {float64, float32}) {
        Arrays inputs;
        for (const Array& x : sample.inputs) {
          if (!x.dtype().is_float()) {
            inputs.push_back(x);
            continue;
          }
          std::vector<double> values = x.to_vector<double>();
          for (size_t i = 0; i < values.size(); i += 2) values[i] = special;
          inputs.push_back(array(values, x.shape()).astype(dtype).eval());
        }
        for (const Array& y : sample.call(inputs)) y.eval();
        if (sample.orders == 0) continue;
        Sample special_sample = sample;
        special_sample.inputs = inputs;
        const Smooth f(special_sample);
        for (const Array& g : tests::pull_back(f, f.x, random_like(f(f.x), 3))) g.eval();
      }
    }
  });
}

Arrays value_and_gradient(const Sample& sample) {
  Arrays out = sample.call(sample.inputs);
  if (sample.orders > 0) {
    const Smooth f(sample);
    for (const Array& g : tests::pull_back(f, f.x, random_like(f(f.x), 3))) out.push_back(g);
  }
  evaluate(out);
  return out;
}

TEST(ops, planned_and_op_by_op_give_the_same_bits) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered) return;
    for (const DType dtype : {float64, float32}) {
      Sample cast = sample;
      for (Array& x : cast.inputs)
        if (x.dtype().is_float()) x = x.astype(dtype).eval();
      const Arrays planned = value_and_gradient(cast);
      set_op_by_op(true);
      const Arrays alone = value_and_gradient(cast);
      set_op_by_op(false);
      ASSERT_EQ(planned.size(), alone.size());
      for (size_t k = 0; k < planned.size(); ++k) {
        if (sample.same_bits) EXPECT_TRUE(same_bits(planned[k], alone[k])) << to_text(dtype) << ", result " << k << ":\n" << planned[k] << "\n" << alone[k];
        else expect_near(planned[k], alone[k], dtype == float64 ? 1e-12 : 1e-5, 1e-6, "planned against op by op");
      }
    }
  });
}

TEST(ops, results_do_not_depend_on_the_number_of_threads) {
  const int before = threads();
  for_each_sample([&](const Sample& sample) {
    if (!sample.is_lowered) return;
    set_threads(1);
    const Arrays one = value_and_gradient(sample);
    set_threads(3);
    const Arrays three = value_and_gradient(sample);
    for (size_t k = 0; k < one.size(); ++k) {
      if (sample.same_bits) EXPECT_TRUE(same_bits(one[k], three[k])) << "result " << k;
      else expect_near(one[k], three[k], 1e-12, 1e-13, "threads");
    }
  });
  set_threads(before);
}

TEST(ops, calls_print_without_being_evaluated) {
  for_each_sample([](const Sample& sample) {
    const Arrays outputs = sample.call(sample.inputs);
    const std::string text = graph_text(outputs);
    EXPECT_NE(text.find(sample.op), std::string::npos) << text;
    EXPECT_NE(graph_dot(outputs).find("digraph"), std::string::npos);
  });
}

}  // namespace
}  // namespace laws
