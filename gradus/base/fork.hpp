// What holds a process together when it forks: the child has one thread, the one that called fork(), and whatever the others left behind.
#pragma once

#include <cstdint>
#include <mutex>

namespace gradus::core {

/// Takes `mutex` before each fork and gives it back after, in parent and child, so that no other thread is inside what it guards. The mutex
/// lives for ever, is held for short whiles, and its holder takes no other mutex registered here.
void hold_during_fork(std::mutex& mutex);

/// A mutex of an object that lives for ever, held so.
class LastingMutex : public std::mutex {
 public:
  LastingMutex() { hold_during_fork(*this); }
};

/// Calls `run` in each child, after the locks have been given back.
void after_fork_in_child(void (*run)());

/// How many forks lie between this process and the first: what was started under another number has no threads here.
int64_t fork_generation();

}  // namespace gradus::core
