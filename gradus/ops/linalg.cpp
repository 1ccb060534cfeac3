// matmul, the one op of this family; all else here is composed of it. einsum is in einsum.cpp.
#include "gradus/ops/linalg.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/cpu/matrix/matmul.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/batch.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/precision.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/reduce_rules.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

using namespace core;

namespace {

// Leading axes of a matrix: its batch.
Shape batch_shape(const Array& x) { return Shape(std::span<const int64_t>(x.shape().begin(), x.shape().end() - 2)); }

bool can_broadcast(const Shape& a, const Shape& b) {
  for (int64_t i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
    const int64_t x = a[a.rank() - i], y = b[b.rank() - i];
    if (x != y && x != 1 && y != 1) return false;
  }
  return true;
}

void check_depth(const Array& a, const Array& b) {
  for (const Array* x : {&a, &b}) {
    if (x->rank() == 0) fail("matmul", x == &a ? "a" : "b", " has rank 0; it must have an axis to sum over (numbers multiply by *)");
  }
  const int64_t depth = b.shape(b.rank() == 1 ? 0 : -2);
  if (a.shape(-1) == depth) return;
  fail("matmul", "a is ", a.shape(), " and b is ", b.shape(), ": a's last size (", a.shape(-1), ") and b's ",
       b.rank() == 1 ? "only" : "second to last", " (", depth, ") must be equal");
}

// The product of `dtype`.
Aval product_aval(const Call& call, DType dtype) {
  const Array &a = call[0], &b = call[1];
  check_depth(a, b);
  if (!can_broadcast(batch_shape(a), batch_shape(b))) {
    fail("matmul", "a is ", a.shape(), " and b is ", b.shape(), ": their leading sizes ", batch_shape(a), " and ", batch_shape(b),
         " must be equal or 1, counted from the last one");
  }
  Dims sizes = broadcast_shapes("matmul", batch_shape(a), batch_shape(b)).dims();
  sizes.push_back(a.shape(-2));
  sizes.push_back(b.shape(-1));
  return {dtype, Shape(sizes), false};
}
Aval infer_matmul(const Call& call) { return product_aval(call, call[0].dtype()); }

// (..., m, k) as (rest, k)
Array as_matrix(const Array& x) { return reshape(x, {x.shape(-1) == 0 ? x.size() : x.size() / x.shape(-1), x.shape(-1)}); }

// y = a b  =>  da = dy b^T, db = a^T dy, summed over the batch axes that were repeated; by products of the same kind
template <class Multiply>
Array transposed(const RecordedCall& call, int input, const Array& dy, const Multiply& multiply) {
  const Array &a = call[0], &b = call[1];
  if (input == 0) return unbroadcast(multiply(dy, swapaxes(b, -1, -2)), a.shape());
  if (b.rank() == 2 && a.rank() > 2 && a.size() > 0 && dy.size() > 0) return multiply(transpose(as_matrix(a)), as_matrix(dy));
  return unbroadcast(multiply(swapaxes(a, -1, -2), dy), b.shape());
}
Array transpose_matmul(const RecordedCall& call, int input, const Array& dy);

backend::KernelPtr prepare_matmul(const KernelCall& call) {
  return cpu::prepare_matmul(call.inputs[0], call.inputs[1], call.outputs[0], call.epilogue, call.whole_batch > 0);
}
bool absorbs(const Args&, std::span<const Layout> inputs, const backend::Epilogue& epilogue) {
  return epilogue.is_rounded ? inputs[0].dtype == bfloat16 : inputs[0].dtype.is_float();
}

// Examples are matrices, or rows where these do not depend on one another's number.
uint32_t by_example(std::span<const Layout> inputs) {
  const Layout &a = inputs[0], &b = inputs[1];
  if (a.rank() > 2 && a.rank() == b.rank() && a.shape[0] == b.shape[0]) return 0b11;
  return b.rank() == 2 && cpu::has_independent_rows(b) ? 0b01 : 0;
}

constexpr Input matmul_inputs[] = {{"a", any_dtype}, {"b", any_dtype}};
constexpr OpDef matmul_op{.name = "matmul",
                                .inputs = matmul_inputs,
                                .promotion = Promotion::common,
                                .infer = infer_matmul,
                                .derivative = linear(transpose_matmul),
                                .batch = batch_elementwise,  // the batch is one more axis in front, which broadcasts
                                .kernel = {.prepare = prepare_matmul, .strided_inputs = 0b11, .absorbs = absorbs, .by_example = by_example},
                                // Each number of the result is a sum over the inner axis.
                                .work = [](std::span<const Shape> inputs, const Shape& out) {
                                  return inputs[0].rank() == 0 ? 0 : out.size() * inputs[0][inputs[0].rank() - 1];
                                }};

Array transpose_matmul(const RecordedCall& call, int input, const Array& dy) {
  return transposed(call, input, dy, [](const Array& a, const Array& b) { return apply(matmul_op, {a, b}); });
}

// ---- mixed precision: float32 or bfloat16 operands, rounded to bfloat16, summed in float32. The cotangent of a float32 operand is
// float32, so the sums of a weight's gradient are not rounded.

struct MixedArgs {
  DType dtype{};  // of the result: float32 or bfloat16
  GRADUS_FIELDS(dtype)
};
Array mixed_matmul(const Array& a, const Array& b, DType dtype);

Aval infer_mixed_matmul(const Call& call) { return product_aval(call, call.as<MixedArgs>().dtype); }
Array transpose_mixed_matmul(const RecordedCall& call, int input, const Array& dy) {
  return transposed(call, input, dy, [&](const Array& a, const Array& b) {
    return mixed_matmul(a, b, call[static_cast<size_t>(input)].dtype());
  });
}

constexpr DTypeSet mixed_floats = only(float32) | only(bfloat16);
constexpr Input mixed_matmul_inputs[] = {{"a", mixed_floats}, {"b", mixed_floats}};
constinit const OpDef mixed_matmul_op{
    .name = "mixed_matmul",
    .inputs = mixed_matmul_inputs,
    .args = args_of<MixedArgs>,
    .infer = infer_mixed_matmul,
    .derivative = linear(transpose_mixed_matmul),
    .batch = batch_elementwise,
    .kernel = {.prepare = prepare_matmul, .strided_inputs = 0b11, .absorbs = absorbs, .by_example = by_example, .rounded_inputs = 0b11},
    .work = matmul_op.work};

Array mixed_matmul(const Array& a, const Array& b, DType dtype) { return apply(mixed_matmul_op, {a, b}, MixedArgs{dtype}); }

// A product of matrices in the precision of the calling thread.
Array multiplied(const Array& a, const Array& b) {
  return is_mixed_product(a, b) ? mixed_matmul(a, b, float32) : apply(matmul_op, {a, b});
}

Dims other_axes(int64_t rank, const Dims& axes) {
  Dims rest;
  for (int64_t axis = 0; axis < rank; ++axis) {
    bool is_listed = false;
    for (const int64_t listed : axes) is_listed |= listed == axis;
    if (!is_listed) rest.push_back(axis);
  }
  return rest;
}

int64_t product_of(const Shape& shape, const Dims& axes) {
  int64_t count = 1;
  for (const int64_t axis : axes) count *= shape[axis];
  return count;
}

Dims joined(Dims a, const Dims& b) {
  for (const int64_t value : b) a.push_back(value);
  return a;
}

Dims ordered_axes(const Axes& axes, int64_t rank) {
  normalize_axes("tensordot", axes.dims(), rank);  // in range, none twice
  Dims out;
  for (const int64_t axis : axes.dims()) out.push_back(normalize_axis("tensordot", axis, rank));
  return out;
}

}  // namespace

