// The products of attention in three ways: by register tiles in what is computed in, or, on processors that have instructions for it, by
// pairs of bfloat16 (pairs.hpp), and float32 in parts of bfloat16 (parts.hpp). Included once a target.
#if defined(GRADUS_CPU_ATTENTION_PRODUCTS_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_CPU_ATTENTION_PRODUCTS_INL_HPP
#undef GRADUS_CPU_ATTENTION_PRODUCTS_INL_HPP
#else
#define GRADUS_CPU_ATTENTION_PRODUCTS_INL_HPP
#endif

#include "gradus/cpu/attention/tile-inl.hpp"
#include "gradus/cpu/matrix/pairs.hpp"
#include "gradus/cpu/matrix/parts.hpp"

HWY_BEFORE_NAMESPACE();
namespace gradus::cpu::HWY_NAMESPACE {
namespace {

// ---- pairs of bfloat16: matrices whose depth is padded with zeros to a multiple of 32, other sides to one of 16.

// The upper halves of the words that round to bfloat16.
template <class D, class V = hn::Vec<D>>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> rounded_words(D, V value) {
  const hn::RebindToUnsigned<D> du;
  const auto word = hn::BitCast(du, value);
  const auto odd = hn::And(hn::ShiftRight<16>(word), hn::Set(du, 1u));
  const auto rounded = hn::Add(word, hn::Add(odd, hn::Set(du, 0x7fffu)));
  return hn::IfThenElse(hn::RebindMask(du, hn::IsNaN(value)), hn::Or(word, hn::Set(du, 0x400000u)), rounded);
}

// Rows of floats to rows of bfloat16 bits.
inline void round_rows(const float* from, int64_t from_row, int64_t rows, int64_t columns, uint16_t* to, int64_t to_row) {
  const hn::ScalableTag<float> d;
  const hn::Rebind<uint16_t, decltype(d)> d16;
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t c = 0; c < columns; c += kLanes<float>) {
      const auto words = rounded_words(d, hn::LoadU(d, from + i * from_row + c));
      hn::StoreU(hn::TruncateTo(d16, hn::ShiftRight<16>(words)), d16, to + i * to_row + c);
    }
  }
}
// Rows 2 p and 2 p + 1 of floats to words; rows from `rows` on count as 0. `words_rows` pairs.
inline void pair_rows(const float* from, int64_t from_row, int64_t rows, int64_t pairs, int64_t columns, uint32_t* to, int64_t to_row) {
  const hn::ScalableTag<float> d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const auto upper = hn::Set(du, 0xffff0000u);
  for (int64_t p = 0; p < pairs; ++p) {
    for (int64_t c = 0; c < columns; c += kLanes<float>) {
      const auto row = [&](int64_t i)
                           HWY_ATTR { return i < rows ? rounded_words(d, hn::LoadU(d, from + i * from_row + c)) : hn::Zero(du); };
      hn::StoreU(hn::Or(hn::ShiftRight<16>(row(2 * p)), hn::And(row(2 * p + 1), upper)), du, to + p * to_row + c);
    }
  }
}

