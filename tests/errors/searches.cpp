// Wrong calls of searches, cross-validation and the range test.
#include "tests/errors/provocations.hpp"

namespace errors {

using namespace gradus;

namespace {
train::TrialScore score(const train::Trial& trial) { return trial["rate"]; }
const data::Dataset& samples() {
  static const data::Dataset set(array({{1.0, 2.0}, {3.0, 4.0}, {0.5, 1.0}, {0.0, 1.0}}), array({0, 1, 0, 1}));
  return set;
}
nn::Sequential make() { return nn::Sequential{nn::Dense(2)}; }
nn::Sequential& net() {
  static nn::Sequential* model = new nn::Sequential{nn::Dense(2)};
  return *model;
}
train::FitOptions fit() { return {.loss = loss::sparse_categorical_crossentropy, .verbose = false}; }
}  // namespace

Provocations search_provocations() {
  return {
      PROVOKE(train::uniform(2, 1)),
      PROVOKE(train::log_uniform(0, 1)),
      PROVOKE(train::log_int_uniform(0, 10)),
      PROVOKE(train::uniform(0, INFINITY)),
      PROVOKE(train::int_uniform(0, int64_t{1} << 60)),
      PROVOKE(train::choice({})),
      PROVOKE(train::Distribution(train::DistributionKind::int_uniform, {1, 2.5})),
      PROVOKE(train::Distribution(train::DistributionKind::uniform, {1})),
      PROVOKE(train::hyperband_brackets({.epochs = 3, .min_epochs = 4})),
      PROVOKE(train::hyperband_brackets({.reduction = 1})),
      PROVOKE(train::search({}, score)),
      PROVOKE(train::search({{"rate", train::uniform(0, 1)}, {"rate", train::uniform(0, 1)}}, score)),
      PROVOKE(train::search({{"rate", train::uniform(0, 1)}}, score, {.trials = -1})),
      PROVOKE(train::search({{"rate", train::uniform(0, 1)}}, score,
                            {.method = train::SearchMethod::hyperband, .epochs = 1'000'000, .reduction = 2})),
      PROVOKE(train::search({{"rat", train::uniform(0, 1)}}, score, {.trials = 2, .verbose = false})),
      PROVOKE(train::SearchResult{}.best()),
      PROVOKE(train::Trial{.values = {{"rate", 0.1}}}.integer("rate")),
      PROVOKE(train::cross_validate(make, samples(), {.fit = fit(), .folds = 1})),
      PROVOKE(train::cross_validate(make, samples(), {.fit = fit(), .folds = 9})),
      PROVOKE(train::cross_validate(make, samples(), {.fit = {.verbose = false}, .folds = 2})),
      PROVOKE(train::cross_validate(make, samples(), {.fit = fit(), .folds = 2, .assignment = {0, 1, 2, 0}})),
      PROVOKE(train::learning_rate_range(net(), samples(), {})),
      PROVOKE(train::learning_rate_range(net(), samples(), {.loss = loss::sparse_categorical_crossentropy, .low = 0})),
      PROVOKE(train::learning_rate_range(net(), samples(), {.loss = loss::sparse_categorical_crossentropy, .steps = 3})),
  };
}

}  // namespace errors
