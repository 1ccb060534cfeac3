// Parts of attention that both passes share. A tile of scores has keys as rows and queries in the lanes, so that maxima and sums over keys
// need no exchange of lanes, and k and v are read where they lie. Included once a target.
#if defined(GRADUS_CPU_ATTENTION_TILE_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_CPU_ATTENTION_TILE_INL_HPP
#undef GRADUS_CPU_ATTENTION_TILE_INL_HPP
#else
#define GRADUS_CPU_ATTENTION_TILE_INL_HPP
#endif

#include <hwy/highway.h>

#include <cstring>

#include "gradus/cpu/attention/call.hpp"
#include "gradus/cpu/matrix/gemm-inl.hpp"
#include "gradus/cpu/normalize/rows-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

// ---- products: c (+)= a b, any rows of a, b and c with unit stride in their columns.

template <int kVectors, class S>
void multiply_columns(const S* a, int64_t a_row, int64_t a_column, const S* b, int64_t b_row, int64_t depth, bool is_first, S* c,
                      int64_t c_row, int64_t rows, int64_t columns) {
  constexpr int kMost = kTileRows < 12 || kVectors == 4 ? 6 : 8;
  int64_t i = 0;
  const auto tiles = [&]<int kRows>(std::integral_constant<int, kRows>) {
    for (; i + kRows <= rows; i += kRows) {
      multiply_tile<kRows, kVectors, false>(a + i * a_row, a_row, a_column, b, b_row, depth, is_first, c + i * c_row, c_row, kRows,
                                            columns);
    }
  };
  tiles(std::integral_constant<int, kMost>());
  tiles(std::integral_constant<int, 4>());
  tiles(std::integral_constant<int, 2>());
  tiles(std::integral_constant<int, 1>());
}
template <class S>
void multiply(const S* a, int64_t a_row, int64_t a_column, const S* b, int64_t b_row, int64_t depth, bool is_first, S* c, int64_t c_row,
              int64_t rows, int64_t columns) {
  constexpr int64_t lanes = kLanes<S>;
  int64_t j = 0;
  while (j < columns) {
    const int64_t vectors = (columns - j + lanes - 1) / lanes;
    const auto take = [&]<int kVectors>(std::integral_constant<int, kVectors>) {
      const int64_t width = std::min(columns - j, kVectors * lanes);
      multiply_columns<kVectors>(a, a_row, a_column, b + j, b_row, depth, is_first, c + j, c_row, rows, width);
      j += width;
    };
    if constexpr (kTileRows == 12) {
      if (vectors == 4 || vectors > 5) take(std::integral_constant<int, 4>());
      else if (vectors == 3 || vectors == 5) take(std::integral_constant<int, 3>());
      else if (vectors == 2) take(std::integral_constant<int, 2>());
      else take(std::integral_constant<int, 1>());
    } else {
      if (vectors >= 2) take(std::integral_constant<int, 2>());
      else take(std::integral_constant<int, 1>());
    }
  }
}

// ---- rows in and out.

// Rows of unit stride in what is computed in, times `scale`.
template <class T, class S = Compute<T>>
void load_rows(const T* from, int64_t row, int64_t column, int64_t rows, int64_t width, S scale, S* to) {
  const hn::ScalableTag<S> d;
  for (int64_t i = 0; i < rows; ++i, from += row, to += width) {
    if (column == 1) {
      for_vectors(d, width,
                  [&](auto part, int64_t at) HWY_ATTR { store(d, part, to + at, hn::Mul(load(d, part, from + at), hn::Set(d, scale))); });
    } else {
      for (int64_t at = 0; at < width; ++at) to[at] = static_cast<S>(from[at * column]) * scale;
    }
  }
}
template <class T, class S = Compute<T>>
void store_row(const S* from, int64_t width, S scale, T* to) {
  const hn::ScalableTag<S> d;
  for_vectors(d, width,
              [&](auto part, int64_t at) HWY_ATTR { store(d, part, to + at, hn::Mul(load(d, part, from + at), hn::Set(d, scale))); });
}

