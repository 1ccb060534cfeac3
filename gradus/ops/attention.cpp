// Attention: the fused op and its gradients, each with the plain composition that it is equal to; checks of what users call.
#include "gradus/ops/attention.hpp"

#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/cpu/attention/attention.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/precision.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

using namespace core;

namespace {

using rows::wide_dtype, rows::widened;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of the ops: q (N, heads, T, d), k (N, kv_heads, S, d), v (N, kv_heads, S, dv), mask with rank 4, lengths (N,), offset (N,) or (1,),
// slopes (heads,), draw keys: (K,), each for N / K examples in turn.
struct AttentionArgs {
  double scale = 1;
  bool causal = false;
  int64_t window = 0;
  double dropout = 0;
  bool time_first = false;  // of results: (N, T, heads, dv) and so on
  GRADUS_FIELDS(scale, causal, window, dropout, time_first)
};

constexpr Input forward_inputs[] = {{"q", floats},
                                    {"k", floats},
                                    {"v", floats},
                                    {"mask", bools | floats, true},
                                    {"lengths", only(int64), true},
                                    {"offset", only(int64), true},
                                    {"slopes", floats, true},
                                    {"key", only(int64), true}};
constexpr Input backward_inputs[] = {{"q", floats},
                                     {"k", floats},
                                     {"v", floats},
                                     {"y", floats},
                                     {"sums", floats},
                                     {"dy", floats},
                                     {"mask", bools | floats, true},
                                     {"lengths", only(int64), true},
                                     {"offset", only(int64), true},
                                     {"slopes", floats, true},
                                     {"key", only(int64), true}};
constexpr size_t first_optional = 3, backward_first_optional = 6;
enum Optional : size_t { mask_input, lengths_input, offset_input, slopes_input, key_input, optional_count };

Dims heads_before_time(const Dims& sizes, bool time_first) {
  Dims out = sizes;
  if (time_first) std::swap(out[1], out[2]);
  return out;
}
Array result_axes(const Array& x, bool time_first) { return time_first ? swapaxes(x, 1, 2) : x; }

// ---- kernels

// Steps of an array of axes (N, heads, rows, columns), or with time_first (N, rows, heads, columns); broadcast along axes of size 1.
cpu::AttentionSteps steps_of(const Layout& x, bool time_first = false) {
  const auto step = [&](int64_t axis) { return x.shape[axis] == 1 ? 0 : x.strides[static_cast<size_t>(axis)]; };
  // A column that stands alone is as good as contiguous.
  return {step(0), step(time_first ? 2 : 1), step(time_first ? 1 : 2), x.shape[3] == 1 ? 1 : x.strides[3]};
}

cpu::Attention describe(const KernelCall& call, size_t optional) {
  const AttentionArgs& args = call.as<AttentionArgs>();
  const Layout &q = call.inputs[0], &k = call.inputs[1], &v = call.inputs[2];
  const auto more = [&](Optional input) -> const Layout* {
    return call.has(optional + input) ? &call.inputs[static_cast<size_t>(call.args.place(optional + input))] : nullptr;
  };
  cpu::Attention x{.dtype = q.dtype,
                   .examples = q.shape[0],
                   .heads = q.shape[1],
                   .kv_heads = k.shape[1],
                   .queries = q.shape[2],
                   .keys = k.shape[2],
                   .width = q.shape[3],
                   .value_width = v.shape[3],
                   .scale = args.scale,
                   .is_causal = args.causal,
                   .window = args.window,
                   .dropout = args.dropout,
                   .q = steps_of(q),
                   .k = steps_of(k),
                   .v = steps_of(v)};
  if (const Layout* mask = more(mask_input)) {
    x.has_mask = true;
    x.is_bool_mask = mask->dtype == bool_;
    x.mask = steps_of(*mask);
    if (mask->shape[3] == 1) x.mask.column = 0;
  }
  if (const Layout* lengths = more(lengths_input)) x.has_lengths = true, x.length_step = lengths->strides[0];
  if (const Layout* offset = more(offset_input)) x.offsets = offset->shape[0], x.offset_step = offset->strides[0];
  if (const Layout* slopes = more(slopes_input)) x.has_slopes = true, x.slope_step = slopes->strides[0];
  if (const Layout* keys = more(key_input)) x.draw_keys = keys->shape[0], x.draw_key_step = keys->strides[0];
  return x;
}
backend::KernelPtr prepare_forward(const KernelCall& call) {
  cpu::Attention x = describe(call, first_optional);
  x.y = steps_of(call.outputs[0], call.as<AttentionArgs>().time_first);
  return cpu::prepare_attention(x);
}
backend::KernelPtr prepare_backward(const KernelCall& call) {
  const bool time_first = call.as<AttentionArgs>().time_first;
  cpu::Attention x = describe(call, backward_first_optional);
  x.y = steps_of(call.inputs[3], time_first);
  x.dy = steps_of(call.inputs[5], time_first);
  x.dq = steps_of(call.outputs[0], time_first);
  x.dk = steps_of(call.outputs[1], time_first);
  x.dv = steps_of(call.outputs[2], time_first);
  return cpu::prepare_attention_backward(x);
}

std::vector<Aval> infer_forward(const Call& call) {
  const Shape &q = call[0].shape(), &v = call[2].shape();
  const Dims y = heads_before_time(Dims{q[0], q[1], q[2], v[3]}, call.as<AttentionArgs>().time_first);
  return {{call[0].dtype(), Shape(y), false}, {wide_dtype(call[0].dtype()), Shape{q[0], q[1], q[2], 2}, false}};
}
std::vector<Aval> infer_backward(const Call& call) {
  std::vector<Aval> out;
  for (size_t i = 0; i < 3; ++i) {
    out.push_back({call[i].dtype(), Shape(heads_before_time(call[i].shape().dims(), call.as<AttentionArgs>().time_first)), false});
  }
  return out;
}

// ---- compositions, in float32 for 16-bit dtypes

struct Composed {
  const AttentionArgs& args;
  Array q, k, v;  // (N, kv_heads, group, T, d), (N, kv_heads, 1, S, d), (N, kv_heads, 1, S, dv)
  Array mask, lengths, offset, slopes, key;
  int64_t examples, heads, queries, keys;

