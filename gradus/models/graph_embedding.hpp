// Embeddings of knowledge graphs: which entities a fact leads to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "gradus/data/triples.hpp"
#include "gradus/graph/fields.hpp"
#include "gradus/graph/parameter.hpp"
#include "gradus/graph/parts.hpp"

namespace gradus::models {

/// How an entity h and a relation r score an entity t; all are vectors of `width` numbers, real or complex.
///  transe    -|h + r - t|                               (Bordes et al. 2013)
///  distmult  sum_j h_j r_j t_j                          (Yang et al. 2015)
///  complex   Re sum_j h_j r_j conj(t_j)                 (Trouillon et al. 2016)
///  rotate    -|h exp(i r) - t|, r angles                (Sun et al. 2019)
/// |.| is the Euclidean norm, so that all entities are scored by one product of matrices.
enum class GraphScore { transe, distmult, complex, rotate };
std::span<const std::string_view> enum_names(GraphScore);

/// Options of GraphEmbedding.
struct GraphEmbeddingOptions {
  int64_t entities = 2;
  int64_t relations = 1;  ///< without their inverses, each of which has a vector of its own
  int64_t width = 100;
  GraphScore score = GraphScore::complex;
  GRADUS_OPTIONS(entities, relations, width, score)
};

/// Questions (N, 2) of int64, entity and relation, to scores (N, entities) of all answers, which are logits: cross-entropy with the answer
/// trains it against all entities. Relation r + relations is the inverse of r (Lacroix et al. 2018): it asks for heads.
///
///   models::GraphEmbedding model({.entities = 5, .relations = 2, .width = 8});
///   model(array({{0, 1}, {3, 2}}));   // (2, 5)
class GraphEmbedding {
 public:
  explicit GraphEmbedding(GraphEmbeddingOptions options = {});

  Array forward(const Array& queries) const;
  /// Vectors that a question is made of, and that of its answer: (N, width), twice as wide where they are complex.
  struct Vectors {
    Array entity, relation, answer;
  };
  Vectors vectors(const Array& queries, const Array& answers) const;
  std::string describe() const;
  void check() const;
  static std::span<const core::FieldNote> field_notes() { return {}; }

  GraphEmbeddingOptions options;
  Parameter entities{}, relations{};
  GRADUS_PARTS(options, entities, relations)

 private:
  const Array& entity_table() const;
  const Array& relation_table() const;
};

/// The models by name: GraphEmbedding of this score for the entities and relations of a graph.
///
///   models::GraphEmbedding model = models::ComplEx(graph, 50);
GraphEmbedding TransE(const data::KnowledgeGraph& graph, int64_t width = 100);
GraphEmbedding DistMult(const data::KnowledgeGraph& graph, int64_t width = 100);
GraphEmbedding ComplEx(const data::KnowledgeGraph& graph, int64_t width = 100);
GraphEmbedding RotatE(const data::KnowledgeGraph& graph, int64_t width = 100);

}  // namespace gradus::models
