// First values of parameters: Glorot, He, LeCun and plain distributions.
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gradus/base/datum.hpp"
#include "gradus/base/refuse.hpp"
#include "gradus/graph/array.hpp"
#include "gradus/graph/field_names.hpp"

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
      : make_([make = std::forward<F>(make)](const Shape& shape, DType, const Fans&) -> Array { return make(shape); }) {}
  /// One of the library, as nn::init makes it. `fans` are those of the shape, or of the kernel that a bias belongs to.
  Initializer(std::string name, core::Datum::Table parameters, std::function<Array(const Shape& shape, DType, const Fans& fans)> make)
      : name_(std::move(name)), parameters_(std::move(parameters)), make_(std::move(make)) {}
  template <::gradus::core::Text T>
  Initializer(const T&) {  // NOLINT: refused
    static_assert(::gradus::core::never<T>,
                  "an initialiser is made by a function: nn::init::he_normal(), not its name; nn::init::from_name takes a name");
  }

  /// The first value. Throws where a function of one's own makes another shape.
  Array operator()(const Shape& shape, DType dtype) const;
  /// In float32, or the dtype of an open ParameterDType scope.
  Array operator()(const Shape& shape) const;
  /// "glorot_uniform"; "custom" for a function of one's own.
  const std::string& name() const { return name_; }
  const core::Datum::Table& parameters() const { return parameters_; }
  /// The same for a parameter that belongs to a kernel with these fans: a bias.
  Initializer beside(const Fans& fans) const;

 private:
  std::string name_ = "custom";
  core::Datum::Table parameters_{};
  std::function<Array(const Shape&, DType, const Fans&)> make_;
  std::optional<Fans> fans_{};
};

namespace detail {
/// Mean and variance of a standard normal variable given that it lies between two bounds.
struct Moments {
  double mean = 0, variance = 0;
};
Moments truncated_moments(double low, double high);
}  // namespace detail

/// The usual ones: nn::Dense(10, {.kernel_initializer = nn::init::he_normal()}).
namespace init {

/// Which of the fans a variance is divided by; and the distribution of values.
enum class FanMode { in, out, mean };
std::span<const std::string_view> enum_names(FanMode);
enum class Distribution { uniform, normal, truncated_normal };
std::span<const std::string_view> enum_names(Distribution);

/// Uniform on [-b, b] with b = gain sqrt(6 / (in + out)), or normal with deviation gain sqrt(2 / (in + out)) (Glorot and Bengio 2010).
Initializer glorot_uniform(double gain = 1.0);
Initializer glorot_normal(double gain = 1.0);
/// Uniform on [-b, b] with b = gain sqrt(3 / in), or normal with deviation gain / sqrt(in); gain sqrt(2) suits relu (He et al. 2015).
Initializer he_uniform(double gain = 1.4142135623730951);
Initializer he_normal(double gain = 1.4142135623730951);
/// The same with gain 1 (LeCun et al. 1998).
Initializer lecun_uniform();
Initializer lecun_normal();
/// Uniform on [-b, b] with b = 1 / sqrt(in), of a bias that of its kernel: what PyTorch starts linear layers and convolutions with, kernel
/// and bias.
Initializer torch_uniform();

/// Options of variance_scaling. scale is not negative.
struct VarianceScalingOptions {
  double scale = 1.0;
  FanMode fan = FanMode::in;
  Distribution distribution = Distribution::truncated_normal;
  GRADUS_OPTIONS(scale, fan, distribution)
};
/// Mean 0 and variance scale / fan; of a truncated normal that which it has after it is cut off at two deviations.
Initializer variance_scaling(VarianceScalingOptions options = {});
/// The factor by which layers with this activation need larger weights to keep the variance: "relu" sqrt(2), "tanh" 5/3, "selu" 3/4,
/// "leaky_relu" sqrt(2 / (1 + slope^2)); 1 for "linear" and "sigmoid". Throws for others.
double gain(std::string_view activation, double slope = 0.01);

/// One number everywhere.
Initializer zeros();
Initializer ones();
Initializer constant(double value);
/// Uniform on [low, high), and normal; whatever the fans are.
Initializer random_uniform(double low = -0.05, double high = 0.05);
Initializer random_normal(double deviation = 0.05, double mean = 0.0);
/// mean + deviation z, with z standard normal given that it lies between `low` and `high`.
Initializer truncated_normal(double deviation = 0.05, double mean = 0.0, double low = -2.0, double high = 2.0);
/// Rows (or columns, if there are fewer) at right angles to each other and of length `gain`; a kernel is taken as a matrix of all its axes
/// but the last, by the last (Saxe et al. 2014).
Initializer orthogonal(double gain = 1.0);
/// A convolution that passes channels through: 1 in the middle of the window from channel i to filter i, in each of the groups.
Initializer dirac(int64_t groups = 1);

/// The initialiser of a name as the functions above are called, with their defaults; throws for an unknown one.
Initializer from_name(std::string_view name);

}  // namespace init


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
