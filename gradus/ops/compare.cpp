// Comparisons, logic, bits, tests, where: rows of op definitions and the functions that record them.
#include "gradus/ops/compare.hpp"

#include <limits>

#include "gradus/backend/functions/bits.hpp"
#include "gradus/backend/functions/compare.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"

namespace gradus {

using namespace core;

namespace {

using namespace rows;

constinit const OpDef equal_op = test("equal", x_y_any, backend::equal_function);
constinit const OpDef not_equal_op = test("not_equal", x_y_any, backend::not_equal_function);
constinit const OpDef less_op = test("less", x_y_any, backend::less_function);
constinit const OpDef less_equal_op = test("less_equal", x_y_any, backend::less_equal_function);
constinit const OpDef greater_op = test("greater", x_y_any, backend::greater_function);
constinit const OpDef greater_equal_op = test("greater_equal", x_y_any, backend::greater_equal_function);
constinit const OpDef logical_and_op = test("logical_and", x_y_any, backend::logical_and_function);
constinit const OpDef logical_or_op = test("logical_or", x_y_any, backend::logical_or_function);
constinit const OpDef logical_xor_op = test("logical_xor", x_y_any, backend::logical_xor_function);
constinit const OpDef logical_not_op = test("logical_not", x_any, backend::logical_not_function);
constinit const OpDef isnan_op = test("isnan", x_any, backend::isnan_function);
constinit const OpDef isinf_op = test("isinf", x_any, backend::isinf_function);
constinit const OpDef isfinite_op = test("isfinite", x_any, backend::isfinite_function);
constinit const OpDef signbit_op = test("signbit", x_any, backend::signbit_function);
constinit const OpDef bitwise_and_op = of_integers("bitwise_and", x_y_integer, backend::bitwise_and_function);
constinit const OpDef bitwise_or_op = of_integers("bitwise_or", x_y_integer, backend::bitwise_or_function);
constinit const OpDef bitwise_xor_op = of_integers("bitwise_xor", x_y_integer, backend::bitwise_xor_function);
constinit const OpDef bitwise_not_op = of_integers("bitwise_not", x_integer, backend::bitwise_not_function);
constinit const OpDef left_shift_op = of_integers("left_shift", x_y_shift, backend::left_shift_function);
constinit const OpDef right_shift_op = of_integers("right_shift", x_y_shift, backend::right_shift_function);

// z = c ? x : y  =>  dx = c ? dz : 0, dy = c ? 0 : dz
Array transpose_where(const RecordedCall& call, int input, const Array& dz) {
  const Array selected = input == 1 ? where(call[0], dz, 0) : where(call[0], 0, dz);
  return unbroadcast(selected, call[static_cast<size_t>(input)].shape());
}
constexpr Input where_inputs[] = {{"condition", bools}, {"x", any_dtype}, {"y", any_dtype}};
constinit const OpDef where_op = same_type("where", where_inputs, backend::where_function, linear(transpose_where, 0b110));

double largest_of(DType dtype) {
  if (dtype == float16) return 65504;
  if (dtype == bfloat16) return 0x1.fep127;
  return dtype == float64 ? std::numeric_limits<double>::max() : static_cast<double>(std::numeric_limits<float>::max());
}

}  // namespace

Array equal(const Array& x, const Array& y) { return apply(equal_op, {x, y}); }
Array not_equal(const Array& x, const Array& y) { return apply(not_equal_op, {x, y}); }
Array less(const Array& x, const Array& y) { return apply(less_op, {x, y}); }
Array less_equal(const Array& x, const Array& y) { return apply(less_equal_op, {x, y}); }
Array greater(const Array& x, const Array& y) { return apply(greater_op, {x, y}); }
Array greater_equal(const Array& x, const Array& y) { return apply(greater_equal_op, {x, y}); }
Array operator==(const Array& x, const Array& y) { return equal(x, y); }
Array operator!=(const Array& x, const Array& y) { return not_equal(x, y); }
Array operator<(const Array& x, const Array& y) { return less(x, y); }
Array operator<=(const Array& x, const Array& y) { return less_equal(x, y); }
Array operator>(const Array& x, const Array& y) { return greater(x, y); }
Array operator>=(const Array& x, const Array& y) { return greater_equal(x, y); }

Array logical_and(const Array& x, const Array& y) { return apply(logical_and_op, {x, y}); }
Array logical_or(const Array& x, const Array& y) { return apply(logical_or_op, {x, y}); }
Array logical_xor(const Array& x, const Array& y) { return apply(logical_xor_op, {x, y}); }
Array logical_not(const Array& x) { return apply(logical_not_op, {x}); }
Array bitwise_and(const Array& x, const Array& y) { return apply(bitwise_and_op, {x, y}); }
Array bitwise_or(const Array& x, const Array& y) { return apply(bitwise_or_op, {x, y}); }
Array bitwise_xor(const Array& x, const Array& y) { return apply(bitwise_xor_op, {x, y}); }
Array bitwise_not(const Array& x) { return apply(bitwise_not_op, {x}); }
Array left_shift(const Array& x, const Array& y) { return apply(left_shift_op, {x, y}); }
Array right_shift(const Array& x, const Array& y) { return apply(right_shift_op, {x, y}); }
Array operator&(const Array& x, const Array& y) { return bitwise_and(x, y); }
Array operator|(const Array& x, const Array& y) { return bitwise_or(x, y); }
Array operator!(const Array& x) { return logical_not(x); }

Array isnan(const Array& x) { return apply(isnan_op, {x}); }
Array isinf(const Array& x) { return apply(isinf_op, {x}); }
Array isfinite(const Array& x) { return apply(isfinite_op, {x}); }
Array signbit(const Array& x) { return apply(signbit_op, {x}); }

Array where(const Array& condition, const Array& x, const Array& y) { return apply(where_op, {condition, x, y}); }
Array nan_to_num(const Array& x) { return nan_to_num(x, 0); }
Array nan_to_num(const Array& x, double nan) { return nan_to_num(x, nan, largest_of(x.dtype()), -largest_of(x.dtype())); }
Array nan_to_num(const Array& x, double nan, double positive_infinity, double negative_infinity) {
  if (!x.dtype().is_float()) return x;
  const Array finite = where(isinf(x), where(x > 0, positive_infinity, number_like(x, negative_infinity)), x);
  return where(isnan(x), nan, finite);
}

std::span<const OpDef* const> rule::compare_ops() {
  static constexpr const OpDef* all[] = {
      &equal_op,       &not_equal_op,   &less_op,        &less_equal_op,  &greater_op,    &greater_equal_op, &logical_and_op,
      &logical_or_op,  &logical_xor_op, &logical_not_op, &isnan_op,       &isinf_op,      &isfinite_op,      &signbit_op,
      &bitwise_and_op, &bitwise_or_op,  &bitwise_xor_op, &bitwise_not_op, &left_shift_op, &right_shift_op,   &where_op};
  return all;
}

}  // namespace gradus
