// GRU in both conventions: all steps of some rows of the batch, forward and backward.
#include <algorithm>

#include "gradus/cpu/highway_targets.hpp"
#include "gradus/cpu/recurrent/panels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/recurrent/gru.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/recurrent/steps-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// Operands of the forward kernel, and what its loops share.
template <class S>
struct GruForward {
  static constexpr int64_t lanes = kLanes<S>;
  const Recurrence& of;
  int64_t first, rows, units, row;
  const S *x, *kernel, *weights, *first_h, *bias, *state_bias;
  Walk walk;
  S *ys, *last_h, *gates, *products;

  GruForward(const Recurrence& of, Operands operands, int64_t first, int64_t last)
      : of(of),
        first(first),
        rows(last - first),
        units(of.units),
        row(state_row(units, lanes)),
        x(operands.take<const S>()),
        kernel(operands.take<const S>()),
        weights(operands.take<const S>()),
        first_h(operands.take<const S>()),
        bias(operands.take<const S>(of.has_bias)),
        state_bias(operands.take<const S>(of.has_state_bias)),
        walk{of, operands.take<const int64_t>(of.has_lengths)},
        ys(operands.take<S>()),
        last_h(operands.take<S>()),
        gates(operands.take<S>()),
        products(operands.take<S>()) {}

  int64_t at(int64_t r, int64_t t) const { return (first + r) * of.steps + t; }
  // The input of step t as a factor, with the panels of its kernel.
  Factor<S> input(int64_t t, const Panels& panels, int64_t offset = 0) const {
    return {x + (first * of.steps + t) * of.features, of.steps * of.features, panels, kernel + offset};
  }
  // The products of the input and of the state with their biases, of one gate.
  HWY_INLINE auto of_input(const S* sums, int gate, int64_t unit, int64_t count) const { return biased(sums, bias, gate, unit, count); }
  HWY_INLINE auto of_state(const S* sums, int gate, int64_t unit, int64_t count) const {
    return biased(sums, state_bias, gate, unit, count);
  }
  HWY_INLINE auto biased(const S* sums, const S* by, int gate, int64_t unit, int64_t count) const {
    const hn::ScalableTag<S> d;
    const auto sum = hn::LoadU(d, sums);
    return by ? hn::Add(sum, load_units(by + gate * units + unit, count)) : sum;
  }
  HWY_INLINE void keep(S* to, int64_t at, int64_t unit, int64_t count, hn::Vec<hn::ScalableTag<S>> value) const {
    if (to) store_units<S>(value, to + at * units + unit, count);
  }
  HWY_INLINE void keep_gate(int64_t at, int gate, int64_t unit, int64_t count, hn::Vec<hn::ScalableTag<S>> value) const {
    if (gates) store_units<S>(value, gates + (3 * at + gate) * units + unit, count);
  }
  // What the end of a step writes of `count` gates.
  HWY_INLINE void fetch(int64_t at, int64_t unit, int count) const {
    fetch_rows(gates ? gates + 3 * at * units + unit : nullptr, units, count);
    fetch_rows(ys ? ys + at * units + unit : nullptr, units, 1);
    fetch_rows(products ? products + at * units + unit : nullptr, units, 1);
  }
  // A step after the end of a sequence.
  void skip(int64_t at, int64_t unit, int64_t count) const {
    const auto zero = hn::Zero(hn::ScalableTag<S>());
    keep(ys, at, unit, count, zero);
    keep(products, at, unit, count, zero);
    for (int gate = 0; gate < 3; ++gate) keep_gate(at, gate, unit, count, zero);
  }
};

