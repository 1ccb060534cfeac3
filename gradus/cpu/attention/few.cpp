// Attention of few queries: products of rows, with the width of a row in the lanes; the queries of all heads that share k and v go
// together.
#include "gradus/cpu/highway_targets.hpp"

#include "gradus/cpu/attention/few.hpp"

#include "gradus/base/parallel.hpp"
#include "gradus/base/philox.hpp"
#include "gradus/cpu/attention/call.hpp"
#include "gradus/cpu/loop/slots.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "gradus/cpu/attention/few.cpp"
#include <hwy/foreach_target.h>

#include "gradus/cpu/attention/tile-inl.hpp"

#ifndef GRADUS_CPU_ATTENTION_FEW_ONCE
#define GRADUS_CPU_ATTENTION_FEW_ONCE
namespace gradus::cpu {
namespace {

constexpr int64_t kFewKeys = 256;  // whose scores are computed before their values are read

// Scratch of the queries that share a head of k and v.
template <class S>
struct FewScratch {
  S *q, *sums, *scores, *k, *v;
  S *top, *total;  // of each query: maximum, sum of e^(score - maximum)
  FewScratch(const Attention& x, Pieces& pieces) {
    const int64_t rows = x.heads / x.kv_heads * x.queries;
    q = pieces.take<S>(rows * x.width);
    sums = pieces.take<S>(rows * x.value_width);
    scores = pieces.take<S>(rows * kFewKeys);
    k = pieces.take<S>(kFewKeys * x.width);  // of rows that are copied
    v = pieces.take<S>(kFewKeys * x.value_width);
    top = pieces.take<S>(rows);
    total = pieces.take<S>(rows);
  }
};

}  // namespace
}  // namespace gradus::cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// scores[r, j] = q[r] . k[j] for kRows rows of q and kCount of k.
template <int kRows, int kCount, class S>
HWY_INLINE void dots(const S* HWY_RESTRICT q, int64_t width, const S* HWY_RESTRICT k, int64_t k_row, S* HWY_RESTRICT scores) {
  const hn::ScalableTag<S> d;
  using V = hn::Vec<decltype(d)>;
  V sums[kRows][kCount];
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    GRADUS_UNROLL
    for (int j = 0; j < kCount; ++j) sums[r][j] = hn::Zero(d);
  }
  for_vectors(d, width, [&](auto part, int64_t at) HWY_ATTR {
    V keys[kCount];
    GRADUS_UNROLL
    for (int j = 0; j < kCount; ++j) keys[j] = load(d, part, k + j * k_row + at);
    GRADUS_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const V row = load(d, part, q + r * width + at);
      GRADUS_UNROLL
      for (int j = 0; j < kCount; ++j) sums[r][j] = hn::MulAdd(row, keys[j], sums[r][j]);
    }
  });
  GRADUS_UNROLL
  for (int r = 0; r < kRows; ++r) {
    GRADUS_UNROLL
    for (int j = 0; j < kCount; ++j) scores[r * kFewKeys + j] = hn::GetLane(hn::SumOfLanes(d, sums[r][j]));
  }
}
template <class S>
void all_dots(const S* q, int64_t rows, int64_t width, const S* k, int64_t k_row, int64_t keys, S* scores) {
  int64_t r = 0;
  for (; r + 2 <= rows; r += 2) {
    int64_t j = 0;
    for (; j + 4 <= keys; j += 4) dots<2, 4>(q + r * width, width, k + j * k_row, k_row, scores + r * kFewKeys + j);
    for (; j < keys; ++j) dots<2, 1>(q + r * width, width, k + j * k_row, k_row, scores + r * kFewKeys + j);
  }
  if (r == rows) return;
  int64_t j = 0;
  for (; j + 8 <= keys; j += 8) dots<1, 8>(q + r * width, width, k + j * k_row, k_row, scores + r * kFewKeys + j);
  for (; j < keys; ++j) dots<1, 1>(q + r * width, width, k + j * k_row, k_row, scores + r * kFewKeys + j);
}

// Each row is read once: it is copied only if it cannot be computed with.
template <class T>
bool cannot_be_read(const AttentionSteps& steps) {
  return !std::is_same_v<T, Compute<T>> || steps.column != 1;
}

