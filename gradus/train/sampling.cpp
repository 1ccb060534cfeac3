// Drawing of tokens.
#include "gradus/train/sampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/graph/fields.hpp"

namespace gradus::train {

using namespace core;

std::span<const FieldNote> SamplingOptions::field_notes() {
  static constexpr FieldNote notes[] = {
      {"temperature", "logits are divided by it; 0: always the most likely token", range::not_negative},
      {"top_k", "only the so many most likely tokens; 0: all", range::not_negative},
      {"top_p", "only the most likely tokens that together have this probability", {.low = 0, .high = 1, .excludes_low = true}},
      {"min_p", "only tokens with this share of the most likely one's probability", range::part},
      {"repetition_penalty", "makes tokens that have come less likely", range::above_zero}};
  return notes;
}

namespace detail {

void check_sampling(std::string_view op, const SamplingOptions& options) { check_fields(op, fields_of(options), &options); }

std::vector<double> penalised(std::span<const float> logits, std::span<const int64_t> past, double penalty) {
  std::vector<double> out(logits.begin(), logits.end());
  if (penalty == 1) return out;
  std::vector<bool> has_come(out.size());
  for (const int64_t token : past) {
    if (token < 0 || token >= static_cast<int64_t>(out.size()) || has_come[static_cast<size_t>(token)]) continue;
    has_come[static_cast<size_t>(token)] = true;
    double& logit = out[static_cast<size_t>(token)];
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
  return out;
}

namespace {

struct Scored {
  int64_t token;
  double logit;
};
// The more likely one first; of equal ones the lower id.
bool comes_before(const Scored& a, const Scored& b) { return a.logit != b.logit ? a.logit > b.logit : a.token < b.token; }

std::vector<Scored> scored(std::string_view op, std::span<const float> logits, std::span<const int64_t> past, double penalty) {
  std::vector<Scored> all;
  all.reserve(logits.size());
  for (const double logit : penalised(logits, past, penalty)) {
    if (std::isnan(logit)) fail(op, "the model's output for token ", all.size(), " is nan; it must be a number");
    all.push_back({static_cast<int64_t>(all.size()), logit});
  }
  std::erase_if(all, [](const Scored& one) { return one.logit == -std::numeric_limits<double>::infinity(); });
  if (all.empty()) fail(op, "the model's output is -inf for all ", logits.size(), " tokens; one must be possible");
  return all;
}

// The first so many in order; the rest is in none.
void sort_first(std::vector<Scored>& all, size_t count) {
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(count, all.size())), all.end(), comes_before);
}

// Weights relative to the most likely token's; infinite logits share the probability among themselves.
std::vector<Candidate> weighted(const std::vector<Scored>& all, double largest, double temperature) {
  std::vector<Candidate> out;
  out.reserve(all.size());
  for (const Scored& one : all) out.push_back({one.token, one.logit == largest ? 1 : std::exp((one.logit - largest) / temperature)});
  return out;
}
double sum_of(const std::vector<Candidate>& candidates) {
  double sum = 0;
  for (const Candidate& candidate : candidates) sum += candidate.probability;
  return sum;
}

// Leaves the most likely ones that together have the share top_p. Most of the probability is mostly in few of them: no more are sorted.
void keep_share(std::vector<Scored>& all, double top_p, double sum, double largest, double temperature) {
  for (size_t sorted = 256;; sorted *= 4) {
    sort_first(all, sorted);
    double reached = 0;
    for (size_t i = 0; i < std::min(sorted, all.size()); ++i) {
      reached += all[i].logit == largest ? 1 : std::exp((all[i].logit - largest) / temperature);
      if (reached < top_p * sum) continue;
      all.resize(i + 1);
      return;
    }
    if (sorted >= all.size()) return;
  }
}

}  // namespace

std::vector<Candidate> candidates(std::string_view op, std::span<const float> logits, std::span<const int64_t> past,
                                  const SamplingOptions& options) {
  std::vector<Scored> all = scored(op, logits, past, options.repetition_penalty);
  const size_t most = options.temperature == 0 ? 1 : static_cast<size_t>(options.top_k);
  if (most > 0 && most < all.size()) {
    sort_first(all, most);
    all.resize(most);
  }
  const double largest = std::min_element(all.begin(), all.end(), comes_before)->logit;
  std::vector<Candidate> out = weighted(all, largest, options.temperature);
  if (options.top_p < 1) {
    keep_share(all, options.top_p, sum_of(out), largest, options.temperature);
    out = weighted(all, largest, options.temperature);
  }
  std::erase_if(out, [&](const Candidate& candidate) { return candidate.probability < options.min_p; });
  const double sum = sum_of(out);
  for (Candidate& candidate : out) candidate.probability /= sum;
  return out;
}

const Candidate& pick(const std::vector<Candidate>& candidates, double u) {
  double sum = 0;
  for (const Candidate& candidate : candidates) {
    sum += candidate.probability;
    if (u < sum) return candidate;
  }
  return candidates.back();  // rounding of the sum
}

std::vector<double> log_probabilities(std::span<const double> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const double logit : logits) sum += logit == largest ? 1 : std::exp(logit - largest);
  std::vector<double> out;
  for (const double logit : logits) out.push_back((logit == largest ? 0 : logit - largest) - std::log(sum));
  return out;
}

std::vector<double> log_probabilities(std::span<const float> logits) {
  return log_probabilities(std::vector<double>(logits.begin(), logits.end()));
}

}  // namespace detail

}  // namespace gradus::train