  Composed(const Call& call, size_t optional)
      : args(call.as<AttentionArgs>()),
        mask(call.optional(optional + mask_input)),
        lengths(call.optional(optional + lengths_input)),
        offset(call.optional(optional + offset_input)),
        slopes(call.optional(optional + slopes_input)),
        key(call.optional(optional + key_input)),
        examples(call[0].shape(0)),
        heads(call[0].shape(1)),
        queries(call[0].shape(2)),
        keys(call[1].shape(2)) {
    q = grouped(widened(call[0]), call[1].shape(1));
    k = expand_dims(without_padding(widened(call[1])), 2);
    v = expand_dims(without_padding(widened(call[2])), 2);
  }

  static Array grouped(const Array& x, int64_t kv_heads) {  // (N, heads, T, d)
    const Shape& shape = x.shape();
    return reshape(x, {shape[0], kv_heads, kv_heads ? shape[1] / kv_heads : 1, shape[2], shape[3]});
  }
  Array whole(const Array& x) const { return reshape(x, {examples, heads, queries, x.shape(-1)}); }
  Array grouped(const Array& x) const { return grouped(x, k.shape(1)); }
  // The sum over the queries of all heads that share one of k and v: a^T b.
  Array over_queries(const Array& a, const Array& b) const {
    const auto joined = [&](const Array& x) { return reshape(x, {examples, k.shape(1), q.shape(2) * queries, x.shape(-1)}); };
    return matmul(swapaxes(joined(a), -1, -2), joined(b));
  }

