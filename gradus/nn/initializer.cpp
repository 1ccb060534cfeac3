// Initialisers: one scaled distribution, and constants.
#include "gradus/nn/initializer.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/array/buffer.hpp"
#include "gradus/base/convert.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/random.hpp"

namespace gradus::nn {

namespace {

thread_local DType parameter_dtype = float32;

Array draw_uniform(const Shape& shape, DType dtype, double low, double high) {
  return random::uniform(random::next_initializer_key(), shape, low, high, dtype);
}
Array draw_normal(const Shape& shape, DType dtype, double mean, double deviation) {
  return random::normal(random::next_initializer_key(), shape, mean, deviation, dtype);
}

double fan_in(const Fans& fans) { return fans.in; }
double fan_mean(const Fans& fans) { return (fans.in + fans.out) / 2; }

// Variance gain^2 / fan.
Initializer scaled_uniform(std::string name, double gain, double (*fan)(const Fans&)) {
  return {std::move(name), [=](const Shape& shape, DType dtype) {
            const double bound = gain * std::sqrt(3 / std::max(1.0, fan(fans_of(shape))));
            return draw_uniform(shape, dtype, -bound, bound);
          }};
}
Initializer scaled_normal(std::string name, double gain, double (*fan)(const Fans&)) {
  return {std::move(name), [=](const Shape& shape, DType dtype) {
            return draw_normal(shape, dtype, 0, gain / std::sqrt(std::max(1.0, fan(fans_of(shape)))));
          }};
}

}  // namespace

Fans fans_of(const Shape& shape) {
  const int64_t rank = shape.rank();
  if (rank == 0) return {};
  if (rank == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double field = 1;
  for (int64_t axis = 0; axis < rank - 2; ++axis) field *= static_cast<double>(shape[axis]);
  return {field * static_cast<double>(shape[rank - 2]), field * static_cast<double>(shape[rank - 1])};
}

Array filled(const Shape& shape, double value, DType dtype) {
  BufferPtr buffer = allocate(shape.size() * dtype.size(), concat("constant ", shape, " ", dtype));
  visit_dtype(dtype, [&]<class T>(T) {
    T* data = reinterpret_cast<T*>(buffer->data());
    std::fill(data, data + shape.size(), convert<T>(value));
  });
  return make_leaf(std::move(buffer), dtype, shape);
}

Array Initializer::operator()(const Shape& shape, DType dtype) const {
  Array value = make_(shape, dtype);
  if (value.shape() != shape)
    fail("initializer", "it made an array of shape ", value.shape(), " for a parameter of shape ", shape, "; they must be equal");
  return value.dtype() == dtype && !value.is_weak() ? value : value.astype(dtype);
}
Array Initializer::operator()(const Shape& shape) const { return (*this)(shape, parameter_dtype); }

namespace init {

Initializer glorot_uniform(double gain) { return scaled_uniform("glorot_uniform", gain, fan_mean); }
Initializer glorot_normal(double gain) { return scaled_normal("glorot_normal", gain, fan_mean); }
Initializer he_uniform(double gain) { return scaled_uniform("he_uniform", gain, fan_in); }
Initializer he_normal(double gain) { return scaled_normal("he_normal", gain, fan_in); }
Initializer lecun_uniform() { return scaled_uniform("lecun_uniform", 1, fan_in); }
Initializer lecun_normal() { return scaled_normal("lecun_normal", 1, fan_in); }

Initializer zeros() {
  return {"zeros", [](const Shape& shape, DType dtype) { return filled(shape, 0, dtype); }};
}
Initializer ones() {
  return {"ones", [](const Shape& shape, DType dtype) { return filled(shape, 1, dtype); }};
}
Initializer constant(double value) {
  return {"constant", [=](const Shape& shape, DType dtype) { return filled(shape, value, dtype); }};
}
Initializer random_uniform(double low, double high) {
  return {"random_uniform", [=](const Shape& shape, DType dtype) { return draw_uniform(shape, dtype, low, high); }};
}
Initializer random_normal(double deviation, double mean) {
  return {"random_normal", [=](const Shape& shape, DType dtype) { return draw_normal(shape, dtype, mean, deviation); }};
}
Initializer truncated_normal(double deviation, double mean) {
  return {"truncated_normal", [=](const Shape& shape, DType dtype) {
            // 16-bit parameters are drawn in float32 and rounded once.
            const Array z = random::truncated_normal(random::next_initializer_key(), shape, -2, 2, dtype == float64 ? float64 : float32);
            return (mean + deviation * z).astype(dtype);
          }};
}

Initializer from_name(std::string_view name) {
  struct Row {
    std::string_view name;
    Initializer (*make)();
  };
  static constexpr Row rows[] = {{"glorot_uniform", [] { return glorot_uniform(); }},
                                 {"glorot_normal", [] { return glorot_normal(); }},
                                 {"he_uniform", [] { return he_uniform(); }},
                                 {"he_normal", [] { return he_normal(); }},
                                 {"lecun_uniform", [] { return lecun_uniform(); }},
                                 {"lecun_normal", [] { return lecun_normal(); }},
                                 {"zeros", [] { return zeros(); }},
                                 {"ones", [] { return ones(); }},
                                 {"random_uniform", [] { return random_uniform(); }},
                                 {"random_normal", [] { return random_normal(); }},
                                 {"truncated_normal", [] { return truncated_normal(); }}};
  std::vector<std::string> names;
  for (const Row& row : rows) {
    if (row.name == name) return row.make();
    names.emplace_back(row.name);
  }
  const std::string near = nearest(name, names);
  fail("initializer", "there is none called \"", name, "\"; known are ", join(names), near.empty() ? "" : concat("; did you mean ", near));
}

}  // namespace init

ParameterDType::ParameterDType(DType dtype) : before_(parameter_dtype) {
  if (!dtype.is_float()) fail("parameter", "its dtype would be ", dtype, "; it must be float16, bfloat16, float32 or float64");
  parameter_dtype = dtype;
}
ParameterDType::~ParameterDType() { parameter_dtype = before_; }
DType ParameterDType::current() { return parameter_dtype; }

}  // namespace gradus::nn
