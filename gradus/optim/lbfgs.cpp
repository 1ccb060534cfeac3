// L-BFGS with a line search for the strong Wolfe conditions. Vectors hold all parameters, one after the other.
#include "gradus/optim/lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::optim {

using namespace core;

namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }
// a + factor b, in place.
void add(std::vector<double>& a, double factor, const std::vector<double>& b) {
  for (size_t i = 0; i < a.size(); ++i) a[i] += factor * b[i];
}
double largest(const std::vector<double>& a) {
  double most = 0;
  for (const double x : a) most = std::isnan(x) ? x : std::max(most, std::fabs(x));
  return most;
}

// One end of an interval along the direction: how far, the objective there, and its slope.
struct End {
  double at = 0, value = 0, slope = 0;
  std::vector<double> gradient{};
};

// Where the cubic through both values and slopes has its minimum, within [low, high].
double cubic_minimum(const End& a, const End& b, double low, double high) {
  const double d = a.slope + b.slope - 3 * (a.value - b.value) / (a.at - b.at), square = d * d - a.slope * b.slope;
  if (!(square >= 0)) return (low + high) / 2;
  const double root = std::sqrt(square);
  const End &left = a.at <= b.at ? a : b, &right = a.at <= b.at ? b : a;
  const double minimum = right.at - (right.at - left.at) * ((right.slope + root - d) / (right.slope - left.slope + 2 * root));
  // Beyond a barrier the objective is infinite, and there is no cubic.
  if (!std::isfinite(minimum)) return (low + high) / 2;
  return std::min(std::max(minimum, low), high);
}
double cubic_minimum(const End& a, const End& b) { return cubic_minimum(a, b, std::min(a.at, b.at), std::max(a.at, b.at)); }

}  // namespace

std::span<const std::string_view> enum_names(LineSearch) {
  static constexpr std::string_view names[] = {"none", "strong_wolfe"};
  return names;
}
std::span<const std::string_view> enum_names(LBFGSEnd) {
  static constexpr std::string_view names[] = {"none", "gradient", "change", "iterations", "evaluations", "line_search", "not_finite"};
  return names;
}
std::span<const FieldNote> LBFGSOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"iterations", "at most, in one step", range::positive},
      {"evaluations", "of the objective, at most, in one step; 0: 5 for each 4 iterations", range::not_negative},
      {"history", "changes of the gradient that are kept", range::positive},
      {"line_search", "how far to go along a direction"},
      {"gradient_tolerance", "a step ends where no number of the gradient is larger", range::not_negative},
      {"change_tolerance", "and where nothing changes by more", range::not_negative}};
  return notes;
}

LBFGS::LBFGS(double learning_rate, LBFGSOptions options) : learning_rate_(learning_rate), options_(checked("lbfgs", options)) {
  if (!(learning_rate > 0) || !std::isfinite(learning_rate))
    fail("lbfgs", "learning_rate is ", learning_rate, "; it must be above 0 and finite");
  if (options_.evaluations == 0) options_.evaluations = options_.iterations * 5 / 4;
}

// The variables as one vector, and the objective there.
class LBFGS::Place {
 public:
  Place(const std::vector<Variable>& variables, const Evaluate& evaluate, int64_t& evaluations)
      : variables_(variables), evaluate_(evaluate), evaluations_(evaluations) {
    for (const Variable& variable : variables) {
      const std::vector<double> values = variable.get().to_vector<double>();
      start_.insert(start_.end(), values.begin(), values.end());
    }
  }

  // From where moves are counted.
  void stay() {
    if (moved_.empty()) return;
    start_ = std::move(moved_);
    moved_.clear();
  }
  // Puts the variables at start + distance direction.
  void go(double distance, const Vector& direction) {
    moved_ = start_;
    add(moved_, distance, direction);
    const double* from = moved_.data();
    for (const Variable& variable : variables_) {
      const Shape shape = variable.get().shape();
      BufferPtr buffer = allocate(shape.size() * 8, "a parameter");
      std::copy(from, from + shape.size(), reinterpret_cast<double*>(buffer->data()));
      from += shape.size();
      variable.set(make_leaf(std::move(buffer), float64, shape).astype(variable.get().dtype()).eval());
    }
  }
  Point evaluate() {
    ++evaluations_;
    auto [value, grads] = evaluate_();
    if (grads.size() != variables_.size())
      fail("lbfgs", "there are ", grads.size(), " gradients and ", variables_.size(), " variables; they must be equally many");
    Point point{value, {}};
    point.gradient.reserve(start_.size());
    for (size_t i = 0; i < grads.size(); ++i) {
      const Shape shape = variables_[i].get().shape();
      if (!grads[i].exists()) {
        point.gradient.insert(point.gradient.end(), static_cast<size_t>(shape.size()), 0.0);
        continue;
      }
      if (grads[i].shape() != shape) fail("lbfgs", "a gradient is ", grads[i].shape(), " and its variable ", shape, "; they must be equal");
      const std::vector<double> values = grads[i].to_vector<double>();
      point.gradient.insert(point.gradient.end(), values.begin(), values.end());
    }
    return point;
  }

