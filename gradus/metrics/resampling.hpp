// Draws of samples, and bounds from what they give. Not for users.
#pragma once

#include <array>
#include <functional>
#include <string_view>
#include <vector>

#include "gradus/base/philox.hpp"
#include "gradus/metrics/bootstrap.hpp"
#include "gradus/metrics/proportion.hpp"

namespace gradus::metrics::detail {

/// 128 random bits: pair `at` of draw `draw` under `seed`.
inline std::array<uint64_t, 2> random_pair(uint64_t seed, uint64_t draw, uint64_t at) {
  const auto words = core::philox(at, draw, seed);
  return {uint64_t{words[1]} << 32 | words[0], uint64_t{words[3]} << 32 | words[2]};
}

void check_options(std::string_view place, const BootstrapOptions& options);

/// What is drawn together: each sample, or each group, within its stratum.
class Units {
 public:
  Units(std::string_view place, size_t count, const BootstrapOptions& options, std::span<const int32_t> strata);
  size_t size() const { return members_.empty() ? count_ : members_.size(); }
  /// How often each sample is in resample `draw`.
  void draw(uint64_t seed, uint64_t draw, std::vector<double>& counts) const;
  /// Samples that block b of `blocks` leaves out count 0, the others 1.
  void leave_out(size_t b, size_t blocks, std::vector<double>& counts) const;

 private:
  void count(size_t unit, std::vector<double>& counts, double times) const;

  size_t count_;
  std::vector<std::vector<int32_t>> members_;  // of groups; none: each sample by itself
  std::vector<std::vector<int32_t>> strata_;   // units; none: all in one
};

/// values(weights of the samples), one a score.
using Values = std::function<std::vector<double>(const std::vector<double>& counts)>;
/// All scores of all resamples, score by score; NaN where not defined.
std::vector<std::vector<double>> resampled(const Units& units, size_t count, const BootstrapOptions& options, const Values& values);
/// Scores without each block of units.
std::vector<std::vector<double>> jackknife(const Units& units, size_t count, const Values& values);

Interval interval_of(double value, std::vector<double> draws, const std::vector<double>& left_out, const BootstrapOptions& options);

}  // namespace gradus::metrics::detail
