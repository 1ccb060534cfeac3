// The verifier of finished plans: what each step reads and writes, and when.
#include <algorithm>
#include <map>
#include <set>

#include "gradus/base/error.hpp"
#include "gradus/base/round_up.hpp"
#include "gradus/plan/verify.hpp"

namespace gradus::plan {

namespace {

class StepVerifier {
 public:
  StepVerifier(const Plan& plan, const Snapshot& snapshot)
      : plan_(plan), snapshot_(snapshot), written_(plan.storages.size(), kNever), last_read_(plan.storages.size(), kNever) {}

  void run() {
    for (const Storage& storage : plan_.storages) check_storage(storage);
    for (size_t at = 0; at < plan_.steps.size(); ++at) check_step(static_cast<int>(at));
    check_donated();
    check_arena();
    check_published();
  }

 private:
  using Kind = Storage::Kind;
  static constexpr int kNever = -1;
  template <class... T>
  void require(bool is_true, const T&... text) const {
    if (!is_true) fail_bug("plan: ", text...);
  }
  static int64_t rounded(int64_t bytes) { return round_up(std::max<int64_t>(bytes, 1)); }
  static uint64_t key(Source source) { return uint64_t{source.node} << 32 | source.index; }
  bool is_given(int storage) const { return plan_.storages[storage].kind == Kind::leaf || plan_.storages[storage].kind == Kind::scalar; }

  void check_storage(const Storage& storage) const {
    if (storage.kind == Kind::arena) {
      require(storage.offset >= 0 && storage.offset % 64 == 0 && storage.offset + storage.bytes <= plan_.arena_bytes,
              "a value lies outside the arena");
    } else if (storage.kind != Kind::result) {
      require(storage.source.node < snapshot_.nodes.size() && snapshot_.is_leaf(storage.source.node), "data of node ", storage.source.node,
              ", which is no leaf");
      require(storage.kind == Kind::scalar || snapshot_.nodes[storage.source.node]->is_ready(storage.source.index),
              "data of a leaf that has none");
    }
  }

  std::span<const Operand> operands(const Step& step) const {
    return std::span(plan_.operands).subspan(step.first_operand, step.operand_count);
  }

  void check_step(int at) {
    const Step& step = plan_.steps[at];
    require(step.kernel != nullptr, "step ", at, " has no kernel");
    require(step.first_operand + step.operand_count <= plan_.operands.size(), "step ", at, " has operands that are not there");
    require(step.node < snapshot_.nodes.size(), "step ", at, " is of no node");
    for (const Operand& operand : operands(step)) {
      if (operand.is_output) continue;
      require(operand.storage >= 0, "step ", at, " reads nothing");
      require(is_given(operand.storage) || written_[operand.storage] != kNever, "step ", at, " reads what no step before it has written");
      if (!is_given(operand.storage)) {
        require(operand.byte_offset >= 0 && operand.byte_offset < rounded(plan_.storages[operand.storage].bytes), "step ", at,
                " reads beside a value");
      }
      last_read_[operand.storage] = at;
    }
    for (const Operand& operand : operands(step)) {
      if (!operand.is_output || operand.storage < 0) continue;
      const Storage& storage = plan_.storages[operand.storage];
      require(!is_given(operand.storage), "step ", at, " writes over data");
      require(written_[operand.storage] == kNever, "steps ", written_[operand.storage], " and ", at, " write the same value");
      require(operand.byte_offset == 0 && operand.size * operand.dtype.size() == storage.bytes, "step ", at, " writes ", operand.size,
              " elements of ", operand.dtype, " into ", storage.bytes, " bytes");
      written_[operand.storage] = at;
    }
  }

  // Writes over leaves come last, and nothing that comes with or after them can fail or reads what they replace.
  void check_donated() const {
    std::map<uint64_t, int> leaf;
    std::set<uint64_t> taken;
    int first_update = static_cast<int>(plan_.steps.size());
    for (size_t at = 0; at < plan_.storages.size(); ++at) {
      if (plan_.storages[at].kind == Kind::leaf) leaf[key(plan_.storages[at].source)] = static_cast<int>(at);
    }
    for (size_t at = 0; at < plan_.storages.size(); ++at) {
      const Storage& storage = plan_.storages[at];
      if (storage.kind != Kind::donated) continue;
      require(snapshot_.is_donated[snapshot_.first_value[storage.source.node] + storage.source.index],
              "data that others hold is written over");
      require(taken.insert(key(storage.source)).second, "two values are written over the same data");
      require(written_[at] != kNever, "no step writes the value over dying data");
      first_update = std::min(first_update, written_[at]);
      const auto old = leaf.find(key(storage.source));
      require(old == leaf.end() || last_read_[old->second] <= written_[at], "dying data is read by step ",
              old == leaf.end() ? 0 : last_read_[old->second], " after step ", written_[at], " has written over it");
    }
    for (size_t at = static_cast<size_t>(first_update); at < plan_.steps.size(); ++at) {
      require(plan_.steps[at].is_update && !plan_.steps[at].kernel->may_fail, "step ", at,
              " may fail, or is no update, after data was written over");
    }
    for (const Published& kept : plan_.published) {
      require(plan_.storages[kept.storage].kind != Kind::leaf || !taken.count(key(plan_.storages[kept.storage].source)),
              "kept data is written over");
    }
  }

