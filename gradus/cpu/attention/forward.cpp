// Attention forward: blocks of queries, each over the tiles of keys that it may look at, with running maxima and sums (Milakov, Gimelshein
// 2018; Dao, Fu, Ermon, Rudra, Re 2022).
#include "gradus/cpu/highway_targets.hpp"

#include "gradus/base/parallel.hpp"
#include "gradus/cpu/attention/call.hpp"
#include "gradus/cpu/attention/few.hpp"
#include "gradus/cpu/matrix/pairs.hpp"
#include "gradus/cpu/loop/slots.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/attention/forward.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/attention/products-inl.hpp"
#include "gradus/cpu/elementwise/math-inl.hpp"

#ifndef GRADUS_CPU_ATTENTION_FORWARD_ONCE
#define GRADUS_CPU_ATTENTION_FORWARD_ONCE
namespace gradus::cpu {
namespace {

// Scratch of one block, but for that of its products.
template <class S>
struct ForwardScratch {
  S *sums, *tile, *one, *two;  // sums: value_width x kQueries
  S *top, *total, *change;     // of each query: maximum, sum of e^(score - maximum), what older sums are multiplied by
  ForwardScratch(const Attention& x, Pieces& pieces)
      : sums(pieces.take<S>(round_up(x.value_width, 16) * kQueries)),
        tile(pieces.take<S>(kKeys * kQueries)),
        one(pieces.take<S>(kKeys * kQueries)),
        two(pieces.take<S>(kKeys * kQueries)),
        top(pieces.take<S>(kQueries)),
        total(pieces.take<S>(kQueries)),
        change(pieces.take<S>(kQueries)) {}
};

// A way of computing, chosen by dtype and processor.
struct ForwardWay {
  void (*run)(const Attention&, const Inputs&, const void* q, const void* k, const void* v, int64_t begin, int64_t end, std::byte* scratch);
  int64_t (*scratch_bytes)(const Attention&);
};

}  // namespace
}  // namespace gradus::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// Takes a tile of scores into maxima and sums, and leaves e^(score - maximum) in it. Returns whether a maximum has grown.
template <int kVectors, class S>
HWY_INLINE bool take_scores(S* HWY_RESTRICT tile, int64_t keys, S* HWY_RESTRICT tops, S* HWY_RESTRICT totals, S* HWY_RESTRICT changes) {
  const hn::ScalableTag<S> d;
  using V = hn::Vec<decltype(d)>;
  constexpr int64_t lanes = kLanes<S>;
  V top[kVectors], sum[kVectors];
  GRADUS_UNROLL
  for (int v = 0; v < kVectors; ++v) top[v] = hn::LoadU(d, tops + v * lanes);
  for (int64_t j = 0; j < keys; ++j) {
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) top[v] = hn::Max(hn::LoadU(d, tile + j * kQueries + v * lanes), top[v]);
  }
  bool has_grown = false;
  GRADUS_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    const V before = hn::LoadU(d, tops + v * lanes);
    hn::StoreU(top[v], d, tops + v * lanes);
    // Nothing to look at so far: exponentials of -infinity, not of -infinity - -infinity.
    top[v] = hn::IfThenZeroElse(hn::Eq(top[v], hn::Set(d, -kInfinity<S>)), top[v]);
    const V change = exp_lanes(d, hn::Sub(before, top[v]));
    has_grown |= !hn::AllTrue(d, hn::Eq(change, hn::Set(d, S(1))));
    hn::StoreU(change, d, changes + v * lanes);
    sum[v] = hn::Zero(d);
  }
  for (int64_t j = 0; j < keys; ++j) {
    GRADUS_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      S* at = tile + j * kQueries + v * lanes;
      const V p = exp_lanes(d, hn::Sub(hn::LoadU(d, at), top[v]));
      sum[v] = hn::Add(sum[v], p);
      hn::StoreU(p, d, at);
    }
  }
  GRADUS_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    S* at = totals + v * lanes;
    hn::StoreU(hn::MulAdd(hn::LoadU(d, at), hn::LoadU(d, changes + v * lanes), sum[v]), d, at);
  }
  return has_grown;
}

