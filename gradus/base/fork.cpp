#include "gradus/base/fork.hpp"

#include <pthread.h>

#include <atomic>
#include <vector>

namespace gradus::core {

namespace {

// Made at first use, never destroyed.
struct Forks {
  std::mutex mutex;  // of what follows
  std::vector<std::mutex*> held;
  std::vector<void (*)()> in_child;
  std::atomic<int64_t> generation{0};

  static Forks& get() {
    static Forks* forks = new Forks;
    return *forks;
  }

 private:
  Forks() { pthread_atfork(take_locks, give_back, end_in_child); }
  static void take_locks() {
    Forks& forks = get();
    forks.mutex.lock();
    for (std::mutex* mutex : forks.held) mutex->lock();
  }
  static void give_back() {
    Forks& forks = get();
    for (size_t i = forks.held.size(); i-- > 0;) forks.held[i]->unlock();
    forks.mutex.unlock();
  }
  static void end_in_child() {
    give_back();
    Forks& forks = get();
    forks.generation.fetch_add(1, std::memory_order_relaxed);
    for (void (*run)() : forks.in_child) run();
  }
};

}  // namespace

void hold_during_fork(std::mutex& mutex) {
  Forks& forks = Forks::get();
  const std::lock_guard lock(forks.mutex);
  forks.held.push_back(&mutex);
}

void after_fork_in_child(void (*run)()) {
  Forks& forks = Forks::get();
  const std::lock_guard lock(forks.mutex);
  forks.in_child.push_back(run);
}

int64_t fork_generation() { return Forks::get().generation.load(std::memory_order_relaxed); }

}  // namespace gradus::core