  // Values that live at one time lie apart; a result may take the very place of an operand that dies in its step.
  void check_arena() const {
    std::vector<std::vector<int>> starting(plan_.steps.size()), ending(plan_.steps.size());
    for (size_t at = 0; at < plan_.storages.size(); ++at) {
      if (plan_.storages[at].kind != Kind::arena || written_[at] == kNever) continue;
      starting[static_cast<size_t>(written_[at])].push_back(static_cast<int>(at));
      ending[static_cast<size_t>(std::max(written_[at], last_read_[at]))].push_back(static_cast<int>(at));
    }
    std::map<int64_t, int> live;  // by offset
    const auto overlapping = [&](int64_t offset, int64_t bytes) {
      auto place = live.lower_bound(offset);
      if (place != live.begin() && std::prev(place)->first + rounded(plan_.storages[std::prev(place)->second].bytes) > offset) --place;
      return place != live.end() && place->first < offset + bytes ? place->second : kNever;
    };
    for (size_t step = 0; step < plan_.steps.size(); ++step) {
      std::vector<int> replaced;
      for (const int at : starting[step]) {
        const Storage& storage = plan_.storages[at];
        const int other = overlapping(storage.offset, rounded(storage.bytes));
        if (other != kNever) {
          const bool is_in_place = last_read_[other] == static_cast<int>(step) && written_[other] < static_cast<int>(step) &&
                                   plan_.storages[other].offset == storage.offset && plan_.storages[other].bytes == storage.bytes;
          require(is_in_place, "step ", step, " writes over a value that is still in use");
          live.erase(storage.offset);
          replaced.push_back(other);
        }
        live[storage.offset] = at;
      }
      const int64_t scratch = scratch_bytes_of(*plan_.steps[step].kernel, plan_.steps[step].is_packed);
      if (scratch) {
        require(plan_.steps[step].scratch_offset + scratch <= plan_.arena_bytes, "the scratch space of step ", step,
                " lies outside the arena");
        require(overlapping(plan_.steps[step].scratch_offset, scratch) == kNever, "the scratch space of step ", step, " lies over a value");
      }
      for (const int at : ending[step]) {
        if (std::find(replaced.begin(), replaced.end(), at) == replaced.end()) live.erase(plan_.storages[at].offset);
      }
    }
  }

  void check_published() const {
    std::set<uint64_t> published;
    for (const Published& kept : plan_.published) {
      const uint32_t node = kept.source.node;
      require(node < snapshot_.nodes.size() && kept.source.index < snapshot_.nodes[node]->output_count(),
              "a value of no node is published");
      require(snapshot_.is_kept[snapshot_.first_value[node] + kept.source.index], "a value that nobody keeps is published");
      require(published.insert(key(kept.source)).second, "a value is published twice");
      require(kept.storage >= 0 && plan_.storages[kept.storage].kind != Kind::arena, "a kept value lies in the arena");
      require(is_given(kept.storage) || written_[kept.storage] != kNever, "a kept value is never written");
      const Aval& aval = snapshot_.nodes[node]->output(kept.source.index).aval;
      require(static_cast<int64_t>(kept.strides.size()) == aval.shape.rank(), "a kept value of shape ", aval.shape, " has ",
              kept.strides.size(), " strides");
      if (is_given(kept.storage) || aval.shape.size() == 0) continue;
      int64_t first = kept.offset, last = kept.offset;
      for (int64_t axis = 0; axis < aval.shape.rank(); ++axis) {
        const int64_t way = (aval.shape[axis] - 1) * kept.strides[static_cast<size_t>(axis)];
        (way < 0 ? first : last) += way;
      }
      require(first >= 0 && (last + 1) * aval.dtype.size() <= plan_.storages[kept.storage].bytes, "a kept value leaves its memory");
    }
    const auto kept = std::count(snapshot_.is_kept.begin(), snapshot_.is_kept.end(), 1);
    require(static_cast<int64_t>(published.size()) == kept, kept, " values are kept, ", published.size(), " are published");
  }

  const Plan& plan_;
  const Snapshot& snapshot_;
  std::vector<int> written_, last_read_;  // steps, of each storage
};

}  // namespace

void verify(const Plan& plan, const Snapshot& snapshot) { StepVerifier(plan, snapshot).run(); }

}  // namespace gradus::plan
