// Strided copies: axes are merged and ordered by the output, then rows are moved one by one or blocks transposed.
#include "gradus/cpu/move/copy.hpp"

#include <cmath>
#include <cstring>

#include "gradus/base/convert.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/base/parallel.hpp"
#include "gradus/cpu/loop/partial_kernel.hpp"

namespace gradus::cpu {

namespace {

constexpr int64_t kChunk = 32768;                     // elements worth starting a thread for
constexpr int64_t kTileRows = 64, kTileColumns = 256;  // a tile of 4-byte elements and its transpose fit in L2
constexpr int64_t kStreamBytes = int64_t{4} << 20;    // larger results will not be read from L2 anyway

// Rows of `count` elements.
struct Rows {
  int64_t rows, in_row, out_row, count, in, out;
};

template <class T>
void copy_rows(const T* in, T* out, const Rows& p) {
  if (p.in == 1 && p.out == 1 && p.count * static_cast<int64_t>(sizeof(T)) >= 64) {
    for (int64_t r = 0; r < p.rows; ++r) std::memcpy(out + r * p.out_row, in + r * p.in_row, static_cast<size_t>(p.count) * sizeof(T));
  } else if (p.out == 1 && p.in == 0) {
    for (int64_t r = 0; r < p.rows; ++r) std::fill_n(out + r * p.out_row, p.count, in[r * p.in_row]);
  } else if (p.out == 1) {
    for (int64_t r = 0; r < p.rows; ++r) {
      const T* from = in + r * p.in_row;
      T* to = out + r * p.out_row;
      for (int64_t i = 0; i < p.count; ++i) to[i] = from[i * p.in];
    }
  } else {
    for (int64_t r = 0; r < p.rows; ++r) {
      const T* from = in + r * p.in_row;
      T* to = out + r * p.out_row;
      for (int64_t i = 0; i < p.count; ++i) to[i * p.out] = from[i * p.in];
    }
  }
}

void copy_rows(const std::byte* in, std::byte* out, const Rows& rows, int64_t element) {
  switch (element) {
    case 1: return copy_rows(reinterpret_cast<const uint8_t*>(in), reinterpret_cast<uint8_t*>(out), rows);
    case 2: return copy_rows(reinterpret_cast<const uint16_t*>(in), reinterpret_cast<uint16_t*>(out), rows);
    case 4: return copy_rows(reinterpret_cast<const uint32_t*>(in), reinterpret_cast<uint32_t*>(out), rows);
    default: return copy_rows(reinterpret_cast<const uint64_t*>(in), reinterpret_cast<uint64_t*>(out), rows);
  }
}

struct Axis {
  int64_t size, in, out;
};

// Offsets of the element that row-major number `row` of the first `axes` axes starts.
struct Place {
  int64_t in = 0, out = 0;
};
Place place_of(int64_t row, size_t axes, const Dims& sizes, const Dims& in_strides, const Dims& out_strides) {
  Place place;
  for (size_t axis = axes; axis-- > 0;) {
    const int64_t index = row % sizes[axis];
    row /= sizes[axis];
    place.in += index * in_strides[axis];
    place.out += index * out_strides[axis];
  }
  return place;
}

}  // namespace

StridedCopy::StridedCopy(const Shape& shape, const Dims& in_strides, const Dims& out_strides, int64_t element) : element_(element) {
  if (shape.size() == 0) return;
  SmallVector<Axis, 6> axes;
  for (size_t i = 0; i < in_strides.size(); ++i) {
    Axis axis{shape.dims()[i], in_strides[i], out_strides[i]};
    if (axis.size == 1) continue;
    if (axis.out < 0) {
      in_offset_ += (axis.size - 1) * axis.in;
      out_offset_ += (axis.size - 1) * axis.out;
      axis = {axis.size, -axis.in, -axis.out};
    }
    axes.push_back(axis);
  }
  std::stable_sort(axes.begin(), axes.end(), [](const Axis& a, const Axis& b) { return a.out > b.out; });
  SmallVector<Axis, 6> merged;
  for (const Axis& axis : axes) {
    if (!merged.empty() && merged.back().out == axis.out * axis.size && merged.back().in == axis.in * axis.size) {
      merged.back() = {merged.back().size * axis.size, axis.in, axis.out};
    } else {
      merged.push_back(axis);
    }
  }
  if (merged.empty()) merged.push_back({1, 1, 1});
  way_ = Way::planes;
  const size_t last = merged.size() - 1;
  for (size_t i = 0; i < last && merged[last].out == 1 && merged[last].in != 1; ++i) {
    if (merged[i].in != 1) continue;
    std::rotate(merged.begin() + i, merged.begin() + i + 1, merged.end() - 1);
    way_ = Way::transposed;
    break;
  }
  for (const Axis& axis : merged) {
    sizes_.push_back(axis.size);
    in_strides_.push_back(axis.in);
    out_strides_.push_back(axis.out);
  }
  plan_chunks();
}

void StridedCopy::plan_chunks() {
  const size_t last = sizes_.size() - 1;
  int64_t outer = 1;
  for (size_t i = 0; i + (way_ == Way::transposed ? 2 : 1) < sizes_.size(); ++i) outer *= sizes_[i];
  if (way_ == Way::transposed) {
    row_tiles_ = divide_up(sizes_[last], kTileRows);
    tiles_ = row_tiles_ * divide_up(sizes_[last - 1], kTileColumns);
    rows_ = outer * tiles_;
    rows_a_chunk_ = std::max<int64_t>(1, kChunk / 2 / (std::min(sizes_[last], kTileRows) * std::min(sizes_[last - 1], kTileColumns)));
    is_streamed_ = outer * sizes_[last] * sizes_[last - 1] * element_ >= kStreamBytes;
  } else {
    pieces_ = divide_up(sizes_[last], 2 * kChunk);
    piece_ = divide_up(sizes_[last], pieces_);
    rows_ = outer * pieces_;
    rows_a_chunk_ = std::max<int64_t>(1, kChunk / piece_);
  }
  chunks_ = divide_up(rows_, rows_a_chunk_);
}

void StridedCopy::run(const void* in, void* out) const {
  const std::byte* from = static_cast<const std::byte*>(in) + in_offset_ * element_;
  std::byte* to = static_cast<std::byte*>(out) + out_offset_ * element_;
  if (way_ == Way::planes) {
    parallel_for(chunks_, [&](int64_t chunk) { run_planes(from, to, chunk); });
  } else if (way_ == Way::transposed) {
    parallel_for(chunks_, [&](int64_t chunk) { run_transposed(from, to, chunk); });
  }
}

void StridedCopy::run_planes(const std::byte* in, std::byte* out, int64_t chunk) const {
  const size_t last = sizes_.size() - 1;
  const int64_t end = std::min(rows_, (chunk + 1) * rows_a_chunk_);
  for (int64_t row = chunk * rows_a_chunk_; row < end;) {
    const int64_t begin = row % pieces_ * piece_;
    Place place = place_of(row / pieces_, last, sizes_, in_strides_, out_strides_);
    place.in += begin * in_strides_[last];
    place.out += begin * out_strides_[last];
    Rows rows{1, 0, 0, std::min(piece_, sizes_[last] - begin), in_strides_[last], out_strides_[last]};
    if (pieces_ == 1 && last > 0) {  // as many rows as the axis before holds
      rows.rows = std::min(end - row, sizes_[last - 1] - row % sizes_[last - 1]);
      rows.in_row = in_strides_[last - 1];
      rows.out_row = out_strides_[last - 1];
    }
    if (rows.count > 0) copy_rows(in + place.in * element_, out + place.out * element_, rows, element_);
    row += rows.rows;
  }
}

void StridedCopy::run_transposed(const std::byte* in, std::byte* out, int64_t chunk) const {
  const size_t last = sizes_.size() - 1;
  const int64_t end = std::min(rows_, (chunk + 1) * rows_a_chunk_);
  for (int64_t tile = chunk * rows_a_chunk_; tile < end; ++tile) {
    const int64_t row = tile % row_tiles_ * kTileRows, column = tile % tiles_ / row_tiles_ * kTileColumns;
    Place place = place_of(tile / tiles_, last - 1, sizes_, in_strides_, out_strides_);
    place.in += row * in_strides_[last] + column;
    place.out += column * out_strides_[last - 1] + row;
    detail::transpose_block({in + place.in * element_, out + place.out * element_, in_strides_[last], out_strides_[last - 1],
                             std::min(kTileRows, sizes_[last] - row), std::min(kTileColumns, sizes_[last - 1] - column), is_streamed_},
                            element_);
  }
}

KernelPtr copy(const Layout& in) {
  return make_kernel([plan = StridedCopy(in.shape, in.strides, contiguous_strides(in.shape), in.dtype.size())](void* const* p, void*) {
    plan.run(p[0], p[1]);
    return Status{};
  });
}

void ManyCopies::add(StridedCopy copy, size_t input, int64_t offset, int64_t size, int64_t element) {
  if (size == 0) return;
  Part part{std::move(copy), input, offset * element};
  if (size >= 2 * kChunk) {
    large_.push_back(std::move(part));
    return;
  }
  if (batches_.empty() || batches_.back().elements >= kChunk) batches_.push_back({small_.size(), small_.size(), 0});
  small_.push_back(std::move(part));
  batches_.back().end = small_.size();
  batches_.back().elements += size;
}

void ManyCopies::run(void* const* inputs, void* out) const {
  const auto run_one = [&](const Part& part) { part.copy.run(inputs[part.input], static_cast<std::byte*>(out) + part.offset); };
  for (const Part& part : large_) run_one(part);
  parallel_for(static_cast<int64_t>(batches_.size()), [&](int64_t at) {
    const Batch& batch = batches_[static_cast<size_t>(at)];
    for (size_t i = batch.begin; i < batch.end; ++i) run_one(small_[i]);
  });
}

KernelPtr concatenate(std::span<const Layout> inputs, const Layout& out, int64_t axis) {
  ManyCopies copies;
  int64_t offset = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Layout& in = inputs[i];
    copies.add(StridedCopy(in.shape, in.strides, out.strides, out.dtype.size()), i, offset, in.size(), out.dtype.size());
    offset += in.shape[axis] * out.strides[static_cast<size_t>(axis)];
  }
  return make_kernel([copies = std::move(copies), count = inputs.size()](void* const* p, void*) {
    copies.run(p, p[count]);
    return Status{};
  });
}