// A query at its place among the others.
template <class T>
struct Query {
  using S = Compute<T>;
  const Attention& x;
  const Inputs& in;
  int64_t example, head, index, position;
  Span keys;

  Query(const Attention& attention, const Inputs& inputs, int64_t example_index, int64_t head_index, int64_t row)
      : x(attention),
        in(inputs),
        example(example_index),
        head(head_index),
        index(row),
        position(row + in.offset(x, example)),
        keys(keys_of(x, in.length(x, example), position, 1)) {}

  // Masks and slopes on the scores of keys `first` .. first + count - 1; -infinity for those out of sight.
  void adjust(int64_t first, int64_t count, S* scores) const {
    for (int64_t j = 0; j < count; ++j) {
      const int64_t key = first + j;
      if (key < keys.begin || key >= keys.end) {
        scores[j] = -kInfinity<S>;
        continue;
      }
      if (x.has_mask) {
        const int64_t at = example * x.mask.example + head * x.mask.head + index * x.mask.row + key * x.mask.column;
        if (!x.is_bool_mask) scores[j] += static_cast<const S*>(in.mask)[at];
        else if (!static_cast<const bool*>(in.mask)[at]) scores[j] = -kInfinity<S>;
      }
      if (x.has_slopes) scores[j] -= in.slope<S>(x, head) * static_cast<S>(std::abs(position - key));
    }
  }
  void drop(int64_t first, int64_t count, S* weights) const {
    const Draw<S> draw(x, in.draw_key(x, example));
    const auto row = static_cast<uint64_t>(((example % Inputs::draw_examples(x)) * x.heads + head) * x.queries + index);
    const uint64_t first_element = row * static_cast<uint64_t>(x.keys) + static_cast<uint64_t>(first);
    for (int64_t j = 0; j < count; ++j) {
      const uint64_t element = first_element + static_cast<uint64_t>(j);
      weights[j] *= philox(element / 4, 0, draw.key)[element % 4] < draw.threshold ? S(0) : draw.factor;
    }
  }
};

// Takes scores into maximum and sum, and leaves e^(score - maximum) in them. Returns what older sums are multiplied by.
template <class S>
S take_row(S* scores, int64_t count, S& top, S& total) {
  const hn::ScalableTag<S> d;
  const S before = top;
  top = std::max(before, max_of_row(d, scores, count));
  const S shift = top == -kInfinity<S> ? S(0) : top;
  const auto shifts = hn::Set(d, shift);
  const double sum = sum_vectors(d, count, [&](auto part, int64_t j) HWY_ATTR {
    const auto p = exp_lanes(d, hn::Sub(load(d, part, scores + j), shifts));
    store(d, part, scores + j, p);
    return p;
  });
  const S change = hn::GetLane(exp_lanes(d, hn::Set(d, before - shift)));
  total = total * change + static_cast<S>(sum);
  return change;
}

template <class T, class S = Compute<T>>
void finish_query(const Query<T>& query, const S* sums, S top, S total, T* y, S* pairs) {
  const Attention& x = query.x;
  if (pairs) {
    S* pair = pairs + 2 * ((query.example * x.heads + query.head) * x.queries + query.index);
    pair[0] = total == S(0) ? kInfinity<S> : top;
    pair[1] = total == S(0) ? S(0) : std::log(total);
  }
  if (!y) return;
  T* to = y + query.example * x.y.example + query.head * x.y.head + query.index * x.y.row;
  if (total == S(0)) std::memset(static_cast<void*>(to), 0, x.value_width * sizeof(T));
  else store_row(sums, x.value_width, 1 / total, to);
}

