// Recording an op: checks, promotion, shape rule, node.
#include <algorithm>
#include <bit>
#include <iterator>

#include "gradus/base/error.hpp"
#include "gradus/base/text.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/pending.hpp"
#include "gradus/graph/trace.hpp"

namespace gradus::rule {

namespace {

const Input& input_spec(const OpDef& op, size_t index) { return op.inputs[std::min(index, op.inputs.size() - 1)]; }
// Of input number `index` of those that a call has.
const Input& input_spec(const OpDef& op, size_t index, uint32_t absent) {
  for (size_t input = 0; absent >> input != 0 && input <= index; ++input) index += absent >> input & 1;
  return input_spec(op, index);
}

// The inputs without the optional ones that are empty, which are noted in `args`. A call that is recorded again comes without them already.
std::span<const Array> present_inputs(const OpDef& op, std::span<const Array> given, Args& args, std::vector<Array>& present) {
  if (op.inputs.empty() || !op.inputs.back().is_optional || given.size() != op.inputs.size()) return given;
  uint32_t absent = 0;
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i].exists()) continue;
    if (!op.inputs[i].is_optional) return given;  // which check_inputs refuses
    absent |= uint32_t{1} << i;
  }
  args.set_absent(absent);
  if (!absent) return given;
  std::copy_if(given.begin(), given.end(), std::back_inserter(present), [](const Array& input) { return input.exists(); });
  return present;
}

bool is_condition(const Input& input) { return input.dtypes.bits == bools.bits; }

bool are_weak(std::span<const Array> inputs) {
  return std::all_of(inputs.begin(), inputs.end(), [](const Array& input) { return input.is_weak(); });
}

// The dtype in which the op computes: where the inputs meet, or a float for ops on floats.
DType operating_dtype(const OpDef& op, std::span<const Array> inputs, bool all_weak) {
  const DType common = common_dtype(op, inputs);
  if (op.promotion != Promotion::floating || common.is_float()) return common;
  return all_weak ? float64 : float32;
}

// The dtype a number stands for when it meets no array: float32 of floats, unless the input takes float64 only.
DType strong_dtype(const Input& input, const Array& number) {
  if (number.dtype().is_float() || !input.dtypes.has(number.dtype())) return input.dtypes.has(float32) ? float32 : float64;
  return number.dtype();
}

// A number beside an integer array must be one that the array could hold.
void check_range(const OpDef& op, const Input& input, const Node& number, DType dtype) {
  if (!dtype.is_integer() || dtype == int64) return;
  const int64_t value = number.scalar().integer, low = dtype == uint8 ? 0 : INT32_MIN, high = dtype == uint8 ? UINT8_MAX : INT32_MAX;
  if (value >= low && value <= high) return;
  fail(op.name, input.name, " is the number ", value, " beside an array of dtype ", dtype, "; it must be from ", low, " to ", high);
}

// Brings the inputs to the dtype in which the op computes. Scalar leaves stay: element-wise kernels read them as numbers.
bool promote_inputs(const OpDef& op, std::span<const Array> inputs, uint32_t absent, std::vector<Array>& promoted) {
  const bool is_elementwise = op.elementwise != nullptr;
  const bool all_weak = is_elementwise && are_weak(inputs);
  bool is_changed = false;
  const auto change = [&](size_t i, DType dtype) {
    if (!is_changed) promoted.assign(inputs.begin(), inputs.end());
    is_changed = true;
    promoted[i] = inputs[i].astype(dtype);
  };
  if (op.promotion == Promotion::none) {
    if (op.host || op.expand) return false;  // numbers that a closed graph captured stay numbers
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!inputs[i].is_weak() || is_elementwise || &op == &identity_op) continue;
      const DType dtype = strong_dtype(input_spec(op, i, absent), inputs[i]);
      if (dtype != float64 || inputs[i].dtype() != float64) change(i, dtype);
    }
    return is_changed;
  }
  const DType common = operating_dtype(op, inputs, all_weak);
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (is_condition(input_spec(op, i, absent))) continue;
    // In a closed graph a number is a placeholder until the graph is called: cast here, it would be rounded to 16 bits before it is used.
    if (is_elementwise && inputs[i].is_weak() && inputs[i].rank() == 0 && inputs[i].node()->is_placeholder()) continue;
    if (is_elementwise && inputs[i].node()->is_scalar()) {
      check_range(op, input_spec(op, i, absent), *inputs[i].node(), common);
      continue;
    }
    if (inputs[i].dtype() != common || (inputs[i].is_weak() && !all_weak)) change(i, common);
  }
  return is_changed;
}

std::vector<Aval> infer(const OpDef& op, const Call& call) {
  if (op.infer.all) return op.infer.all(call);
  std::vector<Aval> one;
  one.push_back(op.infer.one(call));
  return one;
}

// A view of computed data is made at once: no node, and no plan that depends on the position.
bool view_now(const OpDef& op, const Args& args, std::span<const Array> inputs, const Aval& aval, Array& out) {
  if (!op.view || !can_view_now(inputs[0])) return false;
  const Output& source = inputs[0].node()->output(inputs[0].output_index());
  if (!source.value.buffer) return false;
  const Layout in{source.aval.dtype, source.aval.shape, source.value.strides};
  Layout layout{aval.dtype, aval.shape, {}};
  int64_t offset = 0;
  if (!op.view(args, in, layout, offset)) return false;
  out = make_leaf(Value{source.value.buffer, layout.strides, source.value.offset + offset}, aval);
  return true;
}

