// Arrays for kernel tests: values of any dtype and layout, read back as doubles.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <random>
#include <vector>

#include "gradus/cpu/kernel.hpp"

namespace gradus {

using namespace core;

/// Memory with a layout; the first element may lie inside (negative strides).
struct Sample {
  Layout layout;
  std::vector<std::byte> memory;
  int64_t first = 0;

  void* data() { return memory.data() + first * layout.dtype.size(); }
  int64_t position(int64_t index) const {
    int64_t at = first;
    for (int64_t a = layout.rank(); a-- > 0;) {
      at += index % layout.shape[a] * layout.strides[static_cast<size_t>(a)];
      index /= layout.shape[a];
    }
    return at;
  }
  /// Element with row-major number `index`.
  double get(int64_t index) const {
    return visit_dtype(layout.dtype,
                       [&]<class T>(T) { return static_cast<double>(reinterpret_cast<const T*>(memory.data())[position(index)]); });
  }
  void set(int64_t index, double value) {
    visit_dtype(layout.dtype, [&]<class T>(T) {
      T& to = reinterpret_cast<T*>(memory.data())[position(index)];
      if constexpr (std::is_same_v<T, float16_t> || std::is_same_v<T, bfloat16_t>) to = T(static_cast<float>(value));
      else to = static_cast<T>(value);
    });
  }
  std::vector<double> values() const {
    std::vector<double> out(static_cast<size_t>(layout.size()));
    for (size_t i = 0; i < out.size(); ++i) out[i] = get(static_cast<int64_t>(i));
    return out;
  }
};

/// All elements `value`; strides: contiguous unless given, with `span` elements of memory and the first at `first`.
inline Sample sample(DType dtype, const Shape& shape, double value = 0) {
  Sample s{Layout::contiguous(dtype, shape), {}, 0};
  s.memory.resize(static_cast<size_t>(std::max<int64_t>(1, shape.size()) * dtype.size()));
  for (int64_t i = 0; i < shape.size(); ++i) s.set(i, value);
  return s;
}
inline Sample sample_from(DType dtype, const Shape& shape, const std::vector<double>& values) {
  Sample s = sample(dtype, shape);
  for (size_t i = 0; i < values.size(); ++i) s.set(static_cast<int64_t>(i), values[i]);
  return s;
}
/// Normal numbers (integers: rounded multiples of 3; bools: the sign).
inline Sample random_sample(DType dtype, const Shape& shape, unsigned seed, double mean = 0) {
  Sample s = sample(dtype, shape);
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  for (int64_t i = 0; i < shape.size(); ++i) {
    const double value = mean + normal(engine);
    s.set(i, dtype.is_float()  ? value
             : dtype.is_bool() ? value > 0
             : dtype == uint8  ? std::abs(std::round(3 * value))
                               : std::round(3 * value));
  }
  return s;
}

/// Runs a kernel over samples, inputs first.
inline cpu::Status run_kernel(const cpu::KernelPtr& kernel, std::vector<Sample*> samples) {
  std::vector<void*> pointers;
  for (Sample* s : samples) pointers.push_back(s ? s->data() : nullptr);
  std::vector<std::byte> scratch(static_cast<size_t>(kernel->scratch_bytes) + 64);
  void* start = scratch.data() + (64 - reinterpret_cast<uintptr_t>(scratch.data()) % 64);
  return kernel->run(pointers.data(), start);
}

inline bool is_near(double got, double want, double relative, double absolute) {
  if (std::isnan(want)) return std::isnan(got);
  if (std::isinf(want)) return got == want;
  return std::abs(got - want) <= absolute + relative * std::abs(want);
}

}  // namespace gradus
