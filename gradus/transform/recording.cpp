// Opening and closing of recordings.
#include "gradus/transform/recording.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/walk.hpp"
#include "gradus/transform/recording_scope.hpp"

namespace gradus::core {

Recording::Recording(TraceKind kind) : kind_(kind), scope_(std::make_unique<RecordingScope>(kind)) {}
Recording::~Recording() = default;

Array Recording::add(const Array& x) {
  if (!x.exists()) fail(name_of(kind_), "an argument is an empty Array; give it a value first");
  parameters_.push_back(mark_argument(x));
  return parameters_.back();
}

Array Recording::add_symbol(const Aval& aval) {
  parameters_.push_back(make_placeholder(aval));
  return parameters_.back();
}

void Recording::draw_from(const Array& key) { scope_->draw_from(random::Key::from_array(key)); }
void Recording::end_draws() { scope_->end_draws(); }

Closure Recording::close(std::vector<Array> outputs) {
  for (const Array& output : outputs) {
    if (!output.exists()) fail(name_of(kind_), "the function returned an empty Array; it must return a value");
  }
  for (const CellWrite& write : scope_->writes()) {
    cells_written_.push_back(write.cell);
    outputs.push_back(write.value);
  }
  Closure closure = close_over(parameters_, outputs);
  scope_.reset();
  return closure;
}

void Recording::write_back(std::span<const Array> values) const {
  for (size_t i = 0; i < cells_written_.size(); ++i) cells_written_[i]->set(values[i]);
}

void Recording::refuse_writes() const {
  if (cells_written_.empty()) return;
  fail(name_of(kind_), "the function assigns to a variable of a module; it must return the value instead");
}

}  // namespace gradus::core
