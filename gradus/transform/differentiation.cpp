// The trace of a differentiated call, and the walks that end it.
#include "gradus/transform/differentiation.hpp"

#include <algorithm>

#include "gradus/base/error.hpp"
#include "gradus/graph/evaluate.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/batching.hpp"
#include "gradus/transform/differentiate.hpp"
#include "gradus/transform/recording_scope.hpp"

namespace gradus::core {

Differentiation::Differentiation(TraceKind kind, std::string_view name, bool is_chosen) : kind_(kind), name_(name), is_chosen_(is_chosen) {}
Differentiation::~Differentiation() = default;

void Differentiation::commit() { scope_->commit(); }

void Differentiation::add_array(const Array& x, size_t argument) {
  if (!x.exists()) fail(name_, "argument ", argument, " is an empty Array; give it a value first");
  leaves_.push_back({{}, x, {}, argument});
}

void Differentiation::add_constant(const Array& x) {
  if (x.exists()) constants_.push_back(x);
}

void Differentiation::add_module(std::vector<Variable> variables, size_t argument, bool is_differentiated) {
  size_t trainable = 0;
  for (Variable& variable : variables) {
    if (is_differentiated && variable.is_trainable()) {
      ++trainable;
      leaves_.push_back({std::move(variable), {}, {}, argument});
    } else {
      states_.push_back(std::move(variable));
    }
  }
  if (is_differentiated && trainable == 0) fail(name_, "argument ", argument, " is a module without a trainable parameter");
}

bool Differentiation::is_missing(FunctionTag function) const {
  const auto lacks = [&](const Variable& variable) { return lacks_value(variable, function); };
  for (const Leaf& leaf : leaves_) {
    if (lacks(leaf.variable)) return true;
  }
  return std::any_of(states_.begin(), states_.end(), lacks);
}

void Differentiation::build(FunctionTag function, FunctionRef<void()> plain_call) {
  std::vector<Variable> all = states_;
  for (const Leaf& leaf : leaves_) all.push_back(leaf.variable);
  build_variables(all, function, plain_call);
}

void Differentiation::open(FunctionTag function, FunctionRef<void()> plain_call) {
  const bool is_outermost = !is_tracing();
  if ((is_outermost || is_tracing(TraceKind::building)) && is_missing(function)) build(function, plain_call);
  std::erase_if(leaves_, [](const Leaf& leaf) { return leaf.is_module() && !leaf.variable.exists(); });
  for (Leaf& leaf : leaves_) {
    if (leaf.is_module()) leaf.value = leaf.variable.get();
  }
  if (is_outermost) {
    std::vector<Array> roots = constants_;
    for (const Leaf& leaf : leaves_) roots.push_back(leaf.value);
    for (const Variable& state : states_) {
      if (state.exists()) roots.push_back(state.get());
    }
    evaluate(roots);
  }
  scope_ = std::make_unique<RecordingScope>(kind_);
  for (Leaf& leaf : leaves_) mark(leaf);
}

void Differentiation::mark(Leaf& leaf) {
  if (!leaf.value.dtype().is_float()) {
    const std::string which = leaf.is_module() ? concat("parameter ", leaf.variable.path) : concat("argument ", leaf.argument);
    if (is_chosen_ || leaf.is_module() || kind_ != TraceKind::grad) {
      fail(name_, which, " has dtype ", leaf.value.dtype(), "; only floats have derivatives");
    }
    fail(name_, which, " has dtype ", leaf.value.dtype(), "; only floats have derivatives: choose the arguments by number, for example ",
         name_, "<0>(f)");
  }
  leaf.mark = mark_argument(leaf.value);
  if (leaf.is_module()) scope_->bind(leaf.variable, leaf.mark);
}

const Array& Differentiation::next_mark() {
  while (leaves_[next_].is_module()) ++next_;
  return leaves_[next_++].mark;
}

std::vector<Array> Differentiation::marks() const {
  std::vector<Array> out;
  for (const Leaf& leaf : leaves_) out.push_back(leaf.mark);
  return out;
}

void Differentiation::check_reached(const std::vector<Array>& gradients) const {
  for (size_t i = 0; i < leaves_.size();) {
    const size_t argument = leaves_[i].argument, first = i;
    bool is_reached = !leaves_[i].is_module();
    for (; i < leaves_.size() && leaves_[i].argument == argument; ++i) is_reached |= gradients[i].exists();
    if (!is_reached) {
      fail(name_, "the value depends on none of the ", i - first, " parameters of argument ", argument,
           "; the function must call the module that it is differentiated by");
    }
  }
}

std::vector<Array> Differentiation::gradients(const std::vector<Array>& outputs) const {
  if (outputs.empty() || !outputs[0].exists()) fail(name_, "the function returned no array; it must return a float scalar");
  const Array& value = outputs[0];
  if (value.rank() != 0) {
    fail(name_, "the function returned an array ", value.shape(), "; it must return a scalar, shape (): take sum or mean of it");
  }
  if (!value.dtype().is_float()) fail(name_, "the function returned a scalar of dtype ", value.dtype(), "; it must be a float");
  std::vector<Array> out = core::pull_back(std::span(&value, 1), std::vector<Array>{unit_change(value)}, marks());
  check_reached(out);
  for (size_t i = 0; i < out.size(); ++i) out[i] = zeros_if_empty(out[i], leaves_[i].value);
  return out;
}

std::vector<Array> Differentiation::pull_back(const std::vector<Array>& outputs, const std::vector<Array>& cotangents) const {
  std::vector<Array> out = core::pull_back(outputs, cotangents, marks());
  for (size_t i = 0; i < out.size(); ++i) out[i] = zeros_if_empty(out[i], leaves_[i].value);
  return out;
}

std::vector<Array> Differentiation::zero_gradients() const {
  std::vector<Array> out;
  for (const Leaf& leaf : leaves_) out.push_back(zero_change(leaf.value));
  return out;
}

std::vector<Array> Differentiation::push_forward(const std::vector<Array>& tangents, const std::vector<Array>& outputs) const {
  if (tangents.size() != leaves_.size()) {
    fail(name_, "there are ", tangents.size(), " tangents for ", leaves_.size(), " arrays; there must be one for each");
  }
  for (size_t i = 0; i < tangents.size(); ++i) {
    if (tangents[i].exists() && tangents[i].shape() != leaves_[i].value.shape()) {
      fail(name_, "argument ", leaves_[i].argument, " is ", leaves_[i].value.shape(), ", its tangent ", tangents[i].shape(),
           "; they must be equal");
    }
  }
  std::vector<Array> out = core::push_forward(marks(), tangents, outputs);
  for (size_t k = 0; k < out.size(); ++k) out[k] = zeros_if_empty(out[k], outputs[k]);
  return out;
}

namespace {

Shape joined(const Shape& a, const Shape& b) {
  Dims sizes = a.dims();
  for (const int64_t size : b) sizes.push_back(size);
  return Shape(sizes);
}

// (n, shape): element k along the first axis has a one at its k-th place.
Array basis(const Array& x) { return reshape(eye(x.size(), x.dtype()), NewShape(joined(Shape(x.size()), x.shape()))); }

Array strong_symbol(const Array& x) { return make_placeholder({x.dtype(), x.shape(), false}); }

// u -> J^T u over all unit vectors u: the rows of J.
std::vector<Array> jacobian_rows(const Array& output, std::span<const Array> marks) {
  const Array symbol = strong_symbol(output);
  std::vector<Array> rows = pull_back(std::span(&output, 1), std::span(&symbol, 1), marks);
  rows = batch_graph(std::span(&symbol, 1), std::vector<Array>{basis(output)}, rows, output.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const Shape shape = joined(output.shape(), marks[i].shape());
    rows[i] = rows[i].exists() ? reshape(rows[i], NewShape(shape)) : zeros(shape, marks[i].dtype());
  }
  return rows;
}

// t -> J t over all unit vectors t: the columns of J, one list for each output.
std::vector<Array> jacobian_columns(const Array& mark, std::span<const Array> outputs) {
  const Array symbol = strong_symbol(mark);
  std::vector<Array> columns = push_forward(std::span(&mark, 1), std::span(&symbol, 1), outputs);
  columns = batch_graph(std::span(&symbol, 1), std::vector<Array>{basis(mark)}, columns, mark.size());
  for (size_t k = 0; k < columns.size(); ++k) {
    const Shape shape = joined(outputs[k].shape(), mark.shape());
    columns[k] = columns[k].exists() ? reshape(moveaxis(columns[k], 0, -1), NewShape(shape)) : zeros(shape, outputs[k].dtype());
  }
  return columns;
}

}  // namespace

std::vector<std::vector<Array>> Differentiation::jacobians(const std::vector<Array>& outputs, bool by_columns) const {
  const std::vector<Array> all = marks();
  for (const Array& output : outputs) {
    if (!output.dtype().is_float()) fail("jacobian", "the function returned an array of dtype ", output.dtype(), "; it must be a float");
  }
  std::vector<std::vector<Array>> out(outputs.size());
  if (by_columns) {
    for (const Array& mark : all) {
      std::vector<Array> columns = jacobian_columns(mark, outputs);
      for (size_t k = 0; k < outputs.size(); ++k) out[k].push_back(std::move(columns[k]));
    }
  } else {
    for (size_t k = 0; k < outputs.size(); ++k) out[k] = jacobian_rows(outputs[k], all);
  }
  return out;
}

Gradients Differentiation::named(const std::vector<Array>& values, size_t& next, size_t argument) const {
  std::vector<Gradients::Entry> entries;
  for (; next < leaves_.size() && leaves_[next].argument == argument && leaves_[next].is_module(); ++next) {
    entries.emplace_back(leaves_[next].variable.path, values[next]);
  }
  return Gradients(std::move(entries));
}

void Differentiation::collect_named(const Gradients& tangents, size_t argument, std::vector<Array>& out) const {
  size_t used = 0;
  for (const Leaf& leaf : leaves_) {
    if (leaf.argument != argument || !leaf.is_module()) continue;
    const bool has = tangents.contains(leaf.variable.path);
    out.push_back(has ? tangents[leaf.variable.path] : Array());
    used += has;
  }
  if (used == tangents.size()) return;
  std::vector<std::string> paths;
  for (const Leaf& leaf : leaves_) {
    if (leaf.argument == argument && leaf.is_module()) paths.push_back(leaf.variable.path);
  }
  for (const auto& [path, tangent] : tangents) {
    if (std::find(paths.begin(), paths.end(), path) != paths.end()) continue;
    fail(name_, "there is a tangent of \"", path, "\", but argument ", argument, " has no such parameter; it has ", join(paths));
  }
}

PullbackCore::PullbackCore(const Differentiation& differentiation, const std::vector<Array>& outputs) {
  std::vector<Array> symbols, cotangents;
  for (const Array& output : outputs) {
    avals_.push_back({output.dtype(), output.shape(), false});
    cotangents.push_back(output.dtype().is_float() ? make_placeholder(avals_.back()) : Array());
    if (cotangents.back().exists()) symbols.push_back(cotangents.back());
  }
  Closure closure = close_over(symbols, differentiation.pull_back(outputs, cotangents));
  graph_ = std::move(closure.graph);
  captured_ = std::move(closure.captured);
}

std::vector<Array> PullbackCore::operator()(const std::vector<Array>& cotangents) const {
  if (cotangents.size() != avals_.size()) {
    fail("vjp", "the pullback got ", cotangents.size(), " cotangents for ", avals_.size(), " outputs; there must be one for each");
  }
  std::vector<Array> inputs;
  for (size_t k = 0; k < cotangents.size(); ++k) {
    if (!avals_[k].dtype.is_float()) continue;
    if (cotangents[k].shape() != avals_[k].shape) {
      fail("vjp", "output ", k, " is ", avals_[k].shape, ", its cotangent ", cotangents[k].shape(), "; they must be equal");
    }
    inputs.push_back(cotangents[k].dtype() == avals_[k].dtype && !cotangents[k].is_weak() ? cotangents[k]
                                                                                          : cotangents[k].astype(avals_[k].dtype));
  }
  inputs.insert(inputs.end(), captured_.begin(), captured_.end());
  return graph_->call(inputs);
}

}  // namespace gradus::core