template <class S, bool kIsRelu>
void gru_after_rows(const Recurrence& of, const Panels* panels, void* const* pointers, int64_t first, int64_t last, void* scratch) {
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  const GruForward<S> run(of, Operands(pointers), first, last);
  const int64_t units = run.units, rows = run.rows, row = run.row;
  S *h = static_cast<S*>(scratch), *next = h + rows * row;
  load_state(run.first_h + first * units, rows, units, h, row);
  load_state<S>(nullptr, rows, units, next, row);
  for (int64_t step = 0; step < of.steps; ++step) {
    const int64_t t = run.walk.forward(step);
    const auto fetch = [&](int64_t r, int64_t unit) HWY_ATTR GRADUS_FETCHES { run.fetch(run.at(r, t), unit, 3); };
    const auto finish = [&](int64_t r, int64_t unit, const S* of_x, const S* of_h) HWY_ATTR {
      const int64_t count = std::min(lanes, units - unit), at = run.at(r, t);
      const auto before = hn::LoadU(d, h + r * row + unit);
      if (run.walk.has_ended(first + r, t)) {
        hn::StoreU(before, d, next + r * row + unit);
        return run.skip(at, unit, count);
      }
      const auto z = sigmoid(d, hn::Add(run.of_input(of_x, 0, unit, count), run.of_state(of_h, 0, unit, count)));
      const auto reset = sigmoid(d, hn::Add(run.of_input(of_x + lanes, 1, unit, count), run.of_state(of_h + lanes, 1, unit, count)));
      const auto product = run.of_state(of_h + 2 * lanes, 2, unit, count);
      const auto n = activate<kIsRelu>(d, hn::MulAdd(reset, product, run.of_input(of_x + 2 * lanes, 2, unit, count)));
      const auto y = hn::MulAdd(z, before, hn::NegMulAdd(z, n, n));
      hn::StoreU(y, d, next + r * row + unit);
      run.keep(run.ys, at, unit, count, y);
      run.keep(run.products, at, unit, count, product);
      run.keep_gate(at, 0, unit, count, z);
      run.keep_gate(at, 1, unit, count, reset);
      run.keep_gate(at, 2, unit, count, n);
    };
    multiply_rows<3, S>(rows, fetch, finish, run.input(t, panels[0]), Factor<S>{h, row, panels[1], run.weights});
    std::swap(h, next);
  }
  store_state(h, row, rows, units, run.last_h ? run.last_h + first * units : nullptr);
}

// The state becomes the next one in place: r h is all that the second product reads of it.
template <class S, bool kIsRelu>
void gru_before_rows(const Recurrence& of, const Panels* panels, void* const* pointers, int64_t first, int64_t last, void* scratch) {
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  const GruForward<S> run(of, Operands(pointers), first, last);
  const int64_t units = run.units, rows = run.rows, row = run.row;
  S *h = static_cast<S*>(scratch), *update = h + rows * row, *reset_h = update + rows * row;
  load_state(run.first_h + first * units, rows, units, h, row);
  load_state<S>(nullptr, 2 * rows, units, update, row);
  for (int64_t step = 0; step < of.steps; ++step) {
    const int64_t t = run.walk.forward(step);
    const auto fetch = [&](int64_t r, int64_t unit) HWY_ATTR GRADUS_FETCHES { run.fetch(run.at(r, t), unit, 2); };
    const auto reset_state = [&](int64_t r, int64_t unit, const S* of_x, const S* of_h) HWY_ATTR {
      const int64_t count = std::min(lanes, units - unit), at = run.at(r, t);
      if (run.walk.has_ended(first + r, t)) return run.skip(at, unit, count);
      const auto z = sigmoid(d, hn::Add(run.of_input(of_x, 0, unit, count), run.of_state(of_h, 0, unit, count)));
      const auto reset = sigmoid(d, hn::Add(run.of_input(of_x + lanes, 1, unit, count), run.of_state(of_h + lanes, 1, unit, count)));
      const auto product = hn::Mul(reset, hn::LoadU(d, h + r * row + unit));
      hn::StoreU(z, d, update + r * row + unit);
      hn::StoreU(product, d, reset_h + r * row + unit);
      run.keep(run.products, at, unit, count, product);
      run.keep_gate(at, 0, unit, count, z);
      run.keep_gate(at, 1, unit, count, reset);
    };
    multiply_rows<2, S>(rows, fetch, reset_state, run.input(t, panels[0]), Factor<S>{h, row, panels[2], run.weights});
    const auto finish = [&](int64_t r, int64_t unit, const S* of_x, const S* of_h) HWY_ATTR {
      const int64_t count = std::min(lanes, units - unit), at = run.at(r, t);
      if (run.walk.has_ended(first + r, t)) return;
      const auto n = activate<kIsRelu>(d, hn::Add(run.of_input(of_x, 2, unit, count), run.of_state(of_h, 2, unit, count)));
      const auto z = hn::LoadU(d, update + r * row + unit);
      const auto y = hn::MulAdd(z, hn::LoadU(d, h + r * row + unit), hn::NegMulAdd(z, n, n));
      hn::StoreU(y, d, h + r * row + unit);
      run.keep(run.ys, at, unit, count, y);
      run.keep_gate(at, 2, unit, count, n);
    };
    multiply_units<S>(rows, finish, run.input(t, panels[1], panels[0].size()),
                      Factor<S>{reset_h, row, panels[3], run.weights + panels[2].size()});
  }
  store_state(h, row, rows, units, run.last_h ? run.last_h + first * units : nullptr);
}

