// What the recurrent ops share: their parameters, shape rules, batches and the parts of a step. Not for users.
#pragma once

#include <vector>

#include "gradus/backend/recurrence.hpp"
#include "gradus/base/function_ref.hpp"
#include "gradus/graph/op_def.hpp"
#include "gradus/ops/recurrent.hpp"

namespace gradus::rule::recurrent {

struct RecurrentArgs {
  bool is_reversed = false;
  RecurrentActivation activation = RecurrentActivation::tanh;
  bool resets_after = true;  ///< of gru
  GRADUS_FIELDS(is_reversed, activation, resets_after)
};

extern const OpDef simple_rnn_op, simple_rnn_backward_op, lstm_op, lstm_backward_op, gru_op, gru_backward_op;

inline constexpr DTypeSet wide_floats = only(float32) | only(float64);
inline constexpr Input lengths_input{"lengths", only(int64), true};

/// Inputs of all forward ops: x (N, T, D), kernel (D, G H), recurrent_kernel (H, G H), then the states.
inline constexpr size_t input_x = 0, input_kernel = 1, input_recurrent = 2, input_state = 3;
/// Sizes of such a call.
struct Sizes {
  int64_t batch, steps, units;
};
/// Throws where kernels, states, biases or lengths do not fit `gates` gates. `bias`: places of the optional inputs from the first bias to
/// the lengths.
Sizes checked_sizes(const Call& call, int64_t gates, size_t bias, size_t lengths);
/// x W + b for all steps, without what lies outside of the sequences.
Array gates_of(const Call& call, size_t bias, const Array& is_inside);
/// x without what lies outside of the sequences, and the cotangents of x and bias from that of the gates' sums.
Array x_inside(const Call& call, const Array& lengths);
Array pull_x(const Call& call, const Array& dgates);
Array pull_bias(const Array& dgates);
/// Those of kernel and recurrent kernel, by one product: its rows are all steps, and to read them takes as long as to multiply. `before`:
/// the states that came into each step.
struct KernelChanges {
  Array kernel, recurrent;
};
KernelChanges pull_kernels(const Array& x, const Array& before, const Array& dgates);
/// Multiply-adds of a forward op.
int64_t work_of(std::span<const Shape> inputs, const Shape& ys);

/// What kernels are prepared for, but for what is an op's own.
backend::Recurrence recurrence_of(const KernelCall& call, int64_t batch, int64_t steps, int64_t units, size_t lengths);
/// The same of a forward op.
backend::Recurrence forward_recurrence(const KernelCall& call, size_t bias, size_t lengths);

/// The batch of vmap beside the batch of sequences; `shared`: the inputs, as bits, that all sequences share and that must not be batched.
/// Nothing otherwise.
std::vector<Array> batch_rows(const Call& call, std::span<const bool> is_batched, int64_t batch_size, uint32_t shared);

/// (N, T, 1): whether the steps lie inside their sequences.
Array inside(const Array& lengths, int64_t steps);
/// value where inside (which may be empty), else `other`.
Array where_inside(const Array& is_inside, const Array& value, const Array& other);
/// (N, T, H): the state that came into each step, of those after each step and the first.
Array states_before(const Array& states, const Array& first, const Array& lengths, bool is_reversed);

/// The functions of a layer: f, and that of its gates.
using ArrayFunction = FunctionRef<Array(const Array&)>;
struct Functions {
  ArrayFunction activation, recurrent_activation;
};
/// One step of lstm: from x W + b + h U (N, 4H) and c. gates: after their functions.
struct LSTMStep {
  Array h, c, gates;
};
LSTMStep lstm_step(const Array& sums, const Array& c, const Functions& functions);
/// The columns of z and r (..., 2H), and those of n (..., H).
struct GRUColumns {
  explicit GRUColumns(const Array& x);
  Array zr{}, n{};
};
/// One step of gru: from x W + b (N, 3H), h and U. `seen`: what the products see of h. gates after their functions; product: h U + b of n,
/// or r h.
struct GRUStep {
  Array h, gates, product;
};
struct GRUKernel {
  GRUColumns kernel, bias;
  bool resets_after = true;
};
GRUStep gru_step(const Array& x, const Array& h, const Array& seen, const GRUKernel& kernel, const Functions& functions);

/// Functions of a layer by name, and their slopes by their values: dx of y = f(x).
Array activate(RecurrentActivation activation, const Array& x);
Array pull_activation(RecurrentActivation activation, const Array& y, const Array& dy);
Array pull_sigmoid(const Array& y, const Array& dy);

/// (N, T, K) as (N T, K).
Array rows_of(const Array& x);
/// dU of the product of states (N, T, H) and U, from the cotangent of the product (N, T, K).
Array pull_weights(const Array& states, const Array& change);
/// The given cotangent, or zeros of that shape.
Array or_zeros_of(const Array& change, const Shape& shape, DType dtype);

}  // namespace gradus::rule::recurrent
