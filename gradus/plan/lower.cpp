// From what a graph runs to steps: order, shared loops, memory.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "gradus/base/error.hpp"
#include "gradus/plan/arena.hpp"
#include "gradus/plan/counters_internal.hpp"
#include "gradus/plan/item.hpp"
#include "gradus/plan/order.hpp"
#include "gradus/plan/plan.hpp"
#include "gradus/plan/settings.hpp"
#include "gradus/plan/verify.hpp"

namespace gradus::plan {

namespace {

class Lowering {
 public:
  Lowering(PlanGraph graph, const Snapshot& snapshot) : graph_(std::move(graph)), snapshot_(snapshot), made_(make_items(graph_)) {}

  PlanPtr run() {
    plan_.memory = graph_.backend->memory();
    plan_.products = made_.products;
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

  std::vector<int> bases_read_by(const Item& item) const {
    std::vector<int> bases;
    for (const int read : item.reads) bases.push_back(base(read));
    std::sort(bases.begin(), bases.end());
    bases.erase(std::unique(bases.begin(), bases.end()), bases.end());
    return bases;
  }
  std::vector<int> readers_of_bases() const {
    std::vector<int> readers(graph_.values.size(), 0);
    for (const Item& item : made_.items) {
      for (const int read : bases_read_by(item)) ++readers[read];
    }
    return readers;
  }
  // The value of which an item changes a part if it may write over it; -1: none.
  int updated_by(const Item& item) const {
    if (!item.kernel || item.kernel->partial.in_place < 0 || item.over[0].empty()) return -1;
    return item.over[0][0];
  }

  // A topological order: ready items by their last op. An update of a part of a value goes after the value's other readers, where they are
  // ready: in place, many of them cost no more than their parts.
  void order_items() {
    waits_ = Waits(made_.items.size());
    for (size_t item = 0; item < made_.items.size(); ++item) {
      for (const int read : made_.items[item].reads) {
        for (const int made : {read, base(read)}) {
          if (const int producer = value(made).producer; producer >= 0) waits_.add(made_.of_op[producer], static_cast<int>(item));
        }
      }
    }
    ReadyQueue ready;
    std::set<Ready> put_off;  // updates that would overwrite what others have yet to read
    std::vector<int> unread = readers_of_bases();
    std::unordered_map<int, Ready> waiting_for;  // a base -> the update put off for it
    const auto enter = [&](int item) {
      const Ready entry{made_.items[item].ops.back(), item};
      const int over = updated_by(made_.items[item]);
      if (over < 0 || unread[over] <= 1) return ready.push(entry);
      put_off.insert(entry);
      waiting_for[over] = entry;
    };
    waits_.start(enter);
    while (!ready.empty() || !put_off.empty()) {
      if (ready.empty()) {
        ready.push(*put_off.begin());
        put_off.erase(put_off.begin());
      }
      const int item = ready.top().second;
      ready.pop();
      order_.push_back(item);
      for (const int read : bases_read_by(made_.items[item])) {
        if (--unread[read] != 1) continue;
        const auto waiting = waiting_for.find(read);
        if (waiting != waiting_for.end() && put_off.erase(waiting->second)) ready.push(waiting->second);
      }
      waits_.pass(item, enter);
    }
    if (order_.size() != made_.items.size()) fail_bug("the plan's order has a cycle");
  }

  // Writes over donated leaves come last, after everything that can fail.
  void choose_updates() {
    donated_to_.assign(graph_.values.size(), -1);
    std::vector<uint8_t> is_claimed(graph_.values.size(), 0);
    for (const int at : order_) {
      Item& item = made_.items[at];
      for (size_t k = 0; k < item.writes.size(); ++k) {
        if (!made_.is_base_kept[item.writes[k]]) continue;
        for (const int over : item.over[k]) {
          const PlanValue& leaf = value(over);
          if (leaf.kind != PlanValue::Kind::leaf || !leaf.is_donated || made_.is_base_kept[over] || is_claimed[over]) continue;
          is_claimed[over] = 1;
          item.is_update = true;
          donated_to_[item.writes[k]] = over;
          break;
        }
      }
    }
    bool is_safe = true;
    for (const int at : order_) {
      if (!made_.items[at].is_update) continue;
      is_safe &= !made_.items[at].kernel || !made_.items[at].kernel->may_fail;
      for (const int follower : waits_.followers(at)) made_.items[follower].is_update = true;
    }
    if (!is_safe) {
      donated_to_.assign(graph_.values.size(), -1);
      for (Item& item : made_.items) item.is_update = false;
    }
    std::stable_partition(order_.begin(), order_.end(), [&](int at) { return !made_.items[at].is_update; });
    find_last_uses();
    for (size_t position = 0; position < order_.size(); ++position) {
      for (const int write : made_.items[order_[position]].writes) {
        const int leaf = donated_to_[write];
        if (leaf >= 0 && last_use_[leaf] != static_cast<int>(position)) donated_to_[write] = -1;
      }
    }
  }
  void find_last_uses() {
    last_use_.assign(graph_.values.size(), -1);
    for (size_t position = 0; position < order_.size(); ++position) {
      const Item& item = made_.items[order_[position]];
      if (!item.kernel) continue;
      for (const int read : item.reads) last_use_[base(read)] = static_cast<int>(position);
      for (const int write : item.writes) last_use_[write] = std::max(last_use_[write], static_cast<int>(position));
    }
  }

  // Neighbours that are one loop each and need nothing of one another become one loop: weight gradients, updates of parameters.
  void bundle_items() {
    if (is_op_by_op() || is_check_nan() || !graph_.backend->limits().has_bundles) return;
    std::vector<int> order;
    for (size_t begin = 0; begin < order_.size();) {
      size_t end = begin + 1;
      Bundle bundle;
      if (enters(bundle, made_.items[order_[begin]])) {
        while (end < order_.size() && enters(bundle, made_.items[order_[end]])) ++end;
      }
      if (bundle.loops > 1) {
        order.push_back(order_[begin]);
        made_.items[order_[begin]] = bundled(std::span(order_).subspan(begin, end - begin), bundle);
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
    const backend::Kernel* loop = item.kernel.get();
    if (!loop || loop->loop_chunks == 0 || loop->may_fail ||
        (bundle.members > 0 && (item.is_update != bundle.is_update || bundle.scratch + loop->loop_shared_bytes > most_scratch)))
      return false;
    for (const int read : item.reads) {
      if (bundle.written.count(base(read))) return false;
    }
    for (const int write : item.writes) {
      // (That a later item reads what an earlier one writes over cannot be: see choose_updates.)
      if (donated_to_[write] >= 0 && bundle.readers.count(donated_to_[write])) return false;
    }
    for (const int read : bases_read_by(item)) ++bundle.readers[read];
    bundle.written.insert(item.writes.begin(), item.writes.end());
    bundle.scratch += loop->loop_shared_bytes;
    bundle.is_update = item.is_update;
    ++bundle.members;
    bundle.loops += loop->loop_chunks > 1;
    return true;
  }
  Item bundled(std::span<const int> members, const Bundle& bundle) {
    Item all;
    std::vector<backend::BundledLoop> loops;
    for (const int at : members) {
      Item& item = made_.items[at];
      loops.push_back({item.kernel, static_cast<int64_t>(item.reads.size() + item.writes.size())});
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
    all.kernel = graph_.backend->prepare_bundle(loops);
    return all;
  }

  void place() {
    storage_.assign(graph_.values.size(), -1);
    std::vector<uint8_t> is_taken_over(graph_.values.size(), 0);
    Arena arena;
    for (size_t position = 0; position < order_.size(); ++position) {
      Item& item = made_.items[order_[position]];
      if (!item.kernel) continue;
      for (const int read : item.reads) leaf_storage(base(read));
      for (size_t k = 0; k < item.writes.size(); ++k) {
        const int write = item.writes[k];
        if (!made_.is_stored[write]) continue;
        const int64_t bytes = value(write).layout.bytes();
        Storage storage{.bytes = bytes};
        if (donated_to_[write] >= 0) {
          storage.kind = Storage::Kind::donated;
          storage.source = source_of(value(donated_to_[write]).source);
          ++plan_.in_place;
        } else if (made_.is_base_kept[write]) {
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
      plan_.storages.push_back(
          {.kind = leaf.kind == PlanValue::Kind::scalar ? Storage::Kind::scalar : Storage::Kind::leaf, .source = source_of(leaf.source)});
    }
    return storage_[id];
  }

  void emit() {
    for (const int at : order_) {
      const Item& item = made_.items[at];
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
        plan_.operands.push_back({made_.is_stored[id] ? storage_[id] : -1, 0, value(id).layout.dtype, value(id).layout.size(), true});
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
    const backend::PartialBytes& partial = item.kernel->partial;
    if (partial.in_place >= 0 && lies_over(item.writes[0], base(item.reads[0]))) return partial.in_place;
    int64_t bytes = 0;
    for (const int read : item.reads) bytes += value(read).layout.bytes();
    if (partial.first_input >= 0) bytes += std::min<int64_t>(0, partial.first_input - value(item.reads[0]).layout.bytes());
    for (const int write : item.writes) bytes += made_.is_stored[write] ? value(write).layout.bytes() : 0;
    return bytes;
  }
  bool lies_over(int write, int read) const {
    if (storage_[write] < 0) return false;
    const Storage& storage = plan_.storages[storage_[write]];
    if (storage.kind == Storage::Kind::donated) return donated_to_[write] == read;
    const Storage& other = plan_.storages[storage_[read]];
    return storage.kind == Storage::Kind::arena && other.kind == Storage::Kind::arena && storage.offset == other.offset;
  }

  // Whether the kernel would pack inputs, and these are data that this run leaves alone and the next one finds again.
  bool stays_the_same(const Item& item) const {
    if (!item.kernel->packing) return false;
    const std::vector<backend::PackedInput>& inputs = item.kernel->packing->inputs;
    return std::all_of(inputs.begin(), inputs.end(), [&](const backend::PackedInput& each) {
      const PlanValue& input = value(base(item.reads[each.input]));
      return input.kind == PlanValue::Kind::leaf && !input.is_donated && !input.is_moving;
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
  Items made_;
  Plan plan_;
  Waits waits_;
  std::vector<int> order_, donated_to_, last_use_, storage_;
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
  if (report) note("absorbed: bias, relu and rounding on what makes their operand", describe(graph));
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