template <class S>
struct GruBackward {
  static constexpr int64_t lanes = kLanes<S>;
  const Recurrence& of;
  int64_t first, rows, units, row;
  const S *weights, *gates, *products, *ys, *first_h;
  Walk walk;
  const S *dys, *last_dh;
  S *dgates, *dproducts, *first_dh;

  GruBackward(const Recurrence& of, Operands operands, int64_t first, int64_t last)
      : of(of),
        first(first),
        rows(last - first),
        units(of.units),
        row(state_row(units, lanes)),
        weights(operands.take<const S>()),
        gates(operands.take<const S>()),
        products(operands.take<const S>()),
        ys(operands.take<const S>()),
        first_h(operands.take<const S>()),
        walk{of, operands.take<const int64_t>(of.has_lengths)},
        dys(operands.take<const S>(of.has_dys)),
        last_dh(operands.take<const S>(of.has_dh)),
        dgates(operands.take<S>()),
        dproducts(operands.take<S>(of.resets_after)),
        first_dh(operands.take<S>()) {}

  int64_t at(int64_t r, int64_t t) const { return (first + r) * of.steps + t; }
  // The state that came into step t of a row.
  const S* state_before(int64_t r, int64_t t) const {
    const int64_t before = walk.before(first + r, t);
    return before < 0 ? first_h + (first + r) * units : ys + at(r, before) * units;
  }
  HWY_INLINE auto gate(int64_t at, int which, int64_t unit, int64_t count) const {
    return load_units(gates + (3 * at + which) * units + unit, count);
  }
  HWY_INLINE auto change_of_y(const S* dh, int64_t at, int64_t unit, int64_t count) const {
    const hn::ScalableTag<S> d;
    const auto dy = hn::LoadU(d, dh + unit);
    return dys ? hn::Add(dy, load_units(dys + at * units + unit, count)) : dy;
  }
  HWY_INLINE void keep_gate(int64_t at, int gate, int64_t unit, int64_t count, hn::Vec<hn::ScalableTag<S>> value) const {
    if (dgates) store_units<S>(value, dgates + (3 * at + gate) * units + unit, count);
  }
  void skip(int64_t at) const {
    fill_zero(dgates ? dgates + 3 * at * units : nullptr, 3 * units);
    fill_zero(dproducts ? dproducts + at * units : nullptr, units);
  }
};