// The rows of k or v of one head: where they lie, if they follow each other and can be computed with, else copied when they are first asked
// for. (Rows that lie a power of two apart would share few places of a cache.)
template <class T>
class Rows {
 public:
  using S = Compute<T>;
  Rows() = default;
  // `copy` has room for all rows that will be asked for, if they must be copied.
  Rows(const T* from, const AttentionSteps& steps, int64_t width, bool must_copy, S* copy)
      : from_(from), steps_(steps), width_(width), copy_(must_copy ? copy : nullptr) {}
  int64_t row() const { return copy_ ? width_ : steps_.row; }
  // Row `begin`, with the following ones up to `end` behind it. Later calls ask for no earlier rows.
  const S* at(int64_t begin, int64_t end) {
    if (copy_) {
      const int64_t first = std::max(begin, end_);
      if (first < end) load_rows(from_ + first * steps_.row, steps_.row, steps_.column, end - first, width_, S(1), copy_ + first * width_);
      end_ = std::max(end_, end);
      return copy_ + begin * width_;
    }
    if constexpr (std::is_same_v<T, S>) return from_ + begin * steps_.row;
    else return nullptr;
  }

 private:
  const T* from_ = nullptr;
  AttentionSteps steps_{};
  int64_t width_ = 0;
  S* copy_ = nullptr;
  int64_t end_ = 0;  // rows before have been copied, or will not be asked for
};

template <class T>
const T* rows_of_head(const void* base, const AttentionSteps& steps, int64_t example, int64_t head) {
  return static_cast<const T*>(base) + example * steps.example + head * steps.head;
}

// A panel: columns x kQueries, of `queries` rows; lanes beyond them are 0.
template <class S>
void make_panel(const S* rows, int64_t row, int64_t queries, int64_t width, S* panel) {
  if (queries < kQueries) {
    for (int64_t c = 0; c < width; ++c) std::memset(panel + c * kQueries, 0, kQueries * sizeof(S));
  }
  transpose(rows, row, queries, width, panel, kQueries);
}

// ---- what is added to scores, and who may look where.

// What a bool mask lets a block of queries see of some keys.
enum class Sight : uint8_t { all, none, some };

template <class S>
HWY_INLINE void as_added(const bool* mask, int64_t column, int64_t keys, S* to) {
  for (int64_t j = 0; j < keys; ++j) to[j] = mask[j * column] ? S(0) : -kInfinity<S>;
}
HWY_INLINE void as_added(const bool* mask, int64_t column, int64_t keys, float* to) {
  int64_t j = 0;
  if (column == 1) {
    const hn::ScalableTag<float> d;
    const hn::Rebind<uint8_t, decltype(d)> d8;
    const hn::Rebind<int32_t, decltype(d)> d32;
    const auto* bytes = reinterpret_cast<const uint8_t*>(mask);
    for (; j + kLanes<float> <= keys; j += kLanes<float>) {
      const auto is_hidden = hn::RebindMask(d, hn::Eq(hn::PromoteTo(d32, hn::LoadU(d8, bytes + j)), hn::Zero(d32)));
      hn::StoreU(hn::IfThenElseZero(is_hidden, hn::Set(d, -kInfinity<float>)), d, to + j);
    }
  }
  for (; j < keys; ++j) to[j] = mask[j * column] ? 0.0f : -kInfinity<float>;
}
template <class S>
HWY_INLINE void as_added(const S* mask, int64_t column, int64_t keys, S* to) {
  if (column == 1) std::memcpy(to, mask, static_cast<size_t>(keys) * sizeof(S));
  else
    for (int64_t j = 0; j < keys; ++j) to[j] = mask[j * column];
}

