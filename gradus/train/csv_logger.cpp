// Writing of the table of epochs.
#include "gradus/train/csv_logger.hpp"

#include <filesystem>

#include "gradus/base/error.hpp"
#include "gradus/base/file.hpp"

namespace gradus::train {

using namespace core;

CsvLogger::CsvLogger(std::string path) : path_(std::move(path)) {}

void CsvLogger::on_begin(const Run& run) {
  history_ = run.so_far;
  const std::string folder = std::filesystem::path(path_).parent_path().string();
  if (!folder.empty()) file::make_folder(folder);
  if (file::is_folder(path_)) fail_io(path_, "is a folder; a file is needed");
}

bool CsvLogger::on_epoch(const Epoch& epoch) {
  history_.epochs.push_back(epoch);
  file::write_atomically(path_, to_csv(history_));
  return false;
}

}  // namespace gradus::train
