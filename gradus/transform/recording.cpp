// Opening and closing of recordings.
#include "gradus/transform/recording.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"

namespace gradus::detail {

Recording::Recording(TraceKind kind) : kind_(kind) {
  trace_.emplace(kind);
  cells_.emplace();
}

Array Recording::add(const Array& x) {
  if (!x.exists()) fail(name_of(kind_), "an argument is an empty Array; give it a value first");
  parameters_.push_back(mark_argument(x));
  return parameters_.back();
}

Array Recording::add_symbol(const Aval& aval) {
  parameters_.push_back(make_placeholder(aval));
  return parameters_.back();
}

Closure Recording::close(std::vector<Array> outputs) {
  for (const Array& output : outputs) {
    if (!output.exists()) fail(name_of(kind_), "the function returned an empty Array; it must return a value");
  }
  for (const CellWrite& write : cells_->writes()) {
    cells_written_.push_back(write.cell);
    outputs.push_back(write.value);
  }
  Closure closure = close_over(parameters_, outputs);
  cells_.reset();
  trace_.reset();
  return closure;
}

void Recording::write_back(std::span<const Array> values) const {
  for (size_t i = 0; i < cells_written_.size(); ++i) cells_written_[i]->set(values[i]);
}

void Recording::refuse_writes() const {
  if (cells_written_.empty()) return;
  fail(name_of(kind_), "the function assigns to a variable of a module; it must return the value instead");
}

}  // namespace gradus::detail
