// MultiHeadAttention and PositionEmbedding.
#include "gradus/nn/attention.hpp"

#include <cmath>
#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/nn/decoding.hpp"
#include "gradus/nn/observation.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/rotary.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::nn {

using namespace core;

namespace {

constexpr std::string_view kDistances[] = {"none", "rotary", "alibi"}, kPositions[] = {"learned", "sinusoidal"};

constexpr std::string_view kAttention = "multi_head_attention", kPosition = "position_embedding";

// Slopes of ALiBi: powers of 2^(-8/n) for n heads; where n is no power of two, those of the power below and every other one of the power
// above it.
Array alibi_slopes(int64_t heads) {
  int64_t whole = 1;
  while (2 * whole <= heads) whole *= 2;
  std::vector<float> slopes;
  for (int64_t i = 1; i <= whole; ++i)
    slopes.push_back(static_cast<float>(std::exp2(-8.0 * static_cast<double>(i) / static_cast<double>(whole))));
  for (int64_t i = 1; static_cast<int64_t>(slopes.size()) < heads; i += 2) {
    slopes.push_back(static_cast<float>(std::exp2(-4.0 * static_cast<double>(i) / static_cast<double>(whole))));
  }
  return array(slopes);
}

// Sines and cosines of the positions `at` (T,): (T, width), in float64, as their arguments grow large.
Array waves(const Array& at, int64_t width) {
  const int64_t count = (width + 1) / 2;
  const Array rates = exp(arange(count).astype(float64) * (-2 * std::log(10000.0) / static_cast<double>(width)));
  const Array angles = reshape(at.astype(float64), {at.size(), 1}) * rates;
  return reshape(stack({sin(angles), cos(angles)}, -1), {at.size(), 2 * count})[{slice(), slice(0, width)}];
}

void check_sequence(std::string_view op, const char* name, const Array& x) {
  if (x.rank() != 3) fail(op, name, " is ", x.shape(), " of rank ", x.rank(), "; it must be (batch, time, width)");
}

}  // namespace

std::span<const std::string_view> enum_names(Distance) { return kDistances; }
std::span<const std::string_view> enum_names(PositionKind) { return kPositions; }

// ---- attention

std::span<const FieldNote> MultiHeadAttentionOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"causal", "whether a token looks only at itself and those before it"},
                                        {"dropout", "share of the weights that become zero in training", range::share},
                                        {"kv_heads", "heads of keys and values, a divisor of heads; 0: as many", range::not_negative},
                                        {"head_width", "numbers a head; 0: the width divided by heads", range::not_negative},
                                        {"window", "look no further than so many tokens; 0: everywhere", range::not_negative},
                                        {"distance", "how it knows the distance of tokens"},
                                        {"rotary_base", "longest wave of the rotation, over 2 pi", range::above_zero},
                                        {"use_bias", "whether biases are added"},
                                        {"kernel_initializer", "first values of the kernels"},
                                        {"bias_initializer", "first values of the biases"}};
  return notes;
}
std::span<const FieldNote> MultiHeadAttention::field_notes() {
  static constexpr FieldNote notes[] = {{"heads", "parts that look on their own", range::positive, true}};
  return notes;
}

MultiHeadAttention::MultiHeadAttention(Size heads, MultiHeadAttentionOptions options) : heads(heads.value()), options(std::move(options)) {
  check();
}

void MultiHeadAttention::check() const {
  constexpr std::string_view name = "MultiHeadAttention";
  detail::checked_count(name, "heads", heads);
  check_fields(name, fields_of(*this), this);
  if (options.kv_heads && heads % options.kv_heads) {
    fail(name, "heads is ", heads, ", kv_heads is ", options.kv_heads, "; kv_heads must divide heads");
  }
  for (const Parameter* bias : {&query_bias, &key_bias, &value_bias, &output_bias}) bias->set_used(options.use_bias);
}

std::string MultiHeadAttention::describe() const {
  const int64_t others = options.kv_heads;
  return concat(heads, heads == 1 ? " head" : " heads", others && others != heads ? concat(" on ", others) : "",
                options.causal ? ", causal" : "");
}

Array MultiHeadAttention::project(const Array& x, const Parameter& kernel, const Parameter& bias, int64_t width) const {
  return detail::affine(kAttention, x, width,
                        {kernel, options.use_bias ? &bias : nullptr, options.kernel_initializer, options.bias_initializer});
}

namespace {

// A mask over `keys` keys as one over `capacity`, the rest of which is behind what causal attention sees.
Array with_room(const Array& mask, int64_t keys, int64_t capacity) {
  if (!mask.exists() || mask.rank() == 0 || mask.shape(-1) != keys || keys == capacity) return mask;
  Dims sizes = mask.shape().dims();
  sizes[static_cast<size_t>(mask.rank() - 1)] = capacity - keys;
  return concatenate({mask, zeros(Shape(sizes), mask.dtype())}, -1);
}

}  // namespace

// Queries, keys and values by head, (N, T, heads, width), and which keys may be looked at.
struct MultiHeadAttention::Heads {
  Array q, k, v;
  AttentionOptions options;
};