  Array key_numbers() const { return arange(keys, int64); }
  Array per_example(const Array& x) const { return reshape(x, {x.size(), 1, 1, 1}); }
  Array without_padding(const Array& rows) const {
    return lengths.exists() ? where(expand_dims(key_numbers(), 1) < per_example(lengths), rows, 0) : rows;
  }
  Array distances() const {  // position - key: (T, S) or (N, 1, T, S)
    const Array index = expand_dims(arange(queries, int64), 1);
    return (offset.exists() ? index + per_example(offset) : index) - key_numbers();
  }
  Array penalty() const { return abs(distances()).astype(slopes.dtype()) * reshape(slopes, {heads, 1, 1}); }
  // True where queries may look; empty: everywhere.
  Array visible() const {
    Array out;
    const auto also = [&](const Array& condition) { out = out.exists() ? out & condition : condition; };
    if (args.causal) also(distances() >= 0);
    if (args.window) also((args.causal ? distances() : abs(distances())) < args.window);
    if (lengths.exists()) also(key_numbers() < per_example(lengths));
    if (mask.exists() && mask.dtype() == bool_) also(mask);
    return out;
  }
  Array scores() const {  // (N, heads, T, S)
    Array out = whole(matmul(q * args.scale, swapaxes(k, -1, -2)));
    if (mask.exists() && mask.dtype() != bool_) out = out + mask;
    if (slopes.exists()) out = out - penalty();
    const Array seen = visible();
    return seen.exists() ? where(seen, out, -kInfinity) : out;
  }
  Array dropped(const Array& weights) const {
    if (!key.exists()) return weights;
    const int64_t draws = key.size();
    const Array rows = reshape(weights, {draws, draws ? examples / draws : 0, heads, queries, keys});
    return reshape(dropout(rows, args.dropout, random::Key::from_array(key)), weights.shape());
  }
};

// sums: of each query the largest score and log sum e^(score - largest), (N, heads, T, 2). Added up, the logarithm would be lost beside a
// score of -1e9, as masks have them.
struct Softmax {
  Array weights, sums;
};
// 0, and +infinity for the largest score, where all are -infinity.
Softmax softmax_or_zero(const Array& scores) {
  if (scores.shape(-1) == 0) {
    Dims sizes = scores.shape().dims();
    sizes[static_cast<size_t>(scores.rank() - 1)] = 2;
    return {scores, full(Shape(sizes), kInfinity, scores.dtype())};
  }
  const Array top = apply(stop_gradient_op, {max(scores, -1, keepdims)});
  const Array shift = where(top == -kInfinity, 0, top), powers = exp(scores - shift), total = sum(powers, -1, keepdims);
  const Array is_blind = total == 0, divisor = where(is_blind, 1, total);
  return {powers / divisor, concatenate({where(is_blind, kInfinity, shift), log(divisor)}, -1)};
}

// y = dropout(softmax(scores)) v
std::vector<Array> compose_forward(const Call& call) {
  const Composed x(call, first_optional);
  const Softmax softmax = softmax_or_zero(x.scores());
  const Array y = x.whole(matmul(x.grouped(x.dropped(softmax.weights)), x.v));
  return {result_axes(y, x.args.time_first).astype(call[0].dtype()), softmax.sums};
}

// p = e^(scores - largest - log sum);  ds = p (dropout(dy v^T) - sum(dy y)), 0 where hidden. y and sums count as inputs of their own.
struct Slopes {
  Array weights, scores;  // p, ds: (N, heads, T, S)
};
Slopes compose_slopes(const Composed& x, const Array& y, const Array& sums, const Array& dy) {
  const auto [largest, log_sum] = split<2>(sums, -1);
  const Array p = exp(x.scores() - largest - log_sum);
  const Array dp = x.dropped(x.whole(matmul(x.grouped(dy), swapaxes(x.v, -1, -2))));
  const Array ds = p * (dp - sum(dy * y, -1, keepdims)), seen = x.visible();
  return {p, seen.exists() ? where(seen, ds, 0) : ds};
}
// dq = scale ds k;  dk = scale ds^T q;  dv = dropout(p)^T dy
std::vector<Array> compose_backward(const Call& call) {
  const Composed x(call, backward_first_optional);
  const Array y = result_axes(widened(call[3]), x.args.time_first), dy = result_axes(widened(call[5]), x.args.time_first);
  const Slopes slopes = compose_slopes(x, y, call[4], dy);
  const Array ds = slopes.scores * x.args.scale;
  std::vector<Array> out = {x.whole(matmul(x.grouped(ds), x.k)), x.without_padding(x.over_queries(ds, x.q)),
                            x.without_padding(x.over_queries(x.dropped(slopes.weights), dy))};
  for (Array& slope : out) slope = result_axes(slope, x.args.time_first).astype(call[0].dtype());
  return out;
}

// ---- vmap: the batch joins the examples

std::vector<Array> batch_attention(const Call& call, std::span<const bool> is_batched, int64_t batch_size, size_t optional) {
  const int64_t examples = call[0].shape(is_batched[0] ? 1 : 0);
  std::vector<Array> inputs(call.op.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const int place = call.args.place(i);
    if (place < 0) continue;
    const Array& x = call.inputs[static_cast<size_t>(place)];
    const bool has_batch = is_batched[static_cast<size_t>(place)];
    // What is one for all stays so.
    if (!has_batch && (i == optional + slopes_input || x.shape(0) == 1) && i >= optional && i != optional + key_input) {
      inputs[i] = x;
      continue;
    }
    if (i == optional + slopes_input) return {};  // other slopes for each example: by the composition
    Array batched = with_batch(x, has_batch, batch_size);
    const bool is_one = i >= optional && i != optional + key_input && batched.shape(1) == 1;
    Dims sizes = batched.shape().dims();
    if (is_one && examples != 1) {
      sizes[1] = examples;
      batched = broadcast_to(batched, sizes);
    }
    sizes.erase(0);
    sizes[0] *= batch_size;
    inputs[i] = reshape(batched, NewShape(Shape(sizes)));
  }
  std::vector<Array> out = apply_all(call.op, inputs, call.args);
  for (Array& y : out) {
    Dims sizes = y.shape().dims();
    sizes[0] = examples;
    sizes.insert(0, batch_size);
    y = reshape(y, NewShape(Shape(sizes)));
  }
  return out;
}
std::vector<Array> batch_forward(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return batch_attention(call, is_batched, batch_size, first_optional);
}
std::vector<Array> batch_backward(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return batch_attention(call, is_batched, batch_size, backward_first_optional);
}

// ---- the ops

// Both products of every score, whether hidden or not; the backward pass has five.
int64_t work_of(std::span<const Shape> inputs) {
  const Shape &q = inputs[0], &k = inputs[1], &v = inputs[2];
  return q[0] * q[1] * q[2] * k[2] * (q[3] + v[3]);
}

constinit const OpDef attention_backward_op{.name = "attention_backward",
                                            .inputs = backward_inputs,
                                            .args = args_of<AttentionArgs>,
                                            .infer = infer_backward,
                                            .derivative = composed(compose_backward),
                                            .batch = batch_backward,
                                            .kernel = {.prepare = prepare_backward, .strided_inputs = ~0b011000u},
                                            .work = [](std::span<const Shape> inputs, const Shape&) { return work_of(inputs) / 2 * 5; }};

std::vector<Array> reverse_attention(const RecordedCall& call, std::span<const Array> cotangents) {
  const bool time_first = call.as<AttentionArgs>().time_first;
  const Array &y = call.outputs[0], &sums = call.outputs[1], &dy = cotangents[0];
  std::vector<Array> inputs = {call[0], call[1], call[2], y, sums, dy};
  for (size_t i = 0; i < optional_count; ++i) inputs.push_back(call.optional(first_optional + i));
  std::vector<Array> out = apply_all(attention_backward_op, inputs, call.args);
  for (Array& slope : out) slope = result_axes(slope, time_first);
  out.resize(call.inputs.size());
  // Masks and slopes of positions: recorded always, computed where somebody reads them.
  const Array &mask = inputs[backward_first_optional + mask_input], &slopes = inputs[backward_first_optional + slopes_input];
  const bool has_float_mask = mask.exists() && mask.dtype().is_float();
  if (!has_float_mask && !slopes.exists()) return out;
  const Composed x(call, first_optional);
  const Array ds = compose_slopes(x, result_axes(widened(y), time_first), sums, result_axes(widened(dy), time_first)).scores;
  const auto place = [&](Optional input) { return static_cast<size_t>(call.args.place(first_optional + input)); };
  if (has_float_mask) out[place(mask_input)] = unbroadcast(ds, mask.shape());
  if (slopes.exists()) out[place(slopes_input)] = -sum(ds * abs(x.distances()).astype(ds.dtype()), {0, 2, 3});
  return out;
}

constinit const OpDef attention_op{.name = "attention",
                                   .inputs = forward_inputs,
                                   .args = args_of<AttentionArgs>,
                                   .infer = infer_forward,
                                   .derivative = composed(compose_forward, reverse_attention),
                                   .batch = batch_forward,
                                   .kernel = {.prepare = prepare_forward, .strided_inputs = ~0u},
                                   .work = [](std::span<const Shape> inputs, const Shape&) { return work_of(inputs); },
                                   .hidden_outputs = 1};

// ---- what users call

void check_exists(std::string_view op, std::string_view name, const Array& x) {
  if (!x.exists()) fail(op, name, " is an empty Array; give it a value first");
}

// The operands of a call, checked, in the shapes of the op.
class Request {
 public:
  Request(std::string_view op, const Array& q, const Array& k, const Array& v, const AttentionOptions& options)
      : op_(op), options_(options) {
    check_operand("q", q);
    check_operand("k", k);
    if (v.exists()) check_operand("v", v);
    check_shapes(q, k, v);
    const Shape& shape = q.shape();
    for (int64_t axis = 0; axis + 3 < shape.rank(); ++axis) leading_.push_back(shape[axis]);
    examples_ = Shape(leading_).size();
    DType dtype = promote(q.dtype(), k.dtype());
    if (v.exists()) dtype = promote(dtype, v.dtype());
    inputs_ = {canonical(q, dtype), canonical(k, dtype), v.exists() ? canonical(v, dtype) : Array()};
    inputs_.push_back(mask(dtype));
    inputs_.push_back(numbers("lengths", options.lengths, false));
    inputs_.push_back(numbers("offset", options.offset, true));
    inputs_.push_back(slopes(dtype));
    inputs_.push_back(Array());
    check_numbers();
  }

