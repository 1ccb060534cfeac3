// Laws of running: results do not depend on memory layouts, on what is planned together, on threads; no number is a special case.
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/plan/settings.hpp"
#include "tests/laws/driver.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

class runs : public EachFamily {};
GRADUS_ON_ALL_FAMILIES(runs);

// The same values in other places of memory.
Array every_second(const Array& x) {  // along the last axis, with other numbers between
  if (x.rank() == 0) return stack({x, x}).eval()[1];
  Dims sizes = x.shape().dims();
  sizes.back() *= 2;
  const Array wide = contiguous(reshape(stack({x, flip(x)}, -1), NewShape(Shape(sizes)))).eval();
  return wide[{ellipsis, slice({}, {}, 2)}];
}
Array columns_first(const Array& x) { return transpose(contiguous(transpose(x)).eval()); }
Array inside_another(const Array& x) { return stack({x, x, x}).eval()[1]; }
Array backwards(const Array& x) { return flip(contiguous(flip(x)).eval()); }
struct Variant {
  const char* name;
  Array (*make)(const Array&);
};
constexpr Variant kVariants[] = {
    {"strided", every_second}, {"transposed", columns_first}, {"with an offset", inside_another}, {"reversed", backwards}};
constexpr Bound kClose{1e-13, 1e-14};

TEST_P(runs, on_other_memory_layouts_give_the_same_results) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered) return;
    const Arrays want = sample.call(sample.inputs);
    for (const Variant& variant : kVariants) {
      Arrays inputs;
      for (const Array& x : sample.inputs) inputs.push_back(variant.make(x));
      expect_near(sample.call(inputs), want, kClose, variant.name);
      for (size_t i = 0; i < inputs.size(); ++i) {  // one by one: a kernel may take one input strided and not the other
        Arrays mixed = sample.inputs;
        mixed[i] = inputs[i];
        expect_near(sample.call(mixed), want, kClose, variant.name);
      }
    }
    Arrays repeated, copied;  // the same row everywhere: stride 0, and the same in memory of its own
    for (const Array& x : sample.inputs) {
      const bool has_rows = x.rank() > 0 && x.shape(0) > 0 && x.dtype().is_float();
      repeated.push_back(has_rows ? broadcast_to(x[slice(1)], x.shape()) : x);
      copied.push_back(contiguous(repeated.back()).eval());
    }
    expect_near(sample.call(repeated), sample.call(copied), kClose, "broadcast");
  });
}

TEST_P(runs, on_nan_infinity_and_huge_numbers_come_to_an_end) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered || !sample.has_reverse) return;  // a loop until something is small may never end
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double special : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity, 0.0, 1e300, -1e300}) {
      for (const DType dtype : {float64, float32}) {
        const Sample at = with_floats(with_every_second(sample, special), dtype);
        if (!sample.refuses_specials || std::isfinite(static_cast<float>(special))) {
          value_and_derivatives(at);
        } else if (dtype == float32 || !std::isfinite(special)) {
          EXPECT_THROW(value_and_derivatives(at), Error);
        }
      }
    }
  });
}

TEST_P(runs, planned_and_op_by_op_give_the_same_bits) {
  for_each_sample([](const Sample& sample) {
    if (!sample.is_lowered) return;
    for (const DType dtype : {float64, float32, bfloat16}) {
      SCOPED_TRACE(to_text(dtype));
      if (dtype.size() < sample.narrowest.size()) continue;
      const Sample cast = with_floats(sample, dtype);
      const Arrays planned = value_and_derivatives(cast);
      set_op_by_op(true);
      const Arrays alone = value_and_derivatives(cast);
      set_op_by_op(false);
      ASSERT_EQ(planned.size(), alone.size());
      for (size_t k = 0; k < planned.size(); ++k) {
        if (sample.same_bits) expect_same_bits(planned[k], alone[k], "planned against op by op");
        else
          expect_near(planned[k], alone[k],
                      {dtype == float64   ? 1e-12
                       : dtype == float32 ? 1e-5
                                          : 2e-2,
                       dtype.size() == 2 ? 1e-2 : 1e-6},
                      "planned against op by op");
      }
    }
  });
}

TEST_P(runs, on_any_number_of_threads_give_the_same_bits) {
  const int before = threads();
  for_each_sample([&](const Sample& sample) {
    if (!sample.is_lowered) return;
    for (const DType dtype : {float64, float32}) {
      SCOPED_TRACE(to_text(dtype));
      const Sample cast = with_floats(sample, dtype);
      set_threads(1);
      const Arrays one = value_and_derivatives(cast);
      for (const int count : {2, 3, 4, 8}) {
        set_threads(count);
        const Arrays several = value_and_derivatives(cast);
        for (size_t k = 0; k < one.size(); ++k) expect_same_bits(several[k], one[k], "threads");
      }
    }
  });
  set_threads(before);
}

}  // namespace
}  // namespace laws
