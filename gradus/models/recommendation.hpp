// Ratings and clicks: matrix factorisation in closed form, negative examples, the best items for a user, and how good these are.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <vector>

#include "gradus/data/dataset.hpp"
#include "gradus/models/recommenders.hpp"

namespace gradus::models {

/// What users did with items: ratings, or how often they clicked, bought, listened.
///
/// users, items  (N,), whole numbers from 0
/// values        (N,), finite; empty: all 1
struct Interactions {
  Array users{}, items{}, values{};
  /// The pairs as networks take them, (N, 2), with the values as targets.
  data::Dataset to_dataset() const;
};

/// Options of fit_als. width and iterations are at least 1; alpha is above 0.
struct AlsOptions {
  int64_t users = 0, items = 0;  ///< how many there are; 0: as the largest id says
  int64_t width = 32;
  double alpha = 0.1;  ///< of explicit ratings times the number of ratings of the user (item), of |vector|^2 and bias^2
  int64_t iterations = 15;
  bool is_implicit = false;  ///< values say how sure it is that the user likes the item, not how much
  double confidence = 40.0;  ///< of implicit values: what one of them adds to the weight 1 of a pair without
  bool use_bias = true;      ///< of explicit ratings
  uint64_t seed = 0;
};
/// A fitted model, and the objective after each iteration, which never rises.
struct AlsFit {
  MatrixFactorisation model{};
  std::vector<double> objective{};
};
/// Matrix factorisation by alternating least squares: all users given the items, then all items given the users, each in closed form.
///
/// Explicit ratings (Zhou et al. 2008): sum over ratings (r - mean - b_u - b_i - p_u . q_i)^2 + alpha sum_u n_u (|p_u|^2 + b_u^2) + the
/// same of items. Implicit values (Hu, Koren, Volinsky 2008), which must not be negative: sum over all pairs c (p - p_u . q_i)^2 + alpha
/// (sum |p_u|^2 + sum |q_i|^2) with p = 1 and c = 1 + confidence value where there is a value above 0, p = 0 and c = 1 elsewhere. A pair
/// that stands twice counts twice (implicit: its values add up). Who has no ratings has a vector of zeros; nobody's user is of implicit
/// values the mean of all. The same bits for a seed, for any number of threads.
///
///   models::AlsFit fit = models::fit_als({array({0, 0, 1, 2}), array({0, 1, 1, 0}), array({5.0, 3.0, 4.0, 1.0})}, {.width = 2});
AlsFit fit_als(const Interactions& interactions, const AlsOptions& options = {});

/// Options of sample_negatives and sample_triples.
struct NegativeOptions {
  int64_t count = 4;  ///< of negative items for each positive one, at least 1
  int64_t items = 0;  ///< how many there are; 0: as the largest id says
  uint64_t seed = 0;  ///< another one for each epoch
};
/// Pairs (N, 2) with targets 1 for what is there and 0 for items drawn at random that the user has nothing to do with: for
/// binary_crossentropy. Users that have all items get none.
data::Dataset sample_negatives(const Interactions& interactions, const NegativeOptions& options = {});
/// Rows (N, 3): a user, an item that is there, and one that is not: for bpr_loss.
data::Dataset sample_triples(const Interactions& interactions, const NegativeOptions& options = {});
/// The mean of -log sigmoid(score(user, item) - score(user, other)) over rows (N, 3) (Rendle et al. 2009, BPR).
///
///   models::MatrixFactorisation model({.users = 4, .items = 6});
///   const models::Interactions clicks{array({0, 1, 2, 3}), array({5, 4, 3, 0})};
///   train::fit(model, [](const auto& m, const data::Batch& batch) { return models::bpr_loss(m, batch.x); },
///              models::sample_triples(clicks, {.seed = 1}), {.epochs = 2, .verbose = false});
template <class M>
Array bpr_loss(const M& model, const Array& triples);

/// The items with the highest scores, the best first.
struct Recommended {
  Array items{};   ///< (B, count), int64; -1 where no item is left
  Array scores{};  ///< (B, count); -infinity there
};
/// Options of recommend. count is at least 1.
struct RecommendOptions {
  int64_t count = 10;
  Interactions seen{};  ///< what users have already is not recommended to them; empty: everything is
};
/// A model that scores users with all items: MatrixFactorisation, TwoTower, NeuMF, or one's own.
template <class M>
concept ScoresItems = requires(const M& model, const Array& users) {
  { model.scores(users) } -> std::convertible_to<Array>;
};
using ScoreFunction = std::function<Array(const Array& users)>;
/// For users (B,), whole numbers. Of equal scores the item with the smaller number comes first; NaN comes last.
Recommended recommend(const ScoreFunction& scores, const Array& users, const RecommendOptions& options = {});
///   models::MatrixFactorisation model({.users = 4, .items = 6});
///   models::recommend(model, array({0, 3}), {.count = 2}).items   // (2, 2)
template <ScoresItems M>
Recommended recommend(const M& model, const Array& users, const RecommendOptions& options = {}) {
  return recommend(ScoreFunction([&](const Array& some) -> Array { return model.scores(some); }), users, options);
}

/// The last interaction of each user who has two at least, and all others.
struct LeftOut {
  Interactions rest{}, last{};
};
LeftOut leave_last_out(const Interactions& interactions);

/// Options of rank_left_out.
struct RankingOptions {
  int64_t count = 10;     ///< places that count as a hit
  Interactions seen{};    ///< items that users have already, which do not compete
  int64_t negatives = 0;  ///< the item competes with so many drawn at random (He et al. 2017 take 99); 0: with all others
  uint64_t seed = 0;
};
/// Means over the users of `last`.
struct RankingScores {
  double hit_rate = 0;         ///< how often the item is among the first `count`
  double ndcg = 0;             ///< 1 / log2(1 + place) of those that are
  double reciprocal_rank = 0;  ///< 1 / place, of all
  int64_t users = 0;
};
/// At which place each user's left-out item comes among those that he does not have. Items with the same score come before it: a model that
/// cannot tell them apart has no hit.
RankingScores rank_left_out(const ScoreFunction& scores, const Interactions& last, const RankingOptions& options = {});
template <ScoresItems M>
RankingScores rank_left_out(const M& model, const Interactions& last, const RankingOptions& options = {}) {
  return rank_left_out(ScoreFunction([&](const Array& some) -> Array { return model.scores(some); }), last, options);
}

namespace detail {
/// The mean of log(1 + exp(other - own)).
Array pairwise_loss(const Array& own, const Array& other);
/// Columns 0 and `item` of triples (N, 3).
Array pairs_of(const Array& triples, int64_t item);
}  // namespace detail

template <class M>
Array bpr_loss(const M& model, const Array& triples) {
  return detail::pairwise_loss(model(detail::pairs_of(triples, 1)), model(detail::pairs_of(triples, 2)));
}

}  // namespace gradus::models
