// Parts of one step: products of states with panels of weights, and vectors of units that may be cut short. Included once a target.
#if defined(GRADUS_CPU_RECURRENT_STEPS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_CPU_RECURRENT_STEPS_INL_HPP
#undef GRADUS_CPU_RECURRENT_STEPS_INL_HPP
#else
#define GRADUS_CPU_RECURRENT_STEPS_INL_HPP
#endif

#include <utility>

#include <hwy/cache_control.h>

#include "gradus/cpu/elementwise/math-inl.hpp"
#include "gradus/cpu/matrix/gemm-inl.hpp"
#include "gradus/cpu/recurrent/panels.hpp"

// Of functions that only ask for memory: GCC drops calls of them, which do nothing that it sees, unless they are inlined first.
#ifndef GRADUS_FETCHES
#define GRADUS_FETCHES __attribute__((always_inline))
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// Rows of the largest tile of so many vectors a row: sums, weights and one factor fit in the registers.
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2
template <int kColumns>
inline constexpr int kMostTileRows = kColumns == 2 ? 6 : kColumns == 3 ? 3 : 2;
#else
template <int kColumns>
inline constexpr int kMostTileRows = 24 / kColumns;
#endif

// sums = a panel, for kRows rows of `depth` numbers and a block of kColumns vectors. Each number is one sum in the order of depth.
template <int kRows, int kColumns, class S>
HWY_NOINLINE void multiply_panel(const S* HWY_RESTRICT a, int64_t a_row, const S* HWY_RESTRICT panel, int64_t depth, S* HWY_RESTRICT out) {
  const hn::ScalableTag<S> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int64_t lanes = kLanes<S>;
  V sums[kRows][kColumns];
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    GRADUS_UNROLL
    for (int c = 0; c < kColumns; ++c) sums[r][c] = hn::Zero(d);
  }
  for (int64_t k = 0; k < depth; ++k, ++a, panel += kColumns * lanes) {
    V weights[kColumns];
    GRADUS_UNROLL
    for (int c = 0; c < kColumns; ++c) weights[c] = hn::LoadU(d, panel + c * lanes);
    GRADUS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const V factor = hn::Set(d, a[r * a_row]);
      GRADUS_UNROLL
      for (int c = 0; c < kColumns; ++c) sums[r][c] = hn::MulAdd(factor, weights[c], sums[r][c]);
    }
  }
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    GRADUS_UNROLL
    for (int c = 0; c < kColumns; ++c) hn::StoreU(sums[r][c], d, out + (r * kColumns + c) * lanes);
  }
}
template <class S>
using PanelProduct = void (*)(const S*, int64_t, const S*, int64_t, S*);
template <int kColumns, class S, size_t... kRows>
PanelProduct<S> panel_product(int64_t rows, std::index_sequence<kRows...>) {
  static constexpr PanelProduct<S> table[] = {multiply_panel<static_cast<int>(kRows) + 1, kColumns, S>...};
  return table[rows - 1];
}

// One factor of a product: rows of numbers, and the panels of the matrix that they are multiplied with.
template <class S>
struct Factor {
  const S* a;
  int64_t a_row;
  const Panels& panels;
  const S* packed;
};

// For each block of panels and each row: finish(row, first unit, sums...), a block of kColumns vectors of sums for each factor. `fetch` of
// the same row and unit comes before the product, which takes longer than memory does: finish goes to lines that no pattern announces.
template <int kColumns, class S, class Fetch, class Finish, class... Factors>
HWY_INLINE void multiply_rows(int64_t rows, const Fetch& fetch, const Finish& finish, const Factor<S>& factor, const Factors&... more) {
  constexpr int64_t most = kMostTileRows<kColumns>, row_size = kColumns * kLanes<S>;
  HWY_ALIGN S sums[1 + sizeof...(Factors)][most * row_size];
  const Factor<S>* const factors[] = {&factor, &more...};
  const int64_t tiles = (rows + most - 1) / most, width = factor.panels.width();
  for (int64_t block = 0; block < factor.panels.blocks(); ++block) {
    for (int64_t tile = 0; tile < tiles; ++tile) {
      const int64_t begin = rows * tile / tiles, count = rows * (tile + 1) / tiles - begin;
      for (int64_t r = 0; r < count; ++r) fetch(begin + r, block * width);
      const PanelProduct<S> product = panel_product<kColumns, S>(count, std::make_index_sequence<most>());
      for (size_t i = 0; i < 1 + sizeof...(Factors); ++i) {
        const Factor<S>& of = *factors[i];
        product(of.a + begin * of.a_row, of.a_row, of.packed + block * of.panels.block_size(), of.panels.depth, sums[i]);
      }
      for (int64_t r = 0; r < count; ++r) {
        if constexpr (sizeof...(Factors) == 0) finish(begin + r, block * width, sums[0] + r * row_size);
        else finish(begin + r, block * width, sums[0] + r * row_size, sums[1] + r * row_size);
      }
    }
  }
}
// The same for one gate, vector by vector: finish(row, first unit, sums...) of one vector each.
template <class S, class Finish, class... Factors>
HWY_INLINE void multiply_units(int64_t rows, const Finish& finish, const Factor<S>& factor, const Factors&... more) {
  const Panels& panels = factor.panels;
  const auto nothing = [](int64_t, int64_t) {};
  const auto each_vector = [&](int64_t row, int64_t unit, const auto*... sums) HWY_ATTR {
    for (int64_t v = 0; v < panels.vectors && unit < panels.units; ++v, unit += kLanes<S>) finish(row, unit, sums + v * kLanes<S>...);
  };
  if (panels.vectors == 4) multiply_rows<4, S>(rows, nothing, each_vector, factor, more...);
  else multiply_rows<2, S>(rows, nothing, each_vector, factor, more...);
}

