// From the planned graph to what runs: kernels of ops, groups and chains.
#include <algorithm>
#include <map>
#include <memory>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/plan/arena.hpp"
#include "gradus/plan/item.hpp"

namespace gradus::plan {

namespace {

class ItemMaker {
 public:
  explicit ItemMaker(PlanGraph& graph) : graph_(graph) {}

  Items run() {
    find_stored();
    make_items();
    return std::move(made_);
  }

 private:
  const PlanValue& value(int id) const { return graph_.values[id]; }
  int base(int id) const { return graph_.values[id].base; }

  // A value is stored if it is kept or read outside its group.
  void find_stored() {
    made_.is_stored.assign(graph_.values.size(), 0);
    made_.is_base_kept.assign(graph_.values.size(), 0);
    for (const PlanOp& op : graph_.ops) {
      if (op.is_dead || op.is_inlined) continue;
      for (const int input : op.inputs) {
        const PlanValue& v = value(input);
        if (op.group >= 0 && v.producer >= 0 && graph_.ops[v.producer].is_inlined) continue;
        const bool is_inside = v.kind == PlanValue::Kind::computed && op.group >= 0 && graph_.ops[v.producer].group == op.group;
        if (!is_inside) made_.is_stored[v.base] = 1;
      }
    }
    for (const PlanValue& v : graph_.values) {
      if (!v.is_kept) continue;
      made_.is_stored[v.base] = 1;
      made_.is_base_kept[v.base] = 1;
    }
    find_block_values();
  }

  // What only the chain reads that makes it lies in the memory of a block.
  void find_block_values() {
    is_of_block_.assign(graph_.values.size(), 0);
    for (const Chain& chain : graph_.chains) {
      const int number = graph_.ops[chain.links[0]].chain;
      for_chain(chain, [&](const PlanOp& op) {
        for (const int output : op.outputs) is_of_block_[output] = made_.is_stored[output] && !made_.is_base_kept[output] ? number + 1 : 0;
      });
    }
    for (const PlanOp& op : graph_.ops) {
      if (op.is_dead || op.is_inlined) continue;
      for (const int input : op.inputs) {
        if (is_of_block_[base(input)] != op.chain + 1) is_of_block_[base(input)] = 0;
      }
    }
  }
  template <class Visit>
  void for_chain(const Chain& chain, const Visit& visit) const {
    for (const int link : chain.links) {
      for (const int at : graph_.with(link)) visit(graph_.ops[at]);
    }
  }

  void make_items() {
    made_.of_op.assign(graph_.ops.size(), -1);
    std::vector<int> item_of_group(graph_.groups.size(), -1), item_of_chain(graph_.chains.size(), -1);
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      ++graph_.visits;
      const PlanOp& op = graph_.ops[at];
      if (op.chain >= 0) {
        int& item = item_of_chain[op.chain];
        if (item < 0) {
          item = static_cast<int>(made_.items.size());
          made_.items.push_back(chain_item(graph_.chains[op.chain]));
        }
        made_.of_op[at] = item;
      } else if (op.group >= 0) {
        int& item = item_of_group[op.group];
        if (item < 0) {
          item = static_cast<int>(made_.items.size());
          made_.items.push_back(group_item(graph_.groups[op.group]));
        }
        made_.of_op[at] = item;
      } else if (!op.is_dead && !op.is_inlined) {
        made_.of_op[at] = static_cast<int>(made_.items.size());
        made_.items.push_back(kernel_item(static_cast<int>(at)));
      }
    }
  }

  Item group_item(const Group& group) {
    GroupProgram program = make_program(graph_, group, made_.is_stored);
    Item item{.ops = group.ops, .reads = program.reads, .writes = program.writes};
    item.kernel = graph_.backend->prepare_program(program.spec);
    for (const int write : item.writes) {
      std::vector<int>& over = item.over.emplace_back();
      for (const int read : item.reads) {
        const PlanValue& in = value(read);
        const auto reads_of_base = std::count_if(item.reads.begin(), item.reads.end(), [&](int other) { return base(other) == in.base; });
        if (reads_of_base == 1 && in.kind != PlanValue::Kind::scalar && read == in.base && in.layout == value(write).layout)
          over.push_back(read);
      }
    }
    return item;
  }