  std::vector<Array>& inputs() { return inputs_; }
  const Dims& leading() const { return leading_; }
  AttentionArgs args() const {
    const int64_t width = inputs_[0].shape(3);
    const double scale = options_.scale.value_or(width ? 1 / std::sqrt(static_cast<double>(width)) : 1);
    return {scale, options_.causal, options_.window, options_.dropout, options_.time_first};
  }
  Array draw_keys(const random::Key& key) const {
    const Array& words = key.array();
    if (words.rank() != 0 && words.shape() != Shape(leading_)) {
      fail(op_, "key is ", words.shape(), "; it must be one key or ", Shape(leading_), ", one an example");
    }
    return reshape(words, {words.size()});
  }
  // A result of rank 4 in the axes of q.
  Array as_given(const Array& y, int64_t rank) const {
    Dims sizes = leading_;
    for (int64_t axis = rank == 2 ? 2 : 1; axis < 4; ++axis) sizes.push_back(y.shape(axis));
    return reshape(y, NewShape(Shape(sizes)));
  }

 private:
  int64_t time_axis() const { return options_.time_first ? -3 : -2; }
  int64_t heads_axis() const { return options_.time_first ? -2 : -3; }
  int64_t heads_of(const Array& x) const { return x.rank() == 2 ? 1 : x.shape(heads_axis()); }
  int64_t time_of(const Array& x) const { return x.shape(x.rank() == 2 ? -2 : time_axis()); }

