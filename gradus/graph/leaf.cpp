// Leaves, and the ops that every transform knows: identity and barrier.
#include "gradus/graph/leaf.hpp"

#include "gradus/graph/trace.hpp"

namespace gradus::core {

namespace {

Aval no_inference(const Call&) { return {}; }

constexpr Input identity_inputs[] = {{"x"}};
bool view_same(const Args&, const Layout& in, Layout& out, int64_t&) {
  out.strides = in.strides;
  return true;
}
// y = x  =>  dx = dy
Array identity_transpose(const RecordedCall&, int, const Array& cotangent) { return cotangent; }
std::vector<Array> identity_batch(const Call& call, std::span<const bool>, int64_t) { return {call[0]}; }

// y = x, held constant  =>  dx = 0
std::vector<Array> no_change(const RecordedCall&, std::span<const Array>) { return {Array()}; }
std::vector<Array> stop_gradient_batch(const Call& call, std::span<const bool>, int64_t) { return {apply(stop_gradient_op, call.inputs)}; }

std::vector<Aval> infer_barrier(const Call& call) {
  std::vector<Aval> avals;
  for (const Array& input : call.inputs) avals.push_back(input.aval());
  return avals;
}
// y_i = x_i  =>  dx_i = dy_i; the tangents and cotangents need no barrier of their own.
std::vector<Array> barrier_same(const RecordedCall&, std::span<const Array> changes) { return {changes.begin(), changes.end()}; }
std::vector<Array> barrier_batch(const Call& call, std::span<const bool>, int64_t) { return apply_all(barrier_op, call.inputs); }

struct CastArgs {
  DType dtype{};
  GRADUS_FIELDS(dtype)
};
Aval infer_cast(const Call& call) { return {call.as<CastArgs>().dtype, call[0].shape(), false}; }
std::vector<Array> cast_batch(const Call& call, std::span<const bool>, int64_t) { return {apply(cast_op, call.inputs, call.args)}; }

}  // namespace

constinit const OpDef data_op{
    .name = "data", .inputs = {}, .infer = no_inference, .derivative = not_differentiable("a leaf has no inputs")};
constinit const OpDef scalar_op{
    .name = "scalar", .inputs = {}, .infer = no_inference, .derivative = not_differentiable("a leaf has no inputs")};
constinit const OpDef placeholder_op{
    .name = "placeholder", .inputs = {}, .infer = no_inference, .derivative = not_differentiable("a leaf has no inputs")};
constinit const OpDef identity_op{.name = "identity",
                                  .inputs = identity_inputs,
                                  .infer = same_as_first,
                                  .derivative = linear(identity_transpose),
                                  .batch = identity_batch,
                                  .view = view_same};
constinit const OpDef stop_gradient_op{.name = "stop_gradient",
                                       .inputs = identity_inputs,
                                       .infer = same_as_first,
                                       .derivative = custom(no_change, no_change),
                                       .batch = stop_gradient_batch,
                                       .view = view_same};
Args cast_args(DType dtype) { return CastArgs{dtype}; }

// y = x in another dtype  =>  dx = dy in the dtype of x
constinit const OpDef cast_op{
    .name = "cast",
    .inputs = identity_inputs,
    .args = args_of<CastArgs>,
    .infer = infer_cast,
    .derivative = linear([](const RecordedCall& call, int, const Array& dy) { return dy.astype(call[0].dtype()); }),
    .batch = cast_batch,
    .elementwise = &backend::cast_function};
constinit const OpDef barrier_op{.name = "barrier",
                                 .inputs = identity_inputs,
                                 .is_variadic = true,
                                 .infer = infer_barrier,
                                 .derivative = custom(barrier_same, barrier_same),
                                 .batch = barrier_batch,
                                 .takes_empty_cotangents = true};

Array make_leaf(Value value, const Aval& aval) {
  Node* node = Node::make(data_op, {}, {}, std::span<const Aval>(&aval, 1));
  node->publish(0, std::move(value));
  return Array(node, 0);
}

Array make_leaf(BufferPtr buffer, DType dtype, const Shape& shape) {
  return make_leaf(Value{std::move(buffer), contiguous_strides(shape), 0}, Aval{dtype, shape, false});
}

Array make_scalar(DType dtype, ScalarValue value, bool is_weak) {
  const Aval aval{dtype, Shape{}, is_weak};
  Node* node = Node::make(scalar_op, {}, {}, std::span<const Aval>(&aval, 1));
  node->scalar_ = value;
  return Array(node, 0);
}
Array make_scalar(double value) { return make_scalar(float64, ScalarValue{.real = value}, false); }
Array make_scalar(int64_t value) { return make_scalar(int64, ScalarValue{.integer = value}, false); }

Array make_placeholder(const Aval& aval) {
  Node* node = Node::make(placeholder_op, {}, {}, std::span<const Aval>(&aval, 1));
  node->session_ = current_session();
  return Array(node, 0);
}

bool can_view_now(const Array& x) {
  const Node* node = x.node();
  return node->is_ready(x.output_index()) && (node->session() == 0 || node->session() != current_session());
}

}  // namespace gradus::core

namespace gradus {

using namespace core;

Array Array::astype(DType dtype) const {
  if (this->dtype() == dtype && !is_weak()) return *this;
  return apply(cast_op, {*this}, CastArgs{dtype});
}

}  // namespace gradus
