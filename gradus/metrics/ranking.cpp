// Scores of rankings, by runs of items of equal outputs.
#include "gradus/metrics/ranking.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "gradus/base/error.hpp"
#include "gradus/data/dataset.hpp"
#include "gradus/metrics/class_data.hpp"

namespace gradus::metrics {

using namespace core;

namespace {

// Items whose outputs are equal.
struct Run {
  double items = 0, relevant = 0, gain = 0;
};
// Runs from the largest output down.
struct Query {
  std::vector<double> outputs{}, relevances{};
  std::vector<Run> runs{};
  double relevant = 0;
};
struct Queries {
  std::vector<Query> all{};
  std::vector<double> weights{};
};

double gain_of(double relevance, Gain gain) { return gain == Gain::linear ? relevance : std::exp2(relevance) - 1; }

void make_runs(Query& query, Gain gain) {
  const detail::Ranking ranking = detail::ranking_of(query.outputs);
  size_t i = 0;
  for (const int32_t end : ranking.ends) {
    Run run;
    for (; i < static_cast<size_t>(end); ++i) {
      const double relevance = query.relevances[static_cast<size_t>(ranking.order[i])];
      run.items += 1;
      run.relevant += relevance > 0;
      run.gain += gain_of(relevance, gain);
    }
    query.relevant += run.relevant;
    query.runs.push_back(run);
  }
}

std::vector<int64_t> query_numbers(std::string_view place, const Array& output, const Array& groups) {
  std::vector<int64_t> numbers;
  if (!groups.exists()) {
    if (output.rank() != 2) fail(place, "output is ", output.shape(), "; it must be (queries, items), or (N,) with groups");
    for (int64_t i = 0; i < output.size(); ++i) numbers.push_back(i / output.shape(1));
    return numbers;
  }
  if (output.rank() != 1 || groups.shape() != output.shape() || !groups.dtype().is_integer())
    fail(place, "output is ", output.shape(), " and groups is ", groups.shape(), " ", groups.dtype(),
         "; both must be (N,), groups integers");
  std::map<int64_t, int64_t> seen;
  for (const int64_t group : groups.to_vector<int64_t>())
    numbers.push_back(seen.emplace(group, static_cast<int64_t>(seen.size())).first->second);
  return numbers;
}

Queries read(std::string_view place, const Array& output, const Array& target, const RankingOptions& options) {
  if (output.shape() != target.shape())
    fail(place, "output is ", output.shape(), " and target is ", target.shape(), "; they must be equal");
  if (options.k < 0) fail(place, "k is ", options.k, "; it must not be negative (0: all items)");
  if (output.size() == 0) fail(place, "output is ", output.shape(), "; there must be an item");
  const std::vector<int64_t> numbers = query_numbers(place, output, options.groups);
  const std::vector<double> outputs = output.to_vector<double>(), relevances = target.to_vector<double>();
  Queries queries;
  queries.all.resize(static_cast<size_t>(*std::max_element(numbers.begin(), numbers.end())) + 1);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto at = [&](const char* name) { return name + data::index_text(output.shape(), static_cast<int64_t>(i)); };
    if (std::isnan(outputs[i])) fail(place, at("output"), " is nan; outputs must be numbers");
    if (!(relevances[i] >= 0) || std::isinf(relevances[i]))
      fail(place, at("target"), " is ", relevances[i], "; relevances must be finite and not negative");
    Query& query = queries.all[static_cast<size_t>(numbers[i])];
    query.outputs.push_back(outputs[i]);
    query.relevances.push_back(relevances[i]);
  }
  for (Query& query : queries.all) make_runs(query, options.gain);
  queries.weights = detail::read_weights(place, options.weights, static_cast<int64_t>(queries.all.size()));
  return queries;
}

double most_items(const RankingOptions& options) { return options.k > 0 ? static_cast<double>(options.k) : HUGE_VAL; }

template <class Score>
double mean_over(std::string_view place, const Array& output, const Array& target, const RankingOptions& options, Score score) {
  const Queries queries = read(place, output, target, options);
  double sum = 0;
  for (size_t i = 0; i < queries.all.size(); ++i) sum += detail::weight_of(queries.weights, i) * score(queries.all[i]);
  return sum / detail::sum_of(queries.weights, queries.all.size());
}

double discount(double rank) { return 1 / std::log2(rank + 1); }

// Each place of a run has the run's mean gain.
double dcg_of(const std::vector<Run>& runs, double most) {
  double sum = 0, before = 0;
  for (const Run& run : runs) {
    double discounts = 0;
    for (double i = 1; i <= run.items && before + i <= most; ++i) discounts += discount(before + i);
    sum += run.gain / run.items * discounts;
    before += run.items;
    if (before >= most) break;
  }
  return sum;
}

double best_dcg(const Query& query, Gain gain, double most) {
  std::vector<double> sorted = query.relevances;
  std::sort(sorted.begin(), sorted.end(), std::greater<>());
  double sum = 0;
  for (size_t i = 0; i < sorted.size() && static_cast<double>(i) < most; ++i)
    sum += gain_of(sorted[i], gain) * discount(static_cast<double>(i) + 1);
  return sum;
}

// In a run of n items with r relevant ones behind c items with R relevant ones, place i holds a relevant item with r / n, and then
// R + 1 + (i - 1)(r - 1) / (n - 1) relevant ones are among the first c + i.
double average_precision(const Query& query, double most) {
  double sum = 0, before = 0, relevant = 0;
  for (const Run& run : query.runs) {
    for (double i = 1; i <= run.items && before + i <= most && run.relevant > 0; ++i) {
      const double inside = run.items > 1 ? (i - 1) * (run.relevant - 1) / (run.items - 1) : 0;
      sum += run.relevant / run.items * (relevant + 1 + inside) / (before + i);
    }
    before += run.items;
    relevant += run.relevant;
    if (before >= most) break;
  }
  return query.relevant == 0 ? 0 : sum / std::min(query.relevant, most);
}

// Calls visit(rank, how probably the first relevant item stands there).
template <class Visit>
void for_first_relevant(const Query& query, double most, Visit visit) {
  double before = 0;
  for (const Run& run : query.runs) {
    if (run.relevant == 0) {
      before += run.items;
      continue;
    }
    double none_yet = 1;
    for (double i = 1; i <= run.items && before + i <= most && none_yet > 0; ++i) {
      const double now = std::min(1.0, run.relevant / (run.items - i + 1));
      visit(before + i, none_yet * now);
      none_yet *= 1 - now;
    }
    return;
  }
}

// Expected number of relevant items among the first `most`.
double relevant_among(const Query& query, double most) {
  double found = 0, before = 0;
  for (const Run& run : query.runs) {
    const double taken = std::min(run.items, most - before);
    if (taken <= 0) break;
    found += run.relevant * taken / run.items;
    before += run.items;
  }
  return found;
}

void needs_k(std::string_view place, const RankingOptions& options) {
  if (options.k < 1) fail(place, "k is ", options.k, "; it must be at least 1");
}

}  // namespace

