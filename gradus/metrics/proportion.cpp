// Intervals of a share.
#include "gradus/metrics/proportion.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "gradus/base/error.hpp"
#include "gradus/metrics/distributions.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

void check(std::string_view place, double hits, double tries, double confidence) {
  if (!(tries > 0) || std::isinf(tries) || !(hits >= 0 && hits <= tries))
    fail(place, "there are ", hits, " hits of ", tries, " tries; tries must be above 0 and hits 0 to that");
  if (!(confidence > 0 && confidence < 1)) fail(place, "confidence is ", confidence, "; it must be between 0 and 1");
}

}  // namespace

Bounds wilson(double hits, double tries, double confidence) {
  check("wilson", hits, tries, confidence);
  const double share = hits / tries, z = detail::normal_quantile((1 + confidence) / 2), square = z * z;
  const double middle = (share + square / (2 * tries)) / (1 + square / tries);
  const double half = z / (1 + square / tries) * std::sqrt(share * (1 - share) / tries + square / (4 * tries * tries));
  // At the ends the formula gives 0 and 1 but for rounding.
  return {share, hits == 0 ? 0 : std::max(0.0, middle - half), hits == tries ? 1 : std::min(1.0, middle + half)};
}

// The quantiles of Beta(hits, misses + 1) and Beta(hits + 1, misses).
Bounds clopper_pearson(int64_t hits, int64_t tries, double confidence) {
  const auto k = static_cast<double>(hits), n = static_cast<double>(tries);
  check("clopper_pearson", k, n, confidence);
  const double tail = (1 - confidence) / 2;
  return {k / n, hits == 0 ? 0 : detail::beta_quantile(tail, k, n - k + 1),
          hits == tries ? 1 : detail::beta_quantile(1 - tail, k + 1, n - k)};
}

}  // namespace gradus::metrics
