// The op of scan: its run on the host, and its derivatives and batches, which are scans again.
#include <algorithm>
#include <optional>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/gather.hpp"
#include "gradus/ops/part_sums.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/all_ops.hpp"
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

// Inputs: first carries, xs (length, ...), captured arrays. Parameters of the body: carries, one element of each xs, captured arrays.
// Outputs of body and op: carries, ys; the last `carries` ys are the carries that came into each step, which the reverse pass reads.
struct ScanArgs {
  SubgraphPtr body{};
  int64_t carries = 0, xs = 0, length = 0;
  bool is_reversed = false;
  GRADUS_FIELDS(body, carries, xs, length, is_reversed)
};

struct Split {
  explicit Split(const Call& call) : args(call.as<ScanArgs>()), all(call.inputs) {}
  const ScanArgs& args;
  ConstArrays all;
  size_t carry_count() const { return static_cast<size_t>(args.carries); }
  size_t y_count() const { return args.body->outputs().size() - carry_count(); }  // residuals included
  ConstArrays carries() const { return all.first(carry_count()); }
  ConstArrays xs() const { return all.subspan(carry_count(), static_cast<size_t>(args.xs)); }
  ConstArrays captured() const { return all.subspan(static_cast<size_t>(args.carries + args.xs)); }
};

// Records a scan of a body without residuals: its further outputs are the carries that come into each step.
Arrays record_scan(const Subgraph& body, ScanArgs args, ConstArrays carries, ConstArrays xs, ConstArrays captured) {
  Arrays outputs = body.outputs(), inputs(carries.begin(), carries.end());
  append(outputs, ConstArrays(body.parameters()).first(carries.size()));
  args.body = std::make_shared<const Subgraph>(body.parameters(), std::move(outputs));
  args.carries = static_cast<int64_t>(carries.size());
  args.xs = static_cast<int64_t>(xs.size());
  append(inputs, xs);
  append(inputs, captured);
  return apply_all(scan_op, inputs, std::move(args));
}

std::vector<Aval> infer_scan(const Call& call) {
  const ScanArgs& args = call.as<ScanArgs>();
  std::vector<Aval> avals = output_avals(*args.body);
  for (size_t k = static_cast<size_t>(args.carries); k < avals.size(); ++k) avals[k] = with_axis(avals[k], args.length);
  return avals;
}

// ---- the run ----

// Memory for ys, filled step by step.
class Stack {
 public:
  Stack(const Aval& step, int64_t length) : aval_(with_axis(step, length)), bytes_(step.shape.size() * step.dtype.size()) {
    buffer_ = allocate(bytes_ * length, "the results of scan");
  }
  void put(int64_t step, const Array& value) { copy_elements(value, aval_.dtype, buffer_->data() + step * bytes_); }
  Array array() const { return make_leaf(buffer_, aval_.dtype, aval_.shape); }

 private:
  Aval aval_;
  int64_t bytes_;
  BufferPtr buffer_;
};

// Element t of axis 0, as a view.
Array element(const Array& xs, int64_t t) {
  const Value& whole = value_of(xs);
  Dims sizes = xs.shape().dims(), strides = whole.strides;
  const int64_t offset = whole.offset + t * strides[0];
  sizes.erase(0);
  strides.erase(0);
  return make_leaf(Value{whole.buffer, strides, offset}, Aval{xs.dtype(), Shape(sizes), false});
}

// Outputs of the body that a run has to compute: those asked for, and the carries that they depend on in any later step.
ByteFlags outputs_needed(const Subgraph& body, size_t carries, std::span<const bool> asked) {
  ByteFlags needed = as_flags(asked);
  for (bool is_changed = true; is_changed;) {
    is_changed = false;
    const ByteFlags read = parameters_read(body, needed);
    for (size_t i = 0; i < carries; ++i) {
      is_changed |= read[i] && !needed[i];
      needed[i] |= read[i];
    }
  }
  return needed;
}

// The element of step number `count`.
int64_t place_in_time(const ScanArgs& args, int64_t count) { return args.is_reversed ? args.length - 1 - count : count; }

