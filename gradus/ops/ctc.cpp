// CTC: the fused op, and its composition of plain ops, step by step.
#include "gradus/ops/ctc.hpp"

#include <limits>

#include "gradus/base/error.hpp"
#include "gradus/cpu/ctc/ctc.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/ops/compare.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/elementwise.hpp"
#include "gradus/ops/elementwise_rows.hpp"
#include "gradus/ops/families.hpp"
#include "gradus/ops/index.hpp"
#include "gradus/ops/linalg.hpp"
#include "gradus/ops/normalize.hpp"
#include "gradus/ops/reduce.hpp"
#include "gradus/ops/shape.hpp"

namespace gradus {

using namespace core;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct CtcArgs {
  int64_t blank = 0;
  bool zero_infinity = false;
  GRADUS_FIELDS(blank, zero_infinity)
};

constexpr Input ctc_inputs[] = {
    {"logits", floats}, {"targets", only(int64)}, {"input_lengths", only(int64)}, {"target_lengths", only(int64)}};

using rows::wide_dtype, rows::widened;

// The loss; and, hidden, its slopes by the logits.
std::vector<Aval> infer_ctc(const Call& call) {
  return {{call[0].dtype(), Shape{call[0].shape(0)}, false}, {wide_dtype(call[0].dtype()), call[0].shape(), false}};
}

backend::KernelPtr prepare(const KernelCall& call) {
  const CtcArgs& args = call.as<CtcArgs>();
  return cpu::prepare_ctc(call.inputs[0], call.inputs[1].shape[1], {args.blank, args.zero_infinity});
}

// Batches of batches are one long batch.
std::vector<Array> batch_ctc(const Call& call, std::span<const bool> is_batched, int64_t batch_size) {
  std::vector<Array> inputs;
  Dims examples{batch_size, 0};
  for (size_t i = 0; i < call.inputs.size(); ++i) {
    Dims sizes = call[i].shape().dims();
    if (!is_batched[i]) sizes.insert(0, batch_size);
    const Array whole = is_batched[i] ? call[i] : broadcast_to(call[i], sizes);
    examples[1] = sizes[1];
    sizes.erase(0);
    sizes[0] = batch_size * examples[1];
    inputs.push_back(reshape(whole, Shape(sizes)));
  }
  std::vector<Array> out = apply_all(call.op, inputs, call.args);
  for (Array& each : out) {
    Dims sizes = each.shape().dims();
    sizes[0] = examples[1];
    sizes.insert(0, batch_size);
    each = reshape(each, Shape(sizes));
  }
  return out;
}

// ---- the composition ----

// log(sum of e^x), -infinity of nothing but -infinities, where its derivatives are 0.
Array log_add(const std::vector<Array>& terms) {
  Array largest = terms[0];
  for (size_t i = 1; i < terms.size(); ++i) largest = maximum(largest, terms[i]);
  largest = apply(stop_gradient_op, {where(largest == -kInfinity, 0, largest)});
  Array sum;
  for (const Array& term : terms) sum = sum.exists() ? sum + exp(term - largest) : exp(term - largest);
  const Array is_none = sum == 0;
  return where(is_none, -kInfinity, log(where(is_none, 1, sum)) + largest);
}

// Column s of x is column s + shift of the result; what comes in is -infinity.
Array moved(const Array& x, int64_t shift) {
  const Array fill = full({x.shape(0), 1}, -kInfinity).astype(x.dtype());
  return shift > 0 ? concatenate({fill, x[{slice(), slice({}, -1)}]}, 1) : concatenate({x[{slice(), slice(1, {})}], fill}, 1);
}

Array element_at(const Array& x, const Array& column) { return squeeze(take_along_axis(x, expand_dims(column, 1), 1), 1); }

// What the recursions share. States as in the kernel (cpu/ctc/ctc.cpp): n = S + 1 blanks, and labels with one more that cannot be.
class Composition {
 public:
  explicit Composition(const Call& call)
      : args_(call.as<CtcArgs>()), lengths_(call[2]), counts_(call[3]), steps_(call[0].shape(1)), n_(call[1].shape(1) + 1) {
    const Array states = expand_dims(arange(n_), 0), counts = expand_dims(counts_, 1);
    const Array blanks = full({call[1].shape(0), 1}, args_.blank).astype(int64);
    labels_ = where(states < counts, concatenate({call[1], blanks}, 1), args_.blank);
    is_label_ = states < counts;
    const Array before = concatenate({blanks, labels_[{slice(), slice({}, -1)}]}, 1);
    can_skip_ = is_label_ & (labels_ != before) & (states > 0);
    const Array is_step = expand_dims(expand_dims(arange(steps_), 0) < expand_dims(lengths_, 1), 2);
    // Steps beyond the length are not seen: NaN in them is none.
    x_ = where(is_step, call[0].astype(wide_dtype(call[0].dtype())), 0);
    log_p_ = log_softmax(x_, -1);
    is_step_ = is_step;
    dtype_ = call[0].dtype();
  }

