// What products read and give under mixed precision (nn/precision.hpp).
#pragma once

#include "gradus/graph/array.hpp"

namespace gradus {

/// x as products read it in the calling thread: a float32 array in bfloat16 under mixed precision; any other x as it is. For ops of one's
/// own that multiply inside, and for what is kept between two products.
Array in_product_dtype(const Array& x);

namespace rule {

/// Whether a product of a and b rounds its operands: under mixed precision, if both are float32 or bfloat16 and one is float32. Numbers do
/// not count.
bool is_mixed_product(const Array& a, const Array& b);

/// The dtype in which losses compute and give results of x: float32 of bfloat16 under mixed precision, else x's own.
DType loss_dtype(const Array& x);

}  // namespace rule
}  // namespace gradus
