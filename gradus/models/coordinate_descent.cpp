// Coordinate descent.
#include "gradus/models/coordinate_descent.hpp"

#include <algorithm>
#include <cmath>

#include "gradus/models/least_squares.hpp"

namespace gradus::models::detail {

namespace {

double soft_threshold(double x, double bound) { return x > bound ? x - bound : x < -bound ? x + bound : 0; }

class Descent {
 public:
  Descent(const QuadraticL1& objective, std::span<double> w)
      : objective_(objective), w_(w), size_(static_cast<int64_t>(w.size())), left_(objective.q.begin(), objective.q.end()) {
    find_left();
  }

  int64_t run(double tolerance, int64_t passes) {
    std::vector<int64_t> all(static_cast<size_t>(size_)), active;
    for (int64_t j = 0; j < size_; ++j) all[static_cast<size_t>(j)] = j;
    std::vector<int8_t> last_signs;
    int64_t pass = 0;
    double last = INFINITY;
    while (pass < passes) {
      sweep(all);
      ++pass;
      const std::vector<int8_t> now = signs();
      if (now == last_signs && now != tried_ && solve_active(now)) {
        const double residual = kkt_residual(left_, w_, objective_.penalties);
        if (residual <= tolerance || !(residual < last / 2)) return pass;
        last = residual;
        tried_.clear();
      } else if (kkt_residual(left_, w_, objective_.penalties) <= tolerance) {
        find_left();
        if (kkt_residual(left_, w_, objective_.penalties) <= tolerance) return pass;
      }
      last_signs = signs();
      active.clear();
      for (int64_t j = 0; j < size_; ++j)
        if (w_[static_cast<size_t>(j)] != 0 || penalty(j) == 0) active.push_back(j);
      const double largest = sweep(active);
      ++pass;
      // A few passes over those that are in use are cheap; more are left to the next round.
      for (int i = 0; i < 10 && pass < passes && sweep(active) > 1e-3 * largest; ++i) ++pass;
    }
    return pass;
  }

 private:
  double penalty(int64_t j) const { return objective_.penalties[static_cast<size_t>(j)]; }
  const double* row(int64_t j) const { return objective_.h.data() + j * size_; }

  void find_left() {
    for (int64_t j = 0; j < size_; ++j)
      left_[static_cast<size_t>(j)] = objective_.q[static_cast<size_t>(j)] - dot(row(j), w_.data(), size_);
  }
  // The largest change of the objective's slope.
  double sweep(const std::vector<int64_t>& order) {
    double most = 0;
    for (const int64_t j : order) {
      const double diagonal = row(j)[j];
      if (!(diagonal > 0)) continue;
      double& now = w_[static_cast<size_t>(j)];
      const double next = soft_threshold(left_[static_cast<size_t>(j)] + diagonal * now, penalty(j)) / diagonal, change = next - now;
      if (change == 0) continue;
      now = next;
      add_scaled(left_.data(), -change, row(j), size_);
      most = std::max(most, std::fabs(change) * diagonal);
    }
    return most;
  }
  std::vector<int8_t> signs() const {
    std::vector<int8_t> out(w_.size());
    for (size_t j = 0; j < out.size(); ++j) out[j] = w_[j] > 0 ? 1 : w_[j] < 0 ? -1 : 0;
    return out;
  }
  // H_AA w_A = q_A - penalty_A sign_A, kept if no sign turns.
  bool solve_active(const std::vector<int8_t>& now) {
    tried_ = now;
    std::vector<int64_t> active;
    for (int64_t j = 0; j < size_; ++j)
      if (row(j)[j] > 0 && (now[static_cast<size_t>(j)] != 0 || penalty(j) == 0)) active.push_back(j);
    const auto count = static_cast<int64_t>(active.size());
    std::vector<double> h(static_cast<size_t>(count * count)), right(static_cast<size_t>(count));
    for (int64_t a = 0; a < count; ++a) {
      const int64_t j = active[static_cast<size_t>(a)];
      for (int64_t b = 0; b < count; ++b) h[static_cast<size_t>(a * count + b)] = row(j)[active[static_cast<size_t>(b)]];
      right[static_cast<size_t>(a)] = objective_.q[static_cast<size_t>(j)] - penalty(j) * now[static_cast<size_t>(j)];
    }
    const std::vector<double> whole = h, wanted = right;
    if (!cholesky(h, count)) return false;
    cholesky_solve(h, count, right, 1);
    std::vector<double> rest = wanted;
    for (int64_t a = 0; a < count; ++a) rest[static_cast<size_t>(a)] -= dot(whole.data() + a * count, right.data(), count);
    cholesky_solve(h, count, rest, 1);
    for (int64_t a = 0; a < count; ++a) {
      right[static_cast<size_t>(a)] += rest[static_cast<size_t>(a)];
      const int8_t sign = now[static_cast<size_t>(active[static_cast<size_t>(a)])];
      if (penalty(active[static_cast<size_t>(a)]) > 0 && !(right[static_cast<size_t>(a)] * sign > 0)) return false;
    }
    for (int64_t a = 0; a < count; ++a) w_[static_cast<size_t>(active[static_cast<size_t>(a)])] = right[static_cast<size_t>(a)];
    find_left();
    return true;
  }

  const QuadraticL1& objective_;
  std::span<double> w_;
  int64_t size_;
  std::vector<double> left_;  // q - H w
  std::vector<int8_t> tried_{};
};

}  // namespace

double kkt_residual(std::span<const double> negative_gradient, std::span<const double> w, std::span<const double> penalties) {
  double most = 0;
  for (size_t j = 0; j < w.size(); ++j) {
    const double slope = negative_gradient[j], bound = penalties[j];
    most = std::max(most, w[j] == 0 ? std::fabs(slope) - bound : std::fabs(slope - (w[j] > 0 ? bound : -bound)));
  }
  return most;
}

int64_t minimise(const QuadraticL1& objective, std::span<double> w, double tolerance, int64_t passes) {
  return Descent(objective, w).run(tolerance, passes);
}

}  // namespace gradus::models::detail
