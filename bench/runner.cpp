// Timing of workloads, and the command line of gradus_bench.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string_view>
#include <vector>

#include "bench/beside.hpp"
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

struct Counted {
  double megabytes = 0;
  int64_t loops = 0;
};

Counted count(const Runner::Step& step) {
  gradus::reset_counters();
  step();
  const gradus::Counters counters = gradus::counters();
  return {static_cast<double>(counters.bytes_moved) * 1e-6, counters.loops_run};
}

// `times` in seconds, sorted.
void print(const std::string& name, const std::vector<double>& times, Counted counted) {
  const size_t runs = times.size();
  const double mean = std::accumulate(times.begin(), times.end(), 0.0) / static_cast<double>(runs);
  std::printf("%-32s %12.2f %12.2f %8zu %10.2f %6ld %12.2f %12.2f\n", name.c_str(), times[runs / 2] * 1e6, times[0] * 1e6, runs,
              counted.megabytes, static_cast<long>(counted.loops), mean * 1e6, times[std::min(runs - 1, runs * 99 / 100)] * 1e6);
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
    return print(name, {timed(step)}, {});
  }
  for (int i = 0; i < 3; ++i) step();
  const Counted counted = count(step);
  const Neighbours neighbours(wish_.beside);
  if (wish_.beside) seconds *= 4;
  std::vector<double> times;
  const double start = now();
  while (times.size() < 5 || (now() - start < seconds && times.size() < 20000)) times.push_back(timed(step));
  std::sort(times.begin(), times.end());
  print(name, times, counted);
}

void Runner::first(const std::string& name, const std::function<Step()>& make) {
  if (!wants(name)) return;
  const Step run = make();
  const Neighbours neighbours(wish_.beside);
  print(name, {timed(run)}, {});
}

}  // namespace bench

int main(int argc, char** argv) {
  constexpr const char* usage =
      "usage: gradus_bench [--beside N] [--list | --once | NAME]\n"
      "Times every workload, or the one named, and prints NAME MEDIAN_US MIN_US RUNS MOVED_MB LOOPS MEAN_US P99_US a line.\n"
      "  --list      prints the names\n  --once      runs each workload once\n"
      "  --beside N  N loops of a compiler over a file of this project run at the same time (0 to 64)\n";
  bench::Wish wish;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") {
      std::printf("%s", usage);
      return 0;
    }
    char* end = nullptr;
    const long beside = word == "--beside" && i + 1 < argc ? std::strtol(argv[i + 1], &end, 10) : 0;
    if (word == "--list") wish.kind = bench::Wish::Kind::list;
    else if (word == "--once") wish.kind = bench::Wish::Kind::once;
    else if (end && end != argv[i + 1] && !*end && beside >= 0 && beside <= 64) {
      wish.beside = static_cast<int>(beside);
      ++i;
    } else if (!word.starts_with('-') && wish.only.empty()) wish.only = word;
    else {
      std::fprintf(stderr, "%s", usage);
      return 2;
    }
  }
  if (const char* problem = bench::Neighbours::problem(); problem && wish.beside) {
    std::fprintf(stderr, "gradus_bench: --beside needs a compiler and a file to compile; %s\n", problem);
    return 2;
  }
  bench::Runner run(wish);
  bench::arrays(run);
  bench::networks(run);
  bench::transformers(run);
  bench::planning(run);
  bench::growth(run);
  bench::sequences(run);
  bench::tables(run);
  if (run.has_run()) return 0;
  std::fprintf(stderr, "gradus_bench: there is no workload '%s'; --list prints their names\n", wish.only.c_str());
  return 2;
}
