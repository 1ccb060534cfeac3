// TensorBoard's files of events: records with checksums, written one after the other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace gradus::train::detail {

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

}  // namespace gradus::train::detail
