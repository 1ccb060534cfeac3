// Checks of derivatives, for tests of one's own functions: against finite differences, against each other, and against loops.
//
//   CheckReport report = check_gradients([](const Array& x) { return sum(silu(x)); }, x);
//   if (!report.passed()) std::cout << report.text();
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gradus/transform/tree.hpp"

namespace gradus {

/// What check_gradients_with compares, and how closely; second derivatives may differ by ten times the tolerance.
struct CheckOptions {
  int order = 2;             ///< 1: first derivatives only
  double tolerance = 1e-6;   ///< of the difference, relative to the larger of 1 and the value
  double step = 5e-3;        ///< of the finite differences, relative to the larger of 1 and the argument
  bool forward = true;       ///< check jvp too
  bool batches = true;       ///< compare vmap with a loop
  int64_t coordinates = 24;  ///< at most so many elements of an argument are varied one by one
};

/// What was compared, and how it came out: one line a comparison.
class CheckReport {
 public:
  struct Line {
    std::string what;
    double error = 0;  ///< the largest, relative
    bool passed = true;
    std::string detail{};  ///< where, and the two values
  };
  /// Whether all comparisons came out.
  bool passed() const;
  const std::vector<Line>& lines() const { return lines_; }
  /// All lines, readable.
  std::string text() const;
  void add(Line line) { lines_.push_back(std::move(line)); }
  /// The lines of another report, each with a name in front.
  void add(const std::string& name, const CheckReport& other);

 private:
  std::vector<Line> lines_;
};

namespace core {
using ArrayFunction = std::function<std::vector<Array>(const std::vector<Array>&)>;
CheckReport check_gradients_of(const ArrayFunction& f, std::vector<Array> arguments, const CheckOptions& options);
}  // namespace core

/// Compares, in float64 (float arguments are converted):
/// - first derivatives by reverse mode with finite differences of order 6; the same by forward mode; and both with each other;
/// - second derivatives, reverse over reverse and forward over reverse, with finite differences of the first;
/// - vmap with a loop, for values and gradients.
/// f takes arrays and returns an Array, or a tuple, array or vector of them; it should be smooth near the arguments. What f writes to cells
/// is not considered.
template <class F, class... A>
CheckReport check_gradients_with(const CheckOptions& options, const F& f, const A&... arguments) {
  const auto call = [&](const std::vector<Array>& x) {
    return [&]<size_t... I>(std::index_sequence<I...>) {
      using R = decltype(f(x[I]...));
      core::check_returned<R>();
      return core::arrays_in(core::Returned<R>(f(x[I]...)));
    }(std::index_sequence_for<A...>());
  };
  return core::check_gradients_of(call, {Array(arguments)...}, options);
}
/// The same with the options as they are.
template <class F, class... A>
  requires(std::convertible_to<const A&, Array> && ...)
CheckReport check_gradients(const F& f, const A&... arguments) {
  return check_gradients_with(CheckOptions{}, f, arguments...);
}
CheckReport check_gradients(core::FunctionOfOne f, const Array& x);

}  // namespace gradus
