// Laws of values: against plain loops, in every dtype, printed, saved and loaded.
#include <limits>
#include <set>

#include "gradus/base/error.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/io/safetensors.hpp"
#include "gradus/plan/counters.hpp"
#include "tests/laws/driver.hpp"
#include "tests/temporary_folder.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

class values : public EachFamily {};
GRADUS_ON_ALL_FAMILIES(values);

Plain plain(const Array& x) { return {x.shape().to_vector(), numbers(x)}; }
std::vector<Plain> plain(const Arrays& xs) {
  std::vector<Plain> out;
  for (const Array& x : xs) out.push_back(plain(x));
  return out;
}

TEST(samples, of_every_op_record_it) {
  std::set<std::string_view> sampled;
  for (const Family& family : kFamilies)
    EachFamily::for_each(family, [&](const Sample& sample) {
      ASSERT_TRUE(find_op(sample.op)) << "there is no op of that name";
      const Arrays outputs = sample.call(pending(sample.inputs));  // keeps the nodes
      bool is_recorded = false;
      for (const Node* node : ancestors(outputs)) is_recorded |= node->op().name == sample.op;
      EXPECT_TRUE(is_recorded) << "the sample does not record the op";
      sampled.insert(sample.op);
    });
  for (const OpDef* op : all_ops()) EXPECT_TRUE(sampled.count(op->name)) << op->name << " has no sample";
}

TEST_P(values, agree_with_plain_loops) {
  for_each_sample([](const Sample& sample) {
    if (!sample.reference) return;
    const Plain want = sample.reference(plain(sample.inputs));
    const Array got = sample.call(sample.inputs).at(0);
    EXPECT_EQ(got.shape().to_vector(), want.shape);
    expect_near(got, array(want.values, Shape(want.shape)), {1e-13, 1e-14}, "value");
  });
}

TEST_P(values, of_nan_infinity_and_zero_agree_with_plain_loops) {
  const double infinity = std::numeric_limits<double>::infinity();
  for_each_sample([&](const Sample& sample) {
    if (!sample.reference || !sample.takes_specials || sample.refuses_specials) return;
    for (const double special : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity, 0.0, -0.0}) {
      SCOPED_TRACE(special);
      const Sample at = with_every_second(sample, special);
      const Plain want = sample.reference(plain(at.inputs));
      expect_near(at.call(at.inputs).at(0), array(want.values, Shape(want.shape)), {1e-13, 1e-14}, "value");
    }
  });
}

TEST_P(values, of_every_float_dtype_agree_with_float64) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered) return;
    for (const DType dtype : {float32, bfloat16, float16}) {
      if (dtype.size() < sample.narrowest.size()) continue;
      SCOPED_TRACE(to_text(dtype));
      const Sample narrow = with_floats(sample, dtype), wide = with_floats(narrow, float64);  // of the rounded values
      const Arrays got = narrow.call(narrow.inputs), want = wide.call(wide.inputs);
      const double epsilon = dtype == float32 ? 6e-7 : dtype == float16 ? 1e-3 : 8e-3;
      for (size_t k = 0; k < got.size(); ++k) {
        EXPECT_EQ(got[k].dtype().is_float(), want[k].dtype().is_float());
        expect_near(got[k], want[k], {8 * epsilon, epsilon}, "against float64");
      }
    }
  });
}

// Whether the dtype, one of integers or bool, has this number.
bool can_hold(DType dtype, double value) {
  const double low = dtype == int64   ? -0x1p62
                     : dtype == int32 ? -0x1p31
                                      : 0,
               high = dtype == bool_   ? 1
                      : dtype == uint8 ? 255
                      : dtype == int32 ? 0x1p31 - 1
                                       : 0x1p62;
  return value == std::trunc(value) && value >= low && value <= high;
}
// Integers agree where both have the number (uint8 wraps around, 1 / 0 is no integer); floats as float32 does.
void expect_agreement(const Array& got, const Array& want) {
  if (got.dtype().is_float()) return expect_near(got, want.astype(got.dtype()), {5e-6, 1e-6}, "against float64");
  ASSERT_EQ(got.shape(), want.shape());
  const std::vector<double> a = numbers(got), b = numbers(want);
  for (size_t i = 0; i < a.size(); ++i)
    if (can_hold(got.dtype(), b[i])) {
      ASSERT_EQ(a[i], b[i]) << "element " << i << " in " << to_text(got.dtype());
    }
}

// Everything in one dtype, integers and bools too: a result that agrees with that in float64, or an error that is not ours.
TEST_P(values, of_every_dtype_agree_with_float64_or_are_refused_in_words) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered) return;
    for (int code = 0; code < kDTypeCount; ++code) {
      const DType dtype{static_cast<DType::Code>(code)};
      SCOPED_TRACE(to_text(dtype));
      Arrays inputs, wide;  // wide: the same numbers; indices and bools as they have to be
      for (const Array& x : sample.inputs) {
        inputs.push_back(x.astype(dtype));
        wide.push_back(inputs.back().astype(x.dtype()));
      }
      Arrays got;
      try {
        got = sample.call(inputs);
        evaluate(got);
      } catch (const Error& error) {
        EXPECT_NE(error.kind(), Error::Kind::bug) << error.what();
        continue;
      }
      if (dtype.is_float() || (dtype.is_bool() && !sample.fits_bools)) continue;  // floats: the law before this one
      const Arrays want = sample.call(wide);
      for (size_t k = 0; k < got.size(); ++k) expect_agreement(got[k], want[k]);
    }
  });
}

TEST_P(values, print_and_need_no_evaluation_for_it) {
  for_each_sample([](const Sample& sample) {
    const Arrays outputs = sample.call(pending(sample.inputs));
    const std::string text = graph_text(outputs);
    EXPECT_NE(text.find(sample.op), std::string::npos) << text;
    EXPECT_NE(graph_dot(outputs).find("digraph"), std::string::npos);
  });
}

// The parameters of an op hash and compare by value: recording a call again finds the plan.
TEST_P(values, of_the_same_call_again_need_no_new_plan) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || !sample.has_vmap) return;
    const Arrays first = sample.call(sample.inputs);
    evaluate(first);
    reset_counters();
    const Arrays second = sample.call(sample.inputs);
    evaluate(second);
    EXPECT_EQ(counters().plans_made, 0);
    for (size_t k = 0; k < first.size(); ++k) expect_same_bits(second[k], first[k], "the same call again");
  });
}

TEST_P(values, survive_saving_and_loading) {
  const gradus::testing::TemporaryFolder folder;
  const std::string path = folder / "results.safetensors";
  std::vector<io::NamedArray> results;
  for_each_sample([&](const Sample& sample) {
    if (!sample.is_lowered) return;
    for (const DType dtype : {float64, float32}) {
      const Sample cast = with_floats(sample, dtype);
      for (const Array& y : cast.call(cast.inputs)) results.push_back({"y" + std::to_string(results.size()), y});
    }
  });
  io::save_safetensors(path, results);
  const io::Safetensors loaded = io::load_safetensors(path);
  for (const io::NamedArray& result : results) expect_same_bits(loaded.at(result.name), result.array, "loaded");
}

}  // namespace
}  // namespace laws
