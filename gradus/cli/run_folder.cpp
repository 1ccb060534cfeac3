// Run folders.
#include "gradus/cli/run_folder.hpp"

#include <cmath>
#include <ctime>
#include <filesystem>
#include <system_error>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/data/numbers.hpp"
#include "gradus/io/model_file.hpp"
#include "gradus/train/checkpoint.hpp"

namespace gradus::cli {

namespace {

std::string time_text() {
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &local);
  return text;
}

}  // namespace

RunFolder make_run_folder(const std::string& asked, const std::string& name, bool may_replace) {
  RunFolder folder{asked};
  if (asked.empty()) {
    const std::string base = "runs/" + name + "-" + time_text();
    folder.path = base;
    folder.is_parent_new = file::make_new_folder("runs");
    for (int number = 2; !file::make_new_folder(folder.path); ++number) folder.path = concat(base, "-", number);
    folder.is_new = true;
    folder.lock = std::make_shared<file::FolderLock>(folder.path);
  }
  // Another run of that name that comes to nothing may just be removing it.
  for (int tries = 0; !folder.lock || (!folder.lock->is_held() && tries < 100 && !file::is_folder(asked)); ++tries) {
    folder.is_new = file::make_new_folder(asked);
    if (!folder.is_new && file::exists(asked) && !file::is_folder(asked)) fail_io(asked, "is a file; a folder is needed");
    folder.lock = std::make_shared<file::FolderLock>(asked);
  }
  if (!folder.lock->is_held()) fail_io(folder.path, "another run is writing into the folder; name another one");
  if (train::has_checkpoint(folder.checkpoints())) {
    if (!may_replace)
      fail_io(
          folder.path,
          "the folder holds a run that was interrupted; go on with it by --resume, name another folder, or replace the run with --replace");
    std::filesystem::remove_all(folder.checkpoints());
  }
  for (const std::string& part : {folder.model(), folder.metrics(), folder.report()}) {
    if (may_replace || !file::exists(part)) continue;
    fail_io(folder.path, "the folder holds a run already; name another one, or replace the run with --replace");
  }
  return folder;
}

RunFolder open_run_folder(const std::string& path) {
  RunFolder folder{path};
  if (!file::is_folder(path)) fail_io(path, "is no run folder; --resume takes the folder that `gradus train` has made");
  if (!file::exists(folder.recipe())) fail_io(path, "holds no recipe.toml; no step of the run was finished, or it is no run folder");
  folder.lock = std::make_shared<file::FolderLock>(path);
  if (!folder.lock->is_held()) fail_io(path, "another run is writing into the folder; two cannot go on with one run");
  for (const char* name : {"model.gradus.", "recipe.toml.", "metrics.csv.", "report.html."}) file::remove_unfinished(path, name);
  if (file::exists(folder.report()) && !train::has_checkpoint(folder.checkpoints()))
    fail_io(path, "the run has ended; there is nothing to go on with");
  return folder;
}

void remove_if_empty(const RunFolder& folder) {
  if (!folder.is_new || file::exists(folder.model()) || file::exists(folder.metrics())) return;
  std::error_code ignored;
  std::filesystem::remove(folder.recipe(), ignored);
  std::filesystem::remove(folder.checkpoints(), ignored);
  std::filesystem::remove(folder.path, ignored);  // only if nothing else is in it
  if (folder.is_parent_new) std::filesystem::remove("runs", ignored);
}

namespace {

// The files of a folder with such names, and the folder if nothing else is in it.
void remove_files(const std::string& folder, std::string_view beginning, std::string_view end) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator at(folder, ignored), last; !ignored && at != last; at.increment(ignored)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with(beginning) && name.ends_with(end)) std::filesystem::remove(at->path(), ignored);
  }
  std::filesystem::remove(folder, ignored);
}

}  // namespace

void remove_checkpoints(const RunFolder& folder) { remove_files(folder.checkpoints(), "step-", ".checkpoint"); }

void remove_events(const RunFolder& folder) {
  for (const char* part : {"/train", "/validation"}) remove_files(folder.tensorboard() + part, "events.out.tfevents.", "");
  std::error_code ignored;
  std::filesystem::remove(folder.tensorboard(), ignored);
}

train::History load_history(const std::string& run) {
  const RunFolder folder{run};
  if (!file::is_folder(run))
    fail_io(run, file::exists(run) ? "is a file" : "is not there", "; a run folder is needed, as `gradus train` makes it");
  if (!file::exists(folder.metrics())) fail_io(run, "holds no metrics.csv; no epoch of the run was finished, or it is no run folder");
  const data::Numbers table = data::read_numbers(folder.metrics(), data::FirstLine::names);
  constexpr std::string_view first[] = {"epoch", "steps", "learning_rate", "seconds"};
  if (table.columns.size() < std::size(first) || !std::equal(std::begin(first), std::end(first), table.columns.begin())) {
    fail_io(folder.metrics(), "is no table of epochs; its columns must be epoch, steps, learning_rate, seconds, loss, ...");
  }
  const size_t width = table.columns.size();
  const std::vector<double> values = table.values.to_vector<double>();
  train::History history;
  for (size_t at = 0; at + width <= values.size(); at += width) {
    const auto count = [&](size_t column) {
      const double number = values[at + column];
      if (number >= 0 && number < 1e15 && number == std::floor(number)) return static_cast<int64_t>(number);
      fail_io(folder.metrics(), "row ", at / width + 1, ": ", first[column], " is ", number, "; it must be a whole number");
    };
    train::Epoch epoch{.number = count(0), .learning_rate = values[at + 2], .seconds = values[at + 3], .steps = count(1)};
    for (size_t i = std::size(first); i < width; ++i) epoch.logs.set(table.columns[i], values[at + i]);
    history.seconds += epoch.seconds;
    history.steps = epoch.steps;
    history.epochs.push_back(std::move(epoch));
  }
  return history;
}

std::string model_path(const std::string& run_or_model) {
  return file::is_folder(run_or_model) ? RunFolder{run_or_model}.model() : run_or_model;
}
nn::Model load_model(const std::string& run_or_model) { return io::load(model_path(run_or_model)); }
const nn::Layer& sole_layer(const nn::Model& model) {
  const auto* layers = model.layer().as<nn::Sequential>();
  return layers && layers->size() == 1 ? (*layers)[0] : model.layer();
}

// What a run that is gone on with had written stays.
void Saver::on_begin(const train::Run& run) {
  table_.on_begin(run);
  steps_ = run.so_far.steps;
}

bool Saver::on_step(const train::Progress&) {
  if (steps_++ > 0) return false;
  std::error_code ignored;
  for (const std::string& part :
       {folder_.model(), folder_.metrics(), folder_.folds(), folder_.report(), folder_.card("md"), folder_.card("html")})
    std::filesystem::remove(part, ignored);
  remove_checkpoints(folder_);
  remove_events(folder_);
  file::write_atomically(folder_.recipe(), recipe_);
  return false;
}

bool Saver::on_epoch(const train::Epoch& epoch) {
  table_.on_epoch(epoch);
  if (Clock::now() - saved_ >= std::chrono::seconds(10)) {
    save_model_();
    saved_ = Clock::now();
  }
  return false;
}

}  // namespace gradus::cli
