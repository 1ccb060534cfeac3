// Cells: parameters, running statistics, moments, step counts. The one mutable thing; everything else is a value.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "gradus/graph/array.hpp"

namespace gradus::core {

/// A variable that holds an Array. Reading and writing go through the open transforms of the calling thread: inside a trace, get() gives
/// what the trace has bound or written, and set() is recorded and reaches the cell only when the outermost transform succeeds.
class Cell : public std::enable_shared_from_this<Cell> {
 public:
  enum class Kind : uint8_t { parameter, state };

  explicit Cell(Kind kind) : kind(kind) {}
  Cell(const Cell&) = delete;
  Cell& operator=(const Cell&) = delete;

  const Kind kind;
  bool is_trainable = true;  ///< parameters only; a frozen parameter gets no gradient and no update
  bool is_used = true;       ///< false: its layer goes without it (a bias that was not asked for); then it is no variable of its module
  std::vector<const void*> missed_by{};  ///< functions that were recorded and left it without a value: none waits for it again

  /// Whether a value has been given yet (in this thread's traces or for good).
  bool has_value() const;
  /// The current value. Throws if there is none. The reference holds until the next set() or the end of the trace.
  const Array& get() const;
  /// Assigns. Inside a trace: records (this, stop_gradient(value)). A value batched by vmap is an error.
  void set(Array value);
  /// The value for good, whatever traces are open; empty if none.
  const Array& committed() const { return value_; }
  /// Assigns for good, whatever traces are open: first values of parameters, loading of files.
  void commit(Array value);
  /// Hands the value over for good, so that its memory may be written; commit() must follow, with a new value or this one.
  Array release() { return std::move(value_); }

 private:
  Array value_;
  std::atomic<bool> is_given_{false};  // published after value_, so that threads may ask while another one builds
};
using CellPtr = std::shared_ptr<Cell>;

/// Values committed to cells by this thread that are still pending; every evaluation outside a trace includes them.
std::vector<Array> take_pending_cells();
/// Puts one back (the evaluation failed).
void keep_pending_cell(Array value);

}  // namespace gradus::core
