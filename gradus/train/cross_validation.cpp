// Folds, and what is said of their scores.
#include "gradus/train/cross_validation.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "gradus/base/error.hpp"

namespace gradus::train {

using namespace core;

namespace {

std::vector<double> scores_of(const CrossValidation& result, std::string_view name) {
  if (result.folds.empty()) fail("cross_validate", "there are no folds");
  std::vector<double> out;
  for (const Logs& fold : result.folds) out.push_back(fold[name]);
  return out;
}

std::string digits(const char* format, double value) {
  char text[48];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

void check_assignment(const std::vector<int64_t>& assignment, int64_t samples, int64_t folds) {
  if (static_cast<int64_t>(assignment.size()) != samples)
    fail("cross_validate", "assignment has ", assignment.size(), " entries and there are ", samples, " samples; it must have one a sample");
  std::vector<int64_t> counts(static_cast<size_t>(folds), 0);
  for (size_t i = 0; i < assignment.size(); ++i) {
    if (assignment[i] < 0 || assignment[i] >= folds)
      fail("cross_validate", "assignment[", i, "] is ", assignment[i], "; it must be from 0 to ", folds - 1);
    ++counts[static_cast<size_t>(assignment[i])];
  }
  const auto empty = std::find(counts.begin(), counts.end(), 0);
  if (empty != counts.end()) fail("cross_validate", "fold ", empty - counts.begin(), " has no sample; each must have one");
}

void check_folds(int64_t folds, int64_t samples) {
  if (folds < 2 || folds > samples) fail("cross_validate", "folds is ", folds, "; it must be from 2 to the number of samples, ", samples);
}

// Classes in proportion, unless something else is asked for.
data::SplitBy splitting(const std::string& target, bool is_class, const CrossValidateOptions& options) {
  if (!options.by.stratify.empty() || !options.by.group.empty() || !options.by.time.empty()) return options.by;
  return {.stratify = is_class ? target : std::string(), .group = {}, .time = {}};
}

}  // namespace

std::pair<double, double> mean_and_deviation(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double x : values) mean += x;
  mean /= static_cast<double>(values.size());
  for (const double x : values) squares += (x - mean) * (x - mean);
  return {mean, values.size() > 1 ? std::sqrt(squares / static_cast<double>(values.size() - 1)) : 0.0};
}

double CrossValidation::mean(std::string_view name) const { return mean_and_deviation(scores_of(*this, name)).first; }
double CrossValidation::deviation(std::string_view name) const { return mean_and_deviation(scores_of(*this, name)).second; }

std::string to_text(const CrossValidation& result) {
  std::string out;
  if (result.folds.empty()) return out;
  for (const auto& [name, unused] : result.folds.front()) {
    out += concat(name, " ", digits("%.6g", result.mean(name)), " \u00b1 ", digits("%.2g", result.deviation(name)), ":");
    for (size_t i = 0; i < result.folds.size(); ++i) out += concat(i ? ", " : " ", digits("%.6g", result.folds[i][name]));
    out += "\n";
  }
  return out;
}

std::vector<int64_t> assign_folds(const data::Dataset& set, int64_t folds, uint64_t seed) {
  check_folds(folds, set.size());
  std::vector<int64_t> labels(static_cast<size_t>(set.size()), 0), out(labels.size());
  if (set.has_targets() && set.y.rank() == 1 && set.y.dtype().is_integer()) labels = set.y.to_vector<int64_t>();
  std::vector<int64_t> order = data::permutation(set.size(), seed);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return labels[static_cast<size_t>(a)] < labels[static_cast<size_t>(b)]; });
  // On from one class to the next, so that the folds are of the same size.
  for (size_t i = 0; i < order.size(); ++i) out[static_cast<size_t>(order[i])] = static_cast<int64_t>(i) % folds;
  return out;
}

