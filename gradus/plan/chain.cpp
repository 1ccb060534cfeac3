// Chains: what is done example by example (convolutions, pooling, products on rows, element-wise groups) and feeds each other shares one
// loop over blocks of examples. Threads meet once instead of once a step, and what lies between two steps stays in a thread's cache.
// Kernels may choose another order of sums for fewer examples, so the bits may change (docs/plan.md); blocks follow from shapes alone.
#include <algorithm>

#include "gradus/graph/leaf.hpp"
#include "gradus/plan/ir.hpp"
#include "gradus/plan/order.hpp"

namespace gradus::plan {

namespace {

constexpr int64_t kBlockBytes =
    int64_t{384} << 10;  // that a link reads and writes of a block: what an outer cache of a core holds beside weights
constexpr int64_t kMostBlocks = 16;                  // where the cache does not ask for more
constexpr double kLeastBlockTime = 25;               // microseconds
constexpr size_t kLookAhead = 24;                    // steps that may lie between two links
// Weights are read once a block: they have to be small, or used for many rows.
constexpr int64_t kSmallWeights = int64_t{32} << 10, kLargeWeights = int64_t{1} << 20, kLeastRows = 64;

// What a core does in a microsecond, about: multiply-adds, bytes.
constexpr double kProducts = 4e4, kBytes = 8e3;

// The inputs of an op of which it reads examples, as bits.
uint32_t examples_of(const PlanGraph& graph, const PlanOp& op) {
  std::vector<Layout> inputs;
  for (const int input : op.inputs) inputs.push_back(graph.values[input].layout);
  return graph.entry_of(op).by_example(inputs);
}
bool has_examples(uint32_t examples, size_t input) { return examples >> std::min<size_t>(input, 31) & 1; }

// A step to be: an op or a group.
struct Unit {
  std::vector<int> ops{};
  std::vector<int> reads{}, writes{};  // values
  int64_t batch = 0;                   // 0: it is not done by example
  int64_t bytes = 0;                   // read and written of an example
  int64_t weights = 0, rows = 0;       // bytes that are read as a whole; rows of a product that an example has
  double time = 0;                     // of an example, in microseconds, about
};

class Chainer {
 public:
  explicit Chainer(PlanGraph& graph) : graph_(graph), limits_(graph.backend->limits()), unit_of_op_(graph.ops.size(), -1) {}

  void run() {
    make_units();
    if (std::none_of(units_.begin(), units_.end(), [&](const Unit& unit) { return unit.batch > 0 && is_kernel(unit); })) return;
    order_units();
    is_linked_.assign(units_.size(), 0);
    is_behind_.assign(units_.size(), -1);
    for (size_t at = 0; at < order_.size();) at = chain_from(at);
  }

 private:
  const PlanValue& value(int id) const { return graph_.values[id]; }
  bool is_kernel(const Unit& unit) const { return graph_.ops[unit.ops[0]].group < 0; }
  int64_t rows_of(int id, int64_t batch) const {
    const Layout& layout = value(id).layout;
    return layout.size() / batch / std::max<int64_t>(1, layout.shape[layout.rank() - 1]);
  }

  void make_units() {
    std::vector<int> unit_of_group(graph_.groups.size(), -1);
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      ++graph_.visits;
      const PlanOp& op = graph_.ops[at];
      if (op.is_dead || op.is_inlined) continue;
      int& unit = op.group >= 0 ? unit_of_group[op.group] : unit_of_op_[at];
      if (unit < 0) {
        unit = static_cast<int>(units_.size());
        units_.emplace_back().ops = graph_.with(static_cast<int>(at));
      }
      unit_of_op_[at] = unit;
    }
    for (Unit& unit : units_) describe(unit);
  }