// By one plan for all steps; nothing where there is none.
std::optional<Arrays> run_planned(const Split& parts, std::span<const uint8_t> needed, const Arrays& arguments,
                                  std::span<const bool> is_output_needed) {
  const ScanArgs& args = parts.args;
  if (args.length == 0) return std::nullopt;
  const LoopForm form{parts.carry_count(), parts.xs().size(), args.length};
  const std::unique_ptr<LoopRun> run = LoopRun::make(*args.body, needed, arguments, form, place_in_time(args, 0));
  if (!run) return std::nullopt;
  for (int64_t count = 0; count < args.length;) {
    const EvaluationTurn turn;
    for (const int64_t end = std::min(args.length, count + kStepsATurn); count < end; ++count) {
      run->step(turn, place_in_time(args, count), count + 1 < args.length ? place_in_time(args, count + 1) : -1);
    }
  }
  Arrays out(is_output_needed.size());
  for (size_t k = 0; k < out.size(); ++k) {
    if (is_output_needed[k]) out[k] = k < form.carries ? run->last_carry(k) : run->stacked(k);
  }
  return out;
}

Arrays run_scan(const Call& call, std::span<const bool> is_output_needed) {
  const Split parts(call);
  const ScanArgs& args = parts.args;
  const size_t carries = parts.carry_count(), xs = parts.xs().size(), outputs = args.body->outputs().size();
  const ByteFlags needed = outputs_needed(*args.body, carries, is_output_needed);
  Arrays arguments;
  for (const Array& input : call.inputs) arguments.push_back(detached(input));
  if (std::optional<Arrays> planned = run_planned(parts, needed, arguments, is_output_needed)) return *std::move(planned);
  // Step by step: loops and branches in the body run on the host.
  const PreparedGraph step(*args.body, needed);
  std::vector<std::optional<Stack>> stacks(outputs);
  for (size_t k = carries; k < outputs; ++k) {
    if (needed[k]) stacks[k].emplace(args.body->outputs()[k].aval(), args.length);
  }
  const Arrays elements(arguments.begin() + static_cast<std::ptrdiff_t>(carries),
                        arguments.begin() + static_cast<std::ptrdiff_t>(carries + xs));
  for (int64_t count = 0; count < args.length; ++count) {
    const int64_t t = place_in_time(args, count);
    for (size_t i = 0; i < xs; ++i) arguments[carries + i] = element(elements[i], t);
    const size_t first_residual = outputs - carries;
    for (size_t i = 0; i < carries; ++i) {
      if (needed[first_residual + i]) stacks[first_residual + i]->put(t, arguments[i]);
    }
    Arrays results = step.run(arguments, true);
    for (size_t k = carries; k < first_residual; ++k) {
      if (needed[k]) stacks[k]->put(t, results[k]);
    }
    for (size_t i = 0; i < carries; ++i) {
      if (results[i].exists()) arguments[i] = std::move(results[i]);
    }
  }
  Arrays out(outputs);
  for (size_t k = 0; k < outputs; ++k) {
    if (!is_output_needed[k]) continue;
    out[k] = k < carries ? arguments[k] : stacks[k]->array();
  }
  return out;
}

// ---- derivatives ----

Arrays symbols_like(ConstArrays arrays) {
  Arrays out;
  for (const Array& array : arrays) out.push_back(make_placeholder({array.dtype(), array.shape(), array.is_weak()}));
  return out;
}
// For a running sum of changes: strong, also where a number was captured. Of 16-bit floats in float32.
Array sum_like(const Array& array) {
  return make_placeholder({array.dtype().is_16_bit() ? float32 : array.dtype(), array.shape(), false});
}
Arrays floats_of(ConstArrays arrays) {
  Arrays out;
  for (const Array& array : arrays) {
    if (array.dtype().is_float()) out.push_back(array);
  }
  return out;
}
Arrays existing(ConstArrays arrays) {
  Arrays out;
  for (const Array& array : arrays) {
    if (array.exists()) out.push_back(array);
  }
  return out;
}
Array sum_of_changes(const Array& sum, const Array& change) {
  return is_part(change) && (sum.dtype() == change.dtype() || sum.dtype() == float32) ? sum_of_parts(sum, {&change, 1}) : sum + change;
}
template <class... Lists>
Arrays joined(const Lists&... lists) {
  Arrays out;
  (append(out, ConstArrays(lists)), ...);
  return out;
}

