// OpDef: everything that is true of an op, in one literal block; and the calls that its rules receive.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "gradus/backend/epilogue.hpp"
#include "gradus/backend/function.hpp"
#include "gradus/backend/kernel.hpp"
#include "gradus/graph/args.hpp"
#include "gradus/graph/array.hpp"

namespace gradus::rule {

struct OpDef;

/// A set of dtypes that an input accepts.
struct DTypeSet {
  uint16_t bits = 0;
  constexpr bool has(DType dtype) const { return bits >> static_cast<int>(dtype.code()) & 1; }
  friend constexpr DTypeSet operator|(DTypeSet a, DTypeSet b) { return {static_cast<uint16_t>(a.bits | b.bits)}; }
};
constexpr DTypeSet only(DType dtype) { return {static_cast<uint16_t>(1 << static_cast<int>(dtype.code()))}; }
inline constexpr DTypeSet bools = only(bool_), integers = only(uint8) | only(int32) | only(int64),
                          floats = only(float16) | only(bfloat16) | only(float32) | only(float64), numbers = integers | floats,
                          any_dtype = bools | numbers, indices = only(int32) | only(int64);
std::string to_text(DTypeSet set);

/// One input of an op: its name in messages and what it accepts. Optional ones come last; apply takes an empty Array for one that is left
/// out, and the op's rules and kernels see only those that are there (Call::has, Call::place).
struct Input {
  std::string_view name;
  DTypeSet dtypes = any_dtype;
  bool is_optional = false;
};

/// A call being checked: the op, its parameters and its inputs (whose values need not exist).
struct Call {
  const OpDef& op;
  const Args& args;
  std::span<const Array> inputs;

  const Array& operator[](size_t input) const { return inputs[input]; }
  bool has(size_t input) const { return args.place(input) >= 0; }
  /// An optional input, by its number among the op's inputs; empty if it was left out.
  Array optional(size_t input) const { return has(input) ? inputs[static_cast<size_t>(args.place(input))] : Array(); }
  template <class T>
  const T& as() const {
    return args.as<T>();
  }
};
/// A call that has been recorded, with its outputs (hidden ones included).
struct RecordedCall : Call {
  std::span<const Array> outputs;
};

/// Which dtype the inputs are brought to before the op sees them.
enum class Promotion : uint8_t {
  none,      ///< each input keeps its own
  common,    ///< all are cast to the dtype in which they meet
  floating,  ///< the same, and integers and bools go to float32
};

/// Shape rule: dtypes and shapes of the outputs; throws where the inputs do not fit.
struct InferRule {
  Aval (*one)(const Call&) = nullptr;
  std::vector<Aval> (*all)(const Call&) = nullptr;
  constexpr InferRule(Aval (*rule)(const Call&)) : one(rule) {}                // NOLINT: implicit on purpose
  constexpr InferRule(std::vector<Aval> (*rule)(const Call&)) : all(rule) {}  // NOLINT: implicit on purpose
};

/// Element-wise: dy/dx of one input, an array that broadcasts to the output's shape.
using SlopeRule = Array (*)(const RecordedCall&, int input);
/// Linear in `input`: the cotangent of that input, in that input's shape.
using TransposeRule = Array (*)(const RecordedCall&, int input, const Array& cotangent);
/// The same outputs from plain ops, one array an output.
using ComposeRule = std::vector<Array> (*)(const Call&);
/// The cotangent of each input; an empty Array for "none". Cotangents of float outputs are given (zeros where nothing arrived).
using ReverseRule = std::vector<Array> (*)(const RecordedCall&, std::span<const Array> cotangents);
/// The tangent of each output from the tangents of the inputs (empty where zero).
using ForwardRule = std::vector<Array> (*)(const RecordedCall&, std::span<const Array> tangents);

/// How an op is differentiated: one of six kinds. There is no default: leaving it out of an OpDef does not compile.
struct Derivative {
  enum class Kind : uint8_t { slopes, linear, composed, from_output, custom, not_differentiable };
  Kind kind;
  uint32_t linear_inputs = 0;  ///< linear: bit i set if linear in input i; the others must not be differentiated
  SlopeRule slope = nullptr;
  TransposeRule transpose = nullptr;
  ComposeRule compose = nullptr;
  ReverseRule reverse = nullptr;
  ForwardRule forward = nullptr;
  std::string_view reason{};