namespace detail {

std::pair<std::vector<int64_t>, std::vector<int64_t>> fold_positions(const std::vector<int64_t>& assignment, int64_t fold,
                                                                     bool is_forward) {
  std::vector<int64_t> trained, held;
  for (size_t i = 0; i < assignment.size(); ++i) {
    const int64_t of = assignment[i];
    if (of == fold) held.push_back(static_cast<int64_t>(i));
    else if (!is_forward || of < fold) trained.push_back(static_cast<int64_t>(i));
  }
  return {std::move(trained), std::move(held)};
}

namespace {

// Throws for a class that only one row has: the fold that holds it out could not learn it.
void check_class_rows(const data::Table& table, const std::string& target) {
  std::map<std::string, int64_t> counts;
  const data::Column& column = table[target];
  for (int64_t row = 0; row < column.size(); ++row) ++counts[column.cell(row)];
  for (const auto& [name, count] : counts) {
    if (count == 1 && !name.empty())
      fail("folds", "class \"", name, "\" of \"", target,
           "\" has one row; the model of the fold that holds it out cannot know it: each needs at least 2");
  }
}

}  // namespace

FoldPlan plan_folds(const data::Dataset& set, const CrossValidateOptions& options) {
  if (!options.by.stratify.empty() || !options.by.group.empty() || !options.by.time.empty())
    fail("cross_validate", "by names columns, which a data set has not; give the fold of each sample as assignment");
  check_folds(options.folds, set.size());
  const std::vector<int64_t> assignment = options.assignment.empty() ? assign_folds(set, options.folds, options.seed) : options.assignment;
  check_assignment(assignment, set.size(), options.folds);
  return {0, options.folds, [assignment, &set](int64_t fold) -> FoldSets {
            const auto [trained, held] = fold_positions(assignment, fold, false);
            return {data::subset(set, trained), data::subset(set, held)};
          }};
}

FoldPlan plan_folds(const preprocess::Pipeline& pipeline, const data::Table& table, const std::string& target,
                    const CrossValidateOptions& options) {
  const std::vector<int64_t> known = preprocess::rows_with_target(table[target]);
  const data::Table rows = table.take(known);
  check_folds(options.folds, rows.rows());
  const bool is_forward = options.assignment.empty() && !options.by.time.empty();
  // What the target is, and its scale, all rows say: those of a fold might say something else.
  const preprocess::TargetOptions how = preprocess::settled(rows[target], options.target);
  const bool is_class = how.task == preprocess::Task::classification;
  std::vector<int64_t> assignment;
  if (options.assignment.empty()) {
    assignment = data::folds(rows, options.folds, options.seed, splitting(target, is_class, options));
  } else {
    check_assignment(options.assignment, table.rows(), options.folds);
    for (const int64_t row : known) assignment.push_back(options.assignment[static_cast<size_t>(row)]);
  }
  check_assignment(assignment, rows.rows(), options.folds);
  if (is_class) check_class_rows(rows, target);
  const int64_t first = is_forward ? 1 : 0;
  return {first, options.folds - first, [=, &pipeline](int64_t fold) -> FoldSets {
            const auto [trained, held] = fold_positions(assignment, fold, is_forward);
            preprocess::Pipeline own(pipeline.steps());
            data::Dataset known_set = own.fit(rows.take(trained), target, how);
            return {std::move(known_set), own.dataset(rows.take(held))};
          }};
}

CrossValidation cross_validate(const FoldPlan& plan, const CrossValidateOptions& options,
                               const std::function<Logs(const FoldSets& sets, FitOptions fit)>& train_and_measure) {
  const FitOptions& fit = options.fit;
  const auto refuse = [](const char* name, const char* why) { fail("cross_validate", "fit.", name, " is given; ", why); };
  if (fit.validation.size() > 0) refuse("validation", "each fold holds out samples of its own, with fit.validation_fraction");
  if (fit.resume) refuse("resume", "each fold starts with an optimizer of its own");
  if (!fit.checkpoint.folder.empty() || !fit.resume_from.empty()) refuse("checkpoint", "the folds are several runs");
  if (!fit.loss.exists()) fail("cross_validate", "no loss is given; for example .fit = {.loss = loss::mean_squared_error}");
  CrossValidation out;
  for (int64_t i = 0; i < plan.count; ++i) {
    if (fit.verbose) std::printf("fold %lld of %lld\n", static_cast<long long>(i + 1), static_cast<long long>(plan.count));
    out.folds.push_back(train_and_measure(plan.sets(plan.first + i), fit));
  }
  return out;
}

}  // namespace detail

}  // namespace gradus::train
