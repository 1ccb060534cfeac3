// Models that are trained aside.
#include "gradus/cli/folds.hpp"

#include <cmath>
#include <cstdio>

#include "gradus/cli/table_report.hpp"
#include "gradus/cli/training.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/train/evaluation.hpp"

namespace gradus::cli {

Attempt attempt(const Recipe& recipe, const DataParts& data, const AttemptOptions& options) {
  random::seed(recipe.seed);
  Attempt out{model_of(recipe, data.train)};
  const bool goes_on = !options.folder.empty() && train::has_checkpoint(options.folder);
  if (!goes_on) start_from(recipe.start, out.model, data.train, true);
  if (recipe.train.solver == Solver::exact) {
    out.history = solve_recipe(recipe, data, out.model).history;
    return out;
  }
  train::FitOptions fit = fit_options(recipe, data);
  if (options.epochs > 0) fit.epochs = options.epochs;
  fit.verbose = false;
  fit.checkpoint = {
      .folder = options.folder, .steps = recipe.train.checkpoint_steps, .minutes = recipe.train.checkpoint_minutes, .keep = 1};
  if (goes_on) fit.resume_from = options.folder;
  out.history = fit_recipe(recipe, data, out.model, std::move(fit));
  if (out.history.is_interrupted) throw Error(Error::Kind::interrupted, "interrupted", "training was stopped");
  return out;
}

train::Logs fold_scores(const Recipe& recipe, const DataParts& parts, const nn::Model& model) {
  return train::evaluate(
      model, parts.test,
      {.loss = recipe.loss, .metrics = test_metrics(recipe, parts.test), .batch_size = recipe.train.batch_size, .verbose = false});
}

train::CrossValidation cross_validate(const Recipe& recipe, const FoldedData& data, const OnFold& on_fold) {
  train::CrossValidation out;
  for (int64_t fold = 0; fold < data.count; ++fold) {
    const DataParts parts = data.parts(fold);
    const nn::Model model = attempt(recipe, parts).model;
    train::Logs scores = fold_scores(recipe, parts, model);
    if (parts.test.pipeline && parts.test.has_targets()) {
      const Array output = train::predict(model, parts.test, {.batch_size = std::max<int64_t>(recipe.train.batch_size, 128)});
      const metrics::Summary summary = table_summary(preprocess::pipeline_of(model.info), output, parts.test, {}, {.has_intervals = false});
      for (const metrics::SummaryRow& row : summary.rows) {
        if (!scores.contains(row.name)) scores.set(row.name, row.value);
      }
    }
    on_fold(fold + 1, scores);
    out.folds.push_back(std::move(scores));
  }
  return out;
}

namespace {

// Scores that every fold has: one that is not defined on some samples is left out there.
std::vector<std::string> shared_names(const train::CrossValidation& scores) {
  std::vector<std::string> names;
  for (const auto& [name, value] : scores.folds.front()) {
    const bool is_everywhere =
        std::all_of(scores.folds.begin(), scores.folds.end(), [&, &name = name](const train::Logs& fold) { return fold.contains(name); });
    if (is_everywhere) names.push_back(name);
  }
  return names;
}

std::vector<std::vector<std::string>> rows_of(const train::CrossValidation& scores,
                                              const std::function<std::string(const std::string& name, double value)>& text) {
  const std::vector<std::string> names = shared_names(scores);
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < scores.folds.size(); ++i) {
    rows.push_back({to_text(static_cast<int64_t>(i + 1))});
    for (const std::string& name : names) rows.back().push_back(text(name, scores.folds[i][name]));
  }
  rows.push_back({"mean"});
  for (const std::string& name : names) rows.back().push_back(text(name, scores.mean(name)));
  rows.push_back({"deviation"});
  for (const std::string& name : names) rows.back().push_back(text(name, scores.deviation(name)));
  return rows;
}

}  // namespace

std::string folds_csv(const train::CrossValidation& scores) {
  std::string out = "fold";
  for (const std::string& name : shared_names(scores)) out += "," + name;
  out += "\n";
  for (const auto& row : rows_of(scores, [](const std::string&, double value) { return core::to_text(value); }))
    out += join(row, ",") + "\n";
  return out;
}

train::ReportTable folds_table(const train::CrossValidation& scores) {
  train::ReportTable table{"Cross-validation: scores on each part, by a model that has not seen it", {"fold"}, {}};
  for (const std::string& name : shared_names(scores)) table.header.push_back(name);
  table.rows = rows_of(scores, metric_text);
  return table;
}

}  // namespace gradus::cli