Array matmul(const Array& a, const Array& b) {
  if (a.exists() && b.exists() && (a.rank() < 2 || b.rank() < 2)) {
    check_depth(a, b);
    const Array product = multiplied(a.rank() == 1 ? expand_dims(a, 0) : a, b.rank() == 1 ? expand_dims(b, 1) : b);
    Dims dropped;
    if (a.rank() == 1) dropped.push_back(-2);
    if (b.rank() == 1) dropped.push_back(-1);
    return squeeze(product, dropped);
  }
  return multiplied(a, b);
}

Array dot(const Array& a, const Array& b) {
  if (a.rank() == 0 || b.rank() == 0) return a * b;
  if (b.rank() == 1 || (a.rank() <= 2 && b.rank() == 2)) return matmul(a, b);
  return tensordot(a, b, Axes(-1), Axes(-2));
}

Array vdot(const Array& a, const Array& b) {
  if (a.size() != b.size()) fail("vdot", "a has ", a.size(), " elements, b has ", b.size(), "; they must be equal");
  return matmul(ravel(a), ravel(b));
}

Array inner(const Array& a, const Array& b) {
  if (a.rank() == 0 || b.rank() == 0) return a * b;
  if (a.shape(-1) != b.shape(-1)) {
    fail("inner", "a is ", a.shape(), " and b is ", b.shape(), ": their last sizes (", a.shape(-1), " and ", b.shape(-1),
         ") must be equal");
  }
  return tensordot(a, b, Axes(-1), Axes(-1));
}

