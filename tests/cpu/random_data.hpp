// Storage filled with small random values of any dtype, and strided views on it, for kernel tests.
#pragma once

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gradus/array/view.hpp"
#include "gradus/base/text.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::test {

using namespace core;

/// An array in memory of its own, aligned to 64 bytes, at any strides.
class Data {
 public:
  /// Contiguous, filled with multiples of 1/8 in [-2, 2] (integers in [0, 4]), exact in every dtype.
  Data(DType dtype, const Shape& shape, uint32_t seed) : Data(Layout::contiguous(dtype, shape), seed) {}
  Data(const Layout& layout, uint32_t seed) : layout_(layout) {
    int64_t low = 0, high = 0;
    for (int64_t axis = 0; axis < layout.rank(); ++axis) {
      const int64_t reach = (layout.shape[axis] - 1) * layout.strides[static_cast<size_t>(axis)];
      (reach < 0 ? low : high) += reach;
    }
    if (layout.size() == 0) low = high = 0;
    const int64_t bytes = (high - low + 1) * layout.dtype.size();
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(64, static_cast<size_t>((bytes + 127) / 64 * 64))), std::free);
    first_ = memory_.get() - low * layout.dtype.size();
    std::mt19937 random(seed);
    visit_dtype(layout.dtype, [&]<class T>(T) {
      T* values = reinterpret_cast<T*>(memory_.get());
      for (int64_t i = 0; i <= high - low; ++i) {
        const float value = static_cast<float>(static_cast<int>(random() % 33) - 16) / 8;
        if constexpr (std::is_same_v<T, bool>) values[i] = value > 0;
        else if constexpr (std::is_integral_v<T>) values[i] = static_cast<T>(std::abs(value) * 2);
        else values[i] = static_cast<T>(value);
      }
    });
  }

  const Layout& layout() const { return layout_; }
  const Shape& shape() const { return layout_.shape; }
  void* data() const { return first_; }
  /// The element at row-major position `index`, as a double.
  double operator[](int64_t index) const {
    int64_t offset = 0;
    for (int64_t axis = layout_.rank(); axis-- > 0;) {
      offset += index % layout_.shape[axis] * layout_.strides[static_cast<size_t>(axis)];
      index /= layout_.shape[axis];
    }
    return visit_dtype(layout_.dtype, [&]<class T>(T) { return static_cast<double>(reinterpret_cast<const T*>(first_)[offset]); });
  }
  double at(std::initializer_list<int64_t> position) const {
    int64_t offset = 0;
    size_t axis = 0;
    for (const int64_t i : position) offset += i * layout_.strides[axis++];
    return visit_dtype(layout_.dtype, [&]<class T>(T) { return static_cast<double>(reinterpret_cast<const T*>(first_)[offset]); });
  }

 private:
  Layout layout_;
  std::shared_ptr<std::byte> memory_;
  std::byte* first_ = nullptr;
};

/// Runs a kernel with scratch memory filled with NaN, so that reading what was not written shows.
inline cpu::Status run(const cpu::KernelPtr& kernel, std::vector<void*> pointers) {
  const auto bytes = static_cast<size_t>((kernel->scratch_bytes + 127) / 64 * 64);
  const std::unique_ptr<void, void (*)(void*)> scratch(std::aligned_alloc(64, bytes), std::free);
  std::memset(scratch.get(), 0xff, bytes);
  return kernel->run(pointers.data(), scratch.get());
}

/// Largest relative step of a dtype: what one rounding may change.
inline double rounding(DType dtype) {
  if (dtype == float64) return 1e-15;
  if (dtype == float32) return 6e-8;
  return dtype == float16 ? 5e-4 : dtype == bfloat16 ? 4e-3 : 0;
}

}  // namespace gradus::test
