// First values of parameters, and copies of them.
#include "gradus/graph/parameter.hpp"

#include <mutex>

#include "gradus/base/error.hpp"
#include "gradus/graph/trace.hpp"

namespace gradus {

using namespace core;

VariableHandle::VariableHandle(const VariableHandle& other) : VariableHandle(other.cell_->kind) {
  cell_->is_trainable = other.cell_->is_trainable;
  cell_->is_used = other.cell_->is_used;
  if (other.has_value()) cell_->commit(other.get());
}

VariableHandle& VariableHandle::operator=(const VariableHandle& other) {
  if (this == &other || cell_ == other.cell_) return *this;
  if (cell_ && other.has_value()) cell_->set(other.get());
  else *this = VariableHandle(other);
  cell_->is_trainable = other.cell_->is_trainable;
  cell_->is_used = other.cell_->is_used;
  return *this;
}

void VariableHandle::build(const Shape& shape, FunctionRef<Array(const Shape&)> init) const {
  if (is_tracing() && !is_tracing(TraceKind::building)) {
    fail("parameter", "a new one of shape ", shape, " would be made inside a transform; call the model once before, or build it with ",
         "nn::build(model, shape)");
  }
  static std::recursive_mutex* mutex = new std::recursive_mutex;
  std::lock_guard lock(*mutex);
  if (has_value()) return;  // another thread was first
  Array value = init(shape);
  if (value.shape() != shape) fail("parameter", "the initialiser gave ", value.shape(), " for shape ", shape, "; they must be equal");
  cell_->commit(std::move(value));
}

const Array& VariableHandle::checked(const Shape& shape) const {
  const Array& value = get();
  if (value.shape() != shape) {
    fail("parameter", "it has shape ", value.shape(), ", this call needs ", shape, "; a module's sizes are fixed by its first call");
  }
  return value;
}

}  // namespace gradus