// c_t+1, y_t = f(c_t, x_t, k)  =>  backwards in t:  (dc_t, dx_t, dk_t) = J_t^T (dc_t+1, dy_t),  dk = sum of dk_t.
// A scan with carries dc, dk over c, x and dy, which computes f again from the c that were kept. Where dk_t is zero but for rows at some
// indices, each step gives the rows and the indices, and they are summed once, after the loop: no step touches an array of k's size.
Arrays reverse_scan(const RecordedCall& call, ConstArrays cotangents) {
  const Split parts(call);
  const size_t carries = parts.carry_count(), ys = parts.y_count();
  const ConstArrays changed_ys = cotangents.subspan(carries), kept = call.outputs.subspan(call.outputs.size() - carries);
  Arrays changed_steps(ys);  // one step's symbol for each dy that there is
  for (size_t k = 0; k < ys; ++k) {
    if (!changed_ys[k].exists()) continue;
    const Aval& aval = parts.args.body->outputs()[carries + k].aval();
    changed_steps[k] = make_placeholder({aval.dtype, aval.shape, false});
  }
  const Arrays c = symbols_like(ConstArrays(parts.args.body->parameters()).first(carries)),
               x = symbols_like(ConstArrays(parts.args.body->parameters()).subspan(carries, parts.xs().size())),
               k = symbols_like(parts.captured());
  const Arrays float_c = floats_of(c), float_x = floats_of(x), float_k = floats_of(k);
  const Arrays dc = symbols_like(float_c);

  const Arrays outputs = parts.args.body->call(joined(c, x, k));
  Arrays changes(outputs.size());
  for (size_t i = 0, next = 0; i < carries; ++i) {
    if (c[i].dtype().is_float()) changes[i] = dc[next++];
  }
  std::copy(changed_steps.begin(), changed_steps.end(), changes.begin() + static_cast<std::ptrdiff_t>(carries));
  const Arrays arguments = joined(float_c, float_x, float_k);
  Arrays pulled = pull_back(outputs, changes, arguments);
  for (size_t i = 0; i < pulled.size(); ++i) {
    if (i < float_c.size() + float_x.size()) pulled[i] = zeros_if_empty(pulled[i], arguments[i]);
  }
  const size_t first_k = float_c.size() + float_x.size();
  Arrays results(pulled.begin(), pulled.begin() + static_cast<std::ptrdiff_t>(float_c.size())), dk, rows;
  for (size_t i = 0; i < float_k.size(); ++i) {
    const Array& change = pulled[first_k + i];
    if (change.exists() && is_indexed_part(change)) {
      append(rows, ConstArrays(parts_of_indexed(change)));
      continue;
    }
    dk.push_back(sum_like(float_k[i]));
    results.push_back(change.exists() ? sum_of_changes(dk.back(), change).astype(dk.back().dtype()) : dk.back());
  }
  append(results, ConstArrays(pulled).subspan(float_c.size(), float_x.size()));
  append(results, ConstArrays(rows));
  const Subgraph body(joined(dc, dk, c, x, existing(changed_steps), k), std::move(results));

  Arrays first;
  for (size_t i = 0; i < carries; ++i) {
    if (c[i].dtype().is_float()) first.push_back(zeros_if_empty(cotangents[i], call[i]));
  }
  for (const Array& array : dk) first.push_back(zeros(array.shape(), array.dtype()));
  ScanArgs args = parts.args;
  args.is_reversed = !args.is_reversed;
  const Arrays all = record_scan(body, args, first, joined(kept, parts.xs(), existing(changed_ys)), parts.captured());

  Arrays out(call.inputs.size());
  size_t next_c = 0, next_k = float_c.size(), next_x = float_c.size() + dk.size(), next_row = next_x + float_x.size(), change = first_k;
  for (size_t i = 0; i < out.size(); ++i) {
    if (!call[i].dtype().is_float()) continue;
    const bool is_carry = i < carries, is_x = !is_carry && i < carries + parts.xs().size();
    const Array& step = is_carry || is_x ? Array() : pulled[change++];
    if (!step.exists() || !is_indexed_part(step)) {
      out[i] = all[is_carry ? next_c++ : is_x ? next_x++ : next_k++];
      continue;
    }
    const size_t count = parts_of_indexed(step).size();
    out[i] = sum_of_stacked(step, ConstArrays(all).subspan(next_row, count));
    next_row += count;
  }
  return out;
}

