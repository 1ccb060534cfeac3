// Places of carries, elements and stacked results, decided once a loop.
#include "gradus/transform/loop_run.hpp"

#include <algorithm>
#include <cstring>

#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::core {

LoopRun::LoopRun(const Subgraph& body, std::span<const uint8_t> needed, std::vector<Array> arguments, LoopForm form)
    : graph_(body, needed), avals_(output_avals(body)), needed_(needed.begin(), needed.end()), given_(std::move(arguments)), form_(form) {}

std::unique_ptr<LoopRun> LoopRun::make(const Subgraph& body, std::span<const uint8_t> needed, std::vector<Array> arguments, LoopForm form,
                                       int64_t first) {
  std::unique_ptr<LoopRun> run(new LoopRun(body, needed, std::move(arguments), form));
  run->find_homes();
  run->find_elements();
  run->place_first(first);
  if (!run->prepare_body()) return nullptr;
  run->find_takes();
  run->find_copies();
  return run;
}

void LoopRun::find_homes() {
  carries_.resize(form_.carries);
  stacks_.resize(avals_.size());
  for (size_t k = form_.carries; k < avals_.size(); ++k) {
    if (!needed_[k]) continue;
    Stack& stack = stacks_[k];
    stack.aval = with_axis(avals_[k], form_.length);
    stack.bytes = avals_[k].shape.size() * avals_[k].dtype.size();
    stack.buffer = allocate(stack.bytes * form_.length, "the results of scan");
    for (size_t i = 0; i < form_.carries; ++i) {
      if (!needed_[i]) continue;
      Carry& carry = carries_[i];
      const bool is_before = graph_.place(k) == PreparedGraph::Place{Source::parameter, i};
      const bool is_after = graph_.place(k).source == Source::result && graph_.place(k) == graph_.place(i);
      if ((is_before && carry.home != Home::before) || (is_after && carry.home == Home::none)) {
        carry.home = is_before ? Home::before : Home::after;
        carry.stack = k;
      }
    }
  }
}

void LoopRun::find_elements() {
  for (size_t j = 0; j < form_.xs; ++j) {
    Array& xs = given_[form_.carries + j];
    const Value& whole = value_of(xs);
    const int64_t size = xs.dtype().size();
    Dims sizes = xs.shape().dims(), strides = whole.strides;
    sizes.erase(0);
    strides.erase(0);
    const Shape shape(sizes);
    elements_.push_back({whole.buffer->data() + whole.offset * size, whole.strides[0] * size, is_contiguous(shape, strides)});
    xs = make_leaf(Value{whole.buffer, strides, whole.offset}, Aval{xs.dtype(), shape, false});
  }
}

void LoopRun::place_first(int64_t t) {
  for (size_t i = 0; i < form_.carries; ++i) {
    Carry& carry = carries_[i];
    const Array& first = given_[i];
    carry.bytes = first.size() * first.dtype().size();
    if (!needed_[i]) {
      own_.push_back(first);
      continue;
    }
    carry.now = buffers_.size();
    buffers_.push_back(allocate(carry.bytes, "a carry of a loop"));
    const bool is_stacked = carry.home == Home::before;
    copy_elements(first, first.dtype(), is_stacked ? slot(carry.stack, t) : buffers_.back()->data());
    own_.push_back(make_leaf(buffers_.back(), first.dtype(), first.shape()));
  }
}

bool LoopRun::prepare_body() {
  const size_t count = given_.size();
  std::vector<Reuse> reuse(count, Reuse::fixed);
  for (size_t i = 0; i < form_.carries; ++i) reuse[i] = is_homeless(i) ? Reuse::dying : Reuse::moving;
  std::fill_n(reuse.begin() + static_cast<std::ptrdiff_t>(form_.carries), form_.xs, Reuse::moving);
  for (size_t k = 0; k < avals_.size(); ++k) {  // what goes on as it is must stay
    const PreparedGraph::Place& place = graph_.place(k);
    if (place.source == Source::parameter && place.index < form_.carries) reuse[place.index] = Reuse::moving;
  }
  std::vector<Array> arguments = own_;
  append(arguments, std::span<const Array>(given_).subspan(form_.carries));
  arguments_.assign(count, nullptr);
  for (size_t i = 0; i < form_.carries; ++i) {
    if (!needed_[i]) continue;
    arguments_[i] = buffers_[carries_[i].now]->data();
  }
  targets_.assign(form_.carries, nullptr);
  if (!graph_.computed()) return true;
  results_.assign(graph_.computed()->outputs().size(), nullptr);
  body_ = LoopBody::make(graph_.computed(), std::move(arguments), reuse);
  return body_ != nullptr;
}

