// The folder that a training run leaves: recipe.toml, model.gradus, metrics.csv, report.html.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "gradus/nn/model.hpp"
#include "gradus/train/history.hpp"

namespace gradus::cli {

struct RunFolder {
  std::string path{};
  std::string model() const { return path + "/model.gradus"; }
  std::string recipe() const { return path + "/recipe.toml"; }
  std::string metrics() const { return path + "/metrics.csv"; }
  std::string report() const { return path + "/report.html"; }
};

/// Makes the folder `asked`, or runs/NAME-TIME if that is empty (with -2, -3 ... behind it if it exists), and checks that it can be
/// written to.
RunFolder make_run_folder(const std::string& asked, const std::string& name);

/// The model of a run folder or of a model file.
nn::Model load_model(const std::string& run_or_model);
/// Name of the recipe's text among the texts of a model file.
inline constexpr const char* kRecipeText = "recipe";

/// Writes metrics.csv after each epoch, and the model when the last time was at least 10 seconds ago.
std::shared_ptr<train::Callback> save_while_training(const RunFolder& folder, std::function<void()> save_model);

}  // namespace gradus::cli