  std::vector<Array> outputs() {
    run_forward();
    const Array is_never = end_ == -kInfinity, safe = where(is_never, 0, end_);
    const Array loss = where(is_never, args_.zero_infinity ? 0 : kInfinity, -safe);
    return {loss.astype(dtype_), slopes(is_never, safe)};
  }

 private:
  Array log_p_at(int64_t t) const { return log_p_[{slice(), t}]; }
  Array blank_at(int64_t t) const { return log_p_at(t)[{slice(), slice(args_.blank, args_.blank + 1)}]; }
  Array label_at(int64_t t) const { return where(is_label_, take_along_axis(log_p_at(t), labels_, 1), -kInfinity); }
  Array never() const { return full({lengths_.shape(0), n_}, -kInfinity).astype(log_p_.dtype()); }

  // a, b: log of the probability of being in a label or blank state after each step; after an input's end as at it.
  void run_forward() {
    const Array first = expand_dims(arange(n_), 0) == 0;
    Array a, b, start_a = never(), start_b = where(first, 0, never());  // before any step: as if in the first blank
    for (int64_t t = 0; t < steps_; ++t) {
      const Array before = t == 0 ? start_a : a, own = t == 0 ? start_b : b;
      Array next_b = blank_at(t) + log_add({own, moved(before, 1)});
      Array next_a = label_at(t) + log_add({before, own, where(can_skip_, moved(before, 1), -kInfinity)});
      const Array is_step = is_step_[{slice(), t}];
      a = where(is_step, next_a, before);
      b = where(is_step, next_b, own);
      as_.push_back(a);
      bs_.push_back(b);
    }
    if (steps_ == 0) {
      a = start_a;
      b = start_b;
    }
    const Array last_label = where(counts_ > 0, element_at(a, maximum(counts_ - 1, 0)), -kInfinity);
    end_ = log_add({element_at(b, counts_), last_label});
  }

  // softmax - (share of the likelihood whose alignments have the class at the step)
  Array slopes(const Array& is_never, const Array& log_likelihood) const {
    if (steps_ == 0) return zeros(x_.shape(), x_.dtype());
    const Array states = expand_dims(arange(n_), 0), counts = expand_dims(counts_, 1), rest = expand_dims(log_likelihood, 1);
    const Array end_a = where(states == counts - 1, 0, never()), end_b = where(states == counts, 0, never());
    std::vector<Array> labels(static_cast<size_t>(steps_)), blanks(static_cast<size_t>(steps_));
    Array a = end_a, b = end_b;  // log of the probability of what comes after step t
    for (int64_t t = steps_ - 1; t >= 0; --t) {
      if (t + 1 < steps_) {
        const Array to_a = a + label_at(t + 1), to_b = b + blank_at(t + 1);
        const Array from_b = log_add({to_b, to_a});
        const Array from_a = log_add({to_a, moved(to_b, -1), moved(where(can_skip_, to_a, -kInfinity), -1)});
        const Array goes_on = is_step_[{slice(), t + 1}];
        a = where(goes_on, from_a, end_a);
        b = where(goes_on, from_b, end_b);
      }
      labels[static_cast<size_t>(t)] = exp(as_[static_cast<size_t>(t)] + a - rest);
      blanks[static_cast<size_t>(t)] = sum(exp(bs_[static_cast<size_t>(t)] + b - rest), 1);
    }
    const DType dtype = x_.dtype();
    const Array classes = arange(x_.shape(2)), is_class = (expand_dims(labels_, 2) == classes).astype(dtype);
    const Array of_labels = matmul(stack(labels, 1), is_class),
                of_blank = expand_dims(stack(blanks, 1), 2) * (classes == args_.blank).astype(dtype);
    const Array counts_at_all = is_step_ & expand_dims(expand_dims(!is_never, 1), 2);
    return where(counts_at_all, exp(log_p_) - of_labels - of_blank, 0);
  }