  void check_operand(std::string_view name, const Array& x) const {
    check_exists(op_, name, x);
    if (!x.dtype().is_float()) fail(op_, name, " has dtype ", x.dtype(), "; it must be ", to_text(floats), " (", name, ".astype(float32))");
    if (x.rank() >= 3 || (x.rank() == 2 && !options_.time_first)) return;
    fail(op_, name, " is ", x.shape(), "; it must be ", options_.time_first ? "(..., time, heads, width)" : "(..., heads, time, width)");
  }
  void check_shapes(const Array& q, const Array& k, const Array& v) const {
    const auto refuse = [&](std::string_view a, const Array& x, std::string_view b, const Array& y, const auto&... rule) {
      fail(op_, a, " is ", x.shape(), " and ", b, " is ", y.shape(), "; ", rule...);
    };
    const auto have_equal_leading = [](const Array& x, const Array& y) {
      if (x.rank() != y.rank()) return false;
      for (int64_t axis = 0; axis + 3 < x.rank(); ++axis) {
        if (x.shape()[axis] != y.shape()[axis]) return false;
      }
      return true;
    };
    if (!have_equal_leading(q, k)) refuse("q", q, "k", k, "the axes before heads, time and width must be equal");
    if (q.shape(-1) != k.shape(-1)) refuse("q", q, "k", k, "their widths (", q.shape(-1), " and ", k.shape(-1), ") must be equal");
    const int64_t heads = heads_of(q), kv_heads = heads_of(k);
    if (kv_heads == 0 ? heads != 0 : heads % kv_heads != 0) {
      refuse("q", q, "k", k, "the heads of k (", kv_heads, ") must divide those of q (", heads, ")");
    }
    if (!v.exists()) return;
    if (!have_equal_leading(k, v) || heads_of(v) != kv_heads || time_of(v) != time_of(k)) {
      refuse("k", k, "v", v, "all their axes but the last must be equal");
    }
  }
  void check_numbers() const {
    if (options_.window < 0) fail(op_, "window is ", options_.window, "; it must be 0 (all keys) or more");
    if (!(options_.dropout >= 0 && options_.dropout <= 1)) fail(op_, "dropout is ", options_.dropout, "; it must lie between 0 and 1");
    if (options_.scale && !std::isfinite(*options_.scale)) fail(op_, "scale is ", *options_.scale, "; it must be finite");
  }

