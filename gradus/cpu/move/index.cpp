// Gather and scatter.
#include "gradus/cpu/move/index.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "gradus/base/round_up.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/cpu/move/copy.hpp"
#include "gradus/cpu/loop/partial_kernel.hpp"

namespace gradus::cpu {

namespace {

constexpr int64_t kChunk = 32768;  // elements worth starting a thread for
constexpr int64_t kNone = INT64_MAX;

void note_bad(std::atomic<int64_t>& first, int64_t position) {
  int64_t have = first.load(std::memory_order_relaxed);
  while (position < have && !first.compare_exchange_weak(have, position, std::memory_order_relaxed)) {
  }
}

int64_t read_index(const void* data, DType dtype, int64_t i) {
  return dtype == int32 ? static_cast<const int32_t*>(data)[i] : static_cast<const int64_t*>(data)[i];
}

// `least`: the smallest index allowed, 0 or -size.
Status out_of_range(const void* index, DType dtype, int64_t position, int64_t least, int64_t size) {
  const int64_t value = read_index(index, dtype, position);
  constexpr const char *low = "index out of range: element {} is {}; it must be at least {}",
                       *high = "index out of range: element {} is {}; it must be at most {}";
  return {false, value < least ? low : high, position, static_cast<double>(value), value < least ? least : size - 1};
}

// Calls f with a pointer of the index's type.
template <class F>
void visit_index(const void* index, DType dtype, F&& f) {
  if (dtype == int32) f(static_cast<const int32_t*>(index));
  else f(static_cast<const int64_t*>(index));
}

// The rows that index arrays select, as one number each.
struct RowNumbers {
  Selection selection;
  Dims sizes;                 // of the selected axes
  std::vector<DType> dtypes;  // of the index arrays
  int64_t count = 0;          // positions
  int64_t outer = 1, rows = 1, inner = 1;

  RowNumbers(const Shape& x, std::span<const Layout> indices, Selection selection) : selection(selection) {
    for (int64_t axis = 0; axis < x.rank(); ++axis) {
      if (axis < selection.axis) outer *= x[axis];
      else if (axis >= selection.axis + selection.count) inner *= x[axis];
      else sizes.push_back(x[axis]);
    }
    for (const int64_t size : sizes) rows *= size;
    for (const Layout& index : indices) dtypes.push_back(index.dtype);
    count = indices[0].size();
  }
  int64_t scratch_bytes() const { return count * 8; }

  Status find(void* const* indices, int64_t* out) const {
    for (size_t k = 0; k < sizes.size(); ++k) {
      std::atomic<int64_t> bad{kNone};
      visit_index(indices[k], dtypes[k], [&](const auto* index) {
        const int64_t size = sizes[k], lowest = selection.may_be_negative ? -size : 0;
        parallel_for(divide_up(count, kChunk), [&](int64_t chunk) {
          const int64_t end = std::min(count, (chunk + 1) * kChunk);
          for (int64_t i = chunk * kChunk; i < end; ++i) {
            const int64_t at = selection.is_clamped ? std::clamp<int64_t>(index[i], 0, size - 1) : index[i];
            if (at < lowest || at >= size) return note_bad(bad, i);
            out[i] = (k ? out[i] * size : 0) + (at < 0 ? at + size : at);
          }
        });
      });
      if (bad != kNone) return out_of_range(indices[k], dtypes[k], bad, selection.may_be_negative ? -sizes[k] : 0, sizes[k]);
    }
    return {};
  }
};

template <class T>
void gather_elements(const T* x, const int64_t* rows, T* out, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) out[i] = x[rows[i]];
}

}  // namespace

