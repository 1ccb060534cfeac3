// What is told of a model of tables: scores with intervals beside a baseline, calibration, importance, partial dependence.
#pragma once

#include <string>

#include "gradus/cli/run_report.hpp"
#include "gradus/explain/features.hpp"
#include "gradus/explain/permutation_importance.hpp"
#include "gradus/metrics/summary.hpp"
#include "gradus/preprocess/pipeline.hpp"

namespace gradus::cli {

/// What a summary is to hold beside the scores.
struct SummaryWishes {
  bool has_intervals = true;
  std::vector<metrics::SummaryBaseline> baselines{};  ///< outputs as those of the model
};
/// Scores of outputs on rows with targets, in the target's own unit; beside them those of the class shares, or the mean, of the training
/// targets (which may be missing), and of other outputs.
metrics::Summary table_summary(const preprocess::Pipeline& pipeline, const Array& output, const data::Dataset& set,
                               const Array& train_target, const SummaryWishes& wishes = {});
/// A line a row: the first column on the left, the others on the right, each as wide as its longest cell.
std::string aligned(const std::vector<std::vector<std::string>>& rows);
/// The summary as aligned text.
std::string summary_text(const metrics::Summary& summary);
train::ReportTable report_table(const metrics::Summary& summary, const std::string& title);

/// The columns of the inputs that come from one column of the table, as one feature each, by its name.
std::vector<explain::Feature> table_features(const preprocess::Pipeline& pipeline);

/// How far the accuracy falls, or the error in the target's own unit grows, when a column of the table is shuffled.
explain::Importance table_importance(const nn::Model& model, const preprocess::Pipeline& pipeline, const data::Dataset& rows,
                                     int64_t repeats);
/// The columns that count most, each with the range of a deviation of its shuffles. `what`: "1,000 test rows".
train::BarChart importance_chart(const explain::Importance& importance, const preprocess::Pipeline& pipeline, const std::string& what,
                                 size_t most);

/// Adds the scores that say most.
void add_headlines(train::Report& report, const metrics::Summary& summary);
/// Adds all of it to the report of a run.
void add_table(train::Report& report, const RunResult& result, const preprocess::Pipeline& pipeline);

}  // namespace gradus::cli
