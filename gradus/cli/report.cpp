// gradus report: the report of a run made again, or several runs side by side.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/run_report.hpp"
#include "gradus/train/progress.hpp"

namespace gradus::cli {

namespace {

constexpr const char* kComparison = "comparison.html";

struct ReportArguments {
  std::vector<std::string> runs{};
  std::string output{};
  bool may_replace = false;
};

// One run: in its own folder, unless another place is named.
void report_one(const ReportArguments& arguments) {
  RunFolder folder{arguments.runs[0]};
  train::History history = load_history(folder.path);
  if (arguments.output.empty()) {
    folder.lock = std::make_shared<file::FolderLock>(folder.path);
    if (!folder.lock->is_held())
      fail_io(folder.path, "the run is still going on; it writes its report when it ends, or name another file with --output");
  }
  const Recipe recipe = read_recipe(folder.recipe());
  const nn::Model model = load_model(folder.path);
  const DataParts data = recipe.data.load(model.info);
  const Tested test = tested(recipe, data, model);
  const std::string path = arguments.output.empty() ? folder.report() : arguments.output;
  file::write_atomically(path, train::to_html(make_report({recipe, data, model, history, test.output, test.logs, test.summary})));
  std::printf("report: %s\n", printable(path).c_str());
}

struct ComparedRun {
  std::string name{};
  train::History history{};
};

std::vector<ComparedRun> load_runs(const std::vector<std::string>& paths) {
  std::vector<ComparedRun> runs;
  for (const std::string& path : paths) {
    for (const std::string& other : std::span(paths).first(runs.size())) {
      if (file::is_same_file(path, other)) fail(path, "is named twice; a run stands beside itself nowhere");
    }
    const std::filesystem::path plain = std::filesystem::path(path).lexically_normal();
    runs.push_back({(plain.has_filename() ? plain : plain.parent_path()).filename().string(), load_history(path)});
    if (runs.back().history.epochs.empty()) fail_io(path, "its metrics.csv holds no epoch");
  }
  // Folders of one name are told apart by the way to them.
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto same = std::count_if(runs.begin(), runs.end(), [&](const ComparedRun& run) { return run.name == runs[i].name; });
    if (same > 1) {
      for (size_t k = i + 1; k < runs.size(); ++k) {
        if (runs[k].name == runs[i].name) runs[k].name = paths[k];
      }
      runs[i].name = paths[i];
    }
  }
  return runs;
}

// All that any of the runs logs, in the order of their first places.
std::vector<std::string> logged_names(const std::vector<ComparedRun>& runs) {
  std::vector<std::string> names;
  for (const ComparedRun& run : runs) {
    for (const auto& [name, value] : run.history.epochs.front().logs) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  return names;
}

// The best of an epoch's values, with its number; "-" if there is none.
std::string best_text(const train::History& history, const std::string& name) {
  const std::vector<double> values = history.series(name);
  const bool is_gain = train::is_gain(name);
  size_t best = values.size();
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    if (best == values.size() || (is_gain ? values[i] > values[best] : values[i] < values[best])) best = i;
  }
  return best == values.size() ? "-" : concat(metric_text(name, values[best]), " (", history.epochs[best].number, ")");
}

train::ReportTable best_table(const std::vector<ComparedRun>& runs) {
  const std::vector<std::string> names = logged_names(runs);
  train::ReportTable table{"Best values, with their epochs", {"run", "epochs", "seconds"}, {}};
  for (const std::string& name : names) table.header.push_back("best " + name);
  for (const ComparedRun& run : runs) {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%.1f", run.history.seconds);
    std::vector<std::string> row = {run.name, to_text(static_cast<int64_t>(run.history.epochs.size())), seconds};
    for (const std::string& name : names) row.push_back(best_text(run.history, name));
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::vector<train::Chart> compared_charts(const std::vector<ComparedRun>& runs) {
  std::vector<train::Chart> charts;
  for (const std::string& name : logged_names(runs)) {
    train::Chart chart{.title = name, .x_label = "epoch", .is_x_counted = true};
    for (const ComparedRun& run : runs) {
      train::Curve curve{.name = run.name, .y = run.history.series(name)};
      for (const train::Epoch& epoch : run.history.epochs) curve.x.push_back(static_cast<double>(epoch.number));
      chart.curves.push_back(std::move(curve));
    }
    charts.push_back(std::move(chart));
  }
  return charts;
}

void print_table(const train::ReportTable& table) {
  std::vector<std::vector<std::string>> rows = table.rows;
  rows.insert(rows.begin(), table.header);
  std::vector<size_t> widths(table.header.size());
  for (auto& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = printable(row[i]);
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const auto& row : rows) {
    std::printf("%-*s", static_cast<int>(widths[0]), row[0].c_str());
    for (size_t i = 1; i < row.size(); ++i) std::printf("  %*s", static_cast<int>(widths[i]), row[i].c_str());
    std::puts("");
  }
}

void report_several(const ReportArguments& arguments) {
  const std::vector<ComparedRun> runs = load_runs(arguments.runs);
  const std::string path = arguments.output.empty() ? kComparison : arguments.output;
  if (arguments.output.empty() && file::exists(path) && !arguments.may_replace) {
    fail_io(path, "is there already; name another file with --output, or replace it with --replace");
  }
  train::Report report{.title = concat(runs.size(), " runs side by side"), .subtitle = "Training runs of Gradus"};
  report.charts = compared_charts(runs);
  report.tables.push_back(best_table(runs));
  file::write_atomically(path, train::to_html(report));
  print_table(report.tables[0]);
  std::printf("report: %s\n", printable(path).c_str());
}

// The page would be written over what is read.
void refuse_own_input(const ReportArguments& arguments) {
  for (const std::string& run : arguments.runs) {
    const RunFolder folder{run};
    for (const std::string& path : {folder.model(), folder.recipe(), folder.metrics()}) {
      if (file::is_same_file(arguments.output, path))
        fail_io(arguments.output, "the output is the same file as ", path, ", which is read; name another one");
    }
  }
}

void run_report(const ReportArguments& arguments) {
  if (!arguments.output.empty()) refuse_own_input(arguments);
  if (arguments.runs.size() == 1) report_one(arguments);
  else report_several(arguments);
}

}  // namespace

void add_report(CLI::App& app) {
  auto arguments = std::make_shared<ReportArguments>();
  Command command(app, "report", "Make the report of a run again, or one of several runs side by side");
  command.positional("RUN", arguments->runs, "Run folders", Need::required);
  command.option("-o,--output", "FILE", arguments->output, "The page to write (default: report.html of the run, or comparison.html)");
  command.flag("--replace", arguments->may_replace, "Replace comparison.html if it is there");
  command.footer(R"(
Of one run: loads its data again and tests its model. Of several: the best values of each, and their curves in one chart a number.

  gradus report runs/NAME-TIME
  gradus report runs/wide runs/deep runs/both -o widths.html)");
  command.runs([arguments] { run_report(*arguments); });
}

}  // namespace gradus::cli
