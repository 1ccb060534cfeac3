// Filtered ranks, and the objective of graph embeddings.
#include "gradus/models/link_prediction.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

// Answers that are facts, by question.
class KnownAnswers {
 public:
  explicit KnownAnswers(const data::KnowledgeGraph& graph) : relations_(2 * graph.relation_count()) {
    for (const std::vector<data::Triple>* part : {&graph.train, &graph.validation, &graph.test}) {
      for (const data::Triple& fact : *part) {
        known_.emplace_back(code(fact.head, fact.relation), fact.tail);
        known_.emplace_back(code(fact.tail, fact.relation + graph.relation_count()), fact.head);
      }
    }
    std::sort(known_.begin(), known_.end());
    known_.erase(std::unique(known_.begin(), known_.end()), known_.end());
  }
  template <class F>
  void for_each(int64_t entity, int64_t relation, const F& visit) const {
    const int64_t wanted = code(entity, relation);
    auto at = std::lower_bound(known_.begin(), known_.end(), std::pair(wanted, int64_t{0}));
    for (; at != known_.end() && at->first == wanted; ++at) visit(at->second);
  }

 private:
  int64_t code(int64_t entity, int64_t relation) const { return entity * relations_ + relation; }
  int64_t relations_;
  std::vector<std::pair<int64_t, int64_t>> known_;
};

// The middle of the best and the worst rank of an answer among those that no fact gives.
template <class T>
double rank_of(const T* scores, int64_t count, int64_t answer, const KnownAnswers& known, int64_t entity, int64_t relation) {
  const auto score = [&](int64_t at) { return std::isnan(scores[at]) ? -std::numeric_limits<T>::infinity() : scores[at]; };
  const T own = score(answer);
  int64_t above = 0, level = 0;
  for (int64_t at = 0; at < count; ++at) {
    const T other = score(at);
    above += other > own;
    level += other == own;
  }
  known.for_each(entity, relation, [&](int64_t at) {
    if (at == answer) return;
    above -= score(at) > own;
    level -= score(at) == own;
  });
  return 1 + static_cast<double>(above) + static_cast<double>(level - 1) / 2;
}

// The mean over questions of sum |.|^power over all numbers; of complex ones, whose parts lie one behind the other, by their sizes.
Array size_of(const Array& x, bool is_complex, int power) {
  Array squares = x * x;
  if (is_complex) {
    const auto parts = split<2>(squares, -1);
    squares = parts[0] + parts[1];
  }
  const Array sizes = power == 2 ? squares : squares * sqrt(squares + 1e-20);
  return sum(sizes) / static_cast<double>(x.shape(0));
}

Array penalty(const GraphEmbedding& model, const data::Batch& batch, const GraphPenalties& penalties) {
  const GraphScore score = model.options.score;
  const bool has_complex_entities = score == GraphScore::complex || score == GraphScore::rotate;
  const GraphEmbedding::Vectors vectors = model.vectors(batch.x, batch.y);
  Array total = 0;
  for (const auto& [weight, power] : {std::pair(penalties.n3, 3), std::pair(penalties.l2, 2)}) {
    if (weight == 0) continue;
    Array sizes = size_of(vectors.entity, has_complex_entities, power) + size_of(vectors.answer, has_complex_entities, power);
    // Angles have no size.
    if (score != GraphScore::rotate) sizes = sizes + size_of(vectors.relation, score == GraphScore::complex, power);
    total = total + weight * sizes;
  }
  return total;
}

data::Dataset training_set(const data::KnowledgeGraph& graph, const GraphPenalties& penalties) {
  const data::LinkQueries facts = data::link_queries(graph, graph.train);
  if (penalties.rule_weight == 0 || penalties.inferred.empty()) return data::Dataset(facts.x, facts.y);
  std::vector<data::Triple> more;
  std::vector<double> weights(2 * graph.train.size(), 1.0), confidences;
  for (const InferredFact& each : penalties.inferred) {
    more.push_back(each.fact);
    confidences.push_back(penalties.rule_weight * each.confidence);
  }
  const data::LinkQueries inferred = data::link_queries(graph, more);
  for (int both = 0; both < 2; ++both) weights.insert(weights.end(), confidences.begin(), confidences.end());
  return data::weighted(data::Dataset(concatenate({facts.x, inferred.x}), concatenate({facts.y, inferred.y})), array(weights));
}

