// Renyi divergences of the sampled Gaussian mechanism, in logarithms: A itself leaves the range of doubles.
#include "gradus/train/accountant.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "gradus/base/error.hpp"

namespace gradus::train {

using namespace core;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kMostNoise = 1e6;

void check(const PrivateSteps& steps) {
  if (!(steps.noise_multiplier >= 0) || std::isinf(steps.noise_multiplier))
    fail("privacy", "noise_multiplier is ", steps.noise_multiplier, "; it must be a finite number of at least 0");
  if (!(steps.sampling_rate >= 0 && steps.sampling_rate <= 1))
    fail("privacy", "sampling_rate is ", steps.sampling_rate, "; it must be from 0 to 1");
  if (steps.steps < 0) fail("privacy", "steps is ", steps.steps, "; it must not be negative");
}
void check_delta(double delta) {
  if (!(delta > 0 && delta < 1)) fail("privacy", "delta is ", delta, "; it must lie between 0 and 1, and well below 1 / samples");
}
void check_order(double order) {
  if (!(order > 1) || std::isinf(order)) fail("privacy", "an order is ", order, "; it must be finite and above 1");
}

// The logarithm of a sum of signed terms that are given by their logarithms.
class LogSum {
 public:
  void add(double log_term, double sign = 1) {
    if (log_term == -kInfinity) return;
    if (log_term > top_) {
      sum_ *= std::exp(top_ - log_term);
      top_ = log_term;
    }
    sum_ += sign * std::exp(log_term - top_);
  }
  double value() const { return sum_ > 0 ? top_ + std::log(sum_) : -kInfinity; }

