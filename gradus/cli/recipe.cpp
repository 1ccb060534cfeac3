// The recipe as a whole: name, seed, loss, training.
#include "gradus/cli/recipe.hpp"

#include <algorithm>
#include <filesystem>

#include "gradus/base/printable.hpp"
#include "gradus/cli/keys.hpp"
#include "gradus/cli/section.hpp"
#include "gradus/nn/loss_kinds.hpp"

namespace gradus::cli {

namespace {

constexpr size_t kLongestName = 200;

struct Root {
  std::string name{}, description{};
  int64_t seed = 0;
  std::string folder{};
  GRADUS_OPTIONS(name, description, seed, folder)
};
std::span<const FieldNote> Root::field_notes() {
  static constexpr FieldNote notes[] = {{"name", "names the folder of a run; by default that of the file"},
                                        {"description", "a line for people"},
                                        {"seed", "of all that is random", range::not_negative},
                                        {"folder", "where paths that are not absolute go from; by default the folder of the file"}};
  return notes;
}

}  // namespace

std::span<const std::string_view> enum_names(Solver) {
  static constexpr std::string_view names[] = {"gradient", "exact"};
  return names;
}
std::span<const FieldNote> TrainSettings::field_notes() {
  static constexpr FieldNote notes[] = {
      {"epochs", "passes over the training samples", {.low = 1, .high = 1'000'000}},
      {"batch_size", "samples in a batch", range::positive},
      {"accumulate", "batches in a step: its gradient is that of all their samples", range::positive},
      {"patience", "stop after so many epochs without progress, and keep the best; 0: never", range::not_negative},
      {"shuffle", "another order in each epoch"},
      {"clip_norm", "gradients are scaled down to this norm; 0: not", range::not_negative},
      {"metrics", "what is measured beside the loss"},
      {"class_weight", "how much the training samples of a class count; those that are not named count 1"},
      {"ema", "decay of a running mean of the parameters, which is what is validated and saved; 0: none", range::share},
      {"ema_warmup", "in step t the decay is at most (1 + t) / (10 + t)"},
      {"freeze", "patterns of parameters that stay as they are, [\"0.**\", \"**.bias\"]"},
      {"precision", "mixed_bfloat16: products in bfloat16, all else in float32; fast where the processor has AMX or AVX512-BF16"},
      {"privacy", "noisy steps that hide each single sample: {target_epsilon = 3, delta = 1e-5}, see docs/privacy.md"},
      {"rules", "file of what the outputs must keep to, see docs/knowledge.md"},
      {"checkpoint_steps", "the run's state is written after so many steps; 0: by time only", range::not_negative},
      {"checkpoint_minutes", "and after so many minutes; 0: by steps only", range::not_negative},
      {"tensorboard", "whether event files for TensorBoard are written, under tensorboard/ of the run folder"},
      {"callbacks", "what else hears of the run, see callbacks"},
      {"solver", "exact: the optimum of one Dense layer at once, for mean_squared_error and cross-entropies; epochs and optimizer do not count"},
      {"penalty", "of the exact solver: how strongly coefficients are drawn to 0; \"none\": by cross-validation", range::not_negative},
      {"doctor", "looks for mistakes before and while training; automatic: as warn; strict: they stop the run"}};
  return notes;
}
std::vector<KeyGroup> root_keys() { return {{"", "", described<Root>()}}; }
std::vector<KeyGroup> train_keys() { return {{"", "", described<TrainSettings>()}}; }

loss::Loss read_loss(const Section& section) {
  if (!section.has("name")) section.fail_missing("name", "a text in quotes");
  return section.read_fields(section.choice("name", loss::loss_kinds()).read);
}

std::vector<metrics::Metric> test_metrics(const Recipe& recipe, const data::Dataset& set) {
  std::vector<metrics::Metric> all = recipe.train.metrics;
  const bool has_accuracy = std::any_of(all.begin(), all.end(), [](const metrics::Metric& metric) { return metric.name() == "accuracy"; });
  if (!has_accuracy && !set.class_names.empty() && metrics::misfit(metrics::accuracy, recipe.loss).empty())
    all.push_back(metrics::accuracy);
  return all;
}

Recipe read_recipe(const std::string& path, const std::vector<std::string>& assignments) {
  Document document(path);
  for (const std::string& assignment : assignments) document.set(assignment);
  return read_recipe(document);
}

data::Tokenizer tokenizer_in(const nn::ModelInfo& info, const std::string& what) {
  return info.tokenizer.exists() ? data::Tokenizer::from_datum(info.tokenizer, what) : data::Tokenizer();
}

Recipe read_recipe_of(const nn::ModelInfo& info, const std::string& what, const std::vector<std::string>& assignments) {
  const auto found = info.extra.find(kRecipeText);
  if (found == info.extra.end()) fail(what, "the file holds no recipe that would say which data to use");
  Document document("recipe of " + what, found->second);
  for (const std::string& assignment : assignments) document.set(assignment);
  return read_recipe(document);
}

Recipe read_recipe(const Document& document) {
  const Section root(document);
  const Section data = root.section("data"), model = root.section("model"), loss = root.section("loss"), train = root.section("train");
  const Section optimizer = root.section("optimizer"), schedule = root.section("schedule"), preprocess = root.section("preprocess");

  Recipe recipe;
  const Root keys = root.assigned(Root{.name = std::filesystem::path(document.path()).stem().string()});
  recipe.name = keys.name;
  if (recipe.name.empty() || recipe.name.size() > kLongestName || recipe.name.find('/') != std::string::npos ||
      printable(recipe.name) != recipe.name) {
    root.fail_at("name", concat("it names a folder; it must have 1 to ", kLongestName, " bytes, no / and no control characters"));
  }
  recipe.description = keys.description;
  recipe.seed = keys.seed;
  recipe.has_search = root.has("search");
  root.finish();  // a misspelt [data] is an unknown key before it is a missing source
  recipe.data = read_data(data, preprocess, recipe.seed);
  read_model(model, recipe);
  recipe.loss = read_loss(loss);
  recipe.make_optimizer = read_optimizer(optimizer, schedule);
  train.read_fields([&](const Datum::Table& given, FieldReading& reading, std::span<const std::string>) {
    read_fields(fields_of(recipe.train), &recipe.train, given, reading);
  });
  if (!recipe.train.rules.empty()) recipe.train.rules = train.located("rules", recipe.train.rules);
  for (size_t i = 0; i < recipe.train.metrics.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (recipe.train.metrics[k].name() == recipe.train.metrics[i].name())
        train.fail_at("metrics", concat(recipe.train.metrics[i].name(), " stands there twice"));
    }
  }
  for (const metrics::Metric& metric : recipe.train.metrics) {
    if (const std::string problem = metrics::misfit(metric, recipe.loss); !problem.empty())
      train.fail_at("metrics", concat(metric.name(), " ", problem));
  }
  recipe.text = document.text(recipe.name);
  return recipe;
}

}  // namespace gradus::cli
