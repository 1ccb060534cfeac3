// Private training: options of fit for DP-SGD (Abadi et al., "Deep learning with differential privacy", 2016), and what a private run says
// of itself, for histories, model files and model cards. The accountant: train/accountant.hpp; the mathematics: docs/privacy.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "gradus/graph/field_names.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/train/accountant.hpp"

namespace gradus::train {

/// How fit hides each single sample. On when noise_multiplier or target_epsilon is given; delta is then needed.
///
///   .batch_size = 256, .privacy = {.noise_multiplier = 1.1, .clip_norm = 1.0, .delta = 1e-5}
///   .batch_size = 256, .privacy = {.delta = 1e-5, .target_epsilon = 3}
///
/// Each step draws every sample by itself with probability batch_size / samples, so batches differ in size and may be empty; an epoch has
/// as many steps as without privacy. Each drawn sample's gradient (of the loss over a batch of it alone, times its weight) is scaled down
/// to at most clip_norm, all parameters together; the sum gets normal noise of deviation noise_multiplier clip_norm in each number and is
/// divided by batch_size. A gradient that is not finite counts as none.
struct PrivacyOptions {
  double noise_multiplier = 0.0;  ///< of the noise over clip_norm; 0: found for target_epsilon
  double clip_norm = 1.0;
  double delta = 0.0;           ///< below 1 / samples
  double target_epsilon = 0.0;  ///< of the whole run, all epochs; not beside noise_multiplier
  int64_t micro_batch = 256;    ///< at most so many samples' gradients are in memory at once; fewer where they take more than 1 GiB
  /// Batches and noise by a seed that the system draws, instead of by FitOptions::seed; it goes into checkpoints. The generator (Philox) is
  /// no cryptographic one: who knows the seed can take the noise off.
  bool secret_seed = false;
  GRADUS_OPTIONS(noise_multiplier, clip_norm, delta, target_epsilon, micro_batch, secret_seed)

  bool exists() const { return noise_multiplier != 0 || target_epsilon != 0; }
};

/// What a private run says of itself. Its promise: for data sets that differ by one sample, the chances of any outcome differ by at most
/// the factor exp(epsilon), but for delta.
struct PrivacyReport {
  double epsilon = 0, delta = 0;
  double noise_multiplier = 0, clip_norm = 0;
  double sampling_rate = 0;  ///< the probability with which a sample is in a step
  int64_t steps = 0;         ///< of this run
  bool has_secret_seed = false;
  PrivacyAccountant accountant{};  ///< of all that epsilon counts: for FitOptions::privacy_spent of the next run on the same data
};
/// "(2.60, 1e-05)-differentially private: ..."
std::string to_text(const PrivacyReport& report);

/// Name of the privacy text in ModelInfo::extra.
inline constexpr const char* kPrivacyText = "privacy";
/// Writes the report into what a model file says, as JSON under extra["privacy"].
///
///   nn::ModelInfo info = io::info_of(train_set);
///   train::note_privacy(info, *history.privacy);
///   io::save(model, "model.gradus", info);
void note_privacy(nn::ModelInfo& info, const PrivacyReport& report);
/// The report in what a model file says; nothing if it says none. Throws for a text that is damaged.
std::optional<PrivacyReport> privacy_of(const nn::ModelInfo& info);

}  // namespace gradus::train
