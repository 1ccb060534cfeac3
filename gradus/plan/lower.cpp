// From the planned graph to steps: order, kernels, memory.
#include <algorithm>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>

#include "gradus/array/buffer.hpp"
#include "gradus/base/error.hpp"
#include "gradus/cpu/chain.hpp"
#include "gradus/cpu/loop_kernel.hpp"
#include "gradus/cpu/partial_kernel.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/plan/arena.hpp"
#include "gradus/plan/counters_internal.hpp"
#include "gradus/plan/ir.hpp"
#include "gradus/plan/plan.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/plan/verify.hpp"

namespace gradus::plan {

namespace {

// One thing to run: a group or a single op.
struct Item {
  std::vector<int> ops{};
  std::vector<int> reads{}, writes{};  // values
  std::vector<std::pair<int, bool>> operands{};  // in the kernel's order, with whether it is written; empty: reads, then writes
  cpu::KernelPtr kernel{};             // null for a barrier
  std::vector<std::vector<int>> over{}; // for each write: the reads that it may lie over
  bool is_update = false;
  int bundled = 1;  // items in it
  int64_t scratch_offset = 0;
};

class Lowering {
 public:
  Lowering(PlanGraph graph, const Snapshot& snapshot) : graph_(std::move(graph)), snapshot_(snapshot) {}

  PlanPtr run() {
    find_stored();
    make_items();
    order_items();
    choose_updates();
    bundle_items();
    place();
    emit();
    publish();
    note_visits(graph_.visits);
    return std::make_shared<const Plan>(std::move(plan_));
  }

 private:
  const PlanValue& value(int id) const { return graph_.values[id]; }
  int base(int id) const { return graph_.values[id].base; }

  Source source_of(uint32_t value) const {
    const auto after = std::upper_bound(snapshot_.first_value.begin(), snapshot_.first_value.end(), value);
    const auto node = static_cast<uint32_t>(after - snapshot_.first_value.begin() - 1);
    return {node, value - snapshot_.first_value[node]};
  }

  // A value is stored if it is kept or read outside its group.
  void find_stored() {
    is_stored_.assign(graph_.values.size(), 0);
    is_base_kept_.assign(graph_.values.size(), 0);
    for (const PlanOp& op : graph_.ops) {
      if (op.is_dead || op.is_inlined) continue;
      for (const int input : op.inputs) {
        const PlanValue& v = value(input);
        if (op.group >= 0 && v.producer >= 0 && graph_.ops[v.producer].is_inlined) continue;
        const bool is_inside = v.kind == PlanValue::Kind::computed && op.group >= 0 && graph_.ops[v.producer].group == op.group;
        if (!is_inside) is_stored_[v.base] = 1;
      }
    }
    for (const PlanValue& v : graph_.values) {
      if (!v.is_kept) continue;
      is_stored_[v.base] = 1;
      is_base_kept_[v.base] = 1;
    }
    find_block_values();
  }