template <class S>
void scale_lanes(const S* factors, int64_t rows, int64_t columns, S* to) {
  const hn::ScalableTag<S> d;
  for_groups<S>(columns, [&]<int kVectors>(std::integral_constant<int, kVectors>, int64_t c) HWY_ATTR {
    hn::Vec<decltype(d)> factor[kVectors];
    for (int v = 0; v < kVectors; ++v) factor[v] = hn::LoadU(d, factors + c + v * kLanes<S>);
    for (int64_t r = 0; r < rows; ++r) {
      for (int v = 0; v < kVectors; ++v) {
        S* at = to + r * kQueries + c + v * kLanes<S>;
        hn::StoreU(hn::Mul(hn::LoadU(d, at), factor[v]), d, at);
      }
    }
  });
}

// y = sums / total, 0 where nothing was looked at; `pairs` are top and log total of each query.
template <class T, class S = Compute<T>>
void finish_block(const Block<T>& block, const ForwardScratch<S>& s, bool is_empty, T* y, S* pairs) {
  const hn::ScalableTag<S> d;
  const Attention& x = block.x;
  for (int64_t c = 0; c < block.columns; c += kLanes<S>) {
    const auto total = hn::LoadU(d, s.total + c);
    const auto is_blind = hn::Eq(total, hn::Zero(d));
    if (pairs) {
      hn::StoreU(hn::IfThenElse(is_blind, hn::Set(d, kInfinity<S>), hn::LoadU(d, s.top + c)), d, s.top + c);
      hn::StoreU(hn::IfThenZeroElse(is_blind, log(d, total)), d, s.total + c);
    }
    hn::StoreU(hn::IfThenZeroElse(is_blind, hn::Div(hn::Set(d, S(1)), total)), d, s.change + c);
  }
  if (pairs) {
    S* pair = pairs + 2 * ((block.example * x.heads + block.head) * x.queries + block.first);
    for (int64_t i = 0; i < block.queries; ++i, pair += 2) pair[0] = s.top[i], pair[1] = s.total[i];
  }
  if (!y) return;
  T* to = y + block.example * x.y.example + block.head * x.y.head + block.first * x.y.row;
  if (is_empty) {
    for (int64_t i = 0; i < block.queries; ++i) std::memset(static_cast<void*>(to + i * x.y.row), 0, x.value_width * sizeof(T));
    return;
  }
  scale_lanes(s.change, x.value_width, block.columns, s.sums);
  if constexpr (std::is_same_v<T, S>) {
    transpose(s.sums, kQueries, x.value_width, block.queries, to, x.y.row);
  } else {
    // By parts of a row that fit into a tile.
    for (int64_t begin = 0; begin < x.value_width; begin += kKeys) {
      const int64_t width = std::min(kKeys, x.value_width - begin);
      transpose(s.sums + begin * kQueries, kQueries, width, block.queries, s.tile, kKeys);
      for (int64_t i = 0; i < block.queries; ++i) store_row(s.tile + i * kKeys, width, S(1), to + i * x.y.row + begin);
    }
  }
}

template <class T, class Products, class S = Compute<T>>
void forward_block(const Block<T>& block, Products& products, const void* q, const ForwardScratch<S>& s, T* y, S* pairs) {
  const Attention& x = block.x;
  const hn::ScalableTag<S> d;
  for (int64_t c = 0; c < kQueries; c += kLanes<S>) {
    hn::StoreU(hn::Set(d, -kInfinity<S>), d, s.top + c);
    hn::StoreU(hn::Zero(d), d, s.total + c);
  }
  products.take_queries(block.query_rows(q, x.q), block.queries);
  bool is_first = true;
  for (int64_t key = block.keys.begin; key < block.keys.end; key += kKeys) {
    const int64_t count = std::min(kKeys, block.keys.end - key);
    const Sight seen = block.sight(key, count);
    if (seen == Sight::none) continue;
    products.scores(key, count, block.columns, s.tile);
    block.adjust(seen, key, count, s.tile, s.one, s.two);
    bool has_grown = false;
    for_groups<S>(block.columns, [&]<int kVectors>(std::integral_constant<int, kVectors>, int64_t c) HWY_ATTR {
      has_grown |= take_scores<kVectors>(s.tile + c, count, s.top + c, s.total + c, s.change + c);
    });
    if (!y) continue;
    if (has_grown && !is_first) scale_lanes(s.change, x.value_width, block.columns, s.sums);
    if (x.draw_keys) {
      block.draw(key, count, s.one);
      multiply_tiles(s.one, count, block.columns, s.tile);
    }
    products.add_values(key, count, block.columns, s.tile, is_first, s.sums);
    is_first = false;
  }
  finish_block(block, s, is_first, y, pairs);
}