void check_fits(const GraphEmbedding& model, const data::KnowledgeGraph& graph) {
  const GraphEmbeddingOptions& has = model.options;
  if (has.entities == graph.entity_count() && has.relations == graph.relation_count()) return;
  fail("fit_graph", "the model has ", has.entities, " entities and ", has.relations, " relations, the graph ", graph.entity_count(),
       " and ", graph.relation_count(), "; they must be equal");
}

}  // namespace

std::string to_text(const LinkScores& scores) {
  char text[160];
  std::snprintf(text, sizeof text, "MRR %.4f, hits@1 %.4f, hits@3 %.4f, hits@10 %.4f, mean rank %.1f", scores.mrr, scores.hits_1,
                scores.hits_3, scores.hits_10, scores.mean_rank);
  return text;
}

LinkScores link_scores(const LinkModel& model, const data::KnowledgeGraph& graph, const std::vector<data::Triple>& facts,
                       int64_t batch_size) {
  if (facts.empty()) fail("link_scores", "there are no facts to ask for");
  if (batch_size < 1) fail("link_scores", "batch_size is ", batch_size, "; it must be at least 1");
  const nn::TrainingMode inference(false);
  const KnownAnswers known(graph);
  const data::LinkQueries queries = data::link_queries(graph, facts);
  LinkScores sums{.questions = queries.y.size()};
  for (const data::Batch& batch : data::batches(data::Dataset(queries.x, queries.y), {.batch_size = batch_size, .prefetch = false})) {
    Array scores = model(batch.x).eval();
    const Shape want{batch.size(), graph.entity_count()};
    if (scores.shape() != want)
      fail("link_scores", "the model gives ", scores.shape(), "; it must give ", want, ", a score for each entity");
    if (scores.dtype() != float64) scores = scores.astype(float32).eval();
    const std::vector<int64_t> asked = batch.x.to_vector<int64_t>(), answers = batch.y.to_vector<int64_t>();
    for (size_t i = 0; i < answers.size(); ++i) {
      const auto rank = [&]<class T>(const T* all) {
        return rank_of(all + static_cast<int64_t>(i) * graph.entity_count(), graph.entity_count(), answers[i], known, asked[2 * i],
                       asked[2 * i + 1]);
      };
      const double own = scores.dtype() == float64 ? rank(scores.data<double>()) : rank(scores.data<float>());
      sums.mrr += 1 / own;
      sums.hits_1 += own <= 1;
      sums.hits_3 += own <= 3;
      sums.hits_10 += own <= 10;
      sums.mean_rank += own;
    }
  }
  for (double* sum : {&sums.mrr, &sums.hits_1, &sums.hits_3, &sums.hits_10, &sums.mean_rank}) *sum /= static_cast<double>(sums.questions);
  return sums;
}

train::History fit_graph(GraphEmbedding& model, const data::KnowledgeGraph& graph, train::FitOptions options, GraphPenalties penalties) {
  check_fits(model, graph);
  for (const auto& [name, value] :
       {std::pair("n3", penalties.n3), std::pair("l2", penalties.l2), std::pair("rule_weight", penalties.rule_weight)}) {
    if (!(value >= 0) || std::isinf(value)) fail("fit_graph", name, " is ", value, "; it must be a finite number of at least 0");
  }
  if (options.validation.size() == 0 && options.validation_fraction == 0 && !graph.validation.empty()) {
    const data::LinkQueries queries = data::link_queries(graph, graph.validation);
    options.validation = data::Dataset(queries.x, queries.y);
  }
  const auto objective = [&](const GraphEmbedding& m, const data::Batch& batch) {
    const loss::Loss cross_entropy = loss::sparse_categorical_crossentropy;
    const Array scores = m(batch.x);
    Array value = batch.weights.exists() ? cross_entropy(scores, batch.y, batch.weights) : cross_entropy(scores, batch.y);
    const bool is_penalised = nn::TrainingMode::is_on() && (penalties.n3 > 0 || penalties.l2 > 0);
    return is_penalised ? value + penalty(m, batch, penalties) : value;
  };
  return train::fit(model, objective, training_set(graph, penalties), std::move(options));
}

}  // namespace gradus::models