MultiHeadAttention::Heads MultiHeadAttention::heads_of(const Array& x, const Array& memory, const AttentionMask& mask) const {
  check_sequence(kAttention, "x", x);
  check_sequence(kAttention, "memory", memory);
  if (x.shape(0) != memory.shape(0)) {
    fail(kAttention, "x has ", x.shape(0), " sequences, the memory has ", memory.shape(0), "; they must be equal");
  }
  const bool is_self = x.node() == memory.node() && x.output_index() == memory.output_index();
  if (!options.head_width && x.shape(-1) % heads) {
    fail(kAttention, "x has width ", x.shape(-1), ", heads is ", heads, "; heads must divide the width, or head_width be given");
  }
  const int64_t width = options.head_width ? options.head_width : x.shape(-1) / heads, others = options.kv_heads ? options.kv_heads : heads;
  const auto by_head = [&](const Array& y, int64_t count) { return reshape(y, {y.shape(0), y.shape(1), count, width}); };
  DecodingScope* const decoding = DecodingScope::current();
  AttentionOptions chosen{
      .mask = mask.allowed, .causal = options.causal, .window = options.window, .lengths = mask.lengths, .time_first = true};
  if (options.dropout > 0) {
    detail::note_call("MultiHeadAttention");
    if (TrainingMode::is_on()) {
      chosen.dropout = options.dropout;
      chosen.key = TrainingMode::next_dropout_key();
    }
  }
  if (is_self && !mask.lengths.exists()) chosen.lengths = detail::CallScope::lengths_of(x);
  if (decoding && is_self && !options.causal)
    fail(kAttention, "it is not causal; only causal attention can be continued inside a DecodingScope");

  Array q = by_head(project(x, query, query_bias, heads * width), heads);
  if (options.distance == Distance::alibi) chosen.slopes = alibi_slopes(heads);
  if (decoding && (options.causal || options.window || chosen.slopes.exists())) chosen.offset = decoding->position();
  const auto rotated = [&](const Array& y, bool goes_on) {
    if (options.distance != Distance::rotary) return y;
    const Array positions = arange(y.shape(1));
    return rotary(y, decoding && goes_on ? decoding->position() + positions : positions, {.base = options.rotary_base, .time_first = true});
  };
  q = rotated(q, true);
  const auto make_keys = [&]() -> std::vector<Array> {
    return {rotated(by_head(project(memory, key, key_bias, others * width), others), is_self),
            by_head(project(memory, value, value_bias, others * width), others)};
  };
  std::vector<Array> keys;
  if (decoding) decoding->expect("attention", x.shape(1));
  if (!decoding) keys = make_keys();
  else if (!is_self) keys = decoding->last("attention to a memory", make_keys);
  else keys = decoding->append("attention", make_keys());
  if (decoding && is_self) chosen.mask = with_room(chosen.mask, decoding->first() + x.shape(1), keys[0].shape(1));
  return {q, keys[0], keys[1], std::move(chosen)};
}

Array MultiHeadAttention::forward(const Array& x, const Array& memory, const AttentionMask& mask) const {
  const Heads of = heads_of(x, memory, mask);
  if (ObservationScope::is_open()) {
    Array weights = attention_weights(of.q, of.k, of.options);
    const DecodingScope* const decoding = DecodingScope::current();
    if (decoding && memory.node() == x.node()) weights = weights[{ellipsis, slice(0, decoding->first() + x.shape(1))}];  // the rest is room
    ObservationScope::note(memory.node() != x.node() ? "cross attention" : "attention", weights);
  }
  const Array y = attention(of.q, of.k, of.v, of.options);
  return project(reshape(y, {y.shape(0), y.shape(1), y.shape(2) * y.shape(3)}), output, output_bias, x.shape(-1));
}

Array MultiHeadAttention::weights(const Array& x, const Array& memory, const AttentionMask& mask) const {
  if (DecodingScope::current())
    fail(kAttention, "its weights are asked for inside a DecodingScope, which a call continues; ask for them outside");
  const Heads of = heads_of(x, memory, mask);
  return attention_weights(of.q, of.k, of.options);
}

// ---- positions

std::span<const FieldNote> PositionEmbeddingOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"kind", "where the vectors come from"}, {"initializer", "first values of a table that is learnt"}};
  return notes;
}
std::span<const FieldNote> PositionEmbedding::field_notes() {
  static constexpr FieldNote notes[] = {{"length", "positions that there are at most", range::positive, true}};
  return notes;
}

PositionEmbedding::PositionEmbedding(Size length, PositionEmbeddingOptions options) : length(length.value()), options(std::move(options)) {
  check();
}
void PositionEmbedding::check() const {
  detail::checked_count("PositionEmbedding", "length", length);
  table.set_used(options.kind == PositionKind::learned);
}
std::string PositionEmbedding::describe() const { return concat(length, options.kind == PositionKind::sinusoidal ? ", sinusoidal" : ""); }

Array PositionEmbedding::forward(const Array& x) const {
  check_sequence(kPosition, "x", x);
  const int64_t time = x.shape(1);
  DecodingScope* const decoding = DecodingScope::current();
  const int64_t first = decoding ? decoding->first() : 0;
  GenerationScope::note_limit(length);
  if (first + time > length) {
    fail(kPosition, "x has ", time, " positions", first ? concat(" after ", first) : "", ", the table has ", length,
         "; a sequence must not be longer");
  }
  if (decoding) decoding->expect(kPosition, time);
  if (options.kind == PositionKind::sinusoidal) {
    const Array at = decoding ? decoding->position() + arange(time) : arange(time);
    return x + waves(at, x.shape(-1)).astype(x.dtype());
  }
  const Array& rows = table({length, x.shape(-1)}, options.initializer);
  return x + (decoding ? take(rows, decoding->position() + arange(time), 0) : rows[slice(0, time)]);
}

Array sinusoidal_positions(int64_t length, int64_t width) {
  if (length < 0 || width < 1) {
    fail("sinusoidal_positions", "length is ", length, ", width is ", width, "; length must not be negative, width at least 1");
  }
  return waves(arange(length), width).astype(float32);
}

}  // namespace gradus::nn
