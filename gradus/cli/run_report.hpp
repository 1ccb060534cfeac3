// The report of a run, from what training and testing gave.
#pragma once

#include <optional>

#include "gradus/cli/recipe.hpp"
#include "gradus/metrics/summary.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/train/cross_validation.hpp"
#include "gradus/train/history.hpp"
#include "gradus/train/report.hpp"

namespace gradus::cli {

/// What a model does on the test set; nothing if it has no samples.
struct Tested {
  Array output{};
  train::Logs logs{};
  std::optional<metrics::Summary> summary{};  ///< of rows of tables with targets
};
Tested tested(const Recipe& recipe, const DataParts& data, const nn::Model& model);

struct RunResult {
  const Recipe& recipe;
  const DataParts& data;
  const nn::Model& model;
  const train::History& history;
  const Array& output;           ///< of the model on the test set; empty if there is none
  const train::Logs& test_logs;  ///< loss and metrics on the test set
  const std::optional<metrics::Summary>& summary;
  const train::CrossValidation* folds = nullptr;  ///< what cross-validation gave, if it was asked for
};

train::Report make_report(const RunResult& result);

/// Examples a second over all epochs.
double training_rate(const train::History& history, int64_t examples_per_epoch);
/// "91.83 %" for accuracies and other shares, else six digits.
std::string metric_text(std::string_view name, double value);

}  // namespace gradus::cli
