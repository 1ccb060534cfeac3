// LSTM: all steps of some rows of the batch, forward and backward.
#include <algorithm>

#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/recurrent/panels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/recurrent/lstm.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/recurrent/steps-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

template <class S, bool kIsRelu>
void lstm_rows(const Recurrence& of, const Panels* panels, void* const* pointers, int64_t first, int64_t last, void* scratch) {
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  const int64_t units = of.units, rows = last - first, row = state_row(units, lanes);
  Operands operands(pointers);
  const S *x = operands.take<const S>(), *kernel = operands.take<const S>(), *weights = operands.take<const S>();
  const S *first_h = operands.take<const S>(), *first_c = operands.take<const S>();
  const S* bias = operands.take<const S>(of.has_bias);
  const Walk walk{of, operands.take<const int64_t>(of.has_lengths)};
  S *ys = operands.take<S>(), *last_h = operands.take<S>(), *last_c = operands.take<S>();
  S *gates = operands.take<S>(), *cells = operands.take<S>();
  S *h = static_cast<S*>(scratch), *next = h + rows * row, *c = next + rows * row;
  load_state(first_h + first * units, rows, units, h, row);
  load_state<S>(nullptr, rows, units, next, row);
  load_state(first_c + first * units, rows, units, c, row);
  for (int64_t step = 0; step < of.steps; ++step) {
    const int64_t t = walk.forward(step);
    const auto fetch = [&](int64_t r, int64_t unit) HWY_ATTR GRADUS_FETCHES {
      const int64_t at = (first + r) * of.steps + t;
      fetch_rows(gates ? gates + 4 * at * units + unit : nullptr, units, 4);
      fetch_rows(ys ? ys + at * units + unit : nullptr, units, 1);
      fetch_rows(cells ? cells + at * units + unit : nullptr, units, 1);
    };
    const auto finish = [&](int64_t r, int64_t unit, const S* of_x, const S* of_h) HWY_ATTR {
      const int64_t count = std::min(lanes, units - unit), at = (first + r) * of.steps + t, one = at * units + unit;
      if (walk.has_ended(first + r, t)) {
        hn::StoreU(hn::LoadU(d, h + r * row + unit), d, next + r * row + unit);
        if (ys) store_units<S>(hn::Zero(d), ys + one, count);
        if (cells) store_units<S>(hn::Zero(d), cells + one, count);
        for (int gate = 0; gates && gate < 4; ++gate) store_units<S>(hn::Zero(d), gates + (4 * at + gate) * units + unit, count);
        return;
      }
      const auto sum = [&](int gate) HWY_ATTR {
        const auto both = hn::Add(hn::LoadU(d, of_x + gate * lanes), hn::LoadU(d, of_h + gate * lanes));
        return bias ? hn::Add(both, load_units(bias + gate * units + unit, count)) : both;
      };
      const auto i = sigmoid(d, sum(0)), f = sigmoid(d, sum(1)), g = activate<kIsRelu>(d, sum(2)), o = sigmoid(d, sum(3));
      const auto cell = hn::MulAdd(f, hn::LoadU(d, c + r * row + unit), hn::Mul(i, g));
      const auto y = hn::Mul(o, activate<kIsRelu>(d, cell));
      hn::StoreU(cell, d, c + r * row + unit);
      hn::StoreU(y, d, next + r * row + unit);
      if (ys) store_units<S>(y, ys + one, count);
      if (cells) store_units<S>(cell, cells + one, count);
      if (!gates) return;
      S* to = gates + 4 * at * units + unit;
      store_units<S>(i, to, count);
      store_units<S>(f, to + units, count);
      store_units<S>(g, to + 2 * units, count);
      store_units<S>(o, to + 3 * units, count);
    };
    const Factor<S> input{x + (first * of.steps + t) * of.features, of.steps * of.features, panels[0], kernel};
    multiply_rows<4, S>(rows, fetch, finish, input, Factor<S>{h, row, panels[1], weights});
    std::swap(h, next);
  }
  store_state(h, row, rows, units, last_h ? last_h + first * units : nullptr);
  store_state(c, row, rows, units, last_c ? last_c + first * units : nullptr);
}