  void describe(Unit& unit) {
    const int first = unit.ops[0];
    const int own = unit_of_op_[first];
    for (const int at : unit.ops) {
      for (const int input : graph_.ops[at].inputs) {
        const PlanValue& v = value(input);
        const bool is_own = v.base == input && v.producer >= 0 && unit_of_op_[v.producer] == own;
        if (!is_own && std::find(unit.reads.begin(), unit.reads.end(), input) == unit.reads.end()) unit.reads.push_back(input);
      }
      for (const int output : graph_.ops[at].outputs) unit.writes.push_back(output);
    }
    const Shape& shape = value(unit.writes[0]).layout.shape;
    const int64_t batch = shape.rank() > 0 ? shape[0] : 0;
    if (batch < 2 || shape.size() == 0 || !is_by_example(unit, batch)) return;
    unit.batch = batch;
    for (const int read : unit.reads) {
      const int64_t bytes = value(read).layout.bytes();
      if (reads_by_example(graph_, first, read, batch)) unit.bytes += bytes / batch;
      else unit.weights += bytes;
    }
    const PlanOp& op = graph_.ops[first];
    unit.bytes += value(unit.writes[0]).layout.bytes() / batch;  // of a group about one of its values
    unit.time = static_cast<double>(unit.bytes) / kBytes;
    if (!is_kernel(unit) || unit.weights == 0) return;
    // Each row of a product meets each weight once.
    unit.rows = std::max<int64_t>(1, std::min(rows_of(op.inputs[0], batch), rows_of(op.outputs[0], batch)));
    unit.time += static_cast<double>(unit.rows) * static_cast<double>(value(op.inputs[1]).layout.size()) / kProducts;
  }

  bool is_by_example(const Unit& unit, int64_t batch) const {
    const PlanOp& op = graph_.ops[unit.ops[0]];
    const auto is_donated = [&](int read) {
      return value(value(read).base).is_donated;
    };  // what may be written in place has a step of its own
    if (std::any_of(unit.reads.begin(), unit.reads.end(), is_donated)) return false;
    if (op.group >= 0) return true;
    if (op.op == &barrier_op || !graph_.entry_of(op).by_example) return false;
    const uint32_t examples = examples_of(graph_, op);
    for (size_t i = 0; i < op.inputs.size(); ++i) {
      if (has_examples(examples, i) && !reads_by_example(graph_, unit.ops[0], op.inputs[i], batch)) return false;
    }
    return examples != 0 &&
           std::all_of(op.outputs.begin(), op.outputs.end(), [&](int output) { return value(output).layout.shape[0] == batch; });
  }

  // The units that make what `unit` reads.
  template <class Visit>
  void for_sources(const Unit& unit, const Visit& visit) const {
    for (const int read : unit.reads) {
      for (const int made : {read, value(read).base}) {
        if (const int producer = value(made).producer; producer >= 0 && unit_of_op_[producer] >= 0) visit(read, unit_of_op_[producer]);
      }
    }
  }

  void order_units() {
    Waits waits(units_.size());
    for (size_t at = 0; at < units_.size(); ++at) {
      for_sources(units_[at], [&](int, int source) { waits.add(source, static_cast<int>(at)); });
    }
    ReadyQueue ready;
    const auto enter = [&](int unit) { ready.push({units_[unit].ops.back(), unit}); };
    waits.start(enter);
    while (!ready.empty()) {
      const int unit = ready.top().second;
      ready.pop();
      order_.push_back(unit);
      waits.pass(unit, enter);
    }
  }

  // A computed value that a link may read of another in the same block: as it is, or with other axes behind the first.
  bool is_plain(int id, int64_t batch) const {
    const PlanValue &v = value(id), &base = value(v.base);
    return v.layout.shape.rank() > 0 && v.layout.shape[0] == batch && base.layout.shape.rank() > 0 && base.layout.shape[0] == batch &&
           v.layout.is_contiguous() && v.layout.size() == base.layout.size();
  }

  enum class Fit { link, behind, apart };

  // Whether `unit` may be the next link. Behind: it reads what the chain makes, in another way or through other steps.
  Fit fit_of(const Unit& unit, int64_t batch) const {
    bool reads_block = false, is_behind = false;
    for_sources(unit, [&](int read, int source) {
      if (is_behind_[source] == stamp_) is_behind = true;
      if (is_linked_[source] != stamp_) return;
      if (unit.batch == batch && reads_by_example(graph_, unit.ops[0], read, batch) && is_plain(read, batch)) reads_block = true;
      else is_behind = true;
    });
    if (is_behind) return Fit::behind;
    return reads_block ? Fit::link : Fit::apart;
  }

