// The trace of one vmapped call.
#include "gradus/transform/vmap.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/ops/creation.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/ops/shape.hpp"
#include "gradus/transform/batching.hpp"
#include "gradus/transform/recording_scope.hpp"

namespace gradus::core {

Batching::Batching(std::vector<BatchAxis> axes, VmapOptions options, size_t arguments) : axes_(std::move(axes)), options_(options) {
  if (!axes_.empty() && axes_.size() != arguments) {
    fail("vmap", axes_.size(), " axes were given for ", arguments, " arguments; there must be one for each (whole: not batched)");
  }
}

Batching::~Batching() = default;

BatchAxis Batching::axis_of(size_t argument, bool is_module) const {
  if (!axes_.empty()) return axes_[argument];
  return is_module ? whole : BatchAxis(0);
}

void Batching::add(const Array& x, size_t argument, const std::string& path) {
  const std::string name = path.empty() ? concat("argument ", argument) : concat("parameter ", path, " of argument ", argument);
  if (!x.exists()) fail("vmap", name, " is an empty Array; give it a value first");
  const int64_t given = axis_of(argument, false).axis();
  if (x.rank() == 0) fail("vmap", name, " is a scalar; only arrays with an axis of examples can be batched (whole: not batched)");
  const int64_t axis = normalize_axis("vmap", given, x.rank());
  const int64_t size = x.shape()[axis];
  if (batch_size_ >= 0 && size != batch_size_) {
    fail("vmap", name, " has ", size, " examples along axis ", axis, ", argument ", batch_size_from_, " has ", batch_size_,
         "; they must be equal");
  }
  if (batch_size_ < 0) batch_size_from_ = argument;
  batch_size_ = size;
  values_.push_back(axis == 0 ? x : moveaxis(x, axis, 0));
}

void Batching::add_array(const Array& x, size_t argument) {
  add(x, argument, "");
  variables_.emplace_back();
}

void Batching::add_module(const std::vector<Variable>& variables, size_t argument) {
  for (const Variable& variable : variables) {
    if (!variable.exists()) continue;
    add(variable.get(), argument, variable.path);
    variables_.push_back(variable);
  }
}

void Batching::open() {
  if (batch_size_ < 0) fail("vmap", "no argument is batched; at least one must have an axis of examples");
  std::optional<random::Key> key;
  if (options_.randomness != Randomness::error) key = random::next_key();
  scope_ = std::make_unique<RecordingScope>(TraceKind::vmap);
  for (size_t i = 0; i < values_.size(); ++i) {
    Dims sizes = values_[i].shape().dims();
    sizes.erase(0);
    Array symbol = make_placeholder({values_[i].dtype(), Shape(sizes), false});
    symbols_.push_back(symbol);
    if (variables_[i].cell || variables_[i].member) scope_->bind(variables_[i], symbol);
  }
  if (options_.randomness == Randomness::same) scope_->draw_from(*key);
  if (options_.randomness == Randomness::different) {
    values_.push_back(random::fold_in(*key, arange(batch_size_)).array());
    symbols_.push_back(make_placeholder({int64, {}, false}));
    scope_->draw_from(random::Key::from_array(symbols_.back()));
  }
  // Symbols of models are read through their variables; only those of arguments are handed out.
  std::vector<Array> handed_out;
  for (size_t i = 0; i < variables_.size(); ++i) {
    if (!variables_[i].cell && !variables_[i].member) handed_out.push_back(symbols_[i]);
  }
  handed_out_ = std::move(handed_out);
}

std::vector<Array> Batching::batched(const std::vector<Array>& outputs) {
  scope_->end_draws();
  std::vector<Array> written;
  for (const CellWrite& write : scope_->writes()) written.push_back(write.value);
  if (!nodes_between(symbols_, written).empty()) {
    fail("vmap", "a value that differs between examples was assigned to a variable of a module; a variable holds one value");
  }
  std::vector<Array> out = batch_graph(symbols_, values_, outputs, batch_size_);
  scope_->commit();
  return out;
}

}  // namespace gradus::core
