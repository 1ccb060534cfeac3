// Pipelines: from tables to the inputs of models. Fitted once, saved with the model, applied in the same way ever after.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "gradus/data/dataset.hpp"
#include "gradus/data/table/read_table.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/preprocess/encode.hpp"
#include "gradus/preprocess/expand.hpp"
#include "gradus/preprocess/impute.hpp"
#include "gradus/preprocess/reshape.hpp"
#include "gradus/preprocess/scale.hpp"
#include "gradus/preprocess/step.hpp"
#include "gradus/preprocess/terms.hpp"

namespace gradus::preprocess {

/// A column of the tables that a pipeline takes, as training had it.
struct InputColumn {
  std::string name{};
  data::ColumnType type = data::ColumnType::numeric;
  std::vector<std::string> order{};        ///< of an ordinal one
  std::optional<data::DateOrder> dates{};  ///< how dates are meant
  double least = 0, greatest = 0;          ///< of numbers and dates, in training
  int64_t missing = 0;                     ///< values, in training
  GRADUS_FIELDS(name, type, order, dates, least, greatest, missing)
};

/// What the target is. automatic: classes, if it is categorical, or numeric with at most 10 different numbers that are whole, or at most 20
/// that follow on each other from 0 or 1.
enum class Task : uint8_t { automatic, classification, regression };
std::span<const std::string_view> enum_names(Task);
/// How a target of numbers becomes what the model learns. automatic: standardised, after its logarithm is taken where all of it is above 0
/// and lies far to one side (skewness above 1, and that of the logarithm at most half of it).
enum class TargetScale : uint8_t { none, standardise, log, automatic };
std::span<const std::string_view> enum_names(TargetScale);

/// Options of the target.
struct TargetOptions {
  Task task = Task::automatic;
  TargetScale scale = TargetScale::none;
  uint64_t seed = 0;  ///< of steps that draw something
};

/// The target as a pipeline knows it. "" is none.
struct Target {
  std::string column{};
  std::vector<std::string> class_names{};  ///< empty: a number
  data::ColumnType type = data::ColumnType::numeric;
  bool is_log = false;
  double mean = 0, deviation = 1;
  GRADUS_FIELDS(column, class_names, type, is_log, mean, deviation)

  bool exists() const { return !column.empty(); }
  bool is_class() const { return !class_names.empty(); }
  /// What the model learns of a number, and back: (log y - mean) / deviation.
  double scaled(double y) const;
  double restored(double output) const;
};

/// What a pipeline would know of a column as its target. Throws for a column that is none: of one value, of dates, of a different text in
/// most rows.
Target target_of(const data::Column& column, const TargetOptions& options = {});
/// The options with nothing left automatic, as the column settles it: for parts of its rows, which might settle it otherwise.
TargetOptions settled(const data::Column& column, const TargetOptions& options);

/// Positions of the rows whose target is known: neither missing nor infinite.
std::vector<int64_t> rows_with_target(const data::Column& target);

/// Steps in a row, from tables to numbers. A value, like a model: copies are independent.
///
///   preprocess::Pipeline pipeline{preprocess::DateParts(), preprocess::Impute(preprocess::median), preprocess::Standardise(),
///                                 preprocess::OneHot()};
///   data::Dataset known = pipeline.fit(table, "happy");   // learns from these rows only
///   data::Dataset others = pipeline.dataset(new_rows);    // the same, with what was learnt
///   nn::Sequential net{nn::Dense(2)};
///   train::fit(net, known, {.loss = loss::sparse_categorical_crossentropy, .verbose = false});
///   io::save(net, "happy.gradus", known);                 // the pipeline goes with it
///
/// Tables are taken by the names of their columns, in any order; further columns do not matter.
class Pipeline {
 public:
  Pipeline() = default;
  template <IsStep... S>
  requires(sizeof...(S) > 0) explicit Pipeline(S... steps) : steps_{Step(std::move(steps))...} {}
  explicit Pipeline(std::vector<Step> steps) : steps_(std::move(steps)) {}

