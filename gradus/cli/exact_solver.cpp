// Linear models solved exactly.
#include "gradus/cli/exact_solver.hpp"

#include <algorithm>
#include <map>

#include "gradus/base/error.hpp"
#include "gradus/models/linear_choice.hpp"
#include "gradus/nn/training.hpp"
#include "gradus/transform/build.hpp"

namespace gradus::cli {

using namespace core;

namespace {

constexpr const char* kKey = "train.solver";

// Parts for the choice of a penalty: 5, or as many as there are rows that may be held out; the only row of a class may not.
int64_t parts_of(const data::Dataset& set) {
  int64_t rows = set.size();
  if (set.y.dtype().is_integer()) {
    std::map<int64_t, int64_t> counts;
    for (const int64_t label : set.y.to_vector<int64_t>()) ++counts[label];
    for (const auto& [label, count] : counts) rows -= count == 1;
  }
  return std::min<int64_t>(rows, 5);
}

models::LinearFit fit_of(const Recipe& recipe, const data::Dataset& set) {
  std::optional<double> penalty = recipe.train.penalty;
  const std::string loss(recipe.loss.name());
  const models::ChoiceOptions choice{.folds = parts_of(set), .seed = static_cast<uint64_t>(recipe.seed)};
  if (!penalty && choice.folds < 2) penalty = 1.0;  // nothing to choose by
  if (loss == "mean_squared_error")
    return penalty ? models::fit_ridge(set.x, set.y, {.alpha = *penalty}) : models::choose_ridge(set.x, set.y, choice).fit;
  const models::LogisticOptions options{.alpha = penalty.value_or(1.0), .class_weight = recipe.train.class_weight};
  if (loss == "sparse_categorical_crossentropy")
    return penalty ? models::fit_softmax(set.x, set.y, options) : models::choose_softmax(set.x, set.y, choice, options).fit;
  if (loss == "binary_crossentropy")
    return penalty ? models::fit_logistic(set.x, set.y, options) : models::choose_logistic(set.x, set.y, choice, options).fit;
  fail(kKey, "is exact, and the loss is ", loss, "; it must be mean_squared_error, sparse_categorical_crossentropy or binary_crossentropy");
}

}  // namespace

namespace {

std::string errors_text(const models::LinearFit& fit) {
  if (!fit.standard_errors.exists() || !fit.intercept_error.exists()) return "";
  std::string out;
  for (const Array& part : {fit.intercept_error, fit.standard_errors}) {
    for (const double error : part.to_vector<double>()) out += (out.empty() ? "" : " ") + core::to_text(error);
  }
  return out;
}

}  // namespace

models::LinearFit solve_exactly(const Recipe& recipe, const data::Dataset& set, nn::Model& model) {
  if (recipe.model.size() != 1 || recipe.model[0].type() != "Dense" || set.x.rank() != 2)
    fail(kKey, "is exact, and the model is not one Dense layer on rows of numbers; that is what it solves");
  models::LinearFit fit = fit_of(recipe, set);
  const nn::Sequential solved = fit.to_model();
  nn::build(model, Shape{1, set.x.shape(1)});
  const std::vector<Variable> from = variables(solved), to = variables(model);
  for (const Variable& variable : to) {
    const auto same = std::find_if(from.begin(), from.end(), [&](const Variable& each) { return each.path == variable.path; });
    if (same == from.end() || same->get().shape() != variable.get().shape())
      fail(kKey, "is exact, and ", variable.path, " is ", variable.get().shape(), "; the solution has ",
           same == from.end() ? std::string("none of it") : to_text(same->get().shape()), ": one unit a class or number, and a bias");
    variable.set(same->get().astype(variable.get().dtype()).eval());
  }
  if (const std::string errors = errors_text(fit); !errors.empty()) model.info.extra[kErrorsText] = errors;
  return fit;
}

}  // namespace gradus::cli
