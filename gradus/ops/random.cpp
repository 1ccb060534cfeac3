// Random ops: draws of standard form from keys; location and scale are plain arithmetic on them, and so differentiate.
#include "gradus/ops/random.hpp"

#include <atomic>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/cpu/random.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

namespace {

constexpr Input key_input[] = {{"key", only(int64)}}, fold_inputs[] = {{"key", only(int64)}, {"n", only(int64)}},
                dropout_inputs[] = {{"x", floats}, {"key", only(int64)}};

// A batch of keys draws for each key: the keys' axes come first. So a batched key needs no other call.
std::vector<Array> batch_again(const Call& call, std::span<const bool>, int64_t) { return {apply(call.op, call.inputs, call.args)}; }
// A key is no number to differentiate in: the derivative is zero.
std::vector<Array> no_cotangent(const RecordedCall& call, std::span<const Array>) { return std::vector<Array>(call.inputs.size()); }
std::vector<Array> no_tangent(const RecordedCall&, std::span<const Array>) { return {Array()}; }

Shape drawn_shape(const Shape& keys, const Shape& shape) {
  Dims sizes = keys.dims();
  for (const int64_t size : shape) sizes.push_back(size);
  return Shape(sizes);
}

struct DrawArgs {
  Shape shape;
  DType dtype{};
  GRADUS_FIELDS(shape, dtype)
};
Aval infer_draw(const Call& call) {
  return {call.as<DrawArgs>().dtype, drawn_shape(call[0].shape(), call.as<DrawArgs>().shape), false};
}
template <cpu::KernelPtr (*make)(const Layout&, const Layout&)>
cpu::KernelPtr prepare_draw(const KernelCall& call) {
  return make(call.inputs[0], call.outputs[0]);
}
constinit const OpDef random_uniform_op{.name = "random_uniform",
                                        .inputs = key_input,
                                        .infer = infer_draw,
                                        .derivative = custom(no_cotangent, no_tangent),
                                        .batch = batch_again,
                                        .cpu = {.prepare = prepare_draw<cpu::uniform>}};
constinit const OpDef random_normal_op{.name = "random_normal",
                                       .inputs = key_input,
                                       .infer = infer_draw,
                                       .derivative = custom(no_cotangent, no_tangent),
                                       .batch = batch_again,
                                       .cpu = {.prepare = prepare_draw<cpu::normal>}};
constinit const OpDef random_permutation_op{.name = "random_permutation",
                                            .inputs = key_input,
                                            .infer = infer_draw,
                                            .derivative = not_differentiable("positions are integers"),
                                            .batch = batch_again,
                                            .cpu = {.prepare = prepare_draw<cpu::permutation>}};

struct IntegersArgs {
  Shape shape;
  DType dtype{};
  int64_t low = 0, range = 0;  // range as unsigned; 0 stands for 2^64
  GRADUS_FIELDS(shape, dtype, low, range)
};
Aval infer_integers(const Call& call) {
  return {call.as<IntegersArgs>().dtype, drawn_shape(call[0].shape(), call.as<IntegersArgs>().shape), false};
}
cpu::KernelPtr prepare_integers(const KernelCall& call) {
  const auto& args = call.as<IntegersArgs>();
  return cpu::integers(call.inputs[0], call.outputs[0], args.low, static_cast<uint64_t>(args.range));
}
constinit const OpDef random_integers_op{.name = "random_integers",
                                         .inputs = key_input,
                                         .infer = infer_integers,
                                         .derivative = not_differentiable("its result is an integer"),
                                         .batch = batch_again,
                                         .cpu = {.prepare = prepare_integers}};

Aval infer_fold(const Call& call) { return {int64, call[0].shape(), false}; }
cpu::KernelPtr prepare_fold(const KernelCall& call) { return cpu::fold_in(call.inputs[0]); }
std::vector<Array> batch_fold(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return {apply(call.op, {with_batch(call[0], is_batched[0], batch_size), with_batch(call[1], is_batched[1], batch_size)})};
}
constinit const OpDef random_fold_op{.name = "random_fold",
                                     .inputs = fold_inputs,
                                     .infer = infer_fold,
                                     .derivative = not_differentiable("keys are integers"),
                                     .batch = batch_fold,
                                     .cpu = {.prepare = prepare_fold}};

// ---- dropout: the mask is drawn again in the derivative instead of being kept

struct DropoutArgs {
  double rate = 0;
  GRADUS_FIELDS(rate)
};
Aval infer_dropout(const Call& call) {
  const Shape &x = call[0].shape(), &key = call[1].shape();
  bool fits = key.rank() <= x.rank();
  for (int64_t i = 0; fits && i < key.rank(); ++i) fits = key[i] == x[i] || key[i] == 1;
  if (!fits) fail("dropout", "x is ", x, ", the batch of keys is ", key, "; its sizes must be 1 or those of the leading axes of x");
  return {call[0].dtype(), x, false};
}
cpu::KernelPtr prepare_dropout(const KernelCall& call) { return cpu::dropout(call.inputs[0], call.inputs[1], call.as<DropoutArgs>().rate); }
// y = x * mask / (1 - rate)  =>  dx = dy * mask / (1 - rate)
Array transpose_dropout(const RecordedCall& call, int, const Array& dy) { return apply(call.op, {dy, call[1]}, call.args); }
std::vector<Array> batch_dropout(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  // One key for all examples gives each the same mask, as a loop over them would.
  const Array keys = is_batched[1] ? call[1] : expand_dims(call[1], 0);
  return {apply(call.op, {with_batch(call[0], is_batched[0], batch_size), keys}, call.args)};
}
constinit const OpDef dropout_op{.name = "dropout",
                                 .inputs = dropout_inputs,
                                 .infer = infer_dropout,
                                 .derivative = linear(transpose_dropout, 1),
                                 .batch = batch_dropout,
                                 .cpu = {.prepare = prepare_dropout, .in_place = {{0, 0}}}};

}  // namespace

