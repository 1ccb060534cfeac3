// What the laws over all samples share: going through them, comparing arrays, a sample as a function of its float inputs.
#pragma once

#include <gtest/gtest.h>

#include "tests/laws/sample.hpp"

namespace laws {

void PrintTo(const Family& family, std::ostream* out);

/// A law that is checked on each family by itself. GRADUS_LAW_OP limits it to the samples of one op.
class EachFamily : public ::testing::TestWithParam<Family> {
 protected:
  /// Calls check(sample) for each sample of the family. What it throws is a failure of that sample, with a trace that describes it.
  void for_each_sample(const std::function<void(const Sample&)>& check) const { for_each(GetParam(), check); }

 public:
  static void for_each(const Family& family, const std::function<void(const Sample&)>& check);
};
/// Every TEST_P of the suite on every family.
#define GRADUS_ON_ALL_FAMILIES(suite) \
  INSTANTIATE_TEST_SUITE_P(families, suite, ::testing::ValuesIn(kFamilies), [](const auto& info) { return std::string(info.param.name); })

std::vector<double> numbers(const Array& x);
/// Within absolute + relative * (largest finite |want|); NaN equals NaN.
struct Bound {
  double relative, absolute;
};
void expect_near(const Array& got, const Array& want, Bound bound, const char* what);
void expect_near(const Arrays& got, const Arrays& want, Bound bound, const char* what);
void expect_same_bits(const Array& got, const Array& want, const char* what);

/// A sample as a function of its float inputs alone, with what derivatives can see of its outputs.
struct Smooth {
  explicit Smooth(const Sample& sample);
  const Sample& sample;
  std::vector<size_t> places;
  Arrays x;
  Arrays operator()(const Arrays& values) const;
};
/// Numbers in [-1, 1) of these dtypes and shapes.
Arrays random_like(const Arrays& xs, unsigned seed);
/// Cotangents of a sample's float inputs for random cotangents of its outputs; tangents for random tangents where it has no reverse mode.
Arrays some_derivatives(const Sample& sample);
/// The outputs and, if there are, derivatives.
Arrays value_and_derivatives(const Sample& sample);
/// The same call with its float inputs in another dtype.
Sample with_floats(const Sample& sample, DType dtype);
/// The same call with `value` in place of every second number of its float inputs.
Sample with_every_second(const Sample& sample, double value);
/// The inputs as pending arrays: views of them are recorded, where views of computed arrays are made at once.
Arrays pending(const Arrays& inputs);

}  // namespace laws
