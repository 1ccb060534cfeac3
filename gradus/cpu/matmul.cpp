// Chooses how a matrix product is computed: oneDNN for float32 and bfloat16 from a certain size up, own vector code for other floats and for
// small, thin and oddly strided products, plain loops for integers.
#include "gradus/cpu/matmul.hpp"

#include <type_traits>

#include "gradus/base/threads.hpp"
#include "gradus/cpu/dnnl.hpp"
#include "gradus/cpu/gemm.hpp"

namespace gradus::cpu {

namespace {

// Adds a batch axis at the outer end, merged with the outermost present one where both operands allow.
void add_batch_axis(Products& x, int64_t size, int64_t a_stride, int64_t b_stride) {
  if (size == 1) return;
  if (!x.batch.empty() && a_stride == x.a_batch[0] * x.batch[0] && b_stride == x.b_batch[0] * x.batch[0]) {
    x.batch[0] *= size;
    return;
  }
  x.batch.insert(0, size);
  x.a_batch.insert(0, a_stride);
  x.b_batch.insert(0, b_stride);
}

int64_t batch_stride(const Layout& layout, int64_t axis_from_end) {
  const int64_t axis = layout.rank() - axis_from_end;
  return axis < 0 || layout.shape[axis] == 1 ? 0 : layout.strides[static_cast<size_t>(axis)];
}

Products make_products(const Layout& a, const Layout& b, const Layout& out) {
  const auto last = [](const Layout& layout, int64_t from_end) { return static_cast<size_t>(layout.rank() - from_end); };
  Products x;
  x.m = a.shape[a.rank() - 2];
  x.k = a.shape[a.rank() - 1];
  x.n = b.shape[b.rank() - 1];
  x.a_row = a.strides[last(a, 2)];
  x.a_column = a.strides[last(a, 1)];
  x.b_row = b.strides[last(b, 2)];
  x.b_column = b.strides[last(b, 1)];
  for (int64_t from_end = 3; from_end <= out.rank(); ++from_end) {
    add_batch_axis(x, out.shape[out.rank() - from_end], batch_stride(a, from_end), batch_stride(b, from_end));
  }
  // One b for all items, and items of a that follow each other as rows do: one taller product.
  while (!x.batch.empty() && x.b_batch.back() == 0 && (x.m == 1 || x.a_batch.back() == x.m * x.a_row)) {
    if (x.m == 1) x.a_row = x.a_batch.back();
    x.m *= x.batch.back();
    x.batch.pop_back();
    x.a_batch.pop_back();
    x.b_batch.pop_back();
  }
  return x;
}

// The layout of one operand for oneDNN: strides that it understands, or false.
bool to_dnnl(DType dtype, const Products& x, int64_t rows, int64_t columns, int64_t row, int64_t column, const Dims& batch_strides,
             Layout& out) {
  if (rows == 1) row = column == 1 || columns == 1 ? columns : 1;
  if (columns == 1) column = row == 1 ? rows : 1;
  if (!(column == 1 && row >= columns) && !(row == 1 && column >= rows)) return false;
  Dims sizes, strides;
  for (size_t axis = 0; axis < x.batch.size(); ++axis) {
    if (batch_strides[axis] < 0) return false;
    sizes.push_back(batch_strides[axis] == 0 ? 1 : x.batch[axis]);
    strides.push_back(batch_strides[axis] == 0 ? rows * columns : batch_strides[axis]);
  }
  sizes.push_back(rows);
  sizes.push_back(columns);
  strides.push_back(row);
  strides.push_back(column);
  out = {dtype, Shape(sizes), strides};
  return true;
}

KernelPtr try_dnnl(DType dtype, const Products& x, const Epilogue& epilogue) {
  Layout a, b;
  if (!to_dnnl(dtype, x, x.m, x.k, x.a_row, x.a_column, x.a_batch, a)) return nullptr;
  if (!to_dnnl(dtype, x, x.k, x.n, x.b_row, x.b_column, x.b_batch, b)) return nullptr;
  Dims sizes = x.batch;
  sizes.push_back(x.m);
  sizes.push_back(x.n);
  return dnnl_matmul(a, b, Layout::contiguous(dtype, Shape(sizes)), epilogue);
}

// Sums wrap: integers are added as unsigned ones.
template <class T>
void multiply_row(const Products& x, const T* a, const T* b, T* out) {
  if constexpr (std::is_same_v<T, bool>) {
    for (int64_t j = 0; j < x.n; ++j) {
      bool any = false;
      for (int64_t p = 0; p < x.k; ++p) any |= a[p * x.a_column] && b[p * x.b_row + j * x.b_column];
      out[j] = any;
    }
  } else {
    using U = std::make_unsigned_t<T>;
    for (int64_t j = 0; j < x.n; ++j) out[j] = 0;
    for (int64_t p = 0; p < x.k; ++p) {
      const auto factor = static_cast<U>(a[p * x.a_column]);
      const T* row = b + p * x.b_row;
      if (x.b_column == 1) {
        for (int64_t j = 0; j < x.n; ++j) out[j] = static_cast<T>(static_cast<U>(static_cast<U>(out[j]) + static_cast<U>(factor * static_cast<U>(row[j]))));
      } else {
        for (int64_t j = 0; j < x.n; ++j) {
          out[j] = static_cast<T>(static_cast<U>(static_cast<U>(out[j]) + static_cast<U>(factor * static_cast<U>(row[j * x.b_column]))));
        }
      }
    }
  }
}

template <class T>
KernelPtr prepare_integers(const Products& x) {
  const int64_t rows = x.batch_size() * x.m;
  const int64_t rows_a_chunk = std::max<int64_t>(1, 20000 / std::max<int64_t>(1, x.n * x.k));
  const int64_t chunks = (rows + rows_a_chunk - 1) / rows_a_chunk;
  return make_kernel([=](void* const* pointers, void*) {
    const T* a = static_cast<const T*>(pointers[0]);
    const T* b = static_cast<const T*>(pointers[1]);
    T* out = static_cast<T*>(pointers[2]);
    parallel_for(chunks, [&](int64_t chunk) {
      for (int64_t row = rows * chunk / chunks; row < rows * (chunk + 1) / chunks; ++row) {
        int64_t a_offset = 0, b_offset = 0;
        x.offsets(row / x.m, a_offset, b_offset);
        multiply_row(x, a + a_offset + row % x.m * x.a_row, b + b_offset, out + row * x.n);
      }
    });
    return Status{};
  });
}

}  // namespace

KernelPtr prepare_matmul(const Layout& a, const Layout& b, const Layout& out, const Epilogue& epilogue) {
  if (out.size() == 0) return make_kernel([](void* const*, void*) { return Status{}; });
  const Products x = make_products(a, b, out);
  switch (out.dtype.code()) {
    case DType::Code::bool_: return prepare_integers<bool>(x);
    case DType::Code::uint8: return prepare_integers<uint8_t>(x);
    case DType::Code::int32: return prepare_integers<int32_t>(x);
    case DType::Code::int64: return prepare_integers<int64_t>(x);
    case DType::Code::float16:
    case DType::Code::float64: return prepare_gemm(out.dtype, x, epilogue);
    case DType::Code::float32:
    case DType::Code::bfloat16: break;
  }
  if (x.k > 0 && !is_small(x)) {
    if (KernelPtr kernel = try_dnnl(out.dtype, x, epilogue)) return kernel;
  }
  return prepare_gemm(out.dtype, x, epilogue);
}

}  // namespace gradus::cpu