Array outer(const Array& a, const Array& b) { return expand_dims(ravel(a), 1) * expand_dims(ravel(b), 0); }

Array tensordot(const Array& a, const Array& b, int64_t count) {
  if (count < 0 || count > a.rank() || count > b.rank()) {
    fail("tensordot", "count is ", count, ", a has rank ", a.rank(), " and b rank ", b.rank(), "; it must be from 0 to the smaller rank");
  }
  Dims a_axes, b_axes;
  for (int64_t i = 0; i < count; ++i) {
    a_axes.push_back(a.rank() - count + i);
    b_axes.push_back(i);
  }
  return tensordot(a, b, a_axes, b_axes);
}

Array tensordot(const Array& a, const Array& b, const Axes& a_axes, const Axes& b_axes) {
  const Dims from_a = ordered_axes(a_axes, a.rank()), from_b = ordered_axes(b_axes, b.rank());
  if (from_a.size() != from_b.size()) {
    fail("tensordot", "a_axes names ", from_a.size(), " axes, b_axes ", from_b.size(), "; they are paired, so must be as many");
  }
  for (size_t i = 0; i < from_a.size(); ++i) {
    if (a.shape()[from_a[i]] == b.shape()[from_b[i]]) continue;
    fail("tensordot", "a is ", a.shape(), " and b is ", b.shape(), ": axis ", from_a[i], " of a (", a.shape()[from_a[i]], ") and axis ",
         from_b[i], " of b (", b.shape()[from_b[i]], ") must be equal");
  }
  const Dims rest_a = other_axes(a.rank(), from_a), rest_b = other_axes(b.rank(), from_b);
  Dims sizes;
  for (const int64_t axis : rest_a) sizes.push_back(a.shape()[axis]);
  for (const int64_t axis : rest_b) sizes.push_back(b.shape()[axis]);
  const int64_t depth = product_of(a.shape(), from_a), rows = product_of(a.shape(), rest_a), columns = product_of(b.shape(), rest_b);
  const Array left = reshape(transpose(a, joined(rest_a, from_a)), {rows, depth});
  const Array right = reshape(transpose(b, joined(from_b, rest_b)), {depth, columns});
  return reshape(matmul(left, right), Shape(sizes));
}

Array linear(const Array& x, const Array& w, const Array& b) { return matmul(x, w) + b; }

