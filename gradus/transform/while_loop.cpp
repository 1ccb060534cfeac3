// The op of while_loop: a condition and a body over the same carries.
#include <algorithm>
#include <optional>

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/batching.hpp"
#include "gradus/transform/control.hpp"
#include "gradus/transform/control_ops.hpp"
#include "gradus/transform/differentiate.hpp"
#include "gradus/transform/loop_run.hpp"

namespace gradus {

using namespace core;

namespace {

using Arrays = std::vector<Array>;
using ConstArrays = std::span<const Array>;

// Inputs: carries, what the condition captured, what the body captured.
struct WhileArgs {
  SubgraphPtr condition{}, body{};
  int64_t carries = 0, condition_captures = 0;
  GRADUS_FIELDS(condition, body, carries, condition_captures)
};

struct Split {
  explicit Split(const Call& call) : args(call.as<WhileArgs>()), all(call.inputs) {}
  const WhileArgs& args;
  ConstArrays all;
  size_t carry_count() const { return static_cast<size_t>(args.carries); }
  ConstArrays carries() const { return all.first(carry_count()); }
  ConstArrays of_condition() const { return all.subspan(carry_count(), static_cast<size_t>(args.condition_captures)); }
  ConstArrays of_body() const { return all.subspan(static_cast<size_t>(args.carries + args.condition_captures)); }
};

std::vector<Aval> infer_while(const Call& call) { return output_avals(*call.as<WhileArgs>().body); }

// The condition, planned once, over the carries of a run.
class Condition {
 public:
  Condition(const Split& parts, const LoopRun& run) : graph_(*parts.args.condition, all_of(1)), run_(run), count_(parts.carry_count()) {
    for (size_t i = 0; i < count_; ++i) given_.push_back(run.like_carry(i));
    for (const Array& input : parts.of_condition()) given_.push_back(detached(input));
    std::vector<Reuse> reuse(given_.size(), Reuse::fixed);
    std::fill_n(reuse.begin(), count_, Reuse::moving);
    arguments_.assign(given_.size(), nullptr);
    if (graph_.computed()) body_ = LoopBody::make(graph_.computed(), given_, reuse);
    else if (!is_carry())
      is_always_ =
          (graph_.place(0).source == PreparedGraph::Source::constant ? graph_.constant(graph_.place(0)) : given_[graph_.place(0).index])
              .item<bool>();
  }
  bool is_planned() const { return body_ || !graph_.computed(); }
  bool holds(const EvaluationTurn& turn) {
    if (!graph_.computed()) return is_carry() ? *static_cast<const bool*>(run_.carry(graph_.place(0).index)) : is_always_;
    for (size_t i = 0; i < count_; ++i) arguments_[i] = const_cast<void*>(run_.carry(i));
    bool holds = false;
    void* const result = &holds;
    body_->run(turn, arguments_.data(), &result);
    return holds;
  }

 private:
  bool is_carry() const { return graph_.place(0).source == PreparedGraph::Source::parameter && graph_.place(0).index < count_; }

