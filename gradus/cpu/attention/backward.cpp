// Attention backward: weights are computed again, tile by tile, from lse. Blocks of queries one after the other; gradients of k and v are
// summed over them, those of q over tiles of keys.
#include "gradus/cpu/highway_targets.hpp"

#include "gradus/base/parallel.hpp"
#include "gradus/cpu/attention/call.hpp"
#include "gradus/cpu/loop/slots.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/attention/backward.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/attention/tile-inl.hpp"

#ifndef GRADUS_CPU_ATTENTION_BACKWARD_ONCE
#define GRADUS_CPU_ATTENTION_BACKWARD_ONCE
namespace gradus::cpu {
namespace {

// The blocks of queries that share a head of k and v are dealt out to `parts` tasks.
struct BackwardPlan {
  Attention x;
  int64_t group = 1, blocks = 1, parts = 1;
  bool is_direct = false;  // dk and dv are summed where they lie
  int64_t heads() const { return x.examples * x.kv_heads; }
  int64_t sum_size() const { return x.keys * (x.width + x.value_width); }  // of a task's sums of dk and dv
};

struct BackwardInputs {
  Inputs more;
  const void *q, *k, *v, *y, *lse, *dy;
  void *dq, *dk, *dv;
  BackwardInputs(const Attention& x, void* const* p)
      : more(x, p + 6), q(p[0]), k(p[1]), v(p[2]), y(p[3]), lse(p[4]), dy(p[5]), dq(more.next[0]), dk(more.next[1]), dv(more.next[2]) {}
};

// Scratch of one block.
template <class S>
struct BackwardScratch {
  S *q, *dy;                          // rows
  S *q_panel, *dy_panel, *dq, *tile, *slope, *one, *two;
  S *k, *v;                           // all rows of a head, if they are copied
  S* sums;                            // dk and dv of a head, if they are not summed elsewhere
  S *lse, *shift;                     // of each query; shift: sum of dy y
  BackwardScratch(const BackwardPlan& plan, Pieces& pieces) {
    const Attention& x = plan.x;
    for (S** panel : {&q, &q_panel, &dq}) *panel = pieces.take<S>(x.width * kQueries);
    for (S** panel : {&dy, &dy_panel}) *panel = pieces.take<S>(x.value_width * kQueries);
    for (S** piece : {&tile, &slope, &one, &two}) *piece = pieces.take<S>(kKeys * kQueries);
    k = pieces.take<S>(must_copy_rows(x.dtype, x.k, x.width) ? x.keys * x.width : 0);
    v = pieces.take<S>(must_copy_rows(x.dtype, x.v, x.value_width) ? x.keys * x.value_width : 0);
    sums = pieces.take<S>(plan.is_direct || plan.parts > 1 ? 0 : plan.sum_size());
    lse = pieces.take<S>(kQueries);
    shift = pieces.take<S>(kQueries);
  }
};

// Where the gradients of a head of k and v are summed, row after row; null: nobody reads them.
template <class S>
struct KeySums {
  S *dk, *dv;
};

struct BackwardLoops {
  void (*run)(const BackwardPlan&, const BackwardInputs&, int64_t, std::byte*, void*);
  void (*join)(const BackwardPlan&, const BackwardInputs&, int64_t, void*);
};

}  // namespace
}  // namespace gradus::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// From scores and slopes of weights (dy v^T): weights, and slopes of scores. `factors` of dropout may be null.
template <int kVectors, bool kIsDropped, class S>
HWY_INLINE void take_slopes(S* HWY_RESTRICT tile, S* HWY_RESTRICT slope, const S* HWY_RESTRICT factors, int64_t keys, const S* lse,
                            const S* shift) {
  const hn::ScalableTag<S> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int64_t lanes = kLanes<S>;
  V log_sum[kVectors], mean[kVectors];
  GRADUS_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    log_sum[v] = hn::LoadU(d, lse + v * lanes);
    mean[v] = hn::LoadU(d, shift + v * lanes);
  }
  const V low = hn::Set(d, -kInfinity<S>);
  for (int64_t j = 0; j < keys; ++j) {
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = j * kQueries + v * lanes;
      const V score = hn::LoadU(d, tile + at);
      const V p = exp_lanes<false>(d, hn::Sub(score, log_sum[v]));
      V dp = hn::LoadU(d, slope + at), weight = p;
      if constexpr (kIsDropped) {
        const V factor = hn::LoadU(d, factors + at);
        dp = hn::Mul(dp, factor);
        weight = hn::Mul(p, factor);
      }
      // What nobody looked at has no slope, whatever v holds there.
      const V ds = hn::IfThenZeroElse(hn::Eq(score, low), hn::Mul(p, hn::Sub(dp, mean[v])));
      hn::StoreU(weight, d, tile + at);
      hn::StoreU(ds, d, slope + at);
    }
  }
}

