// Activations: by name, by function, and with parameters.
#include "gradus/nn/activation.hpp"

#include <vector>

#include "gradus/base/error.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/nn/activation_kinds.hpp"
#include "gradus/nn/fields.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/normalize.hpp"

namespace gradus::nn {

using namespace core;

namespace {

// Each with its parameters; what they mean stands in ops/activation.hpp.
struct LeakyRelu {
  double slope = 0.01;
  Array operator()(const Array& x) const { return ::gradus::leaky_relu(x, slope); }
  GRADUS_OPTIONS(slope)
};
std::span<const FieldNote> LeakyRelu::field_notes() {
  static constexpr FieldNote notes[] = {{"slope", "of negative numbers"}};
  return notes;
}

struct Elu {
  double alpha = 1;
  Array operator()(const Array& x) const { return ::gradus::elu(x, alpha); }
  GRADUS_OPTIONS(alpha)
};
constexpr FieldNote kAlpha{"alpha", "what negative numbers tend to, with a minus", range::above_zero};
std::span<const FieldNote> Elu::field_notes() {
  static constexpr FieldNote notes[] = {kAlpha};
  return notes;
}
struct Celu {
  double alpha = 1;
  Array operator()(const Array& x) const { return ::gradus::celu(x, alpha); }
  GRADUS_OPTIONS(alpha)
};
std::span<const FieldNote> Celu::field_notes() {
  static constexpr FieldNote notes[] = {kAlpha};
  return notes;
}

struct Gelu {
  GeluForm form = GeluForm::exact;
  Array operator()(const Array& x) const { return ::gradus::gelu(x, form); }
  GRADUS_OPTIONS(form)
};
std::span<const FieldNote> Gelu::field_notes() {
  static constexpr FieldNote notes[] = {{"form", "exact, or its approximation by tanh"}};
  return notes;
}

struct Softplus {
  double beta = 1, threshold = 20;
  Array operator()(const Array& x) const { return ::gradus::softplus(x, beta, threshold); }
  GRADUS_OPTIONS(beta, threshold)
};
std::span<const FieldNote> Softplus::field_notes() {
  static constexpr FieldNote notes[] = {{"beta", "how sharp it bends", range::above_zero},
                                        {"threshold", "where beta x is above it, x itself"}};
  return notes;
}

struct Hardtanh {
  double low = -1, high = 1;
  Array operator()(const Array& x) const { return ::gradus::hardtanh(x, low, high); }
  GRADUS_OPTIONS(low, high)
};
std::span<const FieldNote> Hardtanh::field_notes() {
  static constexpr FieldNote notes[] = {{"low", "the least result"}, {"high", "the largest"}};
  return notes;
}

struct Hardshrink {
  double bound = 0.5;
  Array operator()(const Array& x) const { return ::gradus::hardshrink(x, bound); }
  GRADUS_OPTIONS(bound)
};
constexpr FieldNote kBound{"bound", "numbers no larger than this become 0", range::not_negative};
std::span<const FieldNote> Hardshrink::field_notes() {
  static constexpr FieldNote notes[] = {kBound};
  return notes;
}
struct Softshrink {
  double bound = 0.5;
  Array operator()(const Array& x) const { return ::gradus::softshrink(x, bound); }
  GRADUS_OPTIONS(bound)
};
std::span<const FieldNote> Softshrink::field_notes() {
  static constexpr FieldNote notes[] = {kBound};
  return notes;
}

struct Threshold {
  double bound = 0, value = 0;
  Array operator()(const Array& x) const { return ::gradus::threshold(x, bound, value); }
  GRADUS_OPTIONS(bound, value)
};
std::span<const FieldNote> Threshold::field_notes() {
  static constexpr FieldNote notes[] = {{"bound", "numbers above it stay", {}, true}, {"value", "what the others become", {}, true}};
  return notes;
}

struct Softmax {
  int64_t axis = -1;
  Array operator()(const Array& x) const { return ::gradus::softmax(x, axis); }
  GRADUS_OPTIONS(axis)
};
constexpr FieldNote kAxis{"axis", "along which the results add up to 1"};
std::span<const FieldNote> Softmax::field_notes() {
  static constexpr FieldNote notes[] = {kAxis};
  return notes;
}
struct LogSoftmax {
  int64_t axis = -1;
  Array operator()(const Array& x) const { return ::gradus::log_softmax(x, axis); }
  GRADUS_OPTIONS(axis)
};
std::span<const FieldNote> LogSoftmax::field_notes() {
  static constexpr FieldNote notes[] = {kAxis};
  return notes;
}

using Function = Array (*)(const Array&);

Activation read_linear(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) {
  NoFields none;
  read_fields(fields_of(none), &none, given, reading, others);
  return {};
}
template <Function kFunction>
Activation read_plain(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) {
  read_linear(given, reading, others);
  return kFunction;
}

// With all defaults it is the plain function.
template <class P>
Activation make(std::string_view name, Function plain, const P& parameters) {
  check_fields(name, fields_of(parameters), &parameters);
  FieldWriting writing;
  const P defaults;
  Datum::Table all = write_fields(fields_of(parameters), &parameters, writing);
  if (plain && all == write_fields(fields_of(parameters), &defaults, writing)) return plain;
  return {std::string(name), std::move(all), parameters};
}
template <class P, Function kFunction>
Activation read_kind(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others);

template <Function kFunction>
constexpr ActivationKind plain(std::string_view name, std::string_view text) {
  return {name, text, kFunction, described<NoFields>, read_plain<kFunction>};
}
template <class P, Function kFunction>
constexpr ActivationKind with(std::string_view name, std::string_view text) {
  return {name, text, kFunction, described<P>, read_kind<P, kFunction>};
}

constexpr ActivationKind kKinds[] = {
    {"linear", "x itself", nullptr, described<NoFields>, read_linear},
    plain<relu>("relu", "max(x, 0)"),
    plain<sigmoid>("sigmoid", "1 / (1 + e^-x)"),
    plain<tanh>("tanh", "the hyperbolic tangent"),
    with<Gelu, gelu>("gelu", "x times the normal distribution function of x"),
    plain<silu>("silu", "x sigmoid(x)"),
    with<Softplus, softplus>("softplus", "log(1 + e^(beta x)) / beta"),
    with<Softmax, softmax>("softmax", "e^x over the sum of all e^x"),
    with<LogSoftmax, log_softmax>("log_softmax", "the logarithm of softmax"),
    plain<exp>("exp", "e^x"),
    plain<abs>("abs", "|x|"),
    plain<square>("square", "x^2"),
    plain<relu6>("relu6", "relu, at most 6"),
    with<LeakyRelu, leaky_relu>("leaky_relu", "x, times a slope where it is negative"),
    with<Elu, elu>("elu", "x, or alpha (e^x - 1) where it is negative"),
    with<Celu, celu>("celu", "x, or alpha (e^(x / alpha) - 1) where it is negative"),
    plain<selu>("selu", "elu scaled so that means and variances stay"),
    plain<log_sigmoid>("log_sigmoid", "the logarithm of sigmoid"),
    plain<mish>("mish", "x tanh(softplus(x))"),
    plain<softsign>("softsign", "x / (1 + |x|)"),
    with<Hardtanh, hardtanh>("hardtanh", "x between two bounds"),
    plain<hardsigmoid>("hardsigmoid", "relu6(x + 3) / 6"),
    plain<hardswish>("hardswish", "x hardsigmoid(x)"),
    plain<tanhshrink>("tanhshrink", "x - tanh(x)"),
    with<Hardshrink, hardshrink>("hardshrink", "x, or 0 where it is small"),
    with<Softshrink, softshrink>("softshrink", "x moved towards 0 by a bound"),
    plain<sin>("sin", "the sine"),
    plain<cos>("cos", "the cosine"),
    with<Threshold, nullptr>("threshold", "x above a bound, else a number"),
};

template <class P>
Activation named(std::string_view name, const P& parameters) {
  return make(name, activation_kinds()[name].function, parameters);
}
template <class P, Function kFunction>
Activation read_kind(const Datum::Table& given, FieldReading& reading, std::span<const std::string> others) {
  P parameters;
  read_fields(fields_of(parameters), &parameters, given, reading, others);
  const ActivationKind* kind = activation_kinds().find_if([](const ActivationKind& each) { return each.read == read_kind<P, kFunction>; });
  return make(kind->name, kFunction, parameters);
}

}  // namespace

const Named<ActivationKind>& activation_kinds() {
  static constexpr Named<ActivationKind> kinds("activation", kKinds);
  return kinds;
}

Activation::Activation(Array (*function)(const Array&)) : function_(function), name_("custom") {
  if (!function) fail("activation", "the function is null; leave the argument out for none");
  if (const ActivationKind* kind = activation_kinds().find_if([&](const ActivationKind& each) { return each.function == function; }))
    name_ = kind->name;
}

Activation Activation::from_name(std::string_view name) {
  FieldReading reading;
  return activation_kinds()[name].read({}, reading, {});
}

void Activation::visit_parts(PartVisitor& visitor, const std::string& path) const {
  std::string text = name_;
  for (const auto& [name, value] : parameters_) text += concat(text == name_ ? "(" : ", ", name, "=", value);
  visitor.on_value(join_path(path, "function"), text + (parameters_.empty() ? "" : ")"));
}

namespace activation {

Activation leaky_relu(double slope) { return named("leaky_relu", LeakyRelu{slope}); }
Activation elu(double alpha) { return named("elu", Elu{alpha}); }
Activation celu(double alpha) { return named("celu", Celu{alpha}); }
Activation gelu(GeluForm form) { return named("gelu", Gelu{form}); }
Activation softplus(double beta, double threshold) { return named("softplus", Softplus{beta, threshold}); }
Activation hardtanh(double low, double high) { return named("hardtanh", Hardtanh{low, high}); }
Activation hardshrink(double bound) { return named("hardshrink", Hardshrink{bound}); }
Activation softshrink(double bound) { return named("softshrink", Softshrink{bound}); }
Activation threshold(double bound, double value) { return named("threshold", Threshold{bound, value}); }
Activation softmax(int64_t axis) { return named("softmax", Softmax{axis}); }
Activation log_softmax(int64_t axis) { return named("log_softmax", LogSoftmax{axis}); }

}  // namespace activation

}  // namespace gradus::nn

namespace gradus::core {

Datum FieldType<nn::Activation>::write(const nn::Activation& value, FieldWriting&) {
  if (value.name() == "custom") {
    throw FieldError("", "is a function of your own, which a file cannot hold; use one of the library's, such as relu");
  }
  return write_named(value.name(), value.parameters());
}

bool FieldType<nn::Activation>::read(nn::Activation& value, const Datum& given, const FieldNote&, FieldReading& reading) {
  // By its name alone it has its defaults, in files too, which otherwise say all.
  if (const std::string* name = given.get_if<std::string>()) {
    value = nn::Activation::from_name(*name);
    return true;
  }
  return read_named(value, given, nn::activation_kinds(), reading);
}

}  // namespace gradus::core