double dcg(const Array& output, const Array& target, const RankingOptions& options) {
  return mean_over("dcg", output, target, options, [&](const Query& query) { return dcg_of(query.runs, most_items(options)); });
}
double ndcg(const Array& output, const Array& target, const RankingOptions& options) {
  return mean_over("ndcg", output, target, options, [&](const Query& query) {
    const double best = best_dcg(query, options.gain, most_items(options));
    return best == 0 ? 0 : dcg_of(query.runs, most_items(options)) / best;
  });
}
double mean_average_precision(const Array& output, const Array& target, const RankingOptions& options) {
  return mean_over("mean_average_precision", output, target, options,
                   [&](const Query& query) { return average_precision(query, most_items(options)); });
}
double mean_reciprocal_rank(const Array& output, const Array& target, const RankingOptions& options) {
  return mean_over("mean_reciprocal_rank", output, target, options, [&](const Query& query) {
    double sum = 0;
    for_first_relevant(query, most_items(options), [&](double rank, double probability) { sum += probability / rank; });
    return sum;
  });
}
double hit_rate(const Array& output, const Array& target, const RankingOptions& options) {
  return mean_over("hit_rate", output, target, options, [&](const Query& query) {
    double sum = 0;
    for_first_relevant(query, most_items(options), [&](double, double probability) { sum += probability; });
    return sum;
  });
}
double precision_at(const Array& output, const Array& target, const RankingOptions& options) {
  needs_k("precision_at", options);
  return mean_over("precision_at", output, target, options,
                   [&](const Query& query) { return relevant_among(query, most_items(options)) / most_items(options); });
}
double recall_at(const Array& output, const Array& target, const RankingOptions& options) {
  needs_k("recall_at", options);
  return mean_over("recall_at", output, target, options, [&](const Query& query) {
    return query.relevant == 0 ? 0 : relevant_among(query, most_items(options)) / query.relevant;
  });
}

}  // namespace gradus::metrics
