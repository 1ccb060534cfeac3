// Chooses how a matrix product is computed: oneDNN for float32 and bfloat16 from a certain size up, own vector code for other floats and
// for small, thin and oddly strided products, own code with tiles for large ones of float32 where there are tiles, plain loops for integers.
#include "gradus/cpu/matrix/matmul.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "gradus/base/parallel.hpp"
#include "gradus/cpu/onednn/dnnl.hpp"
#include "gradus/cpu/matrix/gemm.hpp"
#include "gradus/cpu/matrix/split.hpp"
#include "gradus/cpu/loop/parts.hpp"

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

// How many parts a product is cut into: along its outermost batch axis, rows of the result, columns.
struct ProductCut {
  int64_t items = 1, rows = 1, columns = 1;
};

// From the sizes and strides alone. Each part reads its rows of a and its columns of b, and oneDNN copies what it reads: the cut with the
// fewest elements read.
ProductCut choose_cut(const Products& x, DType dtype) {
  // Some 25 us a part or more, as many as 2, 4, 8 or 16 threads share evenly; sixteen, which cost 2 to 5 percent (measured), in large
  // products only.
  const double speed = dtype == bfloat16 && dnnl_bfloat16_unit() == Bfloat16Unit::tiles ? 4 : 1;  // beside that of float32
  const double least_work = speed * (3 << 19), large_work = speed * (1 << 26);
  const int64_t element_size = dtype.size();
  const int64_t wanted = even_parts(x.work(), least_work, x.work() < large_work ? 3 : 4);
  if (!x.batch.empty() && x.batch[0] >= wanted) return {wanted, 1, 1};
  ProductCut cut{x.batch.empty() ? 1 : x.batch[0], 1, 1};
  const int64_t rest = (wanted + cut.items - 1) / cut.items;
  const int64_t most_rows = std::max<int64_t>(1, x.m / 32), most_columns = std::max<int64_t>(1, x.n / 32);
  // oneDNN copies operands together where 1 / m + 1 / n is below this, else it reads them where they lie, which takes longer where rows are
  // a multiple of 4 KiB apart (by a seventh to a half; AVX2, version 2.6).
  constexpr double copied_below = 0.0038;
  const auto sides = [](int64_t m, int64_t n) { return 1 / static_cast<double>(m) + 1 / static_cast<double>(n); };
  const auto collide = [&](int64_t row, int64_t column) { return std::max(row, column) * element_size % 4096 == 0; };
  const bool should_copy = sides(x.m, x.n) < copied_below && (collide(x.a_row, x.a_column) || collide(x.b_row, x.b_column));
  for (int64_t least_parts = std::min(rest, most_rows * most_columns); least_parts > 1; --least_parts) {
    double least = std::numeric_limits<double>::infinity();
    for (int64_t rows = 1; rows <= std::min(rest, most_rows); ++rows) {
      const int64_t columns = std::min(most_columns, (least_parts + rows - 1) / rows);
      const double read = static_cast<double>(rows) * static_cast<double>(x.n) + static_cast<double>(columns) * static_cast<double>(x.m);
      if (rows * columns < least_parts || read >= least || (should_copy && sides(x.m / rows, x.n / columns) >= copied_below)) continue;
      least = read;
      cut.rows = rows;
      cut.columns = columns;
    }
    if (cut.rows * cut.columns > 1) break;
  }
  return cut;
}

// Part `index` of `count` of 0 .. size-1, in whole steps where there are enough.
std::pair<int64_t, int64_t> part_of(int64_t size, int64_t index, int64_t count, int64_t step) {
  const int64_t steps = (size + step - 1) / step;
  return {std::min(size, steps * index / count * step), std::min(size, steps * (index + 1) / count * step)};
}