KernelPtr gather(const Layout& x, std::span<const Layout> indices, Selection selection) {
  const RowNumbers numbers(x.shape, indices, selection);
  const int64_t width = numbers.inner * x.dtype.size(), count = numbers.count, total = numbers.outer * count;
  const int64_t rows_a_chunk = std::max<int64_t>(1, kChunk / std::max<int64_t>(numbers.inner, 1));
  return make_partial_kernel(
      {.first_input = total * width},
      [=](void* const* p, void* scratch) {
        auto* rows = static_cast<int64_t*>(scratch);
        const Status status = numbers.find(p + 1, rows);
        if (!status.is_ok || total == 0 || width == 0) return status;
        const auto* from = static_cast<const std::byte*>(p[0]);
        auto* to = static_cast<std::byte*>(p[1 + numbers.sizes.size()]);
        parallel_for(divide_up(total, rows_a_chunk), [&](int64_t chunk) {
          const int64_t begin = chunk * rows_a_chunk, end = std::min(total, begin + rows_a_chunk);
          if (numbers.outer == 1 && width == 4) {
            return gather_elements(reinterpret_cast<const uint32_t*>(from), rows, reinterpret_cast<uint32_t*>(to), begin, end);
          }
          if (numbers.outer == 1 && width == 8) {
            return gather_elements(reinterpret_cast<const uint64_t*>(from), rows, reinterpret_cast<uint64_t*>(to), begin, end);
          }
          for (int64_t i = begin; i < end; ++i) {
            const int64_t source = i / count * numbers.rows + rows[i % count];
            std::memcpy(to + i * width, from + source * width, static_cast<size_t>(width));
          }
        });
        return status;
      },
      numbers.scratch_bytes(), true);
}

namespace {

// Scattering writes into `places`, the output itself or, where 16-bit floats are summed, a float copy of it.
struct Target {
  StridedCopy start;  // x to the output
  DType dtype;
  int64_t size;
  bool is_widened;
  bool is_sorted;  // few places of many: sums place by place instead, so that the others are not touched

  // `elements` of the source.
  Target(const Layout& x, Scatter mode, int64_t elements)
      : start(x.shape, x.strides, contiguous_strides(x.shape), x.dtype.size()),
        dtype(x.dtype),
        size(x.size()),
        is_widened(mode == Scatter::add && x.dtype.is_16_bit()),
        is_sorted(is_widened && size / 4 > elements) {}
  // Read and written where the output lies over x.
  int64_t bytes_in_place(int64_t elements, Scatter mode) const {
    return (mode == Scatter::add ? 3 : 2) * elements * dtype.size() + (is_widened && !is_sorted ? 2 * size * dtype.size() : 0);
  }
  int64_t scratch_bytes() const { return is_widened ? size * 4 : 0; }

