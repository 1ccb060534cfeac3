// The initialisers: each with its parameters, what it draws, and its name.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/nn/fields.hpp"
#include "gradus/nn/initializer_kinds.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::nn {

using namespace core;

namespace {

using init::Distribution, init::FanMode;

double fan_of(const Fans& fans, FanMode mode) {
  const double fan = mode == FanMode::in ? fans.in : mode == FanMode::out ? fans.out : (fans.in + fans.out) / 2;
  return std::max(1.0, fan);
}

Array draw_uniform(const Shape& shape, DType dtype, double low, double high) {
  return random::uniform(random::next_initializer_key(), shape, low, high, dtype);
}
Array draw_normal(const Shape& shape, DType dtype, double mean, double deviation) {
  return random::normal(random::next_initializer_key(), shape, mean, deviation, dtype);
}

// 16-bit parameters are drawn in float32 and rounded once.
Array draw_truncated(const Shape& shape, DType dtype, double mean, double deviation, double low = -2, double high = 2) {
  const Array z = random::truncated_normal(random::next_initializer_key(), shape, low, high, dtype == float64 ? float64 : float32);
  return (mean + deviation * z).astype(dtype);
}
// Of variance gain^2 / fan.
Array draw(Distribution distribution, const Shape& shape, DType dtype, double gain, double fan) {
  switch (distribution) {
    case Distribution::uniform: {
      const double bound = gain * std::sqrt(3 / fan);
      return draw_uniform(shape, dtype, -bound, bound);
    }
    case Distribution::normal:
      return draw_normal(shape, dtype, 0, gain / std::sqrt(fan));
    case Distribution::truncated_normal:
      break;
  }
  return draw_truncated(shape, dtype, 0, gain / std::sqrt(fan * detail::truncated_moments(-2, 2).variance));
}

// Orthonormal rows from random ones, in place, by projections that are made twice (Gram and Schmidt; "twice is enough", Kahan). In blocks
// of rows, so that most of the work is matrix products.
Array orthonormal_rows(int64_t rows, int64_t columns) {
  constexpr int64_t block = 64;
  refuse_above_limit(Shape{rows, columns, 8}.size(), "an orthogonal matrix");  // before the work that its first blocks are
  Array done;
  for (int64_t begin = 0; begin < rows; begin += block) {
    const int64_t count = std::min(block, rows - begin);
    Array fresh = random::normal(random::next_initializer_key(), {count, columns}, 0.0, 1.0, float64);
    for (int round = 0; done.exists() && round < 2; ++round) fresh = fresh - matmul(matmul(fresh, transpose(done)), done);
    std::vector<double> values = fresh.to_vector<double>();
    for (int64_t i = 0; i < count; ++i) {
      double* row = &values[static_cast<size_t>(i * columns)];
      const auto dot = [&](const double* a, const double* b) {
        double sum = 0;
        for (int64_t k = 0; k < columns; ++k) sum += a[k] * b[k];
        return sum;
      };
      for (int round = 0; round < 2; ++round) {
        for (int64_t j = 0; j < i; ++j) {
          const double* other = &values[static_cast<size_t>(j * columns)];
          const double share = dot(row, other);
          for (int64_t k = 0; k < columns; ++k) row[k] -= share * other[k];
        }
      }
      const double length = std::sqrt(dot(row, row));
      for (int64_t k = 0; k < columns; ++k) row[k] /= length;
    }
    BufferPtr buffer = allocate(count * columns * 8, "rows of an orthogonal matrix");
    std::copy(values.begin(), values.end(), reinterpret_cast<double*>(buffer->data()));
    const Array made = make_leaf(std::move(buffer), float64, {count, columns});
    done = done.exists() ? concatenate({done, made}, 0).eval() : made;
  }
  return done;
}

// ---- parameters, and what each draws: make(shape, dtype, fans) ----

struct Gain {
  double gain = 1;
  GRADUS_OPTIONS(gain)
};
std::span<const FieldNote> Gain::field_notes() {
  static constexpr FieldNote notes[] = {{"gain", "by which the numbers are multiplied", range::not_negative}};
  return notes;
}

template <FanMode kFan, Distribution kDistribution>
struct Scaled : Gain {
  Array make(const Shape& shape, DType dtype, const Fans& fans) const {
    return draw(kDistribution, shape, dtype, gain, fan_of(fans, kFan));
  }
};
template <Distribution kDistribution>
struct He : Scaled<FanMode::in, kDistribution> {
  He() { this->gain = std::numbers::sqrt2; }
};
template <Distribution kDistribution>
struct LeCun : NoFields {
  Array make(const Shape& shape, DType dtype, const Fans& fans) const {
    return draw(kDistribution, shape, dtype, 1, fan_of(fans, FanMode::in));
  }
};
struct TorchUniform : NoFields {
  Array make(const Shape& shape, DType dtype, const Fans& fans) const {
    const double bound = 1 / std::sqrt(fan_of(fans, FanMode::in));
    return draw_uniform(shape, dtype, -bound, bound);
  }
};
struct VarianceScaling : init::VarianceScalingOptions {
  Array make(const Shape& shape, DType dtype, const Fans& fans) const {
    return draw(distribution, shape, dtype, std::sqrt(scale), fan_of(fans, fan));
  }
};

struct Zeros : NoFields {
  Array make(const Shape& shape, DType dtype, const Fans&) const { return filled(shape, 0, dtype); }
};
struct Ones : NoFields {
  Array make(const Shape& shape, DType dtype, const Fans&) const { return filled(shape, 1, dtype); }
};
struct Constant {
  double value = 0;
  Array make(const Shape& shape, DType dtype, const Fans&) const { return filled(shape, value, dtype); }
  GRADUS_OPTIONS(value)
};
std::span<const FieldNote> Constant::field_notes() {
  static constexpr FieldNote notes[] = {{"value", "everywhere", {}, true}};
  return notes;
}
struct RandomUniform {
  double low = -0.05, high = 0.05;
  Array make(const Shape& shape, DType dtype, const Fans&) const { return draw_uniform(shape, dtype, low, high); }
  GRADUS_OPTIONS(low, high)
};
std::span<const FieldNote> RandomUniform::field_notes() {
  static constexpr FieldNote notes[] = {{"low", "the least number"}, {"high", "above all numbers"}};
  return notes;
}
constexpr FieldNote kDeviation{"deviation", "the standard deviation", range::not_negative}, kMean{"mean", "the mean"};
struct RandomNormal {
  double deviation = 0.05, mean = 0;
  GRADUS_OPTIONS(deviation, mean)
  Array make(const Shape& shape, DType dtype, const Fans&) const { return draw_normal(shape, dtype, mean, deviation); }
};
std::span<const FieldNote> RandomNormal::field_notes() {
  static constexpr FieldNote notes[] = {kDeviation, kMean};
  return notes;
}
struct TruncatedNormal {
  double deviation = 0.05, mean = 0, low = -2, high = 2;
  GRADUS_OPTIONS(deviation, mean, low, high)
  Array make(const Shape& shape, DType dtype, const Fans&) const { return draw_truncated(shape, dtype, mean, deviation, low, high); }
};
std::span<const FieldNote> TruncatedNormal::field_notes() {
  static constexpr FieldNote notes[] = {
      kDeviation, kMean, {"low", "the least number, in deviations from the mean"}, {"high", "and the largest"}};
  return notes;
}

struct Orthogonal : Gain {
  Array make(const Shape& shape, DType dtype, const Fans&) const {
    if (shape.rank() < 2) fail("orthogonal", "the parameter is ", shape, "; it must have at least 2 axes");
    const int64_t columns = shape[shape.rank() - 1], rows = columns ? shape.size() / columns : 0;
    if (shape.size() == 0) return filled(shape, 0, dtype);
    const Array q = rows <= columns ? orthonormal_rows(rows, columns) : transpose(orthonormal_rows(columns, rows));
    return (gain * reshape(q, shape)).astype(dtype);
  }
};

struct Dirac {
  int64_t groups = 1;
  Array make(const Shape& shape, DType dtype, const Fans&) const;
  GRADUS_OPTIONS(groups)
};
std::span<const FieldNote> Dirac::field_notes() {
  static constexpr FieldNote notes[] = {{"groups", "parts of the filters, each of which passes the channels through", range::positive}};
  return notes;
}
// The kernel is (k..., in, out).
Array Dirac::make(const Shape& shape, DType dtype, const Fans&) const {
  if (shape.rank() < 3) fail("dirac", "the parameter is ", shape, "; it must be the kernel of a convolution, with at least 3 axes");
  const int64_t in = shape[shape.rank() - 2], out = shape[shape.rank() - 1];
  if (out % groups) fail("dirac", "groups is ", groups, " and there are ", out, " filters; groups must divide them");
  int64_t middle = 0;
  for (int64_t axis = 0; axis < shape.rank() - 2; ++axis) middle = middle * shape[axis] + shape[axis] / 2;
  BufferPtr buffer = allocate(shape.size() * 8, "a kernel");
  auto* values = reinterpret_cast<double*>(buffer->data());
  std::fill(values, values + shape.size(), 0.0);
  const int64_t filters = out / groups;
  for (int64_t group = 0; shape.size() > 0 && group < groups; ++group) {
    for (int64_t i = 0; i < std::min(in, filters); ++i) values[(middle * in + i) * out + group * filters + i] = 1;
  }
  return make_leaf(std::move(buffer), float64, shape).astype(dtype);
}

template <class P>
Initializer named(std::string_view name, const P& parameters) {
  check_fields(name, fields_of(parameters), &parameters);
  FieldWriting writing;
  return {std::string(name), write_fields(fields_of(parameters), &parameters, writing),
          [parameters](const Shape& shape, DType dtype, const Fans& fans) { return parameters.make(shape, dtype, fans); }};
}
template <class P>
Initializer read_kind(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) {
  P parameters;
  read_fields(fields_of(parameters), &parameters, given, reading, others);
  const InitializerKind* kind = initializer_kinds().find_if([](const InitializerKind& each) { return each.read == read_kind<P>; });
  return named(kind->name, parameters);
}
template <class P>
constexpr InitializerKind kind(std::string_view name, std::string_view alias, std::string_view text) {
  return {name, alias, text, described<P>, read_kind<P>};
}

constexpr InitializerKind kKinds[] = {
    kind<Scaled<FanMode::mean, Distribution::uniform>>("glorot_uniform", "xavier_uniform", "uniform, variance 2 / (in + out)"),
    kind<Scaled<FanMode::mean, Distribution::normal>>("glorot_normal", "xavier_normal", "normal, variance 2 / (in + out)"),
    kind<He<Distribution::uniform>>("he_uniform", "kaiming_uniform", "uniform, variance 2 / in: for relu"),
    kind<He<Distribution::normal>>("he_normal", "kaiming_normal", "normal, variance 2 / in: for relu"),
    kind<LeCun<Distribution::uniform>>("lecun_uniform", "", "uniform, variance 1 / in"),
    kind<LeCun<Distribution::normal>>("lecun_normal", "", "normal, variance 1 / in"),
    kind<TorchUniform>("torch_uniform", "", "uniform up to 1 / sqrt(in), as PyTorch starts kernels and biases"),
    kind<VarianceScaling>("variance_scaling", "", "variance scale / fan, of any distribution"),
    kind<Zeros>("zeros", "", "0 everywhere"),
    kind<Ones>("ones", "", "1 everywhere"),
    kind<Constant>("constant", "", "one number everywhere"),
    kind<RandomUniform>("random_uniform", "uniform", "uniform between two numbers"),
    kind<RandomNormal>("random_normal", "normal", "normal"),
    kind<TruncatedNormal>("truncated_normal", "", "normal, cut off at two deviations"),
    kind<Orthogonal>("orthogonal", "", "rows at right angles to each other"),
    kind<Dirac>("dirac", "", "a convolution that passes channels through"),
};

}  // namespace

