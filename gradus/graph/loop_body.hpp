// A closed graph that runs many times with arguments and results at other addresses each time: the body of a loop. gradus/plan defines it.
#pragma once

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "gradus/graph/args.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::core {

/// What becomes of an argument's memory from run to run.
enum class Reuse : uint8_t {
  fixed,   ///< the same data in every run
  moving,  ///< each run is told where it lies
  dying    ///< likewise, and the run may write over it
};

/// The evaluation lock, for some steps of a loop. Others wait as long as it lives.
class EvaluationTurn {
 public:
  EvaluationTurn();

 private:
  std::unique_lock<std::mutex> lock_;
};

/// The plan of a closed graph, with all that its runs share: found or made once, then run without recording, hashing or allocating.
class LoopBody {
 public:
  /// For computed arguments of these layouts, each the one output of its node. Null where a run is more than one plan in the processor's
  /// memory: the graph holds loops or branches, arrays lie elsewhere, or NaNs are looked for.
  static std::unique_ptr<LoopBody> make(const SubgraphPtr& graph, std::vector<Array> arguments, std::span<const Reuse> reuse);
  ~LoopBody();
  LoopBody(const LoopBody&) = delete;
  LoopBody& operator=(const LoopBody&) = delete;

  /// The argument over which a run writes result `k`, which is then contiguous and has nothing else to do with results[k]; -1: none.
  int lies_over(size_t k) const;
  /// One run. `arguments[i]`: the first element of argument i, not read where it is fixed. `results[k]`: where the graph's output k goes,
  /// row-major; it lies apart from all arguments, but for a result that lies over one, whose place may be given.
  /// Throws where a kernel reports a bad value; arguments are then as before.
  void run(const EvaluationTurn& turn, void* const* arguments, void* const* results);

 private:
  struct State;
  explicit LoopBody(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace gradus::core