  template <class T>
  static void widen(const void* in, float* out, int64_t size) {
    for (int64_t i = 0; i < size; ++i) out[i] = static_cast<const T*>(in)[i];
  }
  template <class T>
  static void narrow(const float* in, void* out, int64_t size) {
    for (int64_t i = 0; i < size; ++i) static_cast<T*>(out)[i] = T(in[i]);
  }
  // Calls write(places, source), both of the 16-bit type.
  template <class Write>
  void run_sorted(const void* x, const void* source, void* out, Write&& write) const {
    if (out != x) start.run(x, out);
    if (dtype == float16) write(static_cast<float16_t*>(out), static_cast<const float16_t*>(source));
    else write(static_cast<bfloat16_t*>(out), static_cast<const bfloat16_t*>(source));
  }
  // Calls write(places, source) with pointers to what is added and from what, both typed.
  template <class Write>
  void run(const void* x, const void* source, void* out, void* scratch, Scatter mode, Write&& write) const {
    if (out != x) start.run(x, out);
    if (mode == Scatter::set) {
      switch (dtype.size()) {
        case 1: return write(static_cast<uint8_t*>(out), static_cast<const uint8_t*>(source));
        case 2: return write(static_cast<uint16_t*>(out), static_cast<const uint16_t*>(source));
        case 4: return write(static_cast<uint32_t*>(out), static_cast<const uint32_t*>(source));
        default: return write(static_cast<uint64_t*>(out), static_cast<const uint64_t*>(source));
      }
    }
    visit_dtype(dtype, [&]<class T>(T) {
      if constexpr (std::same_as<T, float16_t> || std::same_as<T, bfloat16_t>) {
        float* wide = static_cast<float*>(scratch);
        widen<T>(out, wide, size);
        write(wide, static_cast<const T*>(source));
        narrow<T>(wide, out, size);
      } else if constexpr (std::signed_integral<T>) {  // wraps
        using Unsigned = std::make_unsigned_t<T>;
        write(static_cast<Unsigned*>(out), static_cast<const Unsigned*>(source));
      } else {
        write(static_cast<T*>(out), static_cast<const T*>(source));
      }
    });
  }
};

template <Scatter mode, class Place, class Source>
void put(Place& place, Source source) {
  if constexpr (mode == Scatter::set) place = source;
  else place = static_cast<Place>(place + static_cast<Place>(source));
}

template <Scatter mode, class Place, class Source>
void scatter_rows(const RowNumbers& numbers, const int64_t* rows, Place* places, const Source* source) {
  const int64_t inner = numbers.inner, count = numbers.count;
  // Each chunk owns a range of rows of the result, so that sums run in the order of the positions. It reads all positions: cheap
  // beside rows of some length.
  const int64_t work = count * inner;
  const int64_t shares = inner < 8 ? 1 : std::clamp<int64_t>(std::min(work / kChunk, numbers.rows), 1, 8);
  const int64_t outers_a_chunk = std::max<int64_t>(1, kChunk / std::max<int64_t>(work, 1));
  const int64_t chunks = divide_up(numbers.outer, outers_a_chunk);
  parallel_for(chunks * shares, [&](int64_t chunk) {
    const int64_t share = chunk % shares, low = numbers.rows * share / shares, high = numbers.rows * (share + 1) / shares;
    const int64_t end = std::min(numbers.outer, (chunk / shares + 1) * outers_a_chunk);
    for (int64_t outer = chunk / shares * outers_a_chunk; outer < end; ++outer) {
      Place* base = places + outer * numbers.rows * inner;
      const Source* from = source + outer * work;
      for (int64_t i = 0; i < count; ++i) {
        if (rows[i] < low || rows[i] >= high) continue;
        Place* to = base + rows[i] * inner;
        for (int64_t k = 0; k < inner; ++k) put<mode>(to[k], from[i * inner + k]);
      }
    }
  });
}

// The positions in the order of their places, and of their numbers where they share one.
void sort_by_place(const int64_t* place, std::span<int64_t> order) {
  for (size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int64_t>(i);
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return std::pair(place[a], a) < std::pair(place[b], b); });
}

// The same sums as in a float copy of the whole result, row by row.
template <class T>
void add_sorted_rows(const RowNumbers& numbers, const int64_t* rows, std::span<int64_t> order, float* sums, T* places, const T* source) {
  const int64_t inner = numbers.inner;
  sort_by_place(rows, order);
  for (int64_t outer = 0; outer < numbers.outer; ++outer) {
    for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
      T* to = places + (outer * numbers.rows + rows[order[begin]]) * inner;
      for (int64_t k = 0; k < inner; ++k) sums[k] = static_cast<float>(to[k]);
      for (; end < order.size() && rows[order[end]] == rows[order[begin]]; ++end) {
        const T* from = source + (outer * numbers.count + order[end]) * inner;
        for (int64_t k = 0; k < inner; ++k) sums[k] += static_cast<float>(from[k]);
      }
      for (int64_t k = 0; k < inner; ++k) to[k] = T(sums[k]);
    }
  }
}

}  // namespace

KernelPtr scatter(const Layout& x, std::span<const Layout> indices, Selection selection, Scatter mode) {
  const RowNumbers numbers(x.shape, indices, selection);
  const int64_t elements = numbers.outer * numbers.count * numbers.inner;
  const Target target(x, mode, elements);
  int64_t index_bytes = 0;
  for (const Layout& index : indices) index_bytes += index.bytes();
  return make_partial_kernel(
      {.in_place = target.bytes_in_place(elements, mode) + index_bytes},
      [=](void* const* p, void* scratch) {
        auto* rows = static_cast<int64_t*>(scratch);
        const Status status = numbers.find(p + 2, rows);
        if (!status.is_ok) return status;
        void* out = p[2 + numbers.sizes.size()];
        if (target.is_sorted) {
          target.run_sorted(p[0], p[1], out, [&](auto* places, const auto* source) {
            const std::span<int64_t> order(rows + numbers.count, static_cast<size_t>(numbers.count));
            auto* sums = reinterpret_cast<float*>(order.data() + numbers.count);
            add_sorted_rows(numbers, rows, order, sums, places, source);
          });
          return status;
        }
        target.run(p[0], p[1], out, rows + numbers.count, mode, [&](auto* places, const auto* source) {
          if (mode == Scatter::set) scatter_rows<Scatter::set>(numbers, rows, places, source);
          else scatter_rows<Scatter::add>(numbers, rows, places, source);
        });
        return status;
      },
      numbers.scratch_bytes() + (target.is_sorted ? numbers.count * 8 + numbers.inner * 4 : target.scratch_bytes()), !selection.is_clamped);
}

