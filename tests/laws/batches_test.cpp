// Laws of vmap: against a loop over the examples, for every choice of batched inputs; values and derivatives.
#include "tests/laws/driver.hpp"

namespace laws {
namespace {

using namespace gradus;
using namespace gradus::core;

class batches : public EachFamily {};
GRADUS_ON_ALL_FAMILIES(batches);

constexpr Bound kClose{1e-12, 1e-13}, kCloseInFloat32{1e-6, 1e-7};

// Three arrays of the kind of x: floats a little apart, integers and bools in another order.
Arrays batch_of(const Array& x, unsigned seed) {
  if (!x.dtype().is_float()) return {x, contiguous(flip(x)).eval(), x};
  Arrays out{x};
  for (const unsigned k : {1u, 2u}) out.push_back((x + 0.01 * uniform(x.shape(), -1, 1, seed + k)).astype(x.dtype()).eval());
  return out;
}

void check_batching(const Sample& sample, const std::vector<bool>& is_batched, bool with_derivatives) {
  std::vector<Arrays> batches;
  Arrays stacked;  // of the batched inputs
  for (size_t i = 0; i < sample.inputs.size(); ++i) {
    batches.push_back(batch_of(sample.inputs[i], static_cast<unsigned>(i)));
    if (is_batched[i]) stacked.push_back(stack(batches.back()).eval());
  }
  const auto one = [&](const Arrays& in) -> Arrays {
    if (!with_derivatives) return sample.call(in);
    Sample at = sample;
    at.inputs = in;
    return some_derivatives(at);
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
  expect_near(got, want, sample.sums == float32 ? kCloseInFloat32 : kClose, with_derivatives ? "derivatives under vmap against a loop" : "vmap against a loop");
}

void check_all_choices(const Sample& sample, bool with_derivatives) {
  const size_t count = sample.inputs.size();
  for (size_t mask = 1; mask < (size_t{1} << count); ++mask) {
    std::vector<bool> is_batched;
    for (size_t i = 0; i < count; ++i) is_batched.push_back(mask >> i & 1);
    SCOPED_TRACE("batched inputs: mask " + std::to_string(mask));
    check_batching(sample, is_batched, with_derivatives);
  }
}

TEST_P(batches, agree_with_a_loop) {
  for_each_sample([](const Sample& sample) {
    if (sample.has_vmap && !sample.inputs.empty()) check_all_choices(sample, false);
  });
}
TEST_P(batches, of_derivatives_agree_with_a_loop) {
  for_each_sample([](const Sample& sample) {
    if (sample.has_vmap && !sample.inputs.empty() && sample.orders > 0) check_all_choices(sample, true);
  });
}

TEST_P(batches, of_none_and_of_one_work) {
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
        if (size == 1) expect_near(got[k][0], once[k], kClose, "batch of one");
      }
    }
  });
}

}  // namespace
}  // namespace laws
