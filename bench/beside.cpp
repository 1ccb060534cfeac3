#include "bench/beside.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

namespace {

// About a second of work for the preprocessor, the compiler and the assembler.
constexpr const char* kSource = GRADUS_SOURCE_DIR "/gradus/array/shape.cpp";
constexpr const char* kLoop = "while :; do '" GRADUS_COMPILER "' -std=c++20 -O2 -I '" GRADUS_SOURCE_DIR "' -c '" GRADUS_SOURCE_DIR
                              "/gradus/array/shape.cpp' -o /dev/null || exit 1; done";

// In a group of its own, which ends with this process however that ends.
pid_t start_loop() {
  const pid_t parent = getpid(), child = fork();
  if (child != 0) return child;
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  if (const int null = open("/dev/null", O_RDWR); null >= 0) {
    for (const int stream : {0, 1, 2}) dup2(null, stream);
  }
  execl("/bin/sh", "sh", "-c", kLoop, static_cast<char*>(nullptr));
  _exit(127);
}

}  // namespace

const char* Neighbours::problem() {
  if (access(kSource, R_OK) != 0) return "the sources that it was built from are gone: " GRADUS_SOURCE_DIR;
  if (access(GRADUS_COMPILER, X_OK) != 0) return "the compiler that it was built with is gone: " GRADUS_COMPILER;
  return nullptr;
}

Neighbours::Neighbours(int count) {
  for (int i = 0; i < count; ++i) {
    if (const pid_t child = start_loop(); child > 0) {
      setpgid(child, child);  // here too: whichever comes first
      groups_.push_back(child);
    } else {
      std::perror("gradus_bench: a neighbour cannot be started");
      std::exit(1);  // those that run end with this process
    }
  }
  if (count > 0) sleep(1);
}

Neighbours::~Neighbours() {
  for (const pid_t group : groups_) {
    kill(-group, SIGKILL);
    waitpid(group, nullptr, 0);
  }
}

}  // namespace bench
