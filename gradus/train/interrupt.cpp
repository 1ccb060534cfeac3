// The handler of SIGINT and SIGTERM, and its flag.
#include "gradus/train/interrupt.hpp"

#include <atomic>
#include <csignal>
#include <mutex>

namespace gradus::train {

namespace {

std::atomic<bool> is_asked{false};
std::atomic<int> asked_by{SIGINT};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may only touch lock-free flags");

struct Scopes {
  std::mutex mutex;
  int open = 0;
  struct sigaction before_interrupt {}, before_terminate {};
};
Scopes& scopes() {
  static Scopes* all = new Scopes;
  return *all;
}

void on_interrupt(int number) {
  asked_by = number;
  if (!is_asked.exchange(true)) return;
  std::signal(number, SIG_DFL);
  std::raise(number);
}

}  // namespace

InterruptScope::InterruptScope() {
  Scopes& all = scopes();
  const std::lock_guard lock(all.mutex);
  if (all.open++ > 0) return;
  is_asked = false;
  asked_by = SIGINT;
  struct sigaction action {};
  action.sa_handler = on_interrupt;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, &all.before_interrupt);
  sigaction(SIGTERM, &action, &all.before_terminate);
}

InterruptScope::~InterruptScope() {
  Scopes& all = scopes();
  const std::lock_guard lock(all.mutex);
  if (--all.open > 0) return;
  sigaction(SIGINT, &all.before_interrupt, nullptr);
  sigaction(SIGTERM, &all.before_terminate, nullptr);
}

bool InterruptScope::is_requested() { return is_asked.load(std::memory_order_relaxed); }
void InterruptScope::request() { is_asked = true; }
int InterruptScope::last_signal() { return asked_by; }

}  // namespace gradus::train