// dh of a step is dy plus what the next step gives:
// do = dh act(c) o (1 - o);  dc += dh o act'(c);  di = dc g i (1 - i);  df = dc c_before f (1 - f);  dg = dc i act'(g)
// and for the step before: dc = dc f, dh = (di, df, dg, do) U^T.
template <class S, bool kIsRelu>
void lstm_backward_rows(const Recurrence& of, const Panels* panels, void* const* pointers, int64_t first, int64_t last, void* scratch) {
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  const int64_t units = of.units, rows = last - first, row = state_row(units, lanes), gate_row = state_row(4 * units, lanes);
  Operands operands(pointers);
  const S* weights = operands.take<const S>();
  const S *gates = operands.take<const S>(), *cells = operands.take<const S>(), *first_c = operands.take<const S>();
  const Walk walk{of, operands.take<const int64_t>(of.has_lengths)};
  const S *dys = operands.take<const S>(of.has_dys), *last_dh = operands.take<const S>(of.has_dh), *last_dc = operands.take<const S>(of.has_dc);
  S *dgates = operands.take<S>(), *first_dh = operands.take<S>(), *first_dc = operands.take<S>();
  S *dh = static_cast<S*>(scratch), *dc = dh + rows * row, *changes = dc + rows * row;
  load_state(last_dh ? last_dh + first * units : nullptr, rows, units, dh, row);
  load_state(last_dc ? last_dc + first * units : nullptr, rows, units, dc, row);
  for (int64_t step = 0; step < of.steps; ++step) {
    const int64_t t = walk.backward(step);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = (first + r) * of.steps + t, before = walk.before(first + r, t);
      S* change = changes + r * gate_row;
      if (walk.has_ended(first + r, t)) {
        std::fill_n(change, 4 * units, S{0});
        fill_zero(dgates ? dgates + 4 * at * units : nullptr, 4 * units);
        continue;
      }
      const S* c_before = before < 0 ? first_c + (first + r) * units : cells + ((first + r) * of.steps + before) * units;
      for (int64_t unit = 0; unit < units; unit += lanes) {
        const int64_t count = std::min(lanes, units - unit);
        const S* from = gates + 4 * at * units + unit;
        const auto i = load_units(from, count), f = load_units(from + units, count), g = load_units(from + 2 * units, count),
                   o = load_units(from + 3 * units, count);
        auto dy = hn::LoadU(d, dh + r * row + unit);
        if (dys) dy = hn::Add(dy, load_units(dys + at * units + unit, count));
        const auto y = activate<kIsRelu>(d, load_units(cells + at * units + unit, count));
        const auto cell = hn::Add(hn::LoadU(d, dc + r * row + unit), pull_activation<kIsRelu>(d, y, hn::Mul(dy, o)));
        const hn::Vec<decltype(d)> each[] = {pull_sigmoid(d, i, hn::Mul(cell, g)),
                                             pull_sigmoid(d, f, hn::Mul(cell, load_units(c_before + unit, count))),
                                             pull_activation<kIsRelu>(d, g, hn::Mul(cell, i)), pull_sigmoid(d, o, hn::Mul(dy, y))};
        hn::StoreU(hn::Mul(cell, f), d, dc + r * row + unit);
        for (int gate = 0; gate < 4; ++gate) {
          store_units<S>(each[gate], change + gate * units + unit, count);
          if (dgates) store_units<S>(each[gate], dgates + (4 * at + gate) * units + unit, count);
        }
      }
    }
    if (step + 1 == of.steps && !first_dh) break;
    const auto finish = [&](int64_t r, int64_t unit, const S* sums) HWY_ATTR {
      if (!walk.has_ended(first + r, t)) hn::StoreU(hn::LoadU(d, sums), d, dh + r * row + unit);
    };
    multiply_units<S>(rows, finish, Factor<S>{changes, gate_row, panels[0], weights});
  }
  store_state(dh, row, rows, units, first_dh ? first_dh + first * units : nullptr);
  store_state(dc, row, rows, units, first_dc ? first_dc + first * units : nullptr);
}

template <class S>
auto find_rows(bool is_relu, bool is_backward) {
  if (is_backward) return is_relu ? lstm_backward_rows<S, true> : lstm_backward_rows<S, false>;
  return is_relu ? lstm_rows<S, true> : lstm_rows<S, false>;
}

}  // namespace

using Rows = decltype(RowsKernel::run);
Rows find_lstm(DType dtype, bool is_relu, bool is_backward) {
  return dtype == float64 ? find_rows<double>(is_relu, is_backward) : find_rows<float>(is_relu, is_backward);
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_lstm);

KernelPtr prepare_lstm(const Recurrence& of) {
  const int64_t lanes = vector_lanes(of.dtype), units = of.units;
  const Panels recurrent{.depth = units, .units = units, .gates = 4, .lanes = lanes, .row = 4 * units};
  Panels input = recurrent;
  input.depth = of.features;
  return prepare_rows({.of = of,
                       .weights = {{1, {input}}, {2, {recurrent}}},
                       .lengths = 5 + of.has_bias,
                       .checks_lengths = of.has_lengths,
                       .operands = size_t{10} + of.has_bias + of.has_lengths,
                       .row_bytes = 3 * state_row(units, lanes) * of.dtype.size(),
                       .run = HWY_DYNAMIC_DISPATCH(find_lstm)(of.dtype, of.is_relu, false)});
}

KernelPtr prepare_lstm_backward(const Recurrence& of) {
  const int64_t lanes = vector_lanes(of.dtype), units = of.units;
  const Panels panels{.depth = 4 * units,
                      .units = units,
                      .vectors = vectors_of(units, lanes),
                      .lanes = lanes,
                      .row = 4 * units,
                      .is_transposed = true};
  return prepare_rows({.of = of,
                       .weights = {{0, {panels}}},
                       .operands = size_t{7} + of.has_lengths + of.has_dys + of.has_dh + of.has_dc,
                       .row_bytes = (2 * state_row(units, lanes) + state_row(4 * units, lanes)) * of.dtype.size(),
                       .run = HWY_DYNAMIC_DISPATCH(find_lstm)(of.dtype, of.is_relu, true)});
}

}  // namespace gradus::cpu
#endif