// Rows of bfloat16, times a power of two, to bits in rows of `padded` elements, the rest 0.
inline void copy_rows(const bfloat16_t* from, const AttentionSteps& steps, int64_t rows, int64_t width, int64_t padded, float scale,
                      uint16_t* to) {
  const hn::ScalableTag<float> d;
  for (int64_t i = 0; i < rows; ++i, from += steps.row, to += padded) {
    std::memset(to + width, 0, static_cast<size_t>(padded - width) * 2);
    if (steps.column == 1 && scale == 1) {
      std::memcpy(to, from, static_cast<size_t>(width) * 2);
    } else if (steps.column == 1) {
      for_vectors(d, width, [&](auto part, int64_t c) HWY_ATTR {
        store(d, part, reinterpret_cast<bfloat16_t*>(to) + c, hn::Mul(load(d, part, from + c), hn::Set(d, scale)));
      });
    } else {
      for (int64_t c = 0; c < width; ++c) to[c] = bfloat16_t(static_cast<float>(from[c * steps.column]) * scale).bits;
    }
  }
}
// kKeys rows of bits, `padded` (a multiple of 32) wide, to words: columns 2 p and 2 p + 1 of a row side by side, rows in the lanes.
inline void pair_columns(const uint16_t* rows, int64_t padded, uint32_t* to) {
  transpose(reinterpret_cast<const uint32_t*>(rows), padded / 2, kKeys, padded / 2, to, kKeys);
}
// The same words to columns of bits: to[c * to_row + i] = rows[i * padded + c].
inline void split_columns(const uint32_t* words, int64_t columns, uint16_t* to, int64_t to_row) {
  const hn::ScalableTag<uint32_t> d;
  const hn::Rebind<uint16_t, decltype(d)> d16;
  for (int64_t c = 0; c < columns; ++c) {
    for (int64_t i = 0; i < kKeys; i += kLanes<uint32_t>) {
      const auto word = hn::LoadU(d, words + c / 2 * kKeys + i);
      const auto half = c % 2 ? hn::ShiftRight<16>(word) : hn::And(word, hn::Set(d, 0xffffu));
      hn::StoreU(hn::TruncateTo(d16, half), d16, to + c * to_row + i);
    }
  }
}
// Rows 2 p and 2 p + 1 of bits side by side in words, columns in the lanes; rows is even.
inline void pair_bits(const uint16_t* from, int64_t from_row, int64_t rows, int64_t columns, uint32_t* to, int64_t to_row) {
  const hn::ScalableTag<uint32_t> d;
  const hn::Rebind<uint16_t, decltype(d)> d16;
  for (int64_t p = 0; p < rows / 2; ++p) {
    const uint16_t* row = from + 2 * p * from_row;
    for (int64_t c = 0; c < columns; c += kLanes<uint32_t>) {
      const auto low = hn::PromoteTo(d, hn::LoadU(d16, row + c)), high = hn::PromoteTo(d, hn::LoadU(d16, row + from_row + c));
      hn::StoreU(hn::Or(low, hn::ShiftLeft<16>(high)), d, to + p * to_row + c);
    }
  }
}

// ---- a head of k and v, a block of queries, and their products in the forward pass

// Scores and sums of values. T is the dtype of arrays, S what is computed in; tiles are keys x kQueries.
template <class T>
class VectorForward {
 public:
  using S = Compute<T>;
  VectorForward(const Attention& x, Pieces& pieces)
      : x_(x),
        rows_(pieces.take<S>(x.width * kQueries)),
        panel_(pieces.take<S>(x.width * kQueries)),
        k_copy_(pieces.take<S>(must_copy_rows(x.dtype, x.k, x.width) ? x.keys * x.width : 0)),
        v_copy_(pieces.take<S>(must_copy_rows(x.dtype, x.v, x.value_width) ? x.keys * x.value_width : 0)) {}
  void open() const {}
  void close() const {}
  // Of the keys of `span`, no others, will be asked.
  void take_head(const T* k, const T* v, Span) {
    keys_ = Rows<T>(k, x_.k, x_.width, must_copy_rows(x_.dtype, x_.k, x_.width), k_copy_);
    values_ = Rows<T>(v, x_.v, x_.value_width, must_copy_rows(x_.dtype, x_.v, x_.value_width), v_copy_);
  }
  void take_queries(const T* q, int64_t queries) {
    load_rows(q, x_.q.row, x_.q.column, queries, x_.width, static_cast<S>(x_.scale), rows_);
    make_panel(rows_, x_.width, queries, x_.width, panel_);
  }
  void scores(int64_t key, int64_t count, int64_t columns, S* tile) {
    multiply(keys_.at(key, key + count), keys_.row(), int64_t{1}, panel_, kQueries, x_.width, true, tile, kQueries, count, columns);
  }
  void add_values(int64_t key, int64_t count, int64_t columns, const S* weights, bool is_first, S* sums) {
    multiply(values_.at(key, key + count), int64_t{1}, values_.row(), weights, kQueries, count, is_first, sums, kQueries, x_.value_width,
             columns);
  }

 private:
  const Attention& x_;
  S *rows_, *panel_, *k_copy_, *v_copy_;
  Rows<T> keys_, values_;
};