Array kron(const Array& a, const Array& b) {
  const int64_t rank = std::max(a.rank(), b.rank());
  Dims a_sizes, b_sizes, sizes;
  for (int64_t axis = 0; axis < rank; ++axis) {
    const int64_t a_size = axis < rank - a.rank() ? 1 : a.shape()[axis - (rank - a.rank())];
    const int64_t b_size = axis < rank - b.rank() ? 1 : b.shape()[axis - (rank - b.rank())];
    for (const int64_t size : {a_size, int64_t{1}}) a_sizes.push_back(size);
    for (const int64_t size : {int64_t{1}, b_size}) b_sizes.push_back(size);
    sizes.push_back(a_size * b_size);
  }
  return reshape(reshape(a, Shape(a_sizes)) * reshape(b, Shape(b_sizes)), Shape(sizes));
}

Array cross(const Array& a, const Array& b, int64_t axis) {
  const int64_t a_axis = normalize_axis("cross", axis, a.rank()), b_axis = normalize_axis("cross", axis, b.rank());
  const int64_t size = a.shape()[a_axis];
  if (size != b.shape()[b_axis] || (size != 2 && size != 3)) {
    fail("cross", "a is ", a.shape(), " and b is ", b.shape(), "; both must have 3 (or both 2) elements along axis ", axis);
  }
  const auto part = [&](const Array& x, int64_t along, int64_t at) {
    Dims starts(static_cast<size_t>(x.rank())), sizes = x.shape().dims(), steps(static_cast<size_t>(x.rank()), 1);
    starts[static_cast<size_t>(along)] = at;
    sizes[static_cast<size_t>(along)] = 1;
    return squeeze(strided_slice(x, starts, sizes, steps), along);
  };
  const auto component = [&](int64_t i, int64_t j) {
    return part(a, a_axis, i) * part(b, b_axis, j) - part(a, a_axis, j) * part(b, b_axis, i);
  };
  if (size == 2) return component(0, 1);
  return stack({component(1, 2), component(2, 0), component(0, 1)}, axis);
}