// Asks for the lines of `count` rows of `step` numbers.
template <class S>
HWY_INLINE void fetch_rows(const S* at, int64_t step, int count) {
  for (int i = 0; at && i < count; ++i) hwy::Prefetch(at + i * step);
}

// A vector of units in arrays that end with the last unit; past it 0.
template <class S>
HWY_INLINE hn::Vec<hn::ScalableTag<S>> load_units(const S* from, int64_t count) {
  const hn::ScalableTag<S> d;
  return HWY_LIKELY(count >= kLanes<S>) ? hn::LoadU(d, from) : load_first(d, from, count);
}
template <class S>
HWY_INLINE void store_units(hn::Vec<hn::ScalableTag<S>> value, S* to, int64_t count) {
  const hn::ScalableTag<S> d;
  if (HWY_LIKELY(count >= kLanes<S>)) hn::StoreU(value, d, to);
  else store_first(d, to, count, value);
}

template <bool kIsRelu, class D, class V>
HWY_INLINE V activate(D d, V x) {
  if constexpr (kIsRelu) return hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Zero(d), x);
  else return tanh(d, x);
}
// dx of y = f(x), by y.
template <bool kIsRelu, class D, class V>
HWY_INLINE V pull_activation(D d, V y, V dy) {
  if constexpr (kIsRelu) return hn::IfThenElseZero(hn::Gt(y, hn::Zero(d)), dy);
  else return hn::NegMulAdd(hn::Mul(y, y), dy, dy);
}
template <class D, class V>
HWY_INLINE V pull_sigmoid(D, V y, V dy) {
  return hn::Mul(hn::NegMulAdd(y, y, y), dy);
}

// The rows of one chunk: where they are in time.
struct Walk {
  const Recurrence& of;
  const int64_t* lengths;

  int64_t forward(int64_t step) const { return of.is_reversed ? of.steps - 1 - step : step; }
  int64_t backward(int64_t step) const { return of.is_reversed ? step : of.steps - 1 - step; }
  bool has_ended(int64_t row, int64_t t) const { return lengths && t >= lengths[row]; }
  // The step whose state came into step t of a row; -1: the first state.
  int64_t before(int64_t row, int64_t t) const {
    if (!of.is_reversed) return t - 1;
    return t + 1 < (lengths ? lengths[row] : of.steps) ? t + 1 : -1;
  }
};

// Rows of `count` numbers to or from a state in scratch memory.
template <class S>
void load_state(const S* from, int64_t rows, int64_t count, S* state, int64_t row) {
  for (int64_t r = 0; r < rows; ++r) {
    if (from) std::copy_n(from + r * count, count, state + r * row);
    else std::fill_n(state + r * row, count, S{0});
    std::fill(state + r * row + count, state + (r + 1) * row, S{0});
  }
}
template <class S>
void store_state(const S* state, int64_t row, int64_t rows, int64_t count, S* to) {
  if (!to) return;
  for (int64_t r = 0; r < rows; ++r) std::copy_n(state + r * row, count, to + r * count);
}
template <class S>
void fill_zero(S* to, int64_t count) {
  if (to) std::fill_n(to, count, S{0});
}

// Pointers in the order in which kernels take them; null for what is not there.
class Operands {
 public:
  explicit Operands(void* const* pointers) : next_(pointers) {}
  template <class T>
  T* take(bool is_there = true) {
    return is_there ? static_cast<T*>(*next_++) : nullptr;
  }

 private:
  void* const* next_;
};

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
