// What the kernels of attention share outside of vector code: inputs by name, which keys a block of queries sees. Private to cpu/.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "gradus/base/round_up.hpp"
#include "gradus/cpu/attention/attention.hpp"
#include "gradus/cpu/matrix/parts.hpp"

namespace gradus::cpu {

/// Queries and keys of a tile of scores, which with what it is multiplied by stays in the first caches.
inline constexpr int64_t kQueries = 64, kKeys = 64;
/// Offsets beyond this are as far away as it is.
inline constexpr int64_t kFarAway = int64_t{1} << 50;

/// From begin up to end; empty where end is not above it.
struct Span {
  int64_t begin = 0, end = 0;
};

/// The optional inputs of a run, and their values.
struct Inputs {
  const void *mask = nullptr, *slopes = nullptr;
  const int64_t *lengths = nullptr, *offsets = nullptr, *draw_keys = nullptr;
  void* const* next = nullptr;  ///< what follows them: the outputs

  Inputs(const Attention& x, void* const* pointers) : next(pointers) {
    if (x.has_mask) mask = *next++;
    if (x.has_lengths) lengths = static_cast<const int64_t*>(*next++);
    if (x.offsets) offsets = static_cast<const int64_t*>(*next++);
    if (x.has_slopes) slopes = *next++;
    if (x.draw_keys) draw_keys = static_cast<const int64_t*>(*next++);
  }
  int64_t length(const Attention& x, int64_t example) const {
    return x.has_lengths ? std::clamp<int64_t>(lengths[example * x.length_step], 0, x.keys) : x.keys;
  }
  int64_t offset(const Attention& x, int64_t example) const {
    return x.offsets ? std::clamp(offsets[x.offsets == 1 ? 0 : example * x.offset_step], -kFarAway, kFarAway) : 0;
  }
  template <class S>
  S slope(const Attention& x, int64_t head) const {
    return static_cast<const S*>(slopes)[head * x.slope_step];
  }
  /// That of an example, which is number example % draw_examples of those of its key.
  int64_t draw_key(const Attention& x, int64_t example) const { return draw_keys[example / draw_examples(x) * x.draw_key_step]; }
  static int64_t draw_examples(const Attention& x) { return x.examples / x.draw_keys; }
};

/// The queries, counted from one at position 0, that see a key at `key`: those at positions key .. key + window - 1 of causal attention.
inline Span queries_of(const Attention& x, int64_t key) {
  const int64_t reach = x.window ? x.window : 2 * kFarAway;
  return {x.is_causal ? key : key - reach + 1, key + reach};
}
/// The keys that some of `queries` queries from `position` on may look at.
inline Span keys_of(const Attention& x, int64_t length, int64_t position, int64_t queries) {
  Span keys{0, length};
  if (x.window) keys.begin = std::max<int64_t>(0, position - x.window + 1);
  if (x.is_causal) keys.end = std::min(keys.end, position + queries);
  else if (x.window) keys.end = std::min(keys.end, position + queries - 1 + x.window);
  return keys;
}
/// Whether one of these keys is out of sight of one of the queries.
inline bool hides_some(const Attention& x, int64_t position, int64_t queries, Span keys) {
  const int64_t last = position + queries - 1;
  if (x.window && keys.begin <= last - x.window) return true;
  if (x.is_causal) return keys.end - 1 > position;
  return x.window && keys.end - 1 >= position + x.window;
}

/// Whether rows are copied before they are computed with.
inline bool must_copy_rows(DType dtype, const AttentionSteps& steps, int64_t width) {
  return dtype.is_16_bit() || steps.column != 1 || steps.row != width;
}

/// Whether float32 is multiplied in parts of bfloat16: there is a unit for it, and tiles of keys begin at multiples of 32 (no window).
inline bool can_use_parts(const Attention& x) {
  constexpr int64_t least = 32;
  return x.dtype == float32 && x.window == 0 && std::min({x.queries, x.keys, x.width, x.value_width}) >= least && x.k.column == 1 &&
         x.v.column == 1 && has_parts();
}

/// Whether bfloat16 queries can be multiplied by the scale without rounding: a power of two.
inline bool is_exact_scale(double scale) {
  int exponent = 0;
  return std::frexp(scale, &exponent) == 0.5 && std::abs(exponent) < 60;
}

/// How weights are dropped.
template <class S>
struct Draw {
  uint64_t key;
  uint32_t threshold;
  S factor;
  Draw(const Attention& x, int64_t draw_key)
      : key(static_cast<uint64_t>(draw_key)),
        threshold(static_cast<uint32_t>(std::min(std::ceil(x.dropout * 0x1p32), 0x1p32 - 1))),
        factor(static_cast<S>(1 / (1 - x.dropout))) {}
};

/// Scratch that is handed out piece by piece, each aligned to 64 bytes; counts only where there is no memory.
class Pieces {
 public:
  explicit Pieces(std::byte* memory) : memory_(memory) {}
  template <class S>
  S* take(int64_t count) {
    std::byte* piece = memory_ ? memory_ + used_ : nullptr;
    used_ += round_up(count * static_cast<int64_t>(sizeof(S)));
    return reinterpret_cast<S*>(piece);
  }
  int64_t bytes() const { return used_; }

 private:
  std::byte* memory_;
  int64_t used_ = 0;
};

/// The error of the first length that is out of range.
Status check_lengths(const Attention& x, const Inputs& in);

}  // namespace gradus::cpu
