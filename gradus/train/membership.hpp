// Membership inference: how well one who has a model and a sample can tell whether the sample was trained on. A check of what a model gives
// away, not a proof that it gives nothing away: better attacks exist.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gradus/train/fit.hpp"

namespace gradus::train {

/// How well one attack tells members from others by a score, larger for members.
struct MembershipAttack {
  std::string name{};  ///< "loss", or "calibrated loss"
  double auc = 0.5;    ///< the chance that a member scores above another sample, ties by half; 0.5: the attack tells nothing
  double auc_low = 0;  ///< 95 % interval of it (DeLong, DeLong and Clarke-Pearson 1988), within 0 and 1
  double auc_high = 1;
  double tpr_at_1_percent = 0;  ///< members found by the threshold that takes at most 1 % of the others for members
  double advantage = 0;         ///< the largest share of members found less that of others taken for members
};

/// What membership_inference finds.
struct MembershipReport {
  int64_t members = 0, others = 0;
  std::vector<MembershipAttack> attacks{};
  std::string verdict{};  ///< in words
};
/// A line an attack, and the verdict.
std::string to_text(const MembershipReport& report);

/// The attack by scores of one's own. Throws for an empty side, and for scores that are nan.
MembershipAttack membership_attack(std::string name, std::span<const double> members, std::span<const double> others);

/// Options of membership_inference.
struct MembershipOptions {
  loss::Loss loss{};  ///< by default what suits output and target, as for evaluate
  int64_t batch_size = 256;
};

namespace detail {
using SampleLosses = std::function<std::vector<double>(const data::Dataset&)>;
/// The loss of each sample, by a function that gives that of a batch.
std::vector<double> losses_of(const std::function<Array(const Array& x, const Array& y)>& loss, const data::Dataset& set,
                              int64_t batch_size);
MembershipReport membership(const data::Dataset& members, const data::Dataset& others, const SampleLosses& model,
                            const SampleLosses& reference);

template <class M>
SampleLosses sample_losses(const M& model, const MembershipOptions& options) {
  return [&model, &options](const data::Dataset& set) {
    const auto loss_of_batch = [&](const Array& x, const Array& y) {
      const Array output = model(x);
      const loss::Loss loss = options.loss.exists() ? options.loss : usual_objective(output, y).loss;
      return loss(output, fitted_target(loss, output, y));
    };
    return losses_of(loss_of_batch, set, options.batch_size);
  };
}
}  // namespace detail

/// Attacks a model by its losses: training samples (`members`) have lower ones than samples of the same kind that it has not seen
/// (`others`) the more it has learned them by heart (Yeom et al., "Privacy risk in machine learning", 2018). Samples weigh the same; both
/// sides should be drawn from the same source, or the attack sees that difference.
///
///   const train::MembershipReport report = train::membership_inference(model, train_set, test_set);
///   std::puts(train::to_text(report).c_str());
template <class M>
MembershipReport membership_inference(const M& model, const data::Dataset& members, const data::Dataset& others,
                                      MembershipOptions options = {}) {
  if constexpr (detail::must_take_one_array<M>()) return detail::membership(members, others, detail::sample_losses(model, options), {});
  else return {};
}
/// The same, and the attack by how much lower the loss is than that of `reference`, a model that was trained on neither side: hard samples
/// have high losses, seen or not (Watson et al., "On the importance of difficulty calibration in membership inference attacks", 2022; for
/// losses -log p it is the likelihood ratio of the two models).
template <class M, class R>
MembershipReport membership_inference(const M& model, const R& reference, const data::Dataset& members, const data::Dataset& others,
                                      MembershipOptions options = {}) {
  if constexpr (detail::must_take_one_array<M>() && detail::must_take_one_array<R>())
    return detail::membership(members, others, detail::sample_losses(model, options), detail::sample_losses(reference, options));
  else return {};
}

}  // namespace gradus::train