// Rows and columns of a head of k or v as bits, those of `first` .. first + capacity - 1, with zeros behind.
struct PairHead {
  int64_t width, padded, capacity;  // padded: width, up to a multiple of 32
  uint16_t *rows, *columns;         // null: not wanted
  int64_t first = 0;

  PairHead(int64_t keys, int64_t row_width, bool wants_rows, bool wants_columns, Pieces& pieces)
      : width(row_width),
        padded(round_up(row_width, 32)),
        capacity(round_up(keys, kKeys) + kKeys),
        rows(wants_rows ? pieces.take<uint16_t>(capacity * padded) : nullptr),
        columns(wants_columns ? pieces.take<uint16_t>(padded * capacity) : nullptr) {}
  // `bits` and `words` hold kKeys padded rows.
  void take(const bfloat16_t* from, const AttentionSteps& steps, Span span, uint16_t* bits, uint32_t* words) {
    first = span.begin;
    for (int64_t at = 0; at < capacity && at < span.end - first + kKeys; at += kKeys) {
      const int64_t count = std::clamp<int64_t>(span.end - first - at, 0, kKeys);
      uint16_t* to = rows ? rows + at * padded : bits;
      copy_rows(from + (first + at) * steps.row, steps, count, width, padded, 1, to);
      std::memset(to + count * padded, 0, static_cast<size_t>((kKeys - count) * padded) * 2);
      if (!columns) continue;
      pair_columns(to, padded, words);
      split_columns(words, padded, columns + at, capacity);
    }
  }
  const uint16_t* row(int64_t key) const { return rows + (key - first) * padded; }
  const uint16_t* column(int64_t key) const { return columns + (key - first); }
};

// What a scale is to queries, exactly, and to scores.
struct PairScale {
  float queries, scores;
  explicit PairScale(double scale)
      : queries(is_exact_scale(scale) ? static_cast<float>(scale) : 1.0f),
        scores(is_exact_scale(scale) ? 1.0f : static_cast<float>(scale)) {}
};

inline void scale_tile(float factor, int64_t rows, int64_t columns, float* tile) {
  if (factor == 1) return;
  const hn::ScalableTag<float> d;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = r * kQueries; c < r * kQueries + columns; c += kLanes<float>) {
      hn::StoreU(hn::Mul(hn::LoadU(d, tile + c), hn::Set(d, factor)), d, tile + c);
    }
  }
}

class PairForward {
 public:
  using S = float;
  PairForward(const Attention& x, Pieces& pieces)
      : x_(x),
        pairs_(*find_pair_product()),
        scale_(x.scale),
        k_(x.keys, x.width, true, false, pieces),
        v_(x.keys, x.value_width, false, true, pieces),
        bits_(pieces.take<uint16_t>(kQueries * std::max(k_.padded, v_.padded))),
        panel_(pieces.take<uint32_t>(k_.padded / 2 * kQueries)),
        words_(pieces.take<uint32_t>(std::max(kKeys, std::max(k_.padded, v_.padded)) / 2 * kQueries)) {}
  void open() const { pairs_.open(); }
  void close() const { pairs_.close(); }
  void take_head(const bfloat16_t* k, const bfloat16_t* v, Span span) {
    k_.take(k, x_.k, span, bits_, words_);
    v_.take(v, x_.v, span, bits_, words_);
  }
  void take_queries(const bfloat16_t* q, int64_t queries) {
    copy_rows(q, x_.q, queries, x_.width, k_.padded, scale_.queries, bits_);
    std::memset(bits_ + queries * k_.padded, 0, static_cast<size_t>((kQueries - queries) * k_.padded) * 2);
    pair_columns(bits_, k_.padded, panel_);
  }
  void scores(int64_t key, int64_t count, int64_t columns, float* tile) {
    pairs_.multiply(k_.row(key), k_.padded, panel_, kQueries, k_.padded, true, tile, kQueries, round_up(count, 16), round_up(columns, 16));
    scale_tile(scale_.scores, count, columns, tile);
  }
  void add_values(int64_t key, int64_t count, int64_t columns, const float* weights, bool is_first, float* sums) {
    const int64_t depth = round_up(count, 32), lanes = round_up(columns, 16);
    pair_rows(weights, kQueries, count, depth / 2, lanes, words_, kQueries);
    pairs_.multiply(v_.column(key), v_.capacity, words_, kQueries, depth, is_first, sums, kQueries, round_up(x_.value_width, 16), lanes);
  }

