// Running totals along one axis.
#include "gradus/ops/cumulative.hpp"

#include "gradus/cpu/scan.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

namespace {

using cpu::ScanKind;

struct ScanArgs {
  int64_t axis = 0;
  bool reverse = false;  // totals of what follows, not of what comes before
  GRADUS_FIELDS(axis, reverse)
};

constexpr Input any_input[] = {{"x", any_dtype}};
constexpr Input float_input[] = {{"x", floats}};

Aval infer_total(const Call& call) { return {call[0].dtype().is_float() ? call[0].dtype() : int64, call[0].shape(), false}; }
Aval infer_position(const Call& call) { return {int64, call[0].shape(), false}; }

template <ScanKind kind>
cpu::KernelPtr prepare(const KernelCall& call) {
  const ScanArgs& args = call.as<ScanArgs>();
  return cpu::prepare_scan(call.inputs[0], kind, args.axis, args.reverse);
}
std::vector<Array> batch_scan(const Call& call, std::span<const bool>, int64_t) {
  const ScanArgs& args = call.as<ScanArgs>();
  return {apply(call.op, call.inputs, ScanArgs{args.axis + 1, args.reverse})};
}

// y_i = sum over j <= i of x_j  =>  dx_j = sum over i >= j of dy_i
Array transpose_cumsum(const RecordedCall& call, int, const Array& dy) {
  const ScanArgs& args = call.as<ScanArgs>();
  return apply(call.op, {dy}, ScanArgs{args.axis, !args.reverse});
}

// In log n steps (Hillis and Steele 1986): after step k, y_i covers the 2^k elements up to i. No division, so zeros do no harm. In double, as the
// kernels: parts of a product may be out of range where the whole is not.
std::vector<Array> compose_scan(const Call& call, Array (*join)(const Array&, const Array&)) {
  const int64_t axis = call.as<ScanArgs>().axis, n = call[0].shape(axis);
  const DType dtype = infer_total(call).dtype;
  Array y = call[0].astype(dtype.is_float() ? float64 : dtype);
  const auto part = [&](int64_t first, int64_t count) {
    const size_t rank = static_cast<size_t>(y.rank()), at = static_cast<size_t>(axis);
    Dims starts(rank, 0), sizes = y.shape().dims(), steps(rank, 1);
    starts[at] = first;
    sizes[at] = count;
    return strided_slice(y, starts, sizes, steps);
  };
  for (int64_t shift = 1; shift < n; shift *= 2) {
    y = concatenate({part(0, shift), join(part(shift, n - shift), part(0, n - shift))}, axis);
  }
  return {y.astype(dtype)};
}
std::vector<Array> compose_cumprod(const Call& call) { return compose_scan(call, multiply); }
std::vector<Array> compose_logcumsumexp(const Call& call) { return compose_scan(call, logaddexp); }

constinit const OpDef cumsum_op{.name = "cumsum",
                                .inputs = any_input,
                                .infer = infer_total,
                                .derivative = linear(transpose_cumsum),
                                .batch = batch_scan,
                                .cpu = {.prepare = prepare<ScanKind::sum>}};
constinit const OpDef cumprod_op{.name = "cumprod",
                                 .inputs = any_input,
                                 .infer = infer_total,
                                 .derivative = composed(compose_cumprod),
                                 .batch = batch_scan,
                                 .cpu = {.prepare = prepare<ScanKind::prod>}};
constinit const OpDef logcumsumexp_op{.name = "logcumsumexp",
                                      .inputs = float_input,
                                      .promotion = Promotion::floating,
                                      .infer = infer_total,
                                      .derivative = composed(compose_logcumsumexp),
                                      .batch = batch_scan,
                                      .cpu = {.prepare = prepare<ScanKind::logsumexp>}};
constinit const OpDef cummax_position_op{.name = "cummax_position",
                                         .inputs = any_input,
                                         .infer = infer_position,
                                         .derivative = not_differentiable("its result is a position"),
                                         .batch = batch_scan,
                                         .cpu = {.prepare = prepare<ScanKind::argmax>}};
constinit const OpDef cummin_position_op{.name = "cummin_position",
                                         .inputs = any_input,
                                         .infer = infer_position,
                                         .derivative = not_differentiable("its result is a position"),
                                         .batch = batch_scan,
                                         .cpu = {.prepare = prepare<ScanKind::argmin>}};

Array scan(const OpDef& op, std::string_view name, const Array& x, int64_t axis) {
  return apply(op, {x}, ScanArgs{normalize_axis(name, axis, x.rank()), false});
}
std::pair<Array, Array> extreme(const OpDef& op, std::string_view name, const Array& x, int64_t axis) {
  const Array at = scan(op, name, x, axis);
  return {take_along_axis(x, at, axis), at};
}

}  // namespace

Array cumsum(const Array& x) { return cumsum(ravel(x), 0); }
Array cumsum(const Array& x, int64_t axis) { return scan(cumsum_op, "cumsum", x, axis); }
Array cumprod(const Array& x) { return cumprod(ravel(x), 0); }
Array cumprod(const Array& x, int64_t axis) { return scan(cumprod_op, "cumprod", x, axis); }
Array logcumsumexp(const Array& x) { return logcumsumexp(ravel(x), 0); }
Array logcumsumexp(const Array& x, int64_t axis) { return scan(logcumsumexp_op, "logcumsumexp", x, axis); }
std::pair<Array, Array> cummax(const Array& x, int64_t axis) { return extreme(cummax_position_op, "cummax", x, axis); }
std::pair<Array, Array> cummin(const Array& x, int64_t axis) { return extreme(cummin_position_op, "cummin", x, axis); }

std::span<const OpDef* const> cumulative_ops() {
  static constexpr const OpDef* ops[] = {&cumsum_op, &cumprod_op, &logcumsumexp_op, &cummax_position_op, &cummin_position_op};
  return ops;
}

}  // namespace gradus