// Rows and panels of q and dy, lse, and the sums of dy y.
template <class T, class S = Compute<T>>
void load_block(const Block<T>& block, const BackwardInputs& in, const BackwardScratch<S>& s) {
  const hn::ScalableTag<S> d;
  const Attention& x = block.x;
  load_rows(block.query_rows(in.q, x.q), x.q.row, x.q.column, block.queries, x.width, static_cast<S>(x.scale), s.q);
  make_panel(s.q, x.width, block.queries, x.width, s.q_panel);
  load_rows(block.query_rows(in.dy, x.dy), x.dy.row, x.dy.column, block.queries, x.value_width, S(1), s.dy);
  make_panel(s.dy, x.value_width, block.queries, x.value_width, s.dy_panel);
  const S* lse = static_cast<const S*>(in.lse) + (block.example * x.heads + block.head) * x.queries + block.first;
  const T* y = block.query_rows(in.y, x.y);
  for (int64_t i = 0; i < kQueries; ++i) {
    s.lse[i] = i < block.queries ? lse[i] : kInfinity<S>;
    s.shift[i] = S(0);
    if (i >= block.queries) continue;
    s.shift[i] = static_cast<S>(sum_vectors(d, x.value_width, [&](auto part, int64_t at) HWY_ATTR {
      return hn::Mul(load(d, part, s.dy + i * x.value_width + at), load(d, part, y + i * x.y.row + at));
    }));
  }
}

template <class T, class S = Compute<T>>
void backward_block(const Block<T>& block, const BackwardInputs& in, Rows<T>& k, Rows<T>& v, const BackwardScratch<S>& s,
                    const KeySums<S>& sums) {
  const Attention& x = block.x;
  load_block(block, in, s);
  bool is_first = true;
  for (int64_t key = block.keys.begin; key < block.keys.end; key += kKeys) {
    const int64_t count = std::min(kKeys, block.keys.end - key);
    const Sight seen = block.sight(key, count);
    if (seen == Sight::none) continue;
    const S *keys = k.at(key, key + count), *values = v.at(key, key + count);
    multiply(keys, k.row(), int64_t{1}, s.q_panel, kQueries, x.width, true, s.tile, kQueries, count, block.columns);
    block.adjust(seen, key, count, s.tile, s.one, s.two);
    multiply(values, v.row(), int64_t{1}, s.dy_panel, kQueries, x.value_width, true, s.slope, kQueries, count, block.columns);
    if (x.draw_keys) block.draw(key, count, s.one);
    for_groups<S>(block.columns, [&]<int kVectors>(std::integral_constant<int, kVectors>, int64_t c) HWY_ATTR {
      if (x.draw_keys) take_slopes<kVectors, true>(s.tile + c, s.slope + c, s.one + c, count, s.lse + c, s.shift + c);
      else take_slopes<kVectors, false>(s.tile + c, s.slope + c, s.one + c, count, s.lse + c, s.shift + c);
    });
    if (sums.dv) {
      multiply(s.tile, kQueries, int64_t{1}, s.dy, x.value_width, block.queries, false, sums.dv + key * x.value_width, x.value_width, count,
               x.value_width);
    }
    if (sums.dk) {
      multiply(s.slope, kQueries, int64_t{1}, s.q, x.width, block.queries, false, sums.dk + key * x.width, x.width, count, x.width);
    }
    if (in.dq) multiply(keys, int64_t{1}, k.row(), s.slope, kQueries, count, is_first, s.dq, kQueries, x.width, block.columns);
    is_first = false;
  }
  if (!in.dq) return;
  if (is_first) std::fill_n(s.dq, x.width * kQueries, S(0));
  T* to = static_cast<T*>(in.dq) + block.example * x.dq.example + block.head * x.dq.head + block.first * x.dq.row;
  transpose(s.dq, kQueries, x.width, block.queries, s.q, x.width);
  for (int64_t i = 0; i < block.queries; ++i) store_row(s.q + i * x.width, x.width, static_cast<S>(x.scale), to + i * x.dq.row);
}