const Named<InitializerKind>& initializer_kinds() {
  static constexpr Named<InitializerKind> kinds("initializer", kKinds);
  return kinds;
}

std::span<const std::string_view> init::enum_names(FanMode) {
  static constexpr std::string_view names[] = {"in", "out", "mean"};
  return names;
}
std::span<const std::string_view> init::enum_names(Distribution) {
  static constexpr std::string_view names[] = {"uniform", "normal", "truncated_normal"};
  return names;
}

// With phi and Phi the density and distribution function: mean (phi(a) - phi(b)) / (Phi(b) - Phi(a)), and
// variance 1 + (a phi(a) - b phi(b)) / (Phi(b) - Phi(a)) - mean^2.
detail::Moments detail::truncated_moments(double low, double high) {
  const auto density = [](double x) { return std::isinf(x) ? 0 : std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); };
  // Of the tails on the right from the right: differences of numbers near 1 lose all digits.
  const auto below = [](double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; };
  const double between = low > 0 ? below(-low) - below(-high) : below(high) - below(low);
  const double mean = (density(low) - density(high)) / between;
  const auto times = [&](double x) { return std::isinf(x) ? 0 : x * density(x); };
  return {mean, 1 + (times(low) - times(high)) / between - mean * mean};
}

namespace init {

std::span<const FieldNote> VarianceScalingOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"scale", "the variance times the fan", range::not_negative},
                                        {"fan", "inputs of a unit, units that an input feeds, or the mean of both"},
                                        {"distribution", "of the numbers"}};
  return notes;
}