inline Sight sight_of(const bool* mask, const AttentionSteps& steps, int64_t queries, int64_t keys) {
  bool some_true = false, some_false = false;
  for (int64_t i = 0; i < queries && !(some_true && some_false); ++i, mask += steps.row) {
    if (steps.column == 1) {
      some_true = some_true || std::memchr(mask, 1, static_cast<size_t>(keys));
      some_false = some_false || std::memchr(mask, 0, static_cast<size_t>(keys));
    } else {
      for (int64_t j = 0; j < keys; ++j) (mask[j * steps.column] ? some_true : some_false) = true;
    }
  }
  return some_true && some_false ? Sight::some : some_true ? Sight::all : Sight::none;
}

// A tile of a mask as numbers to be added; bools become 0 and -infinity. `added` and `rows` hold a tile each.
template <class S, class M>
void mask_tile(const M* mask, const AttentionSteps& steps, int64_t queries, int64_t keys, S* rows, S* added) {
  if (steps.row == 0) {
    as_added(mask, steps.column, keys, rows);
    const hn::ScalableTag<S> d;
    for (int64_t j = 0; j < keys; ++j) {
      for (int64_t c = 0; c < kQueries; c += kLanes<S>) hn::StoreU(hn::Set(d, rows[j]), d, added + j * kQueries + c);
    }
    return;
  }
  for (int64_t i = 0; i < queries; ++i) as_added(mask + i * steps.row, steps.column, keys, rows + i * kKeys);
  transpose(rows, kKeys, queries, keys, added, kQueries);
  for (int64_t j = 0; j < keys; ++j) std::fill(added + j * kQueries + queries, added + (j + 1) * kQueries, S(0));  // of no query
}
// Of bools: where they are false the score is -infinity whatever it was.
template <class S>
void add_tile(const S* added, bool is_bool, int64_t keys, int64_t columns, S* tile) {
  const hn::ScalableTag<S> d;
  const auto low = hn::Set(d, -kInfinity<S>);
  for (int64_t j = 0; j < keys; ++j) {
    for (int64_t c = j * kQueries; c < j * kQueries + columns; c += kLanes<S>) {
      const auto term = hn::LoadU(d, added + c), score = hn::LoadU(d, tile + c);
      hn::StoreU(is_bool ? hn::IfThenElse(hn::Eq(term, low), low, score) : hn::Add(score, term), d, tile + c);
    }
  }
}

// score -= slope |position - key|, the position of lane 0 being `position`.
template <class S>
void add_slope(S slope, int64_t position, int64_t first_key, int64_t keys, int64_t columns, S* tile) {
  const hn::ScalableTag<S> d;
  for (int64_t j = 0; j < keys; ++j) {
    for (int64_t c = 0; c < columns; c += kLanes<S>) {
      const auto distance = hn::Iota(d, static_cast<S>(position + c - first_key - j));
      S* at = tile + j * kQueries + c;
      hn::StoreU(hn::Sub(hn::LoadU(d, at), hn::Mul(hn::Set(d, slope), hn::Abs(distance))), d, at);
    }
  }
}

// -infinity for the lanes that key first_key + j is out of sight of.
template <class S>
void hide_keys(const Attention& x, int64_t position, int64_t first_key, int64_t keys, int64_t columns, S* tile) {
  const hn::ScalableTag<S> d;
  const auto low = hn::Set(d, -kInfinity<S>);
  for (int64_t j = 0; j < keys; ++j) {
    const Span lanes = queries_of(x, first_key + j - position);
    const auto begin = hn::Set(d, static_cast<S>(std::clamp<int64_t>(lanes.begin, 0, kQueries)));
    const auto end = hn::Set(d, static_cast<S>(std::clamp<int64_t>(lanes.end, 0, kQueries)));
    for (int64_t c = 0; c < columns; c += kLanes<S>) {
      const auto lane = hn::Iota(d, static_cast<S>(c));
      S* at = tile + j * kQueries + c;
      hn::StoreU(hn::IfThenElse(hn::And(hn::Ge(lane, begin), hn::Lt(lane, end)), hn::LoadU(d, at), low), d, at);
    }
  }
}

