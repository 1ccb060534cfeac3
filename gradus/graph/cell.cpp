// Cells and the scopes that redirect them.
#include "gradus/base/error.hpp"
#include "gradus/base/per_thread.hpp"
#include "gradus/graph/cell_scope.hpp"
#include "gradus/graph/leaf.hpp"
#include "gradus/graph/trace.hpp"

namespace gradus::core {

namespace {
thread_local CellScope* innermost = nullptr;
constinit thread_local PerThread<std::vector<Array>> pending_values;
}  // namespace

bool Cell::has_value() const {
  for (const CellScope* scope = innermost; scope; scope = scope->outer_) {
    if (scope->find(this)) return true;
  }
  return is_given_.load(std::memory_order_acquire);
}

const Array& Cell::get() const {
  for (const CellScope* scope = innermost; scope; scope = scope->outer_) {
    if (const Array* value = scope->find(this)) return *value;
    scope->check_open();
  }
  if (!is_given_.load(std::memory_order_acquire))
    fail("parameter", "it has no value yet; call the model once or build it with nn::build(model, shape)");
  return value_;
}

void Cell::set(Array value) {
  if (!innermost) {
    commit(std::move(value));
    return;
  }
  innermost->write(this, apply(stop_gradient_op, {value}));
}

void Cell::commit(Array value) {
  const Node* node = value.node();  // not is_leaf(): another thread may be computing it and dropping its inputs
  if (!node->is_scalar() && !node->is_placeholder() && !node->is_ready(value.output_index())) pending_values->push_back(value);
  value_ = std::move(value);
  is_given_.store(value_.exists(), std::memory_order_release);
}

CellScope::CellScope(std::string_view closed_by) : closed_by_(closed_by), outer_(innermost) { innermost = this; }
CellScope::~CellScope() { innermost = outer_; }

const Array* CellScope::find(const Cell* cell) const {
  if (const auto at = written_at_.find(cell); at != written_at_.end()) return &writes_[at->second].value;
  if (const auto at = bound_at_.find(cell); at != bound_at_.end()) return &bound_[at->second].value;
  return nullptr;
}

void CellScope::check_open() const {
  if (closed_by_.empty()) return;
  fail(closed_by_, "the function uses a variable that is not in its state; name the module or optimizer that holds it: ", closed_by_,
       "(function, model, optimizer)");
}

void CellScope::bind(const CellPtr& cell, Array value) {
  const auto [at, is_new] = bound_at_.emplace(cell.get(), bound_.size());
  if (is_new) bound_.push_back({cell, std::move(value)});
  else bound_[at->second].value = std::move(value);
}

void CellScope::write(Cell* cell, Array value) {
  if (!find(cell)) check_open();
  const auto [at, is_new] = written_at_.emplace(cell, writes_.size());
  if (is_new) writes_.push_back({cell->shared_from_this(), std::move(value)});
  else writes_[at->second].value = std::move(value);
}

void CellScope::commit() {
  for (CellWrite& write : writes_) {
    if (outer_) outer_->write(write.cell.get(), std::move(write.value));
    else write.cell->commit(std::move(write.value));
  }
  discard();
}

void CellScope::discard() {
  writes_.clear();
  written_at_.clear();
}

void keep_pending_cell(Array value) { pending_values->push_back(std::move(value)); }
std::vector<Array> take_pending_cells() {
  std::vector<Array> values = std::exchange(*pending_values, {});
  // Of a cell that has gone, or has another value by now, nobody asks for this one: it may be what was too large to be computed.
  std::erase_if(values,
                [](const Array& value) { return value.node()->output(value.output_index()).handles.load(std::memory_order_relaxed) == 1; });
  return values;
}

}  // namespace gradus::core
