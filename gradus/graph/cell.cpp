// Cells and the scopes that redirect them.
#include "gradus/graph/cell.hpp"

#include "gradus/base/error.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/trace.hpp"

namespace gradus {

namespace {
thread_local CellScope* innermost = nullptr;
thread_local std::vector<Array> pending_values;
}  // namespace

bool Cell::has_value() const {
  for (const CellScope* scope = innermost; scope; scope = scope->outer_) {
    if (scope->find(this)) return true;
  }
  return value_.exists();
}

const Array& Cell::get() const {
  for (const CellScope* scope = innermost; scope; scope = scope->outer_) {
    if (const Array* value = scope->find(this)) return *value;
  }
  if (!value_.exists()) fail("parameter", "it has no value yet; call the model once or build it with nn::build(model, shape)");
  return value_;
}

void Cell::set(Array value) {
  if (!innermost) {
    commit(std::move(value));
    return;
  }
  if (is_tracing(TraceKind::vmap) && value.node()->session() == current_session()) {
    fail("state", "a value that depends on vmap's batched arguments was assigned to a variable of shape ", value.shape(),
         "; under vmap there is one value an example, and a variable holds one");
  }
  innermost->write(this, apply(stop_gradient_op, {value}));
}

void Cell::commit(Array value) {
  if (!value.node()->is_leaf() && !value.node()->is_ready(value.output_index())) pending_values.push_back(value);
  value_ = std::move(value);
}

CellScope::CellScope() : outer_(innermost) { innermost = this; }
CellScope::~CellScope() { innermost = outer_; }

const Array* CellScope::find(const Cell* cell) const {
  for (const CellWrite& write : writes_) {
    if (write.cell.get() == cell) return &write.value;
  }
  for (const CellWrite& bound : bound_) {
    if (bound.cell.get() == cell) return &bound.value;
  }
  return nullptr;
}

void CellScope::bind(const CellPtr& cell, Array value) { bound_.push_back({cell, std::move(value)}); }

void CellScope::write(Cell* cell, Array value) {
  for (CellWrite& write : writes_) {
    if (write.cell.get() != cell) continue;
    write.value = std::move(value);
    return;
  }
  writes_.push_back({cell->shared_from_this(), std::move(value)});
}

void CellScope::commit() {
  for (CellWrite& write : writes_) {
    if (outer_) outer_->write(write.cell.get(), std::move(write.value));
    else write.cell->commit(std::move(write.value));
  }
  writes_.clear();
}

std::vector<Array> take_pending_cells() { return std::exchange(pending_values, {}); }

}  // namespace gradus