 private:
  double top_ = -kInfinity, sum_ = 0;
};

double log_expm1(double x) { return x > 30 ? x + std::log1p(-std::exp(-x)) : std::log(std::expm1(x)); }

double log_erfc(double x) {
  if (x < 25) return std::log(std::erfc(x));
  const double r = 1 / (2 * x * x);  // erfc x = exp(-x^2) / (x sqrt(pi)) (1 - r + 3 r^2 - 15 r^3 + ...)
  return -x * x - std::log(x * std::sqrt(std::numbers::pi)) + std::log1p(-r + 3 * r * r - 15 * r * r * r);
}

// log A of an integer order, by A - 1 = sum_k C(a, k) q^k (1 - q)^(a - k) (exp((k^2 - k) / (2 sigma^2)) - 1): all terms are positive, so
// that no digit is lost where A is near 1.
double log_moment(double sigma, double q, int64_t order) {
  const double log_q = std::log(q), log_rest = std::log1p(-q);
  LogSum sum;
  double log_binomial = std::log(static_cast<double>(order));
  for (int64_t i = 2; i <= order; ++i) {
    const auto k = static_cast<double>(i), a = static_cast<double>(order);
    log_binomial += std::log((a - k + 1) / k);
    sum.add(log_binomial + k * log_q + (a - k) * log_rest + log_expm1((k * k - k) / (2 * sigma * sigma)));
  }
  const double log_excess = sum.value();
  return log_excess > 30 ? log_excess : std::log1p(std::exp(log_excess));
}

// log A of any order by the series of section 3.3 of the paper; nan where it does not converge to a positive sum.
double log_moment_by_series(double sigma, double q, double order) {
  const double log_q = std::log(q), log_rest = std::log1p(-q), z0 = sigma * sigma * std::log(1 / q - 1) + 0.5;
  const double variance = sigma * sigma, scale = std::numbers::sqrt2 * sigma, log_half = -std::numbers::ln2;
  constexpr double kNoMore = -36;  // a term below exp(-36) of the sum changes no digit
  constexpr int64_t kMost = 1 << 17;
  LogSum sum;
  double log_binomial = 0, sign = 1;
  for (int64_t n = 0; n < kMost; ++n) {
    const auto i = static_cast<double>(n), j = order - i;
    const double low = log_binomial + i * log_q + j * log_rest + (i * i - i) / (2 * variance) + log_half + log_erfc((i - z0) / scale);
    const double high = log_binomial + j * log_q + i * log_rest + (j * j - j) / (2 * variance) + log_half + log_erfc((z0 - j) / scale);
    sum.add(low, sign);
    sum.add(high, sign);
    if (i > order && std::max(low, high) < sum.value() + kNoMore) return sum.value();
    if (j < 0) sign = -sign;
    log_binomial += std::log(std::abs(j)) - std::log(i + 1);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

double log_moment(double sigma, double q, double order) {
  const double below = std::floor(order), share = order - below;
  const double first = below > 1 ? log_moment(sigma, q, static_cast<int64_t>(below)) : 0;
  if (share == 0) return first;
  // log A is convex in the order, and 0 at 1.
  const double line = (1 - share) * first + share * log_moment(sigma, q, static_cast<int64_t>(below) + 1);
  constexpr double kFewDigits = 1e-9;  // the series are known to about 1e-13
  if (line < kFewDigits) return line;
  const double series = log_moment_by_series(sigma, q, order);
  return series > 0 && series < line ? series : line;
}

std::vector<double> usual_orders() {
  std::vector<double> orders;
  for (int tenths = 11; tenths < 110; ++tenths) orders.push_back(tenths / 10.0);
  for (int order = 12; order < 64; ++order) orders.push_back(order);
  for (const int order : {64, 72, 80, 96, 112, 128, 160, 192, 256, 320, 384, 512, 640, 768, 1024}) orders.push_back(order);
  return orders;
}

}  // namespace

double renyi_divergence(double noise_multiplier, double sampling_rate, double order) {
  check({noise_multiplier, sampling_rate});
  check_order(order);
  if (sampling_rate == 0) return 0;
  if (noise_multiplier == 0) return kInfinity;
  // D = a / (2 sigma^2) without sampling.
  const double variance = noise_multiplier * noise_multiplier;
  if (sampling_rate == 1) return order / (2 * variance);
  const double divergence = log_moment(noise_multiplier, sampling_rate, order) / (order - 1);
  return std::isnan(divergence) ? kInfinity : divergence;
}

PrivacyAccountant::PrivacyAccountant() : PrivacyAccountant(usual_orders()) {}
PrivacyAccountant::PrivacyAccountant(std::vector<double> orders) : orders_(std::move(orders)), before_(orders_.size(), 0.0) {
  if (orders_.empty()) fail("privacy", "there are no orders; leave them out, or give some numbers above 1");
  for (const double order : orders_) check_order(order);
}

void PrivacyAccountant::add(const PrivateSteps& steps) {
  check(steps);
  if (steps.steps == 0) return;
  PrivateSteps* last = parts_.empty() ? nullptr : &parts_.back();
  if (last && last->noise_multiplier == steps.noise_multiplier && last->sampling_rate == steps.sampling_rate) {
    if (last->steps > std::numeric_limits<int64_t>::max() - steps.steps) fail("privacy", "there are more steps than integers");
    last->steps += steps.steps;
    return;
  }
  for (size_t i = 0; last && i < orders_.size(); ++i) before_[i] += static_cast<double>(last->steps) * one_step_[i];
  one_step_.clear();
  for (const double order : orders_) one_step_.push_back(renyi_divergence(steps.noise_multiplier, steps.sampling_rate, order));
  parts_.push_back(steps);
}

double PrivacyAccountant::epsilon(double delta) const {
  check_delta(delta);
  if (parts_.empty()) return 0;
  const auto steps = static_cast<double>(parts_.back().steps);
  double least = kInfinity;
  for (size_t i = 0; i < orders_.size(); ++i) {
    const double a = orders_[i], divergence = before_[i] + steps * one_step_[i];
    least = std::min(least, divergence + std::log1p(-1 / a) - (std::log(delta) + std::log(a)) / (a - 1));
  }
  return std::max(0.0, least);
}

double epsilon_of(const PrivateSteps& steps, double delta) {
  PrivacyAccountant accountant;
  accountant.add(steps);
  return accountant.epsilon(delta);
}

double noise_for(double epsilon, double delta, const PrivateSteps& steps, const PrivacyAccountant& spent) {
  if (!(epsilon > 0)) fail("privacy", "epsilon is ", epsilon, "; it must be above 0");
  check_delta(delta);
  const auto with = [&](double noise) {
    PrivacyAccountant accountant = spent;
    accountant.add({noise, steps.sampling_rate, steps.steps});
    return accountant.epsilon(delta);
  };
  double low = 0, high = 1;
  while (with(high) > epsilon) {
    low = high;
    high *= 2;
    if (high > kMostNoise) {
      fail("privacy", "no noise keeps ", steps.steps, " steps to an epsilon of ", epsilon, " at delta ", delta, "; the most noise gives ",
           with(kMostNoise));
    }
  }
  while (high - low > 1e-4 * high) {
    const double middle = low + (high - low) / 2;
    (with(middle) > epsilon ? low : high) = middle;
    if (high < 1e-3) break;
  }
  return high;
}

}  // namespace gradus::train
