// Search for hyper-parameters: at random, or by Hyperband. What a trial does is a function of one's own; recipes have `gradus search`.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/train/distribution.hpp"
#include "gradus/train/hyperband.hpp"

namespace gradus::train {

/// What an objective is asked to try.
struct Trial {
  int64_t number = 1;           ///< the first is 1
  core::Datum::Table values{};  ///< by name
  int64_t epochs = 1;           ///< how long it is to be trained in all. By Hyperband a trial that did well is asked again, for longer
  /// Where a run may keep what it goes on from, "" in a search without a folder; it is there, and goes away once the trial has ended.
  std::string folder{};

  /// The value of that name as a number, an integer, a text, a truth value; throws for another name, naming the nearest, and another type.
  double operator[](std::string_view name) const;
  int64_t integer(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  bool flag(std::string_view name) const;
};

/// What a trial came to; one number, or the mean of several folds and their deviation.
struct TrialScore {
  double value = 0, deviation = std::numeric_limits<double>::quiet_NaN();
  TrialScore(double of_all, double among_folds = std::numeric_limits<double>::quiet_NaN())  // NOLINT: implicit on purpose
      : value(of_all), deviation(among_folds) {}
};
/// Trains with the values of a trial and tells how well it did on samples that it was not trained on. What it throws makes a failed trial,
/// and so does a score that is not finite; an Error of kind interrupted ends the search.
using Objective = std::function<TrialScore(const Trial&)>;

/// What became of a trial. measured: it waits for others, to go on or to be stopped.
enum class TrialState : uint8_t { measured, stopped, finished, failed };
std::span<const std::string_view> enum_names(TrialState);

/// A trial, as it stands after its last rung.
struct TrialResult {
  int64_t number = 1;
  core::Datum::Table values{};
  int64_t epochs = 0;  ///< that the score is after
  double score = std::numeric_limits<double>::quiet_NaN(), deviation = std::numeric_limits<double>::quiet_NaN();
  double seconds = 0;  ///< over all rungs
  TrialState state = TrialState::measured;
  std::string message{};  ///< of a failed one
};

/// What a search has found.
struct SearchResult {
  std::vector<TrialResult> trials{};  ///< in the order of their numbers, as each ended
  bool more_is_better = false;
  bool is_interrupted = false;
  /// The best of those that were trained longest, the earlier of two alike: scores after fewer epochs are of other models. Throws if all
  /// have failed.
  const TrialResult& best() const;
  /// All that have a score, the best first, those that were trained for fewer epochs behind the others.
  std::vector<TrialResult> ranked() const;
};

/// random: each trial is trained to the end. hyperband: many begin, the best go on.
enum class SearchMethod : uint8_t { random, hyperband };
std::span<const std::string_view> enum_names(SearchMethod);

/// Options of search.
struct SearchOptions {
  static constexpr int64_t kMostTrials = 1'000'000;

  SearchMethod method = SearchMethod::random;
  /// How many; 0: 20 at random, by Hyperband as many as its brackets have. More than those begin with the first bracket again, fewer cut
  /// the last one short. Where the space has fewer values than that, each is tried once. Never more than kMostTrials.
  int64_t trials = 0;
  int64_t epochs = 1;      ///< that a trial is trained for, at most
  int64_t min_epochs = 1;  ///< of Hyperband: before a trial may be stopped
  int64_t reduction = 3;   ///< of Hyperband: one of so many goes on
  bool more_is_better = false;
  uint64_t seed = 0;
  /// Where trials.jsonl is written, a line as soon as a trial has come to something. A search that finds one there of the same space and
  /// options goes on with it, however it was ended, and ends as if it had never been; no trial is made again that was finished. "": none
  std::string folder{};
  std::string about{};      ///< what else a search must agree in to go on with a folder: the data, the version of a program
  bool interrupts = false;  ///< the first Ctrl-C, SIGTERM or SIGHUP ends it after the trial in work, which does not count
  bool verbose = true;      ///< a line a trial on standard output
  /// Called once before the first trial, when the folder is this search's: no other writes into it, and what its log holds is of this
  /// search. What it throws ends the search.
  std::function<void()> begun{};
};

/// Tries values from a space, and tells which did best. The score is what is chosen by, so that of the best trial is better than what the
/// same values will come to on new samples: measure that on a test set that no trial has seen.
///
///   const train::SearchResult found = train::search({{"rate", train::log_uniform(1e-4, 1e-1)}, {"units", train::int_uniform(8, 64)}},
///       [](const train::Trial& trial) {
///         nn::Sequential net{nn::Flatten(), nn::Dense(trial.integer("units"), relu), nn::Dense(10)};
///         return train::fit(net, train_set, {.loss = loss::sparse_categorical_crossentropy, .optimizer = optim::Adam(trial["rate"]),
///                                            .epochs = trial.epochs, .validation_fraction = 0.25, .verbose = false}).last("val_loss");
///       }, {.trials = 4, .epochs = 2, .verbose = false});
///   found.best().values;
///
/// By Hyperband a trial is asked for more and more epochs; to go on rather than to start anew it keeps checkpoints: .checkpoint = {.folder
/// = trial.folder}, .resume_from = train::has_checkpoint(trial.folder) ? trial.folder : "". A schedule of the rate must be made for
/// SearchOptions::epochs, whatever Trial::epochs is.
SearchResult search(const SearchSpace& space, const Objective& objective, const SearchOptions& options = {});

/// "rate 0.01, units 32"
std::string values_text(const core::Datum::Table& values);

}  // namespace gradus::train
