// What layers show of their inside when somebody looks: attention weights, gates over time.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::nn {

/// One thing that a layer showed: "attention" or "cross attention" (N, heads, T, S), rows of which sum to 1; of LSTM "input gate",
/// "forget gate", "output gate", of GRU "update gate", "reset gate", and of every recurrent layer "state", each (N, T, units).
struct Observation {
  std::string place{};  ///< the layer, for example "Sequential > gru (GRU, 8 -> 16)"
  std::string name{};
  Array values{};
};

/// While it is open in a thread, attention and recurrent layers that are called there add what they show to `all`. It costs what the
/// weights cost, T x S numbers a head; nothing is computed for it otherwise. For calls as they are, not inside a transform.
///
///   std::vector<nn::Observation> seen;
///   {
///     const nn::ObservationScope scope(seen);
///     nn::LSTM(8)(ones({2, 5, 3}));
///   }
///   seen[0].name;   // input gate
class ObservationScope {
 public:
  explicit ObservationScope(std::vector<Observation>& all);
  ~ObservationScope();
  ObservationScope(const ObservationScope&) = delete;
  ObservationScope& operator=(const ObservationScope&) = delete;

  static bool is_open();
  /// Adds something that the layer that is being called shows; nothing where no scope is open.
  static void note(std::string_view name, Array values);

 private:
  std::vector<Observation>* outer_;
};

}  // namespace gradus::nn