  // Examples in a block of these links; 0: they do not serve as a chain.
  int64_t block_of(const std::vector<int>& links) const {
    int64_t bytes = 1;
    double time = 0;
    for (const int at : links) {
      bytes = std::max(bytes, units_[at].bytes);
      time += units_[at].time;
    }
    const int64_t batch = units_[links[0]].batch;
    const auto blocks =
        static_cast<int64_t>(std::clamp(time * static_cast<double>(batch) / kLeastBlockTime, 1.0, static_cast<double>(kMostBlocks)));
    const int64_t block = std::clamp<int64_t>(std::min(kBlockBytes / bytes, (batch + blocks - 1) / blocks), 1, batch);
    if (block == batch) return 0;
    const auto is_too_large = [&](int at) {
      const Unit& unit = units_[at];
      return unit.weights > kSmallWeights && (unit.weights > kLargeWeights || unit.rows * block < kLeastRows);
    };
    return std::any_of(links.begin(), links.end(), is_too_large) ? 0 : block;
  }

  size_t pointers_of(const std::vector<int>& links) const {
    size_t count = 0;
    for (const int at : links) count += units_[at].reads.size() + units_[at].writes.size();
    return count;
  }

  // Makes a chain that begins at this place of the order if one pays; returns where to go on. Chains lie one behind the other, so that none
  // waits for another that waits for it.
  size_t chain_from(size_t begin) {
    const int first = order_[begin];
    const int64_t batch = units_[first].batch;
    if (batch == 0) return begin + 1;
    ++stamp_;
    is_linked_[first] = stamp_;
    std::vector<int> links{first};
    bool has_kernel = is_kernel(units_[first]);
    size_t last = begin;
    for (size_t at = begin + 1; at < order_.size() && at <= last + kLookAhead; ++at) {
      ++graph_.visits;
      const int unit = order_[at];
      Fit fit = fit_of(units_[unit], batch);
      if (fit == Fit::link) {
        links.push_back(unit);
        if (pointers_of(links) <= limits_.chain_pointers && block_of(links) > 0) {
          is_linked_[unit] = stamp_;
          has_kernel |= is_kernel(units_[unit]);
          last = at;
          continue;
        }
        links.pop_back();
        fit = Fit::behind;
      }
      if (fit == Fit::behind) is_behind_[unit] = stamp_;
    }
    if (links.size() == 1 || !has_kernel) return begin + 1;
    const int number = static_cast<int>(graph_.chains.size());
    Chain& chain = graph_.chains.emplace_back(Chain{{}, batch, block_of(links)});
    for (const int unit : links) {
      chain.links.push_back(units_[unit].ops[0]);
      for (const int at : units_[unit].ops) graph_.ops[at].chain = number;
    }
    return last + 1;
  }

  PlanGraph& graph_;
  const BackendLimits limits_;
  std::vector<Unit> units_;
  std::vector<int> unit_of_op_, order_;
  std::vector<int> is_linked_, is_behind_;  // stamps: of the chain that a unit is a link of, or waits for
  int stamp_ = 0;
};

}  // namespace

bool reads_by_example(const PlanGraph& graph, int at, int id, int64_t batch) {
  const PlanOp& op = graph.ops[at];
  const Layout& layout = graph.values[id].layout;
  if (layout.rank() == 0 || layout.shape[0] != batch) return false;
  if (op.group >= 0) return layout.rank() == graph.groups[op.group].shape.rank();
  const uint32_t examples = examples_of(graph, op);
  for (size_t i = 0; i < op.inputs.size(); ++i) {
    if (op.inputs[i] == id && !has_examples(examples, i)) return false;
  }
  return true;
}

void chain(PlanGraph& graph) {
  if (graph.backend->limits().chain_pointers > 0) Chainer(graph).run();
}

}  // namespace gradus::plan
