// Cross-validation: a model trained k times, each time measured on the part of the samples that it has not seen.
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/data/table/table.hpp"
#include "gradus/preprocess/pipeline.hpp"
#include "gradus/train/fit.hpp"

namespace gradus::train {

/// The scores of each fold, on its own samples: "loss" and the metrics.
struct CrossValidation {
  std::vector<Logs> folds{};
  /// Over the folds: the mean, and the deviation of single folds (divided by folds - 1; 0 for one fold). Throws for an unknown name.
  double mean(std::string_view name) const;
  double deviation(std::string_view name) const;
};
/// A line a score: "accuracy 0.9467 ± 0.038: 0.9333, 0.9667, ...".
std::string to_text(const CrossValidation& result);

/// Options of cross_validate.
struct CrossValidateOptions {
  /// How each fold is trained, with a copy of the optimizer; loss and metrics are also what is measured. What a fold is measured on is no
  /// validation set: with patience give validation_fraction, of the samples that the fold is trained on. Refused: validation, resume and
  /// checkpoints, which belong to one run.
  FitOptions fit{};
  int64_t folds = 5;  ///< from 2 to the number of samples
  uint64_t seed = 0;  ///< of what lies in which fold
  /// Of tables: columns for data::folds; nothing: the target's classes in the same proportions, of a target of numbers at random. By time a
  /// fold is trained on earlier ones only, so that of k parts k - 1 are measured.
  data::SplitBy by{};
  std::vector<int64_t> assignment{};   ///< the fold of each sample, 0 .. folds - 1, in place of a draw
  preprocess::TargetOptions target{};  ///< of tables
};

/// Where each sample of a set lies, 0 .. folds - 1: of integer labels (N,) each class in the same proportion (largest classes are spread
/// first come first), of other targets at random.
std::vector<int64_t> assign_folds(const data::Dataset& set, int64_t folds, uint64_t seed = 0);

namespace detail {
/// Positions of the samples that a fold is trained on, and of its own. Forward: only those of earlier folds are trained on.
std::pair<std::vector<int64_t>, std::vector<int64_t>> fold_positions(const std::vector<int64_t>& assignment, int64_t fold, bool is_forward);
/// Samples that a fold is trained on, and those that it is measured on.
using FoldSets = std::pair<data::Dataset, data::Dataset>;
struct FoldPlan {
  int64_t first = 0, count = 0;  // of the folds that are measured
  std::function<FoldSets(int64_t fold)> sets{};
};
FoldPlan plan_folds(const data::Dataset& set, const CrossValidateOptions& options);
FoldPlan plan_folds(const preprocess::Pipeline& pipeline, const data::Table& table, const std::string& target,
                    const CrossValidateOptions& options);
CrossValidation cross_validate(const FoldPlan& plan, const CrossValidateOptions& options,
                               const std::function<Logs(const FoldSets& sets, FitOptions fit)>& train_and_measure);

template <class Make>
Logs train_and_measure(const Make& make, const FoldSets& sets, FitOptions options) {
  auto model = [&] {
    if constexpr (std::invocable<const Make&, const data::Dataset&>) return make(sets.first);
    else return make();
  }();
  const EvaluateOptions measured{.loss = options.loss, .metrics = options.metrics, .verbose = false};
  fit(model, sets.first, std::move(options));
  return evaluate(model, sets.second, measured);
}
}  // namespace detail

/// Trains `folds` models, each on all samples but one part, and measures it on that part. `make` gives a new model each time: make(), or
/// make(set) with the samples that it will be trained on.
///
///   const auto make = [] { return nn::Sequential{nn::Flatten(), nn::Dense(10)}; };
///   const auto scores = train::cross_validate(make, train_set, {.fit = {.loss = loss::sparse_categorical_crossentropy,
///                                             .metrics = {metrics::accuracy}, .verbose = false}, .folds = 2});
///   scores.mean("accuracy");
///   scores.deviation("accuracy");
template <class Make>
CrossValidation cross_validate(const Make& make, const data::Dataset& set, const CrossValidateOptions& options) {
  return detail::cross_validate(detail::plan_folds(set, options), options, [&](const detail::FoldSets& sets, FitOptions fit) {
    return detail::train_and_measure(make, sets, std::move(fit));
  });
}
/// The same of a table; rows without a target are left out. The pipeline is fitted in each fold anew, on the rows that the fold is trained on: what it learns (means, codes,
/// the scale of the target) comes from no row that is measured. `pipeline` itself stays as it is.
///
///   const preprocess::Pipeline plain{preprocess::DateParts(), preprocess::Impute(), preprocess::Standardise(), preprocess::OneHot()};
///   const auto of_people = train::cross_validate([] { return nn::Sequential{nn::Dense(2)}; }, plain, table, "happy",
///                                                {.fit = {.loss = loss::sparse_categorical_crossentropy, .verbose = false}, .folds = 3});
template <class Make>
CrossValidation cross_validate(const Make& make, const preprocess::Pipeline& pipeline, const data::Table& table, const std::string& target,
                               const CrossValidateOptions& options) {
  return detail::cross_validate(
      detail::plan_folds(pipeline, table, target, options), options,
      [&](const detail::FoldSets& sets, FitOptions fit) { return detail::train_and_measure(make, sets, std::move(fit)); });
}

/// Mean and deviation (divided by count - 1; 0 for one number) of some numbers, at least one.
std::pair<double, double> mean_and_deviation(const std::vector<double>& values);

}  // namespace gradus::train
