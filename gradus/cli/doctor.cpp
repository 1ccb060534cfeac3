// gradus doctor: the mistakes in a table, in a recipe and its data, or in a run.
#include "gradus/train/doctor.hpp"

#include <cstdio>

#include "gradus/base/file.hpp"
#include "gradus/base/printable.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/examination.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/cli/table_model.hpp"
#include "gradus/cli/training.hpp"
#include "gradus/io/model_file.hpp"
#include "gradus/ops/random.hpp"
#include "gradus/train/watch.hpp"

namespace gradus::cli {

namespace {

struct DoctorArguments {
  std::string what{}, target{}, test{};
  std::vector<std::string> assignments{};
};

Recipe recipe_of(const DoctorArguments& arguments) {
  const TableArguments table{.table = arguments.what, .target = arguments.target, .test = arguments.test, .is_quiet = true};
  if (!is_table(table)) return read_recipe(arguments.what, arguments.assignments);
  return read_recipe(read_document(table, arguments.assignments));
}

std::vector<train::Finding> findings_before_training(const DoctorArguments& arguments) {
  const Recipe recipe = recipe_of(arguments);
  const DataParts data = recipe.data.load({});
  print_notes(data.notes);
  random::seed(recipe.seed);
  return all_findings(recipe, data, nn::Model(nn::Layer(model_for(recipe, data.train)), io::info_of(data.train)));
}

std::vector<train::Finding> findings_of_run(const DoctorArguments& arguments) {
  const nn::Model model = load_model(arguments.what);
  const Recipe recipe = read_recipe_of(model.info, arguments.what, arguments.assignments);
  const DataParts data = recipe.data.load(model.info);
  std::vector<train::Finding> findings;
  if (file::is_folder(arguments.what)) findings = train::detail::examine_history(load_history(arguments.what), recipe.train.patience > 0);
  findings = joined(std::move(findings), train::examine_trained(model, data.train));
  return joined(std::move(findings), all_findings(recipe, data, model));
}

void run_doctor(const DoctorArguments& arguments) {
  const bool is_run = file::is_folder(arguments.what) || arguments.what.ends_with(".gradus");
  if (is_run && !arguments.target.empty()) fail("--target", "is for a table; a run says it itself");
  const std::vector<train::Finding> findings = is_run ? findings_of_run(arguments) : findings_before_training(arguments);
  size_t serious = 0;
  for (const train::Finding& finding : findings) {
    serious += finding.severity == train::Severity::serious;
    std::fputs(to_text(finding).c_str(), stdout);
  }
  if (findings.empty()) std::printf("%s: no findings\n", core::printable(arguments.what).c_str());
  std::fflush(stdout);
  if (serious > 0)
    fail(arguments.what, findings.size(), findings.size() == 1 ? " finding" : " findings", ", ", serious, " of them serious");
}

}  // namespace

void add_doctor(CLI::App& app) {
  auto arguments = std::make_shared<DoctorArguments>();
  Command command(app, "doctor", "The mistakes in a table, in a recipe and its data, or in a run; trains nothing");
  command.positional("WHAT", arguments->what, "A table (with --target), a recipe, a run folder or a model file", Need::required);
  command.option("--target", "COLUMN", arguments->target,
                 "Of a table: the column to be foretold, by its name, or its place from 1 (-1: the last)");
  command.option("--test", "FILE", arguments->test, "Of a table: a file of rows for testing (default: a fifth of the rows)");
  command.option("--set", "KEY=VALUE", arguments->assignments, "Change a key of the recipe");
  command.footer(R"(
Each finding says what is wrong and where, why it matters, and one line that mends it. Exit code 0: nothing that is serious was found; 1: something
serious, or an error. `gradus train` looks at the same, and watches while it trains; train.doctor = "off" in a recipe stops that.

  gradus doctor people.csv --target income
  gradus doctor recipes/mlp_fashion.toml
  gradus doctor runs/NAME-TIME)");
  command.runs([arguments] { run_doctor(*arguments); });
}

}  // namespace gradus::cli
