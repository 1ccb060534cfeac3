// Pooling layers, channels last.
#pragma once

#include "gradus/nn/dense.hpp"
#include "gradus/ops/conv_options.hpp"

namespace gradus::nn {

/// Options of MaxPooling2D and AveragePooling2D. Positions of the padding do not count.
struct PoolingOptions {
  Size2 strides = 0;  ///< 0: the pool's size
  Padding padding = valid;
};

/// The largest number of each window: (N, H, W, C) to (N, H', W', C).
///
///   nn::MaxPooling2D(2)(images)   // (4, 14, 14, 1)
class MaxPooling2D {
 public:
  explicit MaxPooling2D(Size2 pool_size = 2, PoolingOptions options = {});
  Array forward(const Array& x) const;
  std::string describe() const { return core::concat(pool_size[0], "x", pool_size[1]); }
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  Size2 pool_size, strides;
  Padding padding;
  GRADUS_PARTS(pool_size, strides, padding)
};

/// The mean of each window; positions of the padding do not count.
class AveragePooling2D {
 public:
  explicit AveragePooling2D(Size2 pool_size = 2, PoolingOptions options = {});
  Array forward(const Array& x) const;
  std::string describe() const { return core::concat(pool_size[0], "x", pool_size[1]); }
  void check() const;
  static std::span<const core::FieldNote> field_notes();

  Size2 pool_size, strides;
  Padding padding;
  GRADUS_PARTS(pool_size, strides, padding)
};

/// The mean over the image: (N, H, W, C) to (N, C).
class GlobalAveragePooling2D {
 public:
  Array forward(const Array& x) const;
  Array operator()(const Array& x) const { return call(*this, x); }
  void visit_parts(core::PartVisitor&, const std::string&) const {}
};

/// The mean, or the largest number, over time: (N, T, C) to (N, C). Padding that an Embedding has noted does not count; a sequence of
/// nothing else gives 0.
///
///   nn::GlobalAveragePooling1D()(array({{{1.0}, {3.0}}}))   // [[2.]]
class GlobalAveragePooling1D {
 public:
  Array forward(const Array& x) const;
  Array operator()(const Array& x) const { return call(*this, x); }
  void visit_parts(core::PartVisitor&, const std::string&) const {}
};
class GlobalMaxPooling1D {
 public:
  Array forward(const Array& x) const;
  Array operator()(const Array& x) const { return call(*this, x); }
  void visit_parts(core::PartVisitor&, const std::string&) const {}
};

}  // namespace gradus::nn
