// What every transform opens while it records a function, in one scope.
#pragma once

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "gradus/graph/cell_scope.hpp"
#include "gradus/graph/parts.hpp"
#include "gradus/graph/trace.hpp"
#include "gradus/ops/random.hpp"

namespace gradus::core {

/// A trace, what it binds and writes of variables, and where its draws come from. When it ends, all is as before but for what was
/// committed: variables have their values again, the default generator gives the numbers of the program.
class RecordingScope {
 public:
  /// `closed_by` names a transform in which reading a variable that was not bound is an error (compile).
  explicit RecordingScope(TraceKind kind, std::string_view closed_by = {}) : trace_(kind), cells_(closed_by) {}
  ~RecordingScope();
  RecordingScope(const RecordingScope&) = delete;
  RecordingScope& operator=(const RecordingScope&) = delete;

  /// Inside, the variable is `value`.
  void bind(const Variable& variable, Array value);
  /// Inside, draws without a key come from this one, until end_draws or the end of the scope.
  void draw_from(random::Key base) { draws_.emplace(std::move(base)); }
  void end_draws() { draws_.reset(); }
  /// What is drawn inside does not count for the default generator.
  void forget_draws() { generator_before_ = random::state(); }
  /// Writes of cells, the last one of each, in order of first write.
  const std::vector<CellWrite>& writes() const { return cells_.writes(); }
  /// Hands them to the enclosing scope, or to the cells if there is none.
  void commit() { cells_.commit(); }

 private:
  TraceScope trace_;
  CellScope cells_;
  std::vector<std::pair<Array*, Array>> members_before_;
  std::optional<random::BaseScope> draws_;
  std::optional<random::GeneratorState> generator_before_;
};

}  // namespace gradus::core
