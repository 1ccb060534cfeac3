// The doctor before the first step: looks for the common mistakes in data, model, loss, metrics and optimiser. While training fit watches
// by itself: FitOptions::doctor. The mistakes one by one: docs/mistakes.md.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gradus/data/dataset.hpp"
#include "gradus/data/table/table.hpp"
#include "gradus/metrics/metrics.hpp"
#include "gradus/nn/loss.hpp"
#include "gradus/nn/module.hpp"
#include "gradus/optim/optimizer.hpp"
#include "gradus/train/finding.hpp"

namespace gradus::train {

/// What is examined beside the training set; what is not given is not looked at.
struct ExamineOptions {
  loss::Loss loss{};
  std::optional<optim::Optimizer> optimizer{};
  std::vector<metrics::Metric> metrics{};
  data::Dataset validation{}, test{};
};

namespace detail {

/// How a model is called, and its parameters.
struct ExaminedModel {
  std::function<Array(const Array& x)> output{};  ///< recorded, not evaluated; empty: there is no model
  std::vector<Variable> variables{};
  std::string error{};  ///< why it could not be built for the samples
};
std::vector<Finding> examine(const ExaminedModel& model, const data::Dataset& train, const ExamineOptions& options);
std::vector<Finding> examine_trained(const ExaminedModel& model, const data::Dataset& set);
/// A few samples as a model gets them.
Array few_inputs(const data::Dataset& set);

}  // namespace detail

/// Looks at the samples alone:
/// - nan and infinity in x and y, by place and column
/// - constant columns of x (N, D); zeros among many columns that start at zero (pixels, counts) are no finding
/// - duplicate columns, of more than two different numbers
/// - leaks: a column that tells the target nearly by itself, equal to it up to a monotone or one-to-one map, where no other comes near
/// - duplicate rows in the training set, and of it in the others, beyond what chance and the set's own copies explain
/// - unscaled inputs and targets: numbers of very different or very large size, bytes 0 .. 255
///
/// and with `loss`, `metrics` at labels, targets and metrics that do not fit. Columns go by the names of the pipeline that made the set, if
/// any. Costs one pass over the samples and sorts of at most 2,000 of them.
///
///   for (const train::Finding& finding : train::examine(train_set)) std::puts(to_text(finding).c_str());
std::vector<Finding> examine(const data::Dataset& train, const ExamineOptions& options = {});

/// With the model, which is built for the samples as nn::build does and called with at most 32 of them, and neither trained nor changed:
/// also labels against its outputs, its last activation against the loss, shapes, the loss against the task, and the learning rate against
/// what is usual for the optimizer.
///
///   train::examine(model, train_set, {.loss = loss::sparse_categorical_crossentropy, .optimizer = optim::Adam(1e-3), .test = test_set});
template <class M>
std::vector<Finding> examine(const M& model, const data::Dataset& train, const ExamineOptions& options = {}) {
  if constexpr (!::gradus::core::must_be_module<M>()) return {};
  detail::ExaminedModel examined;
  examined.output = [&model](const Array& x) -> Array { return nn::call(model, x); };
  try {
    const Array x = detail::few_inputs(train);
    if (x.exists()) nn::build(model, x.shape(), x.dtype());
    examined.variables = variables(model);
  } catch (const Error& error) {
    examined.error = error.what();
  }
  return detail::examine(examined, train, options);
}

/// The columns of a table before any preprocessing, categories and dates too: constant ones, duplicates, leaks. Columns that number the
/// rows are passed over. Throws for a target that is not there.
///
///   train::examine(data::Table({data::Column::numeric("age", {31, 47}), data::Column::categorical("sex", {"f", "m"})}), "sex");
std::vector<Finding> examine(const data::Table& train, const std::string& target);

/// A trained model on samples: parameters that are nan or huge, units of relu that are zero for all of at most 512 samples, sigmoids and
/// tanhs that are at their ends for nearly all.
///
///   train::examine_trained(model, train_set)
template <class M>
std::vector<Finding> examine_trained(const M& model, const data::Dataset& set) {
  if constexpr (!::gradus::core::must_be_module<M>()) return {};
  return detail::examine_trained({[&model](const Array& x) -> Array { return nn::call(model, x); }, variables(model), {}}, set);
}

}  // namespace gradus::train
