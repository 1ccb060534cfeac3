// Moving elements without computing: strided copies, joining, writing windows, sequences.
#pragma once

#include <span>
#include <vector>

#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// Copies elements between two strided places of one shape, in parallel; made once, run on any pointers. Runs of neighbouring
/// elements are moved as memory, transpositions in blocks of whole cache lines.
class StridedCopy {
 public:
  /// `element` is 1, 2, 4 or 8 bytes; strides are counted in elements. No two places of the output may coincide.
  StridedCopy(const Shape& shape, const Dims& in_strides, const Dims& out_strides, int64_t element);
  /// `in` and `out` are the first elements (index 0 on every axis).
  void run(const void* in, void* out) const;

 private:
  enum class Way : uint8_t { none, planes, transposed };
  void plan_chunks();
  void run_planes(const std::byte* in, std::byte* out, int64_t chunk) const;
  void run_transposed(const std::byte* in, std::byte* out, int64_t chunk) const;

  Dims sizes_, in_strides_, out_strides_;  // outer to inner, merged, output strides positive and falling
  int64_t element_, in_offset_ = 0, out_offset_ = 0, chunks_ = 0;
  int64_t rows_ = 1, rows_a_chunk_ = 1, pieces_ = 1, piece_ = 0;  // planes: rows of the last axis, in pieces if they are long
  int64_t tiles_ = 1, row_tiles_ = 1;                             // transposed: tiles of the last two axes
  bool is_streamed_ = false;
  Way way_ = Way::none;
};

/// Copies of several inputs to places of one output that do not overlap: large ones by all threads together, small ones spread over them.
class ManyCopies {
 public:
  /// Input number `input` goes by `copy` to the place `offset` elements into the output; `size` elements of `element` bytes.
  void add(StridedCopy copy, size_t input, int64_t offset, int64_t size, int64_t element);
  void run(void* const* inputs, void* out) const;

 private:
  struct Part {
    StridedCopy copy;
    size_t input;
    int64_t offset;  // bytes
  };
  struct Batch {
    size_t begin, end;
    int64_t elements;
  };
  std::vector<Part> large_, small_;
  std::vector<Batch> batches_;  // of small parts
};

/// The input in row-major order.
KernelPtr copy(const Layout& in);
/// The inputs one after the other along `axis` of the output.
KernelPtr concatenate(std::span<const Layout> inputs, const Layout& out, int64_t axis);
/// x (any strides) with the window starts[i] + k * steps[i] replaced by `value` (any strides). Writes over x where output and x are one.
KernelPtr update_window(const Layout& x, const Layout& value, const Dims& starts, const Dims& steps);
/// The window of x (contiguous) of the output's shape at the corner that the integer array `starts` holds; and x with that window
/// replaced. Inputs: x, starts; or x, value, starts. A window that leaves x is reported.
KernelPtr dynamic_window(const Layout& x, DType starts, const Shape& sizes);
KernelPtr update_dynamic_window(const Layout& x, const Layout& value, DType starts);

/// Fills row-major memory with start + i * step, computed in double (or in int64 where start and step are whole), rounded once.
void fill_sequence(void* out, DType dtype, int64_t count, double start, double step);
void fill_sequence(void* out, DType dtype, int64_t count, int64_t start, int64_t step);

namespace detail {
/// out[c * out_stride + r] = in[r * in_stride + c] for r < rows, c < columns; `stream`: past the caches.
struct TransposedBlock {
  const void* in;
  void* out;
  int64_t in_stride, out_stride, rows, columns;
  bool stream;
};
void transpose_block(const TransposedBlock& block, int64_t element);
}  // namespace detail

}  // namespace gradus::cpu
