// Least squares with L1 and L2 penalties, of one table, for any penalty: what single fits and paths share. Private to models/.
#pragma once

#include <span>
#include <vector>

#include "gradus/models/linear_data.hpp"

namespace gradus::models::detail {

/// l1 |w|_1 + l2 |w|^2 / 2.
struct Penalty {
  double l1 = 0, l2 = 0;
};

/// |y - x w|^2 / (2 W) + penalty, rows weighted, columns centred; each target by itself.
class ElasticNetProblem {
 public:
  ElasticNetProblem(const LinearData& data, bool use_intercept);

  struct Solved {
    double gap = 0,
           kkt = 0;  ///< the gap, and the largest violation of the optimum's conditions, as shares of what they are made of at w = 0
    int64_t passes = 0;
  };
  /// From w on, which becomes the solution.
  Solved solve(std::vector<double>& w, int64_t target, Penalty penalty, double tolerance, int64_t passes) const;
  double intercept(const std::vector<double>& w, int64_t target) const;
  /// The least alpha at which all coefficients of all targets are 0.
  double largest_alpha(double l1_ratio) const;

 private:
  struct Stopping {
    double kkt = 0;
    int64_t passes = 0;
  };
  std::vector<double> gram_of(const Array& x) const;
  std::vector<double> slopes(const std::vector<double>& w, int64_t target, Array& residual) const;
  double gap(const std::vector<double>& w, int64_t target, Penalty penalty, double& kkt) const;
  int64_t minimise_on(std::span<const int64_t> chosen, std::vector<double>& w, int64_t target, Penalty penalty,
                      const Stopping& stopping) const;
  std::vector<int64_t> choose(const std::vector<double>& w, int64_t target, Penalty penalty, int64_t room) const;

  int64_t columns_;
  double total_weight_;
  Centred centred_;
  Array transposed_{};
  std::vector<double> gram_{}, start_{};  // x'x / W of all columns, if there are few; x'y / W, (D, K)
  std::vector<double> scales_{};          // the objective at w = 0
};

}  // namespace gradus::models::detail