  PreparedGraph graph_;
  const LoopRun& run_;
  size_t count_;
  Arrays given_;
  std::vector<void*> arguments_;
  std::unique_ptr<LoopBody> body_;
  bool is_always_ = false;
};

// By one plan for all steps; nothing where there is none.
std::optional<Arrays> run_planned(const Split& parts) {
  const size_t count = parts.carry_count();
  Arrays arguments;
  for (const Array& input : parts.carries()) arguments.push_back(detached(input));
  for (const Array& input : parts.of_body()) arguments.push_back(detached(input));
  const std::unique_ptr<LoopRun> run = LoopRun::make(*parts.args.body, all_of(count), std::move(arguments), {.carries = count}, 0);
  if (!run) return std::nullopt;
  Condition condition(parts, *run);
  if (!condition.is_planned()) return std::nullopt;
  for (bool goes_on = true; goes_on;) {
    const EvaluationTurn turn;
    for (int64_t step = 0; step < kStepsATurn && goes_on; ++step) {
      goes_on = condition.holds(turn);
      if (goes_on) run->step(turn, 0, 0);
    }
  }
  Arrays out;
  for (size_t i = 0; i < count; ++i) out.push_back(run->last_carry(i));
  return out;
}

Arrays run_while(const Call& call, std::span<const bool>) {
  const Split parts(call);
  const size_t count = parts.carry_count();
  if (std::optional<Arrays> planned = run_planned(parts)) return *std::move(planned);
  // Step by step: loops and branches inside run on the host.
  const PreparedGraph condition(*parts.args.condition, all_of(1)), body(*parts.args.body, all_of(count));
  Arrays for_condition, for_body;
  for (const Array& carry : parts.carries()) for_body.push_back(detached(carry));
  for_condition = for_body;
  for (const Array& input : parts.of_condition()) for_condition.push_back(detached(input));
  for (const Array& input : parts.of_body()) for_body.push_back(detached(input));
  while (condition.run(for_condition, false)[0].item<bool>()) {
    for (size_t i = 0; i < count; ++i) for_condition[i] = Array();  // so that the body may write over the old carries
    Arrays next = body.run(for_body, true);
    for (size_t i = 0; i < count; ++i) for_condition[i] = for_body[i] = std::move(next[i]);
  }
  return Arrays(for_body.begin(), for_body.begin() + static_cast<std::ptrdiff_t>(count));
}

Arrays refuse_reverse(const RecordedCall&, ConstArrays) {
  fail("while_loop",
       "it has no reverse mode, since the number of its steps is not known when it is recorded; use scan, or forward mode (jvp)");
}

// The tangents ride along.
Arrays forward_while(const RecordedCall& call, ConstArrays tangents) {
  const Split parts(call);
  const size_t count = parts.carry_count(), skipped = parts.of_condition().size();
  Arrays first(parts.carries().begin(), parts.carries().end()), symbols, changes, body_tangents;
  const ConstArrays parameters(parts.args.body->parameters());
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Array& tangent = tangents[i < count ? i : i + skipped];
    symbols.push_back(make_placeholder(parameters[i].aval()));
    changes.emplace_back();
    if (i < count && symbols[i].dtype().is_float()) {
      first.push_back(zeros_if_empty(tangent, call[i]));
      changes[i] = make_placeholder(symbols[i].aval());
    } else if (i >= count && tangent.exists()) {
      body_tangents.push_back(tangent);
      changes[i] = make_placeholder(tangent.aval());
    }
  }
  Arrays results = parts.args.body->call(symbols);
  const Arrays pushed = push_forward(symbols, changes, results);
  for (size_t i = 0; i < count; ++i) {
    if (results[i].dtype().is_float()) results.push_back(zeros_if_empty(pushed[i], results[i]));
  }
  Arrays ordered(symbols.begin(), symbols.begin() + static_cast<std::ptrdiff_t>(count));
  const auto append_changes = [&](size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) {
      if (changes[i].exists()) ordered.push_back(changes[i]);
    }
  };
  append_changes(0, count);
  append(ordered, ConstArrays(symbols).subspan(count));
  append_changes(count, symbols.size());
  // The condition reads the old carries only.
  Arrays condition(parts.args.condition->parameters().begin(),
                   parts.args.condition->parameters().begin() + static_cast<std::ptrdiff_t>(count));
  for (size_t i = 0; i < count; ++i) {
    if (changes[i].exists()) condition.push_back(make_placeholder(symbols[i].aval()));
  }
  append(condition, ConstArrays(parts.args.condition->parameters()).subspan(count));
  WhileArgs args{std::make_shared<const Subgraph>(std::move(condition), parts.args.condition->outputs()),
                 std::make_shared<const Subgraph>(std::move(ordered), std::move(results)), static_cast<int64_t>(first.size()),
                 parts.args.condition_captures};
  append(first, parts.of_condition());
  append(first, parts.of_body());
  append(first, ConstArrays(body_tangents));
  const Arrays all = apply_all(while_loop_op, first, std::move(args));
  Arrays out(count);
  for (size_t i = 0, next = count; i < count; ++i) {
    if (call.outputs[i].dtype().is_float()) out[i] = all[next++];
  }
  return out;
}

// predicate (B,) as (B, 1, ..., 1), to select whole examples.
Array beside(const Array& predicate, const Array& x) {
  Dims sizes(static_cast<size_t>(x.rank()), 1);
  sizes[0] = predicate.size();
  return reshape(predicate, NewShape(Shape(sizes)));
}

