// Wrong calls of scores, intervals and tests.
#include <cmath>

#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

namespace {

using Texts = std::vector<std::string>;
using Numbers = std::vector<double>;
const metrics::ClassOptions kGiven{.outputs = metrics::Outputs::probabilities};

}  // namespace

Provocations metric_provocations() {
  return {
      // Classes.
      PROVOKE(metrics::f1(Array(), array({0}))),
      PROVOKE(metrics::f1(array({1.0, 2.0}), array({0, 1, 1}))),
      PROVOKE(metrics::f1(zeros({2, 3}), zeros({2, 4}))),
      PROVOKE(metrics::f1(zeros({2, 0}), zeros({2}, int64))),
      PROVOKE(metrics::f1(array({1.0, std::nan("")}), array({0, 1}))),
      PROVOKE(metrics::log_loss(array({{0.0, HUGE_VAL, 0.0}}), array({0}))),
      PROVOKE(metrics::log_loss(array({{-HUGE_VAL, -HUGE_VAL, -HUGE_VAL}}), array({0}))),
      PROVOKE(metrics::f1(array({1.5}), array({0}), kGiven)),
      PROVOKE(metrics::f1(array({{0.5, 0.5, 0.5}}), array({0}), kGiven)),
      PROVOKE(metrics::f1(array({1.0}), array({2}))),
      PROVOKE(metrics::f1(array({1.0}), array({0.5}))),
      PROVOKE(metrics::f1(zeros({1, 3}), array({{0, 1, 1}}))),
      PROVOKE(metrics::f1(zeros({1, 3}), array({{0, 0, 0}}))),
      PROVOKE(metrics::f1(array({1.0}), array({1}), {.weights = array({1.0, 2.0})})),
      PROVOKE(metrics::f1(array({1.0}), array({1}), {.weights = array({-1.0})})),
      PROVOKE(metrics::f1(array({1.0}), array({1}), {.weights = array({0.0})})),
      PROVOKE(metrics::f1(zeros({1, 3}), array({1}), {.average = metrics::Average::binary})),
      PROVOKE(metrics::f1(array({1.0}), array({1}), {.threshold = 2})),
      PROVOKE(metrics::f1(zeros({0}), zeros({0}, int64))),
      PROVOKE(metrics::f_beta(array({1.0}), array({1}), -1)),
      PROVOKE(metrics::top_k_accuracy(array({1.0}), array({1}), 0)),
      PROVOKE(metrics::roc_auc(array({1.0, 2.0}), array({1, 1}))),
      PROVOKE(metrics::roc_auc(zeros({3, 3}), array({0, 1, 2}), {.average = metrics::Average::micro})),
      PROVOKE(metrics::roc_auc(zeros({3, 3}), array({0, 1, 2}), {.weights = ones({3}), .multi_class = metrics::MultiClass::one_vs_one})),
      PROVOKE(metrics::roc_curve(zeros({3, 3}), array({0, 1, 2}))),
      PROVOKE(metrics::calibration_curve(array({1.0}), array({1}), {.count = 0})),
      PROVOKE(metrics::threshold_table(array({1.0}), array({1}), {1.5})),
      PROVOKE(metrics::best_threshold(zeros({1, 3}), array({1}))),
      PROVOKE(metrics::best_threshold(array({1.0}), array({1}), metrics::BestBy::cost, {.false_positive_cost = -1})),
      PROVOKE(metrics::jaccard(zeros({2}), zeros({2}))),
      PROVOKE(metrics::jaccard(zeros({1, 2}), array({{0, 2}}))),
      PROVOKE(metrics::ConfusionMatrix(0)),
      PROVOKE(metrics::ConfusionMatrix(2).add(0, 2)),
      PROVOKE(metrics::ConfusionMatrix(2).count(2, 0)),
      PROVOKE(metrics::ConfusionMatrix(2).merge(metrics::ConfusionMatrix(3))),
      PROVOKE(metrics::ConfusionMatrix(2, {1, 2})),
      // Numbers.
      PROVOKE(metrics::rmse(zeros({2}), zeros({3}))),
      PROVOKE(metrics::rmse(array({1.0, HUGE_VAL}), zeros({2}))),
      PROVOKE(metrics::rmse(Array(1.0), Array(2.0))),
      PROVOKE(metrics::rmse(zeros({0}), zeros({0}))),
      PROVOKE(metrics::adjusted_r2(zeros({3}), ones({3}), 2)),
      PROVOKE(metrics::mean_squared_log_error(array({1.0}), array({-1.0}))),
      PROVOKE(metrics::pinball(array({1.0}), array({1.0}), 2)),
      PROVOKE(metrics::tweedie_deviance(array({1.0}), array({1.0}), 0.5)),
      PROVOKE(metrics::poisson_deviance(array({0.0}), array({1.0}))),
      PROVOKE(metrics::gamma_deviance(array({1.0}), array({0.0}))),
      // Rankings, forecasts, texts.
      PROVOKE(metrics::ndcg(zeros({2}), zeros({2}))),
      PROVOKE(metrics::ndcg(zeros({2, 2}), zeros({2, 3}))),
      PROVOKE(metrics::ndcg(zeros({2}), zeros({2}), {.groups = zeros({3}, int64)})),
      PROVOKE(metrics::ndcg(zeros({1, 2}), array({{0.0, -1.0}}))),
      PROVOKE(metrics::ndcg(zeros({1, 2}), zeros({1, 2}), {.k = -1})),
      PROVOKE(metrics::recall_at(zeros({1, 2}), zeros({1, 2}), {})),
      PROVOKE(metrics::mase(zeros({1}), zeros({1}), ones({3}))),
      PROVOKE(metrics::mase(zeros({1}), zeros({1}), ones({3}), 3)),
      PROVOKE(metrics::interval_width(ones({1}), zeros({1}))),
      PROVOKE(metrics::interval_score(zeros({1}), ones({1}), ones({1}), 0)),
      PROVOKE(metrics::rouge(Texts{"a"}, Texts{})),
      PROVOKE(metrics::rouge(Texts{}, Texts{})),
      PROVOKE(metrics::word_error_rate(Texts{"a"}, Texts{})),
      // Sets in parts.
      PROVOKE(metrics::Accumulator("f2")),
      PROVOKE(metrics::Accumulator("token_accuracy")),
      PROVOKE(metrics::Accumulator("f1").merge(metrics::Accumulator("mcc"))),
      PROVOKE(metrics::Accumulator("f1").set_state(Numbers{1, 2, 3})),
      PROVOKE(metrics::Metric(metrics::accuracy).accumulator()),
      PROVOKE(metrics::Metric([](const Array&, const Array&, const metrics::ClassOptions&) { return 0.0; })),
      // Intervals and tests.
      PROVOKE(metrics::wilson(3, 2)),
      PROVOKE(metrics::clopper_pearson(1, 2, 1)),
      PROVOKE(metrics::bootstrap({}, array({1.0}), array({1}))),
      PROVOKE(metrics::bootstrap({"f1", "rmse"}, array({1.0}), array({1}))),
      PROVOKE(metrics::bootstrap({"token_accuracy"}, array({1.0}), array({1}))),
      PROVOKE(metrics::bootstrap({"f1"}, array({1.0}), array({1}), {.resamples = 0})),
      PROVOKE(metrics::bootstrap({"f1"}, array({1.0}), array({1}), {.confidence = 1})),
      PROVOKE(metrics::bootstrap({"f1"}, array({1.0}), array({1}), {.groups = array({1, 2})})),
      PROVOKE(metrics::bootstrap({"f1"}, array({1.0}), array({1}), {.is_stratified = true, .groups = array({1})})),
      PROVOKE(metrics::bootstrap({"rmse"}, array({1.0}), array({1.0}), {.is_stratified = true})),
      PROVOKE(metrics::bootstrap(nullptr, 3)),
      PROVOKE(metrics::mcnemar(array({1.0}), array({1.0, 2.0}), array({1}))),
      PROVOKE(metrics::mcnemar(array({1.0}), array({1.0}), array({1}), {.classes = {.weights = array({1.0})}})),
      PROVOKE(metrics::delong(zeros({3, 3}), zeros({3, 3}), array({0, 1, 2}))),
      PROVOKE(metrics::permutation_test(Numbers{1, 2}, Numbers{1})),
      PROVOKE(metrics::permutation_test(Numbers{1, std::nan("")}, Numbers{1, 2})),
      PROVOKE(metrics::corrected_t_test(Numbers{1}, Numbers{1}, {.train = 1, .test = 1})),
      PROVOKE(metrics::corrected_t_test(Numbers{1, 2}, Numbers{1, 2}, {})),
      // Baselines, tables, groups.
      PROVOKE(metrics::prior_baseline(array({0, 3}), 2)),
      PROVOKE(metrics::prior_baseline(array({0}), 1)),
      PROVOKE(metrics::mean_baseline(zeros({0}))),
      PROVOKE(metrics::seasonal_baseline(ones({3}), 4)),
      PROVOKE(metrics::linear_baseline(ones({3}), ones({3}))),
      PROVOKE(metrics::linear_baseline(ones({3, 1}), ones({2}))),
      PROVOKE(metrics::linear_baseline(ones({3, 1}), ones({3})).outputs(2)),
      PROVOKE(metrics::linear_baseline(ones({3, 1}), ones({3})).outputs(ones({2, 2}))),
      PROVOKE(metrics::summary(array({1.0}), Array())),
      PROVOKE(metrics::summary(array({1.0}), array({1}))["acuracy"]),
      PROVOKE(metrics::fairness(zeros({1, 3}), array({1}), array({1}))),
      PROVOKE(metrics::fairness(array({1.0}), array({1}), array({1, 2}))),
      PROVOKE(metrics::group_errors(zeros({1, 2}), zeros({1, 2}), array({1}))),
  };
}

}  // namespace errors
