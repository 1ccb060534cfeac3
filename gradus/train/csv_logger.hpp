// The numbers of each epoch in a CSV file, while training runs.
#pragma once

#include <chrono>
#include <string>

#include "gradus/train/history.hpp"

namespace gradus::train {

/// After the first epoch, then once a second at most, and at the end writes all epochs so far, as to_csv has them: a whole file at any time.
/// A run that is resumed goes on with the epochs that it has.
///
///   .callbacks = {std::make_shared<train::CsvLogger>("runs/a.csv")}
class CsvLogger final : public Callback {
 public:
  explicit CsvLogger(std::string path);
  CsvLogger(const CsvLogger&) = delete;
  CsvLogger& operator=(const CsvLogger&) = delete;
  /// Writes what is not written yet, where a run ended by an error; what cannot be written is let go.
  ~CsvLogger() override;
  void on_begin(const Run& run) override;
  /// Throws an Error of kind io where the file cannot be written; the old one stays.
  bool on_epoch(const Epoch& epoch) override;
  void on_end(const History&) override { write(); }

 private:
  using Clock = std::chrono::steady_clock;
  void write();
  std::string path_;
  History history_{};
  Clock::time_point written_{};
  size_t begun_with_ = 0, epochs_written_ = 0;
};

}  // namespace gradus::train
