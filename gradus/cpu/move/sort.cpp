// Sorting by comparison; the position decides between equal elements, so that the order is total and the result stable.
#include "gradus/cpu/move/sort.hpp"

#include <algorithm>

#include "gradus/base/parallel.hpp"

namespace gradus::cpu {

namespace {

// Sixteen-bit floats are compared as float; NaN comes after everything.
template <class T>
auto key_of(T value) {
  if constexpr (std::same_as<T, float16_t> || std::same_as<T, bfloat16_t>) return static_cast<float>(value);
  else return value;
}
template <class T>
bool comes_before(T a, T b, bool descending) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a) return false;
    if (b != b) return true;
  }
  return descending ? b < a : a < b;
}

template <class T>
void sort_row(const T* x, int64_t size, int64_t* order, int64_t* out, int64_t count, bool descending) {
  for (int64_t i = 0; i < size; ++i) order[i] = i;
  const auto before = [&](int64_t a, int64_t b) {
    const auto left = key_of(x[a]), right = key_of(x[b]);
    if (comes_before(left, right, descending)) return true;
    if (comes_before(right, left, descending)) return false;
    return a < b;
  };
  if (count < size) std::nth_element(order, order + count, order + size, before);
  std::sort(order, order + count, before);
  if (order != out) std::copy_n(order, count, out);
}

}  // namespace

KernelPtr argsort(const Layout& x, int64_t count, bool descending) {
  const int64_t size = x.shape[x.rank() - 1], rows = size ? x.size() / size : 0;
  const bool is_whole = count == size;
  return make_kernel(
      [=, dtype = x.dtype](void* const* p, void* scratch) {
        const int64_t rows_a_chunk = std::max<int64_t>(1, 4096 / std::max<int64_t>(size, 1));
        auto* out = static_cast<int64_t*>(p[1]);
        visit_dtype(dtype, [&]<class T>(T) {
          parallel_for((rows + rows_a_chunk - 1) / rows_a_chunk, [&](int64_t chunk) {
            const int64_t end = std::min(rows, (chunk + 1) * rows_a_chunk);
            for (int64_t row = chunk * rows_a_chunk; row < end; ++row) {
              int64_t* order = is_whole ? out + row * size : static_cast<int64_t*>(scratch) + row * size;
              sort_row(static_cast<const T*>(p[0]) + row * size, size, order, out + row * count, count, descending);
            }
          });
        });
        return Status{};
      },
      is_whole ? 0 : x.size() * 8);
}

KernelPtr searchsorted(const Layout& sorted, const Layout& values, bool from_right) {
  const int64_t size = sorted.shape[sorted.rank() - 1], count = values.size();
  const int64_t row = sorted.rank() == 1 ? count : values.shape[values.rank() - 1];
  return make_kernel([=, is_shared = sorted.rank() == 1, dtype = sorted.dtype](void* const* p, void*) {
    constexpr int64_t kChunk = 4096;
    visit_dtype(dtype, [&]<class T>(T) {
      parallel_for((count + kChunk - 1) / kChunk, [&](int64_t chunk) {
        const int64_t end = std::min(count, (chunk + 1) * kChunk);
        for (int64_t i = chunk * kChunk; i < end; ++i) {
          const T* first = static_cast<const T*>(p[0]) + (is_shared ? 0 : i / row * size);
          const auto value = key_of(static_cast<const T*>(p[1])[i]);
          const T* place = std::partition_point(first, first + size, [&](T element) {
            return from_right ? !comes_before(value, key_of(element), false) : comes_before(key_of(element), value, false);
          });
          static_cast<int64_t*>(p[2])[i] = place - first;
        }
      });
    });
    return Status{};
  });
}

}  // namespace gradus::cpu
