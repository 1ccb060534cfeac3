// The simple recurrent layer: all steps of some rows of the batch, forward and backward.
#include <algorithm>

#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/recurrent/panels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/recurrent/simple_rnn.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/recurrent/steps-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

template <class S, bool kIsRelu>
void simple_rnn_rows(const Recurrence& of, const Panels* panels, void* const* pointers, int64_t first, int64_t last, void* scratch) {
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  const int64_t units = of.units, rows = last - first, row = state_row(units, lanes);
  Operands operands(pointers);
  const S *x = operands.take<const S>(), *kernel = operands.take<const S>(), *weights = operands.take<const S>();
  const S *first_h = operands.take<const S>(), *bias = operands.take<const S>(of.has_bias);
  const Walk walk{of, operands.take<const int64_t>(of.has_lengths)};
  S *ys = operands.take<S>(), *last_h = operands.take<S>();
  S *h = static_cast<S*>(scratch), *next = h + rows * row;
  load_state(first_h + first * units, rows, units, h, row);
  load_state<S>(nullptr, rows, units, next, row);
  for (int64_t step = 0; step < of.steps; ++step) {
    const int64_t t = walk.forward(step);
    const auto finish = [&](int64_t r, int64_t unit, const S* of_x, const S* of_h) HWY_ATTR {
      const int64_t count = std::min(lanes, units - unit), at = ((first + r) * of.steps + t) * units + unit;
      if (walk.has_ended(first + r, t)) {
        hn::StoreU(hn::LoadU(d, h + r * row + unit), d, next + r * row + unit);
        if (ys) store_units<S>(hn::Zero(d), ys + at, count);
        return;
      }
      auto sum = hn::Add(hn::LoadU(d, of_x), hn::LoadU(d, of_h));
      if (bias) sum = hn::Add(sum, load_units(bias + unit, count));
      const auto y = activate<kIsRelu>(d, sum);
      hn::StoreU(y, d, next + r * row + unit);
      if (ys) store_units<S>(y, ys + at, count);
    };
    const Factor<S> input{x + (first * of.steps + t) * of.features, of.steps * of.features, panels[0], kernel};
    multiply_units<S>(rows, finish, input, Factor<S>{h, row, panels[1], weights});
    std::swap(h, next);
  }
  store_state(h, row, rows, units, last_h ? last_h + first * units : nullptr);
}

// dgates = f'(y) (dy + dh);  for the step before: dh = dgates U^T.
template <class S, bool kIsRelu>
void simple_rnn_backward_rows(const Recurrence& of, const Panels* panels, void* const* pointers, int64_t first, int64_t last,
                              void* scratch) {
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  const int64_t units = of.units, rows = last - first, row = state_row(units, lanes);
  Operands operands(pointers);
  const S *weights = operands.take<const S>(), *ys = operands.take<const S>();
  const Walk walk{of, operands.take<const int64_t>(of.has_lengths)};
  const S *dys = operands.take<const S>(of.has_dys), *last_dh = operands.take<const S>(of.has_dh);
  S *dgates = operands.take<S>(), *first_dh = operands.take<S>();
  S *dh = static_cast<S*>(scratch), *changes = dh + rows * row;
  load_state(last_dh ? last_dh + first * units : nullptr, rows, units, dh, row);
  for (int64_t step = 0; step < of.steps; ++step) {
    const int64_t t = walk.backward(step);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = ((first + r) * of.steps + t) * units;
      if (walk.has_ended(first + r, t)) {
        std::fill_n(changes + r * row, units, S{0});
        fill_zero(dgates ? dgates + at : nullptr, units);
        continue;
      }
      for (int64_t unit = 0; unit < units; unit += lanes) {
        const int64_t count = std::min(lanes, units - unit);
        auto dy = hn::LoadU(d, dh + r * row + unit);
        if (dys) dy = hn::Add(dy, load_units(dys + at + unit, count));
        const auto change = pull_activation<kIsRelu>(d, load_units(ys + at + unit, count), dy);
        hn::StoreU(change, d, changes + r * row + unit);
        if (dgates) store_units<S>(change, dgates + at + unit, count);
      }
    }
    if (step + 1 == of.steps && !first_dh) break;
    const auto finish = [&](int64_t r, int64_t unit, const S* sums) HWY_ATTR {
      if (!walk.has_ended(first + r, t)) hn::StoreU(hn::LoadU(d, sums), d, dh + r * row + unit);
    };
    multiply_units<S>(rows, finish, Factor<S>{changes, row, panels[0], weights});
  }
  store_state(dh, row, rows, units, first_dh ? first_dh + first * units : nullptr);
}

template <class S>
auto find_rows(bool is_relu, bool is_backward) {
  if (is_backward) return is_relu ? simple_rnn_backward_rows<S, true> : simple_rnn_backward_rows<S, false>;
  return is_relu ? simple_rnn_rows<S, true> : simple_rnn_rows<S, false>;
}

}  // namespace

using Rows = decltype(RowsKernel::run);
Rows find_simple_rnn(DType dtype, bool is_relu, bool is_backward) {
  return dtype == float64 ? find_rows<double>(is_relu, is_backward) : find_rows<float>(is_relu, is_backward);
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_simple_rnn);

KernelPtr prepare_simple_rnn(const Recurrence& of) {
  const int64_t lanes = vector_lanes(of.dtype), units = of.units;
  const Panels recurrent{.depth = units, .units = units, .vectors = vectors_of(units, lanes), .lanes = lanes, .row = units};
  Panels input = recurrent;
  input.depth = of.features;
  return prepare_rows({.of = of,
                       .weights = {{1, {input}}, {2, {recurrent}}},
                       .lengths = 4 + of.has_bias,
                       .checks_lengths = of.has_lengths,
                       .operands = size_t{6} + of.has_bias + of.has_lengths,
                       .row_bytes = 2 * state_row(units, lanes) * of.dtype.size(),
                       .run = HWY_DYNAMIC_DISPATCH(find_simple_rnn)(of.dtype, of.is_relu, false)});
}

KernelPtr prepare_simple_rnn_backward(const Recurrence& of) {
  const int64_t lanes = vector_lanes(of.dtype), units = of.units;
  const Panels panels{
      .depth = units, .units = units, .vectors = vectors_of(units, lanes), .lanes = lanes, .row = units, .is_transposed = true};
  return prepare_rows({.of = of,
                       .weights = {{0, {panels}}},
                       .operands = size_t{4} + of.has_lengths + of.has_dys + of.has_dh,
                       .row_bytes = 2 * state_row(units, lanes) * of.dtype.size(),
                       .run = HWY_DYNAMIC_DISPATCH(find_simple_rnn)(of.dtype, of.is_relu, true)});
}

}  // namespace gradus::cpu
#endif
