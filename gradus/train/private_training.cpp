// DP-SGD: gradients of single samples by vmap, clipped, summed, with noise.
#include "gradus/train/private_training.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cmath>

#include "gradus/base/error.hpp"
#include "gradus/base/philox.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/train/sample_gradients.hpp"
#include "gradus/transform/vmap.hpp"

namespace gradus::train::detail {

using namespace core;

namespace {

constexpr int64_t kMostBytes = int64_t{1} << 30;  // of the gradients of single samples
constexpr uint64_t kDraws = 0x9d5c3f1a7be04c65u;  // sets the stream of batches apart from that of noise
constexpr std::string_view kMeasuresTheSet = "is measured on the samples that privacy is for; give .validation";

int64_t drawn_seed() {
  int64_t seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) fail_io("fit", "the system gives no random numbers for privacy.secret_seed");
  return seed;
}

void check(const FitOptions& options, const data::Dataset& set) {
  const PrivacyOptions& privacy = options.privacy;
  check_fields("privacy", fields_of(privacy), &privacy);
  if (privacy.noise_multiplier > 0 && privacy.target_epsilon > 0) {
    fail("privacy", "noise_multiplier is ", privacy.noise_multiplier, " and target_epsilon ", privacy.target_epsilon,
         "; give one, the other follows from it");
  }
  if (!(privacy.delta > 0)) {
    throw Error(Error::Kind::invalid, "privacy", concat("delta is ", privacy.delta, "; it must be above 0 and below 1 / samples"))
        .with_hint(concat("for ", set.size(), " samples .delta = ", 0.1 / static_cast<double>(set.size())));
  }
  if (privacy.delta * static_cast<double>(set.size()) >= 1) {
    fail("privacy", "delta is ", privacy.delta, ", and there are ", set.size(),
         " samples; it must be below 1 / samples: a model that shows one of them keeps to more");
  }
  if (options.accumulate != 1) {
    fail("privacy", "accumulate is ", options.accumulate,
         "; private steps are cut by privacy.micro_batch to fit in memory: give the whole step as batch_size");
  }
  if (options.class_weight.is_balanced())
    fail("privacy", "balanced class weights are made of all samples, which epsilon does not count; give weights as numbers");
  const bool has_validation = options.validation.size() > 0;
  if (!has_validation && options.patience > 0) fail("privacy", "patience is ", options.patience, ", and the loss ", kMeasuresTheSet);
  if (!has_validation && options.optimizer.schedule().on_plateau())
    fail("privacy", "the learning rate waits on a plateau, and the loss ", kMeasuresTheSet);
}

// The batch of one sample, of arrays without an axis for it; in the order of arrays_of.
data::Batch batch_of_one(const std::vector<Array>& arrays, const data::Batch& like) {
  size_t next = 0;
  const auto one = [&](const Array& there) { return there.exists() ? expand_dims(arrays[next++], 0) : Array(); };
  data::Batch batch{one(like.x), one(like.y), one(like.weights), like.extras};
  for (data::Extra& extra : batch.extras) extra.values = one(extra.values);
  return batch;
}
std::vector<Array> arrays_of(const data::Batch& batch) {
  std::vector<Array> arrays;
  const auto add = [&](const Array& array) {
    if (array.exists()) arrays.push_back(array);
  };
  add(batch.x);
  add(batch.y);
  add(batch.weights);
  for (const data::Extra& extra : batch.extras) add(extra.values);
  return arrays;
}

// What each sample's gradient is multiplied by, so that its norm is at most `clip`; 0 where it is not to count.
Array factors(const std::vector<SampleGradient>& gradients, double clip, const Array& counts) {
  Array squares;
  for (const SampleGradient& gradient : gradients) squares = squares.exists() ? squares + gradient.squares() : gradient.squares();
  const Array norm = sqrt(squares);
  return where(counts & isfinite(norm), where(norm > clip, clip / norm, 1), 0);
}

// The mean over the samples that count: of each times what it was divided by, over the sum of those.
struct Means {
  Array counts;  // (B,)
  Array of(const Array& values, const Array& divisors, bool is_sum) const {
    const Array weights = divisors.exists() ? where(counts, divisors, 0) : counts.astype(values.dtype());
    const Array total = sum(where(weights == 0, 0, is_sum ? values : values * weights));
    return is_sum ? total : total / maximum(sum(weights), 1e-30);
  }
  Array divisor(const Array& divisors) const { return divisors.exists() ? sum(where(counts, divisors, 0)) : Array(); }
};

}  // namespace

PrivateTraining::PrivateTraining(const FitOptions& options, const data::Dataset& set)
    : set_(set),
      noise_multiplier_(options.privacy.noise_multiplier),
      clip_norm_(options.privacy.clip_norm),
      delta_(options.privacy.delta),
      micro_batch_(options.privacy.micro_batch),
      seed_(options.privacy.secret_seed ? drawn_seed() : static_cast<int64_t>(options.seed)),
      has_secret_seed_(options.privacy.secret_seed),
      accountant_(options.privacy_spent) {
  check(options, set);
  expected_size_ = static_cast<double>(std::min(options.batch_size, set.size()));
  sampling_rate_ = expected_size_ / static_cast<double>(set.size());
  if (noise_multiplier_ > 0) return;
  const int64_t steps_per_epoch = (set.size() - 1) / options.batch_size + 1;
  noise_multiplier_ = noise_for(options.privacy.target_epsilon, delta_,
                                {.sampling_rate = sampling_rate_, .steps = options.epochs * steps_per_epoch}, accountant_);
}