void LoopRun::find_takes() {
  owners_.assign(results_.size(), avals_.size());
  for (size_t k = avals_.size(); k-- > 0;) {
    if (graph_.place(k).source == Source::result) owners_[graph_.place(k).index] = k;
  }
  std::vector<uint8_t> is_taken(form_.carries, 0);
  for (size_t i = 0; i < form_.carries; ++i) {
    if (!is_homeless(i)) continue;
    const PreparedGraph::Place& place = graph_.place(i);
    int from = -1;
    if (place.source == Source::parameter && place.index < form_.carries && is_homeless(place.index)) from = static_cast<int>(place.index);
    if (place.source == Source::result && owners_[place.index] == i) from = body_->lies_over(place.index);
    if (from < 0 || is_taken[static_cast<size_t>(from)]) continue;
    is_taken[static_cast<size_t>(from)] = 1;
    carries_[i].take = from;
  }
  // What needs memory of its own gets that of a carry that nobody takes over, from the second step on.
  for (size_t i = 0; i < form_.carries; ++i) {
    Carry& carry = carries_[i];
    if (!needed_[i] || carry.home == Home::after || carry.take >= 0) continue;
    carry.spare = buffers_.size();
    buffers_.push_back(allocate(carry.bytes, "a carry of a loop"));
    if (carry.home == Home::before) continue;
    carry.freed = i;
    while (is_taken[carry.freed]) {  // the one that took it over has left its own
      const auto taker =
          std::find_if(carries_.begin(), carries_.end(), [&](const Carry& each) { return each.take == static_cast<int>(carry.freed); });
      carry.freed = static_cast<size_t>(taker - carries_.begin());
    }
  }
}

void LoopRun::find_copies() {
  for (size_t k = 0; k < avals_.size(); ++k) {
    const PreparedGraph::Place& place = graph_.place(k);
    if (place.source == Source::none || (place.source == Source::result && owners_[place.index] == k)) continue;
    const bool stays = place.source == Source::parameter && place.index < form_.carries &&
                       (k < form_.carries ? carries_[k].take == static_cast<int>(place.index)
                                          : carries_[place.index].home == Home::before && carries_[place.index].stack == k);
    if (stays) continue;
    Copy copy{k, place};
    copy.bytes = avals_[k].shape.size() * avals_[k].dtype.size();
    const bool is_captured = place.source == Source::parameter && place.index >= form_.carries + form_.xs;
    if (is_captured) copy.fixed = row_major_data(given_[place.index]);
    if (place.source == Source::constant) copy.fixed = row_major_data(graph_.constant(place));
    if (copy.bytes) copies_.push_back(copy);
  }
}

std::byte* LoopRun::next_place(size_t i, int64_t t, int64_t next) const {
  const Carry& carry = carries_[i];
  if (carry.home == Home::after) return slot(carry.stack, t);
  if (carry.home == Home::before && next >= 0) return slot(carry.stack, next);
  if (carry.take >= 0) return static_cast<std::byte*>(arguments_[static_cast<size_t>(carry.take)]);
  return buffers_[carry.spare]->data();
}

void LoopRun::step(const EvaluationTurn& turn, int64_t t, int64_t next) {
  for (size_t i = 0; i < form_.carries; ++i) {
    if (!needed_[i]) continue;
    if (carries_[i].home == Home::before) arguments_[i] = slot(carries_[i].stack, t);
    targets_[i] = next_place(i, t, next);
  }
  for (size_t j = 0; j < form_.xs; ++j) arguments_[form_.carries + j] = elements_[j].first + t * elements_[j].step_bytes;
  for (size_t r = 0; r < results_.size(); ++r) {
    const size_t k = owners_[r];
    results_[r] = k < form_.carries ? targets_[k] : slot(k, t);
  }
  if (body_) body_->run(turn, arguments_.data(), results_.data());
  for (const Copy& each : copies_) copy(each, t);
  turn_buffers();
}

void LoopRun::copy(const Copy& copy, int64_t t) {
  void* to = copy.output < form_.carries ? targets_[copy.output] : slot(copy.output, t);
  const void* from = copy.fixed;
  if (copy.from.source == Source::result) from = results_[copy.from.index];
  if (!from) {
    from = arguments_[copy.from.index];
    const bool is_element = copy.from.index >= form_.carries;
    if (const size_t j = copy.from.index - form_.carries; is_element && !elements_[j].is_contiguous) {
      const Array& first = given_[copy.from.index];
      const Value& value = value_of(first);
      const int64_t offset = value.offset + t * elements_[j].step_bytes / first.dtype().size();
      return copy_elements(make_leaf(Value{value.buffer, value.strides, offset}, first.aval()), first.dtype(), to);
    }
  }
  if (from != to) std::memcpy(to, from, static_cast<size_t>(copy.bytes));
}

void LoopRun::turn_buffers() {
  before_.resize(form_.carries);
  for (size_t i = 0; i < form_.carries; ++i) before_[i] = carries_[i].now;
  for (size_t i = 0; i < form_.carries; ++i) {
    if (!needed_[i]) continue;
    arguments_[i] = targets_[i];
    Carry& carry = carries_[i];
    if (carry.home != Home::none) continue;
    carry.now = carry.take >= 0 ? before_[static_cast<size_t>(carry.take)] : carry.spare;
    if (carry.take < 0) carry.spare = before_[carry.freed];
  }
}

Array LoopRun::last_carry(size_t i) const {
  const Carry& carry = carries_[i];
  const Array& first = given_[i];
  if (carry.home != Home::after) {
    return make_leaf(buffers_[carry.home == Home::before ? carry.spare : carry.now], first.dtype(), first.shape());
  }
  BufferPtr buffer = allocate(carry.bytes, "a carry of a loop");
  std::memcpy(buffer->data(), carry.bytes ? arguments_[i] : buffer->data(), static_cast<size_t>(carry.bytes));
  return make_leaf(std::move(buffer), first.dtype(), first.shape());
}

Array LoopRun::stacked(size_t k) const { return make_leaf(stacks_[k].buffer, stacks_[k].aval.dtype, stacks_[k].aval.shape); }

}  // namespace gradus::core