// With a condition for each example the loop goes on while any is true; examples that are done keep their carries.
Arrays batch_while(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const Split parts(call);
  const size_t count = parts.carry_count(), captures = parts.of_condition().size();
  ByteFlags carries = as_flags(is_batched.first(count));
  const ByteFlags of_condition = as_flags(is_batched.subspan(count, captures)), of_body = as_flags(is_batched.subspan(count + captures));
  BatchedSubgraph condition, body;
  for (bool is_stable = false; !is_stable;) {
    ByteFlags condition_flags = carries, body_flags = carries;
    append(condition_flags, std::span<const uint8_t>(of_condition));
    append(body_flags, std::span<const uint8_t>(of_body));
    condition = batch_subgraph(*parts.args.condition, condition_flags, ByteFlags(1), batch_size);
    body = batch_subgraph(*parts.args.body, body_flags, condition.is_batched[0] ? all_of(count) : carries, batch_size);
    is_stable = true;
    for (size_t i = 0; i < count; ++i) {
      is_stable &= !body.is_batched[i] || carries[i];
      carries[i] |= body.is_batched[i];
    }
  }
  WhileArgs args{condition.graph, body.graph, parts.args.carries, parts.args.condition_captures};
  Arrays inputs(call.inputs.begin(), call.inputs.end());
  if (condition.is_batched[0]) {
    args.condition = std::make_shared<const Subgraph>(condition.graph->parameters(), Arrays{any(condition.graph->outputs()[0])});
    // The body gets what the condition captured as well, to ask which examples go on.
    Arrays symbols = body.graph->parameters(), asked(symbols.begin(), symbols.begin() + static_cast<std::ptrdiff_t>(count)), results;
    for (const Array& parameter : ConstArrays(condition.graph->parameters()).subspan(count)) {
      symbols.push_back(make_placeholder(parameter.aval()));
      asked.push_back(symbols.back());
    }
    const Array goes_on = condition.graph->call(asked)[0];
    for (size_t i = 0; i < count; ++i) results.push_back(where(beside(goes_on, symbols[i]), body.graph->outputs()[i], symbols[i]));
    args.body = std::make_shared<const Subgraph>(std::move(symbols), std::move(results));
    append(inputs, parts.of_condition());
  }
  for (size_t i = 0; i < count; ++i) {
    if (carries[i] && !is_batched[i]) inputs[i] = repeat_for_batch(inputs[i], batch_size);
  }
  Arrays out = apply_all(while_loop_op, inputs, std::move(args));
  for (size_t i = 0; i < count; ++i) {
    if (!carries[i]) out[i] = repeat_for_batch(out[i], batch_size);
  }
  return out;
}

}  // namespace

constinit const OpDef core::while_loop_op{.name = "while_loop",
                                          .inputs = graph_op_inputs,
                                          .is_variadic = true,
                                          .args = args_of<WhileArgs>,
                                          .infer = infer_while,
                                          .derivative = custom(refuse_reverse, forward_while),
                                          .batch = batch_while,
                                          .host = run_while,
                                          .takes_empty_cotangents = true};

namespace core {

WhileCall::WhileCall(std::vector<Array> init) : init_(std::move(init)) {
  if (init_.empty()) fail("while_loop", "there is no carried array");
  check_given("while_loop", init_);
}
WhileCall::~WhileCall() = default;

void WhileCall::begin() {
  symbols_.clear();
  next_ = 0;
  recording_.emplace(TraceKind::while_loop);
  for (const Array& carry : init_) symbols_.push_back(recording_->add_symbol(carry.aval()));
}

void WhileCall::end_condition(const Array& condition) {
  if (condition.rank() != 0 || !condition.dtype().is_bool()) {
    fail("while_loop", "the condition is ", condition.shape(), " ", condition.dtype(), "; it must be a bool scalar");
  }
  condition_ = recording_->close({condition});
  recording_->refuse_writes();
  begin();
  // Draws in the body use a key of the step: a count and a base key among the carries, if there are draws.
  count_ = make_placeholder({int64, {}, false});
  key_ = make_placeholder({int64, {}, false});
  recording_->draw_from(random::fold_in(random::Key::from_array(key_), count_).array());
}

bool WhileCall::end_body(const std::vector<Array>& carries) {
  recording_->end_draws();
  if (is_changed_number("while_loop", init_, carries)) {
    recording_.reset();
    return false;
  }
  Arrays outputs = checked_carries("while_loop", init_, carries);
  const bool has_draws = !nodes_between(std::span(&count_, 1), outputs).empty();
  Arrays inputs = init_, condition_symbols = condition_.graph->parameters();
  if (has_draws) {
    recording_->add_parameter(count_);
    recording_->add_parameter(key_);
    outputs.push_back(count_ + 1);
    outputs.push_back(key_);
  }
  Closure body = recording_->close(outputs);
  recording_->refuse_writes();
  SubgraphPtr condition = condition_.graph;
  if (has_draws) {
    inputs.push_back(make_scalar(int64_t{0}).astype(int64));
    inputs.push_back(random::next_key().array());
    const auto place = condition_symbols.begin() + static_cast<std::ptrdiff_t>(init_.size());
    const Arrays unread{make_placeholder({int64, {}, false}), make_placeholder({int64, {}, false})};
    condition_symbols.insert(place, unread.begin(), unread.end());
    condition = std::make_shared<const Subgraph>(std::move(condition_symbols), condition_.graph->outputs());
  }
  WhileArgs args{std::move(condition), std::move(body.graph), static_cast<int64_t>(inputs.size()),
                 static_cast<int64_t>(condition_.captured.size())};
  append(inputs, ConstArrays(condition_.captured));
  append(inputs, ConstArrays(body.captured));
  outputs_ = apply_all(while_loop_op, inputs, std::move(args));
  outputs_.resize(carries.size());
  return true;
}

}  // namespace core

}  // namespace gradus
