#include "gradus/base/processors.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <sstream>
#include <thread>

#ifdef __linux__
#include <sched.h>
#include <unistd.h>
#endif

namespace gradus::core {

namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

// `quota` of every `period` microseconds; 0 for no limit: -1, "max", or what makes no sense.
int processors_of(std::string_view quota, std::string_view period) {
  const auto number = [](std::string_view text) {
    int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  const int64_t used = number(quota), of = number(period);
  if (used <= 0 || of <= 0) return 0;
  return static_cast<int>(std::min<int64_t>(used / of + (used % of != 0), 1 << 20));
}

// The smallest limit of a group and those above it, up to `root`.
template <class Limit>
int least_limit(const std::string& root, std::string path, const Limit& limit) {
  int least = 0;
  while (true) {
    const int here = limit(root + path);
    if (here > 0 && (least == 0 || here < least)) least = here;
    if (path.empty() || path == "/") return least;
    const size_t slash = path.rfind('/');
    path.resize(slash == std::string::npos ? 0 : slash);
  }
}

int limit_of_version_2(const std::string& group) {
  const std::string text = text_of(group + "/cpu.max");
  const size_t space = text.find(' ');
  return space == std::string::npos ? 0 : processors_of(text.substr(0, space), text.substr(space + 1));
}
int limit_of_version_1(const std::string& group) {
  return processors_of(text_of(group + "/cpu.cfs_quota_us"), text_of(group + "/cpu.cfs_period_us"));
}

#ifdef __linux__
// Which processors the first thread of this process may use: others may be bound to some. The mask may be longer than cpu_set_t, which has
// room for 1,024: here is room for 65,536.
using Affinity = std::array<cpu_set_t, 64>;
bool find_affinity_of_process(Affinity& mask) { return sched_getaffinity(getpid(), sizeof mask, mask.data()) == 0; }

int processors_of_affinity() {
  Affinity mask{};
  return find_affinity_of_process(mask) ? CPU_COUNT_S(sizeof mask, mask.data()) : 0;
}
#else
int processors_of_affinity() { return 0; }
#endif

int find_processors() {
  int count = processors_of_affinity();
  if (count < 1) count = static_cast<int>(std::thread::hardware_concurrency());
  const int quota = processors_of_quota(text_of("/proc/self/cgroup"), "/sys/fs/cgroup");
  return std::max(1, quota > 0 ? std::min(count, quota) : count);
}

}  // namespace

int processors() {
  static const int count = find_processors();
  return count;
}

void use_processors_of_process() {
#ifdef __linux__
  Affinity mask{};
  if (find_affinity_of_process(mask)) sched_setaffinity(0, sizeof mask, mask.data());
#endif
}

// Lines are "number:controllers:path"; that of version 2 is "0::path".
int processors_of_quota(std::string_view membership, const std::string& root) {
  int least = 0;
  const auto take = [&](int limit) {
    if (limit > 0 && (least == 0 || limit < least)) least = limit;
  };
  while (!membership.empty()) {
    const std::string_view line = membership.substr(0, membership.find('\n'));
    membership.remove_prefix(std::min(line.size() + 1, membership.size()));
    const size_t first = line.find(':'), second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string path(line.substr(second + 1));
    if (controllers.empty()) {
      take(least_limit(root, path, limit_of_version_2));
    } else if (("," + std::string(controllers) + ",").find(",cpu,") != std::string::npos) {
      take(least_limit(root + "/cpu", path, limit_of_version_1));
      if (controllers != "cpu") take(least_limit(root + "/" + std::string(controllers), path, limit_of_version_1));
    }
  }
  return least;
}

int threads_of_text(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc::result_out_of_range) return text.front() == '-' ? 0 : 1 << 20;
  if (error != std::errc{}) return 0;
  const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
  const size_t other = rest.find_first_not_of(' ');
  if (other != std::string_view::npos && rest[other] != ',') return 0;
  return value < 1 ? 0 : static_cast<int>(std::min<int64_t>(value, 1 << 20));
}

}  // namespace gradus::core
