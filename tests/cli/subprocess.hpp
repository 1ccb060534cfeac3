// Runs the built command line and gives back what it printed.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/temporary_folder.hpp"

namespace gradus::testing {

struct Outcome {
  int code = -1;  ///< exit code, or 128 + signal
  std::string out{}, err{};
};

struct RunOptions {
  std::string folder = ".";                ///< working folder of the process
  std::function<void()> before_exec{};     ///< in the child: limits
  std::function<bool()> interrupt_when{};  ///< the signal is sent as soon as this is true
  int signal = SIGINT;
  int next_signal = 0;  ///< sent at once after the first, if not 0
};

/// gradus ARGUMENTS...
inline Outcome run_gradus(const std::vector<std::string>& arguments, const RunOptions& options = {}) {
  const TemporaryFolder output;
  const char* other = std::getenv("GRADUS_COMMAND_LINE");  // tests/mutants: another one than the built one
  const std::string binary = other ? other : std::string(GRADUS_BINARY_DIR) + "/gradus";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::chdir(options.folder.c_str()) != 0) ::_exit(126);
    ::dup2(::open((output / "out").c_str(), O_WRONLY | O_CREAT, 0600), 1);
    ::dup2(::open((output / "err").c_str(), O_WRONLY | O_CREAT, 0600), 2);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, SIG_DFL);  // as in a terminal, wherever the tests run
    if (options.before_exec) options.before_exec();
    std::vector<char*> argv = {const_cast<char*>(binary.c_str())};
    for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(binary.c_str(), argv.data());
    ::_exit(127);
  }
  int status = 0;
  bool is_sent = false;
  while (::waitpid(child, &status, options.interrupt_when && !is_sent ? WNOHANG : 0) == 0) {
    if (options.interrupt_when()) {
      ::kill(child, options.signal);
      if (options.next_signal) ::kill(child, options.next_signal);
      is_sent = true;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  Outcome outcome;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.out = read_text(output / "out");
  outcome.err = read_text(output / "err");
  return outcome;
}

}  // namespace gradus::testing
