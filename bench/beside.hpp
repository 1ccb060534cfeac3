// Neighbours for a measurement: compilers that come and go, as on a machine that people work on.
#pragma once

#include <vector>

#include <sys/types.h>

namespace bench {

/// While it lives, `count` loops of the compiler over a file of this project run beside this process. Busy loops would be too gentle: the
/// system learns what these want and leaves the others their share; short processes ask anew each time.
class Neighbours {
 public:
  explicit Neighbours(int count);
  ~Neighbours();
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  /// Empty, or what is missing for a loop to run.
  static const char* problem();

 private:
  std::vector<pid_t> groups_;
};

}  // namespace bench