namespace {

struct Window {
  StridedCopy whole, part;
  int64_t offset;
};
// Copies of x to the output and of `value` to a window of it.
Window make_window(const Layout& x, const Layout& value, const Dims& starts, const Dims& steps) {
  const Dims out_strides = contiguous_strides(x.shape);
  const int64_t element = x.dtype.size();
  Dims strides = out_strides;
  int64_t offset = 0;
  for (size_t i = 0; i < strides.size(); ++i) {
    offset += starts[i] * strides[i];
    strides[i] *= steps[i];
  }
  return {StridedCopy(x.shape, x.strides, out_strides, element), StridedCopy(value.shape, value.strides, strides, element),
          offset * element};
}

int64_t read_index(const void* data, DType dtype, int64_t i) {
  return dtype == int32 ? static_cast<const int32_t*>(data)[i] : static_cast<const int64_t*>(data)[i];
}

// The offset of the corner in elements; reports a window that leaves the array.
Status find_corner(const void* starts, DType dtype, const Shape& shape, const Shape& sizes, const Dims& strides, int64_t& offset) {
  offset = 0;
  for (int64_t i = 0; i < shape.rank(); ++i) {
    const int64_t start = read_index(starts, dtype, i);
    if (start < 0 || start > shape[i] - sizes[i]) {
      constexpr const char* low = "starts put the window outside the array: element {} is {}; it must be at least {}";
      constexpr const char* high = "starts put the window outside the array: element {} is {}; it must be at most {}";
      return {false, start < 0 ? low : high, i, static_cast<double>(start), start < 0 ? 0 : shape[i] - sizes[i]};
    }
    offset += start * strides[static_cast<size_t>(i)];
  }
  return {};
}

}  // namespace

