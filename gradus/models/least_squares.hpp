// Dense systems in float64: least squares by QR, and Cholesky. Matrices are row-major. Private to models/.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gradus::models::detail {

/// What solve_least_squares finds.
struct LeastSquares {
  std::vector<double> solution{};    ///< (columns, targets)
  std::vector<double> residual{};    ///< (rows, targets): b - a x
  std::vector<double> covariance{};  ///< (columns, columns), (a'a)^-1; empty where columns depend on each other
  int64_t rank = 0;
  double condition = 1;              ///< estimate of that of a with columns of like length; of the columns that count
  std::vector<int64_t> dependent{};  ///< columns that are sums of others, as far as they were found
  int64_t refinements = 0;
};

/// The x that minimises |a x - b|; of several the one of least length, the first `free` columns not counted. a (rows, columns), b
/// (rows, targets), finite.
///
/// Householder QR of blocks of rows whose triangles are folded together, then QR with column pivoting of the one triangle; refined by the
/// augmented system [I a; a' 0] with residuals in twice the digits (Bjorck 1967), which gives all digits that the data has.
LeastSquares solve_least_squares(std::span<const double> a, int64_t columns, std::span<const double> b, int64_t targets, int64_t free);
/// Columns that are sums of others, so far as others have been found before: leaving them out leaves what all span.
std::vector<int64_t> dependent_columns(std::span<const double> a, int64_t columns, int64_t free);

/// The lower triangle of a symmetric positive definite matrix, in place: a = l l'. False where it is not positive definite.
bool cholesky(std::vector<double>& a, int64_t size);
/// Solves l l' x = b in place; b (size, targets).
void cholesky_solve(std::span<const double> l, int64_t size, std::span<double> b, int64_t targets);
/// (l l')^-1, (size, size).
std::vector<double> cholesky_inverse(std::span<const double> l, int64_t size);

/// Sum of products. With four sums, which the compiler computes side by side.
double dot(const double* a, const double* b, int64_t size);
/// a += factor b.
void add_scaled(double* a, double factor, const double* b, int64_t size);

}  // namespace gradus::models::detail