template <class T>
void run_few(const Attention& x, const Inputs& in, const void* q, const void* k, const void* v, int64_t begin, int64_t end,
             std::byte* scratch) {
  using S = Compute<T>;
  const hn::ScalableTag<S> d;
  Pieces pieces(scratch);
  const FewScratch<S> s(x, pieces);
  const int64_t group = x.heads / x.kv_heads, rows = group * x.queries;
  const auto query_of = [&](int64_t example, int64_t head, int64_t r) {
    return Query<T>(x, in, example, head * group + r / x.queries, r % x.queries);
  };
  for (int64_t task = begin; task < end; ++task) {
    const int64_t example = task / x.kv_heads, head = task % x.kv_heads;
    Span keys{x.keys, 0};
    for (int64_t r = 0; r < rows; ++r) {
      const Query<T> query = query_of(example, head, r);
      load_rows(static_cast<const T*>(q) + example * x.q.example + query.head * x.q.head + query.index * x.q.row, int64_t{0}, x.q.column,
                int64_t{1}, x.width, static_cast<S>(x.scale), s.q + r * x.width);
      s.top[r] = -kInfinity<S>;
      s.total[r] = S(0);
      keys = {std::min(keys.begin, query.keys.begin), std::max(keys.end, query.keys.end)};
    }
    std::fill_n(s.sums, rows * x.value_width, S(0));
    const T *first_k = rows_of_head<T>(k, x.k, example, head), *first_v = rows_of_head<T>(v, x.v, example, head);
    for (int64_t key = keys.begin; key < keys.end; key += kFewKeys) {
      const int64_t count = std::min(kFewKeys, keys.end - key);
      Rows<T> key_rows(first_k + key * x.k.row, x.k, x.width, cannot_be_read<T>(x.k), s.k);
      all_dots(s.q, rows, x.width, key_rows.at(0, count), key_rows.row(), count, s.scores);
      for (int64_t r = 0; r < rows; ++r) {
        const Query<T> query = query_of(example, head, r);
        S* scores = s.scores + r * kFewKeys;
        query.adjust(key, count, scores);
        const S change = take_row(scores, count, s.top[r], s.total[r]);
        if (change != S(1)) {
          S* sums = s.sums + r * x.value_width;
          for_vectors(d, x.value_width, [&](auto part, int64_t at) HWY_ATTR {
            store(d, part, sums + at, hn::Mul(load(d, part, sums + at), hn::Set(d, change)));
          });
        }
        if (x.draw_keys) query.drop(key, count, scores);
      }
      Rows<T> values(first_v + key * x.v.row, x.v, x.value_width, cannot_be_read<T>(x.v), s.v);
      multiply(s.scores, kFewKeys, int64_t{1}, values.at(0, count), values.row(), count, false, s.sums, x.value_width, rows, x.value_width);
    }
    for (int64_t r = 0; r < rows; ++r) {
      finish_query(query_of(example, head, r), s.sums + r * x.value_width, s.top[r], s.total[r], static_cast<T*>(in.next[0]),
                   static_cast<S*>(in.next[1]));
    }
  }
}

using FewRun = void (*)(const Attention&, const Inputs&, const void*, const void*, const void*, int64_t, int64_t, std::byte*);
FewRun find_few(DType dtype) {
  if (dtype == float64) return run_few<double>;
  if (dtype == float16) return run_few<float16_t>;
  return dtype == bfloat16 ? run_few<bfloat16_t> : run_few<float>;
}

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::cpu {
namespace {

HWY_EXPORT(find_few);

int64_t scratch_bytes(const Attention& x) {
  Pieces pieces(nullptr);
  if (x.dtype == float64) FewScratch<double>(x, pieces);
  else FewScratch<float>(x, pieces);
  return pieces.bytes();
}

}  // namespace

bool has_few_queries(const Attention& x) { return x.heads / x.kv_heads * x.queries <= 8 && x.queries <= 4; }

KernelPtr prepare_few_queries(const Attention& x) {
  const int64_t tasks = x.examples * x.kv_heads;
  const double work = static_cast<double>(x.keys) * static_cast<double>(x.width + x.value_width);
  const auto tasks_a_chunk = static_cast<int64_t>(std::clamp((1 << 17) / std::max(work, 1.0), 1.0, 1e6));
  const int64_t chunks = divide_up(tasks, tasks_a_chunk);
  const SlotSizes sizes(scratch_bytes(x), chunks);
  const auto run = HWY_DYNAMIC_DISPATCH(find_few)(x.dtype);
  return make_kernel(
      [=](void* const* p, void* scratch) {
        const Inputs in(x, p + 3);
        const Status status = check_lengths(x, in);
        if (!status.is_ok) return status;
        Slots slots(sizes, scratch);
        parallel_for(chunks, [&](int64_t chunk) {
          const Slots::Claim slot(slots);
          run(x, in, p[0], p[1], p[2], tasks * chunk / chunks, tasks * (chunk + 1) / chunks, slot.data());
        });
        return Status{};
      },
      sizes.scratch_bytes(), x.has_lengths);
}

}  // namespace gradus::cpu
#endif
