// Writing of the table of epochs.
#include "gradus/train/csv_logger.hpp"

#include <algorithm>
#include <filesystem>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"

namespace gradus::train {

using namespace core;

CsvLogger::CsvLogger(std::string path) : path_(std::move(path)) {}

void CsvLogger::on_begin(const Run& run) {
  history_ = run.so_far;
  begun_with_ = history_.epochs.size();
  epochs_written_ = 0;
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  if (!folder.empty()) file::make_folder(folder);
  if (file::is_folder(path_)) fail_io(path_, "is a folder; a file is needed");
}

// A file that is safe on the disk takes some milliseconds: more than many an epoch.
bool CsvLogger::on_epoch(const Epoch& epoch) {
  history_.epochs.push_back(epoch);
  if (epochs_written_ == 0 || Clock::now() - written_ >= std::chrono::seconds(1)) write();
  return false;
}

void CsvLogger::write() {
  if (history_.epochs.size() <= std::max(begun_with_, epochs_written_)) return;
  file::write_atomically(path_, to_csv(history_));
  epochs_written_ = history_.epochs.size();
  written_ = Clock::now();
}

CsvLogger::~CsvLogger() {
  try {
    write();
  } catch (const std::exception&) {
  }
}

}  // namespace gradus::train