// p = h U_n + b:  dz = dy (h - n) z (1 - z);  dn = dy (1 - z) act'(n);  dr = dn p r (1 - r);  dp = dn r
// and for the step before: dh = dy z + (dz, dr, dp) U^T.
template <class S, bool kIsRelu>
void gru_after_backward_rows(const Recurrence& of, const Panels* panels, void* const* pointers, int64_t first, int64_t last,
                             void* scratch) {
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  const GruBackward<S> run(of, Operands(pointers), first, last);
  const int64_t units = run.units, rows = run.rows, row = run.row, gate_row = state_row(3 * units, lanes);
  S *dh = static_cast<S*>(scratch), *changes = dh + rows * row;
  load_state(run.last_dh ? run.last_dh + first * units : nullptr, rows, units, dh, row);
  for (int64_t step = 0; step < of.steps; ++step) {
    const int64_t t = run.walk.backward(step);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = run.at(r, t);
      S* change = changes + r * gate_row;
      if (run.walk.has_ended(first + r, t)) {
        std::fill_n(change, 3 * units, S{0});
        run.skip(at);
        continue;
      }
      const S* before = run.state_before(r, t);
      for (int64_t unit = 0; unit < units; unit += lanes) {
        const int64_t count = std::min(lanes, units - unit);
        const auto z = run.gate(at, 0, unit, count), reset = run.gate(at, 1, unit, count), n = run.gate(at, 2, unit, count);
        const auto dy = run.change_of_y(dh + r * row, at, unit, count), kept = hn::Mul(dy, z);
        const auto dz = pull_sigmoid(d, z, hn::Mul(dy, hn::Sub(load_units(before + unit, count), n)));
        const auto dn = pull_activation<kIsRelu>(d, n, hn::Sub(dy, kept));
        const auto dr = pull_sigmoid(d, reset, hn::Mul(dn, load_units(run.products + at * units + unit, count)));
        const auto dp = hn::Mul(dn, reset);
        hn::StoreU(kept, d, dh + r * row + unit);
        store_units<S>(dz, change + unit, count);
        store_units<S>(dr, change + units + unit, count);
        store_units<S>(dp, change + 2 * units + unit, count);
        run.keep_gate(at, 0, unit, count, dz);
        run.keep_gate(at, 1, unit, count, dr);
        run.keep_gate(at, 2, unit, count, dn);
        if (run.dproducts) store_units<S>(dp, run.dproducts + at * units + unit, count);
      }
    }
    if (step + 1 == of.steps && !run.first_dh) break;
    const auto finish = [&](int64_t r, int64_t unit, const S* sums) HWY_ATTR {
      S* to = dh + r * row + unit;
      if (!run.walk.has_ended(first + r, t)) hn::StoreU(hn::Add(hn::LoadU(d, to), hn::LoadU(d, sums)), d, to);
    };
    multiply_units<S>(rows, finish, Factor<S>{changes, gate_row, panels[0], run.weights});
  }
  store_state(dh, row, rows, units, run.first_dh ? run.first_dh + first * units : nullptr);
}

// p = r h:  dz and dn as above;  dp = dn U_n^T;  dr = dp h r (1 - r)
// and for the step before: dh = dy z + dp r + (dz, dr) U_zr^T.
template <class S, bool kIsRelu>
void gru_before_backward_rows(const Recurrence& of, const Panels* panels, void* const* pointers, int64_t first, int64_t last,
                              void* scratch) {
  const hn::ScalableTag<S> d;
  constexpr int64_t lanes = kLanes<S>;
  const GruBackward<S> run(of, Operands(pointers), first, last);
  const int64_t units = run.units, rows = run.rows, row = run.row, gate_row = state_row(2 * units, lanes);
  S *dh = static_cast<S*>(scratch), *of_n = dh + rows * row, *changes = of_n + rows * row;
  load_state(run.last_dh ? run.last_dh + first * units : nullptr, rows, units, dh, row);
  for (int64_t step = 0; step < of.steps; ++step) {
    const int64_t t = run.walk.backward(step);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t at = run.at(r, t);
      S* change = changes + r * gate_row;
      if (run.walk.has_ended(first + r, t)) {
        std::fill_n(change, 2 * units, S{0});
        std::fill_n(of_n + r * row, units, S{0});
        run.skip(at);
        continue;
      }
      const S* before = run.state_before(r, t);
      for (int64_t unit = 0; unit < units; unit += lanes) {
        const int64_t count = std::min(lanes, units - unit);
        const auto z = run.gate(at, 0, unit, count), n = run.gate(at, 2, unit, count);
        const auto dy = run.change_of_y(dh + r * row, at, unit, count), kept = hn::Mul(dy, z);
        const auto dz = pull_sigmoid(d, z, hn::Mul(dy, hn::Sub(load_units(before + unit, count), n)));
        const auto dn = pull_activation<kIsRelu>(d, n, hn::Sub(dy, kept));
        hn::StoreU(kept, d, dh + r * row + unit);
        hn::StoreU(dn, d, of_n + r * row + unit);
        store_units<S>(dz, change + unit, count);
        run.keep_gate(at, 0, unit, count, dz);
        run.keep_gate(at, 2, unit, count, dn);
      }
    }
    const auto pull_reset = [&](int64_t r, int64_t unit, const S* sums) HWY_ATTR {
      if (run.walk.has_ended(first + r, t)) return;
      const int64_t count = std::min(lanes, units - unit), at = run.at(r, t);
      const auto reset = run.gate(at, 1, unit, count), dp = hn::LoadU(d, sums);
      const auto dr = pull_sigmoid(d, reset, hn::Mul(dp, load_units(run.state_before(r, t) + unit, count)));
      S* to = dh + r * row + unit;
      hn::StoreU(hn::MulAdd(dp, reset, hn::LoadU(d, to)), d, to);
      store_units<S>(dr, changes + r * gate_row + units + unit, count);
      run.keep_gate(at, 1, unit, count, dr);
    };
    multiply_units<S>(rows, pull_reset, Factor<S>{of_n, row, panels[0], run.weights});
    if (step + 1 == of.steps && !run.first_dh) break;
    const auto finish = [&](int64_t r, int64_t unit, const S* sums) HWY_ATTR {
      S* to = dh + r * row + unit;
      if (!run.walk.has_ended(first + r, t)) hn::StoreU(hn::Add(hn::LoadU(d, to), hn::LoadU(d, sums)), d, to);
    };
    multiply_units<S>(rows, finish, Factor<S>{changes, gate_row, panels[1], run.weights + panels[0].size()});
  }
  store_state(dh, row, rows, units, run.first_dh ? run.first_dh + first * units : nullptr);
}