  Derivative() = delete;
  constexpr explicit Derivative(Kind kind) : kind(kind) {}
};
constexpr Derivative slopes(SlopeRule rule) {
  Derivative d(Derivative::Kind::slopes);
  d.slope = rule;
  return d;
}
/// Linear in each of the inputs whose bit is set, separately (default: all).
constexpr Derivative linear(TransposeRule rule, uint32_t inputs = ~0u) {
  Derivative d(Derivative::Kind::linear);
  d.transpose = rule;
  d.linear_inputs = inputs;
  return d;
}
/// Differentiated through the plain composition; `reverse`, if given, is a fused shortcut for first-order reverse mode whose own ops are
/// of kind composed and linear in the cotangent.
constexpr Derivative composed(ComposeRule rule, ReverseRule reverse = nullptr) {
  Derivative d(Derivative::Kind::composed);
  d.compose = rule;
  d.reverse = reverse;
  return d;
}
/// The reverse rule is given, in ops linear in the cotangent; the forward rule is its transpose.
constexpr Derivative from_output(ReverseRule rule) {
  Derivative d(Derivative::Kind::from_output);
  d.reverse = rule;
  return d;
}
constexpr Derivative custom(ReverseRule reverse, ForwardRule forward) {
  Derivative d(Derivative::Kind::custom);
  d.reverse = reverse;
  d.forward = forward;
  return d;
}
/// An error, with `reason`, once a nonzero tangent or cotangent arrives. Ops with only integer or bool outputs need no better.
constexpr Derivative not_differentiable(std::string_view reason) {
  Derivative d(Derivative::Kind::not_differentiable);
  d.reason = reason;
  return d;
}

/// Batching rule of vmap. `call.inputs[i]` has the batch as axis 0 where is_batched[i]; at least one is. Returns all outputs, with the
/// batch as axis 0; nothing where the op's composition should be batched instead (kind composed), as without any rule. Rules that many ops
/// share: ops/batch.hpp.
using BatchRule = std::vector<Array> (*)(const Call& call, std::span<const bool> is_batched, int64_t batch_size);

/// A view op: fills the strides and the offset (elements) of the output on the input's memory; false if a copy of input 0 must come first.
/// `out.shape` and `out.dtype` are set before the call.
using ViewRule = bool (*)(const Args& args, const Layout& in, Layout& out, int64_t& offset);

/// What a kernel is prepared for.
struct KernelCall {
  const OpDef& op;
  const Args& args;
  std::span<const Layout> inputs, outputs;   ///< outputs are contiguous
  std::span<const bool> is_output_needed;    ///< unneeded outputs have a null pointer at the run
  backend::Epilogue epilogue{};                  ///< only of ops whose entry absorbs it; its bias is the last input
  int64_t whole_batch = 0;                   ///< examples of the op of which this kernel does a block, in one thread; 0: it does all

