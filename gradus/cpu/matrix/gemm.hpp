// Matrix products by our own vector code: float64, 16-bit floats and small, thin or oddly strided float32. Private to cpu/.
#pragma once

#include "gradus/cpu/elementwise/loops.hpp"
#include "gradus/cpu/kernel.hpp"

namespace gradus::cpu {

/// A batch of products c = a b, (m, k) times (k, n), with any strides (in elements) of a and b; c is contiguous, (batch..., m, n).
struct Products {
  int64_t m = 0, n = 0, k = 0;
  int64_t a_row = 0, a_column = 0, b_row = 0, b_column = 0;
  Dims batch{}, a_batch{}, b_batch{};  ///< sizes of the batch axes and the strides of a and b along them

  int64_t batch_size() const;
  /// First elements of a and b in batch item `index`.
  void offsets(int64_t index, int64_t& a, int64_t& b) const;
  /// Multiply-adds of all products.
  double work() const;
};

/// Parts that work is cut into: a power of two, which as many threads share evenly, of about `least` each; at most 2^most.
int64_t even_parts(double work, double least, int most);

/// The products in any float dtype, bias and activation included; float16 and bfloat16 are summed in float32 and rounded once, or not if
/// bfloat16 is to give float32.
KernelPtr prepare_gemm(DType dtype, DType result, const Products& products, const Epilogue& epilogue);
/// Whether prepare_gemm takes one of its ways for small or thin float32 products, where it beats oneDNN.
bool is_small(const Products& products);

/// Whether products with a b of these sizes and this step from column to column read it where it lies, row of a by row, whatever their
/// number. They are small in the sense of is_small, if of float32.
bool is_by_rows(int64_t k, int64_t n, int64_t b_column);

/// The element-wise loop of an activation; null for none.
TileLoop activation_loop(Activation activation, DType dtype);

}  // namespace gradus::cpu
