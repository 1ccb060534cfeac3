// What all initialisers share; each of them stands in initializers.cpp.
#include "gradus/nn/initializer.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"

namespace gradus::nn {

using namespace core;

namespace {

thread_local DType parameter_dtype = float32;

}  // namespace

Fans fans_of(const Shape& shape) {
  const int64_t rank = shape.rank();
  if (rank == 0) return {};
  if (rank == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double field = 1;
  for (int64_t axis = 0; axis < rank - 2; ++axis) field *= static_cast<double>(shape[axis]);
  return {field * static_cast<double>(shape[rank - 2]), field * static_cast<double>(shape[rank - 1])};
}

Array Initializer::operator()(const Shape& shape, DType dtype) const {
  Array value = make_(shape, dtype, fans_ ? *fans_ : fans_of(shape));
  if (value.shape() != shape)
    fail("initializer", "it made an array of shape ", value.shape(), " for a parameter of shape ", shape, "; they must be equal");
  return value.dtype() == dtype && !value.is_weak() ? value : value.astype(dtype);
}
Array Initializer::operator()(const Shape& shape) const { return (*this)(shape, parameter_dtype); }
Initializer Initializer::beside(const Fans& fans) const {
  Initializer other = *this;
  other.fans_ = fans;
  return other;
}

ParameterDType::ParameterDType(DType dtype) : before_(parameter_dtype) {
  if (!dtype.is_float()) fail("parameter", "its dtype would be ", dtype, "; it must be float16, bfloat16, float32 or float64");
  parameter_dtype = dtype;
}
ParameterDType::~ParameterDType() { parameter_dtype = before_; }
DType ParameterDType::current() { return parameter_dtype; }

}  // namespace gradus::nn
