// What a matrix product or a convolution does to its result before storing it.
#pragma once

#include <cstdint>

namespace gradus::backend {

enum class Activation : uint8_t { none, relu, sigmoid, tanh, gelu, silu };

/// out = activation(product + bias). The bias has one element for each position of the last axis, is contiguous, has the dtype that the
/// output would have without `is_rounded`, and comes as one more input, after the others.
struct Epilogue {
  bool has_bias = false;
  Activation activation = Activation::none;
  bool is_rounded = false;  ///< a float32 result is stored in bfloat16

  bool is_empty() const { return !has_bias && activation == Activation::none && !is_rounded; }
  friend bool operator==(const Epilogue&, const Epilogue&) = default;
};

}  // namespace gradus::backend
