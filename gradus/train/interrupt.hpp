// Ctrl-C, or a SIGTERM, as a request to stop between two steps.
#pragma once

namespace gradus::train {

/// While one lives, SIGINT (Ctrl-C) and SIGTERM set a flag instead of ending the process; a second one while the flag is set ends it as
/// usual. Scopes nest; the handlers that were there before come back with the last one.
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
  /// The signal that made the last request: SIGINT or SIGTERM; SIGINT if it came from code.
  static int last_signal();
};

}  // namespace gradus::train