 private:
  const Attention& x_;
  const PairProduct& pairs_;
  PairScale scale_;
  PairHead k_, v_;
  uint16_t* bits_;
  uint32_t *panel_, *words_;
};

// Panels of one factor of attention's products.
struct PartsPanels {
  Panels panels;
  PartsPanels(int64_t lines, int64_t depth, Pieces& pieces) {
    panels.bytes = divide_up(depth, kStepDepth) * kStepBytes;
    panels.first = pieces.take<std::byte>(divide_up(lines, kPanelLines) * panels.bytes);
    panels.most = pieces.take<uint32_t>(divide_up(lines, kPanelLines));
  }
  Factor make(const float* from, int64_t line_step, int64_t depth_step, bool is_right, int64_t lines, int64_t depth) const {
    const Factor factor{from, line_step, depth_step, is_right, panels};
    make_panels(factor, lines, depth);
    return factor;
  }
};

// Rows of a head of k or v, or its columns, as a left factor: those that a span of keys needs.
class PartsHead {
 public:
  PartsHead(const AttentionSteps& steps, int64_t width, int64_t keys, bool has_key_lines, Pieces& pieces)
      : steps_(steps),
        width_(width),
        has_key_lines_(has_key_lines),
        panels_(has_key_lines ? keys : width, has_key_lines ? width : keys, pieces) {}
  void take(const float* rows, Span span) {
    const int64_t count = std::max<int64_t>(0, span.end);
    factor_ =
        has_key_lines_ ? panels_.make(rows, steps_.row, 1, false, count, width_) : panels_.make(rows, 1, steps_.row, false, width_, count);
  }
  // From a key on, which is a multiple of 32.
  Factor from(int64_t key) const { return has_key_lines_ ? factor_.from(key, 0) : factor_.from(0, key); }

 private:
  AttentionSteps steps_;
  int64_t width_;
  bool has_key_lines_;
  PartsPanels panels_;
  Factor factor_{};
};

// Weights are at most 1, and what a small one leaves of its parts is small beside the sum of all: they count as 1 where the range of parts
// is asked.
inline void raise_most(uint32_t* most, int64_t lines) {
  constexpr uint32_t one = 0x3f800000;
  for (int64_t i = 0; i * kPanelLines < lines; ++i) most[i] = std::max(most[i], one);
}

// tile = keys queries^T; lanes from `queries` on, up to `columns`, are 0.
inline void make_tile(const Factor& keys, int64_t count, const Factor& panel, int64_t queries, int64_t columns, int64_t width, float* tile,
                      const PartsScratch& scratch) {
  multiply_factors(keys, panel, count, queries, width, true, {}, tile, kQueries, scratch);
  for (int64_t r = 0; queries < columns && r < count; ++r) std::fill(tile + r * kQueries + queries, tile + r * kQueries + columns, 0.0f);
}

class PartsForward {
 public:
  using S = float;
  PartsForward(const Attention& x, Pieces& pieces)
      : x_(x),
        unit_(*find_pair_product()),
        k_(x.k, x.width, x.keys, true, pieces),
        v_(x.v, x.value_width, x.keys, false, pieces),
        q_panels_(kQueries, x.width, pieces),
        weight_panels_(kQueries, kKeys, pieces),
        rows_(pieces.take<float>(x.width * kQueries)),
        scratch_(pieces.take<float>(PartsScratch::size(std::max(x.width, kKeys)))) {}
  void open() const { unit_.open(); }
  void close() const { unit_.close(); }
  void take_head(const float* k, const float* v, Span span) {
    k_.take(k, span);
    v_.take(v, span);
  }
  void take_queries(const float* q, int64_t queries) {
    load_rows(q, x_.q.row, x_.q.column, queries, x_.width, static_cast<float>(x_.scale), rows_);
    q_ = q_panels_.make(rows_, x_.width, 1, true, queries, x_.width);
    queries_ = queries;
  }
  void scores(int64_t key, int64_t count, int64_t columns, float* tile) {
    make_tile(k_.from(key), count, q_, queries_, columns, x_.width, tile, scratch_);
  }
  void add_values(int64_t key, int64_t count, int64_t columns, const float* weights, bool is_first, float* sums) {
    const Factor right = weight_panels_.make(weights, 1, kQueries, true, columns, count);
    raise_most(right.panels.most, columns);
    multiply_factors(v_.from(key), right, x_.value_width, columns, count, is_first, {}, sums, kQueries, scratch_);
  }

