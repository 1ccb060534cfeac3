// golden_test: runs every case of a folder of golden vectors whose op is in the table, in float64 and float32: values, gradients,
// second derivatives, directional derivatives, Hessians; and the training runs of its models.
//
//   golden_test [--dir DIR] [--only TEXT] [--verbose]
//
// Without --dir: ../shared/golden beside the source folder, where that is present. Prints one line an op, details of failures, and at the
// end `N passed, N failed, N skipped`. Exits 1 if a case failed, 2 if the folder cannot be read.
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>

#include "tests/golden/case.hpp"

namespace golden {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string dir, only;
  bool is_verbose = false;
};
struct Count {
  int passed = 0, failed = 0, skipped = 0;
};

constexpr int kDetailsShown = 60, kDetailsOfOneOp = 3;

Json read_json(const fs::path& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path.string() + ": cannot be read");
  return Json::parse(file);
}

class Report {
 public:
  explicit Report(bool is_verbose) : is_verbose_(is_verbose) {}
  void add(const std::string& id, Count& count, const std::vector<std::string>& problems) {
    if (problems.empty()) {
      ++count.passed, ++total_.passed;
      if (is_verbose_) std::printf("  passed  %s\n", id.c_str());
      return;
    }
    ++count.failed, ++total_.failed;
    if (is_verbose_ || (shown_ < kDetailsShown && count.failed <= kDetailsOfOneOp)) {
      for (const std::string& problem : problems) std::printf("  FAILED  %s: %s\n", id.c_str(), problem.c_str());
      ++shown_;
    }
  }
  void skip(const std::string& id, Count& count, const std::string& reason) {
    ++count.skipped, ++total_.skipped;
    if (is_verbose_) std::printf("  skipped %s: %s\n", id.c_str(), reason.c_str());
  }
  void line(const std::string& name, const Count& count) const {
    std::printf("%-40s %4d passed %4d failed %4d skipped\n", name.c_str(), count.passed, count.failed, count.skipped);
    std::fflush(stdout);
  }
  const Count& total() const { return total_; }

 private:
  bool is_verbose_;
  int shown_ = 0;
  Count total_;
};

void run_case(const Case& test, Count& count, Report& report) {
  const std::string id = test.group + "/" + test.id;
  const Entry* entry = find_entry(test.group, test.op);
  if (!entry) return report.skip(id, count, "no such op");
  try {
    report.add(id, count, check_case(test, *entry));
  } catch (const NotCovered& reason) {
    report.skip(id, count, reason.what());
  }
}

void run_group(const Options& options, const Json& group, Report& report) {
  const fs::path dir = options.dir;
  const std::string name = group["group"];
  const Json manifest = read_json(dir / group["manifest"].get<std::string>());
  const gradus::io::Safetensors tensors = gradus::io::load_safetensors((dir / group["tensors"].get<std::string>()).string());
  std::vector<std::string> order;
  std::map<std::string, std::vector<const Json*>> by_op;
  for (const Json& json : manifest["cases"]) {
    const std::string op = json["op"], id = json["id"];
    if (!options.only.empty() && (name + "/" + id).find(options.only) == std::string::npos) continue;
    if (by_op[op].empty()) order.push_back(op);
    by_op[op].push_back(&json);
  }
  for (const std::string& op : order) {
    Count count;
    for (const Json* json : by_op[op]) run_case({name, (*json)["id"].get<std::string>(), op, json, &tensors}, count, report);
    report.line(name + " " + op, count);
  }
}

void run_models(const Options& options, Report& report) {
  const std::string dir = (fs::path(options.dir) / "models").string();
  if (!fs::exists(dir + "/models.json")) return;
  for (const Model& model : load_models(dir)) {
    const std::string id = "models/" + model.name;
    if (!options.only.empty() && id.find(options.only) == std::string::npos) continue;
    Count count;
    try {
      report.add(id, count, check_model(model));
    } catch (const NotCovered& reason) {
      std::printf("  skipped %s: %s\n", id.c_str(), reason.what());
      report.skip(id, count, reason.what());
    }
    report.line("models " + model.name, count);
  }
}

int run(const Options& options) {
  Report report(options.is_verbose);
  const fs::path dir = options.dir;
  if (fs::exists(dir / "index.json")) {
    const Json index = read_json(dir / "index.json");
    for (const Json& group : index["groups"]) run_group(options, group, report);
  } else if (!fs::exists(dir / "models" / "models.json")) {
    throw std::runtime_error(options.dir + ": neither index.json nor models/models.json is there");
  }
  run_models(options, report);
  std::printf("%d passed, %d failed, %d skipped\n", report.total().passed, report.total().failed, report.total().skipped);
  return report.total().failed == 0 ? 0 : 1;
}

}  // namespace

const Entry* find_entry(std::string_view group, std::string_view op) {
  struct Group {
    std::string_view name;
    std::vector<Table> tables;
  };
  static const Group groups[] = {
      {"unary", {unary_table()}},
      {"binary", {binary_table()}},
      {"edge", {edge_table(), unary_table(), binary_table(), reduce_table(), shape_table(), nnfunc_table(), linalg_table()}},
      {"reduce", {reduce_table()}},
      {"shape", {shape_table()}},
      {"linalg", {linalg_table()}},
      {"einsum", {linalg_table()}},
      {"conv", {conv_table()}},
      {"pool", {pool_table()}},
      {"norm", {norm_table()}},
      {"nnfunc", {nnfunc_table()}},
      {"attention", {attention_table()}},
      {"recurrent", {recurrent_table()}},
      {"loss", {loss_table()}},
      {"optim", {optim_table()}},
      {"sched", {sched_table()}},
      {"init", {init_table()}},
      {"gradgrad", {function_table()}},
      {"jvp", {function_table()}},
      {"hessian", {scalar_table()}},
  };
  for (const Group& known : groups) {
    if (known.name != group) continue;
    for (const Table& table : known.tables)
      for (const Entry& entry : table)
        if (entry.op == op) return &entry;
  }
  return nullptr;
}

}  // namespace golden

int main(int argc, char** argv) {
  golden::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--verbose") {
      options.is_verbose = true;
    } else if ((argument == "--dir" || argument == "--only") && i + 1 < argc) {
      (argument == "--dir" ? options.dir : options.only) = argv[++i];
    } else {
      std::fprintf(stderr, "usage: golden_test [--dir DIR] [--only TEXT] [--verbose]\n");
      return 2;
    }
  }
  if (options.dir.empty()) {
    options.dir = std::string(GRADUS_SOURCE_DIR) + "/../shared/golden";
    if (!std::filesystem::exists(options.dir)) {
      std::printf("golden: skipped, there is no folder %s\n", options.dir.c_str());
      return 0;
    }
  }
  try {
    return golden::run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "golden_test: %s\n", error.what());
    return 2;
  }
}
