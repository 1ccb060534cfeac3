// Ctrl-C as a request to stop between two steps.
#pragma once

namespace gradus::train {

/// While one lives, SIGINT (Ctrl-C) sets a flag instead of ending the process; a second one while the flag is set ends it as usual.
/// Scopes nest; the handler that was there before comes back with the last one.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  /// Whether Ctrl-C was pressed, or stop() called, since the outermost scope was opened.
  static bool is_requested();
  /// The same request from code.
  static void request();
};

}  // namespace gradus::train