void PrivateTraining::begin(const std::vector<Variable>& variables) {
  int64_t bytes = 1;
  for (const Variable& variable : variables) {
    if (variable.cell && variable.cell->kind == Cell::Kind::state) {
      fail("privacy", "the model keeps \"", variable.path,
           "\", statistics of batches, in which samples mix, so that no single one can be hidden; "
           "nn::LayerNorm does without them, in place of BatchNorm");
    }
    if (variable.is_trainable() && variable.exists()) bytes += variable.get().size() * 4;
  }
  micro_batch_ = std::clamp<int64_t>(kMostBytes / bytes, 1, micro_batch_);
}

// Gaps between the samples that are drawn are geometric: P(gap >= n) = (1 - q)^n.
std::vector<int64_t> PrivateTraining::sample(int64_t step) const {
  std::vector<int64_t> positions;
  const double log_rest = std::log1p(-sampling_rate_);  // -inf where all are drawn: gaps of 0
  uint64_t draw = 0;
  for (int64_t at = 0; at < set_.size(); ++at) {
    const std::array<uint32_t, 4> words = philox(draw++, static_cast<uint64_t>(step), static_cast<uint64_t>(seed_) ^ kDraws);
    const uint64_t bits = (uint64_t{words[0]} << 32 | words[1]) >> 11;
    const double uniform = (static_cast<double>(bits) + 1) * 0x1p-53;  // in (0, 1]
    const double gap = std::floor(std::log(uniform) / log_rest);
    if (!(gap < static_cast<double>(set_.size() - at))) break;
    at += static_cast<int64_t>(gap);
    positions.push_back(at);
  }
  return positions;
}

data::Dataset PrivateTraining::drawn(std::vector<int64_t> positions) const {
  const auto count = static_cast<int64_t>(positions.size()), last = count % micro_batch_, few = std::max<int64_t>(1, micro_batch_ / 8);
  const int64_t padded = std::min(micro_batch_, (last + few - 1) / few * few);
  positions.resize(positions.size() + static_cast<size_t>(padded - last), positions.front());
  return data::subset(set_, positions);
}

std::pair<Measured, Gradients> PrivateTraining::differentiate(Task& task, const data::Batch& batch, int64_t count) const {
  Measured measured;
  std::vector<std::string> paths;
  const auto of_one = [&](const std::vector<Array>& sample) {
    auto [each, grads] = task.differentiate(batch_of_one(sample, batch));
    std::vector<Array> out{each.loss};
    for (const Array& value : values_of(each)) out.push_back(value);
    paths.clear();
    for (const auto& [path, gradient] : grads) {
      paths.push_back(path);
      out.push_back(gradient);
    }
    measured = std::move(each);
    return out;
  };
  const std::vector<Array> all = vmap(of_one, VmapOptions{.randomness = Randomness::different})(arrays_of(batch));

  const size_t first = all.size() - paths.size();
  std::vector<SampleGradient> gradients;
  for (size_t i = first; i < all.size(); ++i) gradients.emplace_back(all[i]);
  const Array counts = arange(batch.size()) < count, factor = factors(gradients, clip_norm_, counts);
  std::vector<Gradients::Entry> sums;
  for (size_t i = 0; i < paths.size(); ++i) sums.emplace_back(paths[i], gradients[i].weighted_sum(factor));

  measured.loss = all[0];
  set_values(measured, std::vector<Array>(all.begin() + 1, all.begin() + static_cast<std::ptrdiff_t>(first)));
  const Means means{counts};
  measured.loss = means.of(measured.loss, measured.divisor, measured.is_sum);
  measured.divisor = means.divisor(measured.divisor);
  for (Term& term : measured.others) {
    term.value = means.of(term.value, term.divisor, false);
    term.divisor = means.divisor(term.divisor);
  }
  measured.is_sum = true;  // what was clipped is summed, whatever the loss is
  return {std::move(measured), Gradients(std::move(sums))};
}

Gradients PrivateTraining::noisy(const Gradients& sums, const std::vector<Variable>& variables, int64_t step) const {
  const random::Key key = random::fold_in(random::key(seed_), step);
  std::vector<Gradients::Entry> out;
  int64_t index = 0;
  for (const Variable& variable : variables) {
    if (!variable.is_trainable() || !variable.exists()) continue;
    const DType dtype = variable.get().dtype() == float64 ? float64 : float32;
    Array noise = random::normal(random::fold_in(key, index++), variable.get().shape(), 0, noise_multiplier_ * clip_norm_, dtype);
    const Array sum = sums.contains(variable.path) ? sums[variable.path] + noise : noise;
    out.emplace_back(variable.path, sum / expected_size_);
  }
  return Gradients(std::move(out));
}

void PrivateTraining::note_step() {
  accountant_.add({.noise_multiplier = noise_multiplier_, .sampling_rate = sampling_rate_, .steps = 1});
  ++steps_;
}

PrivacyReport PrivateTraining::report() const {
  return {.epsilon = epsilon(),
          .delta = delta_,
          .noise_multiplier = noise_multiplier_,
          .clip_norm = clip_norm_,
          .sampling_rate = sampling_rate_,
          .steps = steps_,
          .has_secret_seed = has_secret_seed_,
          .accountant = accountant_};
}

std::string PrivateTraining::text() const {
  return concat("noise_multiplier ", noise_multiplier_, ", clip_norm ", clip_norm_, ", delta ", delta_,
                ", each sample drawn with probability ", sampling_rate_, has_secret_seed_ ? ", secret seed" : "");
}

void PrivateTraining::go_on(const PrivateState& state, int64_t steps) {
  PrivacyAccountant accountant;
  for (const PrivateSteps& each : state.spent) accountant.add(each);
  accountant_ = std::move(accountant);
  seed_ = state.seed;
  steps_ = steps;
}

}  // namespace gradus::train::detail
