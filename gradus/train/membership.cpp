// Receiver operating characteristics of attacks, and what they mean.
#include "gradus/train/membership.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "gradus/base/error.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/progress.hpp"
#include "gradus/transform/vmap.hpp"

namespace gradus::train {

using namespace core;

namespace {

constexpr const char* kOp = "membership_inference";

void check_scores(const char* side, std::span<const double> scores) {
  if (scores.empty()) fail(kOp, "there are no ", side, "; each side needs samples");
  const auto nan = std::find_if(scores.begin(), scores.end(), [](double score) { return std::isnan(score); });
  if (nan != scores.end()) fail(kOp, "the score of ", side, "[", nan - scores.begin(), "] is nan; scores must be numbers");
}

struct Scored {
  double score;
  bool is_member;
};

// For each sample the share of the other side that it beats, ties by half; `all` is in falling order.
struct Placements {
  double members_mean = 0, members_variance = 0, others_variance = 0;
};
Placements placements(const std::vector<Scored>& all, double members, double others) {
  double members_above = 0, others_above = 0;
  double sums[2] = {}, squares[2] = {};
  for (size_t begin = 0; begin < all.size();) {
    double count[2] = {};
    size_t end = begin;
    for (; end < all.size() && all[end].score == all[begin].score; ++end) ++count[all[end].is_member];
    const double member = (others - others_above - count[0] / 2) / others, other = (members_above + count[1] / 2) / members;
    sums[1] += count[1] * member;
    squares[1] += count[1] * member * member;
    sums[0] += count[0] * other;
    squares[0] += count[0] * other * other;
    members_above += count[1];
    others_above += count[0];
    begin = end;
  }
  const auto variance = [](double sum, double square, double n) {
    return n > 1 ? std::max(0.0, (square - sum * sum / n) / (n - 1)) : 0.25;
  };
  return {sums[1] / members, variance(sums[1], squares[1], members), variance(sums[0], squares[0], others)};
}

std::string percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

std::string verdict_of(const std::vector<MembershipAttack>& attacks) {
  const auto best = std::max_element(attacks.begin(), attacks.end(), [](const auto& a, const auto& b) { return a.auc_low < b.auc_low; });
  if (best->auc_low <= 0.5) return "these attacks tell members from others no better than guessing; stronger ones might";
  const std::string how = concat("by its ", best->name, ": ", percent(best->tpr_at_1_percent), " of them at 1 % false alarms");
  if (best->auc >= 0.6) return concat("the model gives its training samples away ", how, "; regularise more, or train with .privacy");
  return concat("the model gives a little of its training samples away ", how);
}

}  // namespace

MembershipAttack membership_attack(std::string name, std::span<const double> members, std::span<const double> others) {
  check_scores("members", members);
  check_scores("others", others);
  std::vector<Scored> all;
  for (const double score : members) all.push_back({score, true});
  for (const double score : others) all.push_back({score, false});
  std::sort(all.begin(), all.end(), [](const Scored& a, const Scored& b) { return a.score > b.score; });

  MembershipAttack attack{.name = std::move(name)};
  const auto m = static_cast<double>(members.size()), n = static_cast<double>(others.size());
  double found = 0, mistaken = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    ++(all[i].is_member ? found : mistaken);
    if (i + 1 < all.size() && all[i + 1].score == all[i].score) continue;  // a threshold takes all of a score, or none
    if (mistaken / n <= 0.01) attack.tpr_at_1_percent = found / m;
    attack.advantage = std::max(attack.advantage, found / m - mistaken / n);
  }
  const Placements at = placements(all, m, n);
  constexpr double k95 = 1.959963984540054;
  const double margin = k95 * std::sqrt(at.members_variance / m + at.others_variance / n);
  attack.auc = at.members_mean;
  attack.auc_low = std::max(0.0, attack.auc - margin);
  attack.auc_high = std::min(1.0, attack.auc + margin);
  return attack;
}

std::string to_text(const MembershipReport& report) {
  std::string out = concat(with_commas(report.members), " members, ", with_commas(report.others), " others\n");
  for (const MembershipAttack& attack : report.attacks) {
    char line[160];
    std::snprintf(line, sizeof line, "%s: AUC %.3f (%.3f to %.3f), advantage %.3f, %s found at 1 %% false alarms\n", attack.name.c_str(),
                  attack.auc, attack.auc_low, attack.auc_high, attack.advantage, percent(attack.tpr_at_1_percent).c_str());
    out += line;
  }
  return out + report.verdict + "\n";
}

namespace detail {

std::vector<double> losses_of(const std::function<Array(const Array& x, const Array& y)>& loss, const data::Dataset& set,
                              int64_t batch_size) {
  if (!set.has_targets()) fail(kOp, "the data set has no targets, of which losses are made");
  const nn::TrainingMode inference(false);
  const auto of_one = [&](const std::vector<Array>& sample) { return loss(expand_dims(sample[0], 0), expand_dims(sample[1], 0)); };
  std::vector<double> losses;
  for (const data::Batch& batch : data::batches(set, {.batch_size = batch_size})) {
    const std::vector<double> part = vmap(of_one)(std::vector<Array>{batch.x, batch.y}).to_vector<double>();
    losses.insert(losses.end(), part.begin(), part.end());
  }
  return losses;
}

MembershipReport membership(const data::Dataset& members, const data::Dataset& others, const SampleLosses& model,
                            const SampleLosses& reference) {
  MembershipReport report{.members = members.size(), .others = others.size()};
  std::vector<double> scores[2];
  for (const bool is_member : {true, false}) {
    const data::Dataset& set = is_member ? members : others;
    if (set.size() == 0) fail(kOp, "there are no ", is_member ? "members" : "others", "; each side needs samples");
    scores[is_member] = model(set);
    for (double& loss : scores[is_member]) loss = -loss;
  }
  report.attacks.push_back(membership_attack("loss", scores[1], scores[0]));
  if (reference) {
    for (const bool is_member : {true, false}) {
      const std::vector<double> losses = reference(is_member ? members : others);
      for (size_t i = 0; i < losses.size(); ++i) scores[is_member][i] += losses[i];
    }
    report.attacks.push_back(membership_attack("calibrated loss", scores[1], scores[0]));
  }
  report.verdict = verdict_of(report.attacks);
  return report;
}

}  // namespace detail

}  // namespace gradus::train