namespace {
template <class P>
P with_gain(double gain) {
  P parameters;
  parameters.gain = gain;
  return parameters;
}
}  // namespace

Initializer glorot_uniform(double gain) { return named("glorot_uniform", with_gain<Scaled<FanMode::mean, Distribution::uniform>>(gain)); }
Initializer glorot_normal(double gain) { return named("glorot_normal", with_gain<Scaled<FanMode::mean, Distribution::normal>>(gain)); }
Initializer he_uniform(double gain) { return named("he_uniform", with_gain<He<Distribution::uniform>>(gain)); }
Initializer he_normal(double gain) { return named("he_normal", with_gain<He<Distribution::normal>>(gain)); }
Initializer lecun_uniform() { return named("lecun_uniform", LeCun<Distribution::uniform>()); }
Initializer lecun_normal() { return named("lecun_normal", LeCun<Distribution::normal>()); }
Initializer torch_uniform() { return named("torch_uniform", TorchUniform()); }
Initializer variance_scaling(VarianceScalingOptions options) { return named("variance_scaling", VarianceScaling{options}); }
Initializer zeros() { return named("zeros", Zeros()); }
Initializer ones() { return named("ones", Ones()); }
Initializer constant(double value) { return named("constant", Constant{value}); }
Initializer random_uniform(double low, double high) { return named("random_uniform", RandomUniform{low, high}); }
Initializer random_normal(double deviation, double mean) { return named("random_normal", RandomNormal{deviation, mean}); }
Initializer truncated_normal(double deviation, double mean, double low, double high) {
  if (!(low < high)) fail("truncated_normal", "low is ", low, " and high ", high, "; low must be below high");
  return named("truncated_normal", TruncatedNormal{deviation, mean, low, high});
}
Initializer orthogonal(double gain) { return named("orthogonal", with_gain<Orthogonal>(gain)); }
Initializer dirac(int64_t groups) { return named("dirac", Dirac{groups}); }

double gain(std::string_view activation, double slope) {
  if (activation == "linear" || activation == "sigmoid") return 1;
  if (activation == "relu") return std::numbers::sqrt2;
  if (activation == "tanh") return 5.0 / 3;
  if (activation == "selu") return 0.75;
  if (activation == "leaky_relu") return std::sqrt(2 / (1 + slope * slope));
  fail("gain", "there is none for \"", activation, "\"; known are linear, sigmoid, relu, tanh, selu, leaky_relu");
}

Initializer from_name(std::string_view name) {
  FieldReading reading;
  return initializer_kinds()[name].read({}, reading, {});
}

}  // namespace init

}  // namespace gradus::nn

namespace gradus::core {

Datum FieldType<nn::Initializer>::write(const nn::Initializer& value, FieldWriting&) {
  return write_named(value.name(), value.parameters());
}
bool FieldType<nn::Initializer>::read(nn::Initializer& value, const Datum& given, const FieldNote&, FieldReading& reading) {
  return read_named(value, given, nn::initializer_kinds(), reading);
}

}  // namespace gradus::core
