// The scope of mixed precision.
#include "gradus/nn/precision.hpp"

#include "gradus/base/error.hpp"

namespace gradus::nn {

using namespace core;

MixedPrecision::MixedPrecision(DType dtype) : flags_before_(mode_flags()) {
  if (dtype != bfloat16 && dtype != float32) {
    fail("MixedPrecision", "dtype is ", dtype, "; it must be bfloat16, or float32 for none",
         dtype == float16 ? " (float16 would need scaled losses)" : "");
  }
  set_mode_flags(dtype == bfloat16 ? flags_before_ | kBfloat16ProductsFlag : flags_before_ & ~kBfloat16ProductsFlag);
}

MixedPrecision::~MixedPrecision() { set_mode_flags((mode_flags() & ~kBfloat16ProductsFlag) | (flags_before_ & kBfloat16ProductsFlag)); }

}  // namespace gradus::nn
