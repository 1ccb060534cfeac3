// The parts of the doctor. Not for users; see doctor.hpp.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "gradus/train/doctor.hpp"

namespace gradus::train::detail {

/// A column as numbers; categories as their codes.
struct Feature {
  std::string name{};  ///< column "age", or x[:, 3]
  bool is_coded = false;
  std::function<double(int64_t row)> at{};  ///< NaN where missing
};
/// What is to be foretold of each row.
struct FeatureTarget {
  bool is_class = false;
  int64_t classes = 0;
  std::vector<double> values{};  ///< of all rows; labels of classes; empty: there is none
};
struct Features {
  int64_t rows = 0;
  std::vector<Feature> columns{};
  FeatureTarget target{};
};
/// Of x (N, D); no columns for others, and for more than 4,096. The set must live as long.
Features features_of(const data::Dataset& set);
/// Without the target and columns that number the rows. The table must live as long.
Features features_of(const data::Table& table, const std::string& target);
/// What the columns of x are called: the table's column "age" that a pipeline made them of, else x[:, 3].
std::vector<std::string> names_of_columns(const data::Dataset& set, int64_t width);
/// About `most` rows, evenly spaced.
std::vector<int64_t> sampled_rows(int64_t rows, int64_t most);
/// The values of a column in these rows.
std::vector<double> values_at(const Feature& feature, const std::vector<int64_t>& rows);
/// What Drop says of a column, for the library and for recipes.
std::string drop_text(const std::vector<std::string>& names);

void find_constants(const Features& features, std::vector<Finding>& findings);
void find_duplicates(const Features& features, std::vector<Finding>& findings);
void find_leaks(const Features& features, std::vector<Finding>& findings);
void find_scales(const data::Dataset& set, const Features& features, std::vector<Finding>& findings);
void find_target_scale(const data::Dataset& set, const loss::Loss& loss, std::vector<Finding>& findings);
void find_not_finite(const data::Dataset& set, const char* name, std::vector<Finding>& findings);

struct NamedSet {
  const char* name;
  const data::Dataset& set;
};
/// Copies of rows within the first set, and of its rows in the others.
void find_copies(const data::Dataset& train, const std::vector<NamedSet>& others, const Features& features, std::vector<Finding>& findings);

/// What a model gives for a few samples, and what stands in its graph.
struct ModelView {
  bool is_known = false;
  Array output{};
  std::string last{};        ///< the op that made it, reshapes left out
  bool weighs_input = true;  ///< x goes straight into products, not through a norm or a table
  std::vector<Variable> variables{};
};
ModelView view_of(const ExaminedModel& model, const data::Dataset& set, std::vector<Finding>& findings);

/// Of the target of a set: its name, the loss, what the model gives (perhaps not known).
struct TargetCheck {
  NamedSet named;
  const loss::Loss& loss;
  const ModelView& view;
};
/// Whether loss and target fit; further checks of labels make no sense if they do not.
bool find_wrong_loss(const TargetCheck& check, std::vector<Finding>& findings);
void find_labels(const TargetCheck& check, std::vector<Finding>& findings);
void find_last_activation(const TargetCheck& check, std::vector<Finding>& findings);
void find_shapes(const TargetCheck& check, std::vector<Finding>& findings);
void find_metrics(const TargetCheck& check, const std::vector<metrics::Metric>& metrics, std::vector<Finding>& findings);
/// ".optimizer = optim::Adam(0.001) (recipe: optimizer.learning_rate = 0.001)"
std::string rate_remedy(std::string_view name, double rate);
void find_learning_rate(const optim::Optimizer& optimizer, const std::vector<Variable>& variables, std::vector<Finding>& findings);

/// "3.1", "0.0042", "1.2e+06": three digits.
std::string short_number(double value);
/// "50.0 %"
std::string share_text(double share);
/// Whether the target is one label a sample: (N,) or (N, 1) integers.
bool has_labels(const data::Dataset& set);
/// Ops that only change the shape or type of what they are given.
bool only_reshapes(std::string_view op);

}  // namespace gradus::train::detail
