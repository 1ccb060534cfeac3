// Run folders.
#include "gradus/cli/run_folder.hpp"

#include <ctime>
#include <filesystem>
#include <system_error>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"
#include "gradus/io/model_file.hpp"

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
    for (int number = 2; file::exists(folder.path); ++number) folder.path = concat(base, "-", number);
  }
  for (const std::string& part : {folder.model(), folder.metrics(), folder.report()}) {
    if (may_replace || !file::exists(part)) continue;
    throw Error(Error::Kind::io, folder.path, "the folder holds a run already; name another one, or replace the run with --replace");
  }
  folder.is_new = !file::exists(folder.path);
  folder.is_parent_new = asked.empty() && !file::exists("runs");
  file::make_folder(folder.path);
  return folder;
}

void remove_if_empty(const RunFolder& folder) {
  if (!folder.is_new || file::exists(folder.model()) || file::exists(folder.metrics())) return;
  std::error_code ignored;
  std::filesystem::remove(folder.recipe(), ignored);
  std::filesystem::remove(folder.path, ignored);  // only if nothing else is in it
  if (folder.is_parent_new) std::filesystem::remove("runs", ignored);
}

nn::Model load_model(const std::string& run_or_model) {
  return io::load(file::is_folder(run_or_model) ? RunFolder{run_or_model}.model() : run_or_model);
}

bool Saver::on_step(const train::Progress&) {
  ++steps_;
  return false;
}

bool Saver::on_epoch(const train::Epoch& epoch) {
  history_.epochs.push_back(epoch);
  file::write_atomically(folder_.metrics(), train::to_csv(history_));
  if (Clock::now() - saved_ >= std::chrono::seconds(10)) {
    save_model_();
    saved_ = Clock::now();
  }
  return false;
}

}  // namespace gradus::cli
