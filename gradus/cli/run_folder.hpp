// The folder that a training run leaves: recipe.toml, model.gradus, metrics.csv, folds.csv, report.html, card.md, card.html, checkpoints, tensorboard.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "gradus/base/file.hpp"
#include "gradus/nn/model.hpp"
#include "gradus/train/csv_logger.hpp"

namespace gradus::cli {

struct RunFolder {
  std::string path{};
  bool is_new = false, is_parent_new = false;  ///< made by this run
  std::shared_ptr<file::FolderLock> lock{};    ///< no other run writes into it while this one does
  std::string model() const { return path + "/model.gradus"; }
  std::string recipe() const { return path + "/recipe.toml"; }
  std::string metrics() const { return path + "/metrics.csv"; }
  std::string folds() const { return path + "/folds.csv"; }  ///< of a cross-validation
  std::string report() const { return path + "/report.html"; }
  std::string card(const char* kind) const { return path + "/card." + kind; }  ///< "md", "html"
  std::string checkpoints() const { return path + "/checkpoints"; }
  std::string tensorboard() const { return path + "/tensorboard"; }
};

/// Makes the folder `asked`, or runs/NAME-TIME if that is empty (with -2, -3 ... behind it if it exists): of runs that start at once each
/// gets its own. A folder that holds a run is refused unless `may_replace`; one that another run is writing into is refused always.
RunFolder make_run_folder(const std::string& asked, const std::string& name, bool may_replace);
/// The folder of a run that is to be gone on with. Throws if it is none, or another run is writing into it.
RunFolder open_run_folder(const std::string& path);
/// Removes what a run that came to nothing left: recipe and folder, if the run made the folder and no model is in it.
void remove_if_empty(const RunFolder& folder);

/// Removes the checkpoints of an earlier run, or its event files.
void remove_checkpoints(const RunFolder& folder);
void remove_events(const RunFolder& folder);

/// The model file of a run folder, or the file itself.
std::string model_path(const std::string& run_or_model);
/// The model of a run folder or of a model file.
nn::Model load_model(const std::string& run_or_model);
/// The one layer of a model that has one, as recipes of whole networks do; else what the model is made of.
const nn::Layer& sole_layer(const nn::Model& model);
/// The epochs of a run, from its metrics.csv. Throws for a folder that is no run, and for a damaged file.
train::History load_history(const std::string& run);

/// While training: after the first step removes what a run that is replaced had left, and writes the recipe; writes metrics.csv as
/// CsvLogger does, and the model when the last time was at least 10 seconds ago.
class Saver final : public train::Callback {
 public:
  Saver(RunFolder folder, std::string recipe, std::function<void()> save_model)
      : folder_(std::move(folder)), recipe_(std::move(recipe)), save_model_(std::move(save_model)), table_(folder_.metrics()) {}
  void on_begin(const train::Run& run) override;
  bool on_step(const train::Progress&) override;
  bool on_epoch(const train::Epoch& epoch) override;
  void on_end(const train::History& history) override { table_.on_end(history); }
  /// Steps that were finished.
  int64_t steps() const { return steps_; }

 private:
  using Clock = std::chrono::steady_clock;
  RunFolder folder_;
  std::string recipe_;
  std::function<void()> save_model_;
  train::CsvLogger table_;
  Clock::time_point saved_ = Clock::now();
  int64_t steps_ = 0;
};

}  // namespace gradus::cli
