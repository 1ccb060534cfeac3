// Attention backward: weights are computed again, tile by tile, from the sums of the forward pass. Blocks of queries one after the other;
// gradients of k and v are summed over them, those of q over tiles of keys.
#include "gradus/cpu/highway_targets.hpp"

#include "gradus/base/parallel.hpp"
#include "gradus/cpu/attention/call.hpp"
#include "gradus/cpu/matrix/pairs.hpp"
#include "gradus/cpu/loop/slots.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/attention/backward.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/attention/products-inl.hpp"

#ifndef GRADUS_CPU_ATTENTION_BACKWARD_ONCE
#define GRADUS_CPU_ATTENTION_BACKWARD_ONCE
namespace gradus::cpu {
namespace {

// The blocks of queries that share a head of k and v are dealt out to `parts` tasks.
struct BackwardPlan {
  Attention x;
  int64_t group = 1, blocks = 1, parts = 1;
  bool is_direct = false;  // dk and dv are summed where they lie
  bool is_padded = false;  // rows of sums are padded to multiples of 16 elements, and followed by 16 rows
  float dk_scale = 1;      // of the sums of dk
  int64_t heads() const { return x.examples * x.kv_heads; }
  int64_t k_row() const { return is_padded ? round_up(x.width, 16) : x.width; }
  int64_t v_row() const { return is_padded ? round_up(x.value_width, 16) : x.value_width; }
  int64_t rows() const { return is_padded ? x.keys + 16 : x.keys; }
  int64_t sum_size() const { return rows() * (k_row() + v_row()); }  // of a task's sums of dk and dv
};

struct BackwardInputs {
  Inputs more;
  const void *q, *k, *v, *y, *pairs, *dy;
  void *dq, *dk, *dv;
  BackwardInputs(const Attention& x, void* const* p)
      : more(x, p + 6), q(p[0]), k(p[1]), v(p[2]), y(p[3]), pairs(p[4]), dy(p[5]), dq(more.next[0]), dk(more.next[1]), dv(more.next[2]) {}
};

// Scratch of one block, but for that of its products.
template <class S>
struct BackwardScratch {
  S *tile, *slope, *one, *two, *dq;  // dq: width x kQueries
  S *top, *log_sum, *shift;          // of each query: largest score, log sum e^(score - top), sum of dy y
  S* sums;                           // dk and dv of a head, if they are not summed elsewhere
  BackwardScratch(const BackwardPlan& plan, Pieces& pieces) {
    for (S** piece : {&tile, &slope, &one, &two}) *piece = pieces.take<S>(kKeys * kQueries);
    dq = pieces.take<S>(round_up(plan.x.width, 16) * kQueries);
    top = pieces.take<S>(kQueries);
    log_sum = pieces.take<S>(kQueries);
    shift = pieces.take<S>(kQueries);
    sums = pieces.take<S>(plan.is_direct || plan.parts > 1 ? 0 : plan.sum_size());
  }
};

// A way of computing, chosen by dtype and processor.
struct BackwardWay {
  void (*run)(const BackwardPlan&, const BackwardInputs&, int64_t, std::byte*, void*);
  void (*join)(const BackwardPlan&, const BackwardInputs&, int64_t, void*);
  int64_t (*scratch_bytes)(const BackwardPlan&);
  bool is_padded;
};

}  // namespace
}  // namespace gradus::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// From scores and slopes of weights (dy v^T): weights, and slopes of scores. `factors` of dropout may be null.
template <int kVectors, bool kIsDropped, class S>
HWY_INLINE void take_slopes(S* HWY_RESTRICT tile, S* HWY_RESTRICT slope, const S* HWY_RESTRICT factors, int64_t keys, const S* tops,
                            const S* log_sums, const S* shift) {
  const hn::ScalableTag<S> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int64_t lanes = kLanes<S>;
  V top[kVectors], log_sum[kVectors], mean[kVectors];
  GRADUS_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    top[v] = hn::LoadU(d, tops + v * lanes);
    log_sum[v] = hn::LoadU(d, log_sums + v * lanes);
    mean[v] = hn::LoadU(d, shift + v * lanes);
  }
  const V low = hn::Set(d, -kInfinity<S>);
  for (int64_t j = 0; j < keys; ++j) {
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      const int64_t at = j * kQueries + v * lanes;
      const V score = hn::LoadU(d, tile + at);
      const V p = exp_lanes<false>(d, hn::Sub(hn::Sub(score, top[v]), log_sum[v]));
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

// The sum of products of two rows.
template <class T>
Compute<T> row_product(const T* a, int64_t a_column, const T* b, int64_t b_column, int64_t width) {
  using S = Compute<T>;
  const hn::ScalableTag<S> d;
  if (a_column == 1 && b_column == 1) {
    return static_cast<S>(
        sum_vectors(d, width, [&](auto part, int64_t at) HWY_ATTR { return hn::Mul(load(d, part, a + at), load(d, part, b + at)); }));
  }
  double sum = 0;
  for (int64_t at = 0; at < width; ++at) sum += static_cast<double>(a[at * a_column]) * static_cast<double>(b[at * b_column]);
  return static_cast<S>(sum);
}

template <class T, class S = Compute<T>>
void load_sums(const Block<T>& block, const BackwardInputs& in, const BackwardScratch<S>& s) {
  const Attention& x = block.x;
  const S* pairs = static_cast<const S*>(in.pairs) + 2 * ((block.example * x.heads + block.head) * x.queries + block.first);
  const T *y = block.query_rows(in.y, x.y), *dy = block.query_rows(in.dy, x.dy);
  for (int64_t i = 0; i < kQueries; ++i) {
    const bool is_there = i < block.queries;
    s.top[i] = is_there ? pairs[2 * i] : kInfinity<S>;
    s.log_sum[i] = is_there ? pairs[2 * i + 1] : S(0);
    s.shift[i] = is_there ? row_product(dy + i * x.dy.row, x.dy.column, y + i * x.y.row, x.y.column, x.value_width) : S(0);
  }
}

template <class T, class Products, class S = Compute<T>>
void backward_block(const Block<T>& block, Products& products, const BackwardInputs& in, const BackwardScratch<S>& s,
                    const KeySums<S>& sums) {
  const Attention& x = block.x;
  load_sums(block, in, s);
  products.take_queries(block.query_rows(in.q, x.q), block.query_rows(in.dy, x.dy), block.queries);
  bool is_first = true;
  for (int64_t key = block.keys.begin; key < block.keys.end; key += kKeys) {
    const int64_t count = std::min(kKeys, block.keys.end - key);
    const Sight seen = block.sight(key, count);
    if (seen == Sight::none) continue;
    products.scores(key, count, block.columns, s.tile);
    block.adjust(seen, key, count, s.tile, s.one, s.two);
    products.weight_slopes(key, count, block.columns, s.slope);
    if (x.draw_keys) block.draw(key, count, s.one);
    for_groups<S>(block.columns, [&]<int kVectors>(std::integral_constant<int, kVectors>, int64_t c) HWY_ATTR {
      if (x.draw_keys) take_slopes<kVectors, true>(s.tile + c, s.slope + c, s.one + c, count, s.top + c, s.log_sum + c, s.shift + c);
      else take_slopes<kVectors, false>(s.tile + c, s.slope + c, s.one + c, count, s.top + c, s.log_sum + c, s.shift + c);
    });
    products.add(key, count, block.columns, s.tile, s.slope, is_first, sums, in.dq ? s.dq : nullptr);
    is_first = false;
  }
  if (!in.dq) return;
  if (is_first) std::fill_n(s.dq, x.width * kQueries, S(0));
  T* to = static_cast<T*>(in.dq) + block.example * x.dq.example + block.head * x.dq.head + block.first * x.dq.row;
  for (int64_t begin = 0; begin < x.width; begin += kKeys) {  // by parts of a row that fit into a tile
    const int64_t width = std::min(kKeys, x.width - begin);
    transpose(s.dq + begin * kQueries, kQueries, width, block.queries, s.tile, kKeys);
    for (int64_t i = 0; i < block.queries; ++i) store_row(s.tile + i * kKeys, width, static_cast<S>(x.scale), to + i * x.dq.row + begin);
  }
}

// Stores the sums of a head of k and v.
template <class T, class S = Compute<T>>
void store_sums(const BackwardPlan& plan, const BackwardInputs& in, int64_t example, int64_t head, const S* sums) {
  const Attention& x = plan.x;
  const auto store_all = [&](void* out, const AttentionSteps& steps, const S* from, int64_t row, int64_t width, S scale) {
    if (!out) return;
    T* to = static_cast<T*>(out) + example * steps.example + head * steps.head;
    for (int64_t key = 0; key < x.keys; ++key) store_row(from + key * row, width, scale, to + key * steps.row);
  };
  store_all(in.dk, x.dk, sums, plan.k_row(), x.width, static_cast<S>(plan.dk_scale));
  store_all(in.dv, x.dv, sums + plan.rows() * plan.k_row(), plan.v_row(), x.value_width, S(1));
}

// Task number `task`: one part of the blocks of one head of k and v. `memory`: the sums of all parts, where there are several.
template <class T, class Products>
void run_backward(const BackwardPlan& plan, const BackwardInputs& in, int64_t task, std::byte* scratch, void* memory) {
  using S = Compute<T>;
  const Attention& x = plan.x;
  Pieces pieces(scratch);
  const BackwardScratch<S> s(plan, pieces);
  Products products(x, pieces);
  const int64_t example = task / plan.parts / x.kv_heads, head = task / plan.parts % x.kv_heads;
  S* const own = plan.parts > 1 ? static_cast<S*>(memory) + task * plan.sum_size() : s.sums;
  KeySums<S> sums{in.dk ? own : nullptr, in.dv ? own + plan.rows() * plan.k_row() : nullptr, plan.k_row(), plan.v_row()};
  if (plan.is_direct) {
    sums.dk = in.dk ? static_cast<S*>(in.dk) + example * x.dk.example + head * x.dk.head : nullptr;
    sums.dv = in.dv ? static_cast<S*>(in.dv) + example * x.dv.example + head * x.dv.head : nullptr;
  }
  if (sums.dk) std::fill_n(sums.dk, plan.rows() * plan.k_row(), S(0));
  if (sums.dv) std::fill_n(sums.dv, plan.rows() * plan.v_row(), S(0));
  const T *k = rows_of_head<T>(in.k, x.k, example, head), *v = rows_of_head<T>(in.v, x.v, example, head);
  products.open();
  for (int64_t item = task % plan.parts; item < plan.group * plan.blocks;) {
    const int64_t member = item / plan.blocks, last = (member + 1) * plan.blocks;
    const auto block_of = [&](int64_t at) {
      return Block<T>(x, in.more, example, head * plan.group + member, at % plan.blocks * kQueries);
    };
    products.take_head(k, v, {block_of(item).keys.begin, block_of(last - 1).keys.end});
    for (; item < last; item += plan.parts) backward_block(block_of(item), products, in, s, sums);
  }
  products.close();
  if (!plan.is_direct && plan.parts == 1) store_sums<T>(plan, in, example, head, own);
}

// Adds up the parts of one head of k and v, in their order, in the first one's place, and stores them.
template <class T>
void join_parts(const BackwardPlan& plan, const BackwardInputs& in, int64_t row, void* memory) {
  using S = Compute<T>;
  const hn::ScalableTag<S> d;
  const int64_t kv_heads = plan.x.kv_heads;
  S* sums = static_cast<S*>(memory) + row * plan.parts * plan.sum_size();
  for (int64_t part = 1; part < plan.parts; ++part) {
    const S* more = sums + part * plan.sum_size();
    for_vectors(d, plan.sum_size(), [&](auto lanes, int64_t at) HWY_ATTR {
      store(d, lanes, sums + at, hn::Add(load(d, lanes, sums + at), load(d, lanes, more + at)));
    });
  }
  store_sums<T>(plan, in, row / kv_heads, row % kv_heads, sums);
}

template <class T, class Products>
int64_t backward_bytes(const BackwardPlan& plan) {
  Pieces pieces(nullptr);
  BackwardScratch<Compute<T>>(plan, pieces);
  Products(plan.x, pieces);
  return pieces.bytes();
}
template <class T, class Products = VectorBackward<T>>
BackwardWay backward_way(bool is_padded = false) {
  return {run_backward<T, Products>, join_parts<T>, backward_bytes<T, Products>, is_padded};
}
BackwardWay find_backward(const Attention& x) {
  const DType dtype = x.dtype;
  if (dtype == float64) return backward_way<double>();
  if (dtype == float16) return backward_way<float16_t>();
  if (dtype == bfloat16) return find_pair_product() ? backward_way<bfloat16_t, PairBackward>(true) : backward_way<bfloat16_t>();
  return can_use_parts(x) ? backward_way<float, PartsBackward>() : backward_way<float>();
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {
namespace {

HWY_EXPORT(find_backward);

double work_of_head(const Attention& x) {
  return static_cast<double>(x.heads / x.kv_heads * x.queries) * static_cast<double>(x.keys) * static_cast<double>(x.width + x.value_width);
}

BackwardPlan plan_of(const Attention& x, const BackwardWay& way) {
  BackwardPlan plan{x};
  plan.group = x.heads / x.kv_heads;
  plan.blocks = divide_up(x.queries, kQueries);
  // Few heads are shared among more threads; each part has sums of its own.
  constexpr int64_t wanted = 8;
  if (work_of_head(x) > 1 << 23) plan.parts = std::clamp<int64_t>(wanted / plan.heads(), 1, plan.group * plan.blocks);
  plan.is_padded = way.is_padded;
  // Queries are multiplied by the scale before scores are made of them, unless that would round them.
  if (way.is_padded && !is_exact_scale(x.scale)) plan.dk_scale = static_cast<float>(x.scale);
  plan.is_direct = plan.parts == 1 && !x.dtype.is_16_bit() && x.dk.row == x.width && x.dv.row == x.value_width;
  return plan;
}

}  // namespace

KernelPtr prepare_attention_backward(const Attention& x) {
  if (x.examples * x.kv_heads == 0) return make_kernel([](void* const*, void*) { return Status{}; });
  const BackwardWay way = HWY_DYNAMIC_DISPATCH(find_backward)(x);
  const BackwardPlan plan = plan_of(x, way);
  const int64_t tasks = plan.heads() * plan.parts;
  const auto tasks_a_chunk = static_cast<int64_t>(std::clamp((1 << 19) / std::max(work_of_head(x), 1.0), 1.0, 1e6));
  const int64_t chunks = divide_up(tasks, tasks_a_chunk);
  const SlotSizes sizes(way.scratch_bytes(plan), chunks);
  const int64_t sum_bytes = plan.parts == 1 ? 0 : round_up(tasks * plan.sum_size() * (x.dtype == float64 ? 8 : 4));
  return make_kernel(
      [=](void* const* p, void* scratch) {
        const BackwardInputs in(plan.x, p);
        Slots slots(sizes, static_cast<std::byte*>(scratch) + sum_bytes);
        parallel_for(chunks, [&](int64_t chunk) {
          const Slots::Claim slot(slots);
          for (int64_t task = tasks * chunk / chunks; task < tasks * (chunk + 1) / chunks; ++task) {
            way.run(plan, in, task, slot.data(), scratch);
          }
        });
        if (plan.parts > 1) parallel_for(plan.heads(), [&](int64_t row) { way.join(plan, in, row, scratch); });
        return Status{};
      },
      sum_bytes + sizes.scratch_bytes());
}

}  // namespace gradus::cpu
#endif