 private:
  const std::vector<Variable>& variables_;
  const Evaluate& evaluate_;
  int64_t& evaluations_;
  Vector start_, moved_;
};

// Along `direction` from where the objective is `start`: to a place that satisfies the strong Wolfe conditions, or the best that is found.
class LBFGS::Search {
 public:
  Search(Place& place, const Vector& direction, const Point& start, double slope)
      : place_(place), direction_(direction), start_{0, start.value, slope, start.gradient} {}

  End run(double first) {
    constexpr double least_width = 1e-9;
    bracket(first);
    if (is_done_) return low_;
    // Narrows the interval: `low` is the better end.
    if (high_.value < low_.value) std::swap(low_, high_);
    bool was_near_end = false;
    const double size = largest(direction_);
    while (tries_ < kMostTries && std::fabs(high_.at - low_.at) * size >= least_width) {
      const double left = std::min(low_.at, high_.at), right = std::max(low_.at, high_.at), margin = 0.1 * (right - left);
      double at = cubic_minimum(low_, high_);
      const bool is_near_end = std::min(right - at, at - left) < margin;
      if (is_near_end && (was_near_end || at >= right || at <= left)) {
        at = std::fabs(at - right) < std::fabs(at - left) ? right - margin : left + margin;
        was_near_end = false;
      } else {
        was_near_end = is_near_end;
      }
      End now = look(at);
      ++tries_;
      if (is_level(now)) {
        low_ = std::move(now);
        break;
      }
      if (rises(now) || now.value >= low_.value) {
        high_ = std::move(now);
        if (high_.value < low_.value) std::swap(low_, high_);
        continue;
      }
      const bool is_done = is_flat(now);
      if (!is_done && now.slope * (high_.at - low_.at) >= 0) high_ = low_;
      low_ = std::move(now);
      if (is_done) break;
    }
    return low_;
  }

 private:
  static constexpr int kMostTries = 25;
  static constexpr double kRounding = 1e-13;  // of an objective that is a sum of many terms
  static constexpr double kFall = 1e-4, kFlat = 0.9;  // shares of the first slope (Nocedal and Wright, 3.1)

  End look(double at) {
    place_.go(at, direction_);
    Point point = place_.evaluate();
    const double slope = dot(point.gradient, direction_);
    return {at, point.value, slope, std::move(point.gradient)};
  }
  bool rises(const End& end) const { return end.value > start_.value + kFall * end.at * start_.slope || std::isnan(end.value); }
  bool is_flat(const End& end) const { return std::fabs(end.slope) <= -kFlat * start_.slope; }

  // Where the objective changes by no more than its rounding its slope alone says enough (Hager and Zhang 2005, the approximate conditions).
  bool is_level(const End& end) const {
    return end.value <= start_.value + kRounding * std::fabs(start_.value) && is_flat(end);
  }
  // Goes further until the interval holds a place to stay.
  void bracket(double first) {
    End before = start_, now = look(first);
    while (tries_ < kMostTries) {
      if (is_level(now)) {
        is_done_ = true;
        low_ = std::move(now);
        return;
      }
      if (rises(now) || (tries_ > 1 && now.value >= before.value) || now.slope >= 0) {
        is_done_ = !rises(now) && !(tries_ > 1 && now.value >= before.value) && is_flat(now);
        low_ = is_done_ ? now : std::move(before);
        high_ = std::move(now);
        return;
      }
      if (is_flat(now)) {
        is_done_ = true;
        low_ = std::move(now);
        return;
      }
      const double next = cubic_minimum(before, now, now.at + 0.01 * (now.at - before.at), 10 * now.at);
      before = std::move(now);
      now = look(next);
      ++tries_;
    }
    low_ = start_;
    high_ = std::move(now);
  }

  Place& place_;
  const Vector& direction_;
  End start_, low_{}, high_{};
  int tries_ = 0;
  bool is_done_ = false;
};

