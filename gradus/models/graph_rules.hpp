// Rules that hold in a knowledge graph, mined from its facts; what they infer, and how well.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/data/triples.hpp"

namespace gradus::models {

/// A Horn rule: body[0](x, y) => head(x, y), or body[0](x, z) and body[1](z, y) => head(x, y), with x, y and z different entities. A body
/// may hold inverse relations (number + relations). Counts are of pairs (x, y), over the training facts.
struct GraphRule {
  std::vector<int64_t> body{};
  int64_t head = 0;
  int64_t support = 0;        ///< pairs of which body and head hold
  double confidence = 0;      ///< support over pairs of which the body holds
  double pca_confidence = 0;  ///< the same, over those of them whose x has some fact of the head: others are unknown, not false
  double head_coverage = 0;   ///< support over facts of the head
};
/// "parent_of(x, z) and sister_of^-1(z, y) => aunt_of(x, y): confidence 0.91, support 32"
std::string to_text(const GraphRule& rule, const data::KnowledgeGraph& graph);

/// Options of mine_rules; those that counts are compared with are "at least".
struct RuleMining {
  int64_t longest_body = 2;  ///< 1 or 2
  int64_t support = 3;
  double head_coverage = 0.01;
  double confidence = 0.1;
  double pca_confidence = 0.1;
  int64_t most_rules = 100'000;  ///< the best by PCA confidence, then support
  /// An entity with more facts is passed over as the z between two: it would make as many pairs as the square of them.
  int64_t most_facts = 2000;
};
/// What was found, the best first.
struct MinedRules {
  std::vector<GraphRule> rules{};
  int64_t passed_over = 0;  ///< entities with more than `most_facts`
};
/// All rules of these shapes (measures of AMIE: Galarraga et al. 2013). Time goes with the pairs of facts that meet in an entity. A rule
/// that says head => head is none.
///
///   const models::MinedRules mined = models::mine_rules(data::read_graph("family"), {.confidence = 0.5});
MinedRules mine_rules(const data::KnowledgeGraph& graph, RuleMining options = {});

/// A fact that rules infer and training facts do not have.
struct InferredFact {
  data::Triple fact{};
  double confidence = 0;  ///< 1 - product of (1 - PCA confidence) over the rules that infer it
};
/// What rules infer beyond the training facts, the surest first, at most so many.
std::vector<InferredFact> infer(const data::KnowledgeGraph& graph, const std::vector<GraphRule>& rules, int64_t most = 1'000'000);

/// Scores of answers by rules alone: (N, 2) questions to (N, entities), the confidence with which the rules infer each answer; 0 for
/// others. To be ranked as models are: link_scores.
class RulePredictor {
 public:
  RulePredictor(const data::KnowledgeGraph& graph, const std::vector<GraphRule>& rules);
  Array operator()(const Array& queries) const;

 private:
  struct Step {
    int64_t first = 0, second = -1;
    double confidence = 0;
  };
  int64_t entities_, relations_;
  std::vector<std::vector<std::pair<int64_t, int64_t>>> neighbours_;  // by entity: relation and entity, sorted
  std::vector<std::vector<Step>> steps_;                              // by relation
};

}  // namespace gradus::models
