// Training of graph embeddings, and how well a model ranks the answers to questions about facts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "gradus/models/graph_embedding.hpp"
#include "gradus/models/graph_rules.hpp"
#include "gradus/train/fit.hpp"

namespace gradus::models {

/// Ranks of the right answers among all entities, filtered: other answers that are facts of any part of the graph do not count (Bordes et
/// al. 2013). An answer that ties with others has the middle one of their ranks; a score that is nan is below all.
struct LinkScores {
  double mrr = 0;  ///< mean of 1 / rank
  double hits_1 = 0, hits_3 = 0, hits_10 = 0;
  double mean_rank = 0;
  int64_t questions = 0;  ///< two a fact: its tail and its head
};
/// "MRR 0.9423, hits@1 0.9101, ..."
std::string to_text(const LinkScores& scores);

/// Scores (N, entities) of questions (N, 2).
using LinkModel = std::function<Array(const Array& queries)>;
/// Asks for the tail and the head of each fact. Throws for no facts, and for scores of another shape.
///
///   models::link_scores(answers, graph, graph.test).mrr
LinkScores link_scores(const LinkModel& model, const data::KnowledgeGraph& graph, const std::vector<data::Triple>& facts,
                       int64_t batch_size = 256);

/// What fit_graph adds to the cross-entropy of the right answer among all entities.
struct GraphPenalties {
  double n3 = 0;  ///< times the mean over questions of the cubes of the sizes of all numbers of h, r and t (Lacroix et al. 2018)
  double l2 = 0;  ///< times the same of their squares
  /// What rules infer counts as facts do, times this and times the confidence: -c log p, the penalty of "the rule holds" with confidence c.
  double rule_weight = 0;
  std::vector<InferredFact> inferred{};
};
/// Trains on the facts of graph.train in both directions by train::fit; graph.validation is watched where options name no validation,
/// without penalties. `loss` of the options does not count.
///
///   models::GraphEmbedding model = models::ComplEx(graph, 100);
///   models::fit_graph(model, graph, {.optimizer = optim::Adagrad(0.1, {.initial_accumulator = 0}), .epochs = 50}, {.n3 = 0.01});
train::History fit_graph(GraphEmbedding& model, const data::KnowledgeGraph& graph, train::FitOptions options,
                         GraphPenalties penalties = {});

}  // namespace gradus::models