namespace {

// The walk of an index array beside x: rows of its last axis.
struct AlongAxis {
  Shape sizes;                 // of index
  Dims strides;                // of x
  int64_t axis, size;          // of x on that axis
  int64_t axis_stride, last_stride, length, rows, rows_a_chunk;

  AlongAxis(const Layout& x, const Layout& index, int64_t axis)
      : sizes(index.shape), strides(contiguous_strides(x.shape)), axis(axis), size(x.shape[axis]) {
    const size_t last = strides.size() - 1;
    axis_stride = strides[static_cast<size_t>(axis)];
    last_stride = axis == static_cast<int64_t>(last) ? 0 : strides[last];
    length = sizes[static_cast<int64_t>(last)];
    rows = length ? sizes.size() / length : 0;
    rows_a_chunk = std::max<int64_t>(1, kChunk / std::max<int64_t>(length, 1));
  }
  // Where row `row` begins in x.
  int64_t base(int64_t row) const {
    int64_t offset = 0;
    for (int64_t i = sizes.rank() - 2; i >= 0; --i) {
      if (i != axis) offset += row % sizes[i] * strides[static_cast<size_t>(i)];
      row /= sizes[i];
    }
    return offset;
  }
  // Rows between which no place is shared: all, or those of one element before the axis.
  int64_t rows_a_group() const {
    if (axis == sizes.rank() - 1) return 1;
    int64_t group = 1;
    for (int64_t i = axis; i < sizes.rank() - 1; ++i) group *= sizes[i];
    return group;
  }
  // The places in x that the index array, once checked, names.
  void find(const void* index, DType dtype, int64_t* places) const {
    visit_index(index, dtype, [&](const auto* at) {
      for (int64_t row = 0; row < rows; ++row) {
        const int64_t begin = base(row);
        for (int64_t j = 0; j < length; ++j) {
          const int64_t i = row * length + j, on_axis = at[i] < 0 ? at[i] + size : at[i];
          places[i] = begin + on_axis * axis_stride + j * last_stride;
        }
      }
    });
  }
  Status check(const void* index, DType dtype) const {
    std::atomic<int64_t> bad{kNone};
    const int64_t count = sizes.size();
    visit_index(index, dtype, [&](const auto* at) {
      parallel_for(divide_up(count, kChunk), [&](int64_t chunk) {
        const int64_t end = std::min(count, (chunk + 1) * kChunk);
        for (int64_t i = chunk * kChunk; i < end; ++i) {
          if (at[i] < -size || at[i] >= size) return note_bad(bad, i);
        }
      });
    });
    return bad == kNone ? Status{} : out_of_range(index, dtype, bad, -size, size);
  }
};

template <class T, class I>
void gather_along_rows(const AlongAxis& walk, const T* x, const I* index, T* out) {
  parallel_for(divide_up(walk.rows, walk.rows_a_chunk), [&](int64_t chunk) {
    const int64_t end = std::min(walk.rows, (chunk + 1) * walk.rows_a_chunk);
    for (int64_t row = chunk * walk.rows_a_chunk; row < end; ++row) {
      const T* from = x + walk.base(row);
      for (int64_t j = 0; j < walk.length; ++j) {
        const int64_t at = index[row * walk.length + j];
        out[row * walk.length + j] = from[(at < 0 ? at + walk.size : at) * walk.axis_stride + j * walk.last_stride];
      }
    }
  });
}

template <Scatter mode, class Place, class Source, class I>
void scatter_along_rows(const AlongAxis& walk, Place* places, const I* index, const Source* source) {
  const int64_t group = walk.rows_a_group(), groups = group ? walk.rows / group : 0;
  const int64_t groups_a_chunk = std::max<int64_t>(1, kChunk / std::max<int64_t>(1, group * walk.length));
  parallel_for(divide_up(groups, groups_a_chunk), [&](int64_t chunk) {
    const int64_t end = std::min(walk.rows, (chunk + 1) * groups_a_chunk * group);
    for (int64_t row = chunk * groups_a_chunk * group; row < end; ++row) {
      Place* to = places + walk.base(row);
      for (int64_t j = 0; j < walk.length; ++j) {
        const int64_t at = index[row * walk.length + j];
        put<mode>(to[(at < 0 ? at + walk.size : at) * walk.axis_stride + j * walk.last_stride], source[row * walk.length + j]);
      }
    }
  });
}

template <class T>
void add_sorted(const int64_t* place, std::span<const int64_t> order, T* places, const T* source) {
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    T& to = places[place[order[begin]]];
    float sum = static_cast<float>(to);
    for (; end < order.size() && place[order[end]] == place[order[begin]]; ++end) sum += static_cast<float>(source[order[end]]);
    to = T(sum);
  }
}

}  // namespace

