// Curves for TensorBoard, written without it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "gradus/train/history.hpp"

namespace gradus::train {

namespace detail {

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4).
uint32_t crc32c(std::string_view bytes);
/// A record of a TFRecord file: length (8 bytes, little endian), its masked checksum, the bytes, their masked checksum; a checksum c is
/// masked as (c >> 15 | c << 17) + 0xa282ead8.
std::string tf_record(std::string_view bytes);
/// A protobuf message Event: wall_time (field 1, double), step (2), and file_version (3) or a summary (5) of scalars.
std::string version_event(double wall_time);
std::string scalar_event(double wall_time, int64_t step, std::span<const std::pair<std::string, double>> scalars);

/// A file of events that grows.
class EventFile {
 public:
  /// Makes FOLDER/events.out.tfevents.TIME.HOST.PID.NUMBER, of a name that is not there yet, and the folder.
  explicit EventFile(const std::string& folder);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;
  /// Appends a record. Throws an Error of kind io where it cannot be written; the file is then as it was.
  void append(std::string_view event);

 private:
  std::string path_;
  int descriptor_ = -1;
  int64_t bytes_ = 0;
};

}  // namespace detail

/// After each epoch appends its numbers to event files that TensorBoard reads (tensorboard --logdir FOLDER): those of training under
/// FOLDER/train, those of validation under FOLDER/validation, by the same names ("loss", "accuracy"), so that their curves lie in one
/// chart; with them "learning_rate" and "examples_per_second". Steps are those of the optimiser. Files are made after the first epoch; a
/// run that is resumed writes new ones, whose steps go on, and TensorBoard joins them. Throws an Error of kind io where a file cannot be
/// written.
///
///   .callbacks = {std::make_shared<train::TensorBoard>("runs/a")}
class TensorBoard final : public Callback {
 public:
  explicit TensorBoard(std::string folder) : folder_(std::move(folder)) {}
  bool on_epoch(const Epoch& epoch) override;

 private:
  std::string folder_;
  std::unique_ptr<detail::EventFile> training_, validation_;
};

}  // namespace gradus::train