 private:
  const Attention& x_;
  const PairProduct& unit_;
  PartsHead k_, v_;
  PartsPanels q_panels_, weight_panels_;
  float* rows_;
  PartsScratch scratch_;
  Factor q_{};
  int64_t queries_ = 0;
};

// ---- the same of the backward pass

// Gradients of k and v that are summed over queries: rows of k_row and v_row elements; null: nobody reads them.
template <class S>
struct KeySums {
  S *dk, *dv;
  int64_t k_row, v_row;
};

template <class T>
class VectorBackward {
 public:
  using S = Compute<T>;
  VectorBackward(const Attention& x, Pieces& pieces)
      : x_(x),
        q_(pieces.take<S>(x.width * kQueries)),
        q_panel_(pieces.take<S>(x.width * kQueries)),
        dy_(pieces.take<S>(x.value_width * kQueries)),
        dy_panel_(pieces.take<S>(x.value_width * kQueries)),
        k_copy_(pieces.take<S>(must_copy_rows(x.dtype, x.k, x.width) ? x.keys * x.width : 0)),
        v_copy_(pieces.take<S>(must_copy_rows(x.dtype, x.v, x.value_width) ? x.keys * x.value_width : 0)) {}
  void open() const {}
  void close() const {}
  void take_head(const T* k, const T* v, Span) {
    keys_ = Rows<T>(k, x_.k, x_.width, must_copy_rows(x_.dtype, x_.k, x_.width), k_copy_);
    values_ = Rows<T>(v, x_.v, x_.value_width, must_copy_rows(x_.dtype, x_.v, x_.value_width), v_copy_);
  }
  void take_queries(const T* q, const T* dy, int64_t queries) {
    queries_ = queries;
    load_rows(q, x_.q.row, x_.q.column, queries, x_.width, static_cast<S>(x_.scale), q_);
    make_panel(q_, x_.width, queries, x_.width, q_panel_);
    load_rows(dy, x_.dy.row, x_.dy.column, queries, x_.value_width, S(1), dy_);
    make_panel(dy_, x_.value_width, queries, x_.value_width, dy_panel_);
  }
  void scores(int64_t key, int64_t count, int64_t columns, S* tile) {
    multiply(keys_.at(key, key + count), keys_.row(), int64_t{1}, q_panel_, kQueries, x_.width, true, tile, kQueries, count, columns);
  }
  // dy v^T
  void weight_slopes(int64_t key, int64_t count, int64_t columns, S* tile) {
    multiply(values_.at(key, key + count), values_.row(), int64_t{1}, dy_panel_, kQueries, x_.value_width, true, tile, kQueries, count,
             columns);
  }
  // dv += p^T dy, dk += ds^T q scale, dq (+)= ds k (columns x queries).
  void add(int64_t key, int64_t count, int64_t columns, const S* weights, const S* slopes, bool is_first, const KeySums<S>& sums, S* dq) {
    if (sums.dv) {
      multiply(weights, kQueries, int64_t{1}, dy_, x_.value_width, queries_, false, sums.dv + key * sums.v_row, sums.v_row, count,
               x_.value_width);
    }
    if (sums.dk) {
      multiply(slopes, kQueries, int64_t{1}, q_, x_.width, queries_, false, sums.dk + key * sums.k_row, sums.k_row, count, x_.width);
    }
    if (dq)
      multiply(keys_.at(key, key + count), int64_t{1}, keys_.row(), slopes, kQueries, count, is_first, dq, kQueries, x_.width, columns);
  }

 private:
  const Attention& x_;
  S *q_, *q_panel_, *dy_, *dy_panel_, *k_copy_, *v_copy_;
  Rows<T> keys_, values_;
  int64_t queries_ = 0;
};