  Item kernel_item(int at) {
    const PlanOp& op = graph_.ops[at];
    Item item{.ops = {at}, .reads = op.inputs, .writes = op.outputs};
    item.over.resize(item.writes.size());
    if (op.op == &barrier_op) {
      item.writes.clear();
      return item;
    }
    const std::vector<Layout> inputs = layouts_of(op.inputs), outputs = layouts_of(op.outputs);
    item.kernel = kernel_of(op, inputs, outputs);
    for (const KernelEntry::InPlace& pair : graph_.entry_of(op).in_place) {
      if (pair.output < 0) break;
      if (op.inputs[pair.input] == base(op.inputs[pair.input]) && inputs[pair.input] == outputs[pair.output]) {
        item.over[pair.output].push_back(op.inputs[pair.input]);
      }
    }
    count_products(op);
    return item;
  }
  void count_products(const PlanOp& op) { made_.products += op.op->work != nullptr; }

  std::vector<Layout> layouts_of(const std::vector<int>& values) const {
    std::vector<Layout> layouts;
    for (const int id : values) layouts.push_back(value(id).layout);
    return layouts;
  }

  backend::KernelPtr kernel_of(const PlanOp& op, std::span<const Layout> inputs, std::span<const Layout> outputs,
                               int64_t whole_batch = 0) const {
    std::unique_ptr<bool[]> needed(new bool[op.outputs.size()]);
    for (size_t i = 0; i < op.outputs.size(); ++i) {
      needed[i] = op.outputs.size() == 1 || made_.is_stored[op.outputs[i]];
      // Before the kernel is prepared, whose tables may be as long as an axis of it.
      if (needed[i]) refuse_above_limit(outputs[i].bytes(), concat("a result of ", op.op->name));
    }
    return graph_.entry_of(op).prepare(
        {*op.op, op.args, inputs, outputs, std::span<const bool>(needed.get(), op.outputs.size()), op.epilogue, whole_batch});
  }

  static Layout some(Layout layout, int64_t examples) {
    Dims sizes = layout.shape.dims();
    sizes[0] = examples;
    return {layout.dtype, Shape(sizes), layout.strides};
  }

  // An op's kernel on some examples.
  backend::KernelPtr link_kernel(int at, const Chain& chain, int64_t examples) const {
    const PlanOp& op = graph_.ops[at];
    std::vector<Layout> inputs = layouts_of(op.inputs), outputs = layouts_of(op.outputs);
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (reads_by_example(graph_, at, op.inputs[i], chain.batch)) inputs[i] = some(inputs[i], examples);
    }
    for (Layout& output : outputs) output = some(output, examples);
    return kernel_of(op, inputs, outputs, chain.batch);
  }

  // One link: its kernels, and what it reads and writes.
  struct Link {
    int at = 0;  // op
    backend::ChainLink kernels{};
    std::vector<int> reads{}, writes{};
  };
  Link make_link(int at, const Chain& chain) const {
    const PlanOp& op = graph_.ops[at];
    const int64_t rest = chain.batch % chain.block;
    if (op.group < 0) {
      const backend::KernelPtr whole = link_kernel(at, chain, chain.block);
      return {at, {whole, rest ? link_kernel(at, chain, rest) : nullptr, {}}, op.inputs, op.outputs};
    }
    GroupProgram program = make_program(graph_, graph_.groups[op.group], made_.is_stored);
    const auto kernel_for = [&](int64_t examples) {
      Dims sizes = program.spec.shape.dims();
      sizes[0] = examples;
      program.spec.shape = Shape(sizes);
      return graph_.backend->prepare_program(program.spec);
    };
    const backend::KernelPtr whole = kernel_for(chain.block);
    return {at, {whole, rest ? kernel_for(rest) : nullptr, {}}, program.reads, program.writes};
  }