KernelPtr gather_along(const Layout& x, const Layout& index, int64_t axis) {
  return make_partial_kernel(
      {.first_input = index.size() * x.dtype.size()},
      [walk = AlongAxis(x, index, axis), dtype = index.dtype, element = x.dtype.size()](void* const* p, void*) {
        const Status status = walk.check(p[1], dtype);
        if (!status.is_ok) return status;
        visit_index(p[1], dtype, [&](const auto* at) {
          switch (element) {
            case 1: return gather_along_rows(walk, static_cast<const uint8_t*>(p[0]), at, static_cast<uint8_t*>(p[2]));
            case 2: return gather_along_rows(walk, static_cast<const uint16_t*>(p[0]), at, static_cast<uint16_t*>(p[2]));
            case 4: return gather_along_rows(walk, static_cast<const uint32_t*>(p[0]), at, static_cast<uint32_t*>(p[2]));
            default: return gather_along_rows(walk, static_cast<const uint64_t*>(p[0]), at, static_cast<uint64_t*>(p[2]));
          }
        });
        return status;
      },
      0, true);
}

KernelPtr scatter_along(const Layout& x, const Layout& index, int64_t axis, Scatter mode) {
  const Target target(x, mode, index.size());
  return make_partial_kernel(
      {.in_place = target.bytes_in_place(index.size(), mode) + index.bytes()},
      [=, walk = AlongAxis(x, index, axis), dtype = index.dtype, count = index.size()](void* const* p, void* scratch) {
        const Status status = walk.check(p[1], dtype);
        if (!status.is_ok) return status;
        if (target.is_sorted) {
          auto* numbers = static_cast<int64_t*>(scratch);
          const std::span<int64_t> order(numbers + count, static_cast<size_t>(count));
          walk.find(p[1], dtype, numbers);
          sort_by_place(numbers, order);
          target.run_sorted(p[0], p[2], p[3], [&](auto* places, const auto* source) { add_sorted(numbers, order, places, source); });
          return status;
        }
        target.run(p[0], p[2], p[3], scratch, mode, [&](auto* places, const auto* source) {
          visit_index(p[1], dtype, [&](const auto* at) {
            if (mode == Scatter::set) scatter_along_rows<Scatter::set>(walk, places, at, source);
            else scatter_along_rows<Scatter::add>(walk, places, at, source);
          });
        });
        return status;
      },
      target.is_sorted ? index.size() * 16 : target.scratch_bytes(), true);
}

namespace {

// Marks the last position of each place: through a table of places where that is not much longer than the list, else by sorting.
struct LastOfEach {
  int64_t places, count;
  bool has_table = places / 4 <= count;
  int64_t scratch_bytes() const { return (has_table ? places : count) * 8; }

