// What a trace does to cells: bindings and writes, kept apart until the transform succeeds.
#pragma once

#include <string_view>
#include <unordered_map>
#include <vector>

#include "gradus/graph/cell.hpp"

namespace gradus::core {

/// A write recorded inside a trace.
struct CellWrite {
  CellPtr cell;
  Array value;
};

/// What one trace has bound and written; scopes stack up in a thread, inner ones first. Made by every transform beside its TraceScope.
class CellScope {
 public:
  /// `closed_by` names a transform in which reading a cell that it has not bound is an error (compile).
  explicit CellScope(std::string_view closed_by = {});
  /// Forgets all that was not committed.
  ~CellScope();
  CellScope(const CellScope&) = delete;
  CellScope& operator=(const CellScope&) = delete;

  /// get() of this cell gives `value` while the scope lives (a fresh argument node, a placeholder).
  void bind(const CellPtr& cell, Array value);
  /// Writes recorded in this scope, the last one of each cell, in order of first write.
  const std::vector<CellWrite>& writes() const { return writes_; }
  /// Hands the writes to the enclosing scope, or to the cells if there is none. After success of the transform.
  void commit();
  /// Forgets the writes (a recorded call that must not count).
  void discard();

 private:
  friend class Cell;
  const Array* find(const Cell* cell) const;
  void check_open() const;
  void write(Cell* cell, Array value);
  std::vector<CellWrite> bound_, writes_;
  std::unordered_map<const Cell*, uint32_t> bound_at_, written_at_;
  std::string_view closed_by_;
  CellScope* outer_;
};

}  // namespace gradus::core
