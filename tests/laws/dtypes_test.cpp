// Laws of dtypes: derivatives of every order have the dtype and the shape of what they are taken in, in 16 bits too, where kernels and
// compositions compute in float32 between.
#include "tests/laws/driver.hpp"

namespace laws {
namespace {

using namespace gradus;

class dtypes : public EachFamily {};
GRADUS_ON_ALL_FAMILIES(dtypes);

void expect_like(const Arrays& got, const Arrays& want, const char* what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(got[i].exists()) << what << " " << i;
    EXPECT_EQ(got[i].dtype(), want[i].dtype()) << what << " " << i << " is " << to_text(got[i].dtype());
    EXPECT_EQ(got[i].shape(), want[i].shape()) << what << " " << i;
  }
  evaluate(got);
}

TEST_P(dtypes, of_derivatives_are_those_of_the_inputs) {
  for_each_sample([](const Sample& wide) {
    if (!wide.is_lowered || wide.orders == 0 || wide.narrowest.size() > 2) return;
    const Sample sample = with_floats(wide, bfloat16);
    const Smooth f(sample);
    const Arrays tangents = random_like(f.x, 3), y = f(f.x), cotangents = random_like(y, 4);
    expect_like(tests::push_forward(f, f.x, tangents).second, y, "tangent");
    if (!sample.has_reverse) return;
    const auto gradient = [&](const Arrays& x) { return tests::pull_back(f, x, cotangents); };
    const Arrays first = gradient(f.x);
    expect_like(first, f.x, "cotangent");
    if (sample.orders < 2) return;
    expect_like(tests::pull_back(gradient, f.x, random_like(first, 5)), f.x, "cotangent of a cotangent");
    expect_like(tests::push_forward(gradient, f.x, tangents).second, first, "tangent of a cotangent");
  });
}

}  // namespace
}  // namespace laws