// Stores the sums of a head of k and v.
template <class T, class S = Compute<T>>
void store_sums(const Attention& x, const BackwardInputs& in, int64_t example, int64_t head, const S* sums) {
  const auto store_all = [&](void* out, const AttentionSteps& steps, const S* from, int64_t width) {
    if (!out) return;
    T* to = static_cast<T*>(out) + example * steps.example + head * steps.head;
    for (int64_t key = 0; key < x.keys; ++key) store_row(from + key * width, width, S(1), to + key * steps.row);
  };
  store_all(in.dk, x.dk, sums, x.width);
  store_all(in.dv, x.dv, sums + x.keys * x.width, x.value_width);
}

// Task number `task`: one part of the blocks of one head of k and v. `memory`: the sums of all parts, where there are several.
template <class T>
void run_backward(const BackwardPlan& plan, const BackwardInputs& in, int64_t task, std::byte* scratch, void* memory) {
  using S = Compute<T>;
  const Attention& x = plan.x;
  Pieces pieces(scratch);
  const BackwardScratch<S> s(plan, pieces);
  const int64_t example = task / plan.parts / x.kv_heads, head = task / plan.parts % x.kv_heads;
  S* const own = plan.parts > 1 ? static_cast<S*>(memory) + task * plan.sum_size() : s.sums;
  KeySums<S> sums{in.dk ? own : nullptr, in.dv ? own + x.keys * x.width : nullptr};
  if (plan.is_direct) {
    sums.dk = in.dk ? static_cast<S*>(in.dk) + example * x.dk.example + head * x.dk.head : nullptr;
    sums.dv = in.dv ? static_cast<S*>(in.dv) + example * x.dv.example + head * x.dv.head : nullptr;
  }
  if (sums.dk) std::fill_n(sums.dk, x.keys * x.width, S(0));
  if (sums.dv) std::fill_n(sums.dv, x.keys * x.value_width, S(0));
  const T *first_k = rows_of_head<T>(in.k, x.k, example, head), *first_v = rows_of_head<T>(in.v, x.v, example, head);
  for (int64_t item = task % plan.parts; item < plan.group * plan.blocks;) {
    const int64_t member = item / plan.blocks;
    Rows<T> keys(first_k, x.k, x.width, must_copy_rows(x.dtype, x.k, x.width), s.k);
    Rows<T> values(first_v, x.v, x.value_width, must_copy_rows(x.dtype, x.v, x.value_width), s.v);
    for (; item < (member + 1) * plan.blocks; item += plan.parts) {
      const Block<T> block(x, in.more, example, head * plan.group + member, item % plan.blocks * kQueries);
      backward_block(block, in, keys, values, s, sums);
    }
  }
  if (!plan.is_direct && plan.parts == 1) store_sums<T>(x, in, example, head, own);
}