// The tangents ride along: a scan of the pair (f, its tangent).
Arrays forward_scan(const RecordedCall& call, ConstArrays tangents) {
  const Split parts(call);
  const size_t carries = parts.carry_count(), xs = parts.xs().size();
  const Arrays symbols = symbols_like(parts.args.body->parameters());
  Arrays changes(symbols.size()), first;  // carries always have a tangent, for it may become nonzero in a later step
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (!symbols[i].dtype().is_float() || (i >= carries && !tangents[i].exists())) continue;
    const bool is_captured = i >= carries + xs;
    changes[i] = make_placeholder(is_captured ? tangents[i].aval() : symbols[i].aval());
    if (i < carries) first.push_back(zeros_if_empty(tangents[i], call[i]));
  }
  const ConstArrays all_symbols(symbols), all_changes(changes);
  const Arrays outputs = parts.args.body->call(symbols);
  Arrays pushed = push_forward(symbols, changes, outputs), results(outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(carries));
  for (size_t k = 0; k < outputs.size(); ++k) {
    if (outputs[k].dtype().is_float()) results.push_back(zeros_if_empty(pushed[k], outputs[k]));
  }
  const Subgraph body(
      joined(all_symbols.first(carries), existing(all_changes.first(carries)), all_symbols.subspan(carries, xs),
             existing(all_changes.subspan(carries, xs)), all_symbols.subspan(carries + xs), existing(all_changes.subspan(carries + xs))),
      std::move(results));
  const Arrays all =
      record_scan(body, parts.args, joined(parts.carries(), first), joined(parts.xs(), existing(tangents.subspan(carries, xs))),
                  joined(parts.captured(), existing(tangents.subspan(carries + xs))));
  Arrays out(call.outputs.size());
  for (size_t k = 0, next = carries; k < out.size(); ++k) {
    if (call.outputs[k].dtype().is_float()) out[k] = all[next++];
  }
  return out;
}

// ---- batches ----

// A carry is batched if it starts so, or becomes so in some step.
Arrays batch_scan(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  const Split parts(call);
  const size_t carries = parts.carry_count(), xs = parts.xs().size();
  ByteFlags flags = as_flags(is_batched);
  ByteFlags force(parts.args.body->outputs().size());
  BatchedSubgraph body;
  for (bool is_stable = false; !is_stable;) {
    std::copy(flags.begin(), flags.begin() + static_cast<std::ptrdiff_t>(carries), force.begin());
    body = batch_subgraph(*parts.args.body, flags, force, batch_size);
    is_stable = true;
    for (size_t i = 0; i < carries; ++i) {
      is_stable &= !body.is_batched[i] || flags[i];
      flags[i] |= body.is_batched[i];
    }
  }
  Arrays inputs(call.inputs.begin(), call.inputs.end());
  for (size_t i = 0; i < carries + xs; ++i) {
    if (i < carries && flags[i] && !is_batched[i]) inputs[i] = repeat_for_batch(inputs[i], batch_size);
    if (i >= carries && is_batched[i]) inputs[i] = moveaxis(inputs[i], 0, 1);
  }
  ScanArgs args = parts.args;
  args.body = body.graph;
  Arrays out = apply_all(scan_op, inputs, std::move(args));
  for (size_t k = 0; k < out.size(); ++k) {
    if (!body.is_batched[k]) out[k] = repeat_for_batch(out[k], batch_size);
    else if (k >= carries) out[k] = moveaxis(out[k], 1, 0);
  }
  return out;
}

}  // namespace

constinit const OpDef core::scan_op{.name = "scan",
                                    .inputs = graph_op_inputs,
                                    .is_variadic = true,
                                    .args = args_of<ScanArgs>,
                                    .infer = infer_scan,
                                    .derivative = custom(reverse_scan, forward_scan),
                                    .batch = batch_scan,
                                    .host = run_scan,
                                    .takes_empty_cotangents = true};