  Array canonical(const Array& x, DType dtype) const {
    Array out = x.dtype() == dtype ? x : x.astype(dtype);
    if (x.rank() == 2) return expand_dims(out, {0, 1});
    if (x.rank() != 4) {
      const int64_t rank = x.rank();
      out = reshape(out, {examples_, x.shape()[rank - 3], x.shape()[rank - 2], x.shape()[rank - 1]});
    }
    return options_.time_first ? swapaxes(out, 1, 2) : out;
  }
  Array mask(DType dtype) const {
    Array mask = options_.mask;
    if (!mask.exists()) return mask;
    if (mask.dtype().is_integer()) {
      fail(op_, "mask has dtype ", mask.dtype(), "; it must be bool (true: may look; mask != 0) or floats, which are added to the scores");
    }
    const Array &q = inputs_[0], &k = inputs_[1];
    Dims scores = leading_;
    for (const int64_t size : {q.shape(1), q.shape(2), k.shape(2)}) scores.push_back(size);
    const int64_t rank = mask.rank(), whole = static_cast<int64_t>(scores.size());
    bool fits = rank <= whole;
    for (int64_t axis = 1; fits && axis <= rank; ++axis) {
      fits = mask.shape(-axis) == 1 || mask.shape(-axis) == scores[static_cast<size_t>(whole - axis)];
    }
    if (!fits) fail(op_, "mask is ", mask.shape(), "; it must broadcast to ", Shape(scores), ", (..., heads, queries, keys)");
    Dims sizes = mask.shape().dims();
    while (static_cast<int64_t>(sizes.size()) < std::max<int64_t>(whole, 4)) sizes.insert(0, 1);
    if (sizes.size() > 4) {  // several axes of examples become one
      bool is_one = true;
      for (size_t axis = 0; axis + 3 < sizes.size(); ++axis) is_one &= sizes[axis] == 1;
      Dims full = is_one ? sizes : leading_;
      if (!is_one) {
        for (size_t axis = sizes.size() - 3; axis < sizes.size(); ++axis) full.push_back(sizes[axis]);
        mask = broadcast_to(reshape(mask, NewShape(Shape(sizes))), full);
      }
      sizes = {is_one ? 1 : examples_, full[full.size() - 3], full[full.size() - 2], full[full.size() - 1]};
    }
    mask = reshape(mask, NewShape(Shape(sizes)));
    return mask.dtype() == bool_ || mask.dtype() == wide_dtype(dtype) ? mask : mask.astype(wide_dtype(dtype));
  }
  // One for all or one an example, as (1,) where that is allowed, or (N,).
  Array numbers(std::string_view name, const Array& x, bool may_be_one) const {
    if (!x.exists()) return x;
    if (!x.dtype().is_integer()) fail(op_, name, " has dtype ", x.dtype(), "; it must be an integer's");
    if (x.rank() != 0 && x.shape() != Shape(leading_)) {
      fail(op_, name, " is ", x.shape(), "; it must be one number or ", Shape(leading_), ", one an example");
    }
    const Array wide = x.is_weak() || x.dtype() != int64 ? x.astype(int64) : x;
    if (x.rank() == 0) return may_be_one ? reshape(wide, {1}) : broadcast_to(wide, Shape{examples_});
    return reshape(wide, {examples_});
  }
  Array slopes(DType dtype) const {
    const Array& x = options_.slopes;
    if (!x.exists()) return x;
    const int64_t heads = inputs_[0].shape(1);
    if (x.shape() != Shape{heads}) fail(op_, "slopes is ", x.shape(), "; it must be ", Shape{heads}, ", one number a head");
    return x.dtype() == wide_dtype(dtype) ? x : x.astype(wide_dtype(dtype));
  }