  /// Whether the call has an optional input, by its number among the op's inputs.
  bool has(size_t input) const { return args.place(input) >= 0; }
  template <class T>
  const T& as() const {
    return args.as<T>();
  }
};
/// How a backend computes an op. That of the processor stands in the op's own block; other backends have tables of their own
/// (plan/backend.hpp).
struct KernelEntry {
  backend::KernelPtr (*prepare)(const KernelCall&) = nullptr;
  uint32_t strided_inputs = 0;  ///< bit i set if input i may have any strides; the others arrive contiguous
  /// Whether the kernel can do this to its first output before storing it; null: never.
  bool (*absorbs)(const Args& args, std::span<const Layout> inputs, const backend::Epilogue& epilogue) = nullptr;
  /// in_place[k] = {output, input}: that output may be written over that input if both have the same layout; output -1 ends the list.
  struct InPlace {
    int8_t output = -1, input = -1;
  };
  InPlace in_place[4] = {};
  /// Of ops whose outputs are made example by example (along axis 0), in kernels that cannot fail: the inputs of which example i of an
  /// output reads example i, as bits; it reads the others as a whole. 0: not with these inputs. Null: never.
  uint32_t (*by_example)(std::span<const Layout> inputs) = nullptr;
  uint32_t rounded_inputs = 0;  ///< bit i set if input i arrives in bfloat16: of float32 the plan rounds it, once for all its readers
  uint32_t widened_inputs = 0;  ///< bit i set if input i, where it is float32 cast from bfloat16, may as well come in bfloat16
};

inline uint32_t by_first_input(std::span<const Layout>) { return 1; }
inline uint32_t by_all_inputs(std::span<const Layout>) { return ~0u; }

/// An op that is evaluated as a step of its own, outside of any plan: its inputs are computed; returns computed outputs (an output that
/// is not needed may be an empty Array). It may evaluate (loops over closed graphs).
using HostRule = std::vector<Array> (*)(const Call& call, std::span<const bool> is_output_needed);

/// Multiply-adds of a product, from the shapes of its inputs and of its output.
using WorkRule = int64_t (*)(std::span<const Shape> inputs, const Shape& output);

/// The op's parameters from their fields: args_of of the op's own struct.
using ArgsRule = Args (*)(std::string_view op, std::span<const Field> fields);

/// Everything that is true of an op. A literal: constinit const, no dynamic initialisation.
struct OpDef {
  std::string_view name;
  std::span<const Input> inputs;
  bool is_variadic = false;  ///< the last Input stands for any number of inputs
  Promotion promotion = Promotion::none;
  ArgsRule args = nullptr;  ///< null for ops without parameters
  InferRule infer;
  Derivative derivative;
  BatchRule batch = nullptr;                              ///< null: through the composition, if it has one
  ViewRule view = nullptr;                                ///< set for ops that only rearrange strides
  const backend::Function* elementwise = nullptr;  ///< set for element-wise ops: the plan fuses them
  KernelEntry kernel = {};                        ///< on the processor
  HostRule host = nullptr;       ///< instead of a kernel
  ComposeRule expand = nullptr;  ///< instead of a kernel: the evaluator puts these ops in its place (checkpoint, custom derivatives)
  WorkRule work = nullptr;       ///< set for products and convolutions, whose time it is
  bool takes_empty_cotangents = false;  ///< its reverse rule wants empty Arrays, not zeros, where no cotangent arrived
  int hidden_outputs = 0;  ///< the last so many outputs are residuals for the derivative; users do not see them
};

/// Checks the inputs, promotes, infers and records one node; returns its first output.
Array apply(const OpDef& op, std::span<const Array> inputs, Args args = {});
/// The same with all outputs, hidden ones included.
std::vector<Array> apply_all(const OpDef& op, std::span<const Array> inputs, Args args = {});
inline Array apply(const OpDef& op, std::initializer_list<Array> inputs, Args args = {}) {
  return apply(op, std::span<const Array>(inputs.begin(), inputs.size()), std::move(args));
}
inline std::vector<Array> apply_all(const OpDef& op, std::initializer_list<Array> inputs, Args args = {}) {
  return apply_all(op, std::span<const Array>(inputs.begin(), inputs.size()), std::move(args));
}

/// The parameters that Args::fields has written, read back: what files and other languages say of a call. Throws for a field that the op
/// has not and for one of another type; what the values mean is checked by the op's shape rule.
Args read_args(const OpDef& op, std::span<const Field> fields);

/// Shape rule of ops whose output is like their first input.
Aval same_as_first(const Call& call);
/// Shape rule of element-wise ops with promotion: the shape all inputs broadcast to, in the dtype they were brought to.
Aval broadcast_inputs(const Call& call);
/// The same, with dtype bool (comparisons, tests).
Aval broadcast_to_bool(const Call& call);
/// The dtype in which the inputs meet. Numbers count as weak; inputs that accept only bool (conditions) do not count.
DType common_dtype(const OpDef& op, std::span<const Array> inputs);
/// Throws the error of a wrong number of inputs, an empty Array, or a dtype that the op does not accept. `absent`: see Args.
void check_inputs(const OpDef& op, std::span<const Array> inputs, uint32_t absent = 0);

}  // namespace gradus::rule
