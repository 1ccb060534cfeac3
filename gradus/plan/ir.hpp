// The graph while it is being planned: plain tables of values and ops, no nodes.
#pragma once

#include <string>
#include <vector>

#include "gradus/plan/backend.hpp"
#include "gradus/plan/plan.hpp"

namespace gradus::plan {

/// One output of an op, or a leaf. A view shares the memory of another value: `base` is that value, never a view itself.
struct PlanValue {
  enum class Kind : uint8_t { leaf, scalar, computed, view };
  Kind kind = Kind::computed;
  Layout layout{};
  int base = -1;        ///< views: the value whose memory this one lies in; others: itself
  int64_t offset = 0;   ///< views: elements from the base's first
  int producer = -1;    ///< op that computes it (of views: that computes the base), -1 for leaves
  uint32_t source = 0;  ///< number of the value in the snapshot
  bool is_kept = false, is_donated = false;
  bool is_moving = false;  ///< a leaf with other data in each run
};

/// One op to run. `node` is its number in the snapshot, for messages.
struct PlanOp {
  const OpDef* op = nullptr;
  Args args{};
  std::vector<int> inputs{}, outputs{};
  uint32_t node = 0;
  backend::Epilogue epilogue{};  ///< what the kernel does to its result; a bias is the last input
  uint32_t widened = 0;  ///< inputs that the kernel reads in bfloat16 in place of float32, as bits: KernelEntry::widened_inputs
  bool is_dead = false;      ///< another op does its work
  bool is_inlined = false;   ///< arithmetic on numbers, repeated in each program that reads it
  int group = -1;            ///< fused program it belongs to
  int chain = -1;            ///< chain it belongs to, with its group

  bool is_elementwise() const { return op->elementwise; }
};

/// A set of element-wise ops over one shape that run as one pass over memory, with the reductions that end it.
struct Group {
  std::vector<int> ops{};  ///< in order
  int level = 0;
  Shape shape{};
};

/// Ops and groups that share one loop over blocks of examples (along axis 0), each of them working on a block in turn. A later link reads
/// of an earlier one only the block's own examples.
struct Chain {
  std::vector<int> links{};  ///< in order; of a group its first op
  int64_t batch = 0, block = 0;  ///< examples, in all and at a time
};

struct PlanGraph {
  const Backend* backend = &cpu_backend();  ///< for which it is planned
  std::vector<PlanValue> values;
  std::vector<PlanOp> ops;           ///< in an order in which they can run
  std::vector<int> value_of_source;  ///< snapshot value -> value here (after merging), -1 if not used
  std::vector<Group> groups;
  std::vector<Chain> chains;
  int64_t visits = 0;

  /// How the backend computes an op; of a barrier, which does nothing, an empty entry.
  const KernelEntry& entry_of(const PlanOp& op) const;
  int add_computed(DType dtype, const Shape& shape, int producer);
  /// The ops that run with op `at`: those of its group, or itself alone.
  std::vector<int> with(int at) const { return ops[at].group < 0 ? std::vector{at} : groups[ops[at].group].ops; }
};

/// Makes the list of a graph's ops anew, with ops left out, moved and put between. Values that were there before keep their producers.
class OpRewrite {
 public:
  explicit OpRewrite(PlanGraph& graph);
  size_t size() const { return old_.size(); }
  PlanOp& old(size_t at) { return old_[at]; }
  /// Puts old op number `at` next; old(at) is then gone.
  void keep(size_t at);
  /// What old op number `at` made is made by the op that comes next.
  void give_to_next(size_t at) { new_index_[at] = static_cast<int>(graph_.ops.size()); }
  /// Puts a new op next, which makes a value of this layout, contiguous; returns that value.
  int add(PlanOp op, const Layout& layout);
  void finish();

 private:
  PlanGraph& graph_;
  std::vector<PlanOp> old_;
  std::vector<int> new_index_;
  size_t old_values_;
};

/// Reads the snapshot; resolves identities and views to strides, inserting copies where a view cannot be made; merges equal ops.
PlanGraph simplify(const Snapshot& snapshot, bool merges);
/// Inserts copies where an op does not take an input's strides.
void make_contiguous(PlanGraph& graph);
/// Applies the slope of a relu to what is put back through max pooling before it is put.
void sink(PlanGraph& graph);
/// Lets products and convolutions add a bias, apply relu and round to bfloat16 before they store (a pass named in docs/plan.md).
void absorb(PlanGraph& graph);
/// Puts element-wise ops into groups, one op each without `fuses`.
void fuse(PlanGraph& graph, bool fuses);
/// Lets what is done example by example share loops (a pass named in docs/plan.md).
void chain(PlanGraph& graph);
/// Whether op `at`, or the group it is in, reads of `value` only the examples that it works on, as links of a chain of `batch` examples do.
bool reads_by_example(const PlanGraph& graph, int at, int value, int64_t batch);
/// The program of a group: values it reads (in the order of the program's inputs) and writes.
struct GroupProgram {
  backend::ProgramSpec spec;
  std::vector<int> reads, writes;
};
/// `is_stored`: for each value, whether something outside its group reads it or it is kept.
GroupProgram make_program(const PlanGraph& graph, const Group& group, const std::vector<uint8_t>& is_stored);

/// Text of the graph for docs and GRADUS_VERBOSE: one line an op or group.
std::string describe(const PlanGraph& graph);
std::string describe(const Plan& plan);

}  // namespace gradus::plan
