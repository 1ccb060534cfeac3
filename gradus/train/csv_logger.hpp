// The numbers of each epoch in a CSV file, while training runs.
#pragma once

#include <string>

#include "gradus/train/history.hpp"

namespace gradus::train {

/// After each epoch writes all so far, as to_csv has them: a whole file at any time. A run that is resumed goes on with the epochs that it
/// has.
///
///   .callbacks = {std::make_shared<train::CsvLogger>("runs/a.csv")}
class CsvLogger final : public Callback {
 public:
  explicit CsvLogger(std::string path);
  void on_begin(const Run& run) override;
  /// Throws an Error of kind io where the file cannot be written; the old one stays.
  bool on_epoch(const Epoch& epoch) override;

 private:
  std::string path_;
  History history_{};
};

}  // namespace gradus::train