// ---- dropout: what weights are multiplied by (keys x queries), 0 or `factor`, by the words of a draw key.

template <class D, class V = hn::Vec<D>>
HWY_INLINE void philox_lanes(D d, V counter, uint64_t key, V* words) {
  const hn::Repartition<uint32_t, D> d32;
  const auto times = [&](V a, V b) HWY_ATTR { return hn::MulEven(hn::BitCast(d32, a), hn::BitCast(d32, b)); };
  const V m0 = hn::Set(d, 0xD2511F53u), m1 = hn::Set(d, 0xCD9E8D57u), low_half = hn::Set(d, 0xFFFFFFFFu);
  V c0 = counter, c1 = hn::ShiftRight<32>(counter), c2 = hn::Zero(d), c3 = c2;
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const V p0 = times(c0, m0), p1 = times(c2, m1);
    c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(d, uint64_t{k0}));
    c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(d, uint64_t{k1}));
    c1 = p1;
    c3 = p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  words[0] = hn::And(c0, low_half);
  words[1] = hn::And(c1, low_half);
  words[2] = hn::And(c2, low_half);
  words[3] = hn::And(c3, low_half);
}

// factor where the word is at least the threshold, else 0.
HWY_INLINE void store_drawn(hn::Vec<hn::ScalableTag<uint64_t>> word, const Draw<double>& draw, double* to) {
  const hn::ScalableTag<uint64_t> d;
  const hn::ScalableTag<double> df;
  const auto is_dropped = hn::RebindMask(df, hn::Lt(word, hn::Set(d, uint64_t{draw.threshold})));
  hn::StoreU(hn::IfThenZeroElse(is_dropped, hn::Set(df, draw.factor)), df, to);
}
HWY_INLINE void store_drawn(hn::Vec<hn::ScalableTag<uint64_t>> word, const Draw<float>& draw, float* to) {
  const hn::Rebind<uint32_t, hn::ScalableTag<uint64_t>> d;
  const hn::Rebind<float, hn::ScalableTag<uint64_t>> df;
  const auto is_dropped = hn::RebindMask(df, hn::Lt(hn::TruncateTo(d, word), hn::Set(d, draw.threshold)));
  hn::StoreU(hn::IfThenZeroElse(is_dropped, hn::Set(df, draw.factor)), df, to);
}

// Lane q of key j has word first + q * stride + j.
template <class S>
void draw_tile(const Draw<S>& draw, uint64_t first, uint64_t stride, int64_t keys, int64_t columns, S* out) {
  const hn::ScalableTag<uint64_t> d;
  using V = hn::Vec<decltype(d)>;
  const V two_bits = hn::Set(d, 3u);
  const bool is_aligned = stride % 4 == 0;  // all lanes have the same place in a block of four words
  for (int64_t c = 0; c < columns; c += static_cast<int64_t>(hn::Lanes(d))) {
    HWY_ALIGN uint64_t elements[HWY_LANES(uint64_t)];
    for (size_t i = 0; i < hn::Lanes(d); ++i) elements[i] = first + (static_cast<uint64_t>(c) + i) * stride;
    const V row = hn::Load(d, elements);
    V words[4];
    for (int64_t j = 0; j < keys; ++j) {
      const V element = hn::Add(row, hn::Set(d, static_cast<uint64_t>(j)));
      const uint64_t place = (first + static_cast<uint64_t>(j)) % 4;
      if (!is_aligned || j == 0 || place == 0) philox_lanes(d, hn::ShiftRight<2>(element), draw.key, words);
      V word = words[place];
      if (!is_aligned) {
        const V places = hn::And(element, two_bits);
        for (uint64_t k = 0; k < 4; ++k) word = hn::IfThenElse(hn::Eq(places, hn::Set(d, k)), words[k], word);
      }
      store_drawn(word, draw, out + j * kQueries + c);
    }
  }
}
template <class S>
void multiply_tiles(const S* factors, int64_t keys, int64_t columns, S* tile) {
  const hn::ScalableTag<S> d;
  for (int64_t j = 0; j < keys; ++j) {
    for (int64_t c = j * kQueries; c < j * kQueries + columns; c += kLanes<S>) {
      hn::StoreU(hn::Mul(hn::LoadU(d, tile + c), hn::LoadU(d, factors + c)), d, tile + c);
    }
  }
}

