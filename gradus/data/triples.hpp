// Knowledge graphs: facts as triples of head, relation and tail, read from text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::data {

/// A fact: relation(head, tail), each by its number.
struct Triple {
  int64_t head = 0, relation = 0, tail = 0;
  friend auto operator<=>(const Triple&, const Triple&) = default;
};

/// Facts by what they are for. Relation r + relations.size() is the inverse of relation r: it leads from tail to head.
struct KnowledgeGraph {
  std::vector<std::string> entities{}, relations{};  ///< names by number, in order of first appearance
  std::vector<Triple> train{}, validation{}, test{};
  int64_t repeated = 0;  ///< facts of `train` that stood there before, and were left out
  int64_t unseen = 0;    ///< facts of the other two with an entity or relation that no fact of `train` has

  int64_t entity_count() const { return static_cast<int64_t>(entities.size()); }
  int64_t relation_count() const { return static_cast<int64_t>(relations.size()); }
  /// The number of a name; throws for an unknown one, naming the nearest.
  int64_t entity(const std::string& name) const;
  int64_t relation(const std::string& name) const;
};

/// Reads train, valid (or validation, dev) and test with the ending .txt or .tsv, plain or .gz, of a folder; the latter two may be missing.
/// A line is head, relation and tail, separated by tabs, in UTF-8; lines end with LF or CR LF, empty ones are left out. A fact that stands
/// in `test` or `validation` may stand in `train` as well. Throws naming the line for one with more or fewer cells, an empty cell or one of
/// more than 64 KiB, or bytes that are no UTF-8; and for a folder without training facts. Files are at most 4 GiB.
///
///   data::read_graph("family").entities.size()   // 4
KnowledgeGraph read_graph(const std::string& folder);
/// The same of texts: what the three files hold.
KnowledgeGraph graph_of(const std::string& train, const std::string& validation = "", const std::string& test = "");

/// Questions about facts: the tail of (head, relation), and the head, which is the tail of (tail, inverse relation).
struct LinkQueries {
  Array x{};  ///< (2 n, 2) int64: entity and relation; those for tails first
  Array y{};  ///< (2 n,) int64: the entity that is asked for
};
LinkQueries link_queries(const KnowledgeGraph& graph, const std::vector<Triple>& facts);

}  // namespace gradus::data
