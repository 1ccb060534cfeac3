#include "tests/laws/driver.hpp"

#include <cstdlib>
#include <cstring>
#include <ostream>

#include "gradus/graph/leaf.hpp"

namespace laws {

using namespace gradus;
using namespace gradus::core;

namespace {

std::string describe(const Sample& sample, size_t number) {
  std::string out = "op " + std::string(sample.op) + ", sample " + std::to_string(number) + " of its family, with";
  for (const Array& x : sample.inputs) out += " " + to_text(x.dtype()) + " " + to_text(x.shape());
  return out;
}

}  // namespace

void PrintTo(const Family& family, std::ostream* out) { *out << family.name; }

void EachFamily::for_each(const Family& family, const std::function<void(const Sample&)>& check) {
  const char* only = std::getenv("GRADUS_LAW_OP");
  size_t number = 0;
  for (const Sample& sample : family.samples()) {
    SCOPED_TRACE(describe(sample, number++));
    if (only && sample.op != only) continue;
    try {
      check(sample);
    } catch (const std::exception& error) {
      ADD_FAILURE() << "threw: " << error.what();
    }
  }
}

std::vector<double> numbers(const Array& x) { return x.to_vector<double>(); }

void expect_near(const Array& got, const Array& want, Bound bound, const char* what) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  const std::vector<double> a = numbers(got), b = numbers(want);
  double scale = 0;
  for (const double value : b)
    if (std::isfinite(value)) scale = std::max(scale, std::fabs(value));
  for (size_t i = 0; i < a.size(); ++i) {
    if ((std::isnan(a[i]) && std::isnan(b[i])) || a[i] == b[i]) continue;
    ASSERT_LE(std::fabs(a[i] - b[i]), bound.absolute + bound.relative * scale)
        << what << ", element " << i << ": " << a[i] << ", want " << b[i];
  }
}
void expect_near(const Arrays& got, const Arrays& want, Bound bound, const char* what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < got.size(); ++i) expect_near(got[i], want[i], bound, what);
}
void expect_same_bits(const Array& got, const Array& want, const char* what) {
  ASSERT_EQ(got.shape(), want.shape()) << what;
  ASSERT_EQ(got.dtype(), want.dtype()) << what;
  const auto in_memory = [](const Array& x) { return contiguous(x.is_weak() ? x.astype(x.dtype()) : x).eval(); };
  const Array a = in_memory(got), b = in_memory(want);
  const bool is_same = visit_dtype(a.dtype(), [&]<class T>(T) {
    return a.size() == 0 || std::memcmp(a.data<T>(), b.data<T>(), static_cast<size_t>(a.size()) * sizeof(T)) == 0;
  });
  EXPECT_TRUE(is_same) << what << ":\n" << got << "\nwant\n" << want;
}

Smooth::Smooth(const Sample& given) : sample(given) {
  for (size_t i = 0; i < sample.inputs.size(); ++i)
    if (sample.inputs[i].dtype().is_float()) places.push_back(i), x.push_back(sample.inputs[i]);
}
Arrays Smooth::operator()(const Arrays& values) const {
  Arrays inputs = sample.inputs;
  for (size_t i = 0; i < places.size(); ++i) inputs[places[i]] = values[i];
  Arrays out;
  for (const Array& y : sample.call(inputs))
    if (y.exists() && y.dtype().is_float()) out.push_back(y);
  return out;
}

Arrays random_like(const Arrays& xs, unsigned seed) {
  Arrays out;
  for (const Array& x : xs) out.push_back(uniform(x.shape(), -1, 1, seed++).astype(x.dtype()).eval());
  return out;
}

Arrays some_derivatives(const Sample& sample) {
  const Smooth f(sample);
  return sample.has_reverse ? tests::pull_back(f, f.x, random_like(f(f.x), 3)) : tests::push_forward(f, f.x, random_like(f.x, 3)).second;
}
Arrays value_and_derivatives(const Sample& sample) {
  Arrays out = sample.call(sample.inputs);
  if (sample.orders > 0)
    for (const Array& change : some_derivatives(sample)) out.push_back(change);
  evaluate(out);
  return out;
}
Sample with_floats(const Sample& sample, DType dtype) {
  Sample out = sample;
  for (Array& x : out.inputs)
    if (x.dtype().is_float()) x = x.astype(dtype).eval();
  return out;
}
Sample with_every_second(const Sample& sample, double value) {
  Sample out = sample;
  for (Array& x : out.inputs) {
    if (!x.dtype().is_float()) continue;
    std::vector<double> values = numbers(x);
    for (size_t i = 0; i < values.size(); i += 2) values[i] = value;
    x = array(values, x.shape()).astype(x.dtype()).eval();
  }
  return out;
}
Arrays pending(const Arrays& inputs) {
  Arrays out;
  for (const Array& x : inputs) out.push_back(apply(barrier_op, {x}));
  return out;
}

}  // namespace laws