  /// Learns from a table and returns it changed. Throws `Standardise: ...` for what a step cannot do.
  data::Table fit(const data::Table& table);
  /// Learns from a table with a target, and gives the training samples: x (N, features) float32, y (N,) int64 labels with class names, or
  /// (N, 1) float32. Rows without a target are left out; notes() says how many. Throws for a target that is missing throughout or has one
  /// class only.
  data::Dataset fit(const data::Table& table, const std::string& target, const TargetOptions& options = {});
  bool is_fitted() const { return is_fitted_; }

  /// The table changed. Throws for a column that it lacks, naming the nearest, and if the pipeline is not fitted.
  data::Table operator()(const data::Table& table) const;
  data::Table operator()(const data::Table& table, Treatments& treatments) const;
  /// The inputs of the model: (N, features) float32. Throws where a value is still missing, naming column and row.
  Array inputs(const data::Table& table, Treatments& treatments) const;
  /// Inputs and, if the table has the target, targets. Labels that training did not have are an error; those that differ from a class only
  /// in case, or by a full stop at the end, are that class, and counted.
  data::Dataset dataset(const data::Table& table) const;
  data::Dataset dataset(const data::Table& table, Treatments& treatments) const;
  /// Rows of which dataset() has a target: it is there and, of classes, one that training had. Throws if the table has no such column.
  std::vector<int64_t> rows_with_known_target(const data::Table& table) const;
  /// The numeric columns of the input in order, (N, columns), through all steps: made of the library's ops, so it has derivatives. Throws
  /// if a step is of other kinds than numbers, or changes the number of rows.
  Array operator()(const Array& x) const;

  /// What a model's outputs mean: of regression, numbers in the target's own unit; else outputs as they are.
  Array restored(const Array& output) const;

  const std::vector<Step>& steps() const { return steps_; }
  /// What it takes, and what it gives: the names of the features, and the input column of each ("" for several).
  const std::vector<InputColumn>& columns() const { return inputs_; }
  const std::vector<std::string>& features() const { return features_; }
  const std::vector<std::string>& origins() const { return origins_; }
  const Target& target() const { return target_; }
  /// Of the last columns, which step Codes made: how many codes each has, 0 not counted. Empty without that step.
  std::vector<int64_t> code_sizes() const;
  /// How a file must be read for it: only its columns, as the types that training had.
  data::TableOptions reading(data::TableOptions options, bool with_target, const std::vector<std::string>& names) const;
  const std::vector<std::string>& notes() const { return notes_; }

  core::Datum to_datum() const;
  /// Throws `what: ...` for data that is no pipeline.
  static Pipeline from_datum(const core::Datum& datum, const std::string& what);

 private:
  Frame frame_of(const data::Table& table, Treatments& treatments) const;
  Frame applied(const data::Table& table, Treatments& treatments) const;
  void learn(const data::Table& table, const Learning& learning, Frame& frame);
  std::vector<double> targets(const data::Column& column, Treatments& treatments) const;
  Array target_array(const std::vector<double>& values) const;
  Array matrix(const Frame& frame) const;
  data::DatasetInfo dataset_info() const;
  void require_fitted(const char* what) const;

  std::vector<Step> steps_{};
  bool is_fitted_ = false;
  std::vector<InputColumn> inputs_{};
  std::vector<std::string> features_{}, origins_{}, notes_{};
  Target target_{};
};

/// The pipeline that a model file holds; one that is not fitted where there is none. `what` is the file, for messages.
///
///   const nn::Model answers = io::load("people.gradus");
///   preprocess::Pipeline pipeline = preprocess::pipeline_of(answers.info);
///   Array logits = answers(pipeline.dataset(new_rows).x);
Pipeline pipeline_of(const nn::ModelInfo& info, const std::string& what = "model");

}  // namespace gradus::preprocess
