// What gradus explain is asked, and the parts that answer it: for tables, and for other samples.
#pragma once

#include <string>
#include <vector>

#include "gradus/cli/table_model.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/train/report.hpp"

namespace gradus::cli {

struct ExplainArguments {
  std::string model{}, input{}, output{};
  int64_t row = 1, rows = 1, rounds = 20, top = 10, repeats = 10;
  bool has_importance = false, has_counterfactuals = false;  // of tables, in place of Shapley values
  std::vector<std::string> fixed{};                          // columns that counterfactuals leave as they are
  std::string wanted{};                                      // a class, or a number to be crossed
};

/// Print their answers, and give the page of them.
train::Report explain_table(const ExplainArguments& arguments, const nn::Model& model, const TableModel& tables);
train::Report explain_samples(const ExplainArguments& arguments, const nn::Model& model);

/// A number as "%.4g", or in another format.
std::string explained_number(double value, const char* format = "%.4g");

}  // namespace gradus::cli
