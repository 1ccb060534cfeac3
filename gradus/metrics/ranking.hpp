// Scores of rankings: searches, recommendations, link prediction.
#pragma once

#include <vector>

#include "gradus/metrics/options.hpp"

namespace gradus::metrics {

/// What a relevance is worth.
enum class Gain : uint8_t {
  linear,      ///< itself
  exponential  ///< 2^relevance - 1
};

/// Options of scores of rankings. Outputs and targets are (queries, items), or (N,) with `groups` that say which query each item belongs
/// to; the larger the output, the earlier the item. Targets are relevances, not negative; relevant is what is above 0. Items of equal
/// outputs count as in the mean over all their orders (McSherry and Najork 2008), so a model that cannot tell items apart gains nothing by
/// the order of the file. A query without a relevant item scores 0.
struct RankingOptions {
  int64_t k = 0;    ///< the first k items count; 0: all
  Array groups{};   ///< (N,) integers
  Array weights{};  ///< of the queries, in the order in which they first come; empty: all 1
  Gain gain = Gain::linear;
};

/// Discounted cumulative gain: sum of gain / log2(1 + rank), mean over the queries (Jarvelin and Kekalainen 2002).
double dcg(const Array& output, const Array& target, const RankingOptions& options = {});
/// The same over that of the best order: 0 to 1.
///
///   metrics::ndcg(array({{3.0, 2.0, 1.0}}), array({{2, 0, 1}}))   // 0.950234
double ndcg(const Array& output, const Array& target, const RankingOptions& options = {});
/// Mean over the queries of the mean precision at their relevant items; with k over the smaller of k and their number.
double mean_average_precision(const Array& output, const Array& target, const RankingOptions& options = {});
/// Mean of 1 / rank of the first relevant item; 0 where none is among the first k.
///
///   metrics::mean_reciprocal_rank(array({{3.0, 2.0, 1.0}}), array({{0, 1, 0}}))   // 0.5
double mean_reciprocal_rank(const Array& output, const Array& target, const RankingOptions& options = {});
/// Share of queries with a relevant item among the first k.
double hit_rate(const Array& output, const Array& target, const RankingOptions& options = {});
/// Share of relevant items among the first k; k where a query has fewer items.
double precision_at(const Array& output, const Array& target, const RankingOptions& options);
/// Of the relevant items, the share that is among the first k.
double recall_at(const Array& output, const Array& target, const RankingOptions& options);

}  // namespace gradus::metrics
