// Runs of a closed graph inside a loop of the host, only as far as its outputs are needed.
#pragma once

#include "gradus/transform/graph_op.hpp"

namespace gradus::core {

class PreparedGraph {
 public:
  /// `needed` says which outputs will be read.
  PreparedGraph(const Subgraph& graph, std::span<const uint8_t> needed);
  /// All outputs (those not needed are empty), computed. With `may_consume` the memory of arguments that only this vector holds may be
  /// overwritten.
  std::vector<Array> run(const std::vector<Array>& arguments, bool may_consume) const;

  /// What an output is: one of what computed() gives, a parameter, a constant; none: it is not needed.
  enum class Source : uint8_t { none, result, parameter, constant };
  struct Place {
    Source source = Source::none;
    size_t index = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };
  const Place& place(size_t output) const { return places_[output]; }
  const Array& constant(const Place& place) const { return constants_[place.index]; }
  /// The graph of what has to be computed, each value once; null: nothing.
  const SubgraphPtr& computed() const { return computed_; }

 private:
  std::vector<Place> places_;
  std::vector<Array> constants_;
  SubgraphPtr computed_;  // null if every needed output is a parameter or a constant
};

/// The numbers of the parameters that these outputs are computed from.
ByteFlags parameters_read(const Subgraph& graph, std::span<const uint8_t> outputs);

/// A computed array apart from any graph that made it.
Array detached(const Array& computed);

}  // namespace gradus::core