std::span<const OpDef* const> random_ops() {
  static constexpr const OpDef* ops[] = {&random_uniform_op,  &random_normal_op, &random_permutation_op,
                                         &random_integers_op, &random_fold_op,   &dropout_op};
  return ops;
}

namespace random {

namespace {

struct Generator {
  std::atomic<int64_t> seed{0}, counter{0}, initializers{0};
};
// Made at first use and never destroyed: static objects may draw.
Generator& generator() {
  static Generator* made = new Generator;
  return *made;
}
thread_local BaseScope* innermost_scope = nullptr;

void check_float(const char* op, DType dtype) {
  if (!dtype.is_float()) fail(op, "dtype is ", dtype, "; it must be a float's (random::integers draws integers)");
}

// A parameter that must broadcast to the draw, not the draw to it. With a batch of keys the draw has the keys' axes in front.
Array fitted(const char* op, const char* name, const Array& parameter, const Array& draw) {
  if (!parameter.exists()) fail(op, name, " is an empty Array; give it a value first");
  if (parameter.rank() == 0) return parameter;
  const bool fits = parameter.rank() <= draw.rank() && broadcast_shapes(op, parameter.shape(), draw.shape()) == draw.shape();
  if (!fits) fail(op, name, " is ", parameter.shape(), ", the shape asked for is ", draw.shape(), "; it must broadcast to that shape");
  return parameter.dtype() == draw.dtype() || parameter.is_weak() ? parameter : parameter.astype(draw.dtype());
}

bool is_number(const Array& x, double value) {
  if (!x.exists() || !x.is_weak() || !x.node()->is_scalar()) return false;
  return (x.dtype().is_float() ? x.node()->slot().real : static_cast<double>(x.node()->slot().integer)) == value;
}

Array standard_uniform(const Key& key, const Shape& shape, DType dtype) {
  check_float("uniform", dtype);
  return apply(random_uniform_op, {key.array()}, DrawArgs{shape, dtype});
}
Array standard_normal(const Key& key, const Shape& shape, DType dtype) {
  check_float("normal", dtype);
  return apply(random_normal_op, {key.array()}, DrawArgs{shape, dtype});
}

}  // namespace

Key Key::from_array(const Array& words) {
  if (words.dtype() != int64) fail("key", "the array has dtype ", words.dtype(), "; a key is int64");
  return Key(FromWords{}, words.is_weak() ? words.astype(int64) : words);
}

Key key(int64_t seed) { return Key::from_array(make_scalar(seed)); }
Key fold_in(const Key& key, const Array& n) {
  if (!n.exists()) fail("fold_in", "n is an empty Array; give it a value first");
  if (!n.dtype().is_integer()) fail("fold_in", "n has dtype ", n.dtype(), "; it must be an integer's");
  const Shape shape = broadcast_shapes("fold_in", key.array().shape(), n.shape());
  const Array numbers = n.is_weak() || n.dtype() != int64 ? n.astype(int64) : n;
  return Key::from_array(apply(random_fold_op, {broadcast_to(key.array(), shape), broadcast_to(numbers, shape)}));
}
std::vector<Key> split(const Key& key, int64_t count) {
  if (count < 0) fail("split", "count is ", count, "; it must not be negative");
  std::vector<Key> keys;
  for (int64_t i = 0; i < count; ++i) keys.push_back(fold_in(key, make_scalar(i)));
  return keys;
}

void seed(int64_t seed) {
  set_state({seed, 0});
  generator().initializers.store(0);
}
GeneratorState state() { return {generator().seed.load(), generator().counter.load()}; }
void set_state(GeneratorState state) {
  generator().seed.store(state.seed);
  generator().counter.store(state.counter);
}
Key next_key() {
  const bool is_batching = is_tracing(TraceKind::vmap);
  if (innermost_scope && innermost_scope->is_batching_ == is_batching) {
    return fold_in(innermost_scope->draws_.base, make_scalar(innermost_scope->draws_.count++));
  }
  if (is_batching) {
    fail("random", "the default generator was asked for numbers under vmap, where one draw would have to serve many examples; pass a key");
  }
  const int64_t drawn = generator().counter.fetch_add(1, std::memory_order_relaxed);
  return Key::from_array(make_scalar(cpu::fold_in(generator().seed.load(std::memory_order_relaxed), drawn)));
}

Key next_initializer_key() {
  constexpr int64_t stream = 0x696e6974;  // keeps it apart from the keys of next_key()
  const int64_t drawn = generator().initializers.fetch_add(1, std::memory_order_relaxed);
  return Key::from_array(make_scalar(cpu::fold_in(cpu::fold_in(generator().seed.load(std::memory_order_relaxed), stream), drawn)));
}

BaseScope::BaseScope(Key base) : draws_{std::move(base)}, is_batching_(is_tracing(TraceKind::vmap)), before_(innermost_scope) {
  innermost_scope = this;
}
BaseScope::~BaseScope() { innermost_scope = before_; }

Array uniform(const Shape& shape) { return uniform(next_key(), shape); }
Array uniform(const Shape& shape, const Array& low, const Array& high, DType dtype) { return uniform(next_key(), shape, low, high, dtype); }
Array uniform(const Key& key, const Shape& shape) { return standard_uniform(key, shape, float32); }
Array uniform(const Key& key, const Shape& shape, const Array& low, const Array& high, DType dtype) {
  const Array u = standard_uniform(key, shape, dtype);
  if (is_number(low, 0) && is_number(high, 1)) return u;
  const Array from = fitted("uniform", "low", low, u), to = fitted("uniform", "high", high, u);
  return u * (to - from) + from;
}
Array normal(const Shape& shape) { return normal(next_key(), shape); }
Array normal(const Shape& shape, const Array& mean, const Array& deviation, DType dtype) {
  return normal(next_key(), shape, mean, deviation, dtype);
}
Array normal(const Key& key, const Shape& shape) { return standard_normal(key, shape, float32); }
Array normal(const Key& key, const Shape& shape, const Array& mean, const Array& deviation, DType dtype) {
  const Array z = standard_normal(key, shape, dtype);
  const Array scaled = is_number(deviation, 1) ? z : z * fitted("normal", "deviation", deviation, z);
  return is_number(mean, 0) ? scaled : scaled + fitted("normal", "mean", mean, z);
}

Array truncated_normal(const Shape& shape, double low, double high, DType dtype) { return truncated_normal(next_key(), shape, low, high, dtype); }
Array truncated_normal(const Key& key, const Shape& shape, double low, double high, DType dtype) {
  if (!(low < high)) fail("truncated_normal", "low is ", low, ", high is ", high, "; low must be less");
  check_float("truncated_normal", dtype);
  // z = sqrt(2) erfinv(e), e evenly distributed between erf(low / sqrt 2) and erf(high / sqrt 2)
  const double from = std::erf(low / std::sqrt(2.0)), to = std::erf(high / std::sqrt(2.0));
  if (!(from < to)) fail("truncated_normal", "between ", low, " and ", high, " lies too little probability to draw from");
  const DType wide = dtype == float64 ? float64 : float32;
  const Array z = std::sqrt(2.0) * erfinv(standard_uniform(key, shape, wide) * (to - from) + from);
  return clip(z, low, high).astype(dtype);
}

Array bernoulli(const Shape& shape, const Array& probability) { return bernoulli(next_key(), shape, probability); }
Array bernoulli(const Key& key, const Shape& shape, const Array& probability) {
  if (probability.exists() && probability.is_weak() && probability.node()->is_scalar()) {
    const double p = probability.item();
    if (!(p >= 0 && p <= 1)) fail("bernoulli", "probability is ", p, "; it must lie between 0 and 1");
  }
  const Array u = standard_uniform(key, shape, probability.exists() && probability.dtype() == float64 && !probability.is_weak() ? float64 : float32);
  return u < fitted("bernoulli", "probability", probability, u);
}

Array integers(const Shape& shape, int64_t low, int64_t high, DType dtype) { return integers(next_key(), shape, low, high, dtype); }
Array integers(const Key& key, const Shape& shape, int64_t low, int64_t high, DType dtype) {
  if (low >= high) fail("integers", "low is ", low, ", high is ", high, "; low must be less");
  if (!dtype.is_integer()) fail("integers", "dtype is ", dtype, "; it must be an integer's");
  const int64_t least = dtype == uint8 ? 0 : dtype == int32 ? INT32_MIN : INT64_MIN;
  const int64_t most = dtype == uint8 ? UINT8_MAX : dtype == int32 ? INT32_MAX : INT64_MAX;
  if (low < least || high - 1 > most) fail("integers", "[", low, ", ", high, ") does not fit in ", dtype, ", ", least, " to ", most);
  const auto range = static_cast<int64_t>(static_cast<uint64_t>(high) - static_cast<uint64_t>(low));
  return apply(random_integers_op, {key.array()}, IntegersArgs{shape, dtype, low, range});
}
Array permutation(int64_t count) { return permutation(next_key(), count); }
Array permutation(const Key& key, int64_t count) {
  if (count < 0) fail("permutation", "count is ", count, "; it must not be negative");
  return apply(random_permutation_op, {key.array()}, DrawArgs{Shape(count), int64});
}
Array shuffle(const Array& x, int64_t axis) { return shuffle(next_key(), x, axis); }
Array shuffle(const Key& key, const Array& x, int64_t axis) {
  axis = normalize_axis("shuffle", axis, x.rank());
  return take(x, permutation(key, x.shape()[axis]), axis);
}

}  // namespace random

namespace {
// Whether something is dropped; throws for a rate that is no probability.
bool drops(const Array& x, double rate) {
  if (!(rate >= 0 && rate <= 1)) fail("dropout", "rate is ", rate, "; it must lie between 0 and 1");
  if (!x.exists()) fail("dropout", "x is an empty Array; give it a value first");
  return rate > 0;
}
}  // namespace

Array dropout(const Array& x, double rate) { return drops(x, rate) ? dropout(x, rate, random::next_key()) : x; }
Array dropout(const Array& x, double rate, const random::Key& key) {
  if (!drops(x, rate)) return x;
  return rate == 1 ? zeros_like(x) : apply(dropout_op, {x, key.array()}, DropoutArgs{rate});
}

}  // namespace gradus
