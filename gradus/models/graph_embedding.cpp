// Complex vectors are kept as their real parts, then their imaginary ones.
#include "gradus/models/graph_embedding.hpp"

#include <cmath>
#include <numbers>

#include "gradus/base/error.hpp"
#include "gradus/nn/initializer.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus::models {

using namespace core;

namespace {

constexpr std::string_view kScores[] = {"transe", "distmult", "complex", "rotate"};
constexpr int64_t kMost = int64_t{1} << 31;

bool has_complex_entities(GraphScore score) { return score == GraphScore::complex || score == GraphScore::rotate; }
bool is_distance(GraphScore score) { return score == GraphScore::transe || score == GraphScore::rotate; }

// (a + i b) (c + i d), as real parts and then imaginary ones.
Array complex_product(const Array& x, const Array& c, const Array& d) {
  const auto parts = split<2>(x, -1);
  return concatenate({parts[0] * c - parts[1] * d, parts[0] * d + parts[1] * c}, -1);
}

// Where a question leads: what its answer should be like.
Array aim(GraphScore score, const Array& entity, const Array& relation) {
  switch (score) {
    case GraphScore::transe:
      return entity + relation;
    case GraphScore::distmult:
      return entity * relation;
    case GraphScore::complex: {
      const auto parts = split<2>(relation, -1);
      return complex_product(entity, parts[0], parts[1]);
    }
    case GraphScore::rotate:
      return complex_product(entity, cos(relation), sin(relation));
  }
  return {};
}

GraphEmbedding of_graph(const data::KnowledgeGraph& graph, int64_t width, GraphScore score) {
  return GraphEmbedding({.entities = graph.entity_count(), .relations = graph.relation_count(), .width = width, .score = score});
}

}  // namespace

std::span<const std::string_view> enum_names(GraphScore) { return kScores; }

std::span<const FieldNote> GraphEmbeddingOptions::field_notes() {
  static constexpr FieldNote notes[] = {{"entities", "how many there are", {.low = 1, .high = kMost}},
                                        {"relations", "how many there are, without their inverses", {.low = 1, .high = kMost}},
                                        {"width", "numbers of a vector", {.low = 1, .high = 1 << 20}},
                                        {"score", "how vectors say that a fact holds"}};
  return notes;
}

GraphEmbedding::GraphEmbedding(GraphEmbeddingOptions options) : options(options) { check(); }
void GraphEmbedding::check() const { check_fields("GraphEmbedding", fields_of(*this), this); }
std::string GraphEmbedding::describe() const { return concat(kScores[static_cast<size_t>(options.score)], ", ", options.width); }

// Distances begin near 1 and products near 0, whatever the width: both then learn at usual rates.
const Array& GraphEmbedding::entity_table() const {
  const int64_t columns = options.width * (has_complex_entities(options.score) ? 2 : 1);
  const double deviation = is_distance(options.score) ? 1 / std::sqrt(static_cast<double>(columns)) : 0.1;
  return entities({options.entities, columns}, nn::init::random_normal(deviation));
}
const Array& GraphEmbedding::relation_table() const {
  const int64_t columns = options.width * (options.score == GraphScore::complex ? 2 : 1);
  const nn::Initializer init = options.score == GraphScore::rotate   ? nn::init::random_uniform(-std::numbers::pi, std::numbers::pi)
                               : options.score == GraphScore::transe ? nn::init::random_normal(1 / std::sqrt(static_cast<double>(columns)))
                                                                     : nn::init::random_normal(0.1);
  return relations({2 * options.relations, columns}, init);
}

Array GraphEmbedding::forward(const Array& queries) const {
  if (queries.rank() != 2 || queries.shape(1) != 2) {
    fail("graph_embedding", "questions are ", queries.shape(), "; they must be (N, 2): entity and relation");
  }
  const Array& table = entity_table();
  const auto columns = split<2>(queries, -1);
  const Array entity = take(table, reshape(columns[0], {-1}), 0), relation = take(relation_table(), reshape(columns[1], {-1}), 0);
  const Array wanted = aim(options.score, entity, relation), products = matmul(wanted, transpose(table));
  if (!is_distance(options.score)) return products;
  // |a - t|^2 = a a - 2 a t + t t; rounding may take it below 0.
  const Array squares = sum(wanted * wanted, -1, keepdims) - 2 * products + sum(table * table, -1);
  return -sqrt(maximum(squares, 0) + 1e-9);
}

GraphEmbedding::Vectors GraphEmbedding::vectors(const Array& queries, const Array& answers) const {
  const auto columns = split<2>(queries, -1);
  const Array& table = entity_table();
  return {take(table, reshape(columns[0], {-1}), 0), take(relation_table(), reshape(columns[1], {-1}), 0), take(table, answers, 0)};
}

GraphEmbedding TransE(const data::KnowledgeGraph& graph, int64_t width) { return of_graph(graph, width, GraphScore::transe); }
GraphEmbedding DistMult(const data::KnowledgeGraph& graph, int64_t width) { return of_graph(graph, width, GraphScore::distmult); }
GraphEmbedding ComplEx(const data::KnowledgeGraph& graph, int64_t width) { return of_graph(graph, width, GraphScore::complex); }
GraphEmbedding RotatE(const data::KnowledgeGraph& graph, int64_t width) { return of_graph(graph, width, GraphScore::rotate); }

}  // namespace gradus::models