  // What only the chain reads that makes it lies in the memory of a block.
  void find_block_values() {
    is_of_block_.assign(graph_.values.size(), 0);
    for (const Chain& chain : graph_.chains) {
      const int number = graph_.ops[chain.links[0]].chain;
      for_chain(chain, [&](const PlanOp& op) {
        for (const int output : op.outputs) is_of_block_[output] = is_stored_[output] && !is_base_kept_[output] ? number + 1 : 0;
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
    item_of_op_.assign(graph_.ops.size(), -1);
    std::vector<int> item_of_group(graph_.groups.size(), -1), item_of_chain(graph_.chains.size(), -1);
    for (size_t at = 0; at < graph_.ops.size(); ++at) {
      ++graph_.visits;
      const PlanOp& op = graph_.ops[at];
      if (op.chain >= 0) {
        int& item = item_of_chain[op.chain];
        if (item < 0) {
          item = static_cast<int>(items_.size());
          items_.push_back(chain_item(graph_.chains[op.chain]));
        }
        item_of_op_[at] = item;
      } else if (op.group >= 0) {
        int& item = item_of_group[op.group];
        if (item < 0) {
          item = static_cast<int>(items_.size());
          items_.push_back(group_item(graph_.groups[op.group]));
        }
        item_of_op_[at] = item;
      } else if (!op.is_dead && !op.is_inlined) {
        item_of_op_[at] = static_cast<int>(items_.size());
        items_.push_back(kernel_item(static_cast<int>(at)));
      }
    }
  }

  Item group_item(const Group& group) {
    GroupProgram program = make_program(graph_, group, is_stored_);
    Item item{.ops = group.ops, .reads = program.reads, .writes = program.writes};
    item.kernel = cpu::prepare_program(program.spec);
    for (const int write : item.writes) {
      std::vector<int>& over = item.over.emplace_back();
      for (const int read : item.reads) {
        const PlanValue& in = value(read);
        const auto reads_of_base = std::count_if(item.reads.begin(), item.reads.end(), [&](int other) { return base(other) == in.base; });
        if (reads_of_base == 1 && in.kind != PlanValue::Kind::slot && read == in.base && in.layout == value(write).layout) over.push_back(read);
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
    if (!op.op->cpu.prepare) fail_bug(op.op->name, " has no kernel and no composition");
    const std::vector<Layout> inputs = layouts_of(op.inputs), outputs = layouts_of(op.outputs);
    item.kernel = kernel_of(op, inputs, outputs);
    for (const CpuEntry::InPlace& pair : op.op->cpu.in_place) {
      if (pair.output < 0) break;
      if (op.inputs[pair.input] == base(op.inputs[pair.input]) && inputs[pair.input] == outputs[pair.output]) {
        item.over[pair.output].push_back(op.inputs[pair.input]);
      }
    }
    count_products(op);
    return item;
  }
  void count_products(const PlanOp& op) { plan_.products += op.op->name == "matmul" || op.op->name.starts_with("conv"); }

  std::vector<Layout> layouts_of(const std::vector<int>& values) const {
    std::vector<Layout> layouts;
    for (const int id : values) layouts.push_back(value(id).layout);
    return layouts;
  }

  cpu::KernelPtr kernel_of(const PlanOp& op, std::span<const Layout> inputs, std::span<const Layout> outputs, int64_t whole_batch = 0) const {
    std::unique_ptr<bool[]> needed(new bool[op.outputs.size()]);
    for (size_t i = 0; i < op.outputs.size(); ++i) {
      needed[i] = op.outputs.size() == 1 || is_stored_[op.outputs[i]];
      // Before the kernel is prepared, whose tables may be as long as an axis of it.
      if (needed[i]) refuse_above_limit(outputs[i].bytes(), concat("a result of ", op.op->name));
    }
    return op.op->cpu.prepare({*op.op, op.args, inputs, outputs, std::span<const bool>(needed.get(), op.outputs.size()), op.epilogue, whole_batch});
  }

  static Layout some(Layout layout, int64_t examples) {
    Dims sizes = layout.shape.dims();
    sizes[0] = examples;
    return {layout.dtype, Shape(sizes), layout.strides};
  }

  // An op's kernel on some examples.
  cpu::KernelPtr link_kernel(int at, const Chain& chain, int64_t examples) const {
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
    cpu::ChainLink kernels{};
    std::vector<int> reads{}, writes{};
  };
  Link make_link(int at, const Chain& chain) const {
    const PlanOp& op = graph_.ops[at];
    const int64_t rest = chain.batch % chain.block;
    if (op.group < 0) {
      const cpu::KernelPtr whole = link_kernel(at, chain, chain.block);
      return {at, {whole, rest ? link_kernel(at, chain, rest) : nullptr, {}}, op.inputs, op.outputs};
    }
    GroupProgram program = make_program(graph_, graph_.groups[op.group], is_stored_);
    const auto kernel_for = [&](int64_t examples) {
      Dims sizes = program.spec.shape.dims();
      sizes[0] = examples;
      program.spec.shape = Shape(sizes);
      return cpu::prepare_program(program.spec);
    };
    const cpu::KernelPtr whole = kernel_for(chain.block);
    return {at, {whole, rest ? kernel_for(rest) : nullptr, {}}, program.reads, program.writes};
  }

  Item chain_item(const Chain& chain) {
    Item item;
    cpu::ChainSpec spec{.batch = chain.batch, .block = chain.block};
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
        if (is_of_block_[write] || !is_stored_[write]) continue;
        written[write] = static_cast<int>(item.writes.size());
        item.writes.push_back(write);
      }
    }
    const auto is_made = [&](int id) { return is_of_block_[base(id)] || written.count(base(id)); };
    for (const Link& link : links) std::copy_if(link.reads.begin(), link.reads.end(), std::back_inserter(item.reads), [&](int read) { return !is_made(read); });
    item.over.resize(item.writes.size());
    const std::map<int, int64_t> own = place_block(chain, links, spec.own_bytes);
    int next_read = 0;
    const auto operand_of = [&](int id, int at, bool is_write) -> cpu::ChainOperand {
      const Layout& layout = value(id).layout;
      if (is_of_block_[base(id)]) return {.own = own.at(base(id))};
      if (is_write && !is_stored_[id]) return {};
      if (is_made(id)) return {static_cast<int>(item.reads.size()) + written.at(base(id)), layout.bytes() / chain.batch, -1};
      return {next_read++, reads_by_example(graph_, at, id, chain.batch) ? layout.strides[0] * layout.dtype.size() : 0, -1};
    };
    for (Link& link : links) {
      for (const int read : link.reads) link.kernels.operands.push_back(operand_of(read, link.at, false));
      for (const int write : link.writes) link.kernels.operands.push_back(operand_of(write, link.at, true));
      spec.links.push_back(std::move(link.kernels));
    }
    spec.pointers = item.reads.size() + item.writes.size();
    item.kernel = cpu::prepare_chain(spec);
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

  std::vector<int> bases_read_by(const Item& item) const {
    std::vector<int> bases;
    for (const int read : item.reads) bases.push_back(base(read));
    std::sort(bases.begin(), bases.end());
    bases.erase(std::unique(bases.begin(), bases.end()), bases.end());
    return bases;
  }
  std::vector<int> readers_of_bases() const {
    std::vector<int> readers(graph_.values.size(), 0);
    for (const Item& item : items_) {
      for (const int read : bases_read_by(item)) ++readers[read];
    }
    return readers;
  }
  // The value of which an item changes a part if it may write over it; -1: none.
  int updated_by(const Item& item) const {
    const auto* partial = dynamic_cast<const cpu::PartialKernel*>(item.kernel.get());
    if (!partial || partial->bytes.in_place < 0 || item.over[0].empty()) return -1;
    return item.over[0][0];
  }

  // A topological order that stays near the order of recording: ready items by their last op. An update of a part of a value goes after the value's
  // other readers, where they are ready: in place, many of them cost no more than their parts.
  void order_items() {
    std::vector<int> waits(items_.size(), 0);
    std::vector<std::vector<int>> next(items_.size());
    for (size_t item = 0; item < items_.size(); ++item) {
      std::vector<int> sources;
      for (const int read : items_[item].reads) {
        if (value(read).producer >= 0) sources.push_back(item_of_op_[value(read).producer]);
        const int storage = base(read);
        if (value(storage).producer >= 0) sources.push_back(item_of_op_[value(storage).producer]);
      }
      std::sort(sources.begin(), sources.end());
      sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
      for (const int source : sources) {
        next[source].push_back(static_cast<int>(item));
        ++waits[item];
      }
    }
    using Entry = std::pair<int, int>;
    std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
    std::set<Entry> put_off;  // updates that would overwrite what others have yet to read
    std::vector<int> unread = readers_of_bases();
    std::unordered_map<int, Entry> waiting_for;  // a base -> the update put off for it
    const auto enter = [&](int item) {
      const Entry entry{items_[item].ops.back(), item};
      const int over = updated_by(items_[item]);
      if (over < 0 || unread[over] <= 1) return ready.push(entry);
      put_off.insert(entry);
      waiting_for[over] = entry;
    };
    for (size_t item = 0; item < items_.size(); ++item) {
      if (!waits[item]) enter(static_cast<int>(item));
    }
    while (!ready.empty() || !put_off.empty()) {
      if (ready.empty()) {
        ready.push(*put_off.begin());
        put_off.erase(put_off.begin());
      }
      const int item = ready.top().second;
      ready.pop();
      order_.push_back(item);
      for (const int read : bases_read_by(items_[item])) {
        if (--unread[read] != 1) continue;
        const auto waiting = waiting_for.find(read);
        if (waiting != waiting_for.end() && put_off.erase(waiting->second)) ready.push(waiting->second);
      }
      for (const int follower : next[item]) {
        if (--waits[follower] == 0) enter(follower);
      }
    }
    if (order_.size() != items_.size()) fail_bug("the plan's order has a cycle");
    followers_ = std::move(next);
  }

  // Writes over donated leaves come last, after everything that can fail.
  void choose_updates() {
    donated_to_.assign(graph_.values.size(), -1);
    std::vector<uint8_t> is_claimed(graph_.values.size(), 0);
    for (const int at : order_) {
      Item& item = items_[at];
      for (size_t k = 0; k < item.writes.size(); ++k) {
        if (!is_base_kept_[item.writes[k]]) continue;
        for (const int over : item.over[k]) {
          const PlanValue& leaf = value(over);
          if (leaf.kind != PlanValue::Kind::leaf || !leaf.is_donated || is_base_kept_[over] || is_claimed[over]) continue;
          is_claimed[over] = 1;
          item.is_update = true;
          donated_to_[item.writes[k]] = over;
          break;
        }
      }
    }
    bool is_safe = true;
    for (const int at : order_) {
      if (!items_[at].is_update) continue;
      is_safe &= !items_[at].kernel || !items_[at].kernel->may_fail;
      for (const int follower : followers_[at]) items_[follower].is_update = true;
    }
    if (!is_safe) {
      donated_to_.assign(graph_.values.size(), -1);
      for (Item& item : items_) item.is_update = false;
    }
    std::stable_partition(order_.begin(), order_.end(), [&](int at) { return !items_[at].is_update; });
    find_last_uses();
    for (size_t position = 0; position < order_.size(); ++position) {
      for (const int write : items_[order_[position]].writes) {
        const int leaf = donated_to_[write];
        if (leaf >= 0 && last_use_[leaf] != static_cast<int>(position)) donated_to_[write] = -1;
      }
    }
  }
  void find_last_uses() {
    last_use_.assign(graph_.values.size(), -1);
    for (size_t position = 0; position < order_.size(); ++position) {
      const Item& item = items_[order_[position]];
      if (!item.kernel) continue;
      for (const int read : item.reads) last_use_[base(read)] = static_cast<int>(position);
      for (const int write : item.writes) last_use_[write] = std::max(last_use_[write], static_cast<int>(position));
    }
  }

  // Neighbours that are one loop each and need nothing of one another become one loop: weight gradients, updates of parameters.
  void bundle_items() {
    if (is_op_by_op() || is_check_nan()) return;
    std::vector<int> order;
    for (size_t begin = 0; begin < order_.size();) {
      size_t end = begin + 1;
      Bundle bundle;
      if (enters(bundle, items_[order_[begin]])) {
        while (end < order_.size() && enters(bundle, items_[order_[end]])) ++end;
      }
      if (bundle.loops > 1) {
        order.push_back(order_[begin]);
        items_[order_[begin]] = bundled(std::span(order_).subspan(begin, end - begin), bundle);
      } else {
        order.insert(order.end(), order_.begin() + static_cast<std::ptrdiff_t>(begin), order_.begin() + static_cast<std::ptrdiff_t>(end));
      }
      begin = end;
    }
    order_ = std::move(order);
    find_last_uses();
  }

  struct Bundle {
    std::unordered_map<int, int> readers{};  // of bases: how many members read them
    std::set<int> written{};                 // values that members write
    int64_t scratch = 0;
    int members = 0, loops = 0;  // loops: members of several chunks
    bool is_update = false;
  };
  // Adds an item to the bundle if it may run beside the others.
  bool enters(Bundle& bundle, const Item& item) const {
    constexpr int64_t most_scratch = int64_t{64} << 20;
    const auto* loop = dynamic_cast<const cpu::LoopKernel*>(item.kernel.get());
    if (!loop || loop->may_fail || (bundle.members > 0 && (item.is_update != bundle.is_update || bundle.scratch + loop->shared_bytes() > most_scratch))) return false;
    for (const int read : item.reads) {
      if (bundle.written.count(base(read))) return false;
    }
    for (const int write : item.writes) {
      // (That a later item reads what an earlier one writes over cannot be: see choose_updates.)
      if (donated_to_[write] >= 0 && bundle.readers.count(donated_to_[write])) return false;
    }
    for (const int read : bases_read_by(item)) ++bundle.readers[read];
    bundle.written.insert(item.writes.begin(), item.writes.end());
    bundle.scratch += loop->shared_bytes();
    bundle.is_update = item.is_update;
    ++bundle.members;
    bundle.loops += loop->chunks() > 1;
    return true;
  }
  Item bundled(std::span<const int> members, const Bundle& bundle) {
    Item all;
    std::vector<cpu::BundledLoop> loops;
    for (const int at : members) {
      Item& item = items_[at];
      loops.push_back({std::static_pointer_cast<const cpu::LoopKernel>(item.kernel), static_cast<int64_t>(item.reads.size() + item.writes.size())});
      for (const int read : item.reads) all.operands.push_back({read, false});
      for (const int write : item.writes) all.operands.push_back({write, true});
      all.ops.insert(all.ops.end(), item.ops.begin(), item.ops.end());
      all.reads.insert(all.reads.end(), item.reads.begin(), item.reads.end());
      all.writes.insert(all.writes.end(), item.writes.begin(), item.writes.end());
      for (std::vector<int>& over : item.over) {
        std::erase_if(over, [&](int read) { return bundle.readers.at(base(read)) > 1; });
        all.over.push_back(std::move(over));
      }
    }
    all.is_update = bundle.is_update;
    all.bundled = bundle.members;
    all.kernel = cpu::prepare_bundle(std::move(loops));
    return all;
  }

  void place() {
    storage_.assign(graph_.values.size(), -1);
    std::vector<uint8_t> is_taken_over(graph_.values.size(), 0);
    Arena arena;
    for (size_t position = 0; position < order_.size(); ++position) {
      Item& item = items_[order_[position]];
      if (!item.kernel) continue;
      for (const int read : item.reads) leaf_storage(base(read));
      for (size_t k = 0; k < item.writes.size(); ++k) {
        const int write = item.writes[k];
        if (!is_stored_[write]) continue;
        const int64_t bytes = value(write).layout.bytes();
        Storage storage{.bytes = bytes};
        if (donated_to_[write] >= 0) {
          storage.kind = Storage::Kind::donated;
          storage.source = source_of(value(donated_to_[write]).source);
          ++plan_.in_place;
        } else if (is_base_kept_[write]) {
          storage.kind = Storage::Kind::result;
        } else {
          const auto can_take = [&](int over) {
            return last_use_[over] == static_cast<int>(position) && storage_[over] >= 0 && !is_taken_over[over] && !is_op_by_op() &&
                   plan_.storages[storage_[over]].kind == Storage::Kind::arena && plan_.storages[storage_[over]].bytes == bytes;
          };
          const auto over = std::find_if(item.over[k].begin(), item.over[k].end(), can_take);
          if (over != item.over[k].end()) {
            is_taken_over[*over] = 1;
            storage.offset = plan_.storages[storage_[*over]].offset;
          } else {
            storage.offset = arena.take(bytes);
          }
        }
        storage_[write] = static_cast<int>(plan_.storages.size());
        plan_.storages.push_back(storage);
      }
      place_scratch(item, arena);
      if (is_op_by_op()) continue;
      free_dead(item, static_cast<int>(position), arena, is_taken_over);
    }
    plan_.arena_bytes = arena.size();
  }

  // Scratch space lives for one step, beside all that this step reads and writes.
  void place_scratch(Item& item, Arena& arena) const {
    const int64_t bytes = scratch_bytes_of(*item.kernel, stays_the_same(item));
    if (!bytes) return;
    item.scratch_offset = arena.take(bytes);
    arena.give_back(item.scratch_offset, bytes);
  }

  void free_dead(const Item& item, int position, Arena& arena, std::vector<uint8_t>& is_freed) {
    const auto free_one = [&](int id) {
      if (last_use_[id] != position || storage_[id] < 0 || is_freed[id]) return;
      const Storage& storage = plan_.storages[storage_[id]];
      if (storage.kind != Storage::Kind::arena) return;
      is_freed[id] = 1;
      arena.give_back(storage.offset, storage.bytes);
    };
    for (const int read : item.reads) free_one(base(read));
    for (const int write : item.writes) free_one(write);
  }

  int leaf_storage(int id) {
    const PlanValue& leaf = value(id);
    if (storage_[id] < 0 && leaf.kind != PlanValue::Kind::computed) {
      storage_[id] = static_cast<int>(plan_.storages.size());
      plan_.storages.push_back({.kind = leaf.kind == PlanValue::Kind::slot ? Storage::Kind::slot : Storage::Kind::leaf, .source = source_of(leaf.source)});
    }
    return storage_[id];
  }

  void emit() {
    for (const int at : order_) {
      const Item& item = items_[at];
      if (!item.kernel) continue;
      Step step{.kernel = item.kernel,
                .first_operand = static_cast<uint32_t>(plan_.operands.size()),
                .node = graph_.ops[item.ops.back()].node,
                .is_update = item.is_update,
                .is_packed = stays_the_same(item),
                .scratch_offset = item.scratch_offset,
                .bundled = item.bundled};
      const auto read = [&](int id) {
        const PlanValue& v = value(id);
        plan_.operands.push_back({storage_[v.base], v.offset * v.layout.dtype.size(), v.layout.dtype, v.layout.size(), false});
      };
      const auto write = [&](int id) {
        plan_.operands.push_back({is_stored_[id] ? storage_[id] : -1, 0, value(id).layout.dtype, value(id).layout.size(), true});
      };
      for (const auto& [id, is_written] : item.operands) is_written ? write(id) : read(id);
      if (item.operands.empty()) {
        std::for_each(item.reads.begin(), item.reads.end(), read);
        std::for_each(item.writes.begin(), item.writes.end(), write);
      }
      plan_.bytes_moved += bytes_moved_by(item);
      step.operand_count = static_cast<uint32_t>(plan_.operands.size()) - step.first_operand;
      plan_.steps.push_back(std::move(step));
    }
    plan_.bytes_held = static_cast<int64_t>(sizeof(Plan) + plan_.steps.size() * 512 + plan_.operands.size() * sizeof(Operand) +
                                            plan_.storages.size() * sizeof(Storage));
  }

  int64_t bytes_moved_by(const Item& item) const {
    const auto* partial = dynamic_cast<const cpu::PartialKernel*>(item.kernel.get());
    if (partial && partial->bytes.in_place >= 0 && lies_over(item.writes[0], base(item.reads[0]))) return partial->bytes.in_place;
    int64_t bytes = 0;
    for (const int read : item.reads) bytes += value(read).layout.bytes();
    if (partial && partial->bytes.first_input >= 0) bytes += std::min<int64_t>(0, partial->bytes.first_input - value(item.reads[0]).layout.bytes());
    for (const int write : item.writes) bytes += is_stored_[write] ? value(write).layout.bytes() : 0;
    return bytes;
  }
  bool lies_over(int write, int read) const {
    if (storage_[write] < 0) return false;
    const Storage& storage = plan_.storages[storage_[write]];
    if (storage.kind == Storage::Kind::donated) return donated_to_[write] == read;
    const Storage& other = plan_.storages[storage_[read]];
    return storage.kind == Storage::Kind::arena && other.kind == Storage::Kind::arena && storage.offset == other.offset;
  }

  // Whether the kernel would pack inputs, and these are data that this run leaves alone.
  bool stays_the_same(const Item& item) const {
    if (!item.kernel->packing) return false;
    const std::vector<cpu::PackedInput>& inputs = item.kernel->packing->inputs;
    return std::all_of(inputs.begin(), inputs.end(), [&](const cpu::PackedInput& each) {
      const PlanValue& input = value(base(item.reads[each.input]));
      return input.kind == PlanValue::Kind::leaf && !input.is_donated;
    });
  }

  void publish() {
    for (uint32_t source = 0; source < snapshot_.is_kept.size(); ++source) {
      const int id = graph_.value_of_source[source];
      if (!snapshot_.is_kept[source] || id < 0) continue;
      const PlanValue& v = value(id);
      plan_.published.push_back({source_of(source), leaf_storage(v.base), v.layout.strides, v.offset});
    }
  }

  PlanGraph graph_;
  const Snapshot& snapshot_;
  Plan plan_;
  std::vector<uint8_t> is_stored_, is_base_kept_;
  std::vector<int> is_of_block_;  // the number of the chain, from 1, in whose blocks a value lies; 0: in none
  std::vector<Item> items_;
  std::vector<int> item_of_op_, order_, donated_to_, last_use_, storage_;
  std::vector<std::vector<int>> followers_;
};

}  // namespace

PlanPtr make_plan(const Snapshot& snapshot, std::string* report) {
  const auto note = [&](std::string_view title, const std::string& text) {
    if (report) *report += concat(title, "\n", text, "\n");
  };
  const bool plans = !is_op_by_op() && !is_check_nan();
  if (report) note("as recorded", describe(simplify(snapshot, false)));
  const auto check = [&](const PlanGraph& graph, std::string_view pass) {
    if (verifies_plans()) verify(graph, snapshot, pass);
  };
  PlanGraph graph = simplify(snapshot, plans);
  check(graph, "simplify");
  make_contiguous(graph);
  check(graph, "make_contiguous");
  if (report) note("simplified: equal ops merged, views as strides, copies where a kernel needs them", describe(graph));
  if (plans) sink(graph);
  check(graph, "sink");
  if (report) note("sunk: slopes of relu before maxima are put back", describe(graph));
  if (plans) absorb(graph);
  check(graph, "absorb");
  if (report) note("absorbed: bias and relu on the products that make their operand", describe(graph));
  fuse(graph, plans);
  check(graph, "fuse");
  if (report) note("fused: chains of element-wise ops in one pass over memory", describe(graph));
  if (plans) chain(graph);
  check(graph, "chain");
  if (report) note("chained: steps that are done example by example share a loop over blocks of examples", describe(graph));
  PlanPtr plan = Lowering(std::move(graph), snapshot).run();
  if (verifies_plans()) verify(*plan, snapshot);
  if (report) note("lowered and placed", describe(*plan));
  return plan;
}

}  // namespace gradus::plan
