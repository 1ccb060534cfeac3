// The flags, one set a thread.
#include "gradus/graph/mode.hpp"

namespace gradus::core {

namespace {
thread_local uint64_t flags_of_thread = 0;
}

uint64_t mode_flags() { return flags_of_thread; }
void set_mode_flags(uint64_t flags) { flags_of_thread = flags; }

}  // namespace gradus::core
