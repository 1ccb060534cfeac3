// Tables: reading of text, and describing.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

#include "bench/bench.hpp"
#include "gradus/data/table/describe.hpp"
#include "gradus/data/table/read_table.hpp"
#include "gradus/gradus.hpp"

namespace bench {

using namespace gradus;

namespace {

// A file of this process that goes away with the last step that reads it.
struct File {
  explicit File(const char* name)
      : path((std::filesystem::temp_directory_path() / (name + std::to_string(::getpid()) + ".csv")).string()) {}
  ~File() { std::remove(path.c_str()); }
  std::string path;
};

constexpr int64_t kMegabytes = 16;

// Eight columns of numbers of 1 to 17 digits.
std::shared_ptr<File> numbers() {
  auto file = std::make_shared<File>("numbers");
  std::mt19937_64 random(1);
  std::string text = "a,b,c,d,e,f,g,h\n";
  char line[256];
  while (text.size() < kMegabytes << 20) {
    const auto draw = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
    std::snprintf(line, sizeof line, "%d,%d,%.3f,%.6f,%.17g,%.2e,%d,%.1f\n", static_cast<int>(random() % 100),
                  static_cast<int>(random() % 1000000), draw(), 100 * draw(), draw(), 1e6 * draw(), static_cast<int>(random() % 2),
                  1000 * draw());
    text += line;
  }
  std::ofstream(file->path, std::ios::binary) << text;
  return file;
}

// Numbers, categories, quoted text with separators, dates and missing values.
std::shared_ptr<File> mixed() {
  auto file = std::make_shared<File>("mixed");
  std::mt19937_64 random(2);
  std::string text = "id,age,city,note,when,amount\n";
  constexpr const char* cities[] = {"Kiel", "Ulm", "Bonn", "Trier", "Emden", "Halle", "Jena", "Worms"};
  char line[256];
  while (text.size() < kMegabytes << 20) {
    const auto n = static_cast<int>(random() % 1000);
    std::snprintf(line, sizeof line, "%llu,%s,%s,\"note %d, of a kind\",20%02d-%02d-%02d,%.2f\n",
                  static_cast<unsigned long long>(random() % 10000000), n % 20 ? std::to_string(n % 90).c_str() : "", cities[random() % 8],
                  static_cast<int>(random() % 5000), n % 24, n % 12 + 1, n % 28 + 1, static_cast<double>(random() % 1000000) / 100);
    text += line;
  }
  std::ofstream(file->path, std::ios::binary) << text;
  return file;
}

Runner::Step reading(std::shared_ptr<File> file) {
  return [file] { data::read_table(file->path); };
}

}  // namespace

void tables(Runner& run) {
  run("read_csv_numbers_16mb", [] { return reading(numbers()); });
  run("read_csv_mixed_16mb", [] { return reading(mixed()); });
  run("describe_numbers_16mb", [] { return [table = data::read_table(numbers()->path)] { data::describe(table); }; });
}

}  // namespace bench
