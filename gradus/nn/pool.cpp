// Pooling layers.
#include "gradus/nn/pool.hpp"

#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/pool.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::nn {

using namespace core;

namespace {

template <class P>
void check_pool(std::string_view name, const P& layer) {
  for (const int64_t size : layer.pool_size.dims()) detail::checked_count(name, "pool_size", size);
  for (const int64_t size : layer.strides.dims()) {
    if (size < 0) fail(name, "strides is ", size, "; it must be at least 1, or 0 for the pool's size");
  }
}

constexpr FieldNote kNotes[] = {{"pool_size", "positions of a window", range::positive},
                                {"strides", "from one window to the next; 0: the pool's size", range::not_negative},
                                {"padding", "positions around x, which do not count"}};

}  // namespace

std::span<const FieldNote> MaxPooling2D::field_notes() { return kNotes; }
std::span<const FieldNote> AveragePooling2D::field_notes() { return kNotes; }

MaxPooling2D::MaxPooling2D(Size2 pool_size, PoolingOptions options)
    : pool_size(pool_size), strides(options.strides), padding(std::move(options.padding)) {
  check();
}
void MaxPooling2D::check() const { check_pool("MaxPooling2D", *this); }
Array MaxPooling2D::forward(const Array& x) const { return max_pool2d(x, pool_size, {.strides = strides, .padding = padding}); }

AveragePooling2D::AveragePooling2D(Size2 pool_size, PoolingOptions options)
    : pool_size(pool_size), strides(options.strides), padding(std::move(options.padding)) {
  check();
}
void AveragePooling2D::check() const { check_pool("AveragePooling2D", *this); }
Array AveragePooling2D::forward(const Array& x) const { return average_pool2d(x, pool_size, {.strides = strides, .padding = padding}); }

Array GlobalAveragePooling2D::forward(const Array& x) const {
  if (x.rank() != 4) fail("global_average_pooling", "x is ", x.shape(), "; it must have rank 4, channels last");
  return global_average_pool(x);
}

namespace {

// Which positions of x (N, T, C) are no padding, (N, T, 1); an empty Array: all of them.
Array is_there(std::string_view op, const Array& x) {
  if (x.rank() != 3) fail(op, "x is ", x.shape(), " of rank ", x.rank(), "; it must be (batch, time, channels)");
  const Array lengths = detail::CallScope::lengths_of(x);
  return lengths.exists() ? reshape(arange(x.shape(1)), {1, x.shape(1), 1}) < reshape(lengths, {x.shape(0), 1, 1}) : Array();
}

}  // namespace

Array GlobalAveragePooling1D::forward(const Array& x) const {
  const Array there = is_there("global_average_pooling1d", x);
  if (!there.exists()) return mean(x, 1);
  return sum(where(there, x, 0), 1) / maximum(sum(there, 1), 1).astype(x.dtype());
}

Array GlobalMaxPooling1D::forward(const Array& x) const {
  const Array there = is_there("global_max_pooling1d", x);
  if (!there.exists()) return max(x, 1);
  return where(any(there, 1), max(where(there, x, -std::numeric_limits<double>::infinity()), 1), 0);
}

}  // namespace gradus::nn