KernelPtr update_window(const Layout& x, const Layout& value, const Dims& starts, const Dims& steps) {
  return make_partial_kernel(
      {.in_place = 2 * value.bytes()}, [window = make_window(x, value, starts, steps)](void* const* p, void*) {
        if (p[2] != p[0]) window.whole.run(p[0], p[2]);
        window.part.run(p[1], static_cast<std::byte*>(p[2]) + window.offset);
        return Status{};
      });
}

KernelPtr dynamic_window(const Layout& x, DType starts, const Shape& sizes) {
  const StridedCopy plan(sizes, x.strides, contiguous_strides(sizes), x.dtype.size());
  return make_partial_kernel(
      {.first_input = sizes.size() * x.dtype.size()},
      [=, shape = x.shape, strides = x.strides, element = x.dtype.size()](void* const* p, void*) {
        int64_t offset = 0;
        const Status status = find_corner(p[1], starts, shape, sizes, strides, offset);
        if (status.is_ok) plan.run(static_cast<const std::byte*>(p[0]) + offset * element, p[2]);
        return status;
      },
      0, true);
}

KernelPtr update_dynamic_window(const Layout& x, const Layout& value, DType starts) {
  const size_t rank = static_cast<size_t>(x.rank());
  const Window window = make_window(x, value, Dims(rank, 0), Dims(rank, 1));
  return make_partial_kernel(
      {.in_place = 2 * value.bytes() + x.rank() * starts.size()},
      [=, shape = x.shape, sizes = value.shape, strides = contiguous_strides(x.shape), element = x.dtype.size()](void* const* p, void*) {
        int64_t offset = 0;
        const Status status = find_corner(p[2], starts, shape, sizes, strides, offset);
        if (!status.is_ok) return status;
        if (p[3] != p[0]) window.whole.run(p[0], p[3]);
        window.part.run(p[1], static_cast<std::byte*>(p[3]) + offset * element);
        return status;
      },
      0, true);
}

namespace {
template <class Number>
void fill_any(void* out, DType dtype, int64_t count, Number start, Number step) {
  visit_dtype(dtype, [&]<class T>(T) {
    T* to = static_cast<T*>(out);
    for (int64_t i = 0; i < count; ++i) {
      to[i] = convert<T>(start + static_cast<Number>(i) * step);
    }
  });
}
}  // namespace

void fill_sequence(void* out, DType dtype, int64_t count, double start, double step) { fill_any(out, dtype, count, start, step); }
void fill_sequence(void* out, DType dtype, int64_t count, int64_t start, int64_t step) { fill_any(out, dtype, count, start, step); }

}  // namespace gradus::cpu
