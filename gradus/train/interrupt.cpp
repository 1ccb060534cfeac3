// The handler of SIGINT, SIGTERM and SIGHUP, and its flags.
#include "gradus/train/interrupt.hpp"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>

#include "gradus/base/fork.hpp"

namespace gradus::train {

using namespace core;

namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr size_t kCount = sizeof kSignals / sizeof kSignals[0];

std::atomic<bool> is_asked{false};
std::atomic<int> last{0};  // signal since the outermost scope was opened; 0: none
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler may only touch lock-free flags");

// As they were before the outermost scope; written before the handler is installed, only read while it is.
struct sigaction before[kCount];
bool is_taken[kCount];

struct Scopes {
  LastingMutex mutex;
  int open = 0;
};
Scopes& scopes() {
  static Scopes* all = new Scopes;
  return *all;
}

void on_signal(int number) {
  const int errno_before = errno;
  is_asked.store(true);
  if (last.exchange(number) != 0) {
    for (size_t i = 0; i < kCount; ++i) {
      if (kSignals[i] == number) sigaction(number, &before[i], nullptr);
    }
    std::raise(number);  // blocked until this handler returns
  }
  errno = errno_before;
}

bool is_ours(const struct sigaction& action) { return !(action.sa_flags & SA_SIGINFO) && action.sa_handler == on_signal; }
bool is_ignored(const struct sigaction& action) { return !(action.sa_flags & SA_SIGINFO) && action.sa_handler == SIG_IGN; }

}  // namespace

InterruptScope::InterruptScope() {
  Scopes& all = scopes();
  const std::lock_guard lock(all.mutex);
  if (all.open++ > 0) return;
  is_asked = false;
  last = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < kCount; ++i) {
    is_taken[i] =
        sigaction(kSignals[i], nullptr, &before[i]) == 0 && !is_ignored(before[i]) && sigaction(kSignals[i], &action, nullptr) == 0;
  }
}

InterruptScope::~InterruptScope() {
  Scopes& all = scopes();
  const std::lock_guard lock(all.mutex);
  if (--all.open > 0) return;
  for (size_t i = 0; i < kCount; ++i) {
    struct sigaction now {};
    if (is_taken[i] && sigaction(kSignals[i], nullptr, &now) == 0 && is_ours(now)) sigaction(kSignals[i], &before[i], nullptr);
  }
}

bool InterruptScope::is_requested() { return is_asked.load(std::memory_order_relaxed); }
void InterruptScope::request() { is_asked = true; }
int InterruptScope::last_signal() {
  const int number = last;
  return number ? number : SIGINT;
}

}  // namespace gradus::train
