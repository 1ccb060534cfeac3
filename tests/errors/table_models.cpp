// Wrong calls of linear models, networks for tables and recommenders.
#include "gradus/models/models.hpp"
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

namespace {
const Array& rows() {
  static const Array x = array({{1.0, 2.0}, {3.0, 4.0}, {0.5, 1.0}});
  return x;
}
const Array& targets() {
  static const Array y = array({1.0, 2.0, 3.0});
  return y;
}
}  // namespace

Provocations table_model_provocations() {
  return {
      PROVOKE(models::fit_linear(array({1.0, 2.0}), targets())),
      PROVOKE(models::fit_linear(rows(), array({1.0, 2.0}))),
      PROVOKE(models::fit_ridge(array({{1.0, 2.0}, {3.0, std::nan("")}, {0.5, 1.0}}), targets())),
      PROVOKE(models::fit_ridge(rows(), targets(), {.alpha = -1})),
      PROVOKE(models::fit_elastic_net(rows(), targets(), {.l1_ratio = 1.5})),
      PROVOKE(models::fit_lasso(rows(), targets(), {.iterations = 0})),
      PROVOKE(models::fit_lasso(rows(), targets(), {.tolerance = -1})),
      PROVOKE(models::fit_lasso(array({{1e160}, {2e160}}, float64), array({1.0, 2.0}))),
      PROVOKE(models::fit_linear(rows(), targets(), {.weights = array({1.0, -1.0, 1.0})})),
      PROVOKE(models::fit_linear(rows(), targets(), {.weights = ones({2})})),
      PROVOKE(models::fit_linear(rows(), targets(), {.weights = zeros({3})})),
      PROVOKE(models::fit_logistic(rows(), array({0, 1, 2}))),
      PROVOKE(models::fit_logistic(rows(), array({0, 1}))),
      PROVOKE(models::fit_logistic(rows(), array({1, 1, 1}))),
      PROVOKE(models::fit_softmax(rows(), array({0, 0, 0}))),
      PROVOKE(models::fit_softmax(rows(), array({0.0, 0.5, 1.0}))),
      PROVOKE(models::fit_logistic(rows(), array({0, 1, 0}), {.alpha = 0})),
      PROVOKE(models::fit_logistic(rows(), array({0, 1, 0}), {.class_weight = {{2, 3.0}}})),
      PROVOKE(models::fit_logistic(rows(), array({0, 1, 0}), {.class_weight = {{"yes", 3.0}}})),
      PROVOKE(models::fit_logistic(ones({4, 2}), array({0, 1, 0, 1}), {.alpha = 0})),
      PROVOKE(models::fit_linear(rows(), targets()).predict(zeros({2, 3}))),
      PROVOKE(models::fit_linear(rows(), targets()).probabilities(rows())),
      PROVOKE(models::fit_linear(rows(), targets()).table({}, 1)),
      PROVOKE(models::fit_linear(rows(), targets()).table({}, 0, 1.0)),
      PROVOKE(models::choose_ridge(rows(), targets(), {.folds = 4})),
      PROVOKE(models::choose_softmax(rows(), array({0, 1, 2}), {.folds = 2})),
      PROVOKE(models::elastic_net_path(rows(), targets(), {.count = 0})),
      PROVOKE(models::elastic_net_path(rows(), targets(), {.ratio = 2})),
      PROVOKE(models::embedding_width(0)),
      PROVOKE(models::TableMLP({.categories = {3, 2}, .embedding_widths = {4}})),
      PROVOKE(models::TableMLP({.categories = {3, 0}})),
      PROVOKE(models::TableMLP({.categories = {3, 2}})(zeros({2, 1}))),
      PROVOKE(models::TableResNet({.width = 0})),
      PROVOKE(models::TableInput()(zeros({3}))),
      PROVOKE(models::TableInput({.categories = {3}}).table(1)),
      PROVOKE(models::fit_als({array({0, 1}), array({0, -1}), {}})),
      PROVOKE(models::fit_als({array({0, 1}), array({0, 1, 2}), {}})),
      PROVOKE(models::fit_als({})),
      PROVOKE(models::fit_als({array({0, 1}), array({0, 1}), array({1.0, -1.0})}, {.is_implicit = true})),
      PROVOKE(models::fit_als({array({0, 1}), array({0, 1}), {}}, {.alpha = 0})),
      PROVOKE(models::fit_als({array({0, 1}), array({0, 1}), array({1.0})})),
      PROVOKE(models::MatrixFactorisation({.users = 0})),
      PROVOKE(models::MatrixFactorisation()(zeros({2, 3}))),
      PROVOKE(models::TwoTower({.hidden = {}})),
      PROVOKE(models::recommend(models::NeuMF(), zeros({1, 1}))),
      PROVOKE(models::recommend(models::NeuMF(), array({0}), {.count = 0})),
      PROVOKE(models::rank_left_out(models::NeuMF(), {array({0}), array({7}), {}})),
      PROVOKE(models::sample_triples({array({0, 0}), array({0, 1}), {}})),
      PROVOKE(models::sample_negatives({array({0, 0}), array({0, 1}), {}}, {.count = 0})),
      PROVOKE(models::bpr_loss(models::MatrixFactorisation(), zeros({2, 2}))),
  };
}

}  // namespace errors