// The two-loop recursion: the estimate of the inverse Hessian times -gradient.
void LBFGS::find_direction(const Vector& gradient) {
  if (!is_fresh_) {
    Change change{gradient, direction_, 0};
    add(change.gradient, -1, last_gradient_);
    for (double& x : change.move) x *= length_;
    const double product = dot(change.gradient, change.move);
    // As a share of what it could be: near the optimum all products are small.
    if (product > 1e-10 * std::sqrt(dot(change.gradient, change.gradient) * dot(change.move, change.move))) {
      if (static_cast<int64_t>(changes_.size()) == options_.history) changes_.erase(changes_.begin());
      scale_ = product / dot(change.gradient, change.gradient);
      change.inverse_product = 1 / product;
      changes_.push_back(std::move(change));
    }
  }
  direction_ = gradient;
  for (double& x : direction_) x = -x;
  std::vector<double> shares(changes_.size());
  for (size_t i = changes_.size(); i-- > 0;) {
    shares[i] = dot(changes_[i].move, direction_) * changes_[i].inverse_product;
    add(direction_, -shares[i], changes_[i].gradient);
  }
  for (double& x : direction_) x *= scale_;
  for (size_t i = 0; i < changes_.size(); ++i) {
    add(direction_, shares[i] - dot(changes_[i].gradient, direction_) * changes_[i].inverse_product, changes_[i].move);
  }
}

// The next direction is that of the gradient alone.
void LBFGS::forget() {
  changes_.clear();
  scale_ = 1;
  is_fresh_ = true;
}

double LBFGS::step(const std::vector<Variable>& variables, const Evaluate& evaluate) {
  const int64_t evaluations_before = evaluations_;
  Place place(variables, evaluate, evaluations_);
  Point now = place.evaluate();
  const double first = now.value;
  if (!last_gradient_.empty() && last_gradient_.size() != now.gradient.size()) {
    fail("lbfgs", "the model has ", now.gradient.size(), " numbers, it had ", last_gradient_.size(), "; an optimiser stays with its model");
  }
  gradient_size_ = largest(now.gradient);
  const bool is_number = std::isfinite(gradient_size_) && std::isfinite(now.value);
  end_ = is_number ? LBFGSEnd::gradient : LBFGSEnd::not_finite;
  if (!(gradient_size_ > options_.gradient_tolerance)) return first;
  end_ = LBFGSEnd::iterations;
  for (int64_t iteration = 1; iteration <= options_.iterations; ++iteration) {
    ++iterations_;
    find_direction(now.gradient);
    last_gradient_ = now.gradient;
    const double last_value = now.value;
    double sum = 0;
    for (const double x : now.gradient) sum += std::fabs(x);
    length_ = is_fresh_ ? std::min(1.0, 1 / sum) * learning_rate_ : learning_rate_;
    is_fresh_ = false;
    const double slope = dot(now.gradient, direction_);
    if (!(slope <= -options_.change_tolerance)) {
      end_ = is_number ? LBFGSEnd::change : LBFGSEnd::not_finite;
      break;
    }
    if (options_.line_search == LineSearch::strong_wolfe) {
      End end = Search(place, direction_, now, slope).run(length_);
      length_ = end.at;
      place.go(length_, direction_);
      if (length_ == 0) {
        if (changes_.empty()) {
          end_ = LBFGSEnd::line_search;
          break;
        }
        forget();
        continue;
      }
      now = {end.value, std::move(end.gradient)};
    } else {
      place.go(length_, direction_);
      if (iteration == options_.iterations) break;
      now = place.evaluate();
      if (!std::isfinite(now.value)) {
        place.go(0, direction_);
        fail("lbfgs", "the objective is ", now.value, " after a step of ", length_,
             " along the direction; the parameters are as before it. Use LineSearch::strong_wolfe, or a smaller learning rate");
      }
    }
    place.stay();
    gradient_size_ = largest(now.gradient);
    const bool is_small = !(gradient_size_ > options_.gradient_tolerance),
               is_long = evaluations_ - evaluations_before >= options_.evaluations;
    const bool has_settled =
        length_ * largest(direction_) <= options_.change_tolerance || std::fabs(now.value - last_value) < options_.change_tolerance;
    if (!is_small && !is_long && !has_settled) continue;
    end_ = is_small ? LBFGSEnd::gradient : is_long ? LBFGSEnd::evaluations : LBFGSEnd::change;
    break;
  }
  return first;
}

double LBFGS::step(std::vector<Array>& arrays, const std::function<Array(const std::vector<Array>&)>& objective) {
  std::vector<Variable> variables;
  for (size_t i = 0; i < arrays.size(); ++i) variables.push_back({std::to_string(i), nullptr, &arrays[i]});
  return step(variables, [&] {
    auto [value, grads] = value_and_grad(objective)(arrays);
    return std::pair(value.item(), std::move(grads));
  });
}

}  // namespace gradus::optim