namespace core {

ScanCall::ScanCall(std::vector<Array> init, std::vector<Array> xs, ScanOptions options)
    : init_(std::move(init)), xs_(std::move(xs)), options_(options) {
  check_given("scan", init_);
  if (xs_.empty()) fail("scan", "xs holds no array; a loop without input can run over arange(n)");
  for (const Array& x : xs_) {
    if (!x.exists() || x.rank() == 0)
      fail("scan", "xs is ", x.exists() ? to_text(x.shape()) : "empty", "; it needs an axis 0 to loop over");
    if (x.shape()[0] != xs_[0].shape()[0]) {
      fail("scan", "xs have ", xs_[0].shape()[0], " and ", x.shape()[0], " elements along axis 0; they must be equal");
    }
  }
  length_ = xs_[0].shape()[0];
}
ScanCall::~ScanCall() = default;

void ScanCall::begin() {
  symbols_.clear();
  next_ = 0;
  recording_.emplace(TraceKind::scan);
  for (const Array& carry : init_) symbols_.push_back(recording_->add_symbol(carry.aval()));
  for (const Array& x : xs_) {
    Dims sizes = x.shape().dims();
    sizes.erase(0);
    symbols_.push_back(recording_->add_symbol({x.dtype(), Shape(sizes), false}));
  }
  // Draws in a step use a key of the step: one more xs, if there are draws.
  key_ = make_placeholder({int64, {}, false});
  recording_->draw_from(key_);
}

bool ScanCall::end(const std::vector<Array>& carries, const std::vector<Array>& ys) {
  recording_->end_draws();
  if (is_changed_number("scan", init_, carries)) {
    recording_.reset();
    return false;
  }
  Arrays outputs = checked_carries("scan", init_, carries);
  for (const Array& y : ys) {
    if (!y.exists()) fail("scan", "the function returned an empty Array; it must return a value");
    outputs.push_back(y.is_weak() ? y.astype(y.dtype() == float64 ? float32 : y.dtype()) : y);
  }
  const bool has_draws = !nodes_between(std::span(&key_, 1), outputs).empty();
  if (has_draws) recording_->add_parameter(key_);
  const Closure closure = recording_->close(std::move(outputs));
  recording_->refuse_writes();
  if (has_draws) xs_.push_back(random::fold_in(random::next_key(), arange(length_)).array());
  ScanArgs args;
  args.length = length_;
  args.is_reversed = options_.reverse;
  outputs_ = record_scan(*closure.graph, args, init_, xs_, closure.captured);
  outputs_.resize(carries.size() + ys.size());
  return true;
}

void check_given(std::string_view name, const std::vector<Array>& init) {
  for (size_t i = 0; i < init.size(); ++i) {
    if (!init[i].exists()) fail(name, "carry ", i, " is an empty Array; give it a value first");
  }
}

bool is_changed_number(std::string_view name, std::vector<Array>& init, const std::vector<Array>& carries) {
  if (carries.size() != init.size()) {
    fail(name, "the function returns ", carries.size(), " carried arrays, it was given ", init.size(), "; they must be equal");
  }
  bool is_changed = false;
  for (size_t i = 0; i < init.size(); ++i) {
    if (!init[i].is_weak()) continue;
    const DType dtype = !carries[i].is_weak() ? carries[i].dtype() : init[i].dtype() == float64 ? float32 : init[i].dtype();
    init[i] = init[i].astype(dtype);
    is_changed = true;
  }
  return is_changed;
}

std::vector<Array> checked_carries(std::string_view name, const std::vector<Array>& init, std::vector<Array> carries) {
  for (size_t i = 0; i < init.size(); ++i) {
    if (carries[i].is_weak()) carries[i] = carries[i].astype(init[i].dtype());
    if (carries[i].dtype() == init[i].dtype() && carries[i].shape() == init[i].shape()) continue;
    fail(name, "carry ", i, " is ", init[i].shape(), " ", init[i].dtype(), ", the function returns ", carries[i].shape(), " ",
         carries[i].dtype(), " for it; they must be equal");
  }
  return carries;
}

}  // namespace core

std::span<const OpDef* const> core::control_ops() {
  static constexpr const OpDef* ops[] = {&scan_op, &cond_op, &while_loop_op};
  return ops;
}

}  // namespace gradus