  std::string_view op_;
  const AttentionOptions& options_;
  Dims leading_;  // sizes of the axes of examples
  int64_t examples_ = 1;
  std::vector<Array> inputs_;
};

}  // namespace

Array attention(const Array& q, const Array& k, const Array& v) { return attention(q, k, v, {}); }
Array attention(const Array& q, const Array& k, const Array& v, const AttentionOptions& options) {
  check_exists("attention", "v", v);
  Request request("attention", in_product_dtype(q), in_product_dtype(k), in_product_dtype(v), options);
  std::vector<Array>& inputs = request.inputs();
  if (options.dropout > 0) {
    inputs[first_optional + key_input] = request.draw_keys(options.key ? *options.key : random::next_key());
  }
  const Array y = request.as_given(apply(attention_op, inputs, request.args()), q.rank());
  return options.dropout == 1 ? zeros_like(y) : y;
}

Array attention_weights(const Array& q, const Array& k) { return attention_weights(q, k, {}); }
Array attention_weights(const Array& q, const Array& k, const AttentionOptions& options) {
  Request request("attention_weights", q, k, {}, options);
  std::vector<Array>& inputs = request.inputs();
  const DType dtype = inputs[0].dtype();
  inputs[2] = inputs[1];
  std::vector<Array> present;
  Args args = request.args();
  uint32_t absent = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].exists()) present.push_back(inputs[i]);
    else absent |= 1u << i;
  }
  args.set_absent(absent);
  const Composed x({attention_op, args, present}, first_optional);
  return request.as_given(softmax_or_zero(x.scores()).weights.astype(dtype), q.rank());
}

std::span<const OpDef* const> rule::attention_ops() {
  static constexpr const OpDef* ops[] = {&attention_op, &attention_backward_op};
  return ops;
}

}  // namespace gradus