Node* record(const OpDef& op, std::span<const Array> all, Args args, Array* immediate) {
  std::vector<Array> present, promoted;
  const std::span<const Array> given = present_inputs(op, all, args, present);
  check_inputs(op, given, args.absent());
  const std::span<const Array> inputs = promote_inputs(op, given, args.absent(), promoted) ? std::span<const Array>(promoted) : given;
  const Call call{op, args, inputs};
  bool is_weak = (op.elementwise && op.promotion != Promotion::none) || &op == &identity_op;  // a cast makes a number strong
  for (const Array& input : inputs) is_weak &= input.is_weak();
  Node* node;
  if (op.infer.one) {
    Aval aval = op.infer.one(call);
    aval.is_weak = is_weak && !inputs.empty();
    if (immediate && view_now(op, args, inputs, aval, *immediate)) return nullptr;
    node = Node::make(op, std::move(args), inputs, std::span<const Aval>(&aval, 1));
  } else {
    node = Node::make(op, Args(args), inputs, infer(op, call));
  }
  return node;
}

}  // namespace

std::string to_text(DTypeSet set) {
  if (set.bits == any_dtype.bits) return "any dtype";
  if (set.bits == numbers.bits) return "a number";
  if (set.bits == floats.bits) return "a float dtype";
  if (set.bits == integers.bits) return "an integer dtype";
  std::vector<std::string> names;
  for (int code = 0; code < kDTypeCount; ++code) {
    const DType dtype{static_cast<DType::Code>(code)};
    if (set.has(dtype)) names.push_back(to_text(dtype));
  }
  return join(names, " or ");
}

void check_inputs(const OpDef& op, std::span<const Array> inputs, uint32_t absent) {
  const size_t count = inputs.size() + static_cast<size_t>(std::popcount(absent));
  const bool fits = op.is_variadic ? count + 1 >= op.inputs.size() : count == op.inputs.size();
  if (!fits) fail_bug(op.name, " was recorded with ", count, " inputs; it has ", op.inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& spec = input_spec(op, i, absent);
    if (!inputs[i].exists()) {
      const bool is_list = op.is_variadic && op.inputs.size() == 1;
      fail(op.name, spec.name, is_list ? concat("[", i, "]") : "", " is an empty Array; give it a value first");
    }
    const Aval& aval = inputs[i].aval();
    if (!spec.dtypes.has(aval.dtype) && op.promotion != Promotion::floating && !aval.is_weak) {
      fail(op.name, spec.name, " has dtype ", aval.dtype, "; it must be ", to_text(spec.dtypes),
           spec.dtypes.bits == floats.bits ? concat(" (", spec.name, ".astype(float32))") : "");
    }
  }
}

DType common_dtype(const OpDef& op, std::span<const Array> inputs) {
  DType strong{}, weak = bool_;
  bool has_strong = false, has_weak = false;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (is_condition(input_spec(op, i))) continue;
    const Aval& aval = inputs[i].aval();
    if (aval.is_weak) {
      weak = promote(weak, aval.dtype);
      has_weak = true;
    } else {
      strong = has_strong ? promote(strong, aval.dtype) : aval.dtype;
      has_strong = true;
    }
  }
  if (!has_strong) return op.elementwise || weak != float64 ? weak : float32;
  return has_weak ? promote_with_number(strong, weak) : strong;
}

Args read_args(const OpDef& op, std::span<const Field> fields) {
  if (op.args) return op.args(op.name, fields);
  if (!fields.empty()) fail(op.name, "it has no parameters; \"", fields[0].name, "\" was given");
  return {};
}

Aval same_as_first(const Call& call) { return {call[0].dtype(), call[0].shape(), false}; }

Aval broadcast_inputs(const Call& call) {
  const DType dtype = operating_dtype(call.op, call.inputs, are_weak(call.inputs));
  if (call.inputs.size() == 1) return {dtype, call[0].shape(), false};
  Shape shape = broadcast_shapes(call.op.name, call[0].shape(), call[1].shape());
  for (size_t i = 2; i < call.inputs.size(); ++i) shape = broadcast_shapes(call.op.name, shape, call[i].shape());
  return {dtype, shape, false};
}

Aval broadcast_to_bool(const Call& call) {
  Aval aval = broadcast_inputs(call);
  aval.dtype = bool_;
  return aval;
}

Array apply(const OpDef& op, std::span<const Array> inputs, Args args) {
  Array immediate;
  Node* node = record(op, inputs, std::move(args), &immediate);
  if (!node) return immediate;
  Array out(node, 0);
  count_pending(*node);  // which may throw: the handle owns the node by then
  return out;
}

std::vector<Array> apply_all(const OpDef& op, std::span<const Array> inputs, Args args) {
  Node* node = record(op, inputs, std::move(args), nullptr);
  std::vector<Array> outputs = node->output_arrays();
  count_pending(*node);
  return outputs;
}

}  // namespace gradus::rule
