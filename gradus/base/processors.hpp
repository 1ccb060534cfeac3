// How many processors there are for this process.
#pragma once

#include <string>
#include <string_view>

namespace gradus::core {

/// Processors that this process may use: those of the affinity mask of its first thread, fewer where its control group is given the time of
/// fewer (rounded up). At least 1. Looked up once.
int processors();

/// Lets the calling thread run on all of these, though the thread that made it may be bound to some.
void use_processors_of_process();

/// Processors whose time a Linux control group may use, rounded up; 0 where nothing limits it. Versions 1 and 2, the group and those above
/// it.
///
/// membership  text of /proc/self/cgroup
/// root        where the groups are mounted: /sys/fs/cgroup
int processors_of_quota(std::string_view membership, const std::string& root);

/// The first number of what OMP_NUM_THREADS says ("4" or "4,2"); 0 where it is not a number from 1 up.
int threads_of_text(std::string_view text);

}  // namespace gradus::core
