// Nodes without inputs: data, numbers, placeholders; the few ops that every floor knows; and views that are made at once.
#pragma once

#include "gradus/graph/node.hpp"

namespace gradus::core {

extern const OpDef data_op;         ///< computed values
extern const OpDef scalar_op;       ///< one number, an input of plans and never part of their key
extern const OpDef placeholder_op;  ///< an argument of a closed graph
extern const OpDef identity_op;     ///< its input; a transform marks its arguments with it
extern const OpDef stop_gradient_op;  ///< its input, without derivative
extern const OpDef cast_op;           ///< its input in another dtype: Array::astype
extern const OpDef barrier_op;      ///< identity on several arrays that no pass of the plan sees through

/// An array on a buffer, row-major from its start.
Array make_leaf(BufferPtr buffer, DType dtype, const Shape& shape);
/// An array on part of a buffer.
Array make_leaf(Value value, const Aval& aval);
/// A number of rank 0; dtype float64, int64 or bool as stored in `value`.
Array make_scalar(DType dtype, ScalarValue value, bool is_weak);
Array make_scalar(double value);   ///< strong float64
Array make_scalar(int64_t value);  ///< strong int64
/// A symbol that has no value; using its value is an error of the transform that made it.
Array make_placeholder(const Aval& aval);

/// The parameters of a cast_op.
Args cast_args(DType dtype);

/// Whether a view of `x` is made at once instead of being recorded: x is computed and no open transform traces it.
bool can_view_now(const Array& x);

}  // namespace gradus::core