  const CtcArgs& args_;
  Array lengths_, counts_, labels_, is_label_, can_skip_, is_step_, x_, log_p_, end_;
  int64_t steps_, n_;
  DType dtype_{};
  std::vector<Array> as_, bs_;
};

std::vector<Array> compose_ctc(const Call& call) { return Composition(call).outputs(); }

// d logits = d loss * slopes
std::vector<Array> reverse_ctc(const RecordedCall& call, std::span<const Array> cotangents) {
  const Array change = widened(cotangents[0]);
  return {(reshape(change, NewShape(Shape{change.size(), 1, 1})) * call.outputs[1]).astype(call[0].dtype()), Array(), Array(), Array()};
}

constinit const OpDef ctc_loss_op{.name = "ctc_loss",
                                  .inputs = ctc_inputs,
                                  .args = args_of<CtcArgs>,
                                  .infer = infer_ctc,
                                  .derivative = composed(compose_ctc, reverse_ctc),
                                  .batch = batch_ctc,
                                  .kernel = {.prepare = prepare},
                                  .hidden_outputs = 1};

// Lengths as the op wants them.
Array lengths_of(std::string_view what, const Array& lengths, int64_t examples, int64_t all) {
  if (!lengths.exists()) return full({examples}, all).astype(int64);
  if (!lengths.dtype().is_integer()) fail("ctc_loss", what, " has dtype ", lengths.dtype(), "; it must be integers, one an example");
  if (lengths.shape() != Shape{examples}) {
    fail("ctc_loss", what, " is ", lengths.shape(), " and logits has ", examples, " examples; it must be (", examples, ",)");
  }
  return lengths.astype(int64);
}

}  // namespace

Array ctc_loss(const Array& logits, const Array& targets) { return ctc_loss(logits, targets, {}); }
Array ctc_loss(const Array& logits, const Array& targets, CtcOptions options) {
  if (logits.rank() != 3) fail("ctc_loss", "logits is ", logits.shape(), "; it must be (examples, steps, classes)");
  const int64_t examples = logits.shape(0), classes = logits.shape(2);
  if (!targets.dtype().is_integer())
    fail("ctc_loss", "targets has dtype ", targets.dtype(), "; labels must be integers (targets.astype(int64))");
  if (targets.rank() != 2 || targets.shape(0) != examples) {
    fail("ctc_loss", "logits is ", logits.shape(), " and targets is ", targets.shape(), "; targets must be (", examples,
         ", labels), short ones padded with anything, and target_lengths say how many count");
  }
  if (options.blank < 0 || options.blank >= classes) {
    fail("ctc_loss", "blank is ", options.blank, " and logits has ", classes, " classes; it must be one of them, from 0 to ", classes - 1);
  }
  const Array input_lengths = lengths_of("input_lengths", options.input_lengths, examples, logits.shape(1)),
              target_lengths = lengths_of("target_lengths", options.target_lengths, examples, targets.shape(1));
  return apply(ctc_loss_op, {logits, targets.astype(int64), input_lengths, target_lengths}, CtcArgs{options.blank, options.zero_infinity});
}

std::span<const OpDef* const> rule::ctc_ops() {
  static constexpr const OpDef* ops[] = {&ctc_loss_op};
  return ops;
}

}  // namespace gradus