class PairBackward {
 public:
  using S = float;
  PairBackward(const Attention& x, Pieces& pieces)
      : x_(x),
        pairs_(*find_pair_product()),
        scale_(x.scale),
        k_(x.keys, x.width, true, true, pieces),
        v_(x.keys, x.value_width, true, false, pieces),
        widest_(std::max({k_.padded, v_.padded, kQueries})),
        bits_(pieces.take<uint16_t>(kQueries * widest_)),
        words_(pieces.take<uint32_t>(widest_ / 2 * kQueries)),
        q_panel_(pieces.take<uint32_t>(k_.padded / 2 * kQueries)),
        dy_panel_(pieces.take<uint32_t>(v_.padded / 2 * kQueries)),
        q_(pieces.take<uint32_t>(kQueries / 2 * k_.padded)),
        dy_(pieces.take<uint32_t>(kQueries / 2 * v_.padded)) {}
  void open() const { pairs_.open(); }
  void close() const { pairs_.close(); }
  void take_head(const bfloat16_t* k, const bfloat16_t* v, Span span) {
    k_.take(k, x_.k, span, bits_, words_);
    v_.take(v, x_.v, span, bits_, words_);
  }
  void take_queries(const bfloat16_t* q, const bfloat16_t* dy, int64_t queries) {
    depth_ = round_up(queries, 32);
    take_rows(q, x_.q, queries, x_.width, k_.padded, scale_.queries, q_panel_, q_);
    take_rows(dy, x_.dy, queries, x_.value_width, v_.padded, 1, dy_panel_, dy_);
  }
  void scores(int64_t key, int64_t count, int64_t columns, float* tile) {
    pairs_.multiply(k_.row(key), k_.padded, q_panel_, kQueries, k_.padded, true, tile, kQueries, round_up(count, 16),
                    round_up(columns, 16));
    scale_tile(scale_.scores, count, columns, tile);
  }
  void weight_slopes(int64_t key, int64_t count, int64_t columns, float* tile) {
    pairs_.multiply(v_.row(key), v_.padded, dy_panel_, kQueries, v_.padded, true, tile, kQueries, round_up(count, 16),
                    round_up(columns, 16));
  }
  void add(int64_t key, int64_t count, int64_t columns, const float* weights, const float* slopes, bool is_first,
           const KeySums<float>& sums, float* dq) {
    if (sums.dv) add_rows(weights, count, columns, dy_, v_.padded, sums.dv + key * sums.v_row, sums.v_row);
    if (sums.dk) {
      add_rows(slopes, count, columns, q_, k_.padded, sums.dk + key * sums.k_row, sums.k_row);
    }
    if (!dq) return;
    const int64_t depth = round_up(count, 32), lanes = round_up(columns, 16);
    pair_rows(slopes, kQueries, count, depth / 2, lanes, words_, kQueries);
    pairs_.multiply(k_.column(key), k_.capacity, words_, kQueries, depth, is_first, dq, kQueries, round_up(x_.width, 16), lanes);
  }

 private:
  // Pairs along columns, with queries in the lanes, and along queries, with columns in the lanes.
  void take_rows(const bfloat16_t* from, const AttentionSteps& steps, int64_t queries, int64_t width, int64_t padded, float scale,
                 uint32_t* panel, uint32_t* rows) {
    copy_rows(from, steps, queries, width, padded, scale, bits_);
    std::memset(bits_ + queries * padded, 0, static_cast<size_t>((kQueries - queries) * padded) * 2);
    pair_columns(bits_, padded, panel);
    pair_bits(bits_, padded, kQueries, padded, rows, padded);
  }
  // sums += tile rows: the tile's lanes and rows that are not in use count as 0.
  void add_rows(const float* tile, int64_t count, int64_t columns, const uint32_t* rows, int64_t padded, float* sums, int64_t sums_row) {
    const int64_t whole = round_up(count, 16);
    std::memset(bits_, 0, static_cast<size_t>(whole * kQueries) * 2);
    round_rows(tile, kQueries, count, columns, bits_, kQueries);
    pairs_.multiply(bits_, kQueries, rows, padded, depth_, false, sums, sums_row, whole, sums_row);
  }

