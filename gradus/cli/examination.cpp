// Examinations of recipes.
#include "gradus/cli/examination.hpp"

#include <algorithm>

#include "gradus/preprocess/pipeline.hpp"
#include "gradus/train/doctor_parts.hpp"

namespace gradus::cli {

namespace {

// Samples that nothing was learnt from: of a recipe that validates on them there is one such set.
train::ExamineOptions others_of(const DataParts& data) {
  train::ExamineOptions options{.test = data.test};
  if (!data.is_validated_on_test) options.validation = data.validation;
  return options;
}

}  // namespace

std::vector<train::Finding> joined(std::vector<train::Finding> first, const std::vector<train::Finding>& second) {
  for (const train::Finding& finding : second) {
    const auto is_same = [&](const train::Finding& each) { return each.kind == finding.kind && each.where == finding.where; };
    if (std::none_of(first.begin(), first.end(), is_same)) first.push_back(finding);
  }
  return first;
}

std::vector<train::Finding> data_findings(const DataParts& data) {
  std::vector<train::Finding> findings;
  if (data.train_table.rows() > 0 && data.train.pipeline)
    findings = train::examine(data.train_table, preprocess::Pipeline::from_datum(*data.train.pipeline, "data").target().column);
  if (data.test.size() > 0) train::detail::find_copies(data.train, {{"test", data.test}}, train::detail::features_of(data.train), findings);
  return findings;
}

std::vector<train::Finding> all_findings(const Recipe& recipe, const DataParts& data, const nn::Model& model) {
  train::ExamineOptions options = others_of(data);
  options.loss = recipe.loss;
  options.metrics = recipe.train.metrics;
  const int64_t batches = (data.train.size() - 1) / recipe.train.batch_size + 1;
  if (recipe.train.solver == Solver::gradient)
    options.optimizer = recipe.make_optimizer({.epochs = recipe.train.epochs, .steps_per_epoch = batches});
  return joined(data_findings(data), train::examine(model, data.train, options));
}

}  // namespace gradus::cli
