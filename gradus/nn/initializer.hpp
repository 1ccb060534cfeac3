// First values of parameters: Glorot, He, LeCun and plain distributions.
#pragma once

#include <concepts>
#include <functional>
#include <string>

#include "gradus/base/refuse.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::nn {

/// How many inputs feed one unit of a kernel, and how many units one input feeds. The last axis is units, the one before it inputs,
/// those before are the receptive field: (in, out), (kh, kw, in, out). For rank 1 both are the size, for rank 0 both are 1.
struct Fans {
  double in = 1, out = 1;
};
Fans fans_of(const Shape& shape);

/// Makes the first value of a parameter of a shape. Drawn from the initialiser stream of the default generator, which is apart from the
/// stream of dropout and sampling: building a model does not move the latter.
class Initializer {
 public:
  /// Any function of the shape; its result is cast to the parameter's dtype.
  template <std::invocable<const Shape&> F>
  requires(!std::same_as<std::remove_cvref_t<F>, Initializer> && std::convertible_to<std::invoke_result_t<F&, const Shape&>, Array>)
      Initializer(F&& make)  // NOLINT: implicit on purpose
      : make_([make = std::forward<F>(make)](const Shape& shape, DType) -> Array { return make(shape); }) {}
  Initializer(std::string name, std::function<Array(const Shape&, DType)> make) : name_(std::move(name)), make_(std::move(make)) {}
  template <::gradus::detail::Text T>
  Initializer(const T&) {  // NOLINT: refused
    static_assert(::gradus::detail::never<T>, "an initialiser is made by a function: nn::init::he_normal(), not its name; nn::init::from_name takes a name");
  }

  Array operator()(const Shape& shape, DType dtype) const;
  /// In float32, or the dtype of an open ParameterDType scope.
  Array operator()(const Shape& shape) const;
  /// "glorot_uniform"; "custom" for a function of one's own.
  const std::string& name() const { return name_; }

 private:
  std::string name_ = "custom";
  std::function<Array(const Shape&, DType)> make_;
};

/// The usual ones: nn::Dense(10, {.kernel_initializer = nn::init::he_normal()}).
namespace init {

/// Uniform on [-b, b] with b = gain sqrt(6 / (in + out)), or normal with deviation gain sqrt(2 / (in + out)) (Glorot and Bengio 2010).
Initializer glorot_uniform(double gain = 1.0);
Initializer glorot_normal(double gain = 1.0);
/// Uniform on [-b, b] with b = gain sqrt(3 / in), or normal with deviation gain / sqrt(in); gain sqrt(2) suits relu (He et al. 2015).
Initializer he_uniform(double gain = 1.4142135623730951);
Initializer he_normal(double gain = 1.4142135623730951);
/// The same with gain 1 (LeCun et al. 1998).
Initializer lecun_uniform();
Initializer lecun_normal();

Initializer zeros();
Initializer ones();
Initializer constant(double value);
Initializer random_uniform(double low = -0.05, double high = 0.05);
Initializer random_normal(double deviation = 0.05, double mean = 0.0);
/// mean + deviation z, with z standard normal given that |z| <= 2.
Initializer truncated_normal(double deviation = 0.05, double mean = 0.0);

/// The initialiser of a name as the functions above are called, with their defaults; throws for an unknown one.
Initializer from_name(std::string_view name);

}  // namespace init

/// `value` everywhere, in memory of its own (a broadcast number would make the first step's plan another one than the next step's).
Array filled(const Shape& shape, double value, DType dtype);

/// New parameters of this thread have this dtype while it lives; float32 otherwise.
class ParameterDType {
 public:
  explicit ParameterDType(DType dtype);
  ~ParameterDType();
  ParameterDType(const ParameterDType&) = delete;
  ParameterDType& operator=(const ParameterDType&) = delete;
  /// The dtype that new parameters of this thread get.
  static DType current();

 private:
  DType before_;
};

}  // namespace gradus::nn
