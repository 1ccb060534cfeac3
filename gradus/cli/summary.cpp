// gradus summary: layers, output shapes, parameters and multiply-adds of a recipe's model or of a trained one.

#include "gradus/nn/summary.hpp"

#include <cstdio>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/cli/command.hpp"
#include "gradus/cli/commands.hpp"
#include "gradus/cli/recipe.hpp"
#include "gradus/cli/run_folder.hpp"

namespace gradus::cli {

namespace {

struct SummaryArguments {
  std::string what{};
  std::vector<std::string> assignments{};
  int64_t batch = 1;
};

Shape batched(int64_t batch, const Shape& sample) {
  std::vector<int64_t> sizes = {batch};
  sizes.insert(sizes.end(), sample.begin(), sample.end());
  return Shape(sizes);
}

std::string summary_of(const Recipe& recipe, int64_t batch) {
  if (recipe.data.input_shape) return nn::summary(recipe.model, batched(batch, *recipe.data.input_shape));
  const data::Dataset set = recipe.data.load({}).train;
  const Shape sample(std::span<const int64_t>(set.x.shape().begin() + 1, set.x.shape().end()));
  return nn::summary(model_for(recipe, set), batched(batch, sample), set.x.dtype());
}

void run_summary(const SummaryArguments& arguments) {
  if (arguments.what.ends_with(".toml")) {
    const Recipe recipe = read_recipe(arguments.what, arguments.assignments);
    std::printf("%s\n", summary_of(recipe, arguments.batch).c_str());
    return;
  }
  if (!arguments.assignments.empty()) fail(arguments.what, "--set changes a recipe (.toml); this is no recipe");
  const nn::Model model = load_model(arguments.what);
  if (model.info.input_shape.empty()) {
    std::printf("%s\n", nn::summary(model).c_str());
    return;
  }
  std::printf("%s\n", nn::summary(model, batched(arguments.batch, Shape(model.info.input_shape)), model.info.input_dtype).c_str());
}

}  // namespace

void add_summary(CLI::App& app) {
  auto arguments = std::make_shared<SummaryArguments>();
  Command command(app, "summary", "Layers, output shapes, parameters and multiply-adds of a model");
  command.positional("WHAT", arguments->what, "Recipe (.toml), run folder or model file", Need::required);
  command.option("--set", "KEY=VALUE", arguments->assignments, "Change a key of the recipe");
  command.option("--batch", {1, int64_t{1} << 24}, arguments->batch, "Samples in the input (default: 1)");
  command.footer(R"(
  gradus summary recipes/cnn_fashion.toml --batch 128
  gradus summary runs/NAME-TIME)");
  command.runs([arguments] { run_summary(*arguments); });
}

}  // namespace gradus::cli
