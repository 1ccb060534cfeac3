// Timing of workloads, and the command line of gradus_bench.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <vector>

#include "bench/bench.hpp"
#include "gradus/plan/counters.hpp"

namespace bench {
namespace {

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double timed(const Runner::Step& step) {
  const double start = now();
  step();
  return now() - start;
}

double megabytes_moved(const Runner::Step& step) {
  gradus::reset_counters();
  step();
  return static_cast<double>(gradus::counters().bytes_moved) * 1e-6;
}

void print(const std::string& name, double median, double least, size_t runs, double moved) {
  std::printf("%-32s %12.2f %12.2f %8zu %10.2f\n", name.c_str(), median * 1e6, least * 1e6, runs, moved);
  std::fflush(stdout);
}

}  // namespace

bool Runner::wants(const std::string& name) {
  if (!wish_.only.empty() && name != wish_.only) return false;
  has_run_ = true;
  if (wish_.kind == Wish::Kind::list) std::printf("%s\n", name.c_str());
  return wish_.kind != Wish::Kind::list;
}

void Runner::operator()(const std::string& name, const std::function<Step()>& make, double seconds) {
  if (!wants(name)) return;
  const Step step = make();
  if (wish_.kind == Wish::Kind::once) {
    const double time = timed(step);
    return print(name, time, time, 1, 0);
  }
  for (int i = 0; i < 3; ++i) step();
  std::vector<double> times;
  const double start = now();
  while (times.size() < 5 || (now() - start < seconds && times.size() < 20000)) times.push_back(timed(step));
  std::sort(times.begin(), times.end());
  print(name, times[times.size() / 2], times[0], times.size(), megabytes_moved(step));
}

void Runner::first(const std::string& name, const std::function<Step()>& make) {
  if (!wants(name)) return;
  const double time = timed(make());
  print(name, time, time, 1, 0);
}

}  // namespace bench

int main(int argc, char** argv) {
  bench::Wish wish;
  if (argc > 2 || (argc == 2 && (!std::strcmp(argv[1], "--help") || !std::strcmp(argv[1], "-h")))) {
    std::printf("usage: gradus_bench [--list | --once | NAME]\n"
                "Times every workload, or the one named, and prints NAME MEDIAN_US MIN_US RUNS MOVED_MB a line.\n"
                "  --list   prints the names\n  --once   runs each workload once\n");
    return argc > 2 ? 2 : 0;
  }
  if (argc == 2 && !std::strcmp(argv[1], "--list")) wish.kind = bench::Wish::Kind::list;
  else if (argc == 2 && !std::strcmp(argv[1], "--once")) wish.kind = bench::Wish::Kind::once;
  else if (argc == 2) wish.only = argv[1];
  bench::Runner run(wish);
  bench::arrays(run);
  bench::networks(run);
  bench::planning(run);
  bench::growth(run);
  if (run.has_run()) return 0;
  std::fprintf(stderr, "gradus_bench: there is no workload '%s'; --list prints their names\n", argv[1]);
  return 2;
}