// ---- a block of queries of one head.

// Calls body.template operator()<V>(c) for groups of V vectors that cover `columns` lanes.
template <class S, class Body>
HWY_INLINE void for_groups(int64_t columns, Body&& body) {
  constexpr int kMost = kTileRows == 12 ? 4 : 2;
  int64_t c = 0;
  for (; c + kMost * kLanes<S> <= columns; c += kMost * kLanes<S>) body(std::integral_constant<int, kMost>(), c);
  for (; c < columns; c += kLanes<S>) body(std::integral_constant<int, 1>(), c);
}

// One block of queries as both passes see it.
template <class T>
struct Block {
  using S = Compute<T>;
  const Attention& x;
  const Inputs& in;
  int64_t example, head, first, queries;  // queries first .. first + queries - 1
  int64_t columns;                        // lanes in use: queries, rounded up
  int64_t position;                       // of the first query among the keys
  Span keys;                              // that some query may look at

  Block(const Attention& attention, const Inputs& inputs, int64_t example_index, int64_t head_index, int64_t first_query)
      : x(attention),
        in(inputs),
        example(example_index),
        head(head_index),
        first(first_query),
        queries(std::min(kQueries, x.queries - first)),
        columns((queries + kLanes<S> - 1) / kLanes<S> * kLanes<S>),
        position(first + in.offset(x, example)),
        keys(keys_of(x, in.length(x, example), position, queries)) {}

  const T* query_rows(const void* base, const AttentionSteps& steps) const {
    return static_cast<const T*>(base) + example * steps.example + head * steps.head + first * steps.row;
  }
  Sight sight(int64_t key, int64_t count) const {
    return x.is_bool_mask ? sight_of(mask<bool>(key), x.mask, x.mask.row == 0 ? 1 : queries, count) : Sight::some;
  }
  // Masks, slopes, hidden keys on a tile of scaled products. `one` and `two` hold a tile each.
  void adjust(Sight seen, int64_t key, int64_t count, S* tile, S* one, S* two) const {
    if (x.has_mask && seen == Sight::some) {
      if (x.is_bool_mask) mask_tile(mask<bool>(key), x.mask, queries, count, one, two);
      else mask_tile(mask<S>(key), x.mask, queries, count, one, two);
      add_tile(two, x.is_bool_mask, count, columns, tile);
    }
    if (x.has_slopes) add_slope(in.slope<S>(x, head), position, key, count, columns, tile);
    if (hides_some(x, position, queries, {key, key + count})) hide_keys(x, position, key, count, columns, tile);
  }
  void draw(int64_t key, int64_t count, S* out) const {
    const auto row = static_cast<uint64_t>(((example % Inputs::draw_examples(x)) * x.heads + head) * x.queries + first);
    const auto row_keys = static_cast<uint64_t>(x.keys);
    draw_tile(Draw<S>(x, in.draw_key(x, example)), row * row_keys + static_cast<uint64_t>(key), row_keys, count, columns, out);
  }

 private:
  template <class M>
  const M* mask(int64_t key) const {
    return static_cast<const M*>(in.mask) + example * x.mask.example + head * x.mask.head + first * x.mask.row + key * x.mask.column;
  }
};

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