  Item chain_item(const Chain& chain) {
    Item item;
    backend::ChainSpec spec{.batch = chain.batch, .block = chain.block};
    std::vector<Link> links;
    for (const int at : chain.links) links.push_back(make_link(at, chain));
    for_chain(chain, [&](const PlanOp& op) {
      if (op.group < 0) count_products(op);
    });
    for (const int at : chain.links) {
      const std::vector<int> ops = graph_.with(at);
      item.ops.insert(item.ops.end(), ops.begin(), ops.end());
    }
    std::sort(item.ops.begin(), item.ops.end());
    // Pointers of the run: what links read from outside, then what is stored.
    std::map<int, int> written;  // values -> place among the writes
    for (const Link& link : links) {
      for (const int write : link.writes) {
        if (is_of_block_[write] || !made_.is_stored[write]) continue;
        written[write] = static_cast<int>(item.writes.size());
        item.writes.push_back(write);
      }
    }
    const auto is_made = [&](int id) { return is_of_block_[base(id)] || written.count(base(id)); };
    for (const Link& link : links)
      std::copy_if(link.reads.begin(), link.reads.end(), std::back_inserter(item.reads), [&](int read) { return !is_made(read); });
    item.over.resize(item.writes.size());
    const std::map<int, int64_t> own = place_block(chain, links, spec.own_bytes);
    int next_read = 0;
    const auto operand_of = [&](int id, int at, bool is_write) -> backend::ChainOperand {
      const Layout& layout = value(id).layout;
      if (is_of_block_[base(id)]) return {.own = own.at(base(id))};
      if (is_write && !made_.is_stored[id]) return {};
      if (is_made(id)) return {static_cast<int>(item.reads.size()) + written.at(base(id)), layout.bytes() / chain.batch, -1};
      return {next_read++, reads_by_example(graph_, at, id, chain.batch) ? layout.strides[0] * layout.dtype.size() : 0, -1};
    };
    for (Link& link : links) {
      for (const int read : link.reads) link.kernels.operands.push_back(operand_of(read, link.at, false));
      for (const int write : link.writes) link.kernels.operands.push_back(operand_of(write, link.at, true));
      spec.links.push_back(std::move(link.kernels));
    }
    spec.pointers = item.reads.size() + item.writes.size();
    item.kernel = graph_.backend->prepare_chain(spec);
    return item;
  }

  // Places in a block's memory, used again after the last link that reads.
  std::map<int, int64_t> place_block(const Chain& chain, const std::vector<Link>& links, int64_t& bytes) const {
    std::map<int, size_t> last;
    for (size_t at = 0; at < links.size(); ++at) {
      for (const auto* values : {&links[at].reads, &links[at].writes}) {
        for (const int id : *values) last[base(id)] = at;
      }
    }
    const auto bytes_of = [&](int id) { return value(id).layout.bytes() / chain.batch * chain.block; };
    std::map<int, int64_t> own;
    Arena arena;
    for (size_t at = 0; at < links.size(); ++at) {
      for (const int write : links[at].writes) {
        if (is_of_block_[write]) own[write] = arena.take(bytes_of(write));
      }
      for (const auto& [id, end] : last) {
        if (end == at && own.count(id)) arena.give_back(own[id], bytes_of(id));
      }
    }
    bytes = arena.size();
    return own;
  }

  PlanGraph& graph_;
  Items made_;
  std::vector<int> is_of_block_;  // the number of the chain, from 1, in whose blocks a value lies; 0: in none
};

}  // namespace

Items make_items(PlanGraph& graph) { return ItemMaker(graph).run(); }

}  // namespace gradus::plan