// Adds up the parts of one head of k and v, in their order, in the first one's place, and stores them.
template <class T>
void join_parts(const BackwardPlan& plan, const BackwardInputs& in, int64_t row, void* memory) {
  using S = Compute<T>;
  const hn::ScalableTag<S> d;
  const Attention& x = plan.x;
  S* sums = static_cast<S*>(memory) + row * plan.parts * plan.sum_size();
  for (int64_t part = 1; part < plan.parts; ++part) {
    const S* more = sums + part * plan.sum_size();
    for_vectors(d, plan.sum_size(), [&](auto lanes, int64_t at) HWY_ATTR {
      store(d, lanes, sums + at, hn::Add(load(d, lanes, sums + at), load(d, lanes, more + at)));
    });
  }
  store_sums<T>(x, in, row / x.kv_heads, row % x.kv_heads, sums);
}

template <class T>
BackwardLoops loops_of() {
  return {run_backward<T>, join_parts<T>};
}
BackwardLoops find_backward(DType dtype) {
  if (dtype == float64) return loops_of<double>();
  if (dtype == float16) return loops_of<float16_t>();
  return dtype == bfloat16 ? loops_of<bfloat16_t>() : loops_of<float>();
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {
namespace {

HWY_EXPORT(find_backward);

int64_t scratch_bytes(const BackwardPlan& plan) {
  Pieces pieces(nullptr);
  if (plan.x.dtype == float64) BackwardScratch<double>(plan, pieces);
  else BackwardScratch<float>(plan, pieces);
  return pieces.bytes();
}

double work_of_head(const Attention& x) {
  return static_cast<double>(x.heads / x.kv_heads * x.queries) * static_cast<double>(x.keys) * static_cast<double>(x.width + x.value_width);
}

BackwardPlan plan_of(const Attention& x) {
  BackwardPlan plan{x};
  plan.group = x.heads / x.kv_heads;
  plan.blocks = divide_up(x.queries, kQueries);
  // Few heads are shared among more threads; each part has sums of its own.
  constexpr int64_t wanted = 8;
  if (work_of_head(x) > 1 << 23) plan.parts = std::clamp<int64_t>(wanted / plan.heads(), 1, plan.group * plan.blocks);
  plan.is_direct = plan.parts == 1 && !x.dtype.is_16_bit() && x.dk.row == x.width && x.dv.row == x.value_width;
  return plan;
}

}  // namespace

KernelPtr prepare_attention_backward(const Attention& x) {
  const BackwardPlan plan = plan_of(x);
  const int64_t tasks = plan.heads() * plan.parts;
  const auto tasks_a_chunk = static_cast<int64_t>(std::clamp((1 << 19) / std::max(work_of_head(x), 1.0), 1.0, 1e6));
  const int64_t chunks = divide_up(tasks, tasks_a_chunk);
  const SlotSizes sizes(scratch_bytes(plan), chunks);
  const int64_t sum_bytes = plan.parts == 1 ? 0 : round_up(tasks * plan.sum_size() * (x.dtype == float64 ? 8 : 4));
  const auto loops = HWY_DYNAMIC_DISPATCH(find_backward)(x.dtype);
  return make_kernel(
      [=](void* const* p, void* scratch) {
        const BackwardInputs in(plan.x, p);
        Slots slots(sizes, static_cast<std::byte*>(scratch) + sum_bytes);
        parallel_for(chunks, [&](int64_t chunk) {
          const Slots::Claim slot(slots);
          for (int64_t task = tasks * chunk / chunks; task < tasks * (chunk + 1) / chunks; ++task) {
            loops.run(plan, in, task, slot.data(), scratch);
          }
        });
        if (plan.parts > 1) parallel_for(plan.heads(), [&](int64_t row) { loops.join(plan, in, row, scratch); });
        return Status{};
      },
      sum_bytes + sizes.scratch_bytes());
}

}  // namespace gradus::cpu
#endif
