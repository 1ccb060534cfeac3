// What ops that hold closed graphs share.
#pragma once

#include "gradus/graph/op_def.hpp"
#include "gradus/graph/walk.hpp"

namespace gradus::core {

inline constexpr Input graph_op_inputs[] = {{"x"}};

std::vector<Aval> output_avals(const Subgraph& graph);
/// The aval with `length` more examples, steps or whatever in front.
Aval with_axis(const Aval& aval, int64_t length);

using ByteFlags = std::vector<uint8_t>;
inline ByteFlags as_flags(std::span<const bool> flags) { return ByteFlags(flags.begin(), flags.end()); }
inline ByteFlags all_of(size_t count) { return ByteFlags(count, 1); }

/// A graph made by `outputs_of` from fresh symbols.
template <class F>
SubgraphPtr make_graph(std::vector<Array> symbols, const F& outputs_of) {
  std::vector<Array> outputs = outputs_of(symbols);
  return std::make_shared<const Subgraph>(std::move(symbols), std::move(outputs));
}

template <class T>
void append(std::vector<T>& to, std::span<const T> from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace gradus::core