  const Attention& x_;
  const PairProduct& pairs_;
  PairScale scale_;
  PairHead k_, v_;
  int64_t widest_;
  uint16_t* bits_;
  uint32_t *words_, *q_panel_, *dy_panel_, *q_, *dy_;
  int64_t depth_ = 0;
};

class PartsBackward {
 public:
  using S = float;
  PartsBackward(const Attention& x, Pieces& pieces)
      : x_(x),
        unit_(*find_pair_product()),
        k_(x.k, x.width, x.keys, true, pieces),
        k_columns_(x.k, x.width, x.keys, false, pieces),
        v_(x.v, x.value_width, x.keys, true, pieces),
        q_lines_(kQueries, x.width, pieces),
        q_columns_(x.width, kQueries, pieces),
        dy_lines_(kQueries, x.value_width, pieces),
        dy_columns_(x.value_width, kQueries, pieces),
        tile_rows_(kKeys, kQueries, pieces),
        tile_columns_(kQueries, kKeys, pieces),
        q_rows_(pieces.take<float>(x.width * kQueries)),
        dy_rows_(pieces.take<float>(x.value_width * kQueries)),
        scratch_(pieces.take<float>(PartsScratch::size(std::max({x.width, x.value_width, kKeys, kQueries})))) {}
  void open() const { unit_.open(); }
  void close() const { unit_.close(); }
  void take_head(const float* k, const float* v, Span span) {
    k_.take(k, span);
    k_columns_.take(k, span);
    v_.take(v, span);
  }
  void take_queries(const float* q, const float* dy, int64_t queries) {
    queries_ = queries;
    load_rows(q, x_.q.row, x_.q.column, queries, x_.width, static_cast<float>(x_.scale), q_rows_);
    load_rows(dy, x_.dy.row, x_.dy.column, queries, x_.value_width, 1.0f, dy_rows_);
    q_ = q_lines_.make(q_rows_, x_.width, 1, true, queries, x_.width);
    q_by_queries_ = q_columns_.make(q_rows_, 1, x_.width, true, x_.width, queries);
    dy_ = dy_lines_.make(dy_rows_, x_.value_width, 1, true, queries, x_.value_width);
    dy_by_queries_ = dy_columns_.make(dy_rows_, 1, x_.value_width, true, x_.value_width, queries);
  }
  void scores(int64_t key, int64_t count, int64_t columns, float* tile) {
    make_tile(k_.from(key), count, q_, queries_, columns, x_.width, tile, scratch_);
  }
  // dy v^T
  void weight_slopes(int64_t key, int64_t count, int64_t columns, float* tile) {
    make_tile(v_.from(key), count, dy_, queries_, columns, x_.value_width, tile, scratch_);
  }
  void add(int64_t key, int64_t count, int64_t columns, const float* weights, const float* slopes, bool is_first,
           const KeySums<float>& sums, float* dq) {
    if (sums.dv) add_rows(weights, count, dy_by_queries_, x_.value_width, sums.dv + key * sums.v_row, sums.v_row);
    if (sums.dk) add_rows(slopes, count, q_by_queries_, x_.width, sums.dk + key * sums.k_row, sums.k_row);
    if (!dq) return;
    const Factor right = tile_columns_.make(slopes, 1, kQueries, true, columns, count);
    multiply_factors(k_columns_.from(key), right, x_.width, columns, count, is_first, {}, dq, kQueries, scratch_);
  }

 private:
  // sums += tile rows
  void add_rows(const float* tile, int64_t count, const Factor& rows, int64_t width, float* sums, int64_t sums_row) {
    const Factor left = tile_rows_.make(tile, kQueries, 1, false, count, queries_);
    multiply_factors(left, rows, count, width, queries_, false, {}, sums, sums_row, scratch_);
  }

  const Attention& x_;
  const PairProduct& unit_;
  PartsHead k_, k_columns_, v_;
  PartsPanels q_lines_, q_columns_, dy_lines_, dy_columns_, tile_rows_, tile_columns_;
  float *q_rows_, *dy_rows_;
  PartsScratch scratch_;
  Factor q_{}, q_by_queries_{}, dy_{}, dy_by_queries_{};
  int64_t queries_ = 0;
};

}  // namespace
}  // namespace gradus::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
