// The recipe as a whole: name, seed, loss, training.
#include "gradus/cli/recipe.hpp"

#include <cmath>
#include <filesystem>

#include "gradus/base/printable.hpp"
#include "gradus/cli/section.hpp"

namespace gradus::cli {

namespace {

constexpr size_t kLongestName = 200;

TrainSettings read_train(const Section& section) {
  const TrainSettings standard;
  TrainSettings train;
  train.epochs = section.integer("epochs", standard.epochs, {.low = 1, .high = 1'000'000});
  train.batch_size = section.integer("batch_size", standard.batch_size, {.low = 1});
  train.patience = section.integer("patience", standard.patience, {.low = 0});
  train.shuffle = section.flag("shuffle", standard.shuffle);
  train.clip_norm = section.number("clip_norm", standard.clip_norm, {.low = 0});
  return train;
}

std::vector<metrics::Metric> read_metrics(const Section& section) {
  std::vector<metrics::Metric> all;
  for (const std::string& name : section.texts("metrics")) {
    try {
      all.push_back(metrics::Metric::from_name(name));
    } catch (const Error& error) {
      section.fail_at("metrics", error.problem());
    }
  }
  return all;
}

}  // namespace

int64_t RunLength::steps_of(double count) const { return std::llround(count * static_cast<double>(steps_per_epoch)); }

loss::Loss read_loss(const Section& section) {
  const std::string name = section.required_text("name");
  loss::Loss loss;
  try {
    loss = loss::Loss::from_name(name);
  } catch (const Error& error) {
    section.fail_at("name", error.problem());
  }
  const double smoothing = section.number("label_smoothing", 0, {.low = 0, .high = 1});
  const double delta = section.number("delta", 1, {.low = 0});
  section.finish();
  if (section.has("delta") && name != "huber") section.fail_at("delta", "only huber has a delta");
  if (name == "huber") {
    return [delta](const Array& output, const Array& target) { return loss::huber(output, target, {.delta = delta}); };
  }
  if (smoothing == 0) return loss;
  if (name == "sparse_categorical_crossentropy") {
    return [smoothing](const Array& output, const Array& target) {
      return loss::sparse_categorical_crossentropy(output, target, {.label_smoothing = smoothing});
    };
  }
  if (name == "categorical_crossentropy") {
    return [smoothing](const Array& output, const Array& target) {
      return loss::categorical_crossentropy(output, target, {.label_smoothing = smoothing});
    };
  }
  if (name == "binary_crossentropy") {
    return [smoothing](const Array& output, const Array& target) {
      return loss::binary_crossentropy(output, target, {.label_smoothing = smoothing});
    };
  }
  section.fail_at("label_smoothing", "only the cross-entropies have label_smoothing");
}

Recipe read_recipe(const std::string& path, const std::vector<std::string>& assignments) {
  Document document(path);
  for (const std::string& assignment : assignments) document.set(assignment);
  return read_recipe(document);
}

Recipe read_recipe(const Document& document) {
  const Section root(document);
  const Section data = root.section("data"), model = root.section("model"), loss = root.section("loss"), train = root.section("train");
  const Section optimizer = root.section("optimizer"), schedule = root.section("schedule");

  Recipe recipe;
  recipe.name = root.text("name", std::filesystem::path(document.path()).stem().string());
  if (recipe.name.empty() || recipe.name.size() > kLongestName || recipe.name.find('/') != std::string::npos || printable(recipe.name) != recipe.name) {
    root.fail_at("name", concat("it names a folder; it must have 1 to ", kLongestName, " bytes, no / and no control characters"));
  }
  recipe.description = root.text("description", "");
  recipe.seed = root.integer("seed", 0, {.low = 0});
  root.finish();  // a misspelt [data] is an unknown key before it is a missing source
  recipe.data = read_data(data, recipe.seed);
  recipe.model = read_model(model);
  recipe.loss = read_loss(loss);
  recipe.make_optimizer = read_optimizer(optimizer, schedule);
  recipe.train = read_train(train);
  recipe.metrics = read_metrics(train);
  train.finish();
  recipe.text = document.text();
  return recipe;
}

}  // namespace gradus::cli