namespace linalg {

namespace {

// sum |x|^p ^ (1/p) for any other p. |x| is taken relative to its largest (p < 0: smallest) element, a constant for the derivative, so that
// powers stay in range; of 1 where x is 0, so that derivatives there are 0.
Array general_norm(const Array& x, double p, const Dims& axes, KeepDims keep) {
  const Array is_zero = x == 0, size = where(is_zero, 1, abs(x));
  const Array extreme =
      p > 0 ? max(abs(x), axes, keepdims) : min(where(is_zero, std::numeric_limits<double>::infinity(), abs(x)), axes, keepdims);
  const Array unit = apply(stop_gradient_op, {where((extreme > 0) & isfinite(extreme), extreme, 1)});
  const Array power = where(is_zero, p > 0 ? 0.0 : std::numeric_limits<double>::infinity(), pow(size / unit, p));
  const Array total = sum(power, axes, keepdims), is_empty = total == 0;
  const Array norm = unit * where(is_empty, 0, pow(where(is_empty, 1, total), 1 / p));
  return keep == KeepDims::yes ? norm : squeeze(norm, axes);
}

Array p_norm(std::string_view op, const Array& given, double p, const Axes& named, KeepDims keep) {
  if (std::isnan(p)) fail(op, "p is nan; it must be a number");
  const DType dtype = given.dtype().is_float() ? given.dtype() : float32;
  const Array x = given.astype(rows::wide_dtype(dtype));
  const Dims axes = normalize_axes(op, named.dims(), x.rank());
  const auto norm = [&] {
    if (p == 2) return euclidean_norm(x, axes, keep == KeepDims::yes);
    if (p == 1) return sum(abs(x), axes, keep);
    if (p == 0) return sum((x != 0).astype(x.dtype()), axes, keep);
    if (std::isinf(p)) return p > 0 ? max(abs(x), axes, keep) : min(abs(x), axes, keep);
    return x.size() ? general_norm(x, p, axes, keep) : sum(x, axes, keep);
  };
  return norm().astype(dtype);
}

// Cost and split of the cheapest way to multiply matrices first..last (Cormen et al., "Introduction to Algorithms", 15.2).
Array multiply_chain(const std::vector<Array>& matrices, const std::vector<std::vector<size_t>>& split, size_t first, size_t last) {
  if (first == last) return matrices[first];
  const size_t middle = split[first][last];
  return matmul(multiply_chain(matrices, split, first, middle), multiply_chain(matrices, split, middle + 1, last));
}

}  // namespace

Array norm(const Array& x) { return p_norm("norm", x, 2, all_axes(x.rank()), KeepDims::no); }
Array norm(const Array& x, const Axes& axes) { return p_norm("norm", x, 2, axes, KeepDims::no); }
Array norm(const Array& x, const Axes& axes, KeepDims keep) { return p_norm("norm", x, 2, axes, keep); }
Array vector_norm(const Array& x, double p, const Axes& axes) { return p_norm("vector_norm", x, p, axes, KeepDims::no); }
Array vector_norm(const Array& x, double p, const Axes& axes, KeepDims keep) { return p_norm("vector_norm", x, p, axes, keep); }

Array multi_dot(const std::vector<Array>& matrices) {
  const size_t count = matrices.size();
  if (count == 0) fail("multi_dot", "the list is empty; it must have a matrix");
  std::vector<double> sizes;  // matrix i is sizes[i] x sizes[i + 1]
  for (size_t i = 0; i < count; ++i) {
    const Array& x = matrices[i];
    const bool may_be_vector = i == 0 || i + 1 == count;
    if (x.rank() != 2 && !(x.rank() == 1 && may_be_vector)) {
      fail("multi_dot", "matrix ", i, " is ", x.shape(), "; it must have rank 2 (the first and last may have rank 1)");
    }
    if (i == 0) sizes.push_back(x.rank() == 1 ? 1.0 : static_cast<double>(x.shape(0)));
    sizes.push_back(x.rank() == 1 && i > 0 ? 1.0 : static_cast<double>(x.shape(-1)));
  }
  std::vector<std::vector<double>> cost(count, std::vector<double>(count, 0));
  std::vector<std::vector<size_t>> split(count, std::vector<size_t>(count, 0));
  for (size_t length = 2; length <= count; ++length) {
    for (size_t first = 0; first + length <= count; ++first) {
      const size_t last = first + length - 1;
      cost[first][last] = std::numeric_limits<double>::infinity();
      for (size_t middle = first; middle < last; ++middle) {
        const double needed = cost[first][middle] + cost[middle + 1][last] + sizes[first] * sizes[middle + 1] * sizes[last + 1];
        if (needed >= cost[first][last]) continue;
        cost[first][last] = needed;
        split[first][last] = middle;
      }
    }
  }
  return multiply_chain(matrices, split, 0, count - 1);
}

Array matrix_power(const Array& x, int64_t n) {
  if (x.rank() < 2 || x.shape(-1) != x.shape(-2)) fail("matrix_power", "x is ", x.shape(), "; it must be square matrices (..., m, m)");
  if (n < 0) fail("matrix_power", "n is ", n, "; it must be 0 or more");
  if (n == 0) return broadcast_to(eye(x.shape(-1), x.dtype()), x.shape());
  Array power = x, product;
  for (; n > 0; n >>= 1) {
    if (n & 1) product = product.exists() ? matmul(product, power) : power;
    if (n > 1) power = matmul(power, power);
  }
  return product;
}

}  // namespace linalg

std::span<const OpDef* const> rule::linalg_ops() {
  static constexpr const OpDef* ops[] = {&matmul_op, &mixed_matmul_op};
  return ops;
}

}  // namespace gradus