  void run(const int64_t* place, bool* is_last, int64_t* scratch) const {
    if (has_table) {
      for (int64_t i = 0; i < count; ++i) scratch[place[i]] = i;
      for (int64_t i = 0; i < count; ++i) is_last[i] = scratch[place[i]] == i;
      return;
    }
    sort_by_place(place, {scratch, static_cast<size_t>(count)});
    for (int64_t i = 0; i < count; ++i) is_last[scratch[i]] = i + 1 == count || place[scratch[i + 1]] != place[scratch[i]];
  }
};

}  // namespace

KernelPtr last_rows(const Shape& sizes, std::span<const Layout> indices, bool may_be_negative) {
  const RowNumbers numbers(sizes, indices, {0, static_cast<int64_t>(indices.size()), may_be_negative});
  const LastOfEach last{numbers.rows, numbers.count};
  return make_kernel(
      [=, inputs = indices.size()](void* const* p, void* scratch) {
        auto* rows = static_cast<int64_t*>(scratch);
        const Status status = numbers.find(p, rows);
        if (status.is_ok) last.run(rows, static_cast<bool*>(p[inputs]), rows + numbers.count);
        return status;
      },
      numbers.scratch_bytes() + last.scratch_bytes(), true);
}

KernelPtr last_along(const Shape& shape, const Layout& index, int64_t axis) {
  const AlongAxis walk(Layout::contiguous(index.dtype, shape), index, axis);
  const LastOfEach last{shape.size(), index.size()};
  return make_kernel(
      [=, dtype = index.dtype, count = index.size()](void* const* p, void* scratch) {
        const Status status = walk.check(p[0], dtype);
        if (!status.is_ok) return status;
        auto* places = static_cast<int64_t*>(scratch);
        walk.find(p[0], dtype, places);
        last.run(places, static_cast<bool*>(p[1]), places + count);
        return status;
      },
      index.size() * 8 + last.scratch_bytes(), true);
}

KernelPtr one_hot(const Layout& index, const Layout& out) {
  const int64_t classes = out.shape[out.rank() - 1], count = index.size();
  return make_kernel(
      [=, dtype = index.dtype, bytes = out.bytes(), element = out.dtype](void* const* p, void*) {
        Status status;
        visit_index(p[0], dtype, [&](const auto* at) {
          for (int64_t i = 0; i < count && status.is_ok; ++i) {
            if (at[i] < 0 || at[i] >= classes) status = out_of_range(p[0], dtype, i, 0, classes);
          }
          if (!status.is_ok) return;
          if (bytes) std::memset(p[1], 0, static_cast<size_t>(bytes));
          visit_dtype(element, [&]<class T>(T) {
            T* to = static_cast<T*>(p[1]);
            for (int64_t i = 0; i < count; ++i) to[i * classes + at[i]] = T(1);
          });
        });
        return status;
      },
      0, true);
}

KernelPtr unravel_index(const Layout& positions, const Shape& shape) {
  return make_kernel(
      [=, dtype = positions.dtype, count = positions.size(), size = shape.size()](void* const* p, void*) {
        Status status;
        visit_index(p[0], dtype, [&](const auto* at) {
          int64_t* out = static_cast<int64_t*>(p[1]);
          for (int64_t i = 0; i < count; ++i, out += shape.rank()) {
            if (at[i] < 0 || at[i] >= size) {
              status = out_of_range(p[0], dtype, i, 0, size);
              return;
            }
            int64_t rest = at[i];
            for (int64_t axis = shape.rank(); axis-- > 0; rest /= shape[axis]) out[axis] = rest % shape[axis];
          }
        });
        return status;
      },
      0, true);
}

std::vector<int64_t> nonzero(const void* data, DType dtype, int64_t count) {
  std::vector<int64_t> positions;
  visit_dtype(dtype, [&]<class T>(T) {
    const T* x = static_cast<const T*>(data);
    for (int64_t i = 0; i < count; ++i) {
      if constexpr (std::same_as<T, float16_t> || std::same_as<T, bfloat16_t>) {
        if (static_cast<float>(x[i]) != 0) positions.push_back(i);
      } else if (x[i] != T(0)) {
        positions.push_back(i);
      }
    }
  });
  return positions;
}

}  // namespace gradus::cpu