template <class T, class Products>
void run_forward(const Attention& x, const Inputs& in, const void* q, const void* k, const void* v, int64_t begin, int64_t end,
                 std::byte* scratch) {
  using S = Compute<T>;
  Pieces pieces(scratch);
  const ForwardScratch<S> s(x, pieces);
  Products products(x, pieces);
  products.open();
  const int64_t blocks = divide_up(x.queries, kQueries);
  for (int64_t task = begin; task < end;) {
    const int64_t row = task / blocks, example = row / x.heads, head = row % x.heads, kv_head = head / (x.heads / x.kv_heads);
    const int64_t last = std::min(end, (row + 1) * blocks);
    const auto block_of = [&](int64_t at) { return Block<T>(x, in, example, head, at % blocks * kQueries); };
    products.take_head(rows_of_head<T>(k, x.k, example, kv_head), rows_of_head<T>(v, x.v, example, kv_head),
                       {block_of(task).keys.begin, block_of(last - 1).keys.end});
    for (; task < last; ++task) {
      forward_block(block_of(task), products, q, s, static_cast<T*>(in.next[0]), static_cast<S*>(in.next[1]));
    }
  }
  products.close();
}

template <class T, class Products>
int64_t forward_bytes(const Attention& x) {
  Pieces pieces(nullptr);
  ForwardScratch<Compute<T>>(x, pieces);
  Products(x, pieces);
  return pieces.bytes();
}
template <class T, class Products = VectorForward<T>>
ForwardWay forward_way() {
  return {run_forward<T, Products>, forward_bytes<T, Products>};
}
ForwardWay find_forward(const Attention& x) {
  const DType dtype = x.dtype;
  if (dtype == float64) return forward_way<double>();
  if (dtype == float16) return forward_way<float16_t>();
  if (dtype == bfloat16) return find_pair_product() ? forward_way<bfloat16_t, PairForward>() : forward_way<bfloat16_t>();
  return can_use_parts(x) ? forward_way<float, PartsForward>() : forward_way<float>();
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {
namespace {

HWY_EXPORT(find_forward);

}  // namespace

Status check_lengths(const Attention& x, const Inputs& in) {
  for (int64_t i = 0; x.has_lengths && i < x.examples; ++i) {
    const int64_t length = in.lengths[i * x.length_step];
    constexpr const char *low = "length is out of range: element {} is {}; it must be at least {}",
                         *high = "length is out of range: element {} is {}; it must be at most {}, the number of keys";
    if (length < 0 || length > x.keys) return {false, length < 0 ? low : high, i, static_cast<double>(length), length < 0 ? 0 : x.keys};
  }
  return {};
}

KernelPtr prepare_attention(const Attention& x) {
  if (x.examples * x.heads * x.queries == 0) return make_kernel([](void* const*, void*) { return Status{}; });
  if (has_few_queries(x)) return prepare_few_queries(x);
  const int64_t tasks = x.examples * x.heads * divide_up(x.queries, kQueries);
  // Some 10 us a chunk or more; where rows are copied, so many blocks of a head that it pays.
  const double work =
      static_cast<double>(std::min(x.queries, kQueries)) * static_cast<double>(x.keys) * static_cast<double>(x.width + x.value_width);
  auto tasks_a_chunk = static_cast<int64_t>(std::clamp((1 << 20) / std::max(work, 1.0), 1.0, 1e6));
  if (can_use_parts(x) || must_copy_rows(x.dtype, x.k, x.width) || must_copy_rows(x.dtype, x.v, x.value_width)) {
    const int64_t blocks = divide_up(x.queries, kQueries);
    tasks_a_chunk = std::max(tasks_a_chunk, std::clamp<int64_t>(tasks / 16, 1, blocks));
  }
  const int64_t chunks = divide_up(tasks, tasks_a_chunk);
  const ForwardWay way = HWY_DYNAMIC_DISPATCH(find_forward)(x);
  const SlotSizes sizes(way.scratch_bytes(x), chunks);
  return make_kernel(
      [=](void* const* p, void* scratch) {
        const Inputs in(x, p + 3);
        const Status status = check_lengths(x, in);
        if (!status.is_ok) return status;
        Slots slots(sizes, scratch);
        parallel_for(chunks, [&](int64_t chunk) {
          const Slots::Claim slot(slots);
          way.run(x, in, p[0], p[1], p[2], tasks * chunk / chunks, tasks * (chunk + 1) / chunks, slot.data());
        });
        return Status{};
      },
      sizes.scratch_bytes(), x.has_lengths);
}

}  // namespace gradus::cpu
#endif
