// The stop-watch of gradus_bench: which workloads are wanted, and how each is timed and printed.
#pragma once

#include <functional>
#include <string>

namespace bench {

/// What the command line asks for.
struct Wish {
  enum class Kind { list, time, once };
  Kind kind = Kind::time;
  std::string only{};  ///< empty: all workloads
  int beside = 0;      ///< loops of a compiler that run at the same time
};

/// Runs workloads as the wish says. A workload is made by `make`, which returns its step; it is not called for a name that nobody asked
/// for.
class Runner {
 public:
  explicit Runner(Wish wish) : wish_(std::move(wish)) {}

  using Step = std::function<void()>;
  /// Prints one line: NAME MEDIAN_US MIN_US RUNS MOVED_MB LOOPS MEAN_US P99_US, over at least `seconds` (four times that beside neighbours)
  /// and five steps after three to warm up. Megabytes moved and parallel loops are those of one step, by the counters. Neighbours start
  /// after the warming up.
  void operator()(const std::string& name, const std::function<Step()>& make, double seconds = 1.0);
  /// Prints NAME and the time of one call of `run`, which prepares nothing beforehand: planning and primitives included.
  void first(const std::string& name, const std::function<Step()>& make);
  /// Whether some workload had the name.
  bool has_run() const { return has_run_; }

 private:
  bool wants(const std::string& name);
  Wish wish_;
  bool has_run_ = false;
};

void arrays(Runner& run);    ///< single ops and chains
void networks(Runner& run);  ///< training steps and inference
void transformers(Runner& run);  ///< training, inference and generation of Transformers
void planning(Runner& run);  ///< recording, planning, first steps, printing
void growth(Runner& run);    ///< gradients of loops at growing lengths
void sequences(Runner& run);     ///< gradients through loops of small steps; CTC
void tables(Runner& run);       ///< reading and describing of tables

}  // namespace bench