KernelPtr try_dnnl(DType dtype, DType result, const Products& x, const ProductCut& cut, const Epilogue& epilogue) {
  std::vector<Part> parts;
  for (int64_t at = 0; at < cut.items * cut.rows * cut.columns; ++at) {
    const auto [first_item, last_item] = part_of(x.batch.empty() ? 1 : x.batch[0], at / (cut.rows * cut.columns), cut.items, 1);
    const auto [first_row, last_row] = part_of(x.m, at / cut.columns % cut.rows, cut.rows, 8);
    const auto [first_column, last_column] = part_of(x.n, at % cut.columns, cut.columns, 16);
    Products part = x;
    part.m = last_row - first_row;
    part.n = last_column - first_column;
    if (!x.batch.empty()) part.batch[0] = last_item - first_item;
    Layout a, b;
    if (!to_dnnl(dtype, part, part.m, part.k, part.a_row, part.a_column, part.a_batch, a)) return nullptr;
    if (!to_dnnl(dtype, part, part.k, part.n, part.b_row, part.b_column, part.b_batch, b)) return nullptr;
    Dims sizes = x.batch, part_sizes = part.batch;
    for (const int64_t size : {x.m, x.n}) sizes.push_back(size);
    for (const int64_t size : {part.m, part.n}) part_sizes.push_back(size);
    const Dims strides = contiguous_strides(Shape(sizes));
    KernelPtr kernel = dnnl_matmul(a, b, Layout{result, Shape(part_sizes), strides}, epilogue);
    if (!kernel) return nullptr;
    const auto along = [&, first = first_item](const Dims& batch_strides) { return x.batch.empty() ? 0 : first * batch_strides[0]; };
    Part run{std::move(kernel),
             {(along(x.a_batch) + first_row * x.a_row) * dtype.size(), (along(x.b_batch) + first_column * x.b_column) * dtype.size()}};
    if (epilogue.has_bias) run.offsets.push_back(first_column * bias_dtype(result, epilogue).size());
    run.offsets.push_back((along(strides) + first_row * x.n + first_column) * result.size());
    parts.push_back(std::move(run));
  }
  return prepare_parts(std::move(parts));
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
        for (int64_t j = 0; j < x.n; ++j)
          out[j] = static_cast<T>(static_cast<U>(static_cast<U>(out[j]) + static_cast<U>(factor * static_cast<U>(row[j]))));
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

bool has_independent_rows(const Layout& b) {
  return (b.dtype == float32 || b.dtype == float64) && is_by_rows(b.shape[0], b.shape[1], b.strides[1]);
}

KernelPtr prepare_matmul(const Layout& a, const Layout& b, const Layout& out, const Epilogue& epilogue, bool is_part) {
  if (out.size() == 0) return make_kernel([](void* const*, void*) { return Status{}; });
  const Products x = make_products(a, b, out);
  const DType dtype = a.dtype;
  switch (dtype.code()) {
    case DType::Code::bool_: return prepare_integers<bool>(x);
    case DType::Code::uint8: return prepare_integers<uint8_t>(x);
    case DType::Code::int32: return prepare_integers<int32_t>(x);
    case DType::Code::int64: return prepare_integers<int64_t>(x);
    case DType::Code::float16:
    case DType::Code::float64: return prepare_gemm(dtype, out.dtype, x, epilogue);
    case DType::Code::float32:
    case DType::Code::bfloat16: break;
  }
  // Our own ways of small products are of float32; of bfloat16 they convert.
  constexpr double tiny_work = 1 << 12;
  if (x.k > 0 && (dtype == bfloat16 ? x.work() > tiny_work : !is_small(x))) {
    if (dtype == float32 && is_split_better(x)) return prepare_split(x, epilogue, is_part);
    const ProductCut cut = is_part ? ProductCut{} : choose_cut(x, dtype);
    if (KernelPtr kernel = try_dnnl(dtype, out.dtype, x, cut, epilogue)) return kernel;
  }
  return prepare_gemm(dtype, out.dtype, x, epilogue);
}

}  // namespace gradus::cpu
