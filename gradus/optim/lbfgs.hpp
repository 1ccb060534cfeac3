// L-BFGS: for smooth objectives that are evaluated as a whole, without batches.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "gradus/graph/field_names.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/transform/grad.hpp"

namespace gradus::optim {

/// How far to go along a direction. strong_wolfe: until the objective has fallen enough and its slope has become small (Nocedal and Wright,
/// chapter 3).
enum class LineSearch { none, strong_wolfe };
std::span<const std::string_view> enum_names(LineSearch);

/// Why a step of LBFGS has ended: `none` has been taken; the gradient is small enough; nothing changes any more; as many iterations or
/// evaluations as were allowed; the line search found no place that is lower, not even along the gradient itself: what is left is rounding,
/// or the gradient is not that of the objective; the objective or its gradient is no number where the step began.
enum class LBFGSEnd { none, gradient, change, iterations, evaluations, line_search, not_finite };
std::span<const std::string_view> enum_names(LBFGSEnd);

/// Options of LBFGS. iterations and history are at least 1, the other numbers not negative.
struct LBFGSOptions {
  int64_t iterations = 20;  ///< at most, in one step
  int64_t evaluations = 0;  ///< of the objective, at most, in one step; 0: 5 for each 4 iterations
  int64_t history = 10;     ///< changes of the gradient that are kept
  LineSearch line_search = LineSearch::strong_wolfe;
  double gradient_tolerance = 1e-7;  ///< a step ends where no number of the gradient is larger
  double change_tolerance = 1e-9;    ///< and where neither a parameter nor the objective changes by more
  GRADUS_OPTIONS(iterations, evaluations, history, line_search, gradient_tolerance, change_tolerance)
};

/// Minimises by an estimate of the inverse Hessian from the last changes of the gradient (Liu and Nocedal 1989). Each step runs several
/// iterations, in which the objective is evaluated again: it must be the same function, so no batches and no dropout. Vectors are kept in
/// float64.
///
///   optim::LBFGS optimizer;
///   for (int i = 0; i < 10; ++i) double loss = optimizer.step(model, [&](const auto& m) { return loss::mean_squared_error(m(x), y); });
class LBFGS {
 public:
  /// The objective's value and its gradients by the variables, at their present values.
  using Evaluate = std::function<std::pair<double, std::vector<Array>>()>;

  explicit LBFGS(double learning_rate = 1.0, LBFGSOptions options = {});

  /// Moves the parameters of a model; objective(model) gives an array of rank 0. Returns the objective before the step.
  template <Module M, class F>
  double step(const M& model, const F& objective) {
    core::build_lacking(gradus::variables(model), &core::tag_of_function<F>, [&] { objective(model); });
    const std::vector<Variable> variables = parameters(model);
    return step(variables, [&] {
      auto [value, grads] = value_and_grad<0>([&](const M& m) -> Array { return objective(m); })(model);
      std::vector<Array> by_variable;
      for (const Variable& variable : variables) by_variable.push_back(grads.contains(variable.path) ? grads[variable.path] : Array());
      return std::pair(value.item(), std::move(by_variable));
    });
  }
  /// Moves plain arrays, which are rebound: objective(arrays).
  double step(std::vector<Array>& arrays, const std::function<Array(const std::vector<Array>&)>& objective);
  /// The general form. An empty gradient stands for zeros.
  double step(const std::vector<Variable>& variables, const Evaluate& evaluate);

  /// Iterations and evaluations of all steps so far.
  int64_t iterations() const { return iterations_; }
  int64_t evaluations() const { return evaluations_; }
  /// Why the last step ended; and the largest number of the gradient, by size, where it did. (Without a line search: where its last
  /// iteration began.)
  LBFGSEnd end() const { return end_; }
  double gradient_size() const { return gradient_size_; }
  /// How many changes of the gradient are kept. One along which the gradient does not grow tells of no curvature and is left out.
  int64_t history() const { return static_cast<int64_t>(changes_.size()); }

 private:
  using Vector = std::vector<double>;
  struct Point {
    double value = 0;
    Vector gradient{};
  };
  struct Change {
    Vector gradient{}, move{};
    double inverse_product = 0;  // of the two
  };
  class Place;
  class Search;

  void find_direction(const Vector& gradient);
  void forget();

  double learning_rate_;
  LBFGSOptions options_;
  std::vector<Change> changes_{};
  Vector direction_{}, last_gradient_{};
  double length_ = 0, scale_ = 1;
  int64_t iterations_ = 0, evaluations_ = 0;
  bool is_fresh_ = true;  // no change of the gradient has been seen since the beginning, or since the last forget()
  LBFGSEnd end_ = LBFGSEnd::none;
  double gradient_size_ = 0;
};

}  // namespace gradus::optim
