// Random ops: draws of standard form from keys; location and scale are plain arithmetic on them, and so differentiate.
#include "gradus/ops/random.hpp"

#include <atomic>
#include <cmath>
#include <limits>
#include <optional>

#include "gradus/base/convert.hpp"
#include "gradus/base/error.hpp"
#include "gradus/cpu/random/random.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/shape_rules.hpp"

namespace gradus {

using namespace core;

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
template <backend::KernelPtr (*make)(const Layout&, const Layout&)>
backend::KernelPtr prepare_draw(const KernelCall& call) {
  return make(call.inputs[0], call.outputs[0]);
}
constinit const OpDef random_uniform_op{.name = "random_uniform",
                                        .inputs = key_input,
                                        .args = args_of<DrawArgs>,
                                        .infer = infer_draw,
                                        .derivative = custom(no_cotangent, no_tangent),
                                        .batch = batch_again,
                                        .kernel = {.prepare = prepare_draw<cpu::uniform>}};
constinit const OpDef random_normal_op{.name = "random_normal",
                                       .inputs = key_input,
                                       .args = args_of<DrawArgs>,
                                       .infer = infer_draw,
                                       .derivative = custom(no_cotangent, no_tangent),
                                       .batch = batch_again,
                                       .kernel = {.prepare = prepare_draw<cpu::normal>}};
constinit const OpDef random_permutation_op{.name = "random_permutation",
                                            .inputs = key_input,
                                            .args = args_of<DrawArgs>,
                                            .infer = infer_draw,
                                            .derivative = not_differentiable("positions are integers"),
                                            .batch = batch_again,
                                            .kernel = {.prepare = prepare_draw<cpu::permutation>}};

struct TruncatedArgs {
  Shape shape;
  DType dtype{};
  double low = 0, high = 0;
  GRADUS_FIELDS(shape, dtype, low, high)
};
Aval infer_truncated(const Call& call) {
  return {call.as<TruncatedArgs>().dtype, drawn_shape(call[0].shape(), call.as<TruncatedArgs>().shape), false};
}
backend::KernelPtr prepare_truncated(const KernelCall& call) {
  const auto& args = call.as<TruncatedArgs>();
  return cpu::truncated_normal(call.inputs[0], call.outputs[0], args.low, args.high);
}
constinit const OpDef random_truncated_normal_op{.name = "random_truncated_normal",
                                                 .inputs = key_input,
                                                 .args = args_of<TruncatedArgs>,
                                                 .infer = infer_truncated,
                                                 .derivative = custom(no_cotangent, no_tangent),
                                                 .batch = batch_again,
                                                 .kernel = {.prepare = prepare_truncated}};

struct IntegersArgs {
  Shape shape;
  DType dtype{};
  int64_t low = 0, range = 0;  // range as unsigned; 0 stands for 2^64
  GRADUS_FIELDS(shape, dtype, low, range)
};
Aval infer_integers(const Call& call) {
  return {call.as<IntegersArgs>().dtype, drawn_shape(call[0].shape(), call.as<IntegersArgs>().shape), false};
}
backend::KernelPtr prepare_integers(const KernelCall& call) {
  const auto& args = call.as<IntegersArgs>();
  return cpu::integers(call.inputs[0], call.outputs[0], args.low, static_cast<uint64_t>(args.range));
}
constinit const OpDef random_integers_op{.name = "random_integers",
                                         .inputs = key_input,
                                         .args = args_of<IntegersArgs>,
                                         .infer = infer_integers,
                                         .derivative = not_differentiable("its result is an integer"),
                                         .batch = batch_again,
                                         .kernel = {.prepare = prepare_integers}};

Aval infer_fold(const Call& call) { return {int64, call[0].shape(), false}; }
backend::KernelPtr prepare_fold(const KernelCall& call) { return cpu::fold_in(call.inputs[0]); }
std::vector<Array> batch_fold(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  return {apply(call.op, {with_batch(call[0], is_batched[0], batch_size), with_batch(call[1], is_batched[1], batch_size)})};
}
constinit const OpDef random_fold_op{.name = "random_fold",
                                     .inputs = fold_inputs,
                                     .infer = infer_fold,
                                     .derivative = not_differentiable("keys are integers"),
                                     .batch = batch_fold,
                                     .kernel = {.prepare = prepare_fold}};

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
backend::KernelPtr prepare_dropout(const KernelCall& call) {
  return cpu::dropout(call.inputs[0], call.inputs[1], call.as<DropoutArgs>().rate);
}
// y = x * mask / (1 - rate)  =>  dx = dy * mask / (1 - rate)
Array transpose_dropout(const RecordedCall& call, int, const Array& dy) { return apply(call.op, {dy, call[1]}, call.args); }
std::vector<Array> batch_dropout(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  // One key for all examples gives each the same mask, as a loop over them would.
  const Array keys = is_batched[1] ? call[1] : expand_dims(call[1], 0);
  return {apply(call.op, {with_batch(call[0], is_batched[0], batch_size), keys}, call.args)};
}
constinit const OpDef dropout_op{.name = "dropout",
                                 .inputs = dropout_inputs,
                                 .args = args_of<DropoutArgs>,
                                 .infer = infer_dropout,
                                 .derivative = linear(transpose_dropout, 1),
                                 .batch = batch_dropout,
                                 .kernel = {.prepare = prepare_dropout, .in_place = {{0, 0}}}};

}  // namespace