template <class S, bool kIsRelu>
auto find_rows(bool resets_after, bool is_backward) {
  if (is_backward) return resets_after ? gru_after_backward_rows<S, kIsRelu> : gru_before_backward_rows<S, kIsRelu>;
  return resets_after ? gru_after_rows<S, kIsRelu> : gru_before_rows<S, kIsRelu>;
}
template <class S>
auto find_rows(const Recurrence& of, bool is_backward) {
  return of.is_relu ? find_rows<S, true>(of.resets_after, is_backward) : find_rows<S, false>(of.resets_after, is_backward);
}

}  // namespace

using Rows = decltype(RowsKernel::run);
Rows find_gru(const Recurrence& of, bool is_backward) {
  return of.dtype == float64 ? find_rows<double>(of, is_backward) : find_rows<float>(of, is_backward);
}

}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {

HWY_EXPORT(find_gru);

KernelPtr prepare_gru(const Recurrence& of) {
  const int64_t lanes = vector_lanes(of.dtype), units = of.units;
  // Of a matrix with so many rows: all gates, or z and r, and n.
  const auto panels = [&](int64_t depth) {
    const Panels all{.depth = depth, .units = units, .gates = 3, .lanes = lanes, .row = 3 * units};
    if (of.resets_after) return std::vector{all};
    Panels update_reset = all, candidate = all;
    update_reset.gates = 2;
    candidate.gates = 1;
    candidate.offset = 2 * units;
    candidate.vectors = vectors_of(units, lanes);
    return std::vector{update_reset, candidate};
  };
  return prepare_rows({.of = of,
                       .weights = {{1, panels(of.features)}, {2, panels(units)}},
                       .lengths = 4 + of.has_bias + of.has_state_bias,
                       .checks_lengths = of.has_lengths,
                       .operands = size_t{8} + of.has_bias + of.has_state_bias + of.has_lengths,
                       .row_bytes = 3 * state_row(units, lanes) * of.dtype.size(),
                       .run = HWY_DYNAMIC_DISPATCH(find_gru)(of, false)});
}

KernelPtr prepare_gru_backward(const Recurrence& of) {
  const int64_t lanes = vector_lanes(of.dtype), units = of.units;
  const Panels all{.depth = 3 * units,
                   .units = units,
                   .vectors = vectors_of(units, lanes),
                   .lanes = lanes,
                   .row = 3 * units,
                   .is_transposed = true};
  Panels candidate = all, update_reset = all;
  candidate.depth = units;
  candidate.offset = 2 * units;
  update_reset.depth = 2 * units;
  const int64_t changes = of.resets_after ? state_row(3 * units, lanes) : state_row(units, lanes) + state_row(2 * units, lanes);
  return prepare_rows({.of = of,
                       .weights = {{0, of.resets_after ? std::vector{all} : std::vector{candidate, update_reset}}},
                       .operands = size_t{7} + of.resets_after + of.has_lengths + of.has_dys + of.has_dh,
                       .row_bytes = (state_row(units, lanes) + changes) * of.dtype.size(),
                       .run = HWY_DYNAMIC_DISPATCH(find_gru)(of, true)});
}

}  // namespace gradus::cpu
#endif
