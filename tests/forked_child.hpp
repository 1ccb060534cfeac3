// Work in a forked process, for tests of fork().
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace gradus::testing {

// ThreadSanitizer starts no threads in the child of a process that had several.
#ifdef __SANITIZE_THREAD__
inline constexpr bool kForkedChildrenHaveThreads = false;
#else
inline constexpr bool kForkedChildrenHaveThreads = true;
#endif

/// The exit code of `work` in a forked process, or -1 where it was killed (after a minute at the latest, rather than hang).
inline int exit_code_of_child(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::_exit(work());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace gradus::testing
