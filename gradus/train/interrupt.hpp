// Ctrl-C, SIGTERM or SIGHUP as a request to stop between two steps.
#pragma once

namespace gradus::train {

/// While one lives, the first SIGINT (Ctrl-C), SIGTERM or SIGHUP sets a flag instead of ending the process; the next one is handled as it
/// was before, which ends the process unless the program has a handler of its own. A signal that was ignored before stays so (nohup).
/// Scopes nest, also across threads; with the last one the handlers that were there before come back, unless the program has set others
/// since. Without a scope the library touches no signal: fit opens one only for FitOptions::interrupts.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  /// Whether a signal came, or request() was called, since the outermost scope was opened.
  static bool is_requested();
  /// The same request from code.
  static void request();
  /// The signal that came last: SIGINT, SIGTERM or SIGHUP; SIGINT if none did.
  static int last_signal();
};

}  // namespace gradus::train