std::span<const OpDef* const> rule::random_ops() {
  static constexpr const OpDef* ops[] = {&random_uniform_op,     &random_normal_op,   &random_truncated_normal_op, &random_permutation_op,
                                         &random_integers_op, &random_fold_op, &dropout_op};
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

// A parameter as `dtype` holds it, which must broadcast to the draw, not the draw to it. With a batch of keys the draw has the keys' axes
// in front.
Array fitted(const char* op, const char* name, const Array& parameter, const Array& draw, DType dtype) {
  const bool fits =
      parameter.rank() <= draw.rank() && (parameter.rank() == 0 || broadcast_shapes(op, parameter.shape(), draw.shape()) == draw.shape());
  if (!fits) fail(op, name, " is ", parameter.shape(), ", the shape asked for is ", draw.shape(), "; it must broadcast to that shape");
  return parameter.dtype() == dtype && !parameter.is_weak() ? parameter : parameter.astype(dtype);
}

// The value of a number that was written as one.
std::optional<double> number_of(const char* op, const char* name, const Array& x) {
  if (!x.exists()) fail(op, name, " is an empty Array; give it a value first");
  if (!x.is_weak() || !x.node()->is_scalar()) return std::nullopt;
  return x.dtype().is_float() ? x.node()->scalar().real : static_cast<double>(x.node()->scalar().integer);
}
// The same as `dtype` holds it, which must be finite.
std::optional<double> held_number(const char* op, const char* name, const Array& x, DType dtype) {
  const std::optional<double> number = number_of(op, name, x);
  if (!number) return number;
  const double held = visit_dtype(dtype, [&]<class T>(T) { return static_cast<double>(convert<T>(*number)); });
  if (!std::isfinite(held)) fail(op, name, " is ", *number, ", which is no finite number of ", dtype);
  return held;
}

// The dtype in which draws of `dtype` are computed.
DType wide(DType dtype) { return dtype == float64 ? float64 : float32; }

Array standard_uniform(const Key& key, const Shape& shape, DType dtype) {
  check_float("uniform", dtype);
  return apply(random_uniform_op, {key.array()}, DrawArgs{shape, dtype});
}
Array standard_normal(const Key& key, const Shape& shape, DType dtype) {
  check_float("normal", dtype);
  return apply(random_normal_op, {key.array()}, DrawArgs{shape, dtype});
}

double number_below(double x, DType dtype) {
  return visit_dtype(dtype, [&]<class T>(T) -> double {
    if constexpr (std::is_integral_v<T>) return x;
    else return static_cast<double>(next_below(convert<T>(x)));
  });
}

// A bit more than half the distance from x to the next number of `dtype` below it, so that x minus this, rounded, is that number (Rump,
// Zimmermann, Boldo, Melquiond, BIT 49, 2009: u (1 + 2 u) |x| + the least positive number, u being half an ulp of 1).
Array gap_below(const Array& x, DType dtype) {
  struct Format {
    int bits, least;
  };
  const Format format = dtype == float16    ? Format{11, -24}
                        : dtype == bfloat16 ? Format{8, -133}
                        : dtype == float32  ? Format{24, -149}
                                            : Format{53, -1074};
  const double unit = std::ldexp(1.0, -format.bits);
  return unit * (1 + 2 * unit) * abs(x) + std::ldexp(1.0, format.least);
}

// x, which `wide` holds, rounded down to `dtype` of 16 bits.
Array narrowed_down(const Array& x, DType dtype) {
  const Array near = x.astype(dtype).astype(x.dtype());
  return where(near > x, near - gap_below(near, dtype), near);
}

// low + (high - low) u for numbers low < high that `dtype` holds.
Array uniform_between(const Array& u, double low, double high, DType dtype) {
  const DType type = u.dtype();
  const double span = high - low, most = type == float32 ? std::numeric_limits<float>::max() : std::numeric_limits<double>::max();
  const Array x = span <= most ? u * span + low : 2 * (u * (high / 2 - low / 2) + low / 2);
  const double top = number_below(high, dtype);
  if (dtype != type) return narrowed_down(minimum(x, top), dtype).astype(dtype);
  // Where the interval has few numbers, rounding to the nearest would show: the sum is rounded down.
  const double ulp = high - low == 0 ? 0 : std::max(std::fabs(low), std::fabs(high)) * (type == float32 ? 0x1p-23 : 0x1p-52);
  if (span < 0x1p12 * ulp) return minimum(where(u * span < x - low, x - gap_below(x, type), x), top);
  // From 0 the product stays below `high` by itself.
  return low == 0 && span > 1e-30 ? x : minimum(x, top);
}

// The same for arrays. What rounding is put right by is constant to derivatives.
Array uniform_between(const Array& u, const Array& low, const Array& high, DType dtype) {
  const DType type = u.dtype();
  const Array span = high - low, move = u * span;
  const Array x = where(isfinite(span), move + low, 2 * (u * (high / 2 - low / 2) + low / 2));
  Array down = where(move < x - low, x - gap_below(x, type), x);
  if (dtype != type) down = narrowed_down(down, dtype);
  const Array top = high - gap_below(high, dtype);
  const Array inside = maximum(minimum(down, dtype == type ? top : top.astype(dtype).astype(type)), low);
  return (x + apply(stop_gradient_op, {inside - x})).astype(dtype);
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
  check_float("uniform", dtype);
  const std::optional<double> from = held_number("uniform", "low", low, dtype), to = held_number("uniform", "high", high, dtype);
  if (from && to && *from > *to) fail("uniform", "low is ", *from, ", high is ", *to, "; low must not be above high");
  if (from == 0.0 && to == 1.0) return standard_uniform(key, shape, dtype);
  const Array u = standard_uniform(key, shape, wide(dtype));
  if (from && from == to) return (u * 0 + *from).astype(dtype);
  if (from && to) return uniform_between(u, *from, *to, dtype);
  return uniform_between(u, fitted("uniform", "low", low, u, dtype).astype(u.dtype()),
                         fitted("uniform", "high", high, u, dtype).astype(u.dtype()), dtype);
}
Array normal(const Shape& shape) { return normal(next_key(), shape); }
Array normal(const Shape& shape, const Array& mean, const Array& deviation, DType dtype) {
  return normal(next_key(), shape, mean, deviation, dtype);
}
Array normal(const Key& key, const Shape& shape) { return standard_normal(key, shape, float32); }
Array normal(const Key& key, const Shape& shape, const Array& mean, const Array& deviation, DType dtype) {
  check_float("normal", dtype);
  const std::optional<double> center = held_number("normal", "mean", mean, dtype),
                              width = held_number("normal", "deviation", deviation, dtype);
  if (width && *width < 0) fail("normal", "deviation is ", *width, "; it must not be negative");
  if (center == 0.0 && width == 1.0) return standard_normal(key, shape, dtype);
  const Array z = standard_normal(key, shape, wide(dtype));
  const auto parameter = [&](const char* name, const Array& x, std::optional<double> number) {
    return number ? Array(*number) : fitted("normal", name, x, z, z.dtype());
  };
  const Array scaled = width == 1.0 ? z : z * parameter("deviation", deviation, width);
  return (center == 0.0 ? scaled : scaled + parameter("mean", mean, center)).astype(dtype);
}

Array truncated_normal(const Shape& shape, double low, double high, DType dtype) {
  return truncated_normal(next_key(), shape, low, high, dtype);
}
Array truncated_normal(const Key& key, const Shape& shape, double low, double high, DType dtype) {
  if (!(low < high)) fail("truncated_normal", "low is ", low, ", high is ", high, "; low must be less");
  check_float("truncated_normal", dtype);
  if (!(cpu::normal_interval(low, high).span > 0x1p-960))
    fail("truncated_normal", "between ", low, " and ", high, " lies too little probability to draw from");
  visit_dtype(dtype, [&]<class T>(T) {
    if constexpr (!std::is_integral_v<T>) {
      if (static_cast<double>(rounded_up<T>(low)) > static_cast<double>(rounded_down<T>(high))) {
        fail("truncated_normal", "between ", low, " and ", high, " lies no number of ", dtype);
      }
    }
  });
  return apply(random_truncated_normal_op, {key.array()}, TruncatedArgs{shape, dtype, low, high});
}

Array bernoulli(const Shape& shape, const Array& probability) { return bernoulli(next_key(), shape, probability); }
Array bernoulli(const Key& key, const Shape& shape, const Array& probability) {
  const std::optional<double> p = number_of("bernoulli", "probability", probability);
  if (p && !(*p >= 0 && *p <= 1)) fail("bernoulli", "probability is ", *p, "; it must lie between 0 and 1");
  // Of 24 bits only so many probabilities can be told apart.
  const bool is_coarse_enough = p && std::min(*p, 1 - *p) > 1e-3;
  const Array u = standard_uniform(key, shape, is_coarse_enough ? float32 : float64);
  return u < (p ? Array(*p) : fitted("bernoulli", "probability", probability, u, u.dtype()));
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
